//! What changes something: feedback, silences, replays, and trying endpoints out. A change goes into the log of the database, where the daemon
//! takes it up within a second, as it does what the commands say.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::pool::READ_TIME;
use super::problem::Problem;
use super::query::{id, period};
use super::state::silence_line;
use super::{Caller, Shared};
use crate::config::{SinkConfig, WebhookConfig};
use crate::look::{Chosen, DeliveryLine, Wanted};
use crate::model::{
    AlertId, ClaimId, FeedId, Feedback, FeedbackAct, FeedbackId, Kind, Rendering, SILENCE_MAX, Silence, ThreadId,
};
use crate::rule::Filter;
use crate::sink::{BodyFormat, DeliveryError, body, reach, send};
use crate::store::{View, enable_endpoint, log_feedback, replay_deliveries};
use crate::template::{Sent, test_alert};

/// Characters of a name or a note.
const TEXT_CHARACTERS_MAX: usize = 500;
/// Claims that one request splits off.
const CLAIMS_MAX: usize = 1_000;
/// Alerts that one request sends once more: the daemon's own writing waits for them.
const REPLAYED_MAX: usize = 10_000;
/// Of them, those that are told.
const REPLAYED_SHOWN_MAX: usize = 50;

/// A request that changes something.
pub(super) struct Changing {
    pub(super) shared: Arc<Shared>,
    pub(super) caller: Caller,
    /// What the path names.
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// Status and body of an answer.
pub(super) type Changed = Result<(StatusCode, Option<Value>), Problem>;

/// What a user says.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// What is said.
    act: Act,
    /// Of which thread: follow, unfollow, mute, unmute, merge, split.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    thread: Option<String>,
    /// Of which claim: `wrong_kind`, `wrong_speaker`, `wrong_link`, `right_link`, split.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    claim: Option<String>,
    /// Of which claims of the thread, in place of one: split.
    #[schemars(length(max = 1000))]
    claims: Option<Vec<ClaimId>>,
    /// The allegation of a link, or the other thread of a merge.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    other: Option<String>,
    /// Whom to mute; or the right speaker, nobody where it is null.
    speaker: Option<String>,
    /// The right kind; none where it is null: this is no claim.
    kind: Option<Kind>,
    /// Who says so, beside the name of the token.
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Act {
    Follow,
    Unfollow,
    Mute,
    Unmute,
    WrongKind,
    WrongSpeaker,
    WrongLink,
    RightLink,
    Merge,
    Split,
}

/// What is to be silenced, until when and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSilence {
    /// Why.
    #[schemars(length(min = 1))]
    comment: String,
    /// An instant, 366 days from now at most.
    #[schemars(extend("format" = "date-time"))]
    until: String,
    speaker: Option<String>,
    outlet: Option<String>,
    thread: Option<String>,
    feed: Option<String>,
    kind: Option<Kind>,
    sink: Option<String>,
    /// An expression, as `when` of a rule.
    when: Option<String>,
}

/// Which alerts are to go out once more; one of these at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// This one.
    alert: Option<String>,
    /// To this sink.
    sink: Option<String>,
    /// What has become of them. Without: what is dead, and of an alert that is named, in whatever state it is.
    status: Option<Replayable>,
    /// Not before: a date, an instant, or an age such as 2h or 7d.
    since: Option<String>,
    /// Not after; a date means its end.
    until: Option<String>,
    /// Only say what would be sent.
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Replayable {
    Dead,
    Delivered,
    Silenced,
}

impl Replayable {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Delivered => "delivered",
            Self::Silenced => "silenced",
        }
    }
}

/// What goes out once more, or would.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Replayed {
    /// How many.
    count: u64,
    /// As they were before, the newest 50.
    items: Vec<DeliveryLine>,
}

/// How an endpoint answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tried {
    status: Option<u16>,
    duration_ms: u64,
    error: Option<String>,
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad(format!("the body: {error}")))
}

pub(super) fn text(name: &str, given: Option<String>) -> Result<Option<String>, Problem> {
    let text = given.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty());
    let is_text = |text: &String| text.chars().count() <= TEXT_CHARACTERS_MAX && !text.contains(char::is_control);
    match text {
        Some(text) if !is_text(&text) => {
            Err(Problem::bad(format!("{name}: at most {TEXT_CHARACTERS_MAX} characters, none of them a control")))
        }
        text => Ok(text),
    }
}

impl Said {
    fn thread(&self) -> Result<ThreadId, Problem> {
        id("thread", self.thread.as_deref().unwrap_or_default())
    }

    fn claim(&self) -> Result<ClaimId, Problem> {
        id("claim", self.claim.as_deref().unwrap_or_default())
    }

