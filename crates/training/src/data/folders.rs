//! TinyImageNet: a folder a class, 64×64 pixels.

use super::read::{dataset, read};
use super::{Dataset, Images};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, thread};

const SIDE: u32 = 64;
const HINT: &str = "the archive is at http://cs231n.stanford.edu/tiny-imagenet-200.zip";

/// The dataset in a folder: `wnids.txt` with a class a line, `train/CLASS/images/*`, `val/images/*` and
/// `val/val_annotations.txt`, whose lines begin with a file's name and its class.
pub(super) fn load(folder: &Path) -> Result<Dataset> {
    let names = text(&folder.join("wnids.txt"))?;
    let names: Vec<&str> = names.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    let classes: HashMap<&str, i64> = names.iter().zip(0..).map(|(&name, class)| (name, class)).collect();
    let mut train = Vec::new();
    for (&name, class) in names.iter().zip(0..) {
        let images = folder.join("train").join(name).join("images");
        train.extend(files(&images)?.into_iter().map(|path| (path, class)));
    }
    let list = folder.join("val").join("val_annotations.txt");
    let mut test = Vec::new();
    for (number, line) in text(&list)?.lines().enumerate() {
        let refused = |reason: &str| Error::file(&list, format!("line {}: {reason}", number + 1));
        let mut words = line.split('\t');
        let (name, class) =
            words.next().zip(words.next()).ok_or_else(|| refused("expected a file and a class"))?;
        let class = classes
            .get(class)
            .ok_or_else(|| refused(&format!("class {class}: expected one of wnids.txt")))?;
        test.push((folder.join("val").join("images").join(name), *class));
    }
    dataset(images(folder, &train)?, Some(images(&list, &test)?), names.len() as i64)
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, HINT)?).map_err(|error| Error::file(path, error))
}

/// A folder's files by name, at least one.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let refused = |error: std::io::Error| Error::file(folder, format!("{error}; {HINT}"));
    let entries = fs::read_dir(folder).map_err(refused)?;
    let mut files = entries.map(|entry| Ok(entry.map_err(refused)?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    if files.is_empty() { Err(Error::file(folder, format!("has no images; {HINT}"))) } else { Ok(files) }
}

/// The images of files, decoded by all processors.
fn images(list: &Path, files: &[(PathBuf, i64)]) -> Result<Images> {
    if files.is_empty() {
        return Err(Error::file(list, format!("names no images; {HINT}")));
    }
    let threads = thread::available_parallelism().map_or(1, |count| count.get());
    let parts: Vec<Result<Vec<u8>>> = thread::scope(|scope| {
        let workers = files.chunks(files.len().div_ceil(threads)).map(|part| {
            scope.spawn(move || {
                let mut pixels = Vec::with_capacity(part.len() * 3 * (SIDE * SIDE) as usize);
                for (path, _) in part {
                    decode(path, &mut pixels)?;
                }
                Ok(pixels)
            })
        });
        let workers: Vec<_> = workers.collect();
        let panicked = || Err(Error::file(list, "an image could not be decoded"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| panicked())).collect()
    });
    let pixels = parts.into_iter().collect::<Result<Vec<_>>>()?.concat();
    let labels: Vec<i64> = files.iter().map(|(_, class)| *class).collect();
    Images::new(&pixels, &labels, [3, SIDE.into(), SIDE.into()], 255.0)
}

/// Appends an image's planes.
fn decode(path: &Path, pixels: &mut Vec<u8>) -> Result<()> {
    let image = image::load_from_memory(&read(path, HINT)?).map_err(|error| Error::file(path, error))?;
    let image = image.into_rgb8();
    let (width, height) = image.dimensions();
    if (width, height) != (SIDE, SIDE) {
        return Err(Error::file(path, format!("{width} x {height} pixels: expected {SIDE} x {SIDE}")));
    }
    for channel in 0..3 {
        pixels.extend(image.pixels().map(|pixel| pixel.0[channel]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    fn picture(path: &Path, side: u32, color: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(side, side, Rgb(color)).save_with_format(path, image::ImageFormat::Png).unwrap();
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("wnids.txt"), "n2\nn1\n").unwrap();
        for (class, color) in [("n1", [10, 20, 30]), ("n2", [40, 50, 60])] {
            for i in 0..3 {
                picture(&root.join(format!("train/{class}/images/{class}_{i}.JPEG")), 64, color);
            }
        }
        picture(&root.join("val/images/val_0.JPEG"), 64, [1, 2, 3]);
        fs::write(root.join("val/val_annotations.txt"), "val_0.JPEG\tn1\t0\t0\t62\t62\n").unwrap();
        folder
    }

    #[test]
    fn classes_are_numbered_as_listed_and_planes_kept_apart() {
        let folder = folder();
        let data = load(folder.path()).unwrap();
        assert_eq!(data.classes, 2);
        assert_eq!(Vec::<i64>::try_from(&data.train.labels).unwrap(), [0, 0, 0, 1, 1, 1]);
        assert_eq!(Vec::<i64>::try_from(&data.test.labels).unwrap(), [1]);
        assert_eq!(data.train.pixels.int64_value(&[0, 1, 63, 0]), 50);
        assert_eq!(data.test.pixels.int64_value(&[0, 2, 5, 7]), 3);
    }

    #[test]
    fn what_is_foreign_or_absent_is_named() {
        let spoiled = |spoil: &dyn Fn(&Path)| {
            let folder = folder();
            spoil(folder.path());
            load(folder.path()).unwrap_err().to_string()
        };
        let message = spoiled(&|root| fs::remove_file(root.join("wnids.txt")).unwrap());
        assert!(message.contains("wnids.txt") && message.contains("tiny-imagenet-200.zip"), "{message}");
        let message = spoiled(&|root| fs::remove_dir_all(root.join("train/n1")).unwrap());
        assert!(message.contains("n1"), "{message}");
        let message = spoiled(&|root| picture(&root.join("val/images/val_0.JPEG"), 32, [0; 3]));
        assert!(message.contains("val_0.JPEG") && message.contains("32 x 32 pixels"), "{message}");
        let message = spoiled(&|root| fs::write(root.join("val/images/val_0.JPEG"), b"no image").unwrap());
        assert!(message.contains("val_0.JPEG"), "{message}");
        let message = spoiled(&|root| fs::write(root.join("val/val_annotations.txt"), "a\tn9\n").unwrap());
        assert!(message.contains("line 1: class n9"), "{message}");
    }
}
