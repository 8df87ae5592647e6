//! `gainsay claims`: the claims of the window, the newest first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anstyle::Style;
use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::{ClaimsArgs, SpeechArgs};
use super::filter::{Needle, Period};
use super::table::{Cell, Column};
use super::words::{self, kind_style, minute, short};
use super::{Asked, Listed, Source, id, print_list, remote};
use crate::clock::{Clock as _, SystemClock};
use crate::model::{AlertClaim, AlertDocument, AlertedAs, ClaimId, ClaimRecord, Evidence, Kind, StoryId, ThreadId};
use crate::store::{StoreError, View};
use crate::terminal::DIM;

/// `gainsay claims`.
///
/// # Errors
/// If the database cannot be read, the daemon does not answer, or the output cannot be written.
pub fn claims(args: &ClaimsArgs) -> Result<ExitCode> {
    if let Some(remote) = remote(&args.at, &args.database)? {
        let asked = Asked::of(&args.speech, &args.filter).with("thread", &args.thread);
        asked.print::<ClaimLine>(&remote, "claims", args.format, args.filter.limit)?;
        return Ok(ExitCode::SUCCESS);
    }
    let view = Source::find(&args.database)?.open()?;
    let thread = args.thread.as_deref().map(|text| id::thread(&view, text)).transpose()?;
    let period = Period::new(args.filter.since, args.filter.until, SystemClock.now());
    let (speech, text) = (Speech::new(&args.speech), Needle::new(args.filter.text.as_deref()));
    let limit = args.filter.limit;
    let mut outlets = Outlets::new(&view);
    let mut found = Vec::new();
    let mut failed = None;
    view.claims(|record| {
        let is_wanted = period.holds(record.first_seen)
            && thread.is_none_or(|thread| record.threads.contains(&thread))
            && text.is_in(texts(&record));
        match is_wanted.then(|| outlets.of(&record)).transpose() {
            Ok(Some(outlets)) if speech.fits(&record, &outlets) => found.push(ClaimLine::new(record, outlets)),
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
        let is_done = failed.is_some() || limit > 0 && found.len() > limit;
        if is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    print_list(args.format, &found, limit)?;
    Ok(ExitCode::SUCCESS)
}

/// The texts of a claim in which one may be looked for.
pub(super) fn texts(record: &ClaimRecord) -> impl Iterator<Item = &str> {
    let report = &record.report;
    let target = report.claim.target.as_deref();
    [&report.evidence.sentence, &record.proposition.text, &report.document.headline]
        .into_iter()
        .map(String::as_str)
        .chain(target)
}

/// Who said it and what it was.
pub(crate) struct Speech {
    kinds: Vec<Kind>,
    speaker: Needle,
    outlet: Needle,
    /// Nothing of it is narrowed.
    pub(super) is_open: bool,
}

impl Speech {
    /// Nothing is narrowed.
    pub(super) fn open() -> Self {
        Self { kinds: Vec::new(), speaker: Needle::new(None), outlet: Needle::new(None), is_open: true }
    }

    pub(super) fn new(args: &SpeechArgs) -> Self {
        Self::of(args.kind.clone(), args.speaker.as_deref(), args.outlet.as_deref())
    }

    /// These kinds, or all where there is none; what the texts are part of.
    pub(crate) fn of(kinds: Vec<Kind>, speaker: Option<&str>, outlet: Option<&str>) -> Self {
        Self {
            is_open: kinds.is_empty() && speaker.is_none() && outlet.is_none(),
            kinds,
            speaker: Needle::new(speaker),
            outlet: Needle::new(outlet),
        }
    }

    /// Whether a claim that these outlets carry is looked for.
    pub(super) fn fits(&self, record: &ClaimRecord, outlets: &[String]) -> bool {
        let speaker = record.report.claim.speaker.as_ref();
        let names = speaker.into_iter().flat_map(|speaker| [Some(speaker.name.as_str()), speaker.role.as_deref()]);
        self.fits_words(record.kind, names.flatten(), outlets)
    }

    /// As [`Speech::fits`], by what an alert says.
    pub(super) fn fits_words<'a>(
        &self,
        kind: Kind,
        speaker: impl Iterator<Item = &'a str>,
        outlets: &'a [String],
    ) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.speaker.is_in(speaker)
            && self.outlet.is_in(outlets.iter().map(String::as_str))
    }

    /// Whether what is about a feed and no claim is looked for.
    pub(super) fn fits_feed(&self, outlets: &[String]) -> bool {
        self.kinds.is_empty() && self.speaker.is_in([]) && self.outlet.is_in(outlets.iter().map(String::as_str))
    }
}

/// Outlets of claims, each story read once.
pub(crate) struct Outlets<'a> {
    view: &'a View,
    stories: BTreeMap<StoryId, Vec<String>>,
}

