//! `notes/laws.md` says what is so.

use intnacl_judge::zoo::{Bug, Program};
use intnacl_judge::{Float, Standard, breaks, images::Rng, laws, seed_from_environment};

const PAGE: &str = include_str!("../../../../notes/laws.md");

/// Entries of each row that are tried, beside agreement.
const TRIED: usize = 3;

fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let part = PAGE.split(heading).nth(1).expect("the heading").split("\n## ").next().expect("a part");
    let rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn the_page_of_laws_is_true() {
    let rows = rows("## By slip");
    assert_eq!(rows.len(), Bug::ALL.len(), "a row a slip");
    let mut rng = Rng::new(seed_from_environment());
    for (bug, row) in Bug::ALL.iter().zip(rows) {
        assert_eq!(row[..4], [bug.name(), bug.does(), bug.effect(), bug.source()]);
        // `law` (loss)
        let entries: Vec<(&str, &str)> = row[4]
            .split(", ")
            .map(|entry| entry.split_once("` (").expect("a law and a loss"))
            .map(|(law, loss)| (law.trim_start_matches('`'), loss.trim_end_matches(')')))
            .collect();
        assert_eq!(entries[0].0, "agrees_with_the_reference", "{}", bug.name());
        assert!(entries.len() > 1, "{} is caught by one law alone", bug.name());
        let program = Program::new(bug.style(), Float::F64).with(*bug);
        let drawn: Vec<_> = (0..TRIED).map(|_| entries[1 + rng.below(entries.len() - 1)]).collect();
        for (name, loss) in [entries[0]].into_iter().chain(drawn) {
            let law = laws().into_iter().find(|law| law.name == name);
            let law = law.unwrap_or_else(|| panic!("{name} is no law"));
            // The seed is the page's: others may need more cases.
            assert!(breaks(&law, loss, &program, 48, 1, Standard::Right), "{name} on {loss}: {}", bug.name());
        }
    }
}

#[test]
fn every_law_of_embeddings_stands_on_the_page_and_catches_something() {
    let rows = rows("## By law");
    let names: Vec<String> = rows.iter().map(|row| row[0].replace('`', "")).collect();
    let of_embeddings = laws().into_iter().filter(|law| law.losses != ["supervised_nca"]);
    assert_eq!(names, of_embeddings.map(|law| law.name.to_owned()).collect::<Vec<_>>());
    for row in rows {
        assert_ne!(row.last(), Some(&"none"), "{} catches nothing", row[0]);
    }
}
