//! `gainsay doctor`: checks of config, database, feeds, sinks and machine, each ok, a warning or bad.

use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Resource, getrlimit};
use serde::Serialize;

use super::args::{DatabaseArgs, DoctorArgs};
use super::feeds::{TROUBLES, statuses};
use super::words::{duration, minute, second};
use super::{Source, is_json, print_json, print_text, width};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, PLACES, SinkTarget, find};
use crate::exit::Exit;
use crate::model::EndpointState;
use crate::store::{Ledger, SinkBacklog, StoreError, View};
use crate::terminal::wrapped;

/// Columns of a level and of a check's name.
const INDENT: usize = 18;
/// Free bytes below which the disk is a warning, and bad.
const FREE_BYTES: (u64, u64) = (1 << 30, 100 << 20);
/// Bytes of the write-ahead log from which it is a warning: a reader keeps the daemon from starting it anew.
const WAL_BYTES: u64 = 256 << 20;
/// Lead of the desk over the clock that is a warning, and bad.
const LEAD: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));
/// Age of the oldest waiting alert that is a warning, and bad.
const WAIT: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(15), SignedDuration::from_hours(24));
/// File descriptors beside those of fetches and deliveries: database, log, listeners.
const FILES_BASE: u64 = 64;
/// File descriptors of one fetch or delivery: its connection, and a moment's second one when it is followed elsewhere.
const FILES_EACH: u64 = 2;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    Warn,
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) name: String,
    pub(crate) level: Level,
    pub(crate) detail: String,
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, check: &str, level: Level, detail: impl Into<String>) {
        self.0.push(Check { name: check.to_owned(), level, detail: detail.into() });
    }
}

