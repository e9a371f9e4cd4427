//! What a run minimises: a loss in the form that requests have, with single parameters overridden, or the labels'
//! cross-entropy.

use crate::error::{Error, Result, in_range};
use intnacl::{Loss, Negatives, Neighborhood, Request, RobustTerm, Weight};
use intnacl_reference::{LossName, json};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The paper's `τ⁺`, `β` and `α` (appendix H).
pub const TAU_PLUS: f64 = 0.01;
/// See [`TAU_PLUS`].
pub const BETA: f64 = 1.0;
/// See [`TAU_PLUS`].
pub const ALPHA: f64 = 1.0;
/// The mixing weight of IntNaCl in the paper's Table 1.
pub const LAMBDA: f64 = 0.5;

/// The paper's `g2`.
pub const G2: Negatives = Negatives::G2 { tau_plus: TAU_PLUS, beta: BETA };
/// The paper's robust term.
pub const ROBUST: RobustTerm = RobustTerm { negatives: G2, weight: Weight::Adversarial };

/// A loss with the paper's parameters.
const fn of_the_paper(name: LossName) -> Loss {
    match name {
        LossName::SimClr => Loss::SimClr,
        LossName::Debiased => Loss::Debiased { tau_plus: TAU_PLUS },
        LossName::HardNegative => Loss::HardNegative { tau_plus: TAU_PLUS, beta: BETA },
        LossName::Adversarial => Loss::Adversarial { alpha: ALPHA },
        LossName::Nca => Loss::Nca { negatives: G2 },
        LossName::MixNca => Loss::MixNca { negatives: G2, lambda: LAMBDA },
        LossName::Robust => Loss::Robust { negatives: G2, weight: Weight::Adversarial, weight_negatives: G2 },
        LossName::IntCl => Loss::IntCl { negatives: G2, alpha: ALPHA, robust: ROBUST },
        LossName::IntNaCl => Loss::IntNaCl {
            negatives: G2,
            alpha: ALPHA,
            robust: ROBUST,
            neighborhood: Neighborhood::MixNca { lambda: LAMBDA },
        },
    }
}

/// The loss of a name as in requests, with the paper's parameters.
///
/// # Errors
/// [`Error::Setting`] for another name.
pub fn named(name: &str) -> Result<Loss> {
    let known = LossName::of(name).map(of_the_paper);
    known.ok_or_else(|| Error::setting("loss", name, format!("one of {}", LossName::NAMES.join(", "))))
}

/// What a run minimises. A configuration writes it as a request does, by `name` and `parameters`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub enum Objective {
    /// A loss of the paper's.
    Contrastive(Loss),
    /// The cross-entropy of a linear map of the features: the baseline of appendix I, which sees the labels.
    Supervised,
}

/// The name of [`Objective::Supervised`].
pub const SUPERVISED: &str = "supervised";

impl Objective {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Contrastive(loss) => loss.name(),
            Self::Supervised => SUPERVISED,
        }
    }

    /// Refuses parameters out of range.
    ///
    /// # Errors
    /// The loss's own.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Contrastive(loss) => Ok(loss.validate().map_err(intnacl::Error::from)?),
            Self::Supervised => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Value>,
}

/// The smallest batch, around which a request is a loss and nothing else.
fn smallest() -> intnacl_reference::Batch {
    intnacl_reference::Batch::new(vec![DMatrix::from_element(2, 1, 1.0); 2])
}

impl From<Objective> for Form {
    fn from(objective: Objective) -> Self {
        let Objective::Contrastive(loss) = objective else {
            return Form { name: SUPERVISED.into(), parameters: Map::new() };
        };
        let settings = intnacl::Settings::new(1.0);
        let request = json::write_request(&Request::Batch { loss, settings, data: smallest() });
        let parameters = serde_json::from_str::<Value>(&request).ok();
        let parameters = parameters.as_ref().and_then(|request| request.get("parameters")?.as_object());
        Form { name: loss.name().into(), parameters: parameters.cloned().unwrap_or_default() }
    }
}

