//! Finite worlds: everything that a claim about expectations needs, and nothing that has to be estimated.

use crate::error::{Error, Result, finite_row, in_range};
use nalgebra::{DMatrix, DVector};
use std::collections::BTreeMap;

/// How far probabilities that are meant to sum to 1 may be from it, and a norm from 1.
///
/// Both are rounding allowances: probabilities are then divided by their sum, embeddings by their norm, so
/// that what follows is exactly a world.
const TOLERANCE: f64 = 1e-6;

/// One class of a world: its probability, and its points with theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// `ρ_c`, above 0; over all classes they sum to 1.
    pub probability: f64,
    /// The probabilities of the points within the class, above 0, summing to 1.
    pub points: Vec<f64>,
    /// The embedding of each point as a row of unit norm.
    pub embeddings: DMatrix<f64>,
}

impl Class {
    /// A class whose points are equally likely.
    pub fn uniform(probability: f64, embeddings: DMatrix<f64>) -> Self {
        let points = vec![1.0 / embeddings.nrows() as f64; embeddings.nrows()];
        Self { probability, points, embeddings }
    }
}

/// A finite world: `K` classes with probabilities `ρ_c`, finitely many points each, an embedding of every point
/// on the unit sphere, and a temperature.
///
/// A sample of the theorem is drawn as the paper draws it (its Appendix B, after Chuang et al. 2020): a class
/// `c ~ ρ`, an anchor `x` and `M` positives independently from `p(·|c)`, and negatives from the other classes
/// (`p⁻_x`) or from the data. All draws are with replacement, so a positive may be the anchor itself.
///
/// # Examples
/// Two classes that are each one antipodal pair, on axes at right angles:
/// ```
/// use intnacl_reference::bound::{Class, World};
/// use nalgebra::dmatrix;
///
/// let first = Class::uniform(0.5, dmatrix![1.0, 0.0; -1.0, 0.0]);
/// let second = Class::uniform(0.5, dmatrix![0.0, 1.0; 0.0, -1.0]);
/// let world = World::new(&[first, second], 0.5)?;
/// assert_eq!((world.classes(), world.points(), world.dimension()), (2, 4, 2));
/// # Ok::<(), intnacl_reference::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct World {
    temperature: f64,
    /// `n × d`, points of one class in consecutive rows.
    embeddings: DMatrix<f64>,
    /// The class of each row.
    class_of: Vec<usize>,
    /// The probability of each row within its class.
    within: Vec<f64>,
    /// `ρ_c`.
    priors: Vec<f64>,
    /// The first row of each class, and `n` at the end.
    starts: Vec<usize>,
}

impl World {
    /// A world of classes.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two classes, an empty class, or lists that do not fit;
    /// [`Error::OutOfRange`] for a probability that is not in `(0, 1]` or probabilities that do not sum to 1,
    /// and for the temperature; [`Error::NotFinite`] and [`Error::NotUnit`] for embeddings.
    pub fn new(classes: &[Class], temperature: f64) -> Result<Self> {
        validate_temperature(temperature)?;
        at_least_two(classes.len(), "classes")?;
        let priors: Vec<f64> = classes.iter().map(|class| class.probability).collect();
        let priors = distribution("classes", ".probability", &priors)?;
        let dimension = classes[0].embeddings.ncols();
        let mut within = Vec::new();
        for (c, class) in classes.iter().enumerate() {
            let argument = format!("classes[{c}].embeddings");
            let (rows, columns) = class.embeddings.shape();
            if rows == 0 || columns == 0 || columns != dimension || rows != class.points.len() {
                let expected = format!(
                    "[{}][{}], a row for each of the class's points, of which there is at least one",
                    class.points.len().max(1),
                    dimension.max(1)
                );
                return Err(Error::Shape { argument, found: format!("[{rows}][{columns}]"), expected });
            }
            within.extend(distribution(&format!("classes[{c}].points"), "", &class.points)?);
        }
        let mut embeddings = DMatrix::zeros(within.len(), dimension);
        let (mut starts, mut class_of) = (vec![0], Vec::new());
        for (c, class) in classes.iter().enumerate() {
            for k in 0..class.points.len() {
                let row =
                    unit(&format!("classes[{c}].embeddings[{k}]"), class.embeddings.row(k).transpose())?;
                embeddings.set_row(class_of.len(), &row.transpose());
                class_of.push(c);
            }
            starts.push(class_of.len());
        }
        Ok(Self { temperature, embeddings, class_of, within, priors, starts })
    }

