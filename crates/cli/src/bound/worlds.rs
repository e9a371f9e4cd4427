//! The embeddings of a labelled set, each a finite world: the second stage of the command.

use indicatif::ProgressBar;
use intnacl_reference::bound::World;
use intnacl_reference::{Loss, LossName};

use super::BoundArgs;
use super::digits::{self, Digits, Trained, Training};
use super::set::Set;
use super::subject::Subject;
use crate::error::Error;

/// The worlds that are measured.
pub struct Worlds {
    /// The set.
    pub set: Set,
    /// The set as it was given, or in the embedding of each encoder that training left. There is at least one.
    pub worlds: Vec<World>,
    /// The training, if there was any.
    pub training: Option<Trained>,
}

impl Worlds {
    /// The worlds of a set; `bar` counts the steps of training.
    ///
    /// # Errors
    /// [`Error`]: a loss that is not known, or what the losses refuse.
    pub fn new(args: &BoundArgs, subject: &Subject, set: Set, bar: &ProgressBar) -> Result<Self, Error> {
        let loss = loss(args, subject.tau_plus)?;
        if args.digits != Some(Digits::Trained) {
            return Ok(Self { worlds: vec![set.world(args.temperature)?], set, training: None });
        }
        let training = Training {
            loss,
            temperature: args.temperature,
            dimension: args.dimension,
            steps: args.steps,
            seed: args.seed,
        };
        bar.set_message(format!("training with {}", args.loss));
        bar.inc_length(args.steps as u64);
        let trained = digits::train(&set, &training, || bar.inc(1))?;
        // A world has its own order of points, the same for all embeddings of a set.
        let embed = |embeddings| World::empirical(embeddings, &set.labels, args.temperature);
        let worlds =
            trained.checkpoints.iter().map(|kept| embed(&kept.embeddings)).collect::<Result<_, _>>()?;
        Ok(Self { set, worlds, training: Some(trained) })
    }

    /// The world that the losses are measured in: that of the last encoder.
    pub fn last(&self) -> &World {
        &self.worlds[self.worlds.len() - 1]
    }
}

fn loss(args: &BoundArgs, tau_plus: f64) -> Result<Loss, Error> {
    let known = LossName::NAMES.join(", ");
    let unknown = || Error::Unknown { option: "loss", name: args.loss.clone(), known };
    digits::loss(&args.loss, tau_plus).ok_or_else(unknown)
}
