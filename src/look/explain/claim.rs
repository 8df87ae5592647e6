//! Why a claim was alerted, or why not.

use anyhow::Result;
use jiff::Timestamp;

use super::{Explainer, Explanation, Outcome, alert};
use crate::link::speaker::same_name;
use crate::look::timeline::{Alerted, alerts};
use crate::look::words::{self, second, short};
use crate::model::{
    Alert, AlertType, ClaimRecord, DocumentId, HeldList, KnownClaim, Report, ThreadRecord, ThreadState, related,
};
use crate::pipeline::told;
use crate::route::{ClaimFacts, Facts, Verdict, hold};

/// An explanation of a claim.
pub(super) struct Explained {
    pub(super) explanation: Explanation,
}

impl Explainer<'_> {
    /// Explains a claim; as one document tells it, where that is given.
    pub(super) fn claim(&self, record: &ClaimRecord, from: Option<DocumentId>) -> Result<Explained> {
        let mut about = Vec::new();
        let mut with = Vec::new();
        let mut silenced = None;
        for &thread in &record.threads {
            for alerted in self.alerts_of(thread)?.iter() {
                let Some(alert) = &alerted.alert else { continue };
                let is_subject = alert.claim.as_ref().is_some_and(|claim| claim.id == record.id);
                let rides = alert.also.contains(&record.id) || alert.answers.iter().any(|one| one.claim == record.id);
                if alerted.rows.iter().all(|row| row.state == "silenced") {
                    silenced =
                        silenced.or(alerted.rows.first().and_then(|row| row.reason.clone()).filter(|_| is_subject));
                } else if is_subject {
                    about.push((alert::in_short(alerted), self.is_held(alerted)));
                } else if rides {
                    with.push(alert::in_short(alerted));
                }
            }
        }
        let in_digests = self.digests_with(record)?;
        let report = &record.report;
        let first = &report.document;
        let is_copy = from.is_some_and(|document| document != first.id);
        let (mut outcome, mut why) = if about.iter().any(|(_, is_held)| !is_held) {
            (Outcome::Alerted, "it was alerted".to_owned())
        } else if !about.is_empty() {
            let until = first.embargo_until.map(second).unwrap_or_default();
            (Outcome::Held, format!("its alert waits for the end of an embargo, {until}"))
        } else if !with.is_empty() {
            (
                Outcome::Rode,
                "it rode in the alert of another claim of its thread: a document gives one alert a thread".to_owned(),
            )
        } else if let Some(waits) = self.waits(record)? {
            (Outcome::Held, waits)
        } else if !in_digests.is_empty() {
            (Outcome::Alerted, "it was held back, and came in a digest".to_owned())
        } else if let Some(reason) = silenced {
            (Outcome::Silenced, format!("it was kept back: {reason}"))
        } else if !record.alerted.is_empty() {
            let sinks: Vec<&str> = record.alerted.keys().map(String::as_str).collect();
            (Outcome::Alerted, format!("{} was told, in an alert or a digest that is no longer kept", sinks.join(", ")))
        } else {
            self.silence(record)?
        };
        if is_copy {
            why = format!("known since {} from {}, where {why}", second(record.first_seen), first.outlet);
            outcome = Outcome::Copy;
        }
        let mut explanation = Explanation::new("claim", &record.id, &words::claim_line(record), outcome, why);
        if outcome == Outcome::Rules {
            self.add_rules(&mut explanation, record)?;
        }
        explanation.add("evidence", report.evidence.sentence.clone());
        explanation.add("confidence", format!("{:.2}", report.claim.confidence));
        explanation.add("cue", self.grounds(report, record.read_kind())?);
        explanation.add("seen", format!("{} at {}", second(record.first_seen), first.outlet));
        explanation.add("thread", short(&record.thread));
        for told in about.into_iter().map(|(told, _)| told).chain(with).chain(in_digests) {
            explanation.add("alert", told);
        }
        self.add_said_of_claim(&mut explanation, record);
        for &thread in &record.threads {
            self.add_said_of_thread(&mut explanation, thread);
        }
        Ok(Explained { explanation })
    }

    /// Why users hear nothing of a claim: they muted who makes it, or all its threads.
    fn muted(&self, record: &ClaimRecord) -> Result<Option<String>> {
        let speaker = record.speaker.as_ref().map(|speaker| speaker.name.as_str());
        let muted = self.view.muted()?;
        let by_name = muted.iter().find(|muted| speaker.is_some_and(|name| same_name(&muted.name, name)));
        if let Some(muted) = by_name {
            return Ok(Some(format!("a user muted {}", muted.name)));
        }
        for &thread in &record.threads {
            if !self.view.thread(thread)?.is_some_and(|thread| thread.is_muted) {
                return Ok(None);
            }
        }
        Ok((!record.threads.is_empty()).then(|| "a user muted its thread".to_owned()))
    }

    /// The digests that list a claim, and what became of them.
    fn digests_with(&self, record: &ClaimRecord) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for sink in record.alerted.keys() {
            let digests = alerts(self.view, &hold::order_key(sink))?;
            let lists = |alerted: &&Alerted| {
                let digest = alerted.alert.as_ref().and_then(|alert| alert.digest.as_ref());
                digest.is_some_and(|digest| digest.alerts.iter().any(|entry| entry.claim == Some(record.id)))
            };
            found.extend(digests.iter().filter(lists).map(alert::in_short));
        }
        Ok(found)
    }

    /// For what a claim waits of which a sink was not told yet.
    fn waits(&self, record: &ClaimRecord) -> Result<Option<String>> {
        for sink in record.alerted.keys() {
            let lists = |list: &HeldList| list.held.iter().any(|held| held.entry.claim == Some(record.id));
            if let Some(budget) = self.view.budget(sink)? {
                let why = [
                    "is collected for",
                    "came in quiet hours of",
                    "is over the hour's cap of",
                    "is over the day's budget of",
                ];
                let found = budget.lists().into_iter().zip(why).find(|(list, _)| lists(list));
                if let Some((_, why)) = found {
                    return Ok(Some(format!("it {why} {sink} and waits for its digest")));
                }
            }
            for &thread in &record.threads {
                let group = self.view.group(sink, thread)?;
                let is_member = |alert: &Alert| alert.claim.as_ref().is_some_and(|claim| claim.id == record.id);
                if let Some(group) = group.filter(|group| group.members.iter().any(is_member)) {
                    let until = second(group.until);
                    return Ok(Some(format!("its alert waits until {until} for others of its thread, for {sink}")));
                }
            }
        }
        Ok(None)
    }

    /// Whether an alert waits for a moment that is to come, and nothing of it was tried.
    fn is_held(&self, alerted: &Alerted) -> bool {
        alerted
            .rows
            .iter()
            .all(|row| row.state == "pending" && row.attempts == 0 && row.due > self.now.max(Timestamp::UNIX_EPOCH))
    }

    /// Why a claim was never alerted.
    fn silence(&self, record: &ClaimRecord) -> Result<(Outcome, String)> {
        let report = &record.report;
        let is_baseline = self.view.document(report.document.id)?.is_some_and(|document| document.is_baseline);
        if is_baseline {
            let why =
                "its document was part of the feed's first fetch, which is known and not news (backfill widens that)";
            return Ok((Outcome::Baseline, why.to_owned()));
        }
        if record.is_no_claim() {
            return Ok((Outcome::Withdrawn, "a user said that it is no claim".to_owned()));
        }
        if record.is_withdrawn {
            return Ok((Outcome::Withdrawn, "its story was killed or corrected before anybody was told".to_owned()));
        }
        if report.claim.background {
            return Ok((Outcome::Background, "it is an old act, retold as background".to_owned()));
        }
        if let Some(why) = self.muted(record)? {
            return Ok((Outcome::Muted, why));
        }
        for &thread in &record.threads {
            if let Some(thread) = self.view.thread(thread)?
                && let Some(why) = known_stance(record, &thread)
            {
                return Ok((Outcome::NoNews, why));
            }
        }
        if self.verdicts(record)?.iter().all(|(_, verdict)| matches!(verdict, Verdict::Refused(_))) {
            return Ok((Outcome::Rules, "no rule lets it through".to_owned()));
        }
        let told = told(&record.clone().into(), &self.earlier(record)?);
        if !told.is_empty() {
            let sinks: Vec<&str> = told.iter().map(String::as_str).collect();
            let why = format!("{} had heard of this act, as another copy of the story tells it", sinks.join(", "));
            return Ok((Outcome::NoNews, why));
        }
        let why = "it was no news in its thread, or the rules of that time did not let it through";
        Ok((Outcome::NoNews, why.to_owned()))
    }

    /// Other claims of a claim's thread; what came later was not known.
    fn earlier(&self, record: &ClaimRecord) -> Result<Vec<KnownClaim>> {
        let mut others = Vec::new();
        for &id in self.view.thread(record.thread)?.iter().flat_map(|thread| &thread.claims) {
            let other = self.view.claim(id)?.filter(|other| other.first_seen <= record.first_seen);
            others.extend(other.map(KnownClaim::from));
        }
        Ok(others)
    }

    /// What each rule says to a claim that is new, by the rule's name. Story and thread are judged as they stand now.
    fn verdicts(&self, record: &ClaimRecord) -> Result<Vec<(&str, Verdict)>> {
        let mut answered = Vec::new();
        for &id in &record.answers {
            answered.extend(self.view.claim(id)?.map(KnownClaim::from));
        }
        let thread = self.view.thread(record.thread)?;
        let others = self.earlier(record)?;
        let mut story = None;
        for &id in &record.stories {
            story = story.or(self.view.story(id)?);
        }
        let is_before = |other: &&KnownClaim| other.sequence < record.sequence;
        let is_elsewhere = |other: &KnownClaim| other.text().report.document.id != record.report.document.id;
        let related: Vec<Report> = related(record.id, &answered, &others).map(|one| one.text().report).collect();
        let claim = ClaimFacts {
            report: &record.report,
            related: related.iter().collect(),
            matter: thread.as_ref().map_or("", |thread| &thread.proposition),
            affiliation: record.speaker.as_ref().and_then(|speaker| speaker.affiliation.as_deref()),
            outlets: story.as_ref().map_or(1, |story| story.outlets.len()),
            copies: story.as_ref().map_or(1, |story| story.copies),
            state: thread.as_ref().map_or(ThreadState::Alleged, |thread| thread.state),
            is_contradicted: thread.as_ref().is_some_and(|thread| thread.has_contradiction),
            is_followed: thread.as_ref().is_some_and(|thread| thread.is_followed),
            is_first_answer: record.kind.is_answer()
                && !others.iter().filter(is_before).any(|other| other.kind.is_answer()),
            is_cross_document: answered.iter().any(is_elsewhere),
        };
        let outlet = &record.report.document.outlet;
        Ok(self.router.verdicts(&Facts { alert_type: AlertType::of_new(record.kind), outlet, claim: Some(claim) }))
    }

    fn add_rules(&self, explanation: &mut Explanation, record: &ClaimRecord) -> Result<()> {
        for (rule, verdict) in self.verdicts(record)? {
            let verdict = match verdict {
                Verdict::Pass => "lets it through".to_owned(),
                Verdict::Failed(error) => format!("lets it through, because its `when` failed: {error}"),
                Verdict::Refused(refusal) => refusal.to_string(),
            };
            explanation.add("rule", format!("{rule}: {verdict}"));
        }
        Ok(())
    }
}

/// Why an answer changes nothing: the respondent's stance was known.
fn known_stance(record: &ClaimRecord, thread: &ThreadRecord) -> Option<String> {
    let name = &record.speaker.as_ref()?.name;
    let is_own = |claim| claim == record.id;
    let known = thread.stances.values().find(|stance| {
        record.kind.is_answer() && !is_own(stance.claim) && crate::link::speaker::same_name(&stance.respondent, name)
    })?;
    Some(format!("{} {} already, by claim {}", known.respondent, words::stance(known.stance), short(&known.claim)))
}
