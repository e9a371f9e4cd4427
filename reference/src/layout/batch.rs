//! The batch layout, as tuples: which rows are an anchor's positives and negatives.

use super::sealed::Problems;
use super::{Block, Checker, ContrastRoles, Layout, Pool, Problem, Roles, Unpool, run};
use crate::error::Result;
use crate::vocabulary::{Batch, Loss, Settings};

impl Layout for Batch {
    fn validate(&self, loss: &Loss, settings: &Settings) -> Result<()> {
        loss.validate()?;
        settings.validate()?;
        let (b, d) = self.views.first().map_or((0, 0), |view| view.shape());
        let check = Checker { d, settings };
        check.at_least("views", self.views.len(), 2, "at least 2 views, [1+M][B][d]")?;
        check.at_least("views[0]", b, 2, "at least 2 images, so that there are negatives")?;
        check.dimension("views[0]")?;
        for (v, view) in self.views.iter().enumerate() {
            check.matrix(&format!("views[{v}]"), view, Some(b))?;
        }
        for (j, mixed) in self.mixed.iter().flatten().enumerate() {
            check.matrix(&format!("mixed[{j}]"), mixed, Some(b))?;
        }
        if let Some(adversarial) = &self.adversarial {
            check.matrix("adversarial", adversarial, Some(b))?;
        } else if loss.needs_adversarial() {
            return Err(check.missing("adversarial", format!("[{b}][{d}] adversarial embeddings")));
        }
        if loss.needs_mixed() && self.mixed.is_none() && self.views.len() > 2 {
            let shape =
                format!("[{}][{b}][{d}] embeddings of mixed inputs (M-1 views)", self.views.len() - 2);
            return Err(check.missing("mixed", shape));
        }
        Ok(())
    }
}

impl Problems for Batch {
    fn problem(&self, loss: &Loss) -> Problem {
        let (b, d) = self.views.first().map_or((0, 0), |view| view.shape());
        let mut pool = Pool::default();
        let views: Vec<usize> = self.views.iter().map(|view| pool.append([view])[0]).collect();
        let mixed: Vec<usize> = self.mixed.iter().flatten().map(|matrix| pool.append([matrix])[0]).collect();
        let adversarial = self.adversarial.as_ref().map(|matrix| pool.append([matrix])[0]);
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
                positives: other
                    .iter()
                    .cloned()
                    .chain(more.iter().map(|view| view + i..view + i + 1))
                    .collect(),
                negatives: others.filter(|run| !run.is_empty()).collect(),
                debias: other,
                block: Some(block),
            }
        };
        let sides = if self.symmetric { 2 } else { 1 };
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

    fn filled(&self, rows: &[f64]) -> Self {
        let mut rows = Unpool::new(rows);
        Self {
            views: rows.like_all(&self.views),
            symmetric: self.symmetric,
            mixed: self.mixed.as_ref().map(|list| rows.like_all(list)),
            adversarial: self.adversarial.as_ref().map(|matrix| rows.like(matrix)),
        }
    }
}
