//! Which laws a function in Python can be held to. Everything here goes by the judge's list of laws, and by what a
//! function offers: one layout, with some of its arrays, at some temperatures.

use intnacl_judge::Law;
use pyo3::prelude::*;

/// The law that every function is held to, made of requests that have nothing but what the function takes.
pub const AGREEMENT: &str = "agrees_with_the_reference";

/// Laws of which every request is a batch.
const OF_BATCHES: [&str; 3] =
    ["rotation_of_all_embeddings", "permutation_of_images", "temperature_scales_the_scores"];

/// Laws of which every request is tuples of the loss that is asked for, with its parameters.
const OF_TUPLES: [&str; 2] = ["permutation_of_negatives", "values_lie_in_their_range"];

/// Laws of labelled points.
const OF_POINTS: [&str; 4] = [
    "rows_of_p_sum_to_1",
    "total_variation_is_at_most_kullback_leibler",
    "supervised_agrees_with_the_reference",
    "translation_of_all_points",
];

/// What a function offers of a loss.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// `batch`, `tuples` or `supervised`.
    pub layout: &'a str,
    /// Whether it takes every array that the loss reads.
    pub all_arrays: bool,
    /// Whether it gives the value of each anchor.
    pub per_anchor: bool,
    /// Whether it takes any temperature and rows of any norm, as they are given.
    pub off_the_sphere: bool,
}

impl Offer<'_> {
    /// Why the function cannot be held to a law, if it cannot.
    pub fn lacks(&self, law: &str) -> Option<&'static str> {
        match self.layout {
            "batch" if law == AGREEMENT => None,
            "batch" if law == "temperature_scales_the_scores" && !self.off_the_sphere => {
                Some("it needs every temperature, and rows as they are given")
            }
            "batch" if OF_BATCHES.contains(&law) => None,
            "batch" => Some("it needs tuples, or other losses"),
            "tuples" if law == AGREEMENT => None,
            "tuples" if !OF_TUPLES.contains(&law) => Some("it needs batches, or other losses or parameters"),
            "tuples" if !self.all_arrays => Some("it needs arrays that the function does not take"),
            "tuples" if !self.per_anchor => Some("it needs the value of each anchor"),
            "supervised" if OF_POINTS.contains(&law) => {
                let needs_points = law == "rows_of_p_sum_to_1" || law.starts_with("total_variation");
                (needs_points && !self.per_anchor).then_some("it needs the value of each point")
            }
            "supervised" => Some("it is of embeddings"),
            _ => None,
        }
    }
}

/// The laws of a loss.
pub fn of_loss(loss: &str) -> Vec<Law> {
    intnacl_judge::laws().into_iter().filter(|law| law.losses.contains(&loss)).collect()
}

/// The laws of a loss that a function of a layout can be held to, or all: name and statement.
#[pyfunction]
#[pyo3(signature = (loss, layout = None))]
pub fn laws(loss: &str, layout: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let offered = |law: &Law| {
        let offer = |layout| Offer { layout, all_arrays: true, per_anchor: true, off_the_sphere: true };
        layout.is_none_or(|layout| offer(layout).lacks(law.name).is_none())
    };
    of_loss(loss).into_iter().filter(offered).map(|law| (law.name, law.statement)).collect()
}

/// A seed that was not drawn before.
#[pyfunction]
pub fn fresh_seed() -> u64 {
    intnacl_judge::fresh_seed()
}
