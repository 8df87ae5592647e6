//! The desk: the one owner of the state. Documents in, one transaction out, alerts returned once they are durable.
//!
//! Called by the daemon, by `replay` and by `demo` alike, from a blocking thread.

mod admission;
mod backlog;
mod tally;

pub use admission::{ByReason, HELD_REASONS, SILENCED_REASONS};
pub use backlog::{BACKLOG_MAX, READ_AT_ONCE_MAX};
pub use tally::Tally;

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use admission::Admitted;
use backlog::{Backlog, Batch};

use crate::dedup::story::Stories;
use crate::failpoint::{Point, reach};
use crate::model::{
    Alert, Analysis, BudgetRecord, ClaimId, ClaimRecord, Document, DocumentId, DocumentRecord, Dropped, Event,
    FeedCursor, FeedHealth, FeedId, FeedRecord, Feedback, FeedbackId, GroupRecord, Issue, Knowledge, Moved,
    MutedSpeaker, OutboxRow, Records, Rendering, SilenceRecord, SinkHealth, StoryId, StoryRecord, ThreadId,
    ThreadRecord, Version, shown_text,
};
use crate::parallel;
use crate::pipeline::{Change, Input, Models, Scope, State, WITHHELD, Windows, analyse, quarantine, step};
use crate::route::{Routed, Router, Silencer};
use crate::rule::Limits;
use crate::sink::{BodyFormat, body};
use crate::store::{Commit, Forgotten, NewAlert, Store, StoreError};
use crate::template::{Form, Links, Sent, TemplateError};
use crate::text::clean::TEXT_BYTES_MAX;
use crate::text::embargo::{Embargo, embargo};

/// Lead of the desk over the clock that is worth a warning.
const CLOCK_WARNING_MIN: SignedDuration = SignedDuration::from_mins(1);

/// One delivery of work: what one poll brought, or a slice of an archive. Committed as a whole.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// Where the feed stands after it.
    pub cursor: Option<FeedCursor>,
    /// The feed's health.
    pub health: Option<FeedHealth>,
    /// How endpoints of sinks do.
    pub sinks: Vec<SinkHealth>,
    /// What users said, in order; it counts before the documents.
    pub feedback: Vec<Feedback>,
    /// Documents in order of arrival; each one's `first_seen` is the step's `now`.
    pub documents: Vec<Document>,
    /// Documents that may not be used until a later version says otherwise, with the version that says so.
    pub withheld: Vec<(DocumentId, Version)>,
}

/// What came of a batch of work.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Alerts with their sinks, in order; durable by now.
    pub routed: Vec<Routed>,
    /// Documents whose text was new or changed.
    pub analysed: usize,
    /// Documents that were known.
    pub known: usize,
    /// Documents that could not be analysed and were set aside.
    pub quarantined: usize,
    /// Where everything in the batch went.
    pub tally: Tally,
}

impl Outcome {
    /// The alerts, in order.
    pub fn alerts(&self) -> impl ExactSizeIterator<Item = &Alert> {
        self.routed.iter().map(|routed| &routed.alert)
    }
}

/// What the desk knows of a sink.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    /// Its name.
    pub name: String,
    /// How it wants its bytes.
    pub format: BodyFormat,
    /// What makes other bytes of it.
    pub form: Option<Form>,
    /// What makes the links in them.
    pub links: Option<Arc<Links>>,
    /// How much it takes, and when.
    pub limits: Limits,
}

/// Owner of the state.
pub struct Desk {
    /// Absent after anything that failed half-way, until it is rebuilt from the store.
    state: Option<State>,
    windows: Windows,
    models: Arc<Models>,
    router: Router,
    silencer: Silencer,
    sinks: Vec<SinkSettings>,
    store: Arc<dyn Store>,
    /// Documents that are analysed at once.
    threads: NonZeroUsize,
    backlog: Backlog,
}

impl Desk {
    /// Rebuilds the desk from its store.
    ///
    /// # Errors
    /// What the store says.
    pub fn open(
        store: Arc<dyn Store>,
        models: Arc<Models>,
        router: Router,
        sinks: Vec<SinkSettings>,
        windows: Windows,
    ) -> Result<Self, StoreError> {
        let state = Some(rebuilt(windows, store.load()?));
        let backlog = Backlog::new(store.backlog_marks()?);
        let (silencer, threads) = (Silencer::default(), parallel::cores());
        Ok(Self { state, windows, models, router, silencer, sinks, store, threads, backlog })
    }

