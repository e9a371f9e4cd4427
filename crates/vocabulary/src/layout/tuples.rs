//! The validation of the tuple layout.

use super::check::Checker;
use super::{Embeddings, Layout, named, named_if_given};
use crate::error::Result;
use crate::{Loss, Settings, Tuples};
use nalgebra::DMatrix;

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

    fn embeddings(&self) -> Embeddings<'_> {
        Embeddings::Tuples(self)
    }

    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)> {
        let mut all = vec![("anchor".to_owned(), &self.anchor)];
        all.extend(named("positives", &self.positives));
        all.extend(named("negatives", &self.negatives));
        all.extend(named_if_given("debias_positives", &self.debias_positives));
        all.extend(named_if_given("mixed", &self.mixed));
        for (i, matrices) in self.mixed_negatives.iter().flatten().enumerate() {
            all.extend(named(&format!("mixed_negatives[{i}]"), matrices));
        }
        all.extend(self.adversarial.as_ref().map(|matrix| ("adversarial".to_owned(), matrix)));
        all.extend(named_if_given("adversarial_negatives", &self.adversarial_negatives));
        all
    }

    fn map_matrices(&self, mut replace: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self {
        let anchor = replace(&self.anchor);
        let mut each = |list: &Vec<DMatrix<f64>>| list.iter().map(&mut replace).collect::<Vec<_>>();
        let (positives, negatives) = (each(&self.positives), each(&self.negatives));
        let debias_positives = self.debias_positives.as_ref().map(&mut each);
        let mixed = self.mixed.as_ref().map(&mut each);
        let mixed_negatives =
            self.mixed_negatives.as_ref().map(|lists| lists.iter().map(&mut each).collect());
        let adversarial = self.adversarial.as_ref().map(&mut replace);
        let adversarial_negatives =
            self.adversarial_negatives.as_ref().map(|list| list.iter().map(&mut replace).collect());
        Self {
            anchor,
            positives,
            negatives,
            debias_positives,
            mixed,
            mixed_negatives,
            adversarial,
            adversarial_negatives,
        }
    }
}
