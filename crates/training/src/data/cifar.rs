//! CIFAR-10 and CIFAR-100 in their binary form: records of labels and 3072 bytes, planes of red, green and blue.

use super::read::{dataset, read};
use super::{Dataset, Images, check_labels};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;

/// One of the two datasets.
pub(super) struct Form {
    /// What the limits of the labels are, one for each label byte; the last is the class.
    labels: &'static [i64],
    /// The folder in the archive.
    folder: &'static str,
    /// The training files and the test file.
    train: &'static [&'static str],
    test: &'static str,
    /// How many records each file has.
    records: [usize; 2],
    hint: &'static str,
}

pub(super) const TEN: Form = Form {
    labels: &[10],
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    records: [10_000, 10_000],
    hint: "the binary version of CIFAR-10 is at https://www.cs.toronto.edu/~kriz/cifar.html",
};

pub(super) const HUNDRED: Form = Form {
    labels: &[20, 100],
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: "test.bin",
    records: [50_000, 10_000],
    hint: "the binary version of CIFAR-100 is at https://www.cs.toronto.edu/~kriz/cifar.html",
};

impl Form {
    fn classes(&self) -> i64 {
        self.labels.last().copied().unwrap_or(0)
    }

    /// The images of files, each of which has `count` records if that is known.
    fn images(&self, files: &[PathBuf], count: Option<usize>) -> Result<Images> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for path in files {
            let bytes = read(path, self.hint)?;
            self.records(path, &bytes, count, &mut pixels, &mut labels)?;
        }
        Images::new(&pixels, &labels, [3, SIDE as i64, SIDE as i64], 255.0)
    }

    fn records(
        &self,
        path: &Path,
        bytes: &[u8],
        count: Option<usize>,
        pixels: &mut Vec<u8>,
        labels: &mut Vec<i64>,
    ) -> Result<()> {
        let size = self.labels.len() + PIXELS;
        let expected = match count {
            Some(count) => format!("{count} records of {size} bytes"),
            None => format!("records of {size} bytes, at least one"),
        };
        let found = bytes.len();
        if found == 0 || !found.is_multiple_of(size) || count.is_some_and(|count| found != count * size) {
            return Err(Error::file(path, format!("{found} bytes: expected {expected}; {}", self.hint)));
        }
        for record in bytes.chunks_exact(size) {
            let (label, picture) = record.split_at(self.labels.len());
            labels.extend(label.last().map(|&label| i64::from(label)));
            pixels.extend_from_slice(picture);
        }
        for (place, &limit) in self.labels.iter().enumerate() {
            let these: Vec<i64> = bytes.chunks_exact(size).map(|record| i64::from(record[place])).collect();
            check_labels(path, &these, limit)?;
        }
        Ok(())
    }
}

/// The dataset in a folder, in one file, or in two files with a comma between.
pub(super) fn load(path: &Path, form: &Form) -> Result<Dataset> {
    if path.is_dir() {
        let inner = path.join(form.folder);
        let folder = if inner.is_dir() { inner } else { path.to_path_buf() };
        let files: Vec<PathBuf> = form.train.iter().map(|name| folder.join(name)).collect();
        let train = form.images(&files, Some(form.records[0]))?;
        let test = form.images(&[folder.join(form.test)], Some(form.records[1]))?;
        return dataset(train, Some(test), form.classes());
    }
    let two = path.to_str().and_then(|text| text.split_once(',')).filter(|_| !path.exists());
    let (train, test) = match two {
        Some((train, test)) => (PathBuf::from(train), Some(PathBuf::from(test))),
        None => (path.to_path_buf(), None),
    };
    let test = test.map(|test| form.images(&[test], None)).transpose()?;
    dataset(form.images(&[train], None)?, test, form.classes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Records whose pixels are `7·i + 3·p`, of label `i mod classes`.
    fn records(form: &Form, count: usize) -> Vec<u8> {
        let record = |i: usize| {
            let labels = form.labels.iter().map(move |&limit| (i as i64 % limit) as u8);
            labels.chain((0..PIXELS).map(move |p| (7 * i + 3 * p) as u8)).collect::<Vec<u8>>()
        };
        (0..count).flat_map(record).collect()
    }

    #[test]
    fn a_file_of_records_is_read_and_every_fifth_is_to_test_on() {
        let folder = tempfile::tempdir().unwrap();
        for form in [TEN, HUNDRED] {
            let path = folder.path().join("records.bin");
            fs::write(&path, records(&form, 11)).unwrap();
            let data = load(&path, &form).unwrap();
            assert_eq!((data.train.count(), data.test.count()), (9, 2));
            assert_eq!(data.classes, form.classes());
            assert_eq!(Vec::<i64>::try_from(&data.test.labels).unwrap(), [4, 9]);
            let pixel = data.test.pixels.int64_value(&[1, 2, 31, 30]);
            assert_eq!(pixel, (7 * 9 + 3 * (2 * 1024 + 31 * 32 + 30)) % 256);
        }
    }

    #[test]
    fn two_files_are_for_training_and_for_testing() {
        let folder = tempfile::tempdir().unwrap();
        let (train, test) = (folder.path().join("a.bin"), folder.path().join("b.bin"));
        fs::write(&train, records(&TEN, 6)).unwrap();
        fs::write(&test, records(&TEN, 2)).unwrap();
        let both = PathBuf::from(format!("{},{}", train.display(), test.display()));
        let data = load(&both, &TEN).unwrap();
        assert_eq!((data.train.count(), data.test.count()), (6, 2));
    }

    #[test]
    fn files_that_are_cut_off_foreign_or_absent_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.bin");
        let good = records(&TEN, 3);
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            load(&path, &TEN).unwrap_err().to_string()
        };
        assert!(refused(&good[..good.len() - 1]).contains("9218 bytes: expected records of 3073 bytes"));
        assert!(refused(b"").contains("0 bytes"));
        let mut foreign = good.clone();
        foreign[2 * (PIXELS + 1)] = 10;
        assert!(refused(&foreign).contains("label[2] = 10: expected a number below 10"));
        let absent = load(&folder.path().join("nowhere"), &TEN).unwrap_err().to_string();
        assert!(absent.contains("nowhere") && absent.contains("https://www.cs.toronto.edu"));
        // A folder with the published names has the published sizes.
        fs::write(folder.path().join("data_batch_1.bin"), &good).unwrap();
        let short = load(folder.path(), &TEN).unwrap_err().to_string();
        assert!(short.contains("data_batch_1.bin") && short.contains("10000 records"), "{short}");
    }
}
