//! A loss from its name and its parameters.

use super::array::Number;
use super::error::{Error, Result, shorten};
use super::forms::{Form, NegativesForm, ParametersForm, RobustForm};
use crate::{
    Declaration, Loss, LossName, Negatives, Neighborhood, Objective, Parameter, ReadParameters, RobustTerm,
    SUPERVISED_NCA, Weight, declarations,
};

/// The function that a request asks to evaluate.
pub(super) enum Asked {
    /// A contrastive loss.
    Loss(Loss),
    /// Supervised NCA.
    Supervised(Objective),
}

/// The names of the losses, for an error.
pub(super) fn losses() -> String {
    let names: Vec<&str> = declarations().map(|declaration| declaration.name).collect();
    format!("one of {}", names.join(", "))
}

pub(super) fn asked(name: &str, mut form: ParametersForm) -> Result<Asked> {
    if name == SUPERVISED_NCA.name {
        let objective = objective(&mut form.objective)?;
        return none_left(&SUPERVISED_NCA, &form).map(|()| Asked::Supervised(objective));
    }
    let loss = LossName::of(name).ok_or_else(|| unknown("loss", name, losses()))?;
    let mut given = Given { form, negatives: None };
    let asked = Asked::Loss(loss.read(&mut given)?);
    none_left(loss.declaration(), &given.form).map(|()| asked)
}

/// The parameters of a request, of which those that were read are taken away.
struct Given {
    form: ParametersForm,
    /// The estimator that was read, the default of the one in the weight.
    negatives: Option<Negatives>,
}

impl ReadParameters for Given {
    type Error = Error;

    fn tau_plus(&mut self) -> Result<f64> {
        number(&mut self.form.tau_plus, "tau_plus")
    }
    fn beta(&mut self) -> Result<f64> {
        number(&mut self.form.beta, "beta")
    }
    fn alpha(&mut self) -> Result<f64> {
        number(&mut self.form.alpha, "alpha")
    }
    fn lambda(&mut self) -> Result<f64> {
        number(&mut self.form.lambda, "lambda")
    }
    fn negatives(&mut self) -> Result<Negatives> {
        let read = negatives(&mut self.form.negatives, "negatives")?;
        self.negatives = Some(read);
        Ok(read)
    }
    fn weight(&mut self) -> Result<Weight> {
        weight(&mut self.form.weight, "weight")
    }
    fn weight_negatives(&mut self) -> Result<Negatives> {
        match (&self.form.weight_negatives, self.negatives) {
            (None, Some(default)) => Ok(default),
            _ => negatives(&mut self.form.weight_negatives, "weight_negatives"),
        }
    }
    fn robust(&mut self) -> Result<RobustTerm> {
        robust(&mut self.form.robust)
    }
    fn neighborhood(&mut self) -> Result<Neighborhood> {
        neighborhood(&mut self.form)
    }
}

fn none_left(loss: &Declaration, form: &ParametersForm) -> Result<()> {
    let Some(field) = form.left() else { return Ok(()) };
    let names: Vec<&str> = loss.parameters.iter().map(|parameter| fields(*parameter)).collect();
    let takes = if names.is_empty() { "no parameters".to_owned() } else { names.join(", ") };
    Err(Error::form(
        format!("parameters.{field}"),
        format!("not a parameter of {} as given, expected {takes}", loss.name),
    ))
}

/// The fields that a parameter takes up in a request.
fn fields(parameter: Parameter) -> &'static str {
    if parameter == Parameter::Neighborhood {
        return "neighborhood, for mix_nca and combined lambda, for combined joined";
    }
    parameter.name()
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
