//! How often a program may fail before the next law has its turn.
//!
//! A program that stops is started again for every case, and a failure is shrunk by some hundred cases more. One that
//! stops at each of them, or takes its whole time for each, would keep a run busy for hours without saying more.

use intnacl_reference::Request;

/// The failures in a row after which a law is given up that had no answer yet.
pub const IN_A_ROW: u32 = 5;
/// The failures in all after which a law is given up: enough for most of what makes a case smaller.
pub const IN_ALL: u32 = 25;
/// The failures of a whole run after which a law is given up at its first one.
pub const IN_THE_RUN: u32 = 150;
/// The laws in a row, given up without an answer, after which the program is not asked any more.
pub const LAWS: u32 = 10;

/// The failures of a program, not of its answers, while one law is checked.
#[derive(Debug, Default)]
pub struct Patience {
    answered: bool,
    count: u32,
    last: Option<(String, Request)>,
    over: Option<String>,
}

/// What became of it, at the end of a law.
#[derive(Debug)]
pub struct Failures {
    /// How often the program failed.
    pub count: u32,
    /// How it failed last, and the request at which it did.
    pub last: (String, Request),
    /// Why the law was given up, if it was.
    pub given_up: Option<String>,
}

impl Patience {
    /// The program has answered, rightly or not.
    pub fn answered(&mut self) {
        self.answered = true;
    }

    /// The program has failed, `before` failures into the run; `slow` if an answer was waited for in vain.
    pub fn failed(&mut self, message: String, request: &Request, slow: bool, before: u32) {
        self.count += 1;
        self.last = Some((message, request.clone()));
        self.over = if slow {
            Some("after an answer that was waited for in vain".into())
        } else if before >= IN_THE_RUN {
            Some(format!("at its first failure, after {IN_THE_RUN} of others"))
        } else if !self.answered && self.count >= IN_A_ROW {
            Some(format!("after {IN_A_ROW} failures in a row"))
        } else if self.count >= IN_ALL {
            Some(format!("after {IN_ALL} failures"))
        } else {
            None
        };
    }

    /// Whether the law is given up.
    pub fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// What became of it, if there was a failure.
    pub fn into_failures(self) -> Option<Failures> {
        let Self { count, last, over: given_up, .. } = self;
        last.map(|last| Failures { count, last, given_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intnacl_reference::{Batch, Loss, Settings};
    use nalgebra::dmatrix;

    fn request() -> Request {
        let data = Batch::new(vec![dmatrix![1.0; -1.0], dmatrix![1.0; 1.0]]);
        Request::Batch { loss: Loss::SimClr, settings: Settings::new(0.5), data }
    }

    #[test]
    fn it_ends_after_failures_without_an_answer_and_after_many_in_all() {
        let (mut in_a_row, mut in_all) = (Patience::default(), Patience::default());
        in_all.answered();
        for count in 1..=IN_ALL {
            if count <= IN_A_ROW {
                in_a_row.failed(String::new(), &request(), false, 0);
                assert_eq!(in_a_row.is_over(), count == IN_A_ROW);
            }
            in_all.failed(count.to_string(), &request(), false, IN_THE_RUN - 1);
            assert_eq!(in_all.is_over(), count == IN_ALL);
        }
        let failures = in_all.into_failures().expect("failures");
        assert_eq!((failures.count, failures.last.0.as_str()), (IN_ALL, "25"));
        assert_eq!(failures.given_up.as_deref(), Some("after 25 failures"));
        let given_up = in_a_row.into_failures().and_then(|failures| failures.given_up);
        assert_eq!(given_up.as_deref(), Some("after 5 failures in a row"));
    }

    #[test]
    fn a_hang_is_not_waited_for_twice() {
        let mut patience = Patience::default();
        patience.failed("slow".into(), &request(), true, 0);
        assert!(patience.is_over());
        assert!(Patience::default().into_failures().is_none());
    }

    #[test]
    fn late_in_a_run_the_first_failure_is_enough() {
        let mut patience = Patience::default();
        patience.answered();
        patience.failed(String::new(), &request(), false, IN_THE_RUN);
        assert!(patience.is_over());
    }
}
