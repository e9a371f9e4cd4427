//! The batch layout, image by image.

use crate::big::Big;
use crate::formula::{Formula, Positives, Robust, Site};
use crate::sheet::{Row, Sheet};
use crate::tape::Var;
use intnacl_reference::{Loss, Weight};

/// The rows of a batch: `views[v][i]` is view `v` of image `i`.
struct Views {
    views: Vec<Vec<Row>>,
    mixed: Vec<Vec<Row>>,
    adversarial: Option<Vec<Row>>,
    symmetric: bool,
}

/// The loss at each image.
pub fn images(sheet: &mut Sheet, loss: &Loss, symmetric: bool) -> Vec<Var> {
    let numbered = |name: &str| (0..).map_while(|k| sheet.find(&format!("{name}[{k}]"))).collect();
    let views = Views {
        views: numbered("views"),
        mixed: numbered("mixed"),
        adversarial: sheet.find("adversarial"),
        symmetric,
    };
    let recipe = Formula::of(loss);
    (0..views.views[0].len()).map(|i| views.image(sheet, &recipe, i)).collect()
}

impl Views {
    /// Rows of two views, of every image but `i`.
    fn others(first: &[Row], second: &[Row], i: usize) -> Vec<Row> {
        let images = (0..first.len()).filter(|&k| k != i);
        images.flat_map(|k| [first[k], second[k]]).collect()
    }

    /// The clean sites of image `i`: anchored in view 0, and in view 1 when symmetric.
    fn clean_sites(&self, i: usize) -> Vec<Site> {
        let anchors = if self.symmetric { vec![(0, 1), (1, 0)] } else { vec![(0, 1)] };
        let site = |(own, other): (usize, usize)| {
            let partner = self.views[other][i];
            let further = self.views[2..].iter().map(|view| view[i]);
            Site {
                anchor: self.views[own][i],
                positives: [partner].into_iter().chain(further).collect(),
                negatives: Self::others(&self.views[0], &self.views[1], i),
                draws: vec![partner],
            }
        };
        anchors.into_iter().map(site).collect()
    }

    /// The robust sites of image `i`: anchored in view 0, and in the adversarial view when symmetric.
    fn robust_sites(&self, i: usize) -> Vec<Site> {
        let adversarial = self.adversarial.as_ref().expect("the loss reads the adversarial view");
        let (clean, attacked) = (self.views[0][i], adversarial[i]);
        let pairs =
            if self.symmetric { vec![(clean, attacked), (attacked, clean)] } else { vec![(clean, attacked)] };
        let site = |(anchor, positive): (Row, Row)| Site {
            anchor,
            positives: vec![positive],
            negatives: Self::others(&self.views[0], adversarial, i),
            draws: vec![positive],
        };
        pairs.into_iter().map(site).collect()
    }

    fn image(&self, sheet: &mut Sheet, recipe: &Formula, i: usize) -> Var {
        let mut terms = Vec::new();
        let sites = self.clean_sites(i);
        for (index, site) in sites.iter().enumerate() {
            if recipe.clean.is_empty() {
                break;
            }
            let negative_term = site.negative_term(sheet, recipe.negatives);
            for &which in &recipe.clean {
                let term = site.attraction(sheet, which, negative_term);
                terms.push(sheet.tape.scale(term, &(&Big::one() / &Big::from(sites.len() as f64))));
            }
            // Mixed rows belong to the anchor in view 0 alone, with its negatives and its draws.
            if let (0, Some(lambda)) = (index, recipe.mixed) {
                let mixed: Vec<_> = self.mixed.iter().map(|rows| (rows[i], negative_term)).collect();
                terms.extend(site.mixed_terms(sheet, lambda, &mixed));
            }
        }
        if let Some(robust) = &recipe.robust {
            terms.push(self.robust_term(sheet, robust, i));
        }
        sheet.tape.sum(&terms)
    }

    /// `α · mean over the robust anchors of (w_i · term)`.
    fn robust_term(&self, sheet: &mut Sheet, robust: &Robust, i: usize) -> Var {
        let single = |sheet: &mut Sheet, sites: Vec<Site>, negatives| {
            let mut terms = Vec::new();
            for site in sites {
                let negative_term = site.negative_term(sheet, negatives);
                terms.push(site.attraction(sheet, Positives::First, negative_term));
            }
            sheet.tape.mean(&terms)
        };
        let mut term = single(sheet, self.robust_sites(i), robust.negatives);
        if robust.weight != Weight::One {
            let mut weight = single(sheet, self.clean_sites(i), robust.weight_negatives);
            if robust.weight == Weight::Adversarial {
                weight = sheet.tape.detach(weight);
            }
            term = sheet.tape.product(weight, term);
        }
        sheet.tape.scale(term, &Big::from(robust.alpha))
    }
}
