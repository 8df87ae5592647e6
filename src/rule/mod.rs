//! `Rule`: which events become alerts for which sinks, with its lists and its filter expression; read and checked by config, applied
//! by `route`.

mod check;
mod collect;
mod filter;
mod known;
mod limits;
mod quiet;
pub(crate) mod watch;

pub use collect::{COLLECT, COLLECT_EVERY, Collect, Times};
pub use filter::{EXPRESSION_CHARACTERS_MAX, Fault, Filter};
pub use known::{Known, VARIABLES, Variable};
pub use limits::{ALERTS_PER_DAY, Limits, QUIET_PRIORITY};
pub use quiet::{QuietHours, QuietSpan, SPAN, SPANS_MAX};

use crate::model::{AlertType, Confidence, Kind};

/// Which alerts go to which sinks. What narrows it narrows claims; events without a claim pass all but `types` and `outlets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, shown in alerts.
    pub name: String,
    /// Alert types it lets through; empty for all.
    pub types: Vec<AlertType>,
    /// Kinds of claims it lets through; empty for all.
    pub kinds: Vec<Kind>,
    /// Least confidence of the claim.
    pub confidence_min: Confidence,
    /// Least priority, as this rule alone makes it.
    pub priority_min: u8,
    /// Names of the sinks it feeds; empty for all.
    pub sinks: Vec<String>,
    /// Names of which one must be in the claim, its story's headline, what it answers or its thread; empty for everything.
    pub watch: Vec<String>,
    /// Names of which one must be the speaker's; empty for everybody.
    pub speakers: Vec<String>,
    /// Names of the outlets of which one must have brought it; empty for all.
    pub outlets: Vec<String>,
    /// ISO 639-3 codes of the languages of which one must be the claim's; empty for all.
    pub languages: Vec<String>,
    /// Topics of which one must be the document's; empty for all.
    pub topics: Vec<String>,
    /// What must be true of the claim.
    pub when: Option<Filter>,
    /// Added to the priority of what it lets through.
    pub priority: i8,
}

impl Rule {
    /// Lets every event that is not a mere guess through to every sink: what a config without rules means. A lost alert costs
    /// more than a false one, hence less than even confidence; the priority says where the extractor is unsure.
    pub fn everything() -> Self {
        Self {
            name: "everything".to_owned(),
            types: Vec::new(),
            kinds: Vec::new(),
            confidence_min: Confidence::from_probability(0.5),
            priority_min: 0,
            sinks: Vec::new(),
            watch: Vec::new(),
            speakers: Vec::new(),
            outlets: Vec::new(),
            languages: Vec::new(),
            topics: Vec::new(),
            when: None,
            priority: 0,
        }
    }
}