    /// One or several.
    fn claims(&self) -> Result<BTreeSet<ClaimId>, Problem> {
        match &self.claims {
            None => Ok(BTreeSet::from([self.claim()?])),
            Some(_) if self.claim.is_some() => Err(Problem::bad("claim and claims: one of them is enough")),
            Some(claims) if claims.is_empty() || claims.len() > CLAIMS_MAX => {
                Err(Problem::bad(format!("claims: 1 to {CLAIMS_MAX} are taken")))
            }
            Some(claims) => Ok(claims.iter().copied().collect()),
        }
    }

    fn other<I: std::str::FromStr>(&self) -> Result<I, Problem>
    where
        I::Err: std::fmt::Display,
    {
        id("other", self.other.as_deref().unwrap_or_default())
    }

    fn act(&self) -> Result<FeedbackAct, Problem> {
        let speaker = text("speaker", self.speaker.clone())?;
        Ok(match (self.act, speaker) {
            (Act::Follow, _) => FeedbackAct::Follow { thread: self.thread()? },
            (Act::Unfollow, _) => FeedbackAct::Unfollow { thread: self.thread()? },
            (Act::Mute, Some(speaker)) => FeedbackAct::MuteSpeaker { speaker },
            (Act::Mute, None) => FeedbackAct::Mute { thread: self.thread()? },
            (Act::Unmute, Some(speaker)) => FeedbackAct::UnmuteSpeaker { speaker },
            (Act::Unmute, None) => FeedbackAct::Unmute { thread: self.thread()? },
            (Act::WrongKind, _) => FeedbackAct::WrongKind { claim: self.claim()?, kind: self.kind },
            (Act::WrongSpeaker, speaker) => FeedbackAct::WrongSpeaker { claim: self.claim()?, speaker },
            (Act::WrongLink, _) => FeedbackAct::WrongLink { claim: self.claim()?, allegation: self.other()? },
            (Act::RightLink, _) => FeedbackAct::RightLink { claim: self.claim()?, allegation: self.other()? },
            (Act::Merge, _) => FeedbackAct::Merge { thread: self.thread()?, into: self.other()? },
            (Act::Split, _) => FeedbackAct::Split { thread: self.thread()?, claims: self.claims()? },
        })
    }
}

/// Fails where a thread or claim is not known; whether the rest can be done the desk judges, which alone knows its state.
fn ensure_known(view: &View, act: &FeedbackAct) -> Result<(), Problem> {
    for thread in act.threads() {
        view.thread(thread)?.ok_or_else(|| Problem::missing("thread"))?;
    }
    for claim in act.claims() {
        view.claim(claim)?.ok_or_else(|| Problem::missing("claim"))?;
    }
    Ok(())
}

impl Changing {
    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(super) fn database(&self) -> PathBuf {
        self.shared.config().database.clone()
    }

    /// Who says so: the name of the token, and what is given beside it.
    fn by(&self, note: Option<String>) -> Result<Option<String>, Problem> {
        let note = text("note", note)?;
        let parts: Vec<String> = [self.caller.name.clone(), note].into_iter().flatten().collect();
        Ok((!parts.is_empty()).then(|| parts.join(": ")))
    }

    async fn log(&self, by: Option<String>, act: FeedbackAct) -> Result<Feedback, Problem> {
        let feedback = Feedback::new(self.now(), by, act);
        let (path, logged) = (self.database(), feedback.clone());
        blocking(move || log_feedback(&path, &logged)).await??;
        Ok(feedback)
    }

    fn sink(&self) -> Result<(SinkConfig, WebhookConfig), Problem> {
        let config = self.shared.config();
        let sink = config.sinks.iter().find(|sink| sink.name == self.id).ok_or_else(|| Problem::missing("endpoint"))?;
        let webhook = sink.target.webhook().ok_or_else(|| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "this sink is no webhook: there is nobody to ask")
        })?;
        Ok((sink.clone(), webhook.clone()))
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::busy(error.to_string()))
}

pub(super) async fn feedback(changing: Changing) -> Changed {
    let mut said: Said = read(&changing.body)?;
    let act = said.act()?;
    let by = changing.by(said.note.take())?;
    let asked = act.clone();
    changing.shared.pool.read(READ_TIME, move |view| ensure_known(view, &asked)).await??;
    let feedback = changing.log(by, act).await?;
    Ok((StatusCode::ACCEPTED, Some(json!({"id": feedback.id.to_string()}))))
}

