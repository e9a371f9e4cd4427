use super::*;
use crate::random::{Purpose, stream};
use tch::{Device, Kind};

fn images(count: i64, channels: i64) -> Tensor {
    tch::manual_seed(1);
    Tensor::rand([count, channels, 12, 10], (Kind::Float, Device::Cpu))
}

fn draws(count: u64) -> Vec<Draw> {
    let settings = Settings::default();
    (0..count).map(|image| settings.draw(12, 10, &mut stream(5, Purpose::Views, &[image]))).collect()
}

#[test]
fn a_view_does_not_depend_on_its_batch() {
    let (images, draws) = (images(64, 3), draws(64));
    let together = apply(&images, &draws).unwrap();
    for i in 0..64 {
        let alone = apply(&images.narrow(0, i, 1), &draws[i as usize..][..1]).unwrap();
        assert!(alone == together.narrow(0, i, 1), "image {i}");
    }
}

#[test]
fn views_are_the_same_for_any_number_of_threads() {
    let (images, draws) = (images(256, 3), draws(256));
    let threads = tch::get_num_threads();
    let views: Vec<Tensor> = [1, 2, 3]
        .into_iter()
        .map(|count| {
            tch::set_num_threads(count);
            apply(&images, &draws).unwrap()
        })
        .collect();
    tch::set_num_threads(threads);
    assert!(views[0] == views[1] && views[0] == views[2]);
}

#[test]
fn a_draw_that_changes_nothing_gives_the_image() {
    let images = images(3, 3);
    let crop = Crop { top: 0, left: 0, height: 12, width: 10 };
    let draw = Draw { crop, flip: false, jitter: None, grayscale: false };
    assert!(apply(&images, &vec![draw.clone(); 3]).unwrap() == images);
    let flipped = apply(&images, &vec![Draw { flip: true, ..draw }; 3]).unwrap();
    assert!(flipped == images.flip([3]));
}

#[test]
fn views_stay_within_the_range_of_images() {
    for channels in [1, 3] {
        let views = apply(&images(200, channels), &draws(200)).unwrap();
        let (least, most) = (f64::try_from(views.min()).unwrap(), f64::try_from(views.max()).unwrap());
        assert!(least >= -1e-6 && most <= 1.0 + 1e-6, "{least} {most}");
    }
}

#[test]
fn draws_follow_their_distributions() {
    let settings = Settings::default();
    let draws: Vec<Draw> =
        (0..20_000).map(|image| settings.draw(32, 32, &mut stream(1, Purpose::Views, &[image]))).collect();
    let share = |holds: &dyn Fn(&Draw) -> bool| draws.iter().filter(|draw| holds(draw)).count() as f64 / 2e4;
    // Five standard deviations of a share of 20,000 are at most 0.018.
    assert!((share(&|draw| draw.flip) - 0.5).abs() < 0.018);
    assert!((share(&|draw| draw.jitter.is_some()) - 0.8).abs() < 0.018);
    assert!((share(&|draw| draw.grayscale) - 0.2).abs() < 0.018);
    let jitters: Vec<&Jitter> = draws.iter().filter_map(|draw| draw.jitter.as_ref()).collect();
    for change in [Change::Brightness, Change::Contrast, Change::Saturation, Change::Hue] {
        for turn in 0..4 {
            let share = jitters.iter().filter(|jitter| jitter.order[turn] == change).count() as f64;
            assert!((share / jitters.len() as f64 - 0.25).abs() < 0.018, "{change:?} {turn}");
        }
    }
    let area = |draw: &Draw| (draw.crop.width * draw.crop.height) as f64 / 1024.0;
    assert!(draws.iter().all(|draw| (0.06..=1.0).contains(&area(draw))));
    let mean = draws.iter().map(area).sum::<f64>() / 2e4;
    assert!((0.48..0.56).contains(&mean), "{mean}");
}

#[test]
fn draws_that_do_not_fit_are_refused() {
    let images = images(2, 3);
    let message = apply(&images, &draws(3)).unwrap_err().to_string();
    assert!(message.contains("draws = 3: expected 2"), "{message}");
    let mut draws = draws(2);
    draws[1].crop = Crop { top: 10, left: 0, height: 3, width: 1 };
    let message = apply(&images, &draws).unwrap_err().to_string();
    assert!(message.contains("draws[1].crop"), "{message}");
}