impl TryFrom<Form> for Objective {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        let parameters = match form.parameters.is_empty() {
            true if form.name == SUPERVISED => return Ok(Objective::Supervised),
            true => Form::from(Objective::Contrastive(named(&form.name)?)).parameters,
            false => form.parameters,
        };
        let request = serde_json::json!({
            "loss": form.name, "temperature": 1, "parameters": parameters,
            "data": {"layout": "batch", "views": [[[1], [1]], [[1], [1]]]},
        });
        let refused = |reason: String| Error::setting("loss", &form.name, reason);
        match json::read_request(&request.to_string()) {
            Ok(Request::Batch { loss, .. }) => {
                loss.validate().map_err(intnacl::Error::from)?;
                Ok(Objective::Contrastive(loss))
            }
            Ok(_) => Err(refused("a loss of batches".into())),
            Err(error) => Err(refused(format!("parameters that are right; {error}"))),
        }
    }
}

/// Parameters that override a loss's own.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// The class prior of g1 and g2, wherever the loss has one
    #[arg(long)]
    pub tau_plus: Option<f64>,
    /// The hardness of g2, wherever the loss has one
    #[arg(long)]
    pub beta: Option<f64>,
    /// The weight of the robust term
    #[arg(long)]
    pub alpha: Option<f64>,
    /// The mixing weight
    #[arg(long)]
    pub lambda: Option<f64>,
    /// The estimator of the negative term: g0, g1 or g2
    #[arg(long)]
    pub negatives: Option<Estimator>,
}

/// An estimator without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Estimator {
    /// The plain mean.
    G0,
    /// Debiased.
    G1,
    /// Debiased, with hard negatives.
    G2,
}

/// A loss's estimators, those of its terms first.
fn estimators(loss: &mut Loss) -> Vec<&mut Negatives> {
    match loss {
        Loss::SimClr | Loss::Debiased { .. } | Loss::HardNegative { .. } | Loss::Adversarial { .. } => vec![],
        Loss::Nca { negatives } | Loss::MixNca { negatives, .. } => vec![negatives],
        Loss::Robust { negatives, weight_negatives, .. } => vec![negatives, weight_negatives],
        Loss::IntCl { negatives, robust, .. } | Loss::IntNaCl { negatives, robust, .. } => {
            vec![negatives, &mut robust.negatives]
        }
    }
}

/// Every number among a loss's parameters, by the parameter's name.
pub(crate) fn numbers(loss: &mut Loss) -> Vec<(&'static str, &mut f64)> {
    fn of(negatives: &mut Negatives) -> Vec<(&'static str, &mut f64)> {
        match negatives {
            Negatives::G0 => vec![],
            Negatives::G1 { tau_plus } => vec![("tau_plus", tau_plus)],
            Negatives::G2 { tau_plus, beta } => vec![("tau_plus", tau_plus), ("beta", beta)],
        }
    }
    fn own<'a>(name: &'static str, number: &'a mut f64) -> Vec<(&'static str, &'a mut f64)> {
        vec![(name, number)]
    }
    let lists = match loss {
        Loss::SimClr => vec![],
        Loss::Debiased { tau_plus } => vec![own("tau_plus", tau_plus)],
        Loss::HardNegative { tau_plus, beta } => vec![own("tau_plus", tau_plus), own("beta", beta)],
        Loss::Adversarial { alpha } => vec![own("alpha", alpha)],
        Loss::Nca { negatives } => vec![of(negatives)],
        Loss::MixNca { negatives, lambda } => vec![of(negatives), own("lambda", lambda)],
        Loss::Robust { negatives, weight_negatives, .. } => vec![of(negatives), of(weight_negatives)],
        Loss::IntCl { negatives, alpha, robust } => {
            vec![of(negatives), of(&mut robust.negatives), own("alpha", alpha)]
        }
        Loss::IntNaCl { negatives, alpha, robust, neighborhood } => {
            let mixing = match neighborhood {
                Neighborhood::Nca => vec![],
                Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, .. } => {
                    own("lambda", lambda)
                }
            };
            vec![of(negatives), of(&mut robust.negatives), own("alpha", alpha), mixing]
        }
    };
    lists.into_iter().flatten().collect()
}

