//! The threads that libtorch's own operators run on, for the fused engine.
//!
//! libtorch's threads stay awake for a while after each operator. A second team would have to share the processors
//! with them, which costs a batch of 256 images more than it gains. So work goes to the same threads, by the one
//! function of OpenMP that every compiler's parallel regions call.

use intnacl_engine::{Started, Threads};
use std::ffi::{c_uint, c_void};
use std::sync::LazyLock;

/// `void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags)`: calls the function on
/// as many threads, of which the caller is one, and returns when all have returned.
type Parallel = unsafe extern "C" fn(
    function: extern "C" fn(*mut c_void),
    data: *mut c_void,
    threads: c_uint,
    flags: c_uint,
);

/// The function that libtorch was linked to, if it was built with OpenMP.
static PARALLEL: LazyLock<Option<Parallel>> = LazyLock::new(openmp);

#[cfg(unix)]
fn openmp() -> Option<Parallel> {
    let process = libloading::os::unix::Library::this();
    // SAFETY: a function of this name is part of the ABI of GCC's OpenMP, which LLVM's offers too, and has this type.
    let parallel = unsafe { process.get::<Parallel>(b"GOMP_parallel\0") };
    parallel.ok().map(|parallel| *parallel)
}

#[cfg(not(unix))]
fn openmp() -> Option<Parallel> {
    None
}

/// The threads of libtorch: its own, where they are OpenMP's, else as many.
#[derive(Debug)]
pub(crate) struct Torch;

impl Threads for Torch {
    fn count(&self) -> usize {
        usize::try_from(tch::get_num_threads()).unwrap_or(1)
    }

    fn everywhere(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        /// A panic ends the process here, as it may not unwind through C.
        extern "C" fn call(work: *mut c_void) {
            // SAFETY: `everywhere` passes a pointer to such a reference, both of which live until all calls have returned.
            unsafe { (*work.cast::<&(dyn Fn() + Sync)>())() }
        }
        let Some(parallel) = *PARALLEL else { return Started(threads).everywhere(threads, work) };
        let data = std::ptr::from_ref(&work).cast_mut().cast();
        // SAFETY: the arguments fit the type, and `work` may be called from several threads at once.
        unsafe { parallel(call, data, threads as c_uint, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::Torch;
    use intnacl_engine::Threads;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn each_thread_calls_the_work_once() {
        for threads in [1, 2, 5] {
            let calls = AtomicUsize::new(0);
            Torch.everywhere(threads, &|| {
                calls.fetch_add(1, Ordering::Relaxed);
            });
            // OpenMP may give fewer than it is asked for.
            let calls = calls.into_inner();
            assert!((1..=threads).contains(&calls), "{calls} calls on {threads} threads");
        }
    }
}
