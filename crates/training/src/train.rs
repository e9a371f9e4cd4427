//! A training run in a folder of its own: it can be stopped at any moment and goes on where its last epoch ended.

use crate::adam::Adam;
use crate::checkpoint;
use crate::config::Config;
use crate::config::objective::Objective;
use crate::data::{Dataset, Images, Source};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::events::{self, EVENTS};
use crate::metrics::{self, Contrast, Line};
use crate::random::{Purpose, permutation, stream};
use crate::step::{Forward, Place, forward};
use intnacl::{Batch, Loss, Request};
use intnacl_reference::json;
use nalgebra::DMatrix;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tch::{Device, Kind, Tensor};

/// The file that a run goes on from.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The encoder's weights alone, for other programs.
pub const ENCODER: &str = "encoder.safetensors";
const CONFIG: &str = "config.toml";
const METRICS: &str = "metrics.jsonl";
/// What the names of Adam's state begin with: PyTorch's names of it.
const MOMENTS: [&str; 2] = ["adam.exp_avg.", "adam.exp_avg_sq."];

/// A run.
#[derive(Debug)]
pub struct Run {
    /// Its configuration.
    pub config: Config,
    /// Its encoder, trained so far.
    pub encoder: Encoder,
    adam: Adam,
    /// Epochs that are done.
    pub epoch: u64,
    folder: PathBuf,
}

/// What is told while an epoch runs.
pub trait Progress {
    /// After each step: how many images of how many the epoch has seen, and the step's loss.
    fn step(&mut self, seen: usize, of: usize, loss: f64);
    /// After each epoch.
    fn epoch(&mut self, line: &Line);
}

/// Nobody listens.
impl Progress for () {
    fn step(&mut self, _: usize, _: usize, _: f64) {}
    fn epoch(&mut self, _: &Line) {}
}

impl Run {
    /// Starts a run in a folder that is empty or absent.
    ///
    /// # Errors
    /// A configuration that is refused, [`Error::File`] for a folder that is not empty or cannot be written.
    pub fn start(config: &Config, folder: &Path, channels: i64, device: Device) -> Result<Self> {
        config.validate()?;
        fs::create_dir_all(folder).map_err(|error| Error::file(folder, error))?;
        let mut entries = fs::read_dir(folder).map_err(|error| Error::file(folder, error))?;
        if entries.next().is_some() {
            return Err(Error::file(folder, "is not empty: name another folder, or --resume to go on there"));
        }
        checkpoint::write_whole(&folder.join(CONFIG), config.to_toml().as_bytes())?;
        let encoder = Encoder::new(&config.encoder, channels, config.seed, device)?;
        let adam = Adam::new(&config.adam, &encoder.parameters.flat)?;
        Ok(Self { config: config.clone(), encoder, adam, epoch: 0, folder: folder.into() })
    }

    /// Goes on with a run where its last checkpoint was written, or from its start if there is none.
    ///
    /// # Errors
    /// [`Error::File`]: a folder without a run, one of another configuration (`epochs` may differ), a checkpoint that
    /// does not fit.
    pub fn resume(config: &Config, folder: &Path, channels: i64, device: Device) -> Result<Self> {
        config.validate()?;
        let path = folder.join(CONFIG);
        let kept = Config::read(&path)?;
        if (Config { epochs: config.epochs, ..kept.clone() }) != *config {
            let differing = difference(&kept, config);
            return Err(Error::file(&path, format!("is another configuration, {differing}")));
        }
        let encoder = Encoder::new(&config.encoder, channels, config.seed, device)?;
        let adam = Adam::new(&config.adam, &encoder.parameters.flat)?;
        let mut run = Self { config: config.clone(), encoder, adam, epoch: 0, folder: folder.into() };
        if folder.join(CHECKPOINT).exists() {
            run.load()?;
        }
        let lines = metrics::before(&folder.join(METRICS), run.epoch)?;
        if !lines.is_empty() {
            checkpoint::write_whole(&folder.join(EVENTS), &events::file(&lines))?;
        }
        let lines = lines.iter().filter_map(|line| serde_json::to_string(line).ok()).map(|line| line + "\n");
        checkpoint::write_whole(&folder.join(METRICS), lines.collect::<String>().as_bytes())?;
        Ok(run)
    }

    /// Whether a folder has a run in it.
    pub fn exists(folder: &Path) -> bool {
        folder.join(CONFIG).is_file()
    }

    /// The configuration of the run in a folder.
    ///
    /// # Errors
    /// Those of [`Config::read`].
    pub fn config_of(folder: &Path) -> Result<Config> {
        Config::read(&folder.join(CONFIG))
    }

