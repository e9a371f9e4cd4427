//! What is asked of a function, and the cases that it answers.

use std::ops::RangeInclusive;

use intnacl_judge::{Case, Combination, Estimator, Float, Standard, Support};
use intnacl_reference::{Loss, Negatives, Neighborhood, Request, Weight};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{arrays, refused};

/// What is asked of a function, read from JSON.
pub struct Plan {
    pub loss: String,
    pub float: Float,
    pub standard: Standard,
    pub cases: u32,
    pub seed: u64,
    /// Only these laws.
    pub laws: Option<Vec<String>>,
    layout: String,
    /// The arrays that the function takes.
    arrays: Vec<String>,
    /// Those of them that it cannot do without.
    needs: Vec<String>,
    normalize: Option<bool>,
    off_the_sphere: bool,
    symmetric: Option<bool>,
    pub temperatures: RangeInclusive<f64>,
    /// `M`, where the function takes no other number of positives.
    positives: Option<usize>,
    /// Whether every new shape costs the function much, as it does where shapes are compiled.
    few_shapes: bool,
    /// The loss with its parameters, where the function has them fixed.
    fixed: Option<Loss>,
}

pub fn float_of(name: &str) -> PyResult<Float> {
    Ok(match name {
        "f64" => Float::F64,
        "f32" => Float::F32,
        "bf16" => Float::Bf16,
        "f16" => Float::F16,
        "bf16-scores" => Float::Bf16Scores,
        "tf32" => Float::Tf32Scores,
        _ => {
            return Err(refused(format!(
                "dtype = {name:?}: expected f64, f32, bf16, f16, bf16-scores or tf32"
            )));
        }
    })
}

pub fn standard_of(name: &str) -> PyResult<Standard> {
    let found = Standard::ALL.into_iter().find(|standard| standard.to_string() == name);
    found.ok_or_else(|| refused(format!("standard = {name:?}: expected right, careful or exact")))
}

impl Plan {
    pub fn read(text: &str) -> PyResult<Self> {
        let plan: Value = serde_json::from_str(text).map_err(refused)?;
        let text = |name: &str| plan[name].as_str().unwrap_or_default().to_owned();
        let names = |name: &str| {
            let list = plan[name].as_array()?;
            Some(list.iter().filter_map(|item| item.as_str().map(String::from)).collect::<Vec<_>>())
        };
        let end = |index: usize| plan["temperatures"][index].as_f64().unwrap_or(f64::NAN);
        let layout = text("layout");
        let fixed = match &plan["fixed"] {
            Value::Null => None,
            head => match arrays::read_head(&head.to_string(), &layout)? {
                Request::Tuples { loss, .. } | Request::Batch { loss, .. } => Some(loss),
                Request::Supervised { .. } => None,
            },
        };
        Ok(Self {
            loss: text("loss"),
            float: float_of(&text("dtype"))?,
            standard: standard_of(&text("standard"))?,
            cases: plan["cases"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            seed: plan["seed"].as_u64().unwrap_or(0),
            laws: names("laws"),
            layout,
            arrays: names("arrays").unwrap_or_default(),
            needs: names("needs").unwrap_or_default(),
            normalize: plan["normalize"].as_bool(),
            off_the_sphere: plan["off_the_sphere"].as_bool().unwrap_or(true),
            symmetric: plan["symmetric"].as_bool(),
            temperatures: end(0)..=end(1),
            positives: plan["positives"].as_u64().map(|count| count as usize),
            few_shapes: plan["few_shapes"].as_bool().unwrap_or(false),
            fixed,
        })
    }

    /// What the function claims to answer.
    pub fn support(&self) -> Support {
        Support {
            temperatures: self.temperatures.clone(),
            losses: Some(vec![self.loss.clone()]),
            tuples: self.layout == "tuples",
            batches: self.layout == "batch",
            fixed: self.fixed,
            normalize: self.normalize,
            off_the_sphere: self.off_the_sphere,
            symmetric: self.symmetric.filter(|_| self.layout == "batch"),
            positives: self.positives.filter(|_| self.layout == "batch"),
            arrays: Some(self.arrays.clone()),
            needs: self.needs.clone(),
            ..Support::default()
        }
    }

    /// A drawn case, made one that the function answers.
    pub fn adapted(&self, case: Case) -> Case {
        let mut case = self.support().adapted(case);
        if self.few_shapes {
            case.images = one_of(&[2, 3, 8], case.images);
            case.dimension = one_of(&[1, 2, 5, 16], case.dimension);
            case.negatives = one_of(&[1, 4, 12], case.negatives);
            case.positives = one_of(&[1, 2, 3], case.positives);
            case.debias = one_of(&[1, 2], case.debias);
        }
        if let Some(loss) = self.fixed {
            fix(&mut case, loss);
        }
        case
    }
}

/// The largest of some sizes that is not above a size; the first is the smallest there is.
fn one_of(sizes: &[usize], size: usize) -> usize {
    sizes.iter().copied().rfind(|allowed| *allowed <= size).unwrap_or(size)
}

/// Gives a case the parameters of a loss, as far as cases have them.
fn fix(case: &mut Case, loss: Loss) {
    let mut estimator = |negatives: Negatives| match negatives {
        Negatives::G0 => Estimator::G0,
        Negatives::G1 { tau_plus } => {
            case.tau_plus = tau_plus;
            Estimator::G1
        }
        Negatives::G2 { tau_plus, beta } => {
            (case.tau_plus, case.beta) = (tau_plus, beta);
            Estimator::G2
        }
    };
    let (mut estimators, mut weight, mut alpha, mut mixing) = (case.estimators, None::<Weight>, None, None);
    match loss {
        Loss::SimClr => {}
        Loss::Debiased { tau_plus } => _ = estimator(Negatives::G1 { tau_plus }),
        Loss::HardNegative { tau_plus, beta } => _ = estimator(Negatives::G2 { tau_plus, beta }),
        Loss::Adversarial { alpha: share } => alpha = Some(share),
        Loss::Nca { negatives } => estimators.0 = estimator(negatives),
        Loss::MixNca { negatives, lambda } => {
            estimators.0 = estimator(negatives);
            mixing = Some(lambda);
        }
        Loss::Robust { negatives, weight: given, weight_negatives } => {
            estimators = (estimator(weight_negatives), estimator(negatives));
            weight = Some(given);
        }
        Loss::IntCl { negatives, alpha: share, robust } => {
            estimators = (estimator(negatives), estimator(robust.negatives));
            (weight, alpha) = (Some(robust.weight), Some(share));
        }
        Loss::IntNaCl { negatives, alpha: share, robust, neighborhood } => {
            estimators = (estimator(negatives), estimator(robust.negatives));
            (weight, alpha) = (Some(robust.weight), Some(share));
            case.neighborhood = match neighborhood {
                Neighborhood::Nca => Combination::Nca,
                Neighborhood::MixNca { .. } => Combination::MixNca,
                Neighborhood::Combined { joined: true, .. } => Combination::Joined,
                Neighborhood::Combined { joined: false, .. } => Combination::Sum,
            };
            mixing = match neighborhood {
                Neighborhood::Nca => None,
                Neighborhood::MixNca { lambda } | Neighborhood::Combined { lambda, .. } => Some(lambda),
            };
        }
    }
    case.estimators = estimators;
    case.weight = weight.unwrap_or(case.weight);
    case.alpha = alpha.unwrap_or(case.alpha);
    case.lambda = mixing.unwrap_or(case.lambda);
}
