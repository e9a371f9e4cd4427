//! Work on all cores, without a pool: threads live as long as one call.

use std::num::NonZero;

/// Below this many elementary steps a thread costs more than it brings.
const WORTH_A_THREAD: usize = 20_000;

/// The results of `work(0)..work(count)`, in order. `cost` is the number of elementary steps of one.
pub(crate) fn map<T: Send>(count: usize, cost: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads(count.saturating_mul(cost)).min(count.max(1));
    if threads < 2 {
        return (0..count).map(work).collect();
    }
    let work = &work;
    let share = count.div_ceil(threads);
    std::thread::scope(|scope| {
        let starts: Vec<usize> = (0..count).step_by(share).collect();
        let chunk = |start: usize| (start..(start + share).min(count)).map(work).collect::<Vec<T>>();
        let others: Vec<_> = starts[1..].iter().map(|&start| scope.spawn(move || chunk(start))).collect();
        let mut results = chunk(0);
        for handle in others {
            match handle.join() {
                Ok(mut part) => results.append(&mut part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// How many threads a number of elementary steps is worth.
pub(crate) fn threads(steps: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    (steps / WORTH_A_THREAD).clamp(1, cores)
}
