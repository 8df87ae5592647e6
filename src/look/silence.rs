//! `gainsay silence`: keeps alerts back for some time. A silence is an entry of the log of feedback, which a running daemon takes in
//! within seconds and `replay` honours; what it keeps back is listed by `gainsay deliveries --status silenced`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::args::{DatabaseArgs, FormatArgs};
use super::feedback::args::{SayArgs, kind, name};
use super::feedback::{Known, log, silenced};
use super::filter::{Moment, moment};
use super::table::{Cell, Column};
use super::words::{minute, short};
use super::{Listed, Source, print_list};
use crate::clock::{Clock as _, SystemClock};
use crate::config::parse_duration;
use crate::model::{FeedId, FeedbackAct, FeedbackId, FeedbackState, Kind, SILENCE_MAX, Silence, SilenceRecord};
use crate::rule::{Fault, Filter};
use crate::terminal::DIM;

/// Characters of a comment.
const COMMENT_CHARACTERS_MAX: usize = 500;

/// Subcommands of `silence`.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Keeps alerts back of which everything is true that is given; what takes back an alert that was sent is never kept back.
    Add(Box<AddArgs>),
    /// Lists the silences that count, or will when the daemon has taken them in.
    Ls(LsArgs),
    /// Ends a silence. What it kept back stays back.
    End(EndArgs),
}

/// Arguments of `silence add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    #[command(flatten)]
    say: SayArgs,
    /// Until when: an instant (2026-03-31T08:00:00Z) or the beginning of a day (2026-03-31, UTC); at most 366 days.
    #[arg(long, value_name = "WHEN", value_parser = moment, required_unless_present = "for_", conflicts_with = "for_")]
    until: Option<Moment>,
    /// For how long instead: 2h, 7d, 1d12h.
    #[arg(long = "for", id = "for_", value_name = "DURATION", value_parser = span)]
    span: Option<SignedDuration>,
    /// Claims by this speaker: any word or words of name or role, as `speakers` of a rule.
    #[arg(long, value_name = "NAME", value_parser = name)]
    speaker: Option<String>,
    /// What this outlet brought.
    #[arg(long, value_name = "NAME", value_parser = name)]
    outlet: Option<String>,
    /// Alerts of this thread: its id, or a beginning of it that no other thread has.
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
    /// What this feed brought, and what is wrong with it: its id.
    #[arg(long, value_name = "ID", value_parser = name)]
    feed: Option<String>,
    /// Claims of this kind: allegation, denial, confirmation, `no_comment`, retraction.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// Alerts for this sink.
    #[arg(long, value_name = "NAME", value_parser = name)]
    sink: Option<String>,
    /// Claims of which this expression is true, as `when` of a rule.
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    when: Option<String>,
    /// Why, for those who wonder.
    #[arg(long, value_name = "TEXT", value_parser = comment)]
    comment: String,
}

/// Arguments of `silence ls`.
#[derive(Debug, Args)]
pub struct LsArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Arguments of `silence end`.
#[derive(Debug, Args)]
pub struct EndArgs {
    #[command(flatten)]
    say: SayArgs,
    /// The id of the silence, or a beginning of it that no other has.
    #[arg(value_name = "ID")]
    silence: String,
}

