//! Every law on the exact reference itself, to its own budgets: multiples of the last bit.
//!
//! `PROPTEST_CASES` sets the cases a law, spread over its losses (256 by default), `LAW_SEED` their seed: a number, or
//! `fresh` for another one each time. Failures are shrunk.

use intnacl_judge::{Law, Reference, Standard, check, laws, seed_from_environment, share};

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256)
}

fn holds(law: &Law) {
    let seed = seed_from_environment();
    for loss in law.losses {
        let report = check(law, loss, &Reference, share(law, cases()), seed, Standard::Exact);
        println!(
            "seed {seed} {:<46} {:<14} {:>6} comparisons, {:.2} of the budget",
            report.law,
            report.loss,
            report.comparisons,
            report.worst().ratio()
        );
        assert!(report.judged(), "{} on {loss}: nothing was compared", law.name);
        if let Some(found) = report.counterexample {
            panic!("seed {seed}, {} on {loss}: {}\n{}", law.name, found.message, found.case.code());
        }
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let law = laws().into_iter().find(|law| law.name == stringify!($name));
                holds(&law.expect("a law of this name"));
            }
        )*
    };
}

intnacl_judge::each_law! { tests }
