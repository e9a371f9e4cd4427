//! The configurations of the paper's tables, by name.

use super::objective::{ALPHA, G2, LAMBDA, Objective, ROBUST, SUPERVISED, TAU_PLUS};
use crate::error::{Error, Result};
use intnacl::{Loss, Negatives, Neighborhood, RobustTerm, Weight};

/// An objective with its number of positives.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its name: `simclr`, `mixnca-g2-0.5-m3`.
    pub name: String,
    /// What is minimised.
    pub objective: Objective,
    /// `M`.
    pub positives: usize,
}

/// The rows of Table 1, by the paper's names.
fn table_1() -> Vec<(&'static str, Loss, usize)> {
    let int_nacl = family("int-mixnca-0.5").unwrap_or(Loss::SimClr);
    vec![
        ("simclr", Loss::SimClr, 1),
        ("debiased", Loss::Debiased { tau_plus: TAU_PLUS }, 1),
        ("debiased-hardneg", Loss::HardNegative { tau_plus: TAU_PLUS, beta: super::objective::BETA }, 1),
        ("adv", Loss::Adversarial { alpha: ALPHA }, 1),
        ("intcl", Loss::IntCl { negatives: G2, alpha: ALPHA, robust: ROBUST }, 1),
        ("intnacl", int_nacl, 5),
    ]
}

/// The losses that the other tables vary `M` of: `nca-G`, `mixnca-G-λ`, `int-nca`, `int-mixnca-λ`,
/// `int-one-mixnca-λ` (`w = 1`) and `combined-λ`.
pub fn family(name: &str) -> Option<Loss> {
    let lambda = |text: &str| text.parse().ok().filter(|lambda| (0.0..=1.0).contains(lambda));
    let int = |robust, neighborhood| Loss::IntNaCl { negatives: G2, alpha: ALPHA, robust, neighborhood };
    let mixed = |text: &str| lambda(text).map(|lambda| Neighborhood::MixNca { lambda });
    let (first, rest) = name.split_once('-')?;
    let estimator = |text: &str| match text {
        "g0" => Some(Negatives::G0),
        "g2" => Some(G2),
        _ => None,
    };
    match first {
        "nca" => Some(Loss::Nca { negatives: estimator(rest)? }),
        "mixnca" => {
            let (text, rest) = rest.split_once('-')?;
            Some(Loss::MixNca { negatives: estimator(text)?, lambda: lambda(rest)? })
        }
        "int" if rest == "nca" => Some(int(ROBUST, Neighborhood::Nca)),
        "int" => match rest.strip_prefix("one-mixnca-") {
            Some(text) => Some(int(RobustTerm { weight: Weight::One, ..ROBUST }, mixed(text)?)),
            None => Some(int(ROBUST, mixed(rest.strip_prefix("mixnca-")?)?)),
        },
        "combined" => {
            let neighborhood = Neighborhood::Combined { lambda: lambda(rest)?, joined: true };
            // Table 5 has no robust term.
            Some(Loss::IntNaCl { negatives: G2, alpha: 0.0, robust: ROBUST, neighborhood })
        }
        _ => None,
    }
}

/// The preset of a name: a row of Table 1, `supervised`, or a family with `-m` and the number of positives.
///
/// # Errors
/// [`Error::Setting`] for another name.
///
/// # Examples
/// ```
/// use intnacl::{Loss, Negatives};
/// use intnacl_training::config::{objective::Objective, preset};
///
/// let row = preset("nca-g0-m3")?;
/// let nca = Objective::Contrastive(Loss::Nca { negatives: Negatives::G0 });
/// assert_eq!((row.objective, row.positives), (nca, 3));
/// # Ok::<(), intnacl_training::Error>(())
/// ```
pub fn preset(name: &str) -> Result<Preset> {
    let of =
        |loss, positives| Preset { name: name.into(), objective: Objective::Contrastive(loss), positives };
    if name == SUPERVISED {
        return Ok(Preset { name: name.into(), objective: Objective::Supervised, positives: 1 });
    }
    if let Some((_, loss, positives)) = table_1().into_iter().find(|(known, ..)| *known == name) {
        return Ok(of(loss, positives));
    }
    let parts = name.rsplit_once("-m").and_then(|(of, m)| Some((family(of)?, m.parse::<usize>().ok()?)));
    match parts {
        Some((loss, positives)) if positives >= 1 => Ok(of(loss, positives)),
        _ => {
            let known = table_1().into_iter().map(|(name, ..)| name).collect::<Vec<_>>().join(", ");
            let forms = "nca-g0-mM, nca-g2-mM, mixnca-g0-LAMBDA-mM, mixnca-g2-LAMBDA-mM, int-nca-mM, \
                         int-mixnca-LAMBDA-mM, int-one-mixnca-LAMBDA-mM or combined-LAMBDA-mM";
            Err(Error::setting("preset", name, format!("{known}, {SUPERVISED}, {forms}")))
        }
    }
}

/// The mixing weight that Table 1 gives IntNaCl is the default one.
const _: () = assert!(LAMBDA == 0.5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_1_is_what_the_paper_says() {
        let objective = |name| preset(name).unwrap().objective;
        assert_eq!(objective("simclr"), Objective::Contrastive(Loss::SimClr));
        assert_eq!(objective("adv"), Objective::Contrastive(Loss::Adversarial { alpha: 1.0 }));
        assert_eq!(objective("supervised"), Objective::Supervised);
        let intnacl = preset("intnacl").unwrap();
        let neighborhood = Neighborhood::MixNca { lambda: 0.5 };
        let expected = Loss::IntNaCl { negatives: G2, alpha: 1.0, robust: ROBUST, neighborhood };
        assert_eq!((intnacl.objective, intnacl.positives), (Objective::Contrastive(expected), 5));
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        for name in ["", "simclr2", "nca-g1-m2", "nca-g0-m0", "mixnca-g0-m2", "mixnca-g0-1.5-m2", "int-m2"] {
            let message = preset(name).unwrap_err().to_string();
            assert!(message.contains("debiased-hardneg") && message.contains("combined-LAMBDA-mM"), "{name}");
        }
    }
}
