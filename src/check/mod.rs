//! `gainsay check`: what is wrong with a config, what is odd about it, and with `--online` what its feeds and endpoints answer.

mod drawing;
mod online;
mod warnings;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::CheckArgs;
use crate::config::{Config, ConfigError, Loaded};
use crate::exit::Exit;
use crate::settings::Source;
use crate::terminal::tell;

use drawing::Look;

/// `gainsay check`.
///
/// # Errors
/// If the output cannot be written.
pub fn check(args: &CheckArgs) -> Result<ExitCode> {
    let loaded = Source::new(&args.source, None).and_then(|source| source.load());
    let loaded = match loaded.and_then(ensure_feeds) {
        Ok(loaded) => loaded,
        Err(ConfigError::Invalid { problems }) => {
            let look = Look::of(io::stderr().is_terminal());
            tell(format_args!("{}", drawing::problems(&problems, look)));
            return Ok(Exit::BadConfig.into());
        }
        Err(error) => return Err(error.into()),
    };
    for warning in warnings::warnings(&loaded) {
        tell(format_args!("warning: {warning}\n"));
    }
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", summary(&loaded.config))?;
    if !args.online {
        return Ok(ExitCode::SUCCESS);
    }
    let results =
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(online::try_all(&loaded.config))?;
    write!(out, "{}", drawing::table(&results))?;
    let is_good = results.iter().all(|result| result.is_good);
    Ok(if is_good { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

fn ensure_feeds(loaded: Loaded) -> Result<Loaded, ConfigError> {
    loaded.config.ensure_feeds().map(|()| loaded)
}

fn summary(config: &Config) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let feeds = counted(config.feeds.len(), "feed");
    let (sinks, rules) = (counted(config.sinks.len(), "sink"), counted(config.rules.len(), "rule"));
    format!("{feeds}, {sinks}, {rules}: good")
}
