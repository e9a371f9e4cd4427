//! The library `libintnacl`: exact values and gradients, the fast engine and the judge, for C and C++.
//!
//! [`include/intnacl.h`](https://github.com/intnacl/intnacl/blob/main/bindings/c/include/intnacl.h) is made of the comments
//! and declarations here by `cargo run -p intnacl-c --example header`; a test holds it true.
//!
//! | file | |
//! |---|---|
//! | `structs`, `options` | what crosses the border by value |
//! | `failure`, `border` | what can go wrong, and how it is told: a code, a message, never a panic |
//! | `parameters` | parameters of losses between C and the table of losses |
//! | `exact` | a request as JSON, by the reference |
//! | `strided`, `batch` | a batch where it lies, by the engine |
//! | `callback`, `judge`, `verdict` | a function in C as the judge sees it, its judgement, and that in words and JSON |

#![warn(missing_docs)]

mod batch;
mod border;
mod callback;
mod exact;
mod failure;
mod judge;
mod options;
mod parameters;
mod strided;
mod structs;
mod verdict;

pub use batch::intnacl_evaluate_batch;
pub use border::{intnacl_abi_version, intnacl_last_error, intnacl_string_free, intnacl_version};
pub use exact::intnacl_evaluate_json;
pub use failure::Status;
pub use judge::intnacl_judge;
pub use options::{Choice, JudgeOptions, Standard, Verdict};
pub use structs::{
    ABI_VERSION, Answer, Array, Callback, Dtype, Estimator, MESSAGE, Negatives, Neighborhood, Parameters,
    Request, Robust, Weight,
};
