//! A second view of an image: what an augmentation pipeline does to it before it reaches the encoder.

use super::Rng;

/// Pixels that the picture moves, either way along each axis: a tenth of a digit's width.
const SHIFT: f64 = 0.75;
/// Degrees that it turns, either way. At 15 a 6 is still no 9.
const ROTATION: f64 = 15.0;
/// How much larger or smaller it becomes.
const SCALE: f64 = 0.1;
/// How far contrast strays from 1, about the picture's own mean.
const CONTRAST: f64 = 0.2;
/// How far brightness strays from 0.
const BRIGHTNESS: f64 = 0.1;
/// The standard deviation of the noise on each pixel: about one of a digit's 16 levels.
const NOISE: f64 = 0.05;
/// How often a patch is erased.
const ERASE: f64 = 0.5;

/// One augmentation of an image of `channels` planes, `width × height` each and none of them empty.
pub(super) fn augment(image: &[f64], width: usize, height: usize, rng: &mut Rng) -> Vec<f64> {
    let placement = Placement::draw(width, height, rng);
    let mut view: Vec<f64> =
        image.chunks_exact(width * height).flat_map(|plane| placement.apply(plane)).collect();
    jitter(&mut view, rng);
    if rng.uniform() < ERASE {
        erase(&mut view, width, height, rng);
    }
    view
}

/// Where the picture lands: shifted, turned and scaled about its centre.
///
/// The map goes from the view back to the picture, so that every pixel of the view gets exactly one value.
struct Placement {
    width: usize,
    height: usize,
    shift: (f64, f64),
    /// Cosine and sine of the turn, each over the scale.
    turn: (f64, f64),
}

impl Placement {
    fn draw(width: usize, height: usize, rng: &mut Rng) -> Self {
        let shift = (rng.between(-SHIFT, SHIFT), rng.between(-SHIFT, SHIFT));
        let (sin, cos) = rng.between(-ROTATION, ROTATION).to_radians().sin_cos();
        let scale = rng.between(1.0 - SCALE, 1.0 + SCALE);
        Self { width, height, shift, turn: (cos / scale, sin / scale) }
    }

    fn apply(&self, plane: &[f64]) -> Vec<f64> {
        let centre = ((self.width - 1) as f64 / 2.0, (self.height - 1) as f64 / 2.0);
        let (cos, sin) = self.turn;
        let mut placed = Vec::with_capacity(plane.len());
        for row in 0..self.height {
            for column in 0..self.width {
                let x = column as f64 - centre.0 - self.shift.0;
                let y = row as f64 - centre.1 - self.shift.1;
                let (from_x, from_y) = (cos * x + sin * y + centre.0, cos * y - sin * x + centre.1);
                placed.push(self.bilinear(plane, from_x, from_y));
            }
        }
        placed
    }

    /// The picture between its pixels. Outside it there is paper: 0.
    fn bilinear(&self, plane: &[f64], x: f64, y: f64) -> f64 {
        let (left, top) = (x.floor(), y.floor());
        let (right, down) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let pixel = |column: isize, row: isize| -> f64 {
            match (usize::try_from(column), usize::try_from(row)) {
                (Ok(column), Ok(row)) if column < self.width && row < self.height => {
                    plane.get(row * self.width + column).copied().unwrap_or(0.0)
                }
                _ => 0.0,
            }
        };
        let above = (1.0 - right) * pixel(left, top) + right * pixel(left + 1, top);
        let below = (1.0 - right) * pixel(left, top + 1) + right * pixel(left + 1, top + 1);
        (1.0 - down) * above + down * below
    }
}

/// Contrast, brightness, noise, and back into `[0, 1]`.
fn jitter(view: &mut [f64], rng: &mut Rng) {
    let mean = view.iter().sum::<f64>() / view.len() as f64;
    let contrast = 1.0 + rng.between(-CONTRAST, CONTRAST);
    let brightness = rng.between(-BRIGHTNESS, BRIGHTNESS);
    for pixel in view {
        let level = mean + contrast * (*pixel - mean) + brightness;
        *pixel = (level + NOISE * rng.normal()).clamp(0.0, 1.0);
    }
}

/// One grey patch, a quarter of the shorter side wide, through every plane.
fn erase(view: &mut [f64], width: usize, height: usize, rng: &mut Rng) {
    let side = (width.min(height) / 4).max(1);
    let (left, top) = (rng.below(width - side + 1), rng.below(height - side + 1));
    let grey = rng.uniform();
    for plane in view.chunks_exact_mut(width * height) {
        for row in plane.chunks_exact_mut(width).skip(top).take(side) {
            row.iter_mut().skip(left).take(side).for_each(|pixel| *pixel = grey);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Images;
    use super::*;

    fn placement(shift: (f64, f64), degrees: f64) -> Placement {
        let (sin, cos) = f64::to_radians(degrees).sin_cos();
        Placement { width: 3, height: 3, shift, turn: (cos, sin) }
    }

    #[test]
    fn an_image_is_placed_where_the_shift_and_the_turn_say() {
        let plane = [0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(placement((0.0, 0.0), 0.0).apply(&plane), plane);
        let right = placement((1.0, 0.0), 0.0).apply(&plane);
        assert_eq!(right, [0.0, 0.0, 1.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
        let half = placement((0.0, 0.5), 0.0).apply(&plane);
        assert_eq!(half, [0.0, 0.5, 0.0, 0.25, 0.5, 0.0, 0.25, 0.0, 0.0]);
        let turned = placement((0.0, 0.0), 90.0).apply(&plane);
        let expected = [0.0, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        assert!(turned.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-15));
    }

    #[test]
    fn an_augmented_digit_stays_nearer_to_itself_than_to_another() {
        let digits = Images::digits();
        let mut rng = Rng::new(11);
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let nearer = (0..200)
            .filter(|_| {
                let own = rng.below(digits.pixels.len());
                let other = (own + 1 + rng.below(digits.pixels.len() - 1)) % digits.pixels.len();
                let view = augment(&digits.pixels[own], 8, 8, &mut rng);
                distance(&view, &digits.pixels[own]) < distance(&view, &digits.pixels[other])
            })
            .count();
        assert!(nearer >= 160, "{nearer} of 200");
    }

    #[test]
    fn every_size_and_channel_count_is_augmented_within_the_unit_interval() {
        let mut rng = Rng::new(5);
        for (width, height, channels) in [(1, 1, 1), (1, 5, 2), (3, 2, 3), (8, 8, 1), (32, 32, 3)] {
            let image: Vec<f64> = (0..width * height * channels).map(|_| rng.uniform()).collect();
            let view = augment(&image, width, height, &mut rng);
            assert_eq!(view.len(), image.len());
            assert!(view.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
            assert_ne!(view, image);
        }
    }
}
