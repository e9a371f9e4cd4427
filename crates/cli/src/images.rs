//! Real images from a file, which the laws are fed from in place of the digits.

use std::path::Path;

use intnacl_judge::images::{self, Images};

use crate::arrays::{self, Array, Numbers, Wanted};
use crate::error::Error;

/// As many as the mean image and the draws need; of more, evenly spaced ones are taken.
const MOST: usize = 4096;
/// A side of a CIFAR image, its planes, and a record: a label, then plane after plane.
const SIDE: usize = 32;
const PLANES: usize = 3;
const RECORD: usize = 1 + PLANES * SIDE * SIDE;
/// Bytes and the levels of CIFAR are shares of this.
const WHITE: f64 = 255.0;

const WANTED: Wanted<1> = Wanted {
    arrays: [("images", "integers of 8 bits without sign, or floating numbers of 16 to 64 bits in [0, 1]")],
    expected: "images [n][height][width], [n][height][width][channels] or [n][channels][height][width]",
};

/// Feeds the laws from the images of a file; these in words.
///
/// # Errors
/// [`Error::Read`] if the system refuses; [`Error::Input`] for a file that does not have images.
pub fn feed(file: &Path) -> Result<String, Error> {
    let name = file.display().to_string();
    let refused = |problem: String| Error::Input { name: name.clone(), problem };
    let images = match arrays::extension(file) {
        "npz" | "safetensors" => {
            let [array] = arrays::read(file, &WANTED)?;
            of_array(array).map_err(refused)?
        }
        "bin" => of_records(&arrays::contents(file, &name)?).map_err(refused)?,
        _ => {
            let found = arrays::extension_in_words(file);
            return Err(refused(format!(
                "has {found}: expected .npz, .safetensors, or .bin with records of CIFAR-10"
            )));
        }
    };
    let Images { width, height, channels, ref pixels, .. } = images;
    let words = format!("real images: {} of {name}, {height} x {width}, channels: {channels}", pixels.len());
    images::feed(images).map_err(|error| refused(format!("has images that laws cannot use: {error}")))?;
    Ok(words)
}

/// Evenly spaced indices, at most [`MOST`].
fn spaced(count: usize) -> impl Iterator<Item = usize> {
    let taken = count.min(MOST);
    (0..taken).map(move |k| k * count / taken)
}

fn of_records(bytes: &[u8]) -> Result<Images, String> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        let found = bytes.len();
        return Err(format!(
            "has {found} bytes: expected a multiple of {RECORD}, the length of a record of CIFAR-10"
        ));
    }
    let records: Vec<&[u8]> = bytes.chunks_exact(RECORD).collect();
    let mut images =
        Images { width: SIDE, height: SIDE, channels: PLANES, pixels: Vec::new(), labels: Vec::new() };
    for index in spaced(records.len()) {
        let (label, levels) = records[index].split_first().ok_or("has an empty record")?;
        if *label > 9 {
            return Err(format!("has the label {label} in record {index}: expected 0 to 9, as CIFAR-10 has"));
        }
        images.pixels.push(levels.iter().map(|level| f64::from(*level) / WHITE).collect());
        images.labels.push((*label).into());
    }
    Ok(images)
}

fn of_array(array: Array) -> Result<Images, String> {
    let is_planes = |channels: u64| channels == 1 || channels == 3;
    let (n, height, width, channels, planes_last) = match *array.shape.as_slice() {
        [n, height, width] => (n, height, width, 1, false),
        [n, height, width, channels] if is_planes(channels) => (n, height, width, channels, true),
        [n, channels, height, width] if is_planes(channels) => (n, height, width, channels, false),
        _ => {
            let found = array.shape_in_words();
            return Err(format!(
                "images has shape {found}: expected {}, of 1 or 3 channels",
                WANTED.expected
            ));
        }
    };
    let [n, height, width, channels] = [n, height, width, channels].map(|length| length as usize);
    let numbers: Vec<f64> = match array.numbers {
        Numbers::Floats(numbers, _) => numbers,
        Numbers::Integers(numbers) => {
            if let Some((at, level)) =
                numbers.iter().enumerate().find(|(_, level)| !(0..=255).contains(*level))
            {
                return Err(format!("images has {level} at place {at}: expected bytes, 0 to 255"));
            }
            numbers.into_iter().map(|level| level as f64 / WHITE).collect()
        }
    };
    let size = height * width * channels;
    let image = |index: usize| {
        let image = &numbers[index * size..][..size];
        if !planes_last {
            return image.to_vec();
        }
        (0..channels).flat_map(|plane| image.iter().skip(plane).step_by(channels).copied()).collect()
    };
    let pixels: Vec<Vec<f64>> = spaced(n).map(image).collect();
    let labels = vec![0; pixels.len()];
    Ok(Images { width, height, channels, pixels, labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[u64]) -> Array {
        let count: u64 = shape.iter().product();
        Array {
            shape: shape.to_vec(),
            numbers: Numbers::Integers((0..count).map(|x| i128::from(x % 256)).collect()),
        }
    }

    #[test]
    fn planes_may_come_first_or_last() {
        let last = of_array(array(&[2, 4, 5, 3])).unwrap();
        assert_eq!((last.height, last.width, last.channels), (4, 5, 3));
        assert_eq!(last.pixels[0][1], 3.0 / 255.0);
        assert_eq!(last.pixels[0][20], 1.0 / 255.0);
        let first = of_array(array(&[2, 3, 4, 5])).unwrap();
        assert_eq!((first.height, first.width, first.channels), (4, 5, 3));
        assert_eq!(first.pixels[1][1], 61.0 / 255.0);
        assert_eq!(of_array(array(&[2, 4, 5])).unwrap().channels, 1);
    }

    #[test]
    fn of_many_images_some_are_taken_from_everywhere() {
        assert_eq!(spaced(3).collect::<Vec<_>>(), [0, 1, 2]);
        let taken: Vec<usize> = spaced(10_000).collect();
        assert_eq!((taken.len(), taken[0], taken[MOST - 1]), (MOST, 0, 9997));
        assert_eq!(spaced(0).count(), 0);
    }
}
