//! Lists of losses for laws that speak of all that have some parameter, from the table of losses.

use intnacl_vocabulary::{LOSSES, Parameter};

/// The losses with a `β`, of their own or in an estimator.
pub(super) const WITH_BETA: &[&str] = &names::<{ count(BETA) }>(BETA);
/// The losses with a `τ`, of their own or in an estimator.
pub(super) const WITH_TAU: &[&str] = &names::<{ count(TAU) }>(TAU);

const BETA: &[Parameter] = &[Parameter::Beta, Parameter::Negatives];
const TAU: &[Parameter] = &[Parameter::TauPlus, Parameter::Negatives];

/// Whether the loss at a place of the table has one of some parameters.
const fn has(place: usize, wanted: &[Parameter]) -> bool {
    let own = LOSSES[place].parameters;
    let mut pair = 0;
    while pair < own.len() * wanted.len() {
        if own[pair / wanted.len()] as usize == wanted[pair % wanted.len()] as usize {
            return true;
        }
        pair += 1;
    }
    false
}

const fn count(wanted: &[Parameter]) -> usize {
    let (mut place, mut count) = (0, 0);
    while place < LOSSES.len() {
        count += has(place, wanted) as usize;
        place += 1;
    }
    count
}

/// The names of the losses that have one of some parameters, as many as there are.
const fn names<const COUNT: usize>(wanted: &[Parameter]) -> [&'static str; COUNT] {
    let mut names = [""; COUNT];
    let (mut place, mut count) = (0, 0);
    while place < LOSSES.len() {
        if has(place, wanted) {
            names[count] = LOSSES[place].name;
            count += 1;
        }
        place += 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_those_of_the_parameters() {
        let all = ["debiased", "hard_negative", "nca", "mix_nca", "robust", "int_cl", "int_nacl"];
        for loss in all {
            assert!(WITH_TAU.contains(&loss), "{loss} has an estimator");
            assert_eq!(WITH_BETA.contains(&loss), loss != "debiased", "{loss}");
        }
        for loss in ["simclr", "adversarial"] {
            assert!(!WITH_TAU.contains(&loss) && !WITH_BETA.contains(&loss), "{loss} has no estimator");
        }
    }
}
