//! Replays: the whole pipeline over archives, in file order, on a clock of the documents' dates, and what users said at
//! its times. Archives, rules and a log of feedback in, what each batch gave out; called by `replay` and by `rules test`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::app::windows;
use crate::archive::{Archive, ReplayClock};
use crate::clock::{Clock as _, SystemClock};
use crate::commands::complain;
use crate::config::Config;
use crate::desk::{Desk, Outcome, SinkSettings, Work};
use crate::model::{Document, Feedback, MarkupFormat};
use crate::pipeline::{Models, WindowCounts};
use crate::progress::Progress;
use crate::route::Router;
use crate::route::hold::day;
use crate::rule::Limits;
use crate::sink::BodyFormat;
use crate::store::EmbeddedStore;

/// Documents of an archive that are analysed in parallel and committed together.
const BATCH: usize = 256;
/// Bytes of a log of feedback: a quarter of a million entries.
const FEEDBACK_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What is replayed, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// JSON Lines, in order of time.
    pub(crate) archives: &'a [PathBuf],
    /// What users said, as `feedback list --json` prints it; nothing without.
    pub(crate) feedback: Option<&'a Path>,
    /// Threads that analyse; one per core without.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Where the database is kept; a temporary one without.
    pub(crate) database: Option<&'a Path>,
}

/// What there was in the archives, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Documents by the day (UTC) of their date.
    pub(crate) days: BTreeMap<Date, u64>,
    documents: usize,
    alerts: usize,
    quarantined: usize,
    /// Lines that are no documents.
    pub(crate) bad: usize,
    clamped: u64,
    /// Windows of documents that the judge decided on.
    windows: WindowCounts,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { documents, alerts, quarantined, bad, clamped, windows: WindowCounts { network, cache }, .. } = self;
        let judged = network + cache;
        write!(
            f,
            "{documents} documents, {alerts} alerts, {quarantined} set aside, {bad} bad lines, {clamped} dates in the future, {judged} windows judged, \
             {cache} of them from the cache"
        )
    }
}

/// Replays archives on a desk of its own: with the windows and the own words of `config`, these rules, and sinks of these names, to
/// which nothing is sent. `each` sees what came of every batch.
pub(crate) fn replay(
    source: &Source<'_>,
    config: &Config,
    router: Router,
    sinks: &[&str],
    each: impl FnMut(&Outcome) -> Result<()>,
) -> Result<Ending> {
    let read = Arc::default();
    let archives: Vec<Archive> =
        source.archives.iter().map(|path| Archive::open_counted(path, &read)).collect::<Result<_, _>>()?;
    let total = source.archives.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let database = source.database.map_or_else(|| folder.path().join("replay.db"), Path::to_owned);
    anyhow::ensure!(!database.exists(), "{} exists already: a replay starts from nothing", database.display());
    let store = EmbeddedStore::open(&database).with_context(|| format!("cannot open {}", database.display()))?;
    let mut said = source.feedback.map(read_feedback).transpose()?.unwrap_or_default();
    let mut desk = desk(store, config, router, sinks)?;
    if let Some(threads) = source.threads {
        desk = desk.with_threads(threads);
    }
    let mut run = Run { desk, each, ending: Ending::default(), progress: Progress::new(total, read) };
    let mut clock = ReplayClock::new(SystemClock.now());
    let mut batch = Vec::new();
    for line in archives.into_iter().flatten() {
        match line {
            Ok(line) => {
                let first_seen = clock.first_seen(&line);
                while let Some(feedback) = said.pop_front_if(|said| said.time < first_seen) {
                    run.process(std::mem::take(&mut batch))?;
                    run.heed(feedback)?;
                }
                batch.push(line.document(MarkupFormat::Text, first_seen));
            }
            Err(error) => {
                run.ending.bad += 1;
                run.progress.beside(|| complain(&error));
            }
        }
        if batch.len() == BATCH {
            run.process(std::mem::take(&mut batch))?;
        }
    }
    run.process(batch)?;
    said.into_iter().try_for_each(|feedback| run.heed(feedback))?;
    run.progress.end();
    Ok(Ending { clamped: clock.clamped(), ..run.ending })
}

/// What users said, as `feedback list --json` prints it; each entry once.
fn read_feedback(path: &Path) -> Result<VecDeque<Feedback>> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut text = String::new();
    file.take(FEEDBACK_BYTES_MAX + 1).read_to_string(&mut text).with_context(|| format!("cannot read {shown}"))?;
    anyhow::ensure!(text.len() as u64 <= FEEDBACK_BYTES_MAX, "{shown}: larger than {} MiB", FEEDBACK_BYTES_MAX >> 20);
    let (mut found, mut known) = (VecDeque::new(), BTreeSet::new());
    // A log of which some is left out would give other alerts than it gave.
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let feedback: Feedback =
            serde_json::from_str(line).with_context(|| format!("{shown}:{number}: not an entry of a feedback log"))?;
        if known.insert(feedback.id) {
            found.push_back(feedback);
        }
    }
    Ok(found)
}

fn desk(store: EmbeddedStore, config: &Config, router: Router, sinks: &[&str]) -> Result<Desk> {
    let models = Models::embedded().context("the built-in models cannot be read")?.with_words(&config.extract);
    let settings = |name: &&str| SinkSettings {
        name: (*name).to_owned(),
        format: BodyFormat::JsonLines,
        form: None,
        links: None,
        limits: Limits::none(),
    };
    let sinks = sinks.iter().map(settings).collect();
    Ok(Desk::open(Arc::new(store), Arc::new(models), router, sinks, windows(&config.windows))?)
}

struct Run<F> {
    desk: Desk,
    each: F,
    ending: Ending,
    progress: Progress,
}

impl<F: FnMut(&Outcome) -> Result<()>> Run<F> {
    fn process(&mut self, documents: Vec<Document>) -> Result<()> {
        let times: Vec<Timestamp> = documents.iter().map(|document| document.first_seen).collect();
        let Some(&now) = times.last() else { return Ok(()) };
        for time in &times {
            *self.ending.days.entry(day(*time)).or_default() += 1;
        }
        self.ending.documents += times.len();
        self.take(Work { documents, ..Work::default() }, now)
    }

    /// Lets the desk take in what a user said.
    fn heed(&mut self, feedback: Feedback) -> Result<()> {
        let now = feedback.time;
        self.take(Work { feedback: vec![feedback], ..Work::default() }, now)
    }

    fn take(&mut self, work: Work, now: Timestamp) -> Result<()> {
        let outcome = self.desk.process(vec![work], now)?;
        self.ending.quarantined += outcome.quarantined;
        self.ending.alerts += outcome.routed.len();
        self.ending.windows += outcome.tally.windows;
        let each = &mut self.each;
        self.progress.beside(|| each(&outcome))?;
        self.progress.show(self.ending.documents, self.ending.alerts);
        Ok(())
    }
}
