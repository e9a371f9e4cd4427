//! Whether the machine was quiet: how long the threads that are measured waited for a processor.

use std::fs;

/// The times that Linux has counted of a process's threads, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Processors {
    pub computed: u64,
    pub waited: u64,
}

impl Processors {
    /// The count so far, of all these processes; `None` where the system does not tell.
    pub fn of(processes: &[u32]) -> Option<Self> {
        let mut sum = Self::default();
        for process in processes {
            for task in fs::read_dir(format!("/proc/{process}/task")).ok()? {
                // A thread may end meanwhile.
                let Ok(text) = fs::read_to_string(task.ok()?.path().join("schedstat")) else { continue };
                let count = Self::parse(&text)?;
                sum.computed += count.computed;
                sum.waited += count.waited;
            }
        }
        Some(sum)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let (computed, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Self { computed, waited })
    }

    /// The share of the time since `start` in which a thread had work and no processor.
    pub fn waited_since(self, start: Self) -> Option<f64> {
        let computed = self.computed.checked_sub(start.computed)? as f64;
        let waited = self.waited.checked_sub(start.waited)? as f64;
        (computed > 0.0).then(|| waited / (computed + waited))
    }
}

/// Tells how much the threads of some processes have waited since it was last asked.
pub struct Clock {
    processes: Vec<u32>,
    last: Option<Processors>,
}

impl Clock {
    pub fn new(processes: Vec<u32>) -> Self {
        let last = Processors::of(&processes);
        Self { processes, last }
    }

    pub fn waited(&mut self) -> Option<f64> {
        let now = Processors::of(&self.processes);
        let waited = self.last.zip(now).and_then(|(last, now)| now.waited_since(last));
        self.last = now;
        waited
    }
}

/// Up to this share of waiting, a round is a quiet one.
const QUIET: f64 = 0.1;
/// So many quiet rounds are enough to do without the others.
const ENOUGH: usize = 3;

/// Whether figures with this share of waiting can be relied on.
pub fn is_quiet(waited: &Option<f64>) -> bool {
    // Where it is not known, nothing can be chosen by it.
    waited.is_none_or(|share| share <= QUIET)
}

/// The number of rounds that were quiet.
pub fn count(waits: &[Option<f64>]) -> usize {
    waits.iter().filter(|waited| is_quiet(waited)).count()
}

/// The rounds that count, and how much was waited in these. A round is chosen by what others did meanwhile, never by
/// its times, and for everybody in it at once.
pub fn kept(waits: &[Option<f64>]) -> (Vec<usize>, Option<f64>) {
    let all = || 0..waits.len();
    let kept: Vec<usize> = match count(waits) >= ENOUGH {
        true => all().filter(|round| is_quiet(&waits[*round])).collect(),
        false => all().collect(),
    };
    let shares: Option<Vec<f64>> = kept.iter().map(|round| waits[*round]).collect();
    let mean = shares.map(|shares| shares.iter().sum::<f64>() / shares.len().max(1) as f64);
    (kept, mean)
}