    /// The empirical world of a labelled set: every row equally likely, a class for every distinct label in
    /// ascending order, `ρ_c` its share of the rows.
    ///
    /// # Errors
    /// As [`World::new`]; [`Error::Shape`] where there are not as many labels as rows.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::World;
    /// use nalgebra::dmatrix;
    ///
    /// let embeddings = dmatrix![1.0, 0.0; 0.6, 0.8; -1.0, 0.0];
    /// let world = World::empirical(&embeddings, &[7, 7, 3], 0.5)?;
    /// assert_eq!(world.priors(), [1.0 / 3.0, 2.0 / 3.0]);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn empirical(embeddings: &DMatrix<f64>, labels: &[i64], temperature: f64) -> Result<Self> {
        validate_temperature(temperature)?;
        let (rows, columns) = embeddings.shape();
        if rows != labels.len() {
            return Err(Error::Shape {
                argument: "labels".into(),
                found: format!("[{}]", labels.len()),
                expected: format!("[{rows}], a label for each row of embeddings"),
            });
        }
        if columns == 0 {
            return Err(Error::Shape {
                argument: "embeddings".into(),
                found: format!("[{rows}][0]"),
                expected: "at least 1 column".into(),
            });
        }
        let mut members: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (i, &label) in labels.iter().enumerate() {
            members.entry(label).or_default().push(i);
        }
        at_least_two(members.len(), "labels")?;
        let (mut starts, mut class_of, mut within, mut priors) =
            (vec![0], Vec::new(), Vec::new(), Vec::new());
        let mut sorted = DMatrix::zeros(rows, columns);
        for (c, indices) in members.values().enumerate() {
            for &i in indices {
                let row = unit(&format!("embeddings[{i}]"), embeddings.row(i).transpose())?;
                sorted.set_row(class_of.len(), &row.transpose());
                class_of.push(c);
                within.push(1.0 / indices.len() as f64);
            }
            priors.push(indices.len() as f64 / rows as f64);
            starts.push(class_of.len());
        }
        Ok(Self { temperature, embeddings: sorted, class_of, within, priors, starts })
    }

    /// The same world at another temperature.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for the temperature.
    pub fn at_temperature(&self, temperature: f64) -> Result<Self> {
        validate_temperature(temperature)?;
        Ok(Self { temperature, ..self.clone() })
    }

    /// `t`.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// `K`.
    pub fn classes(&self) -> usize {
        self.priors.len()
    }

    /// `n`, over all classes.
    pub fn points(&self) -> usize {
        self.class_of.len()
    }

    /// `d`.
    pub fn dimension(&self) -> usize {
        self.embeddings.ncols()
    }

    /// `ρ`, the class probabilities.
    pub fn priors(&self) -> &[f64] {
        &self.priors
    }

    /// The embeddings, `n × d`, classes in order.
    pub fn embeddings(&self) -> &DMatrix<f64> {
        &self.embeddings
    }

    /// The class of a row of [`World::embeddings`]; `None` past the end.
    pub fn class_of(&self, point: usize) -> Option<usize> {
        self.class_of.get(point).copied()
    }

    /// `κ = max over c ≠ c' of (1 - ρ_c)/ρ_c'`: the weight that the mean over other classes needs so that no
    /// single class counts less than 1. It is `K - 1` where classes are equally likely, and larger elsewhere;
    /// it takes the place of `K - 1` in the theorem's condition on `N`.
    ///
    /// # Examples
    /// ```
    /// use intnacl_reference::bound::{Class, World};
    /// use nalgebra::dmatrix;
    ///
    /// let class = |probability| Class::uniform(probability, dmatrix![1.0]);
    /// let even = World::new(&[class(0.25), class(0.25), class(0.25), class(0.25)], 1.0)?;
    /// assert_eq!(even.imbalance(), 3.0);
    /// # Ok::<(), intnacl_reference::Error>(())
    /// ```
    pub fn imbalance(&self) -> f64 {
        let ratio = |(c, rho): (usize, &f64)| {
            let others = self.priors.iter().enumerate().filter(|(other, _)| *other != c);
            (1.0 - rho) / others.map(|(_, rho)| *rho).fold(f64::INFINITY, f64::min)
        };
        // At least K - 1 by its definition, which rounding must not deny.
        self.priors.iter().enumerate().map(ratio).fold(self.classes() as f64 - 1.0, f64::max)
    }

    /// `max over c of 1/ρ_c`: what [`World::imbalance`] becomes where negatives are drawn from all the data,
    /// the anchor's class included; `K` where classes are equally likely.
    pub fn rarity(&self) -> f64 {
        self.priors.iter().map(|rho| 1.0 / rho).fold(self.classes() as f64, f64::max)
    }

    /// The class means `μ_c = E[f(x) | c]`, `K × d`.
    pub fn means(&self) -> DMatrix<f64> {
        let mut means = DMatrix::zeros(self.classes(), self.dimension());
        for (i, &c) in self.class_of.iter().enumerate() {
            let mut mean = means.row_mut(c);
            mean += self.embeddings.row(i) * self.within[i];
        }
        means
    }

    /// The world with other embeddings.
    pub(crate) fn embedded(&self, embeddings: &DMatrix<f64>) -> Result<Self> {
        let (rows, columns) = embeddings.shape();
        if rows != self.points() || columns == 0 {
            return Err(Error::Shape {
                argument: "embeddings".into(),
                found: format!("[{rows}][{columns}]"),
                expected: format!("[{}][d], a row for each point", self.points()),
            });
        }
        let mut checked = embeddings.clone();
        for i in 0..rows {
            let row = unit(&format!("embeddings[{i}]"), embeddings.row(i).transpose())?;
            checked.set_row(i, &row.transpose());
        }
        Ok(Self { embeddings: checked, ..self.clone() })
    }

    /// The probability of a row: that of its class times that within it.
    pub(crate) fn probability(&self, point: usize) -> f64 {
        self.priors[self.class_of[point]] * self.within[point]
    }

    /// The scores `f(x)·f(y)/t` of a row against all rows, in `[-1/t, 1/t]`.
    pub(crate) fn scores(&self, point: usize) -> Vec<f64> {
        let dots = &self.embeddings * self.embeddings.row(point).transpose();
        dots.iter().map(|dot| dot.clamp(-1.0, 1.0) / self.temperature).collect()
    }

    /// The rows of a class.
    pub(crate) fn rows(&self, class: usize) -> std::ops::Range<usize> {
        self.starts[class]..self.starts[class + 1]
    }

    /// The class of a row that exists.
    pub(crate) fn class(&self, point: usize) -> usize {
        self.class_of[point]
    }

    /// The probability of a row within its class.
    pub(crate) fn within(&self, point: usize) -> f64 {
        self.within[point]
    }
}

