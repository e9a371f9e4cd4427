//! Views, features, attacks and Adam against PyTorch and torchvision, on the vectors that `vectors/make.py` wrote.

use intnacl_training::adam::{self, Adam};
use intnacl_training::checkpoint;
use intnacl_training::encoder::{Encoder, Mode, Settings, Stem};
use intnacl_training::evaluate::attack::{self, Classifier};
use intnacl_training::evaluate::probe::Probe;
use intnacl_training::views::{Change, Crop, Draw, Jitter, apply};
use serde::Deserialize;
use std::collections::HashMap;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Vectors {
    views: Views,
    features: HashMap<String, Features>,
    attacks: Attacks,
    adam: HashMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Views {
    height: i64,
    width: i64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    crop: [i64; 4],
    flip: bool,
    jitter: Option<Amounts>,
    grayscale: bool,
    view: Vec<f64>,
}

#[derive(Deserialize)]
struct Amounts {
    order: [String; 4],
    brightness: f64,
    contrast: f64,
    saturation: f64,
    hue: f64,
}

#[derive(Deserialize)]
struct Features {
    evaluate: Vec<f64>,
    train: Option<Vec<f64>>,
    running_mean: Option<Vec<f64>>,
    running_var: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Attacks {
    labels: Vec<i64>,
    fgsm: Attacked,
    pgd: Attacked,
}

#[derive(Deserialize)]
struct Attacked {
    classes: Vec<i64>,
    losses: Vec<f64>,
    projections: Vec<f64>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/pytorch.json")).unwrap()
}

/// As `numbers` of `make.py`.
fn numbers(shape: &[i64], key: u64) -> Tensor {
    let count: i64 = shape.iter().product();
    let number = |i: u64| {
        let word = (i * 2_654_435_761 + key * 40_503 + 12_345) % (1 << 32);
        let word = (word ^ (word >> 15)) * 73_244_475 % (1 << 32);
        let word = word ^ (word >> 13);
        (word as f64 / 4_294_967_296.0 - 0.5) as f32
    };
    Tensor::from_slice(&(0..count as u64).map(number).collect::<Vec<_>>()).view(shape)
}

fn images(shape: &[i64], key: u64) -> Tensor {
    numbers(shape, key) + 0.5
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).flatten(0, -1)).unwrap()
}

/// The largest difference, as a share of the largest expected number but at least of 1.
fn distance(found: &Tensor, expected: &[f64]) -> f64 {
    let found = values(found);
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1.0_f64, |largest, x| largest.max(x.abs()));
    found.iter().zip(expected).fold(0.0_f64, |worst, (x, y)| worst.max((x - y).abs())) / largest
}

/// What rounding in `f32` may do to a sum of a few products, and to features behind twenty layers.
const VIEW: f64 = 1e-5;
const FEATURE: f64 = 2e-5;