    /// The desk with so many documents analysed at once, where it is one a core otherwise. What comes of them is the same.
    #[must_use]
    pub fn with_threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// Goes on with other rules, sinks and windows. Another window lets the state be rebuilt from the store before the next batch.
    pub fn reconfigure(&mut self, router: Router, sinks: Vec<SinkSettings>, windows: Windows) {
        if windows != self.windows {
            self.state = None;
        }
        (self.router, self.sinks, self.windows) = (router, sinks, windows);
    }

    /// How each of these documents of a feed's poll is known, which have the text of its entries: under which id, and whether as the feed
    /// carries it or with its page.
    ///
    /// # Errors
    /// What the store says.
    pub fn knowledge(&mut self, mut documents: Vec<Document>) -> Result<Vec<(DocumentId, Knowledge)>, StoreError> {
        let state = self.take_state()?;
        state.recognise(&mut documents);
        let knowledge = |document: &Document| {
            let (id, entry) = (document.id, document.content_hash);
            (id, self.backlog.knowledge(id, entry).unwrap_or_else(|| state.knowledge(id, entry)))
        };
        let known = documents.iter().map(knowledge).collect();
        self.state = Some(state);
        Ok(known)
    }

    /// Analyses, steps, routes and commits a batch. After an error nothing of the batch has happened: the state is rebuilt
    /// from the store before the next one, cursors have not moved, and the feeds bring the documents again.
    ///
    /// # Errors
    /// What the store says.
    pub fn process(&mut self, mut batch: Vec<Work>, now: Timestamp) -> Result<Outcome, StoreError> {
        let state = self.take_state()?;
        recognise(&state, &mut batch);
        self.state = Some(state);
        self.run(Batch { work: batch, ..Batch::default() }, now)
    }

