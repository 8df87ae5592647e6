//! `gainsay endpoint status` and `enable`: how the endpoints of sinks do, as the daemon has stored it; and that alerts are to go out to one again.

use std::process::ExitCode;

use anstyle::AnsiColor;
use anyhow::{Result, bail};
use jiff::Timestamp;
use serde::Serialize;

use super::args::{EnableArgs, StatusArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, SinkConfig, SinkTarget};
use crate::look::table::{Cell, Column};
use crate::look::words::minute;
use crate::look::{Listed, Source, is_json, print_json, print_list};
use crate::model::{EndpointRecord, EndpointState};
use crate::store::{View, enable_endpoint};
use crate::terminal::{DIM, tell};

/// `gainsay endpoint status`.
///
/// # Errors
/// If the database cannot be read or the output not written.
pub(super) fn status(args: &StatusArgs) -> Result<ExitCode> {
    let source = Source::find(&args.database)?;
    let lines = statuses(&source.open()?, source.config.as_ref())?;
    print_list(args.format, &lines, 0)?;
    Ok(ExitCode::SUCCESS)
}

/// `gainsay endpoint enable`.
///
/// # Errors
/// If the database cannot be written, or nothing is known of the endpoint.
pub(super) fn enable(args: &EnableArgs) -> Result<ExitCode> {
    let (source, name) = (Source::find(&args.database)?, args.name.as_str());
    let known = source.config.as_ref().is_none_or(|config| endpoints(config).any(|sink| sink.name == name));
    if !known {
        bail!("the config has no webhook and no mail server {name:?}");
    }
    let now = SystemClock.now();
    match enable_endpoint(&source.database, name, now)? {
        Some(before) if before.state != EndpointState::Healthy => {
            tell(format_args!("{name} was {} since {}{}\n", before.state, minute(before.since), why(&before)));
            let database = source.database.display();
            let when = match crate::running::is_running(&source.database) {
                Some(true) => "the running gainsay goes on with it within half a minute".to_owned(),
                Some(false) => format!("no gainsay runs on {database}, the next start goes on with it"),
                None => format!("a gainsay that runs on {database} goes on with it, or the next start"),
            };
            tell(format_args!("enabled; {when}\n"));
        }
        _ => tell(format_args!("{name} is not left alone: nothing is to be done\n")),
    }
    if is_json(args.format) {
        let lines = statuses(&source.open()?, source.config.as_ref())?;
        print_json(&lines.into_iter().filter(|line| line.sink == name).collect::<Vec<_>>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn why(record: &EndpointRecord) -> String {
    record.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default()
}

/// Sinks with somebody at the other end: webhooks and mail servers.
fn endpoints(config: &Config) -> impl Iterator<Item = &SinkConfig> {
    config.sinks.iter().filter(|sink| !matches!(sink.target, SinkTarget::JsonLines(_)))
}

/// How an endpoint does, as `gainsay endpoint status` prints it.
#[derive(Debug, Serialize)]
struct EndpointLine {
    sink: String,
    state: EndpointState,
    /// Since when; nothing of one that never failed.
    since: Option<Timestamp>,
    why: Option<String>,
    /// Failed attempts in a row, as last stored.
    failures: u32,
    failing_since: Option<Timestamp>,
    left_alone_until: Option<Timestamp>,
    /// Alerts that wait for it, embargoed ones left out.
    waiting: u64,
    dead: u64,
}

/// Those of a config, in its order; without one, those that ever failed.
fn statuses(view: &View, config: Option<&Config>) -> Result<Vec<EndpointLine>> {
    let (records, backlogs) = (view.endpoints()?, view.backlogs(SystemClock.now())?);
    let names: Vec<String> = match config {
        Some(config) => endpoints(config).map(|sink| sink.name.clone()).collect(),
        None => records.iter().map(|record| record.sink.clone()).collect(),
    };
    let line = |sink: String| {
        let record = records.iter().find(|record| record.sink == sink).cloned();
        let backlog = backlogs.iter().find(|backlog| backlog.sink == sink);
        EndpointLine {
            state: record.as_ref().map_or(EndpointState::Healthy, |record| record.state),
            since: record.as_ref().map(|record| record.since),
            failures: record.as_ref().map_or(0, |record| record.failures),
            failing_since: record.as_ref().and_then(|record| record.failing_since),
            left_alone_until: record.as_ref().and_then(|record| record.left_alone_until),
            why: record.and_then(|record| record.why),
            waiting: backlog.map_or(0, |backlog| backlog.waiting),
            dead: backlog.map_or(0, |backlog| backlog.dead),
            sink,
        }
    };
    Ok(names.into_iter().map(line).collect())
}

impl Listed for EndpointLine {
    const NAMES: (&'static str, &'static str) = ("endpoint", "endpoints");
    const COLUMNS: &'static [Column] = &[
        Column::text("SINK", 8),
        Column::whole("STATE"),
        Column::whole("SINCE (UTC)").spare(),
        Column::number("WAITING"),
        Column::number("DEAD"),
        Column::text("WHY", 12),
    ];

    fn row(&self) -> Vec<Cell> {
        let style = match self.state {
            EndpointState::Healthy => AnsiColor::Green.on_default(),
            EndpointState::Paused | EndpointState::Failing => AnsiColor::Yellow.on_default(),
            EndpointState::Disabled => AnsiColor::Red.on_default(),
        };
        vec![
            Cell::new(&self.sink),
            Cell::styled(self.state.as_str(), style),
            Cell::styled(&self.since.map(minute).unwrap_or_default(), DIM),
            Cell::new(&self.waiting.to_string()),
            Cell::new(&self.dead.to_string()),
            Cell::new(self.why.as_deref().unwrap_or_default()),
        ]
    }
}
