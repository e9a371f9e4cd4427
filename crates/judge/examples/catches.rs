//! Prints `notes/laws.md`: which laws catch which slips of the zoo.

use intnacl_judge::zoo::{Bug, Program};
use intnacl_judge::{Float, LOSSES, Law, Standard, breaks, laws};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cases of each law and loss, from seed 1.
const CASES: u32 = 48;

fn main() {
    let laws: Vec<Law> = laws().into_iter().filter(|law| law.losses != ["supervised_nca"]).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut caught: Vec<(usize, Vec<Option<&str>>)> = std::thread::scope(|scope| {
        let worker = || {
            let mut rows = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(bug) = Bug::ALL.get(at) else { return rows };
                eprintln!("{}", bug.name());
                rows.push((at, laws.iter().map(|law| first_loss(law, *bug)).collect()));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect()
    });
    caught.sort_by_key(|(at, _)| *at);

    println!("# Laws and slips\n");
    println!(
        "Which laws catch which slips of the zoo (`crates/judge/src/zoo`), in f64 and by the standard *right*, within"
    );
    println!(
        "{CASES} cases of each loss from seed 1. Beside a law stands the first loss on which it does. Written by"
    );
    println!(
        "`cargo run --release -p intnacl-judge --example catches > notes/laws.md`, and held by the test"
    );
    println!("`the_page_of_laws_is_true` of `crates/judge/tests/zoo`.\n");
    println!("## By slip\n");
    println!("| slip | a program that | effect | source | laws that catch it |\n|---|---|---|---|---|");
    for (at, row) in &caught {
        let bug = Bug::ALL[*at];
        let found =
            laws.iter().zip(row).filter_map(|(law, loss)| Some(format!("`{}` ({})", law.name, (*loss)?)));
        let found = found.collect::<Vec<_>>().join(", ");
        println!("| {} | {} | {} | {} | {found} |", bug.name(), bug.does(), bug.effect(), bug.source());
    }
    println!("\n## By law\n");
    println!("| law | statement | slips that it catches |\n|---|---|---|");
    for (k, law) in laws.iter().enumerate() {
        let found = caught.iter().filter(|(_, row)| row[k].is_some()).map(|(at, _)| Bug::ALL[*at].name());
        let found = found.collect::<Vec<_>>();
        let found = if found.is_empty() {
            "none".to_owned()
        } else {
            format!("{}: {}", found.len(), found.join(", "))
        };
        println!("| `{}` | {} | {found} |", law.name, law.statement.replace('|', "\\|"));
    }
}

/// The first loss of a law on which it catches a slip.
fn first_loss(law: &Law, bug: Bug) -> Option<&'static str> {
    let program = Program::new(bug.style(), Float::F64).with(bug);
    let losses = law.losses.iter().filter(|loss| LOSSES.contains(loss));
    losses.copied().find(|loss| breaks(law, loss, &program, CASES, 1, Standard::Right))
}