impl<'a> Outlets<'a> {
    pub(crate) fn new(view: &'a View) -> Self {
        Self { view, stories: BTreeMap::new() }
    }

    /// The outlets that carry a claim: that of its report first, each once.
    pub(crate) fn of(&mut self, record: &ClaimRecord) -> Result<Vec<String>, StoreError> {
        let mut names = vec![record.report.document.outlet.clone()];
        for &story in &record.stories {
            if !self.stories.contains_key(&story) {
                let outlets = self.view.story(story)?.map(|story| story.outlets).unwrap_or_default();
                self.stories.insert(story, outlets);
            }
            let known = self.stories.get(&story).into_iter().flatten();
            let more: Vec<String> = known.filter(|name| !names.contains(name)).cloned().collect();
            names.extend(more);
        }
        Ok(names)
    }
}

/// A claim as `gainsay claims` prints it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ClaimLine {
    id: ClaimId,
    kind: Kind,
    #[schemars(with = "String")]
    first_seen: Timestamp,
    #[schemars(with = "String")]
    last_seen: Timestamp,
    thread: ThreadId,
    threads: BTreeSet<ThreadId>,
    stories: BTreeSet<StoryId>,
    outlets: Vec<String>,
    withdrawn: bool,
    /// A user has corrected it.
    corrected: bool,
    /// A user has said that it is none.
    no_claim: bool,
    /// What it says, in its own words; empty where it has none.
    proposition: String,
    /// Sinks that were alerted of it: about it, or as what rode in another claim's alert.
    alerted: BTreeMap<String, AlertedAs>,
    claim: AlertClaim,
    evidence: Evidence,
    document: AlertDocument,
}

impl ClaimLine {
    pub(crate) fn new(record: ClaimRecord, outlets: Vec<String>) -> Self {
        Self {
            no_claim: record.is_no_claim(),
            proposition: record.proposition.text.clone(),
            id: record.id,
            kind: record.kind,
            first_seen: record.first_seen,
            last_seen: record.last_seen,
            thread: record.thread,
            threads: record.threads,
            stories: record.stories,
            outlets,
            withdrawn: record.is_withdrawn,
            corrected: record.corrected.is_some(),
            alerted: record.alerted,
            claim: record.report.claim,
            evidence: record.report.evidence,
            document: record.report.document,
        }
    }
}

impl Listed for ClaimLine {
    const NAMES: (&'static str, &'static str) = ("claim", "claims");
    const COLUMNS: &'static [Column] = &[
        Column::whole("ID"),
        Column::whole("SEEN (UTC)").spare(),
        Column::whole("KIND"),
        Column::number("SURE").spare(),
        Column::text("SPEAKER", 10),
        Column::text("OUTLETS", 8).spare(),
        Column::text("CLAIM", 20),
    ];

    fn row(&self) -> Vec<Cell> {
        let style = if self.withdrawn || self.claim.background { DIM } else { Style::new() };
        let remark = match (self.withdrawn, self.claim.background) {
            (true, _) if self.no_claim => "no claim: ",
            (true, _) => "withdrawn: ",
            (_, true) => "retold: ",
            _ => "",
        };
        let speaker = self.claim.speaker.as_ref().map_or("", |speaker| speaker.name.as_str());
        let says = if self.proposition.is_empty() { &self.evidence.sentence } else { &self.proposition };
        let target = self.claim.target.as_ref().map(|target| format!(" (against {target})")).unwrap_or_default();
        vec![
            Cell::styled(&short(&self.id), DIM),
            Cell::new(&minute(self.first_seen)),
            Cell::styled(self.kind.as_str(), kind_style(self.kind)),
            Cell::new(&format!("{:.2}", self.claim.confidence)),
            Cell::new(speaker),
            Cell::new(&words::outlets(&self.outlets)),
            Cell::styled(&format!("{remark}{says}{target}"), style),
        ]
    }
}
