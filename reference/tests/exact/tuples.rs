//! The tuple layout.

use crate::big::Big;
use crate::formula::{Formula, Positives, Robust, Site};
use crate::sheet::{Row, Sheet};
use crate::tape::Var;
use intnacl_reference::{Loss, Weight};

/// The loss at each anchor.
pub fn anchors(sheet: &mut Sheet, loss: &Loss, count: usize) -> Vec<Var> {
    let recipe = Formula::of(loss);
    (0..count).map(|b| anchor(sheet, &recipe, b)).collect()
}

fn anchor(sheet: &mut Sheet, recipe: &Formula, b: usize) -> Var {
    let positives = sheet.rows(&format!("positives[{b}]"));
    let given_draws = sheet.find(&format!("debias_positives[{b}]"));
    let clean = Site {
        anchor: sheet.rows("anchor")[b],
        negatives: sheet.rows(&format!("negatives[{b}]")),
        draws: given_draws.unwrap_or_else(|| positives[..1].to_vec()),
        positives,
    };
    let mut terms = Vec::new();
    if !recipe.clean.is_empty() {
        let negative_term = clean.negative_term(sheet, recipe.negatives);
        for &which in &recipe.clean {
            terms.push(clean.attraction(sheet, which, negative_term));
        }
        if let Some(lambda) = recipe.mixed {
            let mixed = mixed(sheet, recipe, &clean, negative_term, b);
            terms.extend(clean.mixed_terms(sheet, lambda, &mixed));
        }
    }
    if let Some(robust) = &recipe.robust {
        terms.push(robust_term(sheet, robust, &clean, b));
    }
    sheet.tape.sum(&terms)
}

/// The mixed rows of anchor `b`, each with its `N·G`.
fn mixed(sheet: &mut Sheet, recipe: &Formula, clean: &Site, negative_term: Var, b: usize) -> Vec<(Row, Var)> {
    let rows = sheet.find(&format!("mixed[{b}]")).unwrap_or_default();
    let mut all = Vec::new();
    for (j, row) in rows.into_iter().enumerate() {
        let term = match sheet.find(&format!("mixed_negatives[{b}][{j}]")) {
            Some(negatives) => Site { negatives, ..clean.clone() }.negative_term(sheet, recipe.negatives),
            None => negative_term,
        };
        all.push((row, term));
    }
    all
}

fn robust_term(sheet: &mut Sheet, robust: &Robust, clean: &Site, b: usize) -> Var {
    let adversarial = sheet.rows("adversarial")[b];
    let around = Site {
        anchor: clean.anchor,
        positives: vec![adversarial],
        negatives: sheet
            .find(&format!("adversarial_negatives[{b}]"))
            .unwrap_or_else(|| clean.negatives.clone()),
        draws: clean.draws.clone(),
    };
    let negative_term = around.negative_term(sheet, robust.negatives);
    let mut term = around.attraction(sheet, Positives::First, negative_term);
    if robust.weight != Weight::One {
        let negative_term = clean.negative_term(sheet, robust.weight_negatives);
        let mut weight = clean.attraction(sheet, Positives::First, negative_term);
        if robust.weight == Weight::Adversarial {
            weight = sheet.tape.detach(weight);
        }
        term = sheet.tape.product(weight, term);
    }
    sheet.tape.scale(term, &Big::from(robust.alpha))
}