    /// As [`process`](Self::process), but where more documents are new than are read at once, or others wait, they are made durable
    /// unread, at the end of the backlog: no feed has to wait until what others brought is read.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub fn take(&mut self, mut batch: Vec<Work>, now: Timestamp) -> Result<Outcome, StoreError> {
        let state = self.take_state()?;
        recognise(&state, &mut batch);
        let batch = self.backlog.put_off(batch, |document| !state.knows(document));
        self.state = Some(state);
        self.run(batch, now)
    }

    /// Documents that came and are yet to be read.
    pub fn backlog(&self) -> usize {
        self.backlog.len()
    }

    /// Reads the first documents of the backlog, as [`process`](Self::process) does. After an error they stand there still.
    ///
    /// # Errors
    /// What the store says.
    pub fn catch_up(&mut self, now: Timestamp) -> Result<Outcome, StoreError> {
        let first = self.store.backlog(READ_AT_ONCE_MAX)?;
        if first.is_empty() {
            // Somebody has tidied the table up.
            self.backlog = Backlog::new(self.store.backlog_marks()?);
            return Ok(Outcome::default());
        }
        let caught_up = first.last().map(|&(position, _)| position);
        let documents = first.into_iter().map(|(_, document)| document).collect();
        let work = vec![Work { documents, ..Work::default() }];
        reach(Point::Backlog);
        self.run(Batch { work, caught_up, ..Batch::default() }, now)
    }

    fn run(&mut self, batch: Batch, now: Timestamp) -> Result<Outcome, StoreError> {
        let change = Backlog::change(&batch);
        let Batch { work: batch, put_off, withheld, waiting, caught_up } = batch;
        let mut outcome = Outcome { known: waiting, ..Outcome::default() };
        let mut cursors = Vec::new();
        let state = self.take_state()?;
        let clock_lead = clock_lead(&state, now);
        warn_of_clock(clock_lead);
        let documents = (batch.iter().map(|work| work.documents.len()).sum::<usize>() + waiting) as u64;
        // Marked as taken in whatever comes of it: what panics would do so for ever.
        let feedback: Vec<Feedback> = batch.iter().flat_map(|work| &work.feedback).cloned().collect();
        let judged_before = self.models.window_counts();
        let (inputs, analysis_times) =
            self.inputs((&state, caught_up.is_some()), batch, now, &mut cursors, &mut outcome);
        let Stepped { state, inputs, written, admitted, mut tally } = self.step_all(state, inputs, now, step)?;
        let Admitted { routed, silenced, made } = admitted;
        tally.known += outcome.known as u64;
        let analyses: Vec<Analysis> = inputs.into_iter().filter_map(|(input, _)| analysis(input)).collect();
        outcome.analysed = analyses.len();
        outcome.quarantined = analyses.iter().filter(|analysis| analysis.is_quarantined()).count();
        let (position, next_sequence) = state.position();
        let outbox = self.outbox(&routed);
        tally.offered(&outbox);
        let commit = Commit {
            cursors,
            put_off,
            withheld,
            caught_up,
            analyses,
            feedback,
            alerts: made,
            outbox,
            silenced: self.silenced_rows(&silenced),
            ..written.commit(position.unwrap_or(now), next_sequence)
        };
        let started = Instant::now();
        tally.put_in = self.store.commit(commit)?;
        tally.commit_time = started.elapsed();
        let records = state.counts();
        self.state = Some(state);
        self.backlog.follow(change);
        let windows = self.models.window_counts().since(judged_before);
        let backlog = self.backlog.len();
        outcome.tally = Tally { documents, backlog, records, clock_lead, windows, analysis_times, ..tally };
        outcome.routed = routed;
        Ok(outcome)
    }

    /// The state, to be put back only when what was done with it is durable. Whatever goes wrong in between leaves none
    /// behind, so that no later batch builds on what the store does not know.
    fn take_state(&mut self) -> Result<State, StoreError> {
        match self.state.take() {
            Some(state) => Ok(state),
            None => Ok(rebuilt(self.windows, self.store.load()?)),
        }
    }

    /// Steps through the inputs. One that panics leaves the state in doubt: it is set aside, the state is rebuilt, and the
    /// batch is begun again.
    fn step_all(
        &mut self,
        mut state: State,
        mut inputs: Vec<(Input, Timestamp)>,
        now: Timestamp,
        step: impl Fn(&mut State, Input, Timestamp) -> Vec<Change>,
    ) -> Result<Stepped, StoreError> {
        let mut left_out = 0;
        loop {
            let mut written = Written::default();
            let mut admitted = Admitted::default();
            let mut tally = Tally { left_out, ..Tally::default() };
            self.close(&mut state, &mut written, now, (&mut admitted, &mut tally));
            let mut panicked = None;
            for (position, (input, time)) in inputs.iter().enumerate() {
                tell_refusal(&state, input);
                match catch_unwind(AssertUnwindSafe(|| step(&mut state, input.clone(), *time))) {
                    Ok(changes) => {
                        if let Input::Analysed(analysis) = input {
                            tally.stepped(analysis, &changes);
                        }
                        let events: Vec<Event> =
                            changes.into_iter().filter_map(|change| written.file(change)).collect();
                        let feed = feed_of(input);
                        self.admit_events(&mut state, &mut written, (events, feed), now, (&mut admitted, &mut tally))?;
                    }
                    Err(panic) => {
                        panicked = Some((position, reason(panic.as_ref())));
                        break;
                    }
                }
            }
            let Some((position, reason)) = panicked else {
                return Ok(Stepped { state, inputs, written, admitted, tally });
            };
            left_out += u64::from(!set_aside(&mut inputs, position, reason));
            state = self.take_state()?;
        }
    }

    /// Turns work into inputs: known documents are only seen again, the others are analysed in parallel. Says how long each
    /// of these took.
    fn inputs(
        &self,
        (state, is_backlog): (&State, bool),
        batch: Vec<Work>,
        now: Timestamp,
        cursors: &mut Vec<FeedCursor>,
        outcome: &mut Outcome,
    ) -> (Vec<(Input, Timestamp)>, Vec<Duration>) {
        let mut slots = Vec::new();
        // What has waited must not turn the desk's clock back to when it came.
        let earliest = state.position().0.filter(|_| is_backlog).unwrap_or(Timestamp::MIN);
        for work in batch {
            cursors.extend(work.cursor);
            let feedback = work.feedback.into_iter().map(Box::new).map(Input::Feedback);
            slots.extend(feedback.map(|feedback| Slot::Ready(feedback, now)));
            for document in work.documents {
                let time = document.first_seen.max(earliest);
                if state.knows(&document) {
                    outcome.known += 1;
                    let moved = state.moved_release(&document);
                    let released = moved.map(|until| Input::Released(document.id, document.version, until));
                    slots.extend(released.map(|released| Slot::Ready(released, time)));
                    slots.push(Slot::Ready(Input::SeenAgain(document.id, document.trace), time));
                } else {
                    slots.push(Slot::Unread(Box::new(document), time));
                }
            }
            let withheld = work.withheld.into_iter().map(|(id, version)| Input::Released(id, version, Some(WITHHELD)));
            slots.extend(withheld.map(|withheld| Slot::Ready(withheld, now)));
            slots.extend(work.health.map(|health| Slot::Ready(Input::FeedHealth(health), now)));
            let sinks = work.sinks.into_iter().filter(|health| self.settings(&health.sink).is_some());
            slots.extend(sinks.map(|health| Slot::Ready(Input::SinkHealth(health), now)));
        }
        let inputs = parallel::in_order(self.threads, slots, |slot| match slot {
            Slot::Ready(input, time) => ((input, time), None),
            Slot::Unread(document, time) => {
                let started = Instant::now();
                let analysis = Box::new(self.analyse(*document));
                ((Input::Analysed(analysis), time), Some(started.elapsed()))
            }
        });
        let times = inputs.iter().filter_map(|(_, time)| *time).collect();
        (inputs.into_iter().map(|(input, _)| input).collect(), times)
    }

    /// A panic in one document must not stop the desk: the document is set aside with its text.
    fn analyse(&self, document: Document) -> Analysis {
        let copy = document.clone();
        let analysis = catch_unwind(AssertUnwindSafe(|| analyse(document, &self.models, Scope::Claims))).unwrap_or_else(|panic| {
            let reason = reason(panic.as_ref());
            tracing::error!(document = %copy.id, url = copy.url.as_deref().map(shown_text), error = reason, "analysis panicked, document set aside");
            quarantine(copy, reason)
        });
        tell_issues(&analysis);
        analysis
    }

    fn outbox(&self, routed: &[Routed]) -> Vec<OutboxRow> {
        let mut rows = Vec::new();
        for item in routed {
            for sink in self.sinks.iter().filter(|sink| item.sinks.contains(&sink.name)) {
                rows.push(OutboxRow {
                    alert: item.alert.id,
                    sink: sink.name.clone(),
                    alert_type: item.alert.alert_type,
                    order_key: item.order_key.clone(),
                    sequence: item.alert.thread.as_ref().map_or(0, |thread| thread.sequence),
                    body: body(&item.alert, sink.format),
                    rendering: rendering(sink, &item.alert),
                    due: item.due_for(&sink.name),
                    document: item.alert.document.as_ref().map(|document| document.id),
                });
            }
        }
        rows
    }
}

