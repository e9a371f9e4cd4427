//! The validation of the batch layout.

use super::check::Checker;
use super::{Embeddings, Layout, named, named_if_given};
use crate::error::Result;
use crate::{Batch, Loss, Settings};
use nalgebra::DMatrix;

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

    fn embeddings(&self) -> Embeddings<'_> {
        Embeddings::Batch(self)
    }

    fn matrices(&self) -> Vec<(String, &DMatrix<f64>)> {
        let mut all = named("views", &self.views);
        all.extend(named_if_given("mixed", &self.mixed));
        all.extend(self.adversarial.as_ref().map(|matrix| ("adversarial".to_owned(), matrix)));
        all
    }

    fn map_matrices(&self, mut replace: impl FnMut(&DMatrix<f64>) -> DMatrix<f64>) -> Self {
        let mut each = |list: &Vec<DMatrix<f64>>| list.iter().map(&mut replace).collect::<Vec<_>>();
        let views = each(&self.views);
        let mixed = self.mixed.as_ref().map(each);
        let adversarial = self.adversarial.as_ref().map(replace);
        Self { views, symmetric: self.symmetric, mixed, adversarial }
    }
}
