//! (9) IntNaCl: a neighbourhood loss, integrated with the robust term.

use super::mix_nca::{add_mixed, mix_nca};
use super::{Part, Total, nca::nca, robust::robust};
use crate::real::Real;
use crate::vocabulary::{Negatives, Neighborhood, RobustTerm};

/// `NaCl(G¹,M,λ) + α·Robust(G²,w)`.
pub(crate) fn int_nacl<R: Real>(
    total: &mut Total<R>,
    negatives: Negatives,
    alpha: f64,
    term: RobustTerm,
    neighborhood: Neighborhood,
) {
    match neighborhood {
        Neighborhood::Nca => total.add_mean(Part::Clean, |contrast, field| nca(contrast, negatives, field)),
        Neighborhood::MixNca { lambda } => mix_nca(total, negatives, lambda),
        Neighborhood::Combined { lambda, joined } => {
            total.add_mean(Part::Clean, |contrast, field| nca(contrast, negatives, field));
            if joined {
                add_mixed(total, negatives, lambda);
            } else {
                mix_nca(total, negatives, lambda);
            }
        }
    }
    total.times(alpha, |total| robust(total, term.negatives, term.weight, negatives));
}
