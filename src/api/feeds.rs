//! Feeds from the page: added, dropped, paused, resumed, polled now; each change is written beside the daemon, which is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::Looking;
use super::operate::{Changed, Changing, blocking, read, text};
use super::problem::{Choice, Problem};
use super::state::{self, value};
use crate::config::{Config, IntakeConfig};
use crate::intake::{Discovered, Fetcher, FoundBy, FoundFeed, discover};
use crate::look::{ControlError, add_feed, ask_poll, drop_feed, ensure_new, hold_in_words, pause_feed};
use crate::model::{ADDRESS_BYTES_MAX, AddedFeed, FeedId, PausedFeed, shown_address};
use crate::telemetry::PollNote;

/// Time for one fetch of what may be a feed.
const GLANCE: Duration = Duration::from_secs(10);
/// Time for the search for the feeds of a page.
const SEARCH_TIME: Duration = Duration::from_secs(30);
/// Characters of an outlet's name, as in the config.
const OUTLET_CHARACTERS_MAX: usize = 200;
/// Searches at once.
pub(super) const SEARCHES: usize = 2;

/// A feed to be polled from now on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFeed {
    /// Its address, http or https; that of a page is answered with the feeds behind it.
    #[schemars(regex(pattern = r"^\s*[hH][tT][tT][pP][sS]?:"))]
    url: String,
    /// Who publishes it; the feed's own title where nothing is given.
    outlet: Option<String>,
    /// Add it without a look at what is there.
    #[serde(default)]
    unseen: bool,
}

/// A feed that is polled from now on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Added {
    id: FeedId,
    url: String,
    outlet: String,
}

/// Whether a feed rests.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Paused {
    feed: FeedId,
    /// Since when, and who said so; null where it does not.
    paused: Option<PausedFeed>,
}

/// When a feed is polled.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Polled {
    feed: FeedId,
    /// At the earliest; later where its site has just been asked.
    #[schemars(with = "String")]
    at: Timestamp,
    /// Why not at once.
    held: Option<&'static str>,
}

/// A poll that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PollLine {
    #[serde(flatten)]
    note: PollNote,
    /// Texts that it brought and that were not known, as far as they are read.
    new: u64,
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::Store(error) => return error.into(),
            ControlError::Missing(_) => StatusCode::NOT_FOUND,
            ControlError::Known(_)
            | ControlError::Taken(_)
            | ControlError::InConfig(..)
            | ControlError::Paused(..)
            | ControlError::Full => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

/// A feed with its last polls.
pub(super) fn feed(looking: &Looking<'_>) -> Result<Value, Problem> {
    let found = state::feeds(looking)?.into_iter().find(|feed| feed["id"] == looking.id);
    let mut found = found.ok_or_else(|| Problem::missing("feed"))?;
    let notes = looking.shared.telemetry.recent_polls(&FeedId::new(looking.id));
    let since = notes.first().map(|note| note.at);
    let new: BTreeMap<i64, u64> = match since {
        Some(since) => looking.view.arrivals_of(looking.id, since)?,
        None => BTreeMap::new(),
    };
    let line = |note: PollNote| PollLine { new: new.get(&note.at.as_millisecond()).copied().unwrap_or_default(), note };
    found["polls"] = value(&notes.into_iter().map(line).collect::<Vec<_>>())?;
    Ok(found)
}

fn address(given: &str) -> Result<Url, Problem> {
    let wrong = |what: &str| Problem::bad(format!("url: {what}; an absolute http or https address is wanted"));
    if given.len() > ADDRESS_BYTES_MAX {
        return Err(wrong("it is too long"));
    }
    let url = Url::parse(given.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => wrong("it does not begin with http:// or https://"),
        error => wrong(&error.to_string()),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(wrong(&format!("the scheme {scheme:?} cannot be used"))),
    }
}

pub(super) async fn add(changing: Changing) -> Changed {
    let given: NewFeed = read(&changing.body)?;
    let (url, outlet) = (address(&given.url)?, text("outlet", given.outlet)?);
    if outlet.as_ref().is_some_and(|outlet| outlet.chars().count() > OUTLET_CHARACTERS_MAX) {
        return Err(Problem::bad(format!("outlet: at most {OUTLET_CHARACTERS_MAX} characters")));
    }
    let (database, config) = (changing.database(), changing.shared.config());
    let wanted = (database.clone(), Arc::clone(&config), url.clone());
    blocking(move || ensure_new(&wanted.0, &wanted.1, &wanted.2)).await??;
    let title = if given.unseen { None } else { Some(look(&changing, &config, &url).await?) };
    let outlet = outlet.or(title).filter(|outlet| !outlet.trim().is_empty());
    let outlet = outlet.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned());
    let added = AddedFeed {
        url: url.to_string(),
        outlet: outlet.clone(),
        at: changing.now(),
        by: changing.caller.name.clone(),
    };
    let shown = shown_address(&url);
    let id = blocking(move || add_feed(&database, &config, &url, added)).await??;
    changing.shared.controls.notify_one();
    let answer = Added { id, url: shown, outlet };
    Ok((StatusCode::CREATED, Some(value(&answer)?)))
}

