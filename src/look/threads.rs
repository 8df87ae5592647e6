//! `gainsay threads`: the threads of the window, that which something was last added to first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ThreadsArgs, ThreadsCommand, ThreadsListArgs};
use super::claims::{Outlets, Speech, texts};
use super::filter::{Needle, Period};
use super::table::{Cell, Column};
use super::words::{self, minute, short};
use super::{Asked, Listed, Source, print_list, remote, timeline};
use crate::clock::{Clock as _, SystemClock};
use crate::link::thread::alert_thread;
use crate::model::{ClaimId, ClaimRecord, StanceEntry, ThreadId, ThreadRecord, ThreadState};
use crate::store::View;
use crate::terminal::DIM;

/// Where a thread can stand.
pub(crate) const STATES: [&str; 6] = ["alleged", "answered", "contested", "confirmed", "withdrawn", "closed"];

/// `gainsay threads` and `gainsay threads show`.
///
/// # Errors
/// If the database cannot be read, the output not written, or there is no such thread.
pub fn threads(args: &ThreadsArgs) -> Result<ExitCode> {
    match &args.command {
        Some(ThreadsCommand::Show(args)) => timeline::show(args),
        None => list(&args.list),
    }
}

fn list(args: &ThreadsListArgs) -> Result<ExitCode> {
    if let Some(remote) = remote(&args.at, &args.database)? {
        let asked = Asked::of(&args.speech, &args.filter).with("state", &args.state);
        asked.print::<ThreadLine>(&remote, "threads", args.format, args.filter.limit)?;
        return Ok(ExitCode::SUCCESS);
    }
    let view = Source::find(&args.database)?.open()?;
    let period = Period::new(args.filter.since, args.filter.until, SystemClock.now());
    let (speech, text) = (Speech::new(&args.speech), Needle::new(args.filter.text.as_deref()));
    let known = digests(&view, &speech, &text)?;
    let mut found: Vec<ThreadLine> = view
        .threads()?
        .into_iter()
        .filter(|thread| args.state.is_empty() || args.state.iter().any(|state| state == words::state(thread.state)))
        .filter_map(|thread| ThreadLine::new(&thread, &known, &speech, &text))
        .filter(|line| period.holds(line.last_added))
        .collect();
    // Stable: of two that were added to at once, the younger comes first.
    found.reverse();
    found.sort_by_key(|line| std::cmp::Reverse(line.last_added));
    if args.filter.limit > 0 {
        found.truncate(args.filter.limit + 1);
    }
    print_list(args.format, &found, args.filter.limit)?;
    Ok(ExitCode::SUCCESS)
}

/// What a thread's line needs of a claim.
struct Digest {
    first_seen: Timestamp,
    outlets: Vec<String>,
    fits: bool,
    has_text: bool,
}

fn digests(view: &View, speech: &Speech, text: &Needle) -> Result<BTreeMap<ClaimId, Digest>> {
    let mut outlets = Outlets::new(view);
    let mut known = BTreeMap::new();
    let mut failed = None;
    view.claims(|record: ClaimRecord| match outlets.of(&record) {
        Ok(outlets) => {
            let (fits, has_text) = (speech.fits(&record, &outlets), text.is_in(texts(&record)));
            known.insert(record.id, Digest { first_seen: record.first_seen, outlets, fits, has_text });
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(known), |error| Err(error.into()))
}

/// A thread as `gainsay threads` prints it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ThreadLine {
    id: ThreadId,
    state: ThreadState,
    sequence: u64,
    proposition: String,
    stances: Vec<StanceEntry>,
    contradiction: bool,
    followed: bool,
    muted: bool,
    claims: Vec<ClaimId>,
    outlets: Vec<String>,
    /// When its newest claim was first seen.
    #[schemars(with = "String")]
    last_added: Timestamp,
    /// When one of its claims was last seen.
    #[schemars(with = "String")]
    last_seen: Timestamp,
}

impl ThreadLine {
    /// The line of a thread, whatever its claims say.
    pub(crate) fn of(
        view: &View,
        thread: &ThreadRecord,
        outlets: &mut Outlets<'_>,
    ) -> Result<Option<Self>, crate::store::StoreError> {
        let mut known = BTreeMap::new();
        for &id in &thread.claims {
            let Some(record) = view.claim(id)? else { continue };
            let outlets = outlets.of(&record)?;
            known.insert(id, Digest { first_seen: record.first_seen, outlets, fits: true, has_text: true });
        }
        Ok(Self::new(thread, &known, &Speech::open(), &Needle::new(None)))
    }

    /// The line, if one claim of the thread fits what is looked for.
    fn new(thread: &ThreadRecord, known: &BTreeMap<ClaimId, Digest>, speech: &Speech, text: &Needle) -> Option<Self> {
        let claims: Vec<&Digest> = thread.claims.iter().filter_map(|claim| known.get(claim)).collect();
        let in_matter = text.is_in([thread.proposition.as_str()]);
        let is_wanted = claims.iter().any(|claim| claim.fits && (claim.has_text || in_matter));
        let is_bare = claims.is_empty() && speech.is_open && in_matter;
        if !is_wanted && !is_bare {
            return None;
        }
        let mut outlets: Vec<String> = Vec::new();
        for name in claims.iter().flat_map(|claim| &claim.outlets) {
            if !outlets.contains(name) {
                outlets.push(name.clone());
            }
        }
        let shown = alert_thread(thread);
        Some(Self {
            id: thread.id,
            state: thread.state,
            sequence: thread.sequence,
            proposition: shown.proposition,
            stances: shown.stances,
            contradiction: shown.contradiction,
            followed: thread.is_followed,
            muted: thread.is_muted,
            claims: thread.claims.iter().copied().collect(),
            outlets,
            last_added: claims.iter().map(|claim| claim.first_seen).max().unwrap_or(thread.last_seen),
            last_seen: thread.last_seen,
        })
    }
}

/// Colour of a state.
pub(crate) fn state_style(state: ThreadState) -> Style {
    let colour = match state {
        ThreadState::Alleged => AnsiColor::Yellow,
        ThreadState::Answered | ThreadState::Contested => AnsiColor::Red,
        ThreadState::Confirmed => AnsiColor::Green,
        ThreadState::Withdrawn | ThreadState::Closed => return DIM,
    };
    colour.on_default()
}

impl Listed for ThreadLine {
    const NAMES: (&'static str, &'static str) = ("thread", "threads");
    const COLUMNS: &'static [Column] = &[
        Column::whole("ID"),
        Column::whole("LAST ADDED (UTC)").spare(),
        Column::whole("STATE"),
        Column::number("CLAIMS").spare(),
        Column::text("OUTLETS", 8).spare(),
        Column::text("STANCES", 12),
        Column::text("MATTER", 20),
    ];

    fn row(&self) -> Vec<Cell> {
        let stances: Vec<String> =
            self.stances.iter().map(|entry| format!("{} {}", entry.respondent, words::stance(entry.stance))).collect();
        let disagree = if self.contradiction { "outlets disagree; " } else { "" };
        vec![
            Cell::styled(&short(&self.id), DIM),
            Cell::new(&minute(self.last_added)),
            Cell::styled(words::state(self.state), state_style(self.state)),
            Cell::new(&self.claims.len().to_string()),
            Cell::new(&words::outlets(&self.outlets)),
            Cell::new(&format!("{disagree}{}", stances.join("; "))),
            Cell::new(&self.proposition),
        ]
    }
}
