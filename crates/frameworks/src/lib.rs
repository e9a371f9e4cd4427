//! SimCLR as one writes it in [burn](in_burn) and in [candle](in_candle), and what each needs to be judged: code to copy.
//!
//! In each file stand the loss, a function that hands it the rows of a request and differentiates it, and an
//! [`Implementation`](intnacl_judge::Implementation) that says what the program answers. The tests of each file make a test of
//! every law, and show that a loss without the gradient of one view is found out.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod in_burn;
pub mod in_candle;
