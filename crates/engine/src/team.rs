//! Threads that work together: those that libtorch's own operators run on.
//!
//! libtorch's threads stay awake for a while after each operator. A second team would have to share the processors
//! with them, which costs a batch of 256 images more than it gains. So work goes to the same threads, by the one
//! function of OpenMP that every compiler's parallel regions call.

use std::ffi::{c_uint, c_void};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags)`: calls the function on
/// as many threads, of which the caller is one, and returns when all have returned.
type Parallel = unsafe extern "C" fn(
    function: extern "C" fn(*mut c_void),
    data: *mut c_void,
    threads: c_uint,
    flags: c_uint,
);

/// What libtorch was linked to, if it was built with OpenMP.
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

/// A number of threads.
#[derive(Debug, Clone, Copy)]
pub struct Team {
    threads: usize,
}

impl Team {
    /// As many threads as libtorch uses, as far as so many multiplications are worth them.
    pub(super) fn new(multiplications: usize) -> Self {
        /// About as long as it takes to wake a thread.
        const WORTH_A_THREAD: usize = 1 << 21;
        let available = usize::try_from(tch::get_num_threads()).unwrap_or(1);
        Self { threads: available.min(multiplications / WORTH_A_THREAD).max(1) }
    }

    /// Does `work` for each of a number of items, which are taken in order; `scratch` makes what each thread has
    /// for itself.
    pub(super) fn each<W>(
        &self,
        items: usize,
        scratch: impl Fn() -> W + Sync,
        work: impl Fn(&mut W, usize) + Sync,
    ) {
        let next = AtomicUsize::new(0);
        self.everywhere(items, &|| {
            let mut own = None;
            loop {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= items {
                    return;
                }
                work(own.get_or_insert_with(&scratch), item);
            }
        });
    }

    /// Calls a function on each thread, or on as many as there are items.
    fn everywhere<F: Fn() + Sync>(&self, items: usize, function: &F) {
        /// A panic ends the process here, as it may not unwind through C.
        extern "C" fn call<F: Fn() + Sync>(function: *mut c_void) {
            // SAFETY: `everywhere` passes a function of this type, which lives until all calls have returned.
            unsafe { (*function.cast::<F>())() }
        }
        let threads = self.threads.min(items);
        match *PARALLEL {
            _ if threads <= 1 => function(),
            Some(parallel) => {
                let function = std::ptr::from_ref(function).cast_mut().cast();
                // SAFETY: the arguments fit the type, and `F` may be called from several threads at once.
                unsafe { parallel(call::<F>, function, threads as c_uint, 0) }
            }
            None => std::thread::scope(|scope| {
                for _ in 1..threads {
                    scope.spawn(function);
                }
                function();
            }),
        }
    }
}
