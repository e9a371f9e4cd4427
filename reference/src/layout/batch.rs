//! The batch layout, as tuples: which rows are an anchor's positives and negatives.

use super::{Block, ContrastRoles, Pool, Problem, Roles, run};
use crate::vocabulary::{Batch, Loss};

/// The roles of all rows.
pub(super) fn problem(data: &Batch, loss: &Loss) -> Problem {
    let (b, d) = data.views.first().map_or((0, 0), |view| view.shape());
    let mut pool = Pool::default();
    let views: Vec<usize> = data.views.iter().map(|view| pool.append([view])[0]).collect();
    let mixed: Vec<usize> = data.mixed.iter().flatten().map(|matrix| pool.append([matrix])[0]).collect();
    let adversarial = data.adversarial.as_ref().map(|matrix| pool.append([matrix])[0]);
    let adversarial = adversarial.filter(|_| loss.needs_adversarial());

    // Two views of the same images: whoever is compared in one of them meets both.
    let pair = |first: usize, second: usize| Block { halves: [first..first + b, second..second + b] };
    let mut blocks = vec![pair(views[0], views[1])];
    blocks.extend(adversarial.map(|adversarial| pair(views[0], adversarial)));

    let one = |row: usize| run(row, 1);
    let contrast = |block: usize, side: usize, i: usize, more: &[usize]| {
        let halves = &blocks[block].halves;
        let other = one(halves[1 - side].start + i);
        let others =
            halves.iter().flat_map(|half| [half.start..half.start + i, half.start + i + 1..half.end]);
        ContrastRoles {
            anchor: halves[side].start + i,
            positives: other.iter().cloned().chain(more.iter().map(|view| view + i..view + i + 1)).collect(),
            negatives: others.filter(|run| !run.is_empty()).collect(),
            debias: other,
            block: Some(block),
        }
    };
    let sides = if data.symmetric { 2 } else { 1 };
    let images = (0..b)
        .map(|i| Roles {
            clean: (0..sides).map(|side| contrast(0, side, i, &views[2..])).collect(),
            mixed: mixed
                .iter()
                .filter(|_| loss.needs_mixed())
                .map(|&first| ContrastRoles { positives: one(first + i), ..contrast(0, 0, i, &[]) })
                .collect(),
            robust: match adversarial {
                Some(_) => (0..sides).map(|side| contrast(1, side, i, &[])).collect(),
                None => Vec::new(),
            },
        })
        .collect();
    pool.problem(d, images, blocks)
}
