//! The tuple layout.

use super::sealed::Problems;
use super::{Checker, ContrastRoles, Layout, Pool, Problem, Roles, Unpool, run};
use crate::error::Result;
use crate::vocabulary::{Loss, Settings, Tuples};
use std::ops::Range;

impl Layout for Tuples {
    fn validate(&self, loss: &Loss, settings: &Settings) -> Result<()> {
        loss.validate()?;
        settings.validate()?;
        let b = self.anchor.nrows();
        let check = Checker { d: self.anchor.ncols(), settings };
        check.not_empty("anchor", b)?;
        check.dimension("anchor")?;
        check.matrix("anchor", &self.anchor, Some(b))?;
        check.list("positives", &self.positives, b, 1)?;
        check.list("negatives", &self.negatives, b, 1)?;
        if let Some(debias) = &self.debias_positives {
            check.list("debias_positives", debias, b, 1)?;
        }
        if let Some(mixed) = &self.mixed {
            check.list("mixed", mixed, b, 0)?;
        }
        if let Some(lists) = &self.mixed_negatives {
            check.count("mixed_negatives", lists.len(), b)?;
            for (i, list) in lists.iter().enumerate() {
                let terms = self.mixed.as_ref().map_or(0, |mixed| mixed[i].nrows());
                let argument = format!("mixed_negatives[{i}]");
                check.list(&argument, list, terms, 1)?;
                if let (Some(first), Some(own)) = (lists[0].first(), list.first()) {
                    check.matrix(&format!("{argument}[0]"), own, Some(first.nrows()))?;
                }
            }
        }
        if let Some(adversarial) = &self.adversarial {
            check.matrix("adversarial", adversarial, Some(b))?;
        } else if loss.needs_adversarial() {
            return Err(check.missing("adversarial", format!("[{b}][{}] adversarial embeddings", check.d)));
        }
        if let Some(negatives) = &self.adversarial_negatives {
            check.list("adversarial_negatives", negatives, b, 1)?;
        }
        if loss.needs_mixed() && self.mixed.is_none() {
            let more = self.positives.iter().map(|positives| positives.nrows()).max().unwrap_or(1);
            if more > 1 {
                let shape =
                    format!("[{b}][{}][{}] embeddings of mixed inputs (M-1 an anchor)", more - 1, check.d);
                return Err(check.missing("mixed", shape));
            }
        }
        Ok(())
    }
}

impl Problems for Tuples {
    fn problem(&self, loss: &Loss) -> Problem {
        let mut pool = Pool::default();
        let anchor = pool.append([&self.anchor])[0];
        let positives = pool.append(&self.positives);
        let negatives = pool.append(&self.negatives);
        let debias = self.debias_positives.as_ref().map(|list| pool.append(list));
        let mixed = self.mixed.as_ref().map(|list| pool.append(list));
        let mixed_negatives = self.mixed_negatives.as_ref().map(|lists| pool.append(lists.iter().flatten()));
        let adversarial = self.adversarial.as_ref().map(|matrix| pool.append([matrix])[0]);
        let adversarial_negatives = self.adversarial_negatives.as_ref().map(|list| pool.append(list));

        let mut term = 0;
        let images = (0..self.anchor.nrows()).map(|i| {
            let own_negatives = run(negatives[i], self.negatives[i].nrows());
            let debias = match (&debias, &self.debias_positives) {
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
            let all_positives = run(positives[i], self.positives[i].nrows());
            roles.clean.push(contrast(all_positives, own_negatives.clone()));
            if let (Some(first), Some(list)) = (&mixed, &self.mixed) {
                for j in 0..list[i].nrows() {
                    let negatives = match (&mixed_negatives, &self.mixed_negatives) {
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
                let negatives = match (&adversarial_negatives, &self.adversarial_negatives) {
                    (Some(first), Some(list)) => run(first[i], list[i].nrows()),
                    _ => own_negatives.clone(),
                };
                roles.robust.push(contrast(view, negatives));
            }
            roles
        });
        let images = images.collect();
        pool.problem(self.anchor.ncols(), images, Vec::new())
    }

    fn filled(&self, rows: &[f64]) -> Self {
        let mut rows = Unpool::new(rows);
        // In the order of `problem`.
        Self {
            anchor: rows.like(&self.anchor),
            positives: rows.like_all(&self.positives),
            negatives: rows.like_all(&self.negatives),
            debias_positives: self.debias_positives.as_ref().map(|list| rows.like_all(list)),
            mixed: self.mixed.as_ref().map(|list| rows.like_all(list)),
            mixed_negatives: self
                .mixed_negatives
                .as_ref()
                .map(|lists| lists.iter().map(|list| rows.like_all(list)).collect()),
            adversarial: self.adversarial.as_ref().map(|matrix| rows.like(matrix)),
            adversarial_negatives: self.adversarial_negatives.as_ref().map(|list| rows.like_all(list)),
        }
    }
}
