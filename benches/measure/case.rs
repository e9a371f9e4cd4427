//! The cases that are measured: each loss with its parameters, and the inputs of a batch.

use intnacl::tch::{Device, Kind, TchError, Tensor};
use intnacl::{Batch, Loss, Negatives, Neighborhood, Request, RobustTerm, Settings, Weight};
use intnacl_reference::{self as reference, LossName};
use nalgebra::DMatrix;

/// Columns of an embedding.
pub const DIMENSION: usize = 128;
/// `t`.
pub const TEMPERATURE: f64 = 0.5;

/// A loss with its parameters and its number of positives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// The name in options, tables and files.
    pub name: &'static str,
    /// `M`.
    pub positives: usize,
    /// The parameters.
    pub loss: Loss,
    /// Whether figures are asked of it, so that it is measured at every size and in more rounds.
    pub asked: bool,
}

/// Every case, by default at `τ = 0.1`, `β = 1`, `α = 1`, `λ = 1/2`.
pub fn cases() -> Vec<Case> {
    let (tau_plus, beta, alpha, lambda) = (0.1, 1.0, 1.0, 0.5);
    let g2 = Negatives::G2 { tau_plus, beta };
    let robust = RobustTerm { negatives: g2, weight: Weight::Adversarial };
    let nca = Loss::Nca { negatives: Negatives::G0 };
    let int_nacl = |neighborhood| Loss::IntNaCl { negatives: g2, alpha, robust, neighborhood };
    let asked = |name, positives, loss| Case { name, positives, loss, asked: true };
    let other = |name, positives, loss| Case { name, positives, loss, asked: false };
    let of = |name: &LossName| match name {
        LossName::SimClr => vec![asked("simclr", 1, Loss::SimClr)],
        LossName::Debiased => vec![other("debiased", 1, Loss::Debiased { tau_plus })],
        LossName::HardNegative => vec![asked("hard_negative", 1, Loss::HardNegative { tau_plus, beta })],
        LossName::Adversarial => vec![other("adversarial", 1, Loss::Adversarial { alpha })],
        LossName::Nca => vec![asked("nca", 1, nca), asked("nca", 5, nca)],
        LossName::MixNca => vec![other("mix_nca", 5, Loss::MixNca { negatives: g2, lambda })],
        LossName::Robust => {
            let loss = Loss::Robust { negatives: g2, weight: Weight::Adversarial, weight_negatives: g2 };
            vec![other("robust", 1, loss)]
        }
        LossName::IntCl => vec![other("int_cl", 1, Loss::IntCl { negatives: g2, alpha, robust })],
        LossName::IntNaCl => vec![
            other("int_nacl", 5, int_nacl(Neighborhood::Nca)),
            other("combined", 5, int_nacl(Neighborhood::Combined { lambda, joined: true })),
        ],
    };
    LossName::ALL.iter().flat_map(of).collect()
}

impl Case {
    /// The name, with the number of positives where there are more than one case of it.
    pub fn label(&self) -> String {
        match self.name {
            "nca" => format!("{}, M = {}", self.name, self.positives),
            name => name.to_owned(),
        }
    }

    /// The same in a file's name.
    pub fn file_label(&self) -> String {
        self.label().replace(", M = ", "-")
    }
}

/// The settings of all cases: rows are normalised inside, as a training step has it.
pub fn settings() -> Settings {
    Settings::new(TEMPERATURE).normalizing()
}

/// The embeddings of a case, which need gradients.
pub struct Inputs {
    pub batch: Batch,
}

impl Inputs {
    /// Views that are near each other, as those of an encoder that has learnt something: of rows that have
    /// an anchor in common the cosine is about 0.8.
    pub fn new(case: &Case, images: usize, device: Device) -> Result<Self, TchError> {
        intnacl::tch::manual_seed(images as i64);
        let (images, columns) = (images as i64, DIMENSION as i64);
        let options = (Kind::Float, device);
        let common = Tensor::f_randn([1, images, columns], options)?;
        let near = |count: usize| -> Result<Tensor, TchError> {
            let noise = Tensor::f_randn([count as i64, images, columns], options)?.f_mul_scalar(0.5)?;
            common.f_add(&noise)
        };
        let leaf = |tensor: Tensor| tensor.f_set_requires_grad(true);
        let mut batch = Batch::new(leaf(near(1 + case.positives)?)?);
        if case.loss.needs_mixed() {
            batch.mixed = Some(leaf(near(case.positives - 1)?)?);
        }
        if case.loss.needs_adversarial() {
            batch.adversarial = Some(leaf(near(1)?.f_squeeze_dim(0)?.f_contiguous()?)?);
        }
        Ok(Self { batch })
    }

    /// The tensors that the loss reads, by name.
    pub fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let optional = [("mixed", &self.batch.mixed), ("adversarial", &self.batch.adversarial)];
        let given = optional.into_iter().filter_map(|(name, tensor)| Some((name, tensor.as_ref()?)));
        [("views", &self.batch.views)].into_iter().chain(given).collect()
    }

    /// All `2B` rows of views 0 and 1, without a gradient.
    pub fn rows(&self) -> Result<Tensor, TchError> {
        self.batch.views.f_detach()?.f_narrow(0, 0, 2)?.f_flatten(0, 1)
    }

    /// The same numbers for the reference.
    pub fn request(&self, case: &Case) -> Result<Request, TchError> {
        let views = |tensor: &Tensor| -> Result<Vec<DMatrix<f64>>, TchError> {
            let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
            let tensor = tensor.f_reshape([-1, tensor.size()[tensor.dim() - 2], DIMENSION as i64])?;
            (0..tensor.size()[0])
                .map(|view| {
                    let view = tensor.f_select(0, view)?;
                    let numbers = Vec::<f64>::try_from(&view.f_reshape([-1])?)?;
                    Ok(DMatrix::from_row_slice(numbers.len() / DIMENSION, DIMENSION, &numbers))
                })
                .collect()
        };
        let mut data = reference::Batch::new(views(&self.batch.views)?);
        data.mixed = self.batch.mixed.as_ref().map(views).transpose()?;
        data.adversarial = match &self.batch.adversarial {
            Some(tensor) => views(tensor)?.pop(),
            None => None,
        };
        Ok(Request::Batch { loss: case.loss, settings: settings(), data })
    }
}
