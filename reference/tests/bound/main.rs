//! Theorem 3.1 term by term: every claim that holds is a law over generated worlds.
//!
//! Claims that fail are in `tests/audit`, in exact arithmetic. `PROPTEST_CASES` sets the worlds of a law (256 by
//! default, since each is several enumerations).

mod batch;
mod budget;
mod chain;
mod concentration;
mod edges;
mod extensions;
mod formulas;
mod generalisation;
mod gradients;
mod linear;
mod lipschitz;
mod losses;
mod refusals;
mod repair;
mod sets;
mod terms;
mod worlds;
