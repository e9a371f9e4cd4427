//! The tuple layout: which rows are an anchor's positives and negatives.

use super::{ContrastRoles, Pool, Problem, Roles, run};
use crate::vocabulary::{Loss, Tuples};
use std::ops::Range;

/// The roles of all rows.
pub(super) fn problem(data: &Tuples, loss: &Loss) -> Problem {
    let mut pool = Pool::default();
    let anchor = pool.append([&data.anchor])[0];
    let positives = pool.append(&data.positives);
    let negatives = pool.append(&data.negatives);
    let debias = data.debias_positives.as_ref().map(|list| pool.append(list));
    let mixed = data.mixed.as_ref().map(|list| pool.append(list));
    let mixed_negatives = data.mixed_negatives.as_ref().map(|lists| pool.append(lists.iter().flatten()));
    let adversarial = data.adversarial.as_ref().map(|matrix| pool.append([matrix])[0]);
    let adversarial_negatives = data.adversarial_negatives.as_ref().map(|list| pool.append(list));

    let mut term = 0;
    let images = (0..data.anchor.nrows()).map(|i| {
        let own_negatives = run(negatives[i], data.negatives[i].nrows());
        let debias = match (&debias, &data.debias_positives) {
            (Some(first), Some(list)) => run(first[i], list[i].nrows()),
            _ => run(positives[i], 1),
        };
        let contrast = |positives: Vec<Range<usize>>, negatives| ContrastRoles {
            anchor: anchor + i,
            positives,
            negatives,
            debias: debias.clone(),
            block: None,
        };
        let mut roles = Roles::default();
        let all_positives = run(positives[i], data.positives[i].nrows());
        roles.clean.push(contrast(all_positives, own_negatives.clone()));
        if let (Some(first), Some(list)) = (&mixed, &data.mixed) {
            for j in 0..list[i].nrows() {
                let negatives = match (&mixed_negatives, &data.mixed_negatives) {
                    (Some(first), Some(lists)) => run(first[term], lists[i][j].nrows()),
                    _ => own_negatives.clone(),
                };
                term += 1;
                if loss.needs_mixed() {
                    let z = run(first[i] + j, 1);
                    roles.mixed.push(contrast(z, negatives));
                }
            }
        }
        if let (Some(first), true) = (adversarial, loss.needs_adversarial()) {
            let view = run(first + i, 1);
            let negatives = match (&adversarial_negatives, &data.adversarial_negatives) {
                (Some(first), Some(list)) => run(first[i], list[i].nrows()),
                _ => own_negatives.clone(),
            };
            roles.robust.push(contrast(view, negatives));
        }
        roles
    });
    let images = images.collect();
    pool.problem(data.anchor.ncols(), images, Vec::new())
}
