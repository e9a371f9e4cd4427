//! Threads that work together. Whoever calls the engine hands them in.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads to compute on, such as those that a program has already.
///
/// A batch is cut into pieces of work, of which each thread takes one after the other. The results have the same bits for
/// any number of threads.
pub trait Threads: Sync + Debug {
    /// The number of threads, the caller's among them.
    fn count(&self) -> usize;

    /// Calls `work` on so many threads at once, of which the caller's may be one, and returns when all calls have
    /// returned.
    ///
    /// Each call works until nothing is left to be begun. So fewer calls than were asked for are right too, but slower.
    fn everywhere(&self, threads: usize, work: &(dyn Fn() + Sync));
}

/// The caller's thread, and as many of the standard library's as are needed for so many in all. They are started for each
/// pass over a batch, which takes some ten microseconds a thread.
///
/// # Examples
/// ```
/// use intnacl_engine::{Started, Threads};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let calls = AtomicUsize::new(0);
/// Started(3).everywhere(3, &|| _ = calls.fetch_add(1, Ordering::Relaxed));
/// assert_eq!(calls.into_inner(), 3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started(pub usize);

impl Threads for Started {
    fn count(&self) -> usize {
        self.0
    }

    fn everywhere(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Where the system gives no further thread, those that there are do the work.
                if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
    }
}

/// A number of threads.
#[derive(Debug, Clone, Copy)]
pub struct Team<'a> {
    source: &'a dyn Threads,
    count: usize,
}

impl<'a> Team<'a> {
    /// A team of all threads, or of fewer if so many multiplications are not worth them.
    pub(super) fn new(source: &'a dyn Threads, multiplications: usize) -> Self {
        /// About as long as it takes to wake a thread.
        const WORTH_A_THREAD: usize = 1 << 21;
        Self { source, count: source.count().min(multiplications / WORTH_A_THREAD).max(1) }
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
        let take = || {
            let mut own = None;
            loop {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= items {
                    return;
                }
                work(own.get_or_insert_with(&scratch), item);
            }
        };
        let threads = self.count.min(items);
        if threads > 1 {
            self.source.everywhere(threads, &take);
        }
        // All of it where there is one thread; else nothing, unless the work was never begun.
        take();
    }
}
