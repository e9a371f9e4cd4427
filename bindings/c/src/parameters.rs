//! The parameters of losses, between C's struct and the table of losses.

use intnacl_vocabulary as vocabulary;
use vocabulary::{Loss, LossName, ReadParameters, RobustTerm, WriteParameters};

use crate::failure::Failure;
use crate::structs::{Estimator, Negatives, Neighborhood, Parameters, Robust, Weight};

impl Estimator {
    const ALL: [Self; 3] = [Self::G0, Self::G1, Self::G2];
}

impl Weight {
    const ALL: [Self; 3] = [Self::One, Self::Adversarial, Self::AdversarialWithGradient];
}

impl Neighborhood {
    const ALL: [Self; 4] = [Self::Nca, Self::MixNca, Self::Joined, Self::Sum];
}

/// The one of some names that a number stands for: these begin with 0.
pub fn one_of<T: Copy>(argument: &str, number: u32, all: &[T]) -> Result<T, Failure> {
    let found = usize::try_from(number).ok().and_then(|number| all.get(number).copied());
    found.ok_or_else(|| Failure::value(argument, number, format!("a number from 0 to {}", all.len() - 1)))
}

/// The loss of a name.
pub fn named(name: &str) -> Result<LossName, Failure> {
    let expected = || format!("one of {}", LossName::NAMES.join(", "));
    LossName::of(name).ok_or_else(|| Failure::value("loss", format!("{name:?}"), expected()))
}

/// A loss with those of the parameters that it has; whether they are in range is not seen here.
pub fn loss(name: LossName, parameters: &Parameters) -> Result<Loss, Failure> {
    name.read(&mut Given(parameters))
}

impl From<Loss> for Parameters {
    /// Those of a loss; what it has not is 0.
    fn from(loss: Loss) -> Self {
        let mut parameters = Parameters::NONE;
        loss.write(&mut parameters);
        parameters
    }
}

impl Parameters {
    const NONE: Self = {
        let negatives = Negatives { estimator: Estimator::G0 as u32, tau_plus: 0.0, beta: 0.0 };
        let weight = Weight::One as u32;
        Self {
            tau_plus: 0.0,
            beta: 0.0,
            alpha: 0.0,
            lambda: 0.0,
            negatives,
            weight,
            weight_negatives: negatives,
            robust: Robust { negatives, weight },
            neighborhood: Neighborhood::Nca as u32,
        }
    };
}

/// What a caller gave.
struct Given<'a>(&'a Parameters);

fn estimator(argument: &str, given: &Negatives) -> Result<vocabulary::Negatives, Failure> {
    let Negatives { tau_plus, beta, .. } = *given;
    Ok(match one_of(&format!("{argument}.estimator"), given.estimator, &Estimator::ALL)? {
        Estimator::G0 => vocabulary::Negatives::G0,
        Estimator::G1 => vocabulary::Negatives::G1 { tau_plus },
        Estimator::G2 => vocabulary::Negatives::G2 { tau_plus, beta },
    })
}

fn weight(argument: &str, given: u32) -> Result<vocabulary::Weight, Failure> {
    Ok(match one_of(argument, given, &Weight::ALL)? {
        Weight::One => vocabulary::Weight::One,
        Weight::Adversarial => vocabulary::Weight::Adversarial,
        Weight::AdversarialWithGradient => vocabulary::Weight::AdversarialWithGradient,
    })
}

impl ReadParameters for Given<'_> {
    type Error = Failure;

    fn tau_plus(&mut self) -> Result<f64, Failure> {
        Ok(self.0.tau_plus)
    }
    fn beta(&mut self) -> Result<f64, Failure> {
        Ok(self.0.beta)
    }
    fn alpha(&mut self) -> Result<f64, Failure> {
        Ok(self.0.alpha)
    }
    fn lambda(&mut self) -> Result<f64, Failure> {
        Ok(self.0.lambda)
    }
    fn negatives(&mut self) -> Result<vocabulary::Negatives, Failure> {
        estimator("negatives", &self.0.negatives)
    }
    fn weight(&mut self) -> Result<vocabulary::Weight, Failure> {
        weight("weight", self.0.weight)
    }
    fn weight_negatives(&mut self) -> Result<vocabulary::Negatives, Failure> {
        estimator("weight_negatives", &self.0.weight_negatives)
    }
    fn robust(&mut self) -> Result<RobustTerm, Failure> {
        let negatives = estimator("robust.negatives", &self.0.robust.negatives)?;
        Ok(RobustTerm { negatives, weight: weight("robust.weight", self.0.robust.weight)? })
    }
    fn neighborhood(&mut self) -> Result<vocabulary::Neighborhood, Failure> {
        let lambda = self.0.lambda;
        Ok(match one_of("neighborhood", self.0.neighborhood, &Neighborhood::ALL)? {
            Neighborhood::Nca => vocabulary::Neighborhood::Nca,
            Neighborhood::MixNca => vocabulary::Neighborhood::MixNca { lambda },
            Neighborhood::Joined => vocabulary::Neighborhood::Combined { lambda, joined: true },
            Neighborhood::Sum => vocabulary::Neighborhood::Combined { lambda, joined: false },
        })
    }
}

