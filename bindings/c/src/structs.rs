//! What crosses the border by value: a request about a batch and its answer, and the names of what they hold.

use std::ffi::{c_char, c_int, c_void};

/// The version of structs and functions in this header. Functions that take it refuse a library of another one.
pub const ABI_VERSION: u32 = 1;

/// The length of a callback's message, with the 0 at its end.
pub const MESSAGE: usize = 256;

/// A floating type. Arrays are of the first two; the others say what a judged function computes in, on arrays of
/// INTNACL_DTYPE_F32.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// float, IEEE binary32.
    F32 = 0,
    /// double, IEEE binary64.
    F64 = 1,
    /// Inputs and gradients in bfloat16, computed in binary32.
    Bf16 = 2,
    /// Inputs and gradients in IEEE binary16, computed in binary32.
    F16 = 3,
    /// binary32, with scores rounded to bfloat16.
    Bf16Scores = 4,
    /// binary32, with scores whose factors have 11 bits, as tensor cores form them in TF32.
    Tf32 = 5,
}

/// An estimator of the mean kernel of the true negatives.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimator {
    /// The plain mean.
    G0 = 0,
    /// The debiased mean: reads tau_plus.
    G1 = 1,
    /// The debiased and hardened mean: reads tau_plus and beta.
    G2 = 2,
}

/// The weight of an image's robust term.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// 1.
    One = 0,
    /// The image's clean loss, held constant when the gradient is taken.
    Adversarial = 1,
    /// The same, its gradient flowing.
    AdversarialWithGradient = 2,
}

/// The neighbourhood loss of int_nacl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighborhood {
    /// All positives in one sum.
    Nca = 0,
    /// One positive and mixed embeddings: reads lambda.
    MixNca = 1,
    /// MIXNCA with its single-positive term replaced by NCA: reads lambda.
    Joined = 2,
    /// NCA plus MIXNCA: reads lambda.
    Sum = 3,
}

/// An estimator with its parameters.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Negatives {
    /// One of intnacl_estimator.
    pub estimator: u32,
    /// The class prior, in [0, 1).
    pub tau_plus: f64,
    /// The hardness, finite and at least 0.
    pub beta: f64,
}

/// The robust term of int_cl and int_nacl.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Robust {
    /// Its estimator.
    pub negatives: Negatives,
    /// One of intnacl_weight.
    pub weight: u32,
}

/// The parameters of all losses. A loss reads its own, which requests as JSON have by the same names, and no others.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// The class prior, in [0, 1).
    pub tau_plus: f64,
    /// The hardness, finite and at least 0.
    pub beta: f64,
    /// The share of the robust term, finite and at least 0.
    pub alpha: f64,
    /// The mixing weight, in [0, 1].
    pub lambda: f64,
    /// The estimator.
    pub negatives: Negatives,
    /// The weight of the robust term, one of intnacl_weight.
    pub weight: u32,
    /// The estimator inside an adversarial weight. Unlike in JSON it has no default.
    pub weight_negatives: Negatives,
    /// The robust term.
    pub robust: Robust,
    /// One of intnacl_neighborhood.
    pub neighborhood: u32,
}

/// An array `[views][images][columns]` that lies anywhere in memory.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Array {
    /// The entry `[0][0][0]`, of the request's dtype and aligned for it; NULL for an array that is absent.
    pub entries: *const c_void,
    /// How many entries further the next view, the next image and the next column lie: of a contiguous array
    /// {images * columns, columns, 1}. May be negative or 0.
    pub strides: [isize; 3],
}

/// A loss of a batch: 1 + positives views of the same images, each a row of so many columns.
///
/// The anchors are view 0 and, if symmetric, view 1. The negatives of an image are views 0 and 1 of all others.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The name of the loss, such as simclr. The message about one that is not known lists all.
    pub loss: *const c_char,
    /// Its parameters.
    pub parameters: Parameters,
    /// The temperature t, finite and above 0.
    pub temperature: f64,
    /// Whether rows are divided by their norms inside. The gradient is by the rows as given in either case.
    pub normalize: bool,
    /// Whether view 1 is an anchor too (in the robust term: the adversarial view).
    pub symmetric: bool,
    /// The type of all arrays: INTNACL_DTYPE_F32 or INTNACL_DTYPE_F64.
    pub dtype: u32,
    /// M, the number of views less one: at least 1.
    pub positives: usize,
    /// The number of mixed views, M - 1 in the paper; of no meaning where mixed is absent.
    pub mixtures: usize,
    /// B, the number of images: at least 2.
    pub images: usize,
    /// d, the number of columns: at least 1.
    pub columns: usize,
    /// `[1 + positives][images][columns]`.
    pub views: Array,
    /// `[mixtures][images][columns]`: embeddings of mixed inputs, or absent.
    pub mixed: Array,
    /// `[1][images][columns]`: embeddings of adversarial inputs, or absent.
    pub adversarial: Array,
}

/// A loss and its gradient. Whoever asks owns all memory.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The mean over the images.
    pub value: f64,
    /// `[images]`: the loss of each image, the mean over its anchors.
    pub per_image: *mut f64,
    /// The gradient of value by the views, contiguous, in the shape and type of that array; so for the others.
    pub views: *mut c_void,
    /// The gradient by the mixed embeddings.
    pub mixed: *mut c_void,
    /// The gradient by the adversarial embeddings.
    pub adversarial: *mut c_void,
    /// What went wrong in a callback that fails, ended by 0. No other function reads or writes it.
    pub message: [c_char; MESSAGE],
}

/// A loss to be judged: answers a request, and returns 0.
///
/// - The arrays of the request are contiguous. They and the memory for the answer live until the callback returns.
/// - per_image is NaN and the gradients are 0 before. Who does not compute one of them sets its pointer to NULL: it is
///   then not judged. The gradient by an array that the loss does not read is 0.
/// - To fail it returns anything but 0, and may write a message. That breaks the law that asked.
/// - It is called on the thread that called intnacl_judge, and may call any function of this library.
/// - It returns: no exception and no longjmp may leave it.
pub type Callback =
    Option<unsafe extern "C" fn(request: *const Request, answer: *mut Answer, user: *mut c_void) -> c_int>;
