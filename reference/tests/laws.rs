//! Every law on the exact reference itself, to its own budgets: multiples of the last bit.
//!
//! `PROPTEST_CASES` sets the cases a law (256 by default); failures are shrunk, and those worth keeping stand
//! in `reference/src/law` as cases of their own.

use intnacl_reference::law::{Law, Reference, check, laws};

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(256)
}

fn holds(law: &Law) {
    for loss in law.losses {
        let report = check(law, loss, &Reference, cases(), 1);
        println!("{:<50} {:<16} {}", report.law, report.loss, report.worst);
        if let Some(counterexample) = report.counterexample {
            panic!("{} on {loss}: {}\n{:#?}", law.name, counterexample.message, counterexample.case);
        }
    }
}

#[test]
fn tmp_all() {
    let mut failed = 0;
    for law in laws() {
        let start = std::time::Instant::now();
        for loss in law.losses {
            let report = check(&law, loss, &Reference, cases(), 1);
            println!(
                "{:<50} {:<16} {:.3} {} {:?}",
                report.law,
                report.loss,
                report.worst.ratio(),
                report.worst,
                start.elapsed()
            );
            if let Some(counterexample) = report.counterexample {
                failed += 1;
                println!("FAIL: {}\n{:?}", counterexample.message, counterexample.case);
            }
        }
    }
    println!("failed {failed}");
}
