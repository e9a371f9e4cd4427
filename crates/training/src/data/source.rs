//! Where images come from, in one word.

use super::{Dataset, cifar, folders, idx};
use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A dataset by its name and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `digits`: the embedded ones.
    Digits,
    /// `cifar10:PATH`: the folder of the binary form, a file of records, of which every fifth is to test on, or two
    /// files `TRAIN,TEST`.
    Cifar10(PathBuf),
    /// `cifar100:PATH`: likewise.
    Cifar100(PathBuf),
    /// `tiny-imagenet:DIR`: the folder with `wnids.txt`, `train` and `val`.
    TinyImageNet(PathBuf),
    /// `fashion-mnist:DIR`: the folder with the four IDX files, compressed by gzip or not.
    FashionMnist(PathBuf),
}

const FORMS: &str = "digits, cifar10:PATH, cifar100:PATH, tiny-imagenet:DIR or fashion-mnist:DIR";

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::setting("data", text, FORMS);
        if text == "digits" {
            return Ok(Source::Digits);
        }
        let (name, path) = text.split_once(':').filter(|(_, path)| !path.is_empty()).ok_or_else(refused)?;
        let path = PathBuf::from(path);
        match name {
            "cifar10" => Ok(Source::Cifar10(path)),
            "cifar100" => Ok(Source::Cifar100(path)),
            "tiny-imagenet" => Ok(Source::TinyImageNet(path)),
            "fashion-mnist" => Ok(Source::FashionMnist(path)),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::Digits => write!(f, "{}", self.name()),
            Source::Cifar10(path)
            | Source::Cifar100(path)
            | Source::TinyImageNet(path)
            | Source::FashionMnist(path) => write!(f, "{}:{}", self.name(), path.display()),
        }
    }
}

impl Source {
    /// The dataset's name, without its place.
    pub fn name(&self) -> &'static str {
        match self {
            Source::Digits => "digits",
            Source::Cifar10(_) => "cifar10",
            Source::Cifar100(_) => "cifar100",
            Source::TinyImageNet(_) => "tiny-imagenet",
            Source::FashionMnist(_) => "fashion-mnist",
        }
    }

    /// How many channels its images have.
    pub fn channels(&self) -> i64 {
        match self {
            Source::Digits | Source::FashionMnist(_) => 1,
            Source::Cifar10(_) | Source::Cifar100(_) | Source::TinyImageNet(_) => 3,
        }
    }

    /// Reads the images.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is absent, cut off or of another form, with where to get it.
    pub fn load(&self) -> Result<Dataset> {
        match self {
            Source::Digits => Dataset::digits(),
            Source::Cifar10(path) => cifar::load(path, &cifar::TEN),
            Source::Cifar100(path) => cifar::load(path, &cifar::HUNDRED),
            Source::TinyImageNet(path) => folders::load(path),
            Source::FashionMnist(path) => idx::load(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_written() {
        for text in ["digits", "cifar10:a/b.bin", "cifar100:x", "tiny-imagenet:y", "fashion-mnist:C:/z"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_words_are_refused_with_the_forms() {
        for text in ["", "digit", "cifar10", "cifar10:", "mnist:x"] {
            let message = text.parse::<Source>().unwrap_err().to_string();
            assert!(message.contains("data = ") && message.contains("fashion-mnist:DIR"), "{message}");
        }
    }
}
