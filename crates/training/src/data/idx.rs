//! Fashion-MNIST (Xiao et al. 2017) in the IDX form: big-endian sizes, then bytes; compressed by gzip or not.

use super::read::{dataset, read};
use super::{Dataset, Images, check_labels};
use crate::error::{Error, Result};
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

const CLASSES: i64 = 10;
const HINT: &str = "the files are at https://github.com/zalandoresearch/fashion-mnist, and in Debian's package \
                    dataset-fashion-mnist";
/// More than any of the published files has, so that a foreign file cannot fill the memory.
const LONGEST: u64 = 1 << 27;

/// The dataset in a folder.
pub(super) fn load(folder: &Path) -> Result<Dataset> {
    let train = images(folder, "train")?;
    let test = images(folder, "t10k")?;
    dataset(train, Some(test), CLASSES)
}

fn images(folder: &Path, set: &str) -> Result<Images> {
    let (path, bytes) = bytes(folder, &format!("{set}-images-idx3-ubyte"))?;
    let (sizes, pixels) = parse::<3>(&path, &bytes)?;
    let [count, height, width] = sizes;
    let (path, bytes) = self::bytes(folder, &format!("{set}-labels-idx1-ubyte"))?;
    let ([labels_count], labels) = parse::<1>(&path, &bytes)?;
    if labels_count != count {
        return Err(Error::file(
            &path,
            format!("{labels_count} labels: expected {count}, one for each image"),
        ));
    }
    let labels: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
    check_labels(&path, &labels, CLASSES)?;
    Images::new(pixels, &labels, [1, height as i64, width as i64], 255.0)
}

/// A file's path and bytes, decompressed if its name ends in `.gz`.
fn bytes(folder: &Path, name: &str) -> Result<(PathBuf, Vec<u8>)> {
    let plain = folder.join(name);
    if plain.is_file() {
        return Ok((plain.clone(), read(&plain, HINT)?));
    }
    let path = folder.join(format!("{name}.gz"));
    let compressed = read(&path, HINT)?;
    let mut bytes = Vec::new();
    let unpacked = GzDecoder::new(compressed.as_slice()).take(LONGEST).read_to_end(&mut bytes);
    unpacked.map_err(|error| Error::file(&path, format!("{error}; {HINT}")))?;
    Ok((path, bytes))
}

/// The sizes and bytes of an IDX file of `D` dimensions.
fn parse<'a, const D: usize>(path: &Path, bytes: &'a [u8]) -> Result<([usize; D], &'a [u8])> {
    let refused = |reason: String| Error::file(path, format!("{reason}; {HINT}"));
    let magic = [0, 0, 8, D as u8];
    if !bytes.starts_with(&magic) {
        let found = &bytes[..bytes.len().min(4)];
        return Err(refused(format!("begins with {found:?}: expected {magic:?}, bytes in {D} dimensions")));
    }
    let header = 4 + 4 * D;
    if bytes.len() < header {
        return Err(refused(format!("{} bytes: expected an IDX header of {header}", bytes.len())));
    }
    let (head, rest) = bytes.split_at(header);
    let mut sizes = [0; D];
    for (size, word) in sizes.iter_mut().zip(head[4..].chunks_exact(4)) {
        *size = u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize;
    }
    let total = sizes.iter().try_fold(1_usize, |total, &size| total.checked_mul(size));
    if sizes.contains(&0) || total != Some(rest.len()) {
        return Err(refused(format!("{} bytes after sizes {sizes:?}: expected their product", rest.len())));
    }
    Ok((sizes, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::fs;
    use std::io::Write;

    fn file(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let pixels: Vec<u8> = (0..3 * 4 * 5).collect();
        for set in ["train", "t10k"] {
            let put =
                |name: &str, bytes: &[u8]| fs::write(folder.path().join(format!("{set}-{name}")), bytes);
            put("images-idx3-ubyte.gz", &zipped(&file(&[3, 4, 5], &pixels))).unwrap();
            put("labels-idx1-ubyte", &file(&[3], &[9, 0, 4])).unwrap();
        }
        folder
    }

    #[test]
    fn plain_and_compressed_files_are_read() {
        let folder = folder();
        let data = load(folder.path()).unwrap();
        assert_eq!((data.train.count(), data.train.shape()), (3, [1, 4, 5]));
        assert_eq!(Vec::<i64>::try_from(&data.test.labels).unwrap(), [9, 0, 4]);
        assert_eq!(data.test.pixels.int64_value(&[2, 0, 3, 4]), 59);
    }

    #[test]
    fn files_that_are_cut_off_foreign_or_absent_are_named() {
        let images = "train-images-idx3-ubyte.gz";
        let good = zipped(&file(&[3, 4, 5], &[1; 60]));
        for (name, bytes, words) in [
            (images, good[..good.len() - 9].to_vec(), "incomplete"),
            (images, zipped(&file(&[3, 4, 5], &[1; 59])), "59 bytes after sizes [3, 4, 5]"),
            (images, zipped(&file(&[3], &[1; 3])), "expected [0, 0, 8, 3]"),
            (images, zipped(&[0, 0]), "begins with [0, 0]"),
            (images, zipped(&[0, 0, 8, 3, 0]), "5 bytes: expected an IDX header"),
            (images, zipped(&file(&[u32::MAX, u32::MAX, u32::MAX], &[])), "expected their product"),
            ("train-labels-idx1-ubyte", file(&[2], &[1, 2]), "2 labels: expected 3"),
            ("train-labels-idx1-ubyte", file(&[3], &[1, 2, 10]), "label[2] = 10"),
        ] {
            let folder = folder();
            fs::write(folder.path().join(name), bytes).unwrap();
            let message = load(folder.path()).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(words), "{message}");
        }
        let message = load(Path::new("nowhere")).unwrap_err().to_string();
        assert!(message.contains("nowhere") && message.contains("zalandoresearch"), "{message}");
    }
}
