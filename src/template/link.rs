//! Links of messages: to the page, and signed ones by which whoever reads a message follows, mutes or corrects what it tells of.
//! `config` gives the key, messages are given the links, the API asks whether one is ours.
//!
//! A signed link is its own permission: HMAC-SHA256 over what it may do, to what, for which sink and until when. Its end is counted from
//! the alert's own time, so that the same alert gives the same bytes whenever it is rendered.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::Sha256;
use url::{Url, form_urlencoded};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Alert, AlertType, ClaimId, DigestEntry, ThreadId};

/// What the key of links is derived by, so that no other use of the secret gives the same signatures.
const PURPOSE: &[u8] = b"gainsay signed links 1";
/// Bytes of a query that is looked at: a link of ours has a third of it.
const QUERY_BYTES_MAX: usize = 1_024;

/// What a signed link lets its reader do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkAct {
    /// Follow the thread.
    Follow,
    /// Mute the thread, or the speaker of the claim.
    Mute,
    /// Say what is wrong with the claim.
    Wrong,
}

impl LinkAct {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Follow, Self::Mute, Self::Wrong];

    /// Its name in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Mute => "mute",
            Self::Wrong => "wrong",
        }
    }
}

/// What a signed link permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// To do what.
    pub act: LinkAct,
    /// With which thread.
    pub thread: Option<ThreadId>,
    /// With which claim.
    pub claim: Option<ClaimId>,
    /// The sink that was sent the link.
    pub sink: String,
    /// Until when.
    pub until: Timestamp,
}

impl Permit {
    /// What is signed: each part on a line of its own, none of which can hold the end of one.
    fn signed(&self) -> String {
        let thread = self.thread.map(|id| id.to_string()).unwrap_or_default();
        let claim = self.claim.map(|id| id.to_string()).unwrap_or_default();
        format!("{}\n{thread}\n{claim}\n{}\n{}", self.act.as_str(), self.sink, self.until.as_second())
    }
}

/// Why a link permits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is none of ours, was changed, or its key was.
    #[error("this link is not one that gainsay made, or it was changed or cut on its way")]
    Forged,
    /// Its time is over.
    #[error("this link counted until {0}")]
    Expired(Timestamp),
}

/// Makes the links of a daemon and knows them again.
#[derive(Clone, PartialEq, Eq)]
pub struct Links {
    /// Ends in a slash.
    base: Url,
    key: Option<Vec<u8>>,
    lifetime: SignedDuration,
}

impl std::fmt::Debug for Links {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let base = self.base.as_str();
        f.debug_struct("Links").field("base", &base).field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

/// The links of one alert; empty where there is nothing to link to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct MessageLinks {
    /// The page.
    pub(super) page: Option<String>,
    /// The thread on the page.
    pub(super) thread: Option<String>,
    /// To follow the thread.
    pub(super) follow: Option<String>,
    /// To mute the thread or the speaker.
    pub(super) mute: Option<String>,
    /// To say what is wrong.
    pub(super) wrong: Option<String>,
}

/// Who is sent links: nobody where the config has no public address.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// What makes them.
    pub links: Option<&'a Links>,
    /// The sink that is sent them.
    pub sink: &'a str,
}

impl Sent<'_> {
    /// Without links.
    pub const NONE: Sent<'static> = Sent { links: None, sink: "" };

    /// Of an alert. What waits for the end of an embargo is read after that.
    pub(super) fn of(self, alert: &Alert) -> MessageLinks {
        let Some(links) = self.links else { return MessageLinks::default() };
        let embargo = alert.document.as_ref().and_then(|document| document.embargo_until);
        let thread = alert.thread.as_ref().map(|thread| thread.id);
        let claim = alert.claim.as_ref().map(|claim| claim.id);
        // What its outlet has withdrawn needs no correction.
        let may_be_wrong = alert.alert_type != AlertType::ClaimWithdrawn;
        links.all((thread, claim), self.sink, embargo.map_or(alert.time, |until| until.max(alert.time)), may_be_wrong)
    }

    /// Of an alert that a digest lists, which was made at `time`.
    pub(super) fn of_entry(self, entry: &DigestEntry, time: Timestamp) -> MessageLinks {
        let Some(links) = self.links else { return MessageLinks::default() };
        links.all((entry.thread, entry.claim), self.sink, time, entry.alert_type != AlertType::ClaimWithdrawn)
    }
}

