//! `gainsay feedback`: what a user says goes into the log of the database, where the daemon finds it; the log and the corrected
//! claims come out.
//!
//! The commands write one row of the log and nothing else: all that follows is the desk's, which alone knows rules and sinks. Whether
//! something can be done is judged on the desk's state with all that waits taken in, by the same code that will do it.

pub(super) mod args;
mod export;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jiff::SignedDuration;
use serde::Serialize;

use super::table::{Cell, Column};
use super::words::{minute, short};
use super::{Listed, Source, id, is_json, print_json, print_list, print_text};
use crate::clock::{Clock as _, SystemClock};
use crate::model::{ClaimId, Feedback, FeedbackAct, FeedbackLine, FeedbackState, Kind, Silence, ThreadId};
use crate::pipeline::{Input, State, Windows, step};
use crate::store::{Named, View, bring_up, log_feedback};
use crate::terminal::{DIM, tell, visible};
use args::{FeedbackCommand, MuteArgs, PairArgs, SayArgs, SayCommand, ThreadArgs};

/// `gainsay feedback`.
///
/// # Errors
/// If the database cannot be read or written, the output not written, or what is said cannot be done.
pub fn feedback(command: &FeedbackCommand) -> Result<ExitCode> {
    match command {
        FeedbackCommand::List(args) => {
            let log = Source::find(&args.database)?.open()?.feedback()?;
            let lines: Vec<SaidLine> = log.into_iter().map(SaidLine).collect();
            print_list(args.format, &lines, 0)?;
        }
        FeedbackCommand::Export(args) => {
            let view = Source::find(&args.database)?.open()?;
            let found = export::articles(&view)?;
            print_json(&found.articles)?;
            for claim in &found.left_out {
                tell(format_args!("claim {claim} is left out: its words are not in what is kept of its document\n"));
            }
        }
        FeedbackCommand::Say(command) => {
            let (args, act) = command.act();
            log(args, act)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Logs what the user says, if it can be done.
pub(super) fn log(args: &SayArgs, act: Act<'_>) -> Result<()> {
    let source = Source::find(&args.database)?;
    bring_up(&source.database).context("cannot log feedback")?;
    let view = source.open()?;
    let known = Known { view: &view, state: projected(&view)? };
    let act = act(&known)?;
    if let Some(refusal) = known.state.refusal(&act) {
        return Err(refusal.into());
    }
    let by = args.by.as_deref().map(str::trim).filter(|by| !by.is_empty()).map(str::to_owned);
    let feedback = Feedback::new(SystemClock.now(), by, act);
    drop(known);
    drop(view);
    log_feedback(&source.database, &feedback).context("cannot log feedback")?;
    let line = FeedbackLine { feedback, state: FeedbackState::Pending };
    if is_json(args.format) {
        print_json(&[SaidLine(line)])?;
    } else {
        print_text(&format!("{}\n", visible(&in_words(&line.feedback.act))))?;
    }
    let database = source.database.display();
    match crate::running::is_running(&source.database) {
        Some(true) => tell(format_args!("logged; the running gainsay applies it within seconds\n")),
        Some(false) => tell(format_args!("logged; no gainsay runs on {database}, the next start applies it\n")),
        None => tell(format_args!("logged; a gainsay that runs on {database} applies it, or the next start\n")),
    }
    Ok(())
}

/// What ids are looked up in.
pub(super) struct Known<'a> {
    view: &'a View,
    pub(super) state: State,
}

impl Known<'_> {
    /// The thread whose id begins with `text`; also one that a split which still waits will make.
    pub(super) fn thread(&self, text: &str) -> Result<ThreadId> {
        let found: Vec<ThreadId> = self.state.threads().map(|thread| thread.id).filter(|id| begins(id, text)).collect();
        if let [only] = found[..] { Ok(only) } else { id::thread(self.view, text) }
    }

    fn claim(&self, text: &str) -> Result<ClaimId> {
        match id::find(self.view, text, "claim", |named| matches!(named, Named::Claim(_)))? {
            Named::Claim(id) => Ok(id),
            other => anyhow::bail!("{other:?} is no claim"),
        }
    }
}

fn begins(id: &ThreadId, text: &str) -> bool {
    let prefix = text.trim().to_ascii_lowercase();
    prefix.len() >= id::DIGITS.0 && id.to_string().starts_with(&prefix)
}

/// The desk's state with what waits in the log taken in, as the next start would.
fn projected(view: &View) -> Result<State> {
    // Nothing is to be forgotten here.
    let forever = SignedDuration::MAX;
    let windows = Windows { stories: forever, claims: forever, threads: forever };
    let mut state = State::restore(windows, view.records()?);
    for FeedbackLine { feedback, state: progress } in view.feedback()? {
        if progress == FeedbackState::Pending {
            let now = feedback.time;
            // What follows is the desk's to store.
            step(&mut state, Input::Feedback(Box::new(feedback)), now);
        }
    }
    Ok(state)
}

/// What is said, in a sentence.
pub(super) fn in_words(act: &FeedbackAct) -> String {
    match act {
        FeedbackAct::Follow { thread } => format!("follow thread {}", short(thread)),
        FeedbackAct::Unfollow { thread } => format!("follow thread {} no longer", short(thread)),
        FeedbackAct::Mute { thread } => format!("mute thread {}", short(thread)),
        FeedbackAct::Unmute { thread } => format!("mute thread {} no longer", short(thread)),
        FeedbackAct::MuteSpeaker { speaker } => format!("mute {speaker}"),
        FeedbackAct::UnmuteSpeaker { speaker } => format!("mute {speaker} no longer"),
        FeedbackAct::WrongKind { claim, kind: None } => format!("{} is no claim", short(claim)),
        FeedbackAct::WrongKind { claim, kind: Some(kind) } => {
            let article = if *kind == Kind::Allegation { "an" } else { "a" };
            format!("{} is {article} {}", short(claim), kind.as_str().replace('_', " "))
        }
        FeedbackAct::WrongSpeaker { claim, speaker: None } => format!("{} names no speaker", short(claim)),
        FeedbackAct::WrongSpeaker { claim, speaker: Some(name) } => format!("{} is said by {name}", short(claim)),
        FeedbackAct::WrongLink { claim, allegation } => {
            format!("{} does not answer {}", short(claim), short(allegation))
        }
        FeedbackAct::RightLink { claim, allegation } => format!("{} answers {}", short(claim), short(allegation)),
        FeedbackAct::Merge { thread, into } => format!("threads {} and {} are one", short(thread), short(into)),
        FeedbackAct::Split { thread, claims } => {
            let claims: Vec<String> = claims.iter().map(short).collect();
            format!("of thread {} a matter of their own: {}", short(thread), claims.join(", "))
        }
        FeedbackAct::Silence(silence) => {
            format!("silence {} until {}: {}", silenced(silence), super::words::second(silence.until), silence.comment)
        }
        FeedbackAct::EndSilence { silence } => format!("end silence {}", short(silence)),
    }
}

/// What a silence keeps back, in words.
pub(super) fn silenced(silence: &Silence) -> String {
    let Silence { speaker, outlet, thread, feed, kind, sink, when, .. } = silence;
    let what = kind.map_or_else(|| "alerts".to_owned(), |kind| format!("alerts of kind {}", kind.as_str()));
    let parts = [
        speaker.as_ref().map(|speaker| format!("by {speaker}")),
        outlet.as_ref().map(|outlet| format!("from {outlet}")),
        feed.as_ref().map(|feed| format!("of feed {feed}")),
        thread.as_ref().map(|thread| format!("of thread {}", short(thread))),
        sink.as_ref().map(|sink| format!("for {sink}")),
        when.as_ref().map(|when| format!("when {when}")),
    ];
    std::iter::once(what).chain(parts.into_iter().flatten()).collect::<Vec<_>>().join(" ")
}

/// An entry with its moment, who said it and whether it counts yet: what `explain` shows.
pub(super) fn told(line: &FeedbackLine) -> String {
    let by = line.feedback.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let waits = if line.state == FeedbackState::Pending { "; waits for the daemon" } else { "" };
    format!("{}: {}{by}{waits}", super::words::second(line.feedback.time), in_words(&line.feedback.act))
}

/// An entry of the log as `gainsay feedback list` prints it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct SaidLine(FeedbackLine);

impl Listed for SaidLine {
    const NAMES: (&'static str, &'static str) = ("entry", "entries");
    const COLUMNS: &'static [Column] = &[
        Column::whole("ID"),
        Column::whole("TIME (UTC)"),
        Column::whole("STATE"),
        Column::text("BY", 8).spare(),
        Column::text("SAYS", 20),
    ];

    fn row(&self) -> Vec<Cell> {
        let FeedbackLine { feedback, state } = &self.0;
        let state = match state {
            FeedbackState::Pending => "pending",
            FeedbackState::Applied => "applied",
        };
        vec![
            Cell::styled(&short(&feedback.id), DIM),
            Cell::new(&minute(feedback.time)),
            Cell::new(state),
            Cell::new(feedback.by.as_deref().unwrap_or_default()),
            Cell::new(&in_words(&feedback.act)),
        ]
    }
}

