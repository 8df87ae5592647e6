//! `[websub]`: how hubs that push feeds reach this daemon; read from its table, off until it names a callback address.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use url::Url;

use super::load::{PACE, listen, optional_address};
use super::reader::{Section, Wrong, duration};

/// Bounds of the lease that hubs are asked for.
pub(super) const LEASE: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(24 * 365);

/// How hubs reach the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebsubConfig {
    /// What hubs call, as the internet knows it; none: no hub is asked for anything.
    pub callback_url: Option<Url>,
    /// Where these calls come in; its own server, as the other one is for supervisors.
    pub listen: Option<SocketAddr>,
    /// For how long hubs are asked to push.
    pub lease: Duration,
    /// Time between two polls of a feed that its hub pushes.
    pub backing_interval: Duration,
}

impl Default for WebsubConfig {
    fn default() -> Self {
        Self {
            callback_url: None,
            listen: Some((Ipv4Addr::LOCALHOST, 8421).into()),
            lease: Duration::from_hours(24 * 10),
            backing_interval: Duration::from_hours(1),
        }
    }
}

/// Reads `[websub]`.
pub(super) fn read_websub(mut section: Section<'_>) -> WebsubConfig {
    let default = WebsubConfig::default();
    let websub = WebsubConfig {
        callback_url: section.read("callback_url", optional_address).unwrap_or(default.callback_url),
        listen: section.read("listen", listen).unwrap_or(default.listen),
        lease: section.read("lease", |value| duration(value, LEASE)).unwrap_or(default.lease),
        backing_interval: section
            .read("backing_interval", |value| duration(value, PACE))
            .unwrap_or(default.backing_interval),
    };
    let has_query = websub.callback_url.as_ref().is_some_and(|url| url.query().is_some() || url.fragment().is_some());
    if has_query {
        let what = "callback_url has a query or a fragment: the name of each subscription is put behind it";
        section.problem(Wrong::new(what, "an address such as \"https://news.example/websub\""));
    }
    if websub.callback_url.is_some() && websub.listen.is_none() {
        let what = "callback_url is given and listen is empty: nobody would answer";
        section.problem(Wrong::new(what, "an address with its port in listen"));
    }
    section.finish();
    websub
}
