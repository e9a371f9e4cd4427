//! Whether the machine was quiet: how long the threads that are measured waited for a processor.

use std::fs;

/// What Linux has counted of a process's threads, in nanoseconds.
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