impl Overrides {
    /// The objective with these parameters.
    ///
    /// # Errors
    /// [`Error::Setting`] for a parameter that it does not have; a parameter out of range.
    pub fn apply(&self, objective: Objective) -> Result<Objective> {
        let given = [
            ("tau_plus", self.tau_plus),
            ("beta", self.beta),
            ("alpha", self.alpha),
            ("lambda", self.lambda),
        ];
        let expected = |name: &str| format!("another loss: {name} has no such parameter");
        let Objective::Contrastive(mut loss) = objective else {
            let first =
                given.iter().find_map(|(argument, value)| Some((*argument, value.as_ref()?.to_string())));
            let estimator = self.negatives.map(|estimator| ("negatives", format!("{estimator:?}")));
            return match first.or(estimator) {
                Some((argument, value)) => Err(Error::setting(argument, value, expected(SUPERVISED))),
                None => Ok(objective),
            };
        };
        if let Some(estimator) = self.negatives {
            let mut all = estimators(&mut loss);
            let expected = "a loss whose estimator can be chosen";
            in_range("negatives", format!("{estimator:?}"), !all.is_empty(), expected)?;
            for negatives in &mut all {
                **negatives = match estimator {
                    Estimator::G0 => Negatives::G0,
                    Estimator::G1 => Negatives::G1 { tau_plus: TAU_PLUS },
                    Estimator::G2 => G2,
                };
            }
        }
        for (argument, value) in given {
            let Some(value) = value else { continue };
            let expected = expected(loss.name());
            let mut places = numbers(&mut loss);
            places.retain(|(name, _)| *name == argument);
            in_range(argument, value, !places.is_empty(), expected)?;
            places.into_iter().for_each(|(_, place)| *place = value);
        }
        let objective = Objective::Contrastive(loss);
        objective.validate()?;
        Ok(objective)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_reads_back_as_written() {
        let losses = LossName::ALL.iter().copied().map(of_the_paper);
        for objective in losses.clone().map(Objective::Contrastive).chain([Objective::Supervised]) {
            let text = toml::to_string(&objective).unwrap();
            assert_eq!(toml::from_str::<Objective>(&text).unwrap(), objective, "{text}");
        }
        for loss in losses {
            assert_eq!(named(loss.name()).unwrap(), loss);
        }
    }

    #[test]
    fn a_name_alone_means_the_papers_parameters() {
        let read = toml::from_str::<Objective>("name = \"int_nacl\"").unwrap();
        assert_eq!(read, Objective::Contrastive(named("int_nacl").unwrap()));
    }

    #[test]
    fn wrong_names_and_parameters_are_refused_by_name() {
        for (text, words) in [
            ("name = \"info_nce\"", "simclr"),
            ("name = \"debiased\"\nparameters = {tau = 0.1}", "tau"),
            ("name = \"debiased\"\nparameters = {tau_plus = 1.0}", "tau_plus"),
            ("name = \"supervised\"\nparameters = {tau_plus = 0.1}", "supervised"),
            ("name = \"debiased\"\nparameter = {tau_plus = 0.1}", "parameter"),
        ] {
            let message = toml::from_str::<Objective>(text).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn overrides_reach_every_place_and_no_other_loss() {
        let overrides = Overrides { tau_plus: Some(0.1), beta: Some(0.5), ..Default::default() };
        let of = |name| Objective::Contrastive(named(name).unwrap());
        let changed = overrides.apply(of("int_cl")).unwrap();
        let negatives = Negatives::G2 { tau_plus: 0.1, beta: 0.5 };
        let robust = RobustTerm { negatives, ..ROBUST };
        assert_eq!(changed, Objective::Contrastive(Loss::IntCl { negatives, alpha: 1.0, robust }));
        for (objective, name) in [(of("simclr"), "simclr"), (Objective::Supervised, "supervised")] {
            let message = overrides.apply(objective).unwrap_err().to_string();
            assert!(message.contains("tau_plus = 0.1") && message.contains(name), "{message}");
        }
        assert_eq!(Overrides::default().apply(Objective::Supervised).unwrap(), Objective::Supervised);
        let lambda = Overrides { lambda: Some(1.5), ..Default::default() };
        assert!(lambda.apply(of("mix_nca")).unwrap_err().to_string().contains("lambda"));
    }
}
