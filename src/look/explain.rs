//! `gainsay explain`: why an alert was sent, or why a document, story, thread or claim gave none. Reads what the store keeps and
//! works out anew, from the stored text, what it does not.

mod alert;
mod claim;
mod document;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::args::ExplainArgs;
use super::timeline::{Alerted, alerts};
use super::words::{self, second, short};
use super::{Source, feedback, id, is_json, print_json, print_text, width};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::link::speaker::same_name;
use crate::model::{ClaimId, ClaimRecord, DocumentId, FeedbackLine, OwnWords, StoryId, ThreadId, canonical_address};
use crate::pipeline::Models;
use crate::route::Router;
use crate::rule::Rule;
use crate::store::{Named, View};
use crate::terminal::{BOLD, DIM, wrapped};

/// Columns of a fact's label.
const LABEL: usize = 12;

/// `gainsay explain`.
///
/// # Errors
/// If the database cannot be read, the output not written, or there is nothing of that id.
pub fn explain(args: &ExplainArgs) -> Result<ExitCode> {
    let source = Source::find(&args.database)?;
    let view = source.open()?;
    let found = explained(&view, source.config.as_ref(), &args.id, SystemClock.now(), None)?;
    if is_json(args.format) {
        print_json(&found)?;
    } else {
        let width = width();
        print_text(&found.iter().map(|explanation| explanation.drawn(0, width)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What `text` names (an id, a beginning of one, or an article's address), explained by the rules of the config; read anew with `models`,
/// or with those that are built in.
pub(crate) fn explained(
    view: &View,
    config: Option<&Config>,
    text: &str,
    now: Timestamp,
    models: Option<Arc<Models>>,
) -> Result<Vec<Explanation>> {
    let rules = config.map_or_else(|| vec![Rule::everything()], |config| config.rules.clone());
    let router = Router::new(rules, Vec::new());
    let own = config.map(|config| config.extract.clone()).unwrap_or_default();
    let models = models.map_or_else(OnceCell::new, OnceCell::from);
    let (read, alerts) = (BTreeMap::new().into(), BTreeMap::new().into());
    let said = view.feedback()?;
    let explainer = Explainer { view, router, own, models, read, now, alerts, said };
    if text.contains("://") {
        explainer.address(text)
    } else {
        let named = id::find(view, text, "alert, claim, thread, story or document", |_| true)?;
        Ok(vec![explainer.named(named)?])
    }
}

/// What has become of something, and why. The order is that in which one speaks for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// An alert about it was sent or is on its way.
    Alerted,
    /// An alert about it waits for the end of an embargo.
    Held,
    /// It rode in the alert of another claim.
    Rode,
    /// A silence kept its alert back.
    Silenced,
    /// No rule lets it through.
    Rules,
    /// It was known from another document.
    Copy,
    /// It changes nothing in its thread.
    NoNews,
    /// It was part of its feed's first fetch.
    Baseline,
    /// A user muted its thread or speaker.
    Muted,
    /// An old act, retold.
    Background,
    /// Its outlet killed it or took it out.
    Withdrawn,
    /// It takes another document back.
    Kill,
    /// It is a note to editors.
    Advisory,
    /// It is in a language that is not read.
    Language,
    /// Reading it failed.
    SetAside,
    /// It makes no claim.
    NoClaims,
    /// It is no longer kept.
    Forgotten,
}

/// One explanation; those of its parts below it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Explanation {
    /// What is explained: alert, claim, thread, story or document.
    what: &'static str,
    id: String,
    title: String,
    outcome: Outcome,
    why: String,
    facts: Vec<Fact>,
    parts: Vec<Explanation>,
}

/// Something that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Fact {
    name: &'static str,
    value: String,
}

impl Explanation {
    fn new(what: &'static str, id: &impl std::fmt::Display, title: &str, outcome: Outcome, why: String) -> Self {
        let (facts, parts) = (Vec::new(), Vec::new());
        Self { what, id: id.to_string(), title: title.to_owned(), outcome, why, facts, parts }
    }

    fn add(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.facts.push(Fact { name, value });
        }
    }

    fn drawn(&self, depth: usize, width: usize) -> String {
        let margin = " ".repeat(2 * depth);
        let shown = if depth == 0 { self.id.clone() } else { short(&self.id) };
        let name = format!("{} ", self.what);
        let title = format!(" {}", self.title);
        let mut lines = wrapped(&[(BOLD, &name), (DIM, &shown), (BOLD, &title)], &margin, 2 * depth, width);
        let mut row = |label: &str, text: &str, style| {
            let label = format!("{margin}  {DIM}{label:<LABEL$}{DIM:#}");
            lines.push_str(&wrapped(&[(style, text)], &label, 2 * depth + 2 + LABEL, width));
        };
        row("why", &self.why, BOLD);
        for fact in &self.facts {
            row(fact.name, &fact.value, anstyle::Style::new());
        }
        for part in &self.parts {
            lines.push('\n');
            lines.push_str(&part.drawn(depth + 1, width));
        }
        lines
    }
}

/// What explanations are made from.
struct Explainer<'a> {
    view: &'a View,
    /// Judges by the rules of the config; without a config those that a config without rules has.
    router: Router,
    /// The desk's own words for the extractor.
    own: OwnWords,
    models: OnceCell<Arc<Models>>,
    /// The kept texts of each document that was asked for, read anew.
    read: std::cell::RefCell<BTreeMap<DocumentId, Rc<Vec<document::ReadAnew>>>>,
    now: Timestamp,
    /// Alerts of each thread that was asked for.
    alerts: std::cell::RefCell<BTreeMap<ThreadId, Rc<Vec<Alerted>>>>,
    /// What users said.
    said: Vec<FeedbackLine>,
}

