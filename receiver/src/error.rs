//! Why a request body was refused as a whole. Single bad records are `Rejected` in the outcome, not errors.

use thiserror::Error;

/// What is wrong with a body. The sender must act.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// It is not what its content type says, or a field has the wrong type: 400.
    #[error("{0}")]
    Malformed(String),
    /// It goes over a bound: 413. Holds what, and the bound.
    #[error("{what}: at most {allowed} are taken in one request; send smaller batches")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        allowed: usize,
    },
}