    /// Trains the epochs that are left.
    ///
    /// # Errors
    /// [`Error::NotFinite`], with the batch saved; those of the losses; [`Error::File`] for a full disk.
    pub fn train(&mut self, images: &Images, progress: &mut impl Progress) -> Result<()> {
        self.train_to(self.config.epochs, images, progress)
    }

    /// Trains until so many epochs are done.
    ///
    /// # Errors
    /// Those of [`train`](Self::train).
    pub fn train_to(&mut self, epoch: u64, images: &Images, progress: &mut impl Progress) -> Result<()> {
        while self.epoch < epoch {
            let line = self.run_epoch(images, progress)?;
            self.epoch += 1;
            metrics::append(&self.folder.join(METRICS), &line)?;
            events::append(&self.folder.join(EVENTS), &line)?;
            self.save()?;
            progress.epoch(&line);
        }
        Ok(())
    }

    fn run_epoch(&mut self, images: &Images, progress: &mut impl Progress) -> Result<Line> {
        let Config { seed, batch, ref loss, ref contrast, ref views, .. } = self.config;
        let count = images.count();
        if count < batch {
            return Err(Error::setting("batch", batch, format!("at most {count}, the number of images")));
        }
        let order = permutation(count, &mut stream(seed, Purpose::Order, &[self.epoch]));
        let steps = count / batch;
        let (mut sum, mut last) = (0.0, None);
        let begin = Instant::now();
        for (step, indices) in order.chunks_exact(batch).enumerate() {
            let chosen = Tensor::f_from_slice(indices)?.f_to_device(self.encoder.device())?;
            let (selected, labels) = (images.select(&chosen)?, images.labels.f_index_select(0, &chosen)?);
            let place = Place { seed, epoch: self.epoch, indices };
            let done = self.epoch * steps as u64 + step as u64;
            let computed = forward(&self.encoder, (loss, contrast, views), (&selected, &labels), place);
            // What refuses embeddings in there is the attack's loss.
            let Forward { value, embedded } = computed.map_err(|error| match error {
                Error::Loss(error) => {
                    let what = format!("the adversarial views' loss ({error})");
                    Error::NotFinite { step: done, what, saved: String::new() }
                }
                other => other,
            })?;
            // Where values are looked at, embeddings that are not finite are refused.
            let value = value
                .or_else(|error| self.not_finite(done, &format!("the loss ({error})"), embedded.as_ref()))?;
            let number = f64::try_from(value.f_detach()?)?;
            if !number.is_finite() {
                return self.not_finite(done, "the loss", embedded.as_ref());
            }
            let gradient = self.encoder.parameters.gradient(&value)?;
            if !bool::try_from(gradient.f_isfinite()?.f_all()?)? {
                let parts = self.encoder.parameters.split(&gradient)?;
                let wrong = parts.into_iter().find(|(_, part)| {
                    !part
                        .f_isfinite()
                        .and_then(|part| part.f_all())
                        .is_ok_and(|all| bool::try_from(all).unwrap_or(false))
                });
                let name = wrong.map_or_else(String::new, |(name, _)| name);
                return self.not_finite(done, &format!("the gradient of {name}"), embedded.as_ref());
            }
            self.adam.step(&mut self.encoder.parameters.flat, &gradient)?;
            sum += number;
            progress.step((step + 1) * batch, steps * batch, number);
            last = embedded.filter(|_| step + 1 == steps);
        }
        let seconds = begin.elapsed().as_secs_f64();
        let contrast = match (&last, loss) {
            (Some(batch), Objective::Contrastive(loss)) => {
                Some(Contrast::of(batch, loss, contrast.temperature)?)
            }
            _ => None,
        };
        Ok(Line {
            epoch: self.epoch,
            step: (self.epoch + 1) * steps as u64,
            time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64()),
            loss: sum / steps as f64,
            contrast,
            images_per_second: (steps * batch) as f64 / seconds,
        })
    }

    /// Stops, after the batch was saved as a request.
    fn not_finite<T>(&self, step: u64, what: &str, batch: Option<&Batch>) -> Result<T> {
        let (Some(batch), Objective::Contrastive(loss)) = (batch, &self.config.loss) else {
            return Err(Error::NotFinite { step, what: what.into(), saved: String::new() });
        };
        let path = self.folder.join(format!("step-{step}.json"));
        let saved = match request(batch, loss, &self.config) {
            Ok(request) => {
                checkpoint::write_whole(&path, json::write_request(&request).as_bytes())?;
                format!("; its batch is in {}, for `intnacl explain`", path.display())
            }
            Err(reason) => format!("; its batch was not saved: {reason}"),
        };
        Err(Error::NotFinite { step, what: what.into(), saved })
    }

    fn save(&self) -> Result<()> {
        let mut tensors = self.encoder.tensors();
        for (prefix, moment) in MOMENTS.into_iter().zip([&self.adam.first, &self.adam.second]) {
            let parts = self.encoder.parameters.split(moment)?;
            tensors.extend(parts.into_iter().map(|(name, part)| (format!("{prefix}{name}"), part)));
        }
        let metadata = [
            ("format", "pt".to_owned()),
            ("epoch", self.epoch.to_string()),
            ("step", self.adam.steps.to_string()),
        ];
        let metadata: HashMap<_, _> =
            metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        // The checkpoint is last: what is stopped between the two repeats the epoch, and writes both.
        checkpoint::save_encoder(&self.folder.join(ENCODER), &self.encoder)?;
        checkpoint::save(&self.folder.join(CHECKPOINT), &tensors, metadata)
    }

    fn load(&mut self) -> Result<()> {
        let path = self.folder.join(CHECKPOINT);
        let (tensors, metadata) = checkpoint::load(&path)?;
        checkpoint::put(&path, &tensors, &self.encoder)?;
        for (prefix, moment) in MOMENTS.into_iter().zip([&self.adam.first, &self.adam.second]) {
            for (name, mut part) in self.encoder.parameters.split(moment)? {
                let name = format!("{prefix}{name}");
                let kept = tensors.get(&name).filter(|kept| kept.size() == part.size());
                let kept =
                    kept.ok_or_else(|| Error::file(&path, format!("{name} is absent or has another shape")))?;
                part.f_copy_(&kept.f_to_device(part.device())?)?;
            }
        }
        let number = |key: &str| {
            let number = metadata.get(key).and_then(|text| text.parse::<u64>().ok());
            number.ok_or_else(|| Error::file(&path, format!("its metadata has no number `{key}`")))
        };
        self.epoch = number("epoch")?;
        self.adam.steps = number("step")? as i64;
        Ok(())
    }
}

