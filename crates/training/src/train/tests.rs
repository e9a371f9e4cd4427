use super::*;
use crate::config::preset;
use crate::data::Source;

/// A run so small that it takes a second: 128 digits, an eighth of the default width.
fn config(name: &str) -> Config {
    let mut config = Config::of(&Source::Digits).unwrap();
    config.take(&preset(name).unwrap());
    config.data.share = 0.08;
    config.batch = 32;
    config.epochs = 3;
    config.encoder.width = 1.0 / 16.0;
    config.for_classes(10)
}

fn weights(run: &Run) -> Vec<f32> {
    let tensors = run.encoder.tensors();
    tensors.iter().flat_map(|(_, tensor)| Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap()).collect()
}

/// Stops the run by a panic in the middle of an epoch, as a killed process would stop.
struct Killed {
    after: usize,
}

impl Progress for Killed {
    fn step(&mut self, _: usize, _: usize, _: f64) {
        self.after -= 1;
        assert!(self.after > 0, "killed");
    }
    fn epoch(&mut self, _: &Line) {}
}

#[test]
fn a_run_that_was_stopped_ends_with_the_same_weights_to_the_bit() {
    for name in ["intnacl", "nca-g2-m2", "supervised"] {
        let config = config(name);
        let data = dataset(&config, Device::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
        let mut expected = Run::start(&config, &whole, 1, Device::Cpu).unwrap();
        expected.train(&data.train, &mut ()).unwrap();

        for after in [2, 5, 4] {
            let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let mut run = match Run::exists(&stopped) {
                    true => Run::resume(&config, &stopped, 1, Device::Cpu),
                    false => Run::start(&config, &stopped, 1, Device::Cpu),
                };
                run.as_mut().unwrap().train(&data.train, &mut Killed { after }).unwrap();
            }));
            assert!(killed.is_err());
        }
        let mut resumed = Run::resume(&config, &stopped, 1, Device::Cpu).unwrap();
        assert!(resumed.epoch > 0 && resumed.epoch < config.epochs, "{}", resumed.epoch);
        resumed.train(&data.train, &mut ()).unwrap();
        assert_eq!(weights(&resumed), weights(&expected));
        let lines = |folder: &Path| metrics::before(&folder.join(METRICS), u64::MAX).unwrap();
        let losses = |folder: &Path| lines(folder).iter().map(|line| line.loss).collect::<Vec<_>>();
        assert_eq!((losses(&stopped), lines(&stopped).len()), (losses(&whole), 3));
        // An event for each line of metrics, however often the run was stopped.
        assert_eq!(fs::read(stopped.join(EVENTS)).unwrap(), events::file(&lines(&stopped)));
    }
}

#[test]
fn every_loss_of_table_1_learns() {
    for name in
        ["simclr", "debiased", "debiased-hardneg", "adv", "intcl", "intnacl", "combined-0.5-m3", "supervised"]
    {
        let config = Config { epochs: 10, ..config(name) };
        let data = dataset(&config, Device::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::start(&config, folder.path(), 1, Device::Cpu).unwrap();
        run.train(&data.train, &mut ()).unwrap();
        let lines = metrics::before(&folder.path().join(METRICS), u64::MAX).unwrap();
        assert!(lines[9].loss < lines[0].loss, "{name}: {lines:?}");
        assert_eq!(lines[9].step, 30);
        let read = Encoder::new(&config.encoder, 1, 99, Device::Cpu).unwrap();
        checkpoint::load_into(&folder.path().join(ENCODER), &read).unwrap();
    }
}

#[test]
fn folders_that_do_not_fit_are_refused() {
    let config = config("simclr");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let resumed = |config: &Config| Run::resume(config, path, 1, Device::Cpu).unwrap_err().to_string();
    assert!(resumed(&config).contains("config.toml"));
    drop(Run::start(&config, path, 1, Device::Cpu).unwrap());
    let message = Run::start(&config, path, 1, Device::Cpu).unwrap_err().to_string();
    assert!(message.contains("is not empty") && message.contains("--resume"), "{message}");
    let message = resumed(&Config { batch: 16, ..config.clone() });
    assert!(message.contains("`batch = 32` where `batch = 16` is asked"), "{message}");
    assert!(Run::resume(&Config { epochs: 5, ..config.clone() }, path, 1, Device::Cpu).is_ok());
    std::fs::write(path.join(CHECKPOINT), b"half a file").unwrap();
    assert!(resumed(&config).contains("checkpoint.safetensors: no safetensors file"));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_saves_the_batch() {
    let config = config("intcl");
    let data = dataset(&config, Device::Cpu).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::start(&config, folder.path(), 1, Device::Cpu).unwrap();
    let (_, weight) = &mut run.encoder.parameters.leaves[0];
    let _ = tch::no_grad(|| weight.fill_(f64::INFINITY));
    let error = run.train(&data.train, &mut ()).unwrap_err();
    assert!(matches!(error, Error::NotFinite { step: 0, .. }), "{error}");
    assert!(error.to_string().contains("views[0][0]"), "{error}");

    let run = Run::start(&config, &folder.path().join("second"), 1, Device::Cpu).unwrap();
    let batch = Batch::new(Tensor::rand([2, 4, 3], (Kind::Float, Device::Cpu)));
    let error = run.not_finite::<()>(7, "the loss", Some(&batch)).unwrap_err().to_string();
    assert!(error.starts_with("step 7: the loss is not finite; its batch is in"), "{error}");
    let text = std::fs::read_to_string(folder.path().join("second/step-7.json")).unwrap();
    let read = json::read_request(&text).unwrap();
    assert!(matches!(read, Request::Batch { ref data, .. } if data.views.len() == 2));
}