pub(super) async fn silence(changing: Changing) -> Changed {
    let given: NewSilence = read(&changing.body)?;
    let now = changing.now();
    let until: Timestamp = given.until.parse().map_err(|_| Problem::bad("until: an instant is wanted"))?;
    if until <= now || until.duration_since(now) > SILENCE_MAX {
        return Err(Problem::bad("until: after now, and 366 days from now at most"));
    }
    let comment =
        text("comment", Some(given.comment))?.ok_or_else(|| Problem::bad("comment: a word on why is wanted"))?;
    let when = given.when.filter(|when| !when.trim().is_empty());
    if let Some(faults) = when.as_ref().and_then(|when| Filter::new(when).err()) {
        let words: Vec<String> = faults.into_iter().map(|fault| fault.what).collect();
        return Err(Problem::bad(format!("when: {}", words.join("; "))));
    }
    let silence = Silence {
        until,
        comment,
        speaker: text("speaker", given.speaker)?,
        outlet: text("outlet", given.outlet)?,
        thread: given
            .thread
            .as_deref()
            .filter(|thread| !thread.is_empty())
            .map(|thread| id("thread", thread))
            .transpose()?,
        feed: text("feed", given.feed)?.map(FeedId::new),
        kind: given.kind,
        sink: text("sink", given.sink)?,
        when,
    };
    if silence.is_open() {
        return Err(Problem::bad(
            "nothing is given that would be silenced: speaker, outlet, thread, feed, kind, sink or when",
        ));
    }
    let by = changing.by(None)?;
    let logged = changing.log(by, FeedbackAct::Silence(Box::new(silence.clone()))).await?;
    let line = silence_line(logged.id, logged.time, logged.by.as_deref(), &silence, 0, "active")?;
    Ok((StatusCode::CREATED, Some(line)))
}

pub(super) async fn end_silence(changing: Changing) -> Changed {
    let silence: FeedbackId = id("id", &changing.id)?;
    let is_known = move |view: &View| -> Result<bool, Problem> {
        let log = view.feedback()?;
        Ok(log.iter().any(|line| line.feedback.id == silence && matches!(line.feedback.act, FeedbackAct::Silence(_))))
    };
    if !changing.shared.pool.read(READ_TIME, is_known).await?? {
        return Err(Problem::missing("silence"));
    }
    let by = changing.by(None)?;
    changing.log(by, FeedbackAct::EndSilence { silence }).await?;
    Ok((StatusCode::NO_CONTENT, None))
}

pub(super) async fn replay(changing: Changing) -> Changed {
    let given: Replay = read(&changing.body)?;
    let [alert, sink, since, until] =
        [given.alert, given.sink, given.since, given.until].map(|text| text.filter(|text| !text.trim().is_empty()));
    if given.status.is_none() && [&alert, &sink, &since, &until].into_iter().all(Option::is_none) {
        let detail = "nothing is given that would be sent once more: alert, sink, status, since or until";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let alerts: Vec<AlertId> = alert.iter().map(|alert| id("alert", alert)).collect::<Result<_, _>>()?;
    let now = changing.now();
    let period = period(since.as_deref(), until.as_deref(), now)?;
    let state = given.status.map(Replayable::as_str);
    let find = move |view: &View| {
        Chosen::find(view, &Wanted { alerts: &alerts, sink: sink.as_deref(), state, period }, REPLAYED_MAX)
    };
    let chosen = changing.shared.pool.read(READ_TIME, find).await??;
    chosen.ensure_sinks(&changing.shared.config())?;
    let Chosen { positions, lines: mut items, .. } = chosen;
    if positions.len() > REPLAYED_MAX {
        let detail = format!("that is more than {REPLAYED_MAX} alerts: narrow it with sink, since or until");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    items.truncate(REPLAYED_SHOWN_MAX);
    let count = if given.dry_run {
        positions.len() as u64
    } else {
        let path = changing.database();
        blocking(move || replay_deliveries(&path, &positions, now)).await??
    };
    Ok((StatusCode::OK, serde_json::to_value(Replayed { count, items }).ok()))
}

pub(super) async fn ping(changing: Changing) -> Changed {
    let (_, webhook) = changing.sink()?;
    tried(async { reach(&webhook).await }).await
}

pub(super) async fn test(changing: Changing) -> Changed {
    let (sink, webhook) = changing.sink()?;
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Problem::busy(format!("this system gives no random bytes: {error}")))?;
    // Receivers drop ids that they have seen.
    let id = AlertId::of(&[b"test", &random]);
    let now = changing.now();
    let alert = test_alert(id, now);
    let config = changing.shared.config();
    let sent = Sent { links: config.web.links.as_deref(), sink: &sink.name };
    let rendering = match sink.target.form() {
        Some(form) => {
            form.render(&alert, sent).map_err(|error| Problem::busy(format!("the template fails: {error}")))?
        }
        None => Rendering::json(body(&alert, BodyFormat::of(&sink.target))),
    };
    let id = id.to_string();
    tried(async { send(&webhook, &id, rendering, now).await }).await
}

async fn tried(answer: impl Future<Output = Result<u16, DeliveryError>>) -> Changed {
    let started = Instant::now();
    let (status, error) = match answer.await {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let tried = Tried { status, duration_ms, error };
    Ok((StatusCode::OK, serde_json::to_value(tried).ok()))
}

pub(super) async fn enable(changing: Changing) -> Changed {
    let (sink, _) = changing.sink()?;
    let (path, now) = (changing.database(), changing.now());
    blocking(move || enable_endpoint(&path, &sink.name, now)).await??;
    Ok((StatusCode::OK, Some(json!({"enabled": true}))))
}
