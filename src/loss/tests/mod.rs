//! The engine by itself: its pieces in the corners, its gradients against finite differences.

mod gradients;
mod kept;
mod laws;
mod negatives;
mod paths;
mod refusals;
mod scores;
mod stream;
mod stress;
