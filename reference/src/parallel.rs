//! Work on all cores, without a pool: threads live as long as one call.

use std::num::NonZero;
use std::sync::LazyLock;

/// Below this many elementary steps, of about a nanosecond, a thread costs more than it brings.
const WORTH_A_THREAD: usize = 60_000;

/// Each item's result, in order. `cost` is the number of elementary steps of one.
pub(crate) fn map<I: Send, T: Send>(items: Vec<I>, cost: usize, work: impl Fn(I) -> T + Sync) -> Vec<T> {
    let mut shares = split(items, cost, |items| items.map(&work).collect::<Vec<T>>()).into_iter();
    let mut results = shares.next().unwrap_or_default();
    results.extend(shares.flatten());
    results
}

/// One result for each of a few shares of the items, in order: a thread a share.
pub(crate) fn split<I: Send, T: Send>(
    mut items: Vec<I>,
    cost: usize,
    work: impl Fn(std::vec::IntoIter<I>) -> T + Sync,
) -> Vec<T> {
    let threads = threads(items.len().saturating_mul(cost)).min(items.len().max(1));
    if threads < 2 {
        return vec![work(items.into_iter())];
    }
    let (work, share) = (&work, items.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let mut others = Vec::with_capacity(threads);
        while items.len() > share {
            let last = items.split_off((items.len() - 1) / share * share);
            others.push(scope.spawn(move || work(last.into_iter())));
        }
        let mut results = vec![work(items.into_iter())];
        for handle in others.into_iter().rev() {
            match handle.join() {
                Ok(result) => results.push(result),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

/// The number of threads that a number of elementary steps is worth.
fn threads(steps: usize) -> usize {
    // Asking reads files on Linux, which takes longer than a small evaluation.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    (steps / WORTH_A_THREAD).clamp(1, *CORES)
}
