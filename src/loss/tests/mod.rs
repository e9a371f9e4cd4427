//! The engine by itself: its pieces in the corners, its gradients against finite differences.

mod gradients;
mod kept;
mod laws;
mod negatives;
mod refusals;
mod scores;
mod stream;
