//! Theorem 3.1 of the paper, term by term, on worlds in which every expectation can be computed.
//!
//! The theorem bounds the supervised loss of a learned embedding by its contrastive loss `L_NCA(G, M)` and
//! terms that fall with the number of negatives `N` and of training tuples `T`. What of it holds, and what
//! takes the place of the rest, is in `notes/theorem.md`; this module has everything that is computed there.
//!
//! - [`World`]: classes, points, probabilities, embeddings, a temperature; [`World::empirical`] makes one of
//!   a labelled set. [`Counts`] are `M` and `N` with their [`Reading`], [`Estimator`] is what stands for the
//!   negatives.
//! - Contrastive losses: [`World::limit`] (with [`Estimator::TrueNegatives`] the unbiased loss
//!   `L_Unb^{M,N}`), [`World::loss`] (the expectation of `L_NCA(G, M)`), [`World::deviation`] between them,
//!   [`World::bracket`] around it at any `N`, [`World::positive_gap`]. Each is an [`Expectation`]: enumerated
//!   where [`Effort`] allows it, otherwise sampled with a seed and a certified interval.
//! - Supervised losses: [`World::mean_classifier_loss`], [`World::best_linear`] under a norm bound and
//!   [`World::best_unconstrained`], both [`LinearFit`]s with a certified gap, [`World::supervised_loss`].
//! - Constants: [`published_constant`], [`hoeffding_constant`], [`variance_constant`] with [`concentration`];
//!   [`limit_excess`]; [`range`], [`mix_nca_range`], [`integrated_range`]; [`lipschitz`]; [`jensen_gap`],
//!   [`jensen_peak`], [`chain_gap`], [`chain_gap_of_classes`]; [`massart`].
//! - Complexities: [`rademacher()`] over all sign vectors, [`sampled_rademacher`].
//! - The whole: [`Theorem::terms`] is the table of all terms for `K, M, N, T, δ, t, τ`, each a [`Term`] with its
//!   [`Verdict`]; [`Theorem::corrected`] and [`Theorem::published`] are the right sides; [`World::training_set`]
//!   and [`World::losses`] draw what they speak of.
//!
//! # Costs
//! A row of scores takes `n·d` steps. An enumerated loss has, for each anchor, `C(M+k-1, k-1)` multisets of
//! positives, `k` being the number of distinct scores in the anchor's class, times, for [`World::loss`] and
//! [`World::deviation`], as many of negatives ([`multisets()`]). So an antipodal world with `M = N = 1000` is
//! exact in a million terms an anchor, while a set of 1800 points in 10 classes is enumerated up to `M = 2`
//! for the limit and sampled for the rest.
//!
//! # Examples
//! The paper's Lemma B.3 at two positives and `N = M(K-1)`, on two antipodal pairs:
//! ```
//! use intnacl_reference::bound::{Class, Counts, Effort, Estimator, World, jensen_gap};
//! use nalgebra::dmatrix;
//!
//! let first = Class::uniform(0.5, dmatrix![1.0, 0.0; -1.0, 0.0]);
//! let second = Class::uniform(0.5, dmatrix![0.0, 1.0; 0.0, -1.0]);
//! let world = World::new(&[first, second], 1.0)?;
//! let unbiased = world.limit(&Estimator::TrueNegatives, &Counts::new(2, 2), &Effort::default())?;
//! let supervised = world.mean_classifier_loss()?;
//! assert!(supervised > unbiased.value); // the lemma has it the other way round
//! assert!(supervised <= unbiased.value + jensen_gap(2, 1.0)?); // and so it holds
//! # Ok::<(), intnacl_reference::Error>(())
//! ```

mod constants;
mod contrastive;
mod enumerate;
mod estimator;
mod expectation;
mod jensen;
mod linear;
mod lipschitz;
mod multiset;
mod rademacher;
mod supervised;
mod table;
mod terms;
mod theorem;
mod training_set;
mod world;

pub use constants::{
    concentration, hoeffding_constant, integrated_range, limit_excess, mix_nca_range, published_constant,
    range, variance_constant,
};
pub use estimator::{Counts, Estimator, Reading};
pub use expectation::{Effort, Expectation, Method};
pub use jensen::{chain_gap, chain_gap_of_classes, jensen_gap, jensen_gap_limit, jensen_peak};
pub use linear::{LinearFit, Solver};
pub use lipschitz::{Lipschitz, Norm, ScoresOf, lipschitz};
pub use multiset::multisets;
pub use rademacher::{massart, rademacher, sampled_rademacher};
pub use terms::{Term, Verdict};
pub use theorem::{Bound, FeatureConstants, Source, Theorem};
pub use training_set::Sample;
pub use world::{Class, World};
