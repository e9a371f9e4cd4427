//! What all readers of files share.

use std::path::Path;

use super::{Dataset, Images};
use crate::error::{Error, Result};

/// A file's bytes.
pub(super) fn read(path: &Path, where_from: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::file(path, format!("{error}; {where_from}")))
}

/// A dataset of one set of images or of two.
pub(super) fn dataset(train: Images, test: Option<Images>, classes: i64) -> Result<Dataset> {
    match test {
        Some(test) => Ok(Dataset { train, test, classes }),
        None => Dataset::divided_by_five(&train, classes),
    }
}
