//! The parameters of a loss, as a request has them.

use super::Style;
use crate::{Loss, Negatives, Neighborhood, Objective, RobustTerm, Weight, WriteParameters};

written!(Parameters {
    tau_plus: f64,
    beta: f64,
    alpha: f64,
    negatives: Estimator,
    lambda: f64,
    weight: &'static str,
    weight_negatives: Estimator,
    robust: Robust,
    neighborhood: &'static str,
    joined: bool,
    objective: &'static str,
});

written!(Robust {
    negatives: Estimator,
    weight: &'static str,
});

written!(Estimator {
    estimator: &'static str,
    tau_plus: f64,
    beta: f64,
});

impl Parameters {
    pub(super) fn of_objective(objective: Objective) -> Self {
        let name = match objective {
            Objective::KullbackLeibler => "kl",
            Objective::TotalVariation => "total_variation",
        };
        Parameters { objective: Some(name), ..Parameters::default() }
    }

    pub(super) fn of_loss(loss: &Loss, style: Style) -> Self {
        let mut writing = Writing { style, written: Parameters::default(), negatives: None, weight: None };
        loss.write(&mut writing);
        writing.written
    }
}

/// Parameters that are being written, with those that others depend on.
struct Writing {
    style: Style,
    written: Parameters,
    negatives: Option<Negatives>,
    weight: Option<Weight>,
}

impl WriteParameters for Writing {
    fn tau_plus(&mut self, tau_plus: f64) {
        self.written.tau_plus = Some(tau_plus);
    }
    fn beta(&mut self, beta: f64) {
        self.written.beta = Some(beta);
    }
    fn alpha(&mut self, alpha: f64) {
        self.written.alpha = Some(alpha);
    }
    fn lambda(&mut self, lambda: f64) {
        self.written.lambda = Some(lambda);
    }
    fn negatives(&mut self, negatives: Negatives) {
        self.written.negatives = Some(negatives.into());
        self.negatives = Some(negatives);
    }
    fn weight(&mut self, weight: Weight) {
        self.written.weight = Some(weight_name(weight));
        self.weight = Some(weight);
    }
    fn weight_negatives(&mut self, negatives: Negatives) {
        let needed = match self.style {
            // Without an adversarial weight they mean nothing: a reader may not know them there.
            Style::Full => self.weight != Some(Weight::One) || self.negatives != Some(negatives),
            Style::Terse => !self.negatives.is_some_and(|default| identical(default, negatives)),
        };
        self.written.weight_negatives = needed.then(|| negatives.into());
    }
    fn robust(&mut self, robust: RobustTerm) {
        self.written.robust = Some(robust.into());
    }
    fn neighborhood(&mut self, neighborhood: Neighborhood) {
        let (name, lambda, joined) = match neighborhood {
            Neighborhood::Nca => ("nca", None, None),
            Neighborhood::MixNca { lambda } => ("mix_nca", Some(lambda), None),
            Neighborhood::Combined { lambda, joined } => {
                // `true` unless given.
                let needed = self.style == Style::Full || !joined;
                ("combined", Some(lambda), needed.then_some(joined))
            }
        };
        self.written.neighborhood = Some(name);
        self.written.lambda = lambda;
        self.written.joined = joined;
    }
}

/// Whether two estimators read back the same, the sign of a zero included.
fn identical(a: Negatives, b: Negatives) -> bool {
    let bits = |negatives: Negatives| match negatives {
        Negatives::G0 => [None, None],
        Negatives::G1 { tau_plus } => [Some(tau_plus.to_bits()), None],
        Negatives::G2 { tau_plus, beta } => [Some(tau_plus.to_bits()), Some(beta.to_bits())],
    };
    bits(a) == bits(b)
}

impl From<Negatives> for Estimator {
    fn from(negatives: Negatives) -> Self {
        let (estimator, tau_plus, beta) = match negatives {
            Negatives::G0 => ("g0", None, None),
            Negatives::G1 { tau_plus } => ("g1", Some(tau_plus), None),
            Negatives::G2 { tau_plus, beta } => ("g2", Some(tau_plus), Some(beta)),
        };
        Estimator { estimator: Some(estimator), tau_plus, beta }
    }
}

impl From<RobustTerm> for Robust {
    fn from(robust: RobustTerm) -> Self {
        Robust { negatives: Some(robust.negatives.into()), weight: Some(weight_name(robust.weight)) }
    }
}

fn weight_name(weight: Weight) -> &'static str {
    match weight {
        Weight::One => "one",
        Weight::Adversarial => "adversarial",
        Weight::AdversarialWithGradient => "adversarial_with_gradient",
    }
}