/// Looks whether a feed is there, and gives its title; fails with the feeds that a page leads to.
async fn look(changing: &Changing, config: &Config, url: &Url) -> Result<String, Problem> {
    let Ok(_turn) = changing.shared.searches.try_acquire() else {
        return Err(Problem::busy("other addresses are being looked at"));
    };
    let intake = IntakeConfig { fetch_timeout: config.intake.fetch_timeout.min(GLANCE), ..config.intake.clone() };
    let fetcher = Fetcher::new(&intake).map_err(|error| Problem::busy(error.to_string()))?;
    let search = discover(&fetcher, url, true, intake.entries_max, changing.now());
    let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let found = match tokio::time::timeout(SEARCH_TIME, search).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(refused(format!("nothing was added: {error}"))),
        Err(_) => return Err(refused(format!("nothing was added: no feed was found in {} s", SEARCH_TIME.as_secs()))),
    };
    judge(&found).map_err(|choices| {
        let detail = if choices.is_empty() {
            "nothing was added: this is no feed, names none, and none is where feeds commonly are"
        } else {
            "nothing was added: this is no feed but leads to some; add one of these"
        };
        refused(detail.to_owned()).offering(choices)
    })
}

/// The title of the feed that was found at the address itself; else what else was found.
fn judge(found: &Discovered) -> Result<String, Vec<Choice>> {
    let choice = |feed: &FoundFeed| Choice {
        url: feed.url.to_string(),
        title: feed.title.clone(),
        format: feed.format,
        entries: feed.entries,
        newest: feed.newest.map(|newest| newest.to_string()),
        found: feed.by.as_str(),
    };
    match found.feeds.iter().find(|feed| feed.by == FoundBy::Itself) {
        Some(feed) => Ok(feed.title.chars().filter(|c| !c.is_control()).take(OUTLET_CHARACTERS_MAX).collect()),
        None => Err(found.feeds.iter().map(choice).collect()),
    }
}

pub(super) async fn drop(changing: Changing) -> Changed {
    let (database, config, now) = (changing.database(), changing.shared.config(), changing.now());
    let feed = FeedId::new(changing.id.as_str());
    blocking(move || drop_feed(&database, &config, &feed, now)).await??;
    changing.shared.controls.notify_one();
    Ok((StatusCode::NO_CONTENT, None))
}

pub(super) async fn pause(changing: Changing) -> Changed {
    let paused = PausedFeed { since: changing.now(), by: changing.caller.name.clone() };
    set_paused(changing, Some(paused)).await
}

pub(super) async fn resume(changing: Changing) -> Changed {
    set_paused(changing, None).await
}

async fn set_paused(changing: Changing, paused: Option<PausedFeed>) -> Changed {
    let (database, config, now) = (changing.database(), changing.shared.config(), changing.now());
    let feed = FeedId::new(changing.id.as_str());
    let control = blocking(move || pause_feed(&database, &config, &feed, paused, now)).await??;
    changing.shared.controls.notify_one();
    let answer = Paused { feed: control.feed, paused: control.paused };
    Ok((StatusCode::ACCEPTED, Some(value(&answer)?)))
}

pub(super) async fn poll(changing: Changing) -> Changed {
    let (database, config, now) = (changing.database(), changing.shared.config(), changing.now());
    let feed = FeedId::new(changing.id.as_str());
    let asked = feed.clone();
    let poller = changing.shared.pollers.borrow().clone();
    let ask = move || {
        ask_poll(&database, &config, &asked, now, |feed, cursor| {
            poller.map(|poller| poller.rest(feed, cursor)).unwrap_or_default()
        })
    };
    let (at, hold) = blocking(ask).await??;
    changing.shared.controls.notify_one();
    let answer = Polled { feed, at, held: hold.map(hold_in_words) };
    Ok((StatusCode::ACCEPTED, Some(json!(answer))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_be_polled_are_taken() {
        assert_eq!(address(" https://a.example/rss ").unwrap().as_str(), "https://a.example/rss");
        for (given, words) in [
            ("a.example/rss", "does not begin with http"),
            ("javascript:alert(1)", "\"javascript\" cannot be used"),
            ("file:///etc/passwd", "\"file\" cannot be used"),
            ("https://", "empty host"),
            (&*format!("https://a.example/{}", "x".repeat(ADDRESS_BYTES_MAX)), "too long"),
        ] {
            let problem = address(given).unwrap_err();
            assert!(problem.detail.contains(words), "{given}: {}", problem.detail);
        }
    }
}
