//! `Rule`: which events become alerts for which sinks; read by config, applied by `route`.

use super::{AlertType, Confidence};

/// Which alerts go to which sinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, shown in alerts.
    pub name: String,
    /// Alert types it lets through; empty for all.
    pub types: Vec<AlertType>,
    /// Least confidence of the claim; events without a claim pass.
    pub confidence_min: Confidence,
    /// Names of the sinks it feeds; empty for all.
    pub sinks: Vec<String>,
    /// Names of which one must be in the claim, its story's headline, what it answers or its thread; empty for everything. Events
    /// without a claim pass.
    pub watch: Vec<String>,
    /// Names of which one must be the speaker's; empty for everybody. Events without a claim pass.
    pub speakers: Vec<String>,
    /// Names of the outlets of which one must have brought it; empty for all.
    pub outlets: Vec<String>,
}

impl Rule {
    /// Lets every event that is not a mere guess through to every sink: what a config without rules means. A lost alert costs
    /// more than a false one, hence less than even confidence; the priority says where the extractor is unsure.
    pub fn everything() -> Self {
        Self {
            name: "everything".to_owned(),
            types: Vec::new(),
            confidence_min: Confidence::from_probability(0.5),
            sinks: Vec::new(),
            watch: Vec::new(),
            speakers: Vec::new(),
            outlets: Vec::new(),
        }
    }
}
