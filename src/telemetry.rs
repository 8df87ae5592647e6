//! What the operator is told: the log on standard error, and exit codes.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// Exit code of a command that failed.
const FAILED: u8 = 1;
/// Exit code of a config that cannot be used (`EX_CONFIG` of sysexits.h).
pub(crate) const BAD_CONFIG: u8 = 78;

/// Starts the log.
///
/// # Errors
/// If the filter cannot be read.
pub fn init(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log {filter:?} is no filter"))?;
    // Colour codes are for people at a terminal, who may not want them either (https://no-color.org); in a file they hide words
    // from a search.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !is_plain)
        .with_target(false)
        .init();
    Ok(())
}

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
        anstream::eprintln!("{config}");
        return ExitCode::from(BAD_CONFIG);
    }
    anstream::eprintln!("gainsay: {error:#}");
    ExitCode::from(FAILED)
}
