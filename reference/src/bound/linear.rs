//! The best linear classifier on a world's embedding, to a certified gap.

use super::world::World;
use crate::error::{Result, in_range};
use nalgebra::DMatrix;

/// When the search for a classifier may stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solver {
    /// The certified gap that is small enough, at least 0.
    pub tolerance: f64,
    /// The most steps, each `n·K·d` operations a few times over. Where they end first, the gap says so.
    pub iterations: usize,
}

impl Default for Solver {
    /// A gap of `1e-8`, or 20000 steps.
    fn default() -> Self {
        Self { tolerance: 1e-8, iterations: 20_000 }
    }
}

impl Solver {
    fn validate(&self) -> Result<()> {
        let holds = self.tolerance >= 0.0 && self.tolerance.is_finite();
        in_range("tolerance", self.tolerance, holds, "a finite number of at least 0")
    }
}

/// A classifier, and the interval in which the best one's loss lies.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearFit {
    /// `W`, `K × d`.
    pub weights: DMatrix<f64>,
    /// The loss of the best classifier is at least this.
    pub lower: f64,
    /// And at most this: the loss of `weights`, or 0 where multiples of them reach any loss above 0.
    pub upper: f64,
    /// The steps that were taken.
    pub iterations: usize,
}

impl LinearFit {
    /// `upper - lower`, the certified gap.
    pub fn gap(&self) -> f64 {
        self.upper - self.lower
    }
}

impl World {
    /// `min L_Sup(f, W)` over classifiers whose rows have norm at most `radius`.
    ///
    /// With `radius = 1` the class means are among them, so that the result is at most
    /// [`mean_classifier_loss`](World::mean_classifier_loss). The problem is convex: accelerated projected
    /// gradient steps (Beck and Teboulle 2009) with a backtracked step, restarted where the loss rises. The
    /// lower end is the linear minorant minimised over the balls, `L(W) - (⟨∇, W⟩ + radius·Σ_c ‖∇_c‖)`, which
    /// is Frank and Wolfe's gap and needs no knowledge of the solution.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for a radius or tolerance that is negative, NaN or
    /// infinite, [`Error::Overflow`](crate::Error::Overflow) where logits leave f64.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Solver, World};
    /// use nalgebra::dmatrix;
    ///
    /// let world = World::new(
    ///     &[Class::uniform(0.5, dmatrix![1.0, 0.0]), Class::uniform(0.5, dmatrix![-1.0, 0.0])],
    ///     0.5,
    /// )?;
    /// let fit = world.best_linear(1.0, &Solver::default())?;
    /// assert!(fit.gap() <= 1e-8);
    /// assert!((fit.upper - (-4_f64).exp().ln_1p()).abs() < 1e-8); // both rows of norm 1, apart by 2
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn best_linear(&self, radius: f64, solver: &Solver) -> Result<LinearFit> {
        in_range("radius", radius, radius >= 0.0 && radius.is_finite(), "a finite number of at least 0")?;
        solver.validate()?;
        super::estimator::finite(2.0 * radius / self.temperature(), self.temperature())?;
        let start = DMatrix::zeros(self.classes(), self.dimension());
        Ok(self.descend(start, radius, solver))
    }

