//! A bar on a terminal, a line an epoch elsewhere; both on standard error.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use intnacl_training::metrics::Line;
use intnacl_training::train::Progress;
use std::io::{IsTerminal, stderr};

pub struct Bar {
    bar: ProgressBar,
    name: String,
    epochs: u64,
    epoch: u64,
    shown: bool,
}

impl Bar {
    /// For a run of a name that has done `epoch` of its `epochs`.
    pub fn new(name: &str, epoch: u64, epochs: u64) -> Self {
        Self::beside(&MultiProgress::new(), name, epoch, epochs)
    }

    /// The same, in a line below those of other runs.
    pub fn beside(others: &MultiProgress, name: &str, epoch: u64, epochs: u64) -> Self {
        let style = "{prefix} {bar:30} epoch {pos}/{len}, {msg}, {eta} left";
        let bar = others.add(ProgressBar::new(0));
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        Self { bar, name: name.into(), epochs, epoch, shown: stderr().is_terminal() }
    }
}

impl Progress for Bar {
    fn step(&mut self, seen: usize, of: usize, loss: f64) {
        // The bar counts images, so that it moves within an epoch; the words count epochs.
        let style = "{prefix} {bar:30} {msg}, {per_sec} images, {eta} left";
        if self.bar.length() == Some(0) {
            if let Ok(style) = ProgressStyle::with_template(style) {
                self.bar.set_style(style);
            }
            self.bar.set_length(self.epochs * of as u64);
            self.bar.set_position(self.epoch * of as u64);
            self.bar.reset_eta();
        }
        self.bar.set_position(self.epoch * of as u64 + seen as u64);
        self.bar.set_message(format!("epoch {}/{}, loss {loss:.4}", self.epoch + 1, self.epochs));
    }

    fn epoch(&mut self, line: &Line) {
        self.epoch = line.epoch + 1;
        if !self.shown {
            let Line { loss, images_per_second, .. } = line;
            let (name, epoch, epochs) = (&self.name, self.epoch, self.epochs);
            eprintln!(
                "{name}: epoch {epoch}/{epochs}, loss {loss:.4}, {images_per_second:.0} images a second"
            );
        }
        if self.epoch == self.epochs {
            self.bar.finish_and_clear();
        }
    }
}
