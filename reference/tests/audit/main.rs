//! The audit of Theorem 3.1: every claim that fails, by a smallest counterexample in exact arithmetic.
//!
//! Worlds whose scores are multiples of `ln q` have kernels that are powers of `q`, so that a loss is the
//! logarithm of a product of rational powers, and a comparison of losses one of integers. What is irrational
//! by nature is enclosed in intervals. The searches that found the counterexamples are tests too:
//! `cargo test -p intnacl-reference --test audit -- --nocapture` prints what they find.

#[path = "../bound/budget.rs"]
#[allow(dead_code, reason = "one table for both programs of tests")]
mod budget;
mod complexity;
mod concentration;
mod few_classes;
mod interval;
mod lemma;
mod lipschitz;
mod natural;
mod pictures;
mod powers;
mod search;
mod theorem;
mod worst;