    /// `inf L_Sup(f, W)` over all `W`, between certified bounds.
    ///
    /// The upper end is a classifier found at growing radii, or 0 where the classifier separates the classes,
    /// for then its multiples reach any loss. The lower end is the dual, `Σ p_i H(α_i)` over class
    /// distributions `α_i` with `Σ p_i (α_i - e_{c_i}) x_iᵀ = 0`: the softmax outputs, moved by least squares
    /// onto that constraint where they stay distributions, and 0 otherwise. So where classes touch without
    /// being separable the interval can stay open.
    ///
    /// # Errors
    /// As [`World::best_linear`].
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, Solver, World};
    /// use nalgebra::dmatrix;
    ///
    /// let apart = [Class::uniform(0.5, dmatrix![1.0]), Class::uniform(0.5, dmatrix![-1.0])];
    /// assert_eq!(World::new(&apart, 1.0)?.best_unconstrained(&Solver::default())?.upper, 0.0);
    ///
    /// let same = [Class::uniform(0.5, dmatrix![1.0; -1.0]), Class::uniform(0.5, dmatrix![1.0; -1.0])];
    /// let fit = World::new(&same, 1.0)?.best_unconstrained(&Solver::default())?;
    /// assert!((fit.lower - 2_f64.ln()).abs() < 1e-12 && fit.gap() < 1e-12);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn best_unconstrained(&self, solver: &Solver) -> Result<LinearFit> {
        solver.validate()?;
        let mut fit = self.best_linear(1.0, solver)?;
        let mut iterations = fit.iterations;
        fit.lower = 0.0;
        for doubling in 1..=12 {
            if self.separates(&fit.weights) {
                fit.upper = 0.0;
                break;
            }
            fit.lower = fit.lower.max(self.dual(&fit.weights)).min(fit.upper);
            let radius = f64::from(1_u32 << doubling);
            if fit.gap() <= solver.tolerance || !(2.0 * radius / self.temperature()).is_finite() {
                break;
            }
            let next = self.descend(fit.weights.clone(), radius, solver);
            iterations += next.iterations;
            if next.upper < fit.upper {
                fit = LinearFit { lower: fit.lower, ..next };
            }
        }
        // A dual that is tight meets the primal to rounding, and rounding has no order.
        fit.lower = fit.lower.min(fit.upper);
        fit.iterations = iterations;
        Ok(fit)
    }

    fn descend(&self, start: DMatrix<f64>, radius: f64, solver: &Solver) -> LinearFit {
        let t = self.temperature();
        // The Hessian of log-sum-exp is at most 1/2, the rows of the embedding have norm 1.
        let most = 0.5 / t / t;
        let mut smoothness = most / 64.0;
        let mut current = start;
        let (mut loss, residuals) = self.cross_entropy(&current);
        let mut lower = (loss - linear_gap(&current, &self.gradient(&residuals), radius)).max(0.0);
        let (mut ahead, mut momentum) = (current.clone(), 1.0_f64);
        let mut iterations = 0;
        while iterations < solver.iterations && loss - lower > solver.tolerance {
            iterations += 1;
            let (here, residuals) = self.cross_entropy(&ahead);
            let gradient = self.gradient(&residuals);
            lower = lower.max(here - linear_gap(&ahead, &gradient, radius));
            let (next, next_loss) = loop {
                let mut next = &ahead - &gradient / smoothness;
                project(&mut next, radius);
                let step = &next - &ahead;
                let model = here + gradient.dot(&step) + 0.5 * smoothness * step.norm_squared();
                let next_loss = self.cross_entropy(&next).0;
                // At `most` the model is above the loss by theory; what is left is rounding.
                if next_loss <= model || smoothness >= most {
                    break (next, next_loss);
                }
                smoothness = (2.0 * smoothness).min(most);
            };
            if next_loss > loss {
                if momentum == 1.0 {
                    break; // A plain step that gains nothing: rounding has the last word.
                }
                (ahead, momentum) = (current.clone(), 1.0);
                continue;
            }
            let grown = 0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt());
            ahead = &next + (&next - &current) * ((momentum - 1.0) / grown);
            (current, loss, momentum) = (next, next_loss, grown);
            smoothness *= 0.95;
        }
        LinearFit { weights: current, lower: lower.min(loss), upper: loss, iterations }
    }

    /// Whether every point's own logit is above all others, by more than rounding could pretend.
    fn separates(&self, weights: &DMatrix<f64>) -> bool {
        let logits = self.embeddings() * weights.transpose();
        let scale = weights.norm() * self.dimension() as f64 * 4.0 * f64::EPSILON;
        (0..self.points()).all(|i| {
            let own = logits[(i, self.class(i))];
            (0..self.classes()).all(|c| c == self.class(i) || own - logits[(i, c)] > scale)
        })
    }

    /// A lower bound by a feasible point of the dual; 0 where none was found.
    fn dual(&self, weights: &DMatrix<f64>) -> f64 {
        let (_, residuals) = self.cross_entropy(weights);
        let embeddings = self.embeddings();
        let mut weighted = embeddings.clone();
        for i in 0..self.points() {
            let mut row = weighted.row_mut(i);
            row *= self.probability(i);
        }
        let moments = weighted.transpose() * embeddings;
        let constraint = weighted.transpose() * &residuals;
        let Ok(inverse) = moments.pseudo_inverse(1e-12) else { return 0.0 };
        let moved = residuals - embeddings * (inverse * constraint);
        let mut bound = 0.0;
        for i in 0..self.points() {
            for c in 0..self.classes() {
                let alpha = moved[(i, c)] + f64::from(u8::from(c == self.class(i)));
                if alpha < 0.0 {
                    return 0.0;
                }
                if alpha > 0.0 {
                    bound -= self.probability(i) * alpha * alpha.ln();
                }
            }
        }
        bound
    }
}

fn linear_gap(weights: &DMatrix<f64>, gradient: &DMatrix<f64>, radius: f64) -> f64 {
    gradient.dot(weights) + radius * gradient.row_iter().map(|row| row.norm()).sum::<f64>()
}

fn project(weights: &mut DMatrix<f64>, radius: f64) {
    for mut row in weights.row_iter_mut() {
        let norm = row.norm();
        if norm > radius {
            row *= radius / norm;
        }
    }
}