/// An alert as it is kept beside the outbox, whoever gets it or is to get it.
fn kept(item: &Routed) -> NewAlert {
    let json = body(&item.alert, BodyFormat::JsonLines);
    NewAlert { alert: item.alert.clone(), due: item.due_first(), json: String::from_utf8(json).unwrap_or_default() }
}

/// What a sink's template makes of an alert. Where it fails, which it did for no sample, the alert goes out in the sink's own format:
/// a receiver that refuses that leaves a delivery that can be seen.
fn rendering(sink: &SinkSettings, alert: &Alert) -> Option<Rendering> {
    let sent = Sent { links: sink.links.as_deref(), sink: &sink.name };
    let rendered = sink.form.as_ref()?.render(alert, sent);
    let told = |error: &TemplateError| {
        tracing::error!(sink = sink.name, alert = %alert.id, %error, "a template failed, the alert is sent without it");
    };
    rendered.inspect_err(told).ok()
}

/// A batch after its steps, before its commit.
struct Stepped {
    state: State,
    inputs: Vec<(Input, Timestamp)>,
    written: Written,
    admitted: Admitted,
    tally: Tally,
}

/// The state of these records. Its stories, which are most of the work, are built beside the rest, so that a start is the sooner over.
fn rebuilt(windows: Windows, mut records: Records) -> State {
    enum Part {
        Stories(Vec<StoryRecord>),
        Rest(Box<Records>),
    }
    enum Built {
        Stories(Box<Stories>),
        Rest(Box<State>),
    }
    let stories = std::mem::take(&mut records.stories);
    let parts = vec![Part::Stories(stories), Part::Rest(Box::new(records))];
    let built = parallel::in_order(parallel::cores(), parts, |part| match part {
        Part::Stories(stories) => Built::Stories(Box::new(Stories::restore(stories))),
        Part::Rest(records) => Built::Rest(Box::new(State::restore(windows, *records))),
    });
    // The stories are put into the rest, which comes behind them.
    built.into_iter().rev().fold(State::new(windows), |state, part| match part {
        Built::Rest(rest) => *rest,
        Built::Stories(stories) => state.with_stories(*stories),
    })
}

