//! Requests drawn from bytes: every loss and layout, and numbers of every size.

use std::convert::Infallible;

use arbitrary::{Error, Result, Unstructured};
use intnacl_reference::{
    Batch, Labelled, Loss, LossName, Negatives, Neighborhood, Objective, Request, RobustTerm, Settings,
    Tuples, Weight,
};
use intnacl_vocabulary::ReadParameters;
use nalgebra::DMatrix;

/// A request; an error where the bytes end before it is whole.
pub fn request(bytes: &[u8]) -> Result<Request> {
    let mut draw = Draw(Unstructured::new(bytes));
    if draw.0.is_empty() {
        return Err(Error::NotEnoughData);
    }
    if draw.one_of(12)? == 0 {
        let objective = [Objective::KullbackLeibler, Objective::TotalVariation][draw.one_of(2)?];
        return Ok(Request::Supervised { objective, data: draw.labelled()? });
    }
    let loss = LossName::ALL[draw.one_of(LossName::ALL.len())?].read(&mut draw).unwrap_or(Loss::SimClr);
    let settings = Settings { normalize: draw.one_of(2)? == 0, ..Settings::new(draw.positive()) };
    if draw.one_of(2)? == 0 {
        Ok(Request::Tuples { loss, settings, data: draw.tuples()? })
    } else {
        Ok(Request::Batch { loss, settings, data: draw.batch()? })
    }
}

/// What is left of the bytes. A draw of a number never fails: bytes that have ended are zeros.
struct Draw<'a>(Unstructured<'a>);

impl Draw<'_> {
    fn one_of(&mut self, count: usize) -> Result<usize> {
        self.0.choose_index(count)
    }

    fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// A number: an ordinary one in most cases, else one at an edge, or any bits at all.
    fn number(&mut self) -> f64 {
        const EDGES: [f64; 16] = [
            0.0,
            1.0,
            -1.0,
            0.5,
            -0.0,
            1e-3,
            1e3,
            1e-8,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            f64::MIN,
            1e-160,
            1e154,
            f64::EPSILON,
            0.1,
        ];
        let kind = self.byte();
        match kind {
            0..16 => EDGES[usize::from(kind)],
            16..32 => f64::from_bits(self.0.arbitrary().unwrap_or(0)),
            // Any power of two, with a few digits.
            32..64 => f64::from(self.byte()) * (2.0_f64).powi(i32::from(self.byte() as i8) * 8),
            _ => (f64::from(kind) - 160.0) / 96.0 + f64::from(self.byte()) / 4096.0,
        }
    }

    fn positive(&mut self) -> f64 {
        self.number().abs()
    }

    /// A number that is in `[0, 1]` in most cases.
    fn share(&mut self) -> f64 {
        let kind = self.byte();
        if kind < 224 { f64::from(kind % 112) / 112.0 } else { self.number() }
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.number())
    }

    fn matrices(&mut self, count: usize, rows: usize, columns: usize) -> Vec<DMatrix<f64>> {
        (0..count).map(|_| self.matrix(rows, columns)).collect()
    }

    /// What `draw` gives, or nothing.
    fn some<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Result<Option<T>> {
        Ok(if self.one_of(2)? == 0 { Some(draw(self)) } else { None })
    }

    fn tuples(&mut self) -> Result<Tuples> {
        let (images, columns) = (1 + self.one_of(3)?, 1 + self.one_of(4)?);
        let (positives, negatives) = (1 + self.one_of(3)?, 1 + self.one_of(4)?);
        let anchor = self.matrix(images, columns);
        let positive = self.matrices(images, positives, columns);
        let negative = self.matrices(images, negatives, columns);
        let draws = 1 + self.one_of(3)?;
        let mixed = self.some(|draw| draw.matrices(images, positives - 1, columns))?;
        let mixed_negatives = self
            .some(|draw| (0..images).map(|_| draw.matrices(positives - 1, negatives, columns)).collect())?;
        let adversarial_negatives = self.some(|draw| draw.matrices(images, negatives, columns))?;
        let adversarial = self.some(|draw| draw.matrix(images, columns))?;
        let debias_positives = self.some(|draw| draw.matrices(images, draws, columns))?;
        let mut tuples = Tuples::new(anchor, positive, negative);
        (tuples.mixed, tuples.mixed_negatives) = (mixed, mixed_negatives);
        (tuples.adversarial, tuples.adversarial_negatives) = (adversarial, adversarial_negatives);
        tuples.debias_positives = debias_positives;
        Ok(tuples)
    }

    fn batch(&mut self) -> Result<Batch> {
        let (images, columns, views) = (2 + self.one_of(4)?, 1 + self.one_of(4)?, 2 + self.one_of(3)?);
        let mut batch = Batch::new(self.matrices(views, images, columns));
        batch.symmetric = self.one_of(2)? == 0;
        batch.mixed = self.some(|draw| draw.matrices(views - 2, images, columns))?;
        batch.adversarial = self.some(|draw| draw.matrix(images, columns))?;
        Ok(batch)
    }

    fn labelled(&mut self) -> Result<Labelled> {
        let (points, features, columns) = (2 + self.one_of(5)?, 1 + self.one_of(3)?, 1 + self.one_of(3)?);
        let transform = self.matrix(columns, features);
        let labels = (0..points).map(|_| i64::from(self.byte() % 3)).collect();
        Ok(Labelled { transform, points: self.matrix(points, features), labels })
    }
}

impl ReadParameters for Draw<'_> {
    type Error = Infallible;

    fn tau_plus(&mut self) -> std::result::Result<f64, Infallible> {
        Ok(self.share())
    }
    fn beta(&mut self) -> std::result::Result<f64, Infallible> {
        Ok(self.positive())
    }
    fn alpha(&mut self) -> std::result::Result<f64, Infallible> {
        Ok(self.positive())
    }
    fn lambda(&mut self) -> std::result::Result<f64, Infallible> {
        Ok(self.share())
    }
    fn negatives(&mut self) -> std::result::Result<Negatives, Infallible> {
        Ok(match self.byte() % 3 {
            0 => Negatives::G0,
            1 => Negatives::G1 { tau_plus: self.share() },
            _ => Negatives::G2 { tau_plus: self.share(), beta: self.positive() },
        })
    }
    fn weight(&mut self) -> std::result::Result<Weight, Infallible> {
        Ok([Weight::One, Weight::Adversarial, Weight::AdversarialWithGradient][usize::from(self.byte() % 3)])
    }
    fn weight_negatives(&mut self) -> std::result::Result<Negatives, Infallible> {
        self.negatives()
    }
    fn robust(&mut self) -> std::result::Result<RobustTerm, Infallible> {
        Ok(RobustTerm { negatives: self.negatives()?, weight: self.weight()? })
    }
    fn neighborhood(&mut self) -> std::result::Result<Neighborhood, Infallible> {
        Ok(match self.byte() % 4 {
            0 => Neighborhood::Nca,
            1 => Neighborhood::MixNca { lambda: self.share() },
            joined => Neighborhood::Combined { lambda: self.share(), joined: joined == 2 },
        })
    }
}
