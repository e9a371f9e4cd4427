//! Which points are the positives and the negatives of which.

use super::evaluation::{check_matrix, classmates, shape};
use crate::error::{Error, Result};
use crate::vocabulary::Tuples;
use nalgebra::DMatrix;

/// For each point `i` two lists of points: the index set `{k ≠ i}`, split.
///
/// The derivation assumes that both lists together hold every `k ≠ i` once, and the positives those of
/// `i`'s class ([`Split::of_labels`]). Nothing enforces it: a list may hold `i` itself, a point twice, or
/// lack one, and [`split_index_set`](super::split_index_set) then shows what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// `n` lists, each of at least one row of the embeddings.
    pub positives: Vec<Vec<usize>>,
    /// `n` lists of rows of the embeddings.
    pub negatives: Vec<Vec<usize>>,
}

impl Split {
    /// The split that the derivation assumes: `{j ≠ i: c_j = c_i}` and `{k: c_k ≠ c_i}`.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::derivation::Split;
    ///
    /// let split = Split::of_labels(&[7, 8, 7]);
    /// assert_eq!(split.positives, [vec![2], vec![], vec![0]]);
    /// assert_eq!(split.negatives, [vec![1], vec![0, 2], vec![1]]);
    /// ```
    pub fn of_labels(labels: &[i64]) -> Self {
        let points = 0..labels.len();
        let strangers = |i: usize| points.clone().filter(|&k| labels[k] != labels[i]).collect();
        Self {
            positives: points.clone().map(|i| classmates(labels, i).collect()).collect(),
            negatives: points.clone().map(strangers).collect(),
        }
    }

    /// The embeddings by the names that (8) gives them: for each anchor `x` its `x⁺_j` and its `x⁻_i`.
    ///
    /// # Errors
    /// The errors of [`split_index_set`](super::split_index_set).
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::derivation::Split;
    /// use nalgebra::dmatrix;
    ///
    /// let embeddings = dmatrix![1.0, 0.0; 0.6, 0.8; -1.0, 0.0; 0.0, -1.0];
    /// let tuples = Split::of_labels(&[0, 0, 1, 1]).tuples(&embeddings)?;
    /// assert_eq!(tuples.positives[0], dmatrix![0.6, 0.8]);
    /// assert_eq!(tuples.negatives[0], dmatrix![-1.0, 0.0; 0.0, -1.0]);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn tuples(&self, embeddings: &DMatrix<f64>) -> Result<Tuples> {
        self.check(embeddings)?;
        let gather = |lists: &[Vec<usize>]| lists.iter().map(|list| embeddings.select_rows(list)).collect();
        Ok(Tuples::new(embeddings.clone(), gather(&self.positives), gather(&self.negatives)))
    }

    pub(super) fn check(&self, embeddings: &DMatrix<f64>) -> Result<()> {
        check_matrix("embeddings", embeddings, None)?;
        let n = embeddings.nrows();
        for (name, lists, least) in [("positives", &self.positives, 1), ("negatives", &self.negatives, 0)] {
            if lists.len() != n {
                let expected = format!("[{n}], a list a row of embeddings");
                return shape(format!("split.{name}"), format!("[{}]", lists.len()), expected);
            }
            for (i, list) in lists.iter().enumerate() {
                if list.len() < least {
                    return shape(format!("split.{name}[{i}]"), "[0]".into(), "at least 1 index".into());
                }
                if let Some(place) = list.iter().position(|&k| k >= n) {
                    return Err(Error::OutOfRange {
                        argument: format!("split.{name}[{i}][{place}]"),
                        value: list[place] as f64,
                        expected: "the index of a row of embeddings",
                    });
                }
            }
        }
        Ok(())
    }
}