/// The first setting that differs between two configurations, in words.
fn difference(kept: &Config, asked: &Config) -> String {
    let (kept, asked) = (kept.to_toml(), Config { epochs: kept.epochs, ..asked.clone() }.to_toml());
    let pair = kept.lines().zip(asked.lines()).find(|(kept, asked)| kept != asked);
    pair.map_or_else(
        || "of other settings".into(),
        |(kept, asked)| format!("with `{kept}` where `{asked}` is asked"),
    )
}

/// A batch as a request, if all its entries are finite numbers.
fn request(batch: &Batch, loss: &Loss, config: &Config) -> std::result::Result<Request, String> {
    let matrices = |name: &str, tensor: &Tensor| -> std::result::Result<Vec<DMatrix<f64>>, String> {
        let (count, rows, columns) = tensor.size3().map_err(|error| error.to_string())?;
        let flat = tensor
            .f_detach()
            .and_then(|x| x.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_flatten(0, -1));
        let values = flat.and_then(Vec::<f64>::try_from).map_err(|error| error.to_string())?;
        let (rows, columns) = (rows as usize, columns as usize);
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, view) = (at / columns % rows, at / columns / rows);
            return Err(format!("{name}[{view}][{row}][{}] = {}", at % columns, values[at]));
        }
        let matrix = |k: usize| {
            DMatrix::from_row_slice(rows, columns, &values[k * rows * columns..][..rows * columns])
        };
        Ok((0..count as usize).map(matrix).collect())
    };
    let mut data = intnacl_reference::Batch::new(matrices("views", &batch.views)?);
    data.mixed = batch.mixed.as_ref().map(|mixed| matrices("mixed", mixed)).transpose()?;
    let adversarial = batch.adversarial.as_ref().map(|rows| matrices("adversarial", &rows.unsqueeze(0)));
    data.adversarial = adversarial.transpose()?.and_then(|mut rows| rows.pop());
    Ok(Request::Batch { loss: *loss, settings: config.contrast.settings(), data })
}

/// The images of a configuration on a device.
///
/// # Errors
/// Those of [`Source::load`](crate::data::Source::load) and [`Dataset::shared`].
pub fn dataset(config: &Config, device: Device) -> Result<Dataset> {
    let data = &config.data;
    let source: Source = data.source.parse()?;
    source.load()?.shared(data.share, data.test_share, config.seed)?.to_device(device)
}

#[cfg(test)]
mod tests;
