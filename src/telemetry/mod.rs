//! What the operator is told: the log on standard error, metrics, signs of life for systemd and for `web`, and exit codes.
//!
//! `log` writes lines; `metrics` has the table of every metric; `observe` fills it from what `app` tells, and `outbox` from what
//! dispatchers write down; `pulse` knows whether the stages make progress; `systemd` tells the supervisor.

mod log;
mod metrics;
mod observe;
mod outbox;
mod polls;
mod pulse;
mod systemd;

pub use log::{FIELDS, init};
pub use metrics::{Exposition, Family, Metric, MetricType, Samples};
pub use observe::{PATIENCE, Telemetry, UnderWay};
pub use outbox::CountedOutbox;
pub use polls::{PollNote, PollResult};
pub use pulse::{Phase, Pulse, Stage};
pub use systemd::Supervisor;

use std::process::ExitCode;

use crate::config::ConfigError;
use crate::exit::Exit;
use crate::terminal::tell;

/// Says on standard error what went wrong and gives the exit code that fits. A reader that closed its end of a pipe is no
/// error.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    let is_closed_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe);
    if is_closed_pipe {
        return ExitCode::SUCCESS;
    }
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        tell(format_args!("{config}\n"));
        return Exit::BadConfig.into();
    }
    tell(format_args!("gainsay: {}\n", in_words(error)));
    Exit::Failed.into()
}

/// An error with its causes, but for those that its words repeat already.
fn in_words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |words, cause| match () {
        () if words.is_empty() => cause,
        () if words.ends_with(&cause) => words,
        () => format!("{words}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("port taken").context("cannot listen: port taken").context("no start");
        assert_eq!(in_words(&error), "no start: cannot listen: port taken");
    }
}
