//! Requests to be compared, each made on demand from its name.

pub mod floor;
pub mod geometry;
pub mod hard;
pub mod random;
pub mod rng;
pub mod supervised;

use intnacl_reference::Request;

/// A request that can be made again: the name is all that a reproduction needs.
pub struct Case {
    pub name: String,
    pub make: Box<dyn Fn() -> Request + Send + Sync>,
}

impl Case {
    pub fn new(name: impl Into<String>, make: impl Fn() -> Request + Send + Sync + 'static) -> Self {
        Self { name: name.into(), make: Box::new(make) }
    }
}

/// Every named case, and random ones from a fixed sequence: as many as `EXACT_CASES` says, of which
/// `EXACT_ONLY` keeps those whose name contains it.
pub fn all(random_by_default: u64) -> Vec<Case> {
    let count = match std::env::var("EXACT_CASES") {
        Ok(count) => count.parse().expect("EXACT_CASES is a number"),
        Err(_) => random_by_default,
    };
    let mut cases = hard::cases();
    cases.extend(floor::cases());
    cases.extend(supervised::cases(count / 12));
    cases.extend((0..count).map(|seed| Case::new(format!("random #{seed}"), move || random::request(seed))));
    if let Ok(only) = std::env::var("EXACT_ONLY") {
        cases.retain(|case| case.name.contains(&only));
        assert!(!cases.is_empty(), "no case has {only:?} in its name");
    }
    cases
}

/// The temperatures of the grid.
pub const TEMPERATURES: [f64; 11] = [0.005, 0.01, 0.02, 0.05, 0.07, 0.1, 0.2, 0.5, 1.0, 3.0, 10.0];
