//! The objects of requests and answers, as they stand in the text: every field may be absent.
//!
//! Which fields belong together is not decided here, since `loss` and `layout` may come after what depends
//! on them.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::array::{Label, Matrix, Number};

/// Names of fields that no object has yet.
const RESERVED: [&str; 2] = ["cotangent", "temperature_gradient"];

/// An object of which every field may be absent.
pub(super) trait Form {
    /// The names of the fields that may be there.
    const FIELDS: &'static [&'static str];

    /// The first field that is there: once those that belong there are taken, one that does not.
    fn left(&self) -> Option<&'static str>;
}

/// Declares an object: a struct with an `Option` for every field, and its strict reader.
///
/// Derives as serde does, but for: an array in the fields' order is no object, `null` is no absent
/// field, and an unknown or repeated field is reported at its own path.
macro_rules! object {
    ($name:ident, $what:literal { $($field:ident: $form:ty,)* }) => {
        #[derive(Default)]
        pub(super) struct $name {
            $(pub $field: Option<$form>,)*
        }

        impl Form for $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn left(&self) -> Option<&'static str> {
                $(if self.$field.is_some() {
                    return Some(stringify!($field));
                })*
                None
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> Visitor<'de> for Reader {
                    type Value = $name;
                    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                        formatter.write_str($what)
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $(stringify!($field) if object.$field.is_none() => {
                                    object.$field = Some(map.next_value()?);
                                })*
                                known if $name::FIELDS.contains(&known) => {
                                    map.next_value_seed(Refuse("given twice, expected once".into()))?;
                                }
                                reserved if RESERVED.contains(&reserved) => {
                                    let fields = $name::FIELDS.join(", ");
                                    map.next_value_seed(Refuse(format!("reserved for later, expected one of {fields}")))?;
                                }
                                _ => {
                                    let fields = $name::FIELDS.join(", ");
                                    map.next_value_seed(Refuse(format!("unknown field, expected one of {fields}")))?;
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }
    };
}

/// Fails in place of a field's value, so that the error has the field's path.
struct Refuse(String);

impl<'de> DeserializeSeed<'de> for Refuse {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom(self.0))
    }
}

object!(RequestForm, "an object with loss, temperature, parameters and data" {
    loss: String,
    temperature: Number,
    normalize: bool,
    norm_tolerance: Number,
    parameters: ParametersForm,
    data: DataForm,
    version: Number,
});

object!(ParametersForm, "an object with the parameters of the loss" {
    tau_plus: Number,
    beta: Number,
    alpha: Number,
    negatives: NegativesForm,
    lambda: Number,
    weight: String,
    weight_negatives: NegativesForm,
    robust: RobustForm,
    neighborhood: String,
    joined: bool,
    objective: String,
});

object!(NegativesForm, "an object with estimator, and the tau_plus and beta that it takes" {
    estimator: String,
    tau_plus: Number,
    beta: Number,
});

object!(RobustForm, "an object with negatives and weight" {
    negatives: NegativesForm,
    weight: String,
});

// The layouts agree on the depth of what they both have.
object!(DataForm, "an object with the arrays of a layout" {
    layout: String,
    anchor: Matrix,
    positives: Vec<Matrix>,
    negatives: Vec<Matrix>,
    debias_positives: Vec<Matrix>,
    mixed: Vec<Matrix>,
    mixed_negatives: Vec<Vec<Matrix>>,
    adversarial: Matrix,
    adversarial_negatives: Vec<Matrix>,
    views: Vec<Matrix>,
    symmetric: bool,
    transform: Matrix,
    points: Matrix,
    labels: Vec<Label>,
});

object!(AnswerForm, "an object with value, per_anchor and gradient" {
    value: Number,
    per_anchor: Vec<Number>,
    gradient: DataForm,
    error: String,
    version: Number,
});