/// How far the desk's clock is ahead of `now`.
fn clock_lead(state: &State, now: Timestamp) -> SignedDuration {
    state.position().0.map_or(SignedDuration::ZERO, |desk| desk.duration_since(now)).max(SignedDuration::ZERO)
}

/// The feed that brought the document of an input.
fn feed_of(input: &Input) -> Option<&FeedId> {
    match input {
        Input::Analysed(analysis) => Some(&analysis.document.source.feed),
        _ => None,
    }
}

/// Says when the clock was set back: the desk had been ahead of it, and dated its alerts so.
fn warn_of_clock(ahead: SignedDuration) {
    if ahead > CLOCK_WARNING_MIN {
        tracing::warn!(ahead_seconds = ahead.as_secs(), "the clock was set back, or was ahead before");
    }
}

/// Leaves in the log what of a document was not read. A panic was told when it happened.
fn tell_issues(analysis: &Analysis) {
    let document = &analysis.document;
    let is_full = document.text.len() > TEXT_BYTES_MAX - char::MAX_LEN_UTF8;
    let url = document.url.as_deref().map(shown_text);
    let stated = document.published.unwrap_or(document.first_seen);
    if !document.is_baseline && embargo(&document.text, stated) == Some(Embargo::Unreadable) {
        tracing::warn!(document = %document.id, url, "an embargo whose end cannot be read: held for a day");
    }
    for issue in is_full.then_some(&Issue::TextCut).into_iter().chain(&analysis.issues) {
        let lost = match issue {
            Issue::Language(language) => {
                tracing::info!(document = %document.id, url, language, "not in a language that is read");
                continue;
            }
            Issue::TextCut => "the end of the text",
            Issue::SentencesCut => "sentences over the limit",
            Issue::NotJudged => "sentences that the judge failed at",
            Issue::ClaimsCut => "claims over the limit",
            Issue::Quarantined(_) => continue,
        };
        tracing::warn!(document = %document.id, url, lost, "not all of a document is read");
    }
}

/// Leaves in the log what of a user's words cannot be done.
fn tell_refusal(state: &State, input: &Input) {
    if let Input::Feedback(feedback) = input
        && let Some(refusal) = state.refusal(&feedback.act)
    {
        tracing::warn!(feedback = %feedback.id, error = %refusal, "what a user said cannot be done and is ignored");
    }
}

/// What a panic said.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Takes what made a step panic out of a batch: a document keeps its text but loses its claims; what panics even then, or
/// is no document, is left out. False where that loses a document.
fn set_aside(inputs: &mut Vec<(Input, Timestamp)>, position: usize, reason: String) -> bool {
    let (input, time) = inputs.remove(position);
    let Some(analysis) = analysis(input) else {
        tracing::error!(error = reason, "a step panicked, its input is left out");
        return true;
    };
    tracing::error!(document = %analysis.document.id, error = reason, "a step panicked, the document is set aside");
    let is_kept = !analysis.is_quarantined();
    if is_kept {
        inputs.insert(position, (Input::Analysed(Box::new(quarantine(analysis.document, reason))), time));
    }
    is_kept
}

/// Gives what is known under another identity the id that it has; each work is a feed's own.
fn recognise(state: &State, batch: &mut [Work]) {
    for work in batch {
        state.recognise(&mut work.documents);
    }
}

fn analysis(input: Input) -> Option<Analysis> {
    match input {
        Input::Analysed(analysis) => Some(*analysis),
        Input::SeenAgain(..)
        | Input::Released(..)
        | Input::FeedHealth(_)
        | Input::SinkHealth(_)
        | Input::Feedback(_) => None,
    }
}