impl Links {
    /// Links to the page at `base`; with a secret signed ones, too, which count for so long.
    pub fn new(mut base: Url, secret: Option<&[u8]>, lifetime: SignedDuration) -> Self {
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        let key = secret.map(|secret| mac(secret).chain_update(PURPOSE).finalize().into_bytes().to_vec());
        Self { base, key, lifetime }
    }

    /// The host of the page, as requests name it.
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The address of the page.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Whether there are signed ones.
    pub fn are_signed(&self) -> bool {
        self.key.is_some()
    }

    /// How long signed ones count.
    pub fn lifetime(&self) -> SignedDuration {
        self.lifetime
    }

    fn all(
        &self,
        (thread, claim): (Option<ThreadId>, Option<ClaimId>),
        sink: &str,
        time: Timestamp,
        may_be_wrong: bool,
    ) -> MessageLinks {
        let until = time.saturating_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let signed = |act, is_there: bool| {
            self.signed(&Permit { act, thread, claim, sink: sink.to_owned(), until }).filter(|_| is_there)
        };
        MessageLinks {
            page: Some(self.base.to_string()),
            thread: thread.map(|thread| format!("{}#/thread/{thread}", self.base)),
            follow: signed(LinkAct::Follow, thread.is_some()),
            mute: signed(LinkAct::Mute, thread.is_some()),
            wrong: signed(LinkAct::Wrong, claim.is_some() && may_be_wrong),
        }
    }

    /// The address of a permit.
    fn signed(&self, permit: &Permit) -> Option<String> {
        let signature = mac(self.key.as_deref()?).chain_update(permit.signed()).finalize().into_bytes();
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(thread) = permit.thread {
            query.append_pair("thread", &thread.to_string());
        }
        if let Some(claim) = permit.claim {
            query.append_pair("claim", &claim.to_string());
        }
        query.append_pair("sink", &permit.sink).append_pair("e", &permit.until.as_second().to_string());
        query.append_pair("s", &URL_SAFE_NO_PAD.encode(signature));
        Some(format!("{}act/{}?{}", self.base, permit.act.as_str(), query.finish()))
    }

    /// What a link permits at `now`, given the name of its act and its query. What others put into the query on the way counts for
    /// nothing. Takes the same time whichever byte of the signature differs.
    ///
    /// # Errors
    /// When it is none of ours, or its time is over.
    pub fn verify(&self, act: &str, query: &str, now: Timestamp) -> Result<Permit, LinkError> {
        let permit = self.known(act, query).ok_or(LinkError::Forged)?;
        if permit.until < now { Err(LinkError::Expired(permit.until)) } else { Ok(permit) }
    }

