//! stub
pub mod proposition;
pub mod resolve;

use crate::model::{Claim, Issue, ModelsHash, Span};
/// Models.
pub struct Models;
/// Error.
#[derive(Debug, thiserror::Error)]
#[error("bad model")]
pub struct ModelError;
impl Models {
    /// Embedded.
    pub fn embedded() -> Result<Models, ModelError> {
        Ok(Models)
    }
    /// Hash.
    pub fn hash(&self) -> ModelsHash {
        ModelsHash(String::new())
    }
}
/// Claims.
pub fn claims(_: &str, _: Option<Span>, _: &[Span], _: &Models) -> (Vec<Claim>, Vec<Issue>) {
    (Vec::new(), Vec::new())
}
