//! The names of losses and of their parameters, all that this crate takes of another one. It takes no arithmetic.

pub use intnacl_vocabulary::{
    Error as InputError, Loss, Negatives, Neighborhood, RobustTerm, Settings, Weight,
};