impl Explainer<'_> {
    fn named(&self, named: Named) -> Result<Explanation> {
        match named {
            Named::Alert(id) => self.alert(id),
            Named::Claim(id) => {
                let record = self.view.claim(id)?.with_context(|| format!("claim {id} has left the window"))?;
                Ok(self.claim(&record, None)?.explanation)
            }
            Named::Thread(id) => self.thread(id),
            Named::Story(id) => self.story(id),
            Named::Document(id) => self.document(id),
        }
    }

    /// The documents that were read at an address.
    fn address(&self, address: &str) -> Result<Vec<Explanation>> {
        let canonical = canonical_address(address).with_context(|| format!("{address:?} is no address"))?;
        let documents = self.view.documents_at(&canonical)?;
        if documents.is_empty() {
            bail!("no document is kept of {canonical}: no feed carried it, or it has left the window");
        }
        documents.into_iter().map(|id| self.document(id)).collect()
    }

    fn alerts_of(&self, thread: ThreadId) -> Result<Rc<Vec<Alerted>>> {
        if let Some(known) = self.alerts.borrow().get(&thread) {
            return Ok(Rc::clone(known));
        }
        let found = Rc::new(alerts(self.view, &thread.to_string())?);
        self.alerts.borrow_mut().insert(thread, Rc::clone(&found));
        Ok(found)
    }

    /// Adds what users said of a thread.
    fn add_said_of_thread(&self, explanation: &mut Explanation, id: ThreadId) {
        for line in self.said.iter().filter(|line| line.feedback.act.threads().contains(&id)) {
            explanation.add("feedback", feedback::told(line));
        }
    }

    /// Adds what users said of a claim or of whoever makes it.
    fn add_said_of_claim(&self, explanation: &mut Explanation, record: &ClaimRecord) {
        let is_speaker = |muted: &str| record.speaker.as_ref().is_some_and(|one| same_name(&one.name, muted));
        for line in &self.said {
            let act = &line.feedback.act;
            if act.claims().contains(&record.id) || act.muted_speaker().is_some_and(is_speaker) {
                explanation.add("feedback", feedback::told(line));
            }
        }
    }

    fn thread(&self, id: ThreadId) -> Result<Explanation> {
        let thread = self.view.thread(id)?.with_context(|| format!("thread {id} has left the window"))?;
        let alerts = self.alerts_of(id)?;
        let parts = self.claims(&thread.claims, None)?;
        let outcome = parts.iter().map(|part| part.outcome).min().unwrap_or(Outcome::Forgotten);
        let why = match alerts.len() {
            0 => "no alert was sent about it".to_owned(),
            1 => "one alert was sent about it".to_owned(),
            several => format!("{several} alerts were sent about it"),
        };
        let mut explanation = Explanation::new("thread", &id, &thread.proposition, outcome, why);
        explanation.add("state", words::state(thread.state));
        for alerted in alerts.iter() {
            explanation.add("alert", alert::in_short(alerted));
        }
        self.add_said_of_thread(&mut explanation, id);
        explanation.parts = parts;
        Ok(explanation)
    }

    fn story(&self, id: StoryId) -> Result<Explanation> {
        let story = self.view.story(id)?.with_context(|| format!("story {id} has left the window"))?;
        let documents = self.view.documents_of(id)?;
        let claims: BTreeSet<ClaimId> = documents.iter().flat_map(|document| &document.claims).copied().collect();
        let parts = self.claims(&claims, None)?;
        let outcome = parts.iter().map(|part| part.outcome).min().unwrap_or(Outcome::NoClaims);
        let why = match outcome {
            Outcome::Alerted | Outcome::Held | Outcome::Rode => {
                "what it says was alerted, once for all its copies".to_owned()
            }
            Outcome::NoClaims => "no copy of it makes a claim".to_owned(),
            _ => "nothing in it was alerted; each claim below says why".to_owned(),
        };
        let title = format!("{} at {}", words::copies(story.copies), story.outlets.join(", "));
        let mut explanation = Explanation::new("story", &id, &title, outcome, why);
        explanation.add("revision", story.revision.to_string());
        explanation.add("last seen", second(story.last_seen));
        for document in documents {
            let headline = self.view.analyses(document.id)?.into_iter().next().map(|one| one.headline);
            let named = format!("{} {}: {}", short(&document.id), document.outlet, headline.unwrap_or_default());
            explanation.add("document", named);
        }
        explanation.parts = parts;
        Ok(explanation)
    }

    /// Claims that are still known, in order of creation.
    fn claims(&self, ids: &BTreeSet<ClaimId>, from: Option<crate::model::DocumentId>) -> Result<Vec<Explanation>> {
        let mut known = Vec::new();
        for &id in ids {
            known.extend(self.view.claim(id)?);
        }
        known.sort_by_key(|claim| claim.sequence);
        known.iter().map(|claim| Ok(self.claim(claim, from)?.explanation)).collect()
    }
}