/// `gainsay silence`.
///
/// # Errors
/// If the database cannot be read or written, the output not written, or what is asked cannot be done.
pub fn silence(command: &SilenceCommand) -> Result<ExitCode> {
    match command {
        SilenceCommand::Add(args) => {
            let until = until(args, SystemClock.now())?;
            log(&args.say, Box::new(move |known| args.act(known, until)))?;
        }
        SilenceCommand::Ls(args) => print_list(args.format, &list(args)?, 0)?,
        SilenceCommand::End(args) => log(&args.say, Box::new(|known| args.act(known)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// When the silence ends: after now, and not too late.
fn until(args: &AddArgs, now: Timestamp) -> Result<Timestamp> {
    let until = match (args.until, args.span) {
        (Some(Moment::At(until) | Moment::Day(until)), _) => until,
        (Some(Moment::Ago(_)), _) => anyhow::bail!("--until takes a date or an instant; a duration is for --for"),
        (None, span) => now.saturating_add(span.unwrap_or_default())?,
    };
    anyhow::ensure!(until > now, "the silence would be over already: {until} is not after {now}");
    anyhow::ensure!(
        until.duration_since(now) <= SILENCE_MAX,
        "a silence lasts 366 days at most; what is to be silent for good is a matter of rules"
    );
    Ok(until)
}

impl AddArgs {
    fn act(&self, known: &Known<'_>, until: Timestamp) -> Result<FeedbackAct> {
        Ok(FeedbackAct::Silence(Box::new(Silence {
            until,
            comment: self.comment.clone(),
            speaker: self.speaker.clone(),
            outlet: self.outlet.clone(),
            thread: self.thread.as_deref().map(|thread| known.thread(thread)).transpose()?,
            feed: self.feed.as_deref().map(FeedId::new),
            kind: self.kind,
            sink: self.sink.clone(),
            when: self.when.clone(),
        })))
    }
}

impl EndArgs {
    fn act(&self, known: &Known<'_>) -> Result<FeedbackAct> {
        let prefix = self.silence.trim().to_ascii_lowercase();
        let found: Vec<FeedbackId> = known
            .state
            .silences()
            .map(|record| record.id)
            .filter(|id| !prefix.is_empty() && id.to_string().starts_with(&prefix))
            .collect();
        match found[..] {
            [silence] => Ok(FeedbackAct::EndSilence { silence }),
            [] => anyhow::bail!("no silence {prefix:?} counts; `gainsay silence ls` lists those that do"),
            _ => anyhow::bail!("{} silences begin with {prefix:?}; give more of the id", found.len()),
        }
    }
}

/// The silences that are not over: those that the desk keeps, and what waits in the log for it.
fn list(args: &LsArgs) -> Result<Vec<SilenceLine>> {
    let view = Source::find(&args.database)?.open()?;
    let line = |record, state| SilenceLine { record, state };
    let mut lines: Vec<SilenceLine> =
        view.silences()?.into_iter().map(|record| line(record, FeedbackState::Applied)).collect();
    for said in view.feedback()?.into_iter().filter(|said| said.state == FeedbackState::Pending) {
        let (id, since, by) = (said.feedback.id, said.feedback.time, said.feedback.by);
        match said.feedback.act {
            FeedbackAct::Silence(silence) => {
                lines.push(line(SilenceRecord { id, since, by, silence: *silence }, FeedbackState::Pending));
            }
            FeedbackAct::EndSilence { silence } => lines.retain(|line| line.record.id != silence),
            _ => {}
        }
    }
    let now = SystemClock.now();
    lines.retain(|line| line.record.silence.until > now);
    Ok(lines)
}

/// A silence as `gainsay silence ls` prints it.
#[derive(Debug, Serialize)]
struct SilenceLine {
    #[serde(flatten)]
    record: SilenceRecord,
    state: FeedbackState,
}

impl Listed for SilenceLine {
    const NAMES: (&'static str, &'static str) = ("silence", "silences");
    const COLUMNS: &'static [Column] = &[
        Column::whole("ID"),
        Column::whole("UNTIL (UTC)"),
        Column::whole("STATE").spare(),
        Column::text("BY", 8).spare(),
        Column::text("SILENCES", 16),
        Column::text("WHY", 12),
    ];

    fn row(&self) -> Vec<Cell> {
        let Self { record, state } = self;
        let state = match state {
            FeedbackState::Pending => "pending",
            FeedbackState::Applied => "counts",
        };
        vec![
            Cell::styled(&short(&record.id), DIM),
            Cell::new(&minute(record.silence.until)),
            Cell::new(state),
            Cell::new(record.by.as_deref().unwrap_or_default()),
            Cell::new(&silenced(&record.silence)),
            Cell::new(&record.silence.comment),
        ]
    }
}

fn span(text: &str) -> Result<SignedDuration, String> {
    let span = parse_duration(text).and_then(|span| SignedDuration::try_from(span).ok());
    span.filter(SignedDuration::is_positive).ok_or_else(|| "expected a duration: 90m, 2h, 7d, 1d12h".to_owned())
}

fn comment(text: &str) -> Result<String, String> {
    let comment = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_comment =
        (1..=COMMENT_CHARACTERS_MAX).contains(&comment.chars().count()) && !comment.contains(char::is_control);
    if is_comment {
        Ok(comment)
    } else {
        Err(format!("expected a comment of 1 to {COMMENT_CHARACTERS_MAX} characters"))
    }
}

fn expression(text: &str) -> Result<String, String> {
    let one = |fault: &Fault| match fault.accepted.as_str() {
        "" => fault.what.clone(),
        accepted => format!("{} (accepted: {accepted})", fault.what),
    };
    let in_words = |faults: Vec<Fault>| faults.iter().map(one).collect::<Vec<_>>().join("; ");
    Filter::new(text).map(|_| text.to_owned()).map_err(in_words)
}