    fn known(&self, act: &str, query: &str) -> Option<Permit> {
        let key = self.key.as_deref()?;
        let act = LinkAct::ALL.into_iter().find(|known| known.as_str() == act)?;
        if query.len() > QUERY_BYTES_MAX {
            return None;
        }
        let value = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        let (thread, claim) = (value("thread"), value("claim"));
        let permit = Permit {
            act,
            thread: thread.as_deref().map(str::parse).transpose().ok()?,
            claim: claim.as_deref().map(str::parse).transpose().ok()?,
            sink: value("sink")?,
            until: Timestamp::from_second(value("e")?.parse().ok()?).ok()?,
        };
        let signature = URL_SAFE_NO_PAD.decode(value("s")?).ok()?;
        mac(key).chain_update(permit.signed()).verify_slice(&signature).ok().map(|()| permit)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::sample;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn links(secret: &[u8]) -> Links {
        Links::new("https://gainsay.example/desk".parse().unwrap(), Some(secret), DAY)
    }

    fn parts(link: &str) -> (String, String) {
        let url: Url = link.parse().unwrap();
        (url.path().strip_prefix("/desk/act/").unwrap().to_owned(), url.query().unwrap().to_owned())
    }

    fn full() -> Alert {
        let mut alert = sample::alert(AlertType::DenialNew, true);
        alert.document.as_mut().unwrap().embargo_until = None;
        alert
    }

    #[test]
    fn a_link_permits_what_it_was_made_for_and_for_so_long() {
        let (links, alert) = (links(b"secret"), full());
        let made = Sent { links: Some(&links), sink: "desk" }.of(&alert);
        assert_eq!(made, Sent { links: Some(&links), sink: "desk" }.of(&alert), "the same each time");
        let thread = alert.thread.as_ref().unwrap().id;
        assert_eq!(made.page.as_deref(), Some("https://gainsay.example/desk/"));
        assert_eq!(made.thread, Some(format!("https://gainsay.example/desk/#/thread/{thread}")));
        let until = alert.time + DAY;
        for (act, link) in LinkAct::ALL.into_iter().zip([made.follow, made.mute, made.wrong]) {
            let (name, query) = parts(&link.unwrap());
            let claim = alert.claim.as_ref().map(|claim| claim.id);
            let permit = Permit { act, thread: Some(thread), claim, sink: "desk".to_owned(), until };
            assert_eq!(links.verify(&name, &query, until), Ok(permit.clone()));
            assert_eq!(links.verify(&name, &format!("utm_source=mail&{query}&x=1"), until), Ok(permit));
            let late = until + SignedDuration::from_secs(1);
            assert_eq!(links.verify(&name, &query, late), Err(LinkError::Expired(until)));
        }
    }

    #[test]
    fn a_link_that_was_changed_is_none() {
        let (links, alert) = (links(b"secret"), full());
        let (act, query) = parts(&Sent { links: Some(&links), sink: "desk" }.of(&alert).mute.unwrap());
        let forged = |act: &str, query: &str| {
            assert_eq!(links.verify(act, query, alert.time), Err(LinkError::Forged), "{act}?{query}");
        };
        let claim = alert.claim.as_ref().unwrap().id;
        forged("follow", &query);
        forged("delete", &query);
        forged("", "");
        forged(&act, "");
        for (from, to) in [
            ("sink=desk", "sink=des"),
            ("sink=desk", "sink=desk%0A1"),
            ("&e=", "&e=1"),
            ("&e=", "&e=x"),
            ("&s=", "&s=A"),
            (&format!("claim={claim}&"), ""),
            (&format!("claim={claim}"), &format!("claim={}", ClaimId::FIRST)),
            (&format!("claim={claim}"), "claim=x"),
        ] {
            let changed = query.replace(from, to);
            assert_ne!(changed, query);
            forged(&act, &changed);
        }
        forged(&act, query.split("&s=").next().unwrap());
        // The first of two counts, for the signature as for the act.
        forged(&act, &format!("claim={}&{query}", ClaimId::FIRST));
        forged(&act, &format!("{query}&{}", "x".repeat(QUERY_BYTES_MAX)));
        assert_eq!(super::Links::verify(&self::links(b"other"), &act, &query, alert.time), Err(LinkError::Forged));
    }

    #[test]
    fn there_are_links_where_there_is_something_to_link_to() {
        let (signed, bare) = (links(b"secret"), Links::new("https://g.example".parse().unwrap(), None, DAY));
        let of = |links, alert: &Alert| Sent { links, sink: "desk" }.of(alert);
        assert_eq!(of(None, &full()), MessageLinks::default());
        let unsigned = of(Some(&bare), &full());
        assert!(unsigned.thread.is_some() && unsigned.follow.is_none() && unsigned.wrong.is_none());
        assert_eq!(unsigned.page.as_deref(), Some("https://g.example/"));
        let feed = of(Some(&signed), &sample::alert(AlertType::FeedStale, true));
        assert_eq!(feed, MessageLinks { page: feed.page.clone(), ..MessageLinks::default() });
        let withdrawn = of(Some(&signed), &sample::alert(AlertType::ClaimWithdrawn, true));
        assert!(withdrawn.mute.is_some() && withdrawn.wrong.is_none());
    }

    /// Nobody can read it before, so its time begins then.
    #[test]
    fn what_is_under_an_embargo_counts_from_its_end() {
        let (links, mut alert) = (links(b"secret"), full());
        let end = alert.time + DAY * 30;
        alert.document.as_mut().unwrap().embargo_until = Some(end);
        let (act, query) = parts(&Sent { links: Some(&links), sink: "desk" }.of(&alert).follow.unwrap());
        assert_eq!(links.verify(&act, &query, end).unwrap().until, end + DAY);
    }

    #[test]
    fn the_key_never_shows() {
        let shown = format!("{:?}", links(b"hush"));
        assert!(!shown.contains("key") && shown.contains("gainsay.example"), "{shown}");
    }
}