enum Slot {
    Ready(Input, Timestamp),
    Unread(Box<Document>, Timestamp),
}

/// Records as a batch leaves them: the last version of each, or nothing where it was forgotten.
#[derive(Default)]
struct Written {
    documents: BTreeMap<DocumentId, Option<DocumentRecord>>,
    stories: BTreeMap<StoryId, Option<StoryRecord>>,
    claims: BTreeMap<ClaimId, Option<ClaimRecord>>,
    threads: BTreeMap<ThreadId, Option<ThreadRecord>>,
    feeds: BTreeMap<FeedId, FeedRecord>,
    budgets: BTreeMap<String, BudgetRecord>,
    muted: BTreeMap<String, Option<MutedSpeaker>>,
    silences: BTreeMap<FeedbackId, Option<SilenceRecord>>,
    groups: BTreeMap<String, Option<GroupRecord>>,
    moved: BTreeMap<DocumentId, Moved>,
    dropped: BTreeMap<DocumentId, Dropped>,
}

impl Written {
    /// Keeps a record; gives an event back.
    fn file(&mut self, change: Change) -> Option<Event> {
        match change {
            Change::Document(record) => drop(self.documents.insert(record.id, Some(*record))),
            Change::Story(record) => drop(self.stories.insert(record.id, Some(*record))),
            Change::Claim(record) => drop(self.claims.insert(record.id, Some(*record))),
            Change::Thread(record) => drop(self.threads.insert(record.id, Some(*record))),
            Change::Feed(record) => drop(self.feeds.insert(record.feed.clone(), record)),
            Change::Budget(record) => drop(self.budgets.insert(record.sink.clone(), *record)),
            Change::Group(record) => drop(self.groups.insert(record.key(), Some(*record))),
            Change::ForgetGroup(key) => drop(self.groups.insert(key, None)),
            Change::Silence(record) => drop(self.silences.insert(record.id, Some(*record))),
            Change::EndSilence(id) => drop(self.silences.insert(id, None)),
            Change::Moved(moved) => drop(self.moved.insert(moved.document, moved)),
            Change::Dropped(dropped) => drop(self.dropped.insert(dropped.document, dropped)),
            Change::Mute(record) => drop(self.muted.insert(record.key.clone(), Some(record))),
            Change::Unmute(key) => drop(self.muted.insert(key, None)),
            Change::ForgetDocument(id) => drop(self.documents.insert(id, None)),
            Change::ForgetStory(id) => drop(self.stories.insert(id, None)),
            Change::ForgetClaim(id) => drop(self.claims.insert(id, None)),
            Change::ForgetThread(id) => drop(self.threads.insert(id, None)),
            Change::Event(event) => return Some(event),
        }
        None
    }

    fn commit(self, now: Timestamp, next_sequence: u64) -> Commit {
        let (documents, forgotten_documents) = part(self.documents);
        let (stories, forgotten_stories) = part(self.stories);
        let (claims, forgotten_claims) = part(self.claims);
        let (threads, forgotten_threads) = part(self.threads);
        let (muted, unmuted) = part(self.muted);
        let (silences, ended_silences) = part(self.silences);
        let (groups, ended_groups) = part(self.groups);
        Commit {
            documents,
            stories,
            claims,
            threads,
            feeds: self.feeds.into_values().collect(),
            budgets: self.budgets.into_values().collect(),
            muted,
            silences,
            groups,
            moved: self.moved.into_values().collect(),
            dropped: self.dropped.into_values().collect(),
            forgotten: Forgotten {
                muted: unmuted,
                silences: ended_silences,
                groups: ended_groups,
                documents: forgotten_documents,
                stories: forgotten_stories,
                claims: forgotten_claims,
                threads: forgotten_threads,
            },
            ..Commit::new(now, next_sequence)
        }
    }
}

/// Splits into what is kept and what is gone.
fn part<I, R>(records: BTreeMap<I, Option<R>>) -> (Vec<R>, Vec<I>) {
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (id, record) in records {
        match record {
            Some(record) => kept.push(record),
            None => gone.push(id),
        }
    }
    (kept, gone)
}

#[cfg(test)]
mod tests;
