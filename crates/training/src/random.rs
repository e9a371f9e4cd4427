//! Seeded draws that depend on what they are for, not on the order in which they are made.
//!
//! Every draw of a run comes from a stream of its own, found by the seed, a purpose and a few numbers (epoch, image,
//! view). So nothing has to be saved for a run to go on where it was stopped, and neither threads nor the size of a
//! batch change what an image gets.

pub use intnacl_judge::images::Rng;

/// What a stream of draws is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The initial weights.
    Weights = 1,
    /// The order of the images in an epoch.
    Order = 2,
    /// The views of an image.
    Views = 3,
    /// Which images are mixed.
    Mixing = 4,
    /// The linear probe's batches.
    Probe = 5,
    /// The random starts of an attack.
    Attack = 6,
    /// Which share of the images is kept.
    Share = 7,
}

/// The stream of a seed, a purpose and numbers.
pub fn stream(seed: u64, purpose: Purpose, numbers: &[u64]) -> Rng {
    let absorb = |state: u64, &number: &u64| {
        // The finaliser is a bijection, so that different numbers give different states.
        Rng::new(Rng::new(state).bits() ^ number).bits()
    };
    Rng::new([purpose as u64].iter().chain(numbers).fold(seed, absorb))
}

/// A random order of `0..count`, by Fisher and Yates.
pub fn permutation(count: usize, rng: &mut Rng) -> Vec<i64> {
    let mut order: Vec<i64> = (0..count as i64).collect();
    for position in (1..count).rev() {
        order.swap(position, rng.below(position + 1));
    }
    order
}

/// A random map of `0..count` to itself that is one to one and leaves no number in its place; for one number there is
/// none, and it stays.
///
/// A random order is taken round in a circle by one place, so all such maps with a single cycle are equally likely.
pub fn displacement(count: usize, rng: &mut Rng) -> Vec<i64> {
    let order = permutation(count, rng);
    let mut moved = vec![0; count];
    for (position, &from) in order.iter().enumerate() {
        moved[from as usize] = order[(position + 1) % count];
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn streams_differ_by_seed_purpose_and_every_number() {
        let mut seen = HashSet::new();
        for seed in 0..8 {
            for purpose in [Purpose::Order, Purpose::Views, Purpose::Mixing] {
                for first in 0..8 {
                    for second in 0..8 {
                        assert!(seen.insert(stream(seed, purpose, &[first, second]).bits()));
                    }
                }
            }
        }
    }

    #[test]
    fn a_permutation_has_every_number_once() {
        for count in 0..40 {
            let mut order = permutation(count, &mut Rng::new(count as u64));
            order.sort_unstable();
            assert_eq!(order, (0..count as i64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_displacement_leaves_nothing_in_its_place() {
        for count in 2..40 {
            let moved = displacement(count, &mut Rng::new(count as u64));
            assert!(moved.iter().enumerate().all(|(from, &to)| from as i64 != to));
            assert_eq!(moved.iter().collect::<HashSet<_>>().len(), count);
        }
        assert_eq!(displacement(1, &mut Rng::new(1)), [0]);
        assert!(displacement(0, &mut Rng::new(1)).is_empty());
    }
}
