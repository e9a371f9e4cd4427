//! The supervised loss: a linear classifier on the embedding, its logits divided by the temperature.

use super::estimator::finite;
use super::multiset::{log_sum, softplus};
use super::world::World;
use crate::error::{Error, Result, finite_rows};
use nalgebra::DMatrix;

impl World {
    /// `L_Sup(f, W) = E[-log softmax(W f(x)/t)_c]`, the cross entropy of the linear classifier `W`, `K × d`.
    /// Takes `n·K·d` steps.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::NotFinite`] for the weights.
    pub fn supervised_loss(&self, weights: &DMatrix<f64>) -> Result<f64> {
        self.check_weights(weights)?;
        Ok(self.cross_entropy(weights).0)
    }

    /// `L^μ_Sup`: the supervised loss of the mean classifier, whose rows are the class means `μ_c`.
    ///
    /// # Errors
    /// [`Error::Overflow`] where the temperature is too small for f64.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, World};
    /// use nalgebra::dmatrix;
    ///
    /// let first = Class::uniform(0.5, dmatrix![1.0, 0.0; -1.0, 0.0]);
    /// let second = Class::uniform(0.5, dmatrix![0.0, 1.0; 0.0, -1.0]);
    /// let world = World::new(&[first, second], 0.5)?;
    /// // Antipodal pairs have mean 0, so the mean classifier knows nothing.
    /// assert!((world.mean_classifier_loss()? - 2_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn mean_classifier_loss(&self) -> Result<f64> {
        finite(self.cross_entropy(&self.means()).0, self.temperature())
    }

    pub(crate) fn check_weights(&self, weights: &DMatrix<f64>) -> Result<()> {
        let expected = (self.classes(), self.dimension());
        if weights.shape() != expected {
            let (rows, columns) = weights.shape();
            return Err(Error::Shape {
                argument: "weights".into(),
                found: format!("[{rows}][{columns}]"),
                expected: format!("[{}][{}], a row for each class", expected.0, expected.1),
            });
        }
        finite_rows("weights", weights)
    }

    /// The loss and its residuals `softmax(W f(x)/t) - e_c`, a row for each point.
    pub(crate) fn cross_entropy(&self, weights: &DMatrix<f64>) -> (f64, DMatrix<f64>) {
        let mut residuals = (self.embeddings() * weights.transpose()) / self.temperature();
        let mut loss = 0.0;
        for i in 0..self.points() {
            let mut row = residuals.row_mut(i);
            let logits: Vec<f64> = row.iter().copied().collect();
            let class = self.class(i);
            let log_total = log_sum(logits.iter().map(|logit| (*logit, 1.0)));
            // Summed over the other classes, so that a tiny loss keeps its digits.
            let others = logits.iter().enumerate().filter(|(c, _)| *c != class);
            let log_others = log_sum(others.map(|(_, logit)| (logit - logits[class], 1.0)));
            loss += self.probability(i) * softplus(log_others);
            row.apply(|logit| *logit = (*logit - log_total).exp());
            row[class] = (-softplus(log_others)).exp_m1();
        }
        (loss, residuals)
    }

    /// `∂L_Sup/∂W` from the residuals, `K × d`.
    pub(crate) fn gradient(&self, residuals: &DMatrix<f64>) -> DMatrix<f64> {
        let mut weighted = residuals.clone();
        for i in 0..self.points() {
            let mut row = weighted.row_mut(i);
            row *= self.probability(i) / self.temperature();
        }
        weighted.transpose() * self.embeddings()
    }
}
