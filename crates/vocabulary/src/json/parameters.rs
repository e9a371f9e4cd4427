//! A loss from its name and its parameters.

use super::array::Number;
use super::error::{Error, Result, shorten};
use super::forms::{Form, NegativesForm, ParametersForm, RobustForm};
use crate::vocabulary::{Loss, Negatives, Neighborhood, Objective, RobustTerm, Weight};

/// What a request asks to evaluate.
pub(super) enum Asked {
    /// A contrastive loss.
    Loss(Loss),
    /// Supervised NCA.
    Supervised(Objective),
}

/// Every loss by its name, and the parameters that it takes.
const LOSSES: [(&str, &str); 10] = [
    ("simclr", "no parameters"),
    ("debiased", "tau_plus"),
    ("hard_negative", "tau_plus, beta"),
    ("adversarial", "alpha"),
    ("nca", "negatives"),
    ("mix_nca", "negatives, lambda"),
    ("robust", "negatives, weight, weight_negatives"),
    ("int_cl", "negatives, alpha, robust"),
    (
        "int_nacl",
        "negatives, alpha, robust, neighborhood, for mix_nca and combined lambda, for combined joined",
    ),
    ("supervised_nca", "objective"),
];

/// The names of the losses, for an error.
pub(super) fn losses() -> String {
    format!("one of {}", LOSSES.map(|(name, _)| name).join(", "))
}

pub(super) fn asked(name: &str, mut form: ParametersForm) -> Result<Asked> {
    let form = &mut form;
    let loss = match name {
        "simclr" => Loss::SimClr,
        "debiased" => Loss::Debiased { tau_plus: number(&mut form.tau_plus, "tau_plus")? },
        "hard_negative" => Loss::HardNegative {
            tau_plus: number(&mut form.tau_plus, "tau_plus")?,
            beta: number(&mut form.beta, "beta")?,
        },
        "adversarial" => Loss::Adversarial { alpha: number(&mut form.alpha, "alpha")? },
        "nca" => Loss::Nca { negatives: negatives(&mut form.negatives, "negatives")? },
        "mix_nca" => Loss::MixNca {
            negatives: negatives(&mut form.negatives, "negatives")?,
            lambda: number(&mut form.lambda, "lambda")?,
        },
        "robust" => {
            let of_term = negatives(&mut form.negatives, "negatives")?;
            let weight_negatives = match form.weight_negatives {
                Some(_) => negatives(&mut form.weight_negatives, "weight_negatives")?,
                None => of_term,
            };
            Loss::Robust { negatives: of_term, weight: weight(&mut form.weight, "weight")?, weight_negatives }
        }
        "int_cl" => Loss::IntCl {
            negatives: negatives(&mut form.negatives, "negatives")?,
            alpha: number(&mut form.alpha, "alpha")?,
            robust: robust(&mut form.robust)?,
        },
        "int_nacl" => Loss::IntNaCl {
            negatives: negatives(&mut form.negatives, "negatives")?,
            alpha: number(&mut form.alpha, "alpha")?,
            robust: robust(&mut form.robust)?,
            neighborhood: neighborhood(form)?,
        },
        "supervised_nca" => {
            let objective = objective(&mut form.objective)?;
            return none_left(name, form).map(|()| Asked::Supervised(objective));
        }
        _ => return Err(unknown("loss", name, losses())),
    };
    none_left(name, form).map(|()| Asked::Loss(loss))
}

fn none_left(loss: &str, form: &ParametersForm) -> Result<()> {
    let Some(field) = form.left() else { return Ok(()) };
    let takes = LOSSES.iter().find(|(name, _)| *name == loss).map_or("no parameters", |(_, takes)| takes);
    Err(Error::form(
        format!("parameters.{field}"),
        format!("not a parameter of {loss} as given, expected {takes}"),
    ))
}

fn neighborhood(form: &mut ParametersForm) -> Result<Neighborhood> {
    let name = take(&mut form.neighborhood, "neighborhood", "nca, mix_nca or combined")?;
    match name.as_str() {
        "nca" => Ok(Neighborhood::Nca),
        "mix_nca" => Ok(Neighborhood::MixNca { lambda: number(&mut form.lambda, "lambda")? }),
        "combined" => Ok(Neighborhood::Combined {
            lambda: number(&mut form.lambda, "lambda")?,
            joined: form.joined.take().unwrap_or(true),
        }),
        _ => Err(unknown("parameters.neighborhood", &name, "nca, mix_nca or combined")),
    }
}

fn objective(form: &mut Option<String>) -> Result<Objective> {
    let name = take(form, "objective", "kl or total_variation")?;
    match name.as_str() {
        "kl" => Ok(Objective::KullbackLeibler),
        "total_variation" => Ok(Objective::TotalVariation),
        _ => Err(unknown("parameters.objective", &name, "kl or total_variation")),
    }
}

fn robust(form: &mut Option<RobustForm>) -> Result<RobustTerm> {
    let mut form = take(form, "robust", "an object with negatives and weight")?;
    Ok(RobustTerm {
        negatives: negatives(&mut form.negatives, "robust.negatives")?,
        weight: weight(&mut form.weight, "robust.weight")?,
    })
}

fn weight(form: &mut Option<String>, field: &str) -> Result<Weight> {
    const KNOWN: &str = "one, adversarial or adversarial_with_gradient";
    let name = take(form, field, KNOWN)?;
    match name.as_str() {
        "one" => Ok(Weight::One),
        "adversarial" => Ok(Weight::Adversarial),
        "adversarial_with_gradient" => Ok(Weight::AdversarialWithGradient),
        _ => Err(unknown(&format!("parameters.{field}"), &name, KNOWN)),
    }
}

fn negatives(form: &mut Option<NegativesForm>, field: &str) -> Result<Negatives> {
    let mut form = take(form, field, "an object with estimator")?;
    let within = |name: &str| format!("{field}.{name}");
    let name = take(&mut form.estimator, &within("estimator"), "g0, g1 or g2")?;
    let negatives = match name.as_str() {
        "g0" => Negatives::G0,
        "g1" => Negatives::G1 { tau_plus: number(&mut form.tau_plus, &within("tau_plus"))? },
        "g2" => Negatives::G2 {
            tau_plus: number(&mut form.tau_plus, &within("tau_plus"))?,
            beta: number(&mut form.beta, &within("beta"))?,
        },
        _ => return Err(unknown(&format!("parameters.{}", within("estimator")), &name, "g0, g1 or g2")),
    };
    match form.left() {
        None => Ok(negatives),
        Some(left) => Err(Error::form(
            format!("parameters.{}", within(left)),
            format!("not a parameter of {name}, expected tau_plus for g1, tau_plus and beta for g2"),
        )),
    }
}

fn number(form: &mut Option<Number>, field: &str) -> Result<f64> {
    take(form, field, "a number").map(|Number(number)| number)
}

fn take<T>(form: &mut Option<T>, field: &str, expected: &str) -> Result<T> {
    let missing = || Error::Missing { path: format!("parameters.{field}"), expected: expected.into() };
    form.take().ok_or_else(missing)
}

/// A name in a field that is not one of those it may hold.
pub(super) fn unknown(path: &str, found: &str, expected: impl Into<String>) -> Error {
    Error::Name { path: path.into(), found: shorten(found), expected: expected.into() }
}
