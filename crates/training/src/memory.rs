//! What the program does with memory that it has freed.

/// Keeps freed memory for the next step, instead of giving it back to the system.
///
/// A step frees what it has taken, hundreds of megabytes, and the next one takes it again: new pages from the system
/// cost 5 to 17 % of SimCLR's step on a processor (`notes/results.md`). One heap serves all threads, since those that
/// glibc gives to further threads are too small for a batch's activations.
///
/// It is for the start of a program, while there is one thread. Other systems' memory stays as it is, and so does
/// CUDA's, which libtorch keeps by itself.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in [
        (libc::M_ARENA_MAX, 1),
        // Nothing comes as pages of its own, and the heap is never cut.
        (libc::M_MMAP_MAX, 0),
        (libc::M_TRIM_THRESHOLD, -1),
        (libc::M_TOP_PAD, 64 << 20),
    ] {
        // SAFETY: the function takes any numbers; what it refuses leaves things as they were.
        unsafe { libc::mallopt(parameter, value) };
    }
}