/// Refuses a temperature that is not a positive finite number, or so small that its inverse is not one.
pub(crate) fn validate_temperature(temperature: f64) -> Result<()> {
    let holds = temperature > 0.0 && temperature.is_finite();
    in_range("temperature", temperature, holds, "a finite number above 0")?;
    if (2.0 / temperature).is_finite() {
        return Ok(());
    }
    Err(Error::Overflow { argument: "temperature".into(), value: temperature })
}

fn at_least_two(classes: usize, argument: &str) -> Result<()> {
    if classes >= 2 {
        return Ok(());
    }
    let (found, expected) = (format!("{classes} classes"), "at least 2 classes".into());
    Err(Error::Shape { argument: argument.into(), found, expected })
}

/// Probabilities, checked and divided by their sum; `field` is what follows the index in their name.
fn distribution(argument: &str, field: &str, probabilities: &[f64]) -> Result<Vec<f64>> {
    for (i, &p) in probabilities.iter().enumerate() {
        let holds = p > 0.0 && p <= 1.0 + TOLERANCE;
        in_range(&format!("{argument}[{i}]{field}"), p, holds, "a probability in (0, 1]")?;
    }
    let sum: f64 = probabilities.iter().sum();
    let holds = (sum - 1.0).abs() <= TOLERANCE;
    in_range(&format!("sum of {argument}{field}"), sum, holds, "1, within 1e-6")?;
    Ok(probabilities.iter().map(|p| p / sum).collect())
}

/// A row on the sphere, divided by its norm so that scores keep their bound to the last bit.
fn unit(argument: &str, row: DVector<f64>) -> Result<DVector<f64>> {
    finite_row(|| argument.into(), row.iter())?;
    let norm = row.norm();
    if (norm - 1.0).abs() <= TOLERANCE {
        return Ok(row / norm);
    }
    Err(Error::NotUnit { argument: argument.into(), norm, tolerance: TOLERANCE })
}