/// `gainsay doctor`. The exit code is 1 if anything is bad.
///
/// # Errors
/// If the output cannot be written, or it is not said what to check.
pub fn doctor(args: &DoctorArgs) -> Result<ExitCode> {
    let mut checks = Checks::default();
    checks.add("version", Level::Ok, format!("gainsay {}", env!("CARGO_PKG_VERSION")));
    let now = SystemClock.now();
    if let Some(source) = check_config(&args.database, &mut checks)? {
        check_files(source.config.as_ref(), &mut checks);
        check_disk(&source.database, &mut checks);
        match check_database(&source, now, &mut checks) {
            Ok(()) => {}
            Err(error) => checks.add("database", Level::Bad, error.to_string()),
        }
    }
    if is_json(args.format) {
        print_json(&checks.0)?;
    } else {
        print_text(&drawn(&checks.0, width()))?;
    }
    let is_bad = checks.0.iter().any(|check| check.level == Level::Bad);
    Ok(if is_bad { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// The checks that a running daemon can make of itself without reading its whole database.
pub(crate) fn checks(view: &View, config: &Config, now: Timestamp) -> Result<Vec<Check>> {
    let mut checks = Checks::default();
    checks.add("version", Level::Ok, format!("gainsay {}", env!("CARGO_PKG_VERSION")));
    check_files(Some(config), &mut checks);
    check_disk(&config.database, &mut checks);
    check_wal(&config.database, &mut checks);
    check_clock(view.desk_clock()?, now, &mut checks);
    check_feeds(view, Some(config), &mut checks)?;
    check_sinks(view, Some(config), now, &mut checks)?;
    check_endpoints(view, Some(config), &mut checks)?;
    Ok(checks.0)
}

fn drawn(checks: &[Check], width: usize) -> String {
    let line = |check: &Check| {
        let (name, colour) = match check.level {
            Level::Ok => ("ok", AnsiColor::Green),
            Level::Warn => ("warn", AnsiColor::Yellow),
            Level::Bad => ("BAD", AnsiColor::Red),
        };
        let style = colour.on_default().bold();
        let label = format!("{style}{name:<6}{style:#}{:<12}", check.name);
        wrapped(&[(Style::new(), &check.detail)], &label, INDENT, width)
    };
    checks.iter().map(line).collect()
}

/// Reads the config with its secrets, as the daemon would; where that fails, what can be known without them.
fn check_config(args: &DatabaseArgs, checks: &mut Checks) -> Result<Option<Source>> {
    let path = match (&args.database, &args.config) {
        (Some(_), _) => return Source::find(args).map(Some),
        // Where there is none, the first place is named.
        (None, named) => find(named.as_deref()).unwrap_or_else(|_| PLACES[0].into()),
    };
    match crate::config::load(&path) {
        Ok(config) => {
            let (feeds, sinks) = (config.feeds.len(), config.sinks.len());
            let level = if feeds == 0 { Level::Bad } else { Level::Ok };
            checks.add(
                "config",
                level,
                format!("{}: {}, {}", path.display(), counted(feeds, "feed"), counted(sinks, "sink")),
            );
            Ok(Some(Source { database: config.database.clone(), config: Some(config) }))
        }
        Err(error) => {
            // Each problem names the file and its place.
            error.to_string().lines().for_each(|problem| checks.add("config", Level::Bad, problem));
            Ok(Source::find(args).ok())
        }
    }
}

/// Whether the limit on open files is enough for what the config lets happen at once.
fn check_files(config: Option<&Config>, checks: &mut Checks) {
    let at_once = config.map_or(0, |config| {
        let sinks = config.sinks.iter().map(|sink| match &sink.target {
            SinkTarget::Webhook(webhook) => webhook.concurrency_max,
            SinkTarget::JsonLines(_) | SinkTarget::Mail(_) => 1,
        });
        config.intake.fetches_max + sinks.sum::<usize>()
    });
    let needed = FILES_BASE + FILES_EACH * u64::try_from(at_once).unwrap_or(u64::MAX / FILES_EACH);
    let limit = getrlimit(Resource::Nofile).current;
    let level = if limit.is_some_and(|limit| limit < needed) { Level::Bad } else { Level::Ok };
    let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    checks.add("open files", level, format!("{limit} allowed to this shell (ulimit -n), {needed} needed at most"));
}

fn check_disk(database: &Path, checks: &mut Checks) {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let level = match free {
                free if free < FREE_BYTES.1 => Level::Bad,
                free if free < FREE_BYTES.0 => Level::Warn,
                _ => Level::Ok,
            };
            checks.add("disk", level, format!("{} free at {}", bytes(free), folder.display()));
        }
        Err(error) => checks.add("disk", Level::Bad, format!("{}: {error}", folder.display())),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn bytes(count: u64) -> String {
    match count {
        count if count >= 1 << 30 => format!("{} GiB", count >> 30),
        count if count >= 1 << 20 => format!("{} MiB", count >> 20),
        count => format!("{} KiB", count.div_ceil(1 << 10)),
    }
}

fn check_database(source: &Source, now: Timestamp, checks: &mut Checks) -> Result<()> {
    let path = source.database.display();
    if !source.database.exists() {
        checks.add("database", Level::Warn, format!("{path} is not there yet: the first start makes it"));
        return Ok(());
    }
    let view = source.open()?;
    let size = source.database.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    checks.add("database", Level::Ok, format!("{path}, {}, layout version {}", bytes(size), view.version()));
    let damage = view.damage()?;
    match damage.as_slice() {
        [] => checks.add("integrity", Level::Ok, "quick_check finds nothing"),
        found => checks.add("integrity", Level::Bad, found.join("; ")),
    }
    check_wal(&source.database, checks);
    check_clock(view.desk_clock()?, now, checks);
    check_feeds(&view, source.config.as_ref(), checks)?;
    check_ledger(&view, checks)?;
    check_sinks(&view, source.config.as_ref(), now, checks)?;
    check_endpoints(&view, source.config.as_ref(), checks)?;
    Ok(())
}

fn check_wal(database: &Path, checks: &mut Checks) {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    let size = Path::new(&name).metadata().map(|metadata| metadata.len()).unwrap_or_default();
    let (level, more) = if size > WAL_BYTES {
        (Level::Warn, ": somebody reads for long, or nobody may write")
    } else {
        (Level::Ok, "")
    };
    checks.add("log", level, format!("{} in the write-ahead log{more}", bytes(size)));
}

/// The desk's clock is that of its last commit: it cannot be ahead unless a clock was wrong.
fn check_clock(desk: Option<Timestamp>, now: Timestamp, checks: &mut Checks) {
    let Some(desk) = desk else {
        return checks.add("clock", Level::Ok, format!("{}, nothing committed yet", second(now)));
    };
    let lead = desk.duration_since(now);
    let (level, told) = match lead {
        lead if lead > LEAD.1 => (Level::Bad, format!("{} ahead of this clock", duration(lead))),
        lead if lead > LEAD.0 => (Level::Warn, format!("{} ahead of this clock", duration(lead))),
        lead => (Level::Ok, format!("{} ago", duration(-lead))),
    };
    checks.add("clock", level, format!("{}; last commit {}, {told}", second(now), second(desk)));
}

fn check_feeds(view: &View, config: Option<&Config>, checks: &mut Checks) -> Result<()> {
    let feeds = statuses(view, config)?;
    let of = |state: &str| feeds.iter().filter(|feed| feed.state == state).count();
    let bad = TROUBLES.iter().map(|state| of(state)).sum::<usize>() + of("backing-off");
    let (ok, new, paused) = (of("healthy") + of("moved"), of("new"), of("paused"));
    let level = match (ok, bad, new) {
        (0, 1.., _) => Level::Bad,
        (_, 1.., _) | (_, _, 1..) => Level::Warn,
        // Nothing is polled at all.
        (0, ..) if paused > 0 => Level::Warn,
        _ => Level::Ok,
    };
    let resting = if paused > 0 { format!(", {paused} paused") } else { String::new() };
    checks.add("feeds", level, format!("{ok} well, {bad} in trouble, {new} never read{resting}"));
    for feed in feeds.iter().filter(|feed| TROUBLES.contains(&feed.state.as_ref()) || feed.state == "backing-off") {
        let since = feed.since.map(|since| format!(" since {}", minute(since))).unwrap_or_default();
        let error = feed.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        checks.add("feed", Level::Warn, format!("{} is {}{since}{error}", feed.id, feed.state.replace('-', " ")));
    }
    Ok(())
}

/// Every alert that was ever put in must still be there, in one state.
fn check_ledger(view: &View, checks: &mut Checks) -> Result<(), StoreError> {
    let (ledger, counted) = (view.ledger()?, view.counted_outbox()?);
    let sum: u64 = ledger.iter().map(|ledger| ledger.created).sum();
    let mut is_exact = true;
    for Ledger { sink, created, .. } in ledger.iter().filter(|ledger| !ledger.is_balanced()) {
        is_exact = false;
        checks.add(
            "outbox",
            Level::Bad,
            format!("{sink}: {created} alerts were put in, and its ledger tells of others"),
        );
    }
    for found in &ledger {
        let rows = counted.iter().find(|rows| rows.sink == found.sink).cloned().unwrap_or_default();
        if rows.created != found.created || rows.states() != found.states() {
            is_exact = false;
            let detail = format!("{}: {} alerts were put in, {} are there", found.sink, found.created, rows.created);
            checks.add(
                "outbox",
                Level::Bad,
                format!("{detail}: somebody has changed the table, put a backup in its place"),
            );
        }
    }
    if is_exact {
        checks.add("outbox", Level::Ok, format!("{sum} alerts were put in, each of them is there in one state"));
    }
    Ok(())
}

fn check_sinks(view: &View, config: Option<&Config>, now: Timestamp, checks: &mut Checks) -> Result<(), StoreError> {
    for SinkBacklog { sink, waiting, oldest, held, dead } in view.backlogs(now)? {
        let is_gone = config.is_some_and(|config| config.sinks.iter().all(|known| known.name != sink));
        let wait = oldest.map_or(SignedDuration::ZERO, |oldest| now.duration_since(oldest));
        let level = match () {
            () if wait > WAIT.1 && !is_gone => Level::Bad,
            () if wait > WAIT.0 || dead > 0 || is_gone && waiting > 0 => Level::Warn,
            () => Level::Ok,
        };
        let gone = if is_gone { "no longer in the config; " } else { "" };
        let age = oldest.map(|oldest| format!(" (the oldest for {}, from {})", duration(wait), second(oldest)));
        let age = age.unwrap_or_default();
        checks.add("sink", level, format!("{sink}: {gone}{waiting} wait{age}, {held} held until later, {dead} dead"));
    }
    Ok(())
}

/// Endpoints that get nothing, or not everything at once. Of sinks that the config no longer has nothing is sent anyway.
fn check_endpoints(view: &View, config: Option<&Config>, checks: &mut Checks) -> Result<(), StoreError> {
    let is_wanted = |sink: &str| config.is_none_or(|config| config.sinks.iter().any(|known| known.name == sink));
    for record in view.endpoints()?.into_iter().filter(|record| is_wanted(&record.sink)) {
        let (level, more) = match record.state {
            EndpointState::Healthy => continue,
            EndpointState::Paused | EndpointState::Failing => (Level::Warn, String::new()),
            EndpointState::Disabled => (Level::Bad, format!(": gainsay endpoint enable {}", record.sink)),
        };
        let why = record.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let since = minute(record.since);
        checks.add("endpoint", level, format!("{} is {} since {since}{why}{more}", record.sink, record.state));
    }
    Ok(())
}