impl From<vocabulary::Negatives> for Negatives {
    fn from(negatives: vocabulary::Negatives) -> Self {
        let (estimator, tau_plus, beta) = match negatives {
            vocabulary::Negatives::G0 => (Estimator::G0, 0.0, 0.0),
            vocabulary::Negatives::G1 { tau_plus } => (Estimator::G1, tau_plus, 0.0),
            vocabulary::Negatives::G2 { tau_plus, beta } => (Estimator::G2, tau_plus, beta),
        };
        Self { estimator: estimator as u32, tau_plus, beta }
    }
}

impl From<vocabulary::Weight> for Weight {
    fn from(weight: vocabulary::Weight) -> Self {
        match weight {
            vocabulary::Weight::One => Weight::One,
            vocabulary::Weight::Adversarial => Weight::Adversarial,
            vocabulary::Weight::AdversarialWithGradient => Weight::AdversarialWithGradient,
        }
    }
}

impl WriteParameters for Parameters {
    fn tau_plus(&mut self, tau_plus: f64) {
        self.tau_plus = tau_plus;
    }
    fn beta(&mut self, beta: f64) {
        self.beta = beta;
    }
    fn alpha(&mut self, alpha: f64) {
        self.alpha = alpha;
    }
    fn lambda(&mut self, lambda: f64) {
        self.lambda = lambda;
    }
    fn negatives(&mut self, negatives: vocabulary::Negatives) {
        self.negatives = negatives.into();
    }
    fn weight(&mut self, weight: vocabulary::Weight) {
        self.weight = Weight::from(weight) as u32;
    }
    fn weight_negatives(&mut self, negatives: vocabulary::Negatives) {
        self.weight_negatives = negatives.into();
    }
    fn robust(&mut self, robust: RobustTerm) {
        self.robust =
            Robust { negatives: robust.negatives.into(), weight: Weight::from(robust.weight) as u32 };
    }
    fn neighborhood(&mut self, neighborhood: vocabulary::Neighborhood) {
        let (kind, lambda) = match neighborhood {
            vocabulary::Neighborhood::Nca => (Neighborhood::Nca, None),
            vocabulary::Neighborhood::MixNca { lambda } => (Neighborhood::MixNca, Some(lambda)),
            vocabulary::Neighborhood::Combined { lambda, joined: true } => {
                (Neighborhood::Joined, Some(lambda))
            }
            vocabulary::Neighborhood::Combined { lambda, joined: false } => (Neighborhood::Sum, Some(lambda)),
        };
        self.neighborhood = kind as u32;
        self.lambda = lambda.unwrap_or(self.lambda);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters that differ from each other, by the numbers of three names.
    fn given(estimator: u32, weight: u32, neighborhood: u32) -> Parameters {
        let negatives = |tau_plus, beta| Negatives { estimator, tau_plus, beta };
        Parameters {
            tau_plus: 0.1,
            beta: 2.0,
            alpha: 3.0,
            lambda: 0.25,
            negatives: negatives(0.4, 5.0),
            weight,
            weight_negatives: negatives(0.6, 7.0),
            robust: Robust { negatives: negatives(0.8, 9.0), weight },
            neighborhood,
        }
    }

    #[test]
    fn every_loss_comes_back_from_its_parameters() {
        for number in 0..36 {
            let given = given(number % 3, number / 3 % 3, number / 9);
            for name in LossName::ALL {
                let read = loss(*name, &given).unwrap();
                assert_eq!(loss(*name, &read.into()).unwrap(), read);
            }
        }
    }

    #[test]
    fn a_loss_has_the_numbers_of_its_fields() {
        let read = loss(LossName::IntNaCl, &given(2, 1, 3)).unwrap();
        let robust = RobustTerm {
            negatives: vocabulary::Negatives::G2 { tau_plus: 0.8, beta: 9.0 },
            weight: vocabulary::Weight::Adversarial,
        };
        let expected = Loss::IntNaCl {
            negatives: vocabulary::Negatives::G2 { tau_plus: 0.4, beta: 5.0 },
            alpha: 3.0,
            robust,
            neighborhood: vocabulary::Neighborhood::Combined { lambda: 0.25, joined: false },
        };
        assert_eq!(read, expected);
        let read = loss(LossName::HardNegative, &given(0, 0, 0)).unwrap();
        assert_eq!(read, Loss::HardNegative { tau_plus: 0.1, beta: 2.0 });
    }

    #[test]
    fn numbers_that_stand_for_nothing_are_refused_by_name() {
        let mut given = Parameters::NONE;
        given.robust.negatives.estimator = 3;
        let refused = loss(LossName::IntCl, &given).unwrap_err().to_string();
        assert_eq!(refused, "robust.negatives.estimator = 3: expected a number from 0 to 2");
        given = Parameters { neighborhood: u32::MAX, ..Parameters::NONE };
        assert!(loss(LossName::IntNaCl, &given).is_err());
        assert!(loss(LossName::SimClr, &given).is_ok(), "a loss reads its own parameters alone");
    }
}