/// What makes an act of arguments, once ids can be looked up.
pub(super) type Act<'a> = Box<dyn FnOnce(&Known<'_>) -> Result<FeedbackAct> + 'a>;

impl SayCommand {
    /// Where to log what is said, and what that is.
    fn act(&self) -> (&SayArgs, Act<'_>) {
        match self {
            Self::Follow(args) => (&args.say, args.on_thread(|thread| FeedbackAct::Follow { thread })),
            Self::Unfollow(args) => (&args.say, args.on_thread(|thread| FeedbackAct::Unfollow { thread })),
            Self::Mute(args) => (
                &args.say,
                args.act(|thread| FeedbackAct::Mute { thread }, |speaker| FeedbackAct::MuteSpeaker { speaker }),
            ),
            Self::Unmute(args) => (
                &args.say,
                args.act(|thread| FeedbackAct::Unmute { thread }, |speaker| FeedbackAct::UnmuteSpeaker { speaker }),
            ),
            Self::Kind(args) => {
                let kind = args.kind.0;
                (
                    &args.say,
                    Box::new(move |known| Ok(FeedbackAct::WrongKind { claim: known.claim(&args.claim)?, kind })),
                )
            }
            Self::Speaker(args) => {
                let speaker = args.name.0.clone();
                let act = move |known: &Known<'_>| {
                    Ok(FeedbackAct::WrongSpeaker { claim: known.claim(&args.claim)?, speaker })
                };
                (&args.say, Box::new(act))
            }
            Self::Unlink(args) => {
                (&args.say, args.on_pair(|claim, allegation| FeedbackAct::WrongLink { claim, allegation }))
            }
            Self::Link(args) => {
                (&args.say, args.on_pair(|claim, allegation| FeedbackAct::RightLink { claim, allegation }))
            }
            Self::Merge(args) => {
                let act = |known: &Known<'_>| {
                    Ok(FeedbackAct::Merge { thread: known.thread(&args.thread)?, into: known.thread(&args.into)? })
                };
                (&args.say, Box::new(act))
            }
            Self::Split(args) => {
                let act = |known: &Known<'_>| {
                    let claims = args.claims.iter().map(|claim| known.claim(claim)).collect::<Result<_>>()?;
                    Ok(FeedbackAct::Split { thread: known.thread(&args.thread)?, claims })
                };
                (&args.say, Box::new(act))
            }
        }
    }
}

impl ThreadArgs {
    fn on_thread(&self, act: fn(ThreadId) -> FeedbackAct) -> Act<'_> {
        Box::new(move |known| Ok(act(known.thread(&self.thread)?)))
    }
}

impl MuteArgs {
    fn act(&self, on_thread: fn(ThreadId) -> FeedbackAct, on_speaker: fn(String) -> FeedbackAct) -> Act<'_> {
        Box::new(move |known| match (&self.thread, &self.speaker) {
            (_, Some(speaker)) => Ok(on_speaker(speaker.clone())),
            (thread, None) => Ok(on_thread(known.thread(thread.as_deref().unwrap_or_default())?)),
        })
    }
}

impl PairArgs {
    fn on_pair(&self, act: fn(ClaimId, ClaimId) -> FeedbackAct) -> Act<'_> {
        Box::new(move |known| Ok(act(known.claim(&self.claim)?, known.claim(&self.allegation)?)))
    }
}