fn encoder(width: f64, stem: Stem) -> Encoder {
    let settings = Settings { width, stem, adversarial_norm: false, ..Settings::default() };
    let encoder = Encoder::new(&settings, 3, 1, Device::Cpu).unwrap();
    // The weights come in as a file under torchvision's names, with names in it that are not the encoder's.
    let mut names: Vec<(String, Vec<i64>)> =
        encoder.tensors().iter().map(|(n, t)| (n.clone(), t.size())).collect();
    names.retain(|(name, _)| !name.starts_with("projector."));
    names.sort();
    let mut file = vec![("fc.bias".to_owned(), Tensor::zeros([7], (Kind::Float, Device::Cpu)))];
    for ((name, shape), key) in names.into_iter().zip(0..) {
        let numbers = numbers(&shape, key);
        let value = if shape.len() > 1 {
            let fan_in: i64 = shape[1..].iter().product();
            numbers * (2.0 * (6.0 / fan_in as f64).sqrt())
        } else if name.ends_with("running_var") {
            numbers + 1.0
        } else if name.ends_with("weight") {
            numbers * 0.2 + 1.0
        } else {
            numbers * 0.2
        };
        file.push((name, value));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    checkpoint::save(&path, &file, HashMap::new()).unwrap();
    checkpoint::load_into(&path, &encoder).unwrap();
    encoder
}

#[test]
fn views_are_torchvisions_on_the_same_draws() {
    let Views { height, width, cases } = vectors().views;
    let x = images(&[cases.len() as i64, 3, height, width], 1);
    let first = x.narrow(0, 3, 1).narrow(1, 0, 1).expand([1, 3, height, width], false).copy();
    x.narrow(0, 3, 1).copy_(&first);
    let _ = x.narrow(0, 4, 1).fill_(0.5);
    x.select(0, 5).select(0, 0).copy_(&x.select(0, 5).select(0, 1).copy());
    let change = |name: &str| match name {
        "brightness" => Change::Brightness,
        "contrast" => Change::Contrast,
        "saturation" => Change::Saturation,
        "hue" => Change::Hue,
        other => panic!("{other}"),
    };
    let draw = |case: &Case| {
        let [top, left, height, width] = case.crop;
        let jitter = case.jitter.as_ref().map(|amounts| Jitter {
            order: [0, 1, 2, 3].map(|turn: usize| change(&amounts.order[turn])),
            brightness: amounts.brightness,
            contrast: amounts.contrast,
            saturation: amounts.saturation,
            hue: amounts.hue,
        });
        Draw { crop: Crop { top, left, height, width }, flip: case.flip, jitter, grayscale: case.grayscale }
    };
    let views = apply(&x, &cases.iter().map(draw).collect::<Vec<_>>()).unwrap();
    for (i, case) in cases.iter().enumerate() {
        let distance = distance(&views.get(i as i64), &case.view);
        assert!(distance < VIEW, "case {i}: {distance:e}");
    }
}

#[test]
fn features_of_the_cifar_form_are_pytorchs_in_evaluation_and_training() {
    let expected = &vectors().features["cifar"];
    let encoder = encoder(0.125, Stem::Cifar);
    let x = images(&[2, 3, 32, 32], 2);
    let found = distance(&encoder.features_of(&x, Mode::Evaluate).unwrap(), &expected.evaluate);
    assert!(found < FEATURE, "{found:e}");
    let found = distance(&encoder.features_of(&x, Mode::Train).unwrap(), expected.train.as_ref().unwrap());
    assert!(found < FEATURE, "{found:e}");
    for (name, expected) in
        [("bn1.running_mean", &expected.running_mean), ("bn1.running_var", &expected.running_var)]
    {
        let tensors = encoder.tensors();
        let (_, tensor) = tensors.iter().find(|(known, _)| known == name).unwrap();
        let found = distance(tensor, expected.as_ref().unwrap());
        assert!(found < FEATURE, "{name}: {found:e}");
    }
}

#[test]
fn a_resnet_18_of_torchvision_has_the_same_features_here() {
    let expected = &vectors().features["imagenet"];
    let features = encoder(1.0, Stem::Imagenet).features_of(&images(&[2, 3, 64, 64], 2), Mode::Evaluate);
    let found = distance(&features.unwrap(), &expected.evaluate);
    assert!(found < FEATURE, "{found:e}");
}

#[test]
fn attacks_are_pytorchs_image_by_image() {
    let expected = vectors().attacks;
    let encoder = encoder(0.125, Stem::Cifar);
    let probe = Probe { weight: numbers(&[10, 64], 3) * 0.2, bias: numbers(&[10], 4) * 0.2 };
    let classifier = Classifier { encoder: &encoder, probe: &probe };
    let x = images(&[16, 3, 16, 16], 5);
    let labels = Tensor::from_slice(&expected.labels);
    let settings = attack::Settings { epsilon: 0.03, step: 0.01, iterations: 10, restarts: 2 };
    let start = |restart: usize| Ok(numbers(&[16, 3, 16, 16], 7 + restart as u64) * 2.0);
    let [still, fgsm] = classifier.fgsm(&x, &labels, &[0.0, 0.03]).unwrap().try_into().unwrap();
    assert!(still == x);
    let pgd = classifier.pgd(&x, &labels, &settings, start).unwrap();
    for (name, attacked, expected) in [("fgsm", fgsm, expected.fgsm), ("pgd", pgd, expected.pgd)] {
        let delta = &attacked - &x;
        assert!(f64::try_from(delta.abs().max()).unwrap() < 0.03 + 1e-6);
        assert!(bool::try_from(attacked.ge(0.0).logical_and(&attacked.le(1.0)).all()).unwrap());
        let scores = classifier.scores(&attacked).unwrap();
        assert_eq!(Vec::<i64>::try_from(scores.argmax(-1, false)).unwrap(), expected.classes, "{name}");
        let losses = scores.cross_entropy_loss(&labels, None::<&Tensor>, tch::Reduction::None, -100, 0.0);
        // A pixel whose derivative is next to nothing may be moved either way: one moves the projection by 0.03.
        let projections =
            (delta * numbers(&[3, 16, 16], 6)).sum_dim_intlist([1, 2, 3].as_slice(), false, Kind::Float);
        let (by_loss, by_projection) =
            (distance(&losses, &expected.losses), distance(&projections, &expected.projections));
        assert!(by_loss < 1e-3 && by_projection < 0.03, "{name}: {by_loss:e}, {by_projection:e}");
    }
}

#[test]
fn adam_is_pytorchs_over_a_hundred_steps() {
    let scale: Vec<f32> = (0..64).map(|i| 10_f64.powf(-6.0 + 6.0 * i as f64 / 63.0) as f32).collect();
    let scale = Tensor::from_slice(&scale);
    for (name, weight_decay) in [("plain", 0.0), ("decay", 0.01)] {
        let mut x = numbers(&[64], 9);
        let mut adam = Adam::new(&adam::Settings { weight_decay, ..Default::default() }, &x).unwrap();
        for step in 0..100 {
            adam.step(&mut x, &(numbers(&[64], 100 + step) * &scale)).unwrap();
        }
        let found = distance(&x, &vectors().adam[name]);
        // A hundred roundings of numbers below 1 in f32.
        assert!(found <= 100.0 * f64::from(f32::EPSILON) / 4.0, "{name}: {found:e}");
        eprintln!("{name}: {found:e}");
    }
}
