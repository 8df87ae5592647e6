//! Who may fetch from a site next: a fair queue for each registrable domain, with a limit on fetches at once and a shortest time between
//! two; called by `poll`.
//!
//! A site is a registrable domain (by the public suffix list), as limits of hosts hold for all their names; for one that keeps to others
//! a `[[domain]]` of the config draws the line. Feeds wait here in the order in which they were due, and a feed that waits takes
//! nothing from other sites. A site that says "too many requests" is left alone for a minute, then for two, four … as long as it goes on
//! saying so, and never longer than it asked: the feed that was told keeps to the whole `Retry-After`, but what one feed was told need
//! not hold for all. Many a proxy of feeds answers for a limit of what stands behind one of its routes, and a domain that were silent
//! for hours because of one route would cost all others their news; a domain that means all of itself says so again at the next try.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use url::{Host, Url};

use crate::config::{DomainConfig, IntakeConfig};

/// Sites with a queue, from which on those that are not needed are forgotten.
const QUEUES_MAX: usize = 1_024;
/// How long after its last fetch it is known of a site that it limits.
const LIMITS_KEPT: Duration = Duration::from_hours(1);
/// How long a site is left alone after the first of its limits; doubled with each that follows.
const PAUSE: Duration = Duration::from_mins(1);

/// The queues of all sites.
#[derive(Debug)]
pub(super) struct Sites {
    fetches_max: usize,
    gap: Duration,
    domains: Vec<DomainConfig>,
    queues: Mutex<BTreeMap<String, Queue>>,
}

/// The queue of one site.
#[derive(Debug, Default)]
struct Queue {
    /// Who waits, by when it was due.
    waiting: BTreeMap<Place, Arc<Notify>>,
    /// The last place that was given.
    last: u64,
    running: usize,
    /// When the last fetch was let through, and how long no other one is.
    last_start: Option<Instant>,
    gap: Duration,
    /// Until when the site is left alone.
    paused_until: Option<Instant>,
    /// Times in a row that it said that it is asked too often.
    limits: u32,
}

/// A place in a queue: when the fetch was due, then who came first.
type Place = (Timestamp, u64);

/// What the config says of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    name: String,
    fetches_max: usize,
    gap: Duration,
}

/// The right to fetch from a site, held until dropped.
#[derive(Debug)]
pub(super) struct SiteTurn {
    sites: Arc<Sites>,
    site: String,
}

/// Somebody in a queue; leaves it when dropped.
struct Ticket {
    sites: Arc<Sites>,
    site: Site,
    place: Place,
    wake: Arc<Notify>,
    is_served: bool,
}

/// What somebody in a queue is told.
enum Answer {
    Go,
    At(Instant),
    Wait,
}

impl Sites {
    pub(super) fn new(config: &IntakeConfig) -> Arc<Self> {
        Arc::new(Self {
            fetches_max: config.fetches_per_host_max.max(1),
            gap: config.fetch_gap,
            domains: config.domains.clone(),
            queues: Mutex::default(),
        })
    }

    /// Waits for the turn of a fetch from `address` that was due at `due`. May be dropped.
    pub(super) async fn turn(self: &Arc<Self>, address: &Url, due: Timestamp) -> SiteTurn {
        let mut ticket = self.enter(self.site(address), due);
        loop {
            match ticket.ask(Instant::now()) {
                Answer::Go => return SiteTurn { sites: Arc::clone(self), site: ticket.site.name.clone() },
                // Woken or not, it asks again; a wake that came before the wait is kept by the notifier.
                Answer::At(at) => drop(tokio::time::timeout_at(at, ticket.wake.notified()).await),
                Answer::Wait => ticket.wake.notified().await,
            }
        }
    }

    /// How long a site rests before anybody may ask it.
    pub(super) fn rest(&self, address: &Url) -> Duration {
        let site = self.site(address);
        let earliest = self.queues().get(&site.name).and_then(|queue| queue.earliest(&site));
        earliest.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// A site has answered: `limit` is how long it asks to be left alone where it says that it is asked too often. Gives its name.
    pub(super) fn answered(&self, address: &Url, limit: Option<Duration>) -> String {
        let site = self.site(address).name;
        self.queues().entry(site.clone()).or_default().answered(limit, Instant::now());
        site
    }

    /// The site of an address, and what the config says of it.
    fn site(&self, address: &Url) -> Site {
        let host = address.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let is_within = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let own = self.domains.iter().filter(|domain| is_within(&domain.name)).max_by_key(|domain| domain.name.len());
        // One's own machine needs no manners, unless the config says so.
        let is_own = match address.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let is_name = matches!(address.host(), Some(Host::Domain(_)));
        let registrable = || psl::domain_str(&host).filter(|_| is_name).unwrap_or(&host).to_owned();
        Site {
            name: own.map_or_else(registrable, |domain| domain.name.clone()),
            fetches_max: own.and_then(|domain| domain.fetches_max).unwrap_or(self.fetches_max).max(1),
            gap: own.and_then(|domain| domain.fetch_gap).unwrap_or(if is_own { Duration::ZERO } else { self.gap }),
        }
    }

    fn enter(self: &Arc<Self>, site: Site, due: Timestamp) -> Ticket {
        let wake = Arc::new(Notify::new());
        let mut queues = self.queues();
        if queues.len() >= QUEUES_MAX {
            // Articles are at any site they like.
            let now = Instant::now();
            queues.retain(|_, queue| queue.is_needed(now));
        }
        let queue = queues.entry(site.name.clone()).or_default();
        queue.gap = site.gap;
        queue.last += 1;
        let place = (due, queue.last);
        queue.waiting.insert(place, Arc::clone(&wake));
        Ticket { sites: Arc::clone(self), site, place, wake, is_served: false }
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Whether somebody is or waits there, or it is to be left alone for a while. Thousands of sites are asked once in minutes each: of
    /// those there is nothing to know in between.
    fn is_needed(&self, now: Instant) -> bool {
        let kept = if self.limits > 0 { LIMITS_KEPT } else { self.gap };
        let is_recent = self.last_start.is_some_and(|last| now.duration_since(last) < kept);
        self.running > 0 || !self.waiting.is_empty() || is_recent || self.paused_until.is_some_and(|until| until > now)
    }

    fn ask(&mut self, place: Place, site: &Site, now: Instant) -> Answer {
        // A site that said "too many" is tried by one feed first.
        let fetches_max = if self.limits > 0 { 1 } else { site.fetches_max };
        if self.waiting.keys().next() != Some(&place) || self.running >= fetches_max {
            return Answer::Wait;
        }
        match self.earliest(site) {
            Some(at) if at > now => Answer::At(at),
            _ => {
                self.waiting.remove(&place);
                self.running += 1;
                self.last_start = Some(now);
                self.wake_first();
                Answer::Go
            }
        }
    }

    /// From when on the site may be asked.
    fn earliest(&self, site: &Site) -> Option<Instant> {
        let after_last = self.last_start.and_then(|last| last.checked_add(site.gap));
        after_last.max(self.paused_until)
    }

    fn answered(&mut self, limit: Option<Duration>, now: Instant) {
        let Some(asked) = limit else {
            self.limits = 0;
            return;
        };
        self.limits = self.limits.saturating_add(1);
        let doubled = 1_u32.checked_shl(self.limits.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = PAUSE.saturating_mul(doubled).min(asked.max(PAUSE));
        self.paused_until = self.paused_until.max(now.checked_add(pause));
        self.wake_first();
    }

    fn wake_first(&self) {
        if let Some(first) = self.waiting.values().next() {
            first.notify_one();
        }
    }
}

impl Ticket {
    fn ask(&mut self, now: Instant) -> Answer {
        let mut queues = self.sites.queues();
        let queue = queues.entry(self.site.name.clone()).or_default();
        let answer = queue.ask(self.place, &self.site, now);
        self.is_served = matches!(answer, Answer::Go);
        answer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_served {
            return;
        }
        if let Some(queue) = self.sites.queues().get_mut(&self.site.name) {
            queue.waiting.remove(&self.place);
            queue.wake_first();
        }
    }
}

impl Drop for SiteTurn {
    fn drop(&mut self) {
        if let Some(queue) = self.sites.queues().get_mut(&self.site) {
            queue.running = queue.running.saturating_sub(1);
            queue.wake_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(domains: Vec<DomainConfig>) -> Arc<Sites> {
        let fetch_gap = Duration::from_secs(1);
        Sites::new(&IntakeConfig { fetches_per_host_max: 2, fetch_gap, domains, ..IntakeConfig::default() })
    }

    fn url(host: &str) -> Url {
        Url::parse(&format!("https://{host}/feed")).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_site_is_a_registrable_domain_or_what_the_config_calls_one() {
        let domain = |name: &str, fetches_max, fetch_gap: Option<u64>| DomainConfig {
            name: name.to_owned(),
            fetches_max,
            fetch_gap: fetch_gap.map(Duration::from_secs),
        };
        let sites = sites(vec![
            domain("feeds.example.com", Some(5), None),
            domain("github.io", None, Some(9)),
            domain("127.0.0.9", None, Some(3)),
        ]);
        for (host, name, fetches_max, gap) in [
            ("www.Example.com", "example.com", 2, 1),
            ("rss.news.bbc.co.uk", "bbc.co.uk", 2, 1),
            ("a.blogspot.com", "a.blogspot.com", 2, 1),
            ("a.feeds.example.com", "feeds.example.com", 5, 1),
            ("myfeeds.example.com", "example.com", 2, 1),
            ("desk.github.io", "github.io", 2, 9),
            ("localhost", "localhost", 2, 0),
            ("127.0.0.1", "127.0.0.1", 2, 0),
            ("127.0.0.9", "127.0.0.9", 2, 3),
            ("[::1]", "[::1]", 2, 0),
            ("192.0.2.7", "192.0.2.7", 2, 1),
        ] {
            let expected = Site { name: name.to_owned(), fetches_max, gap: Duration::from_secs(gap) };
            assert_eq!(sites.site(&url(host)), expected, "{host}");
        }
    }

    const SITE: fn() -> Site = || Site { name: "example.com".to_owned(), fetches_max: 2, gap: Duration::from_secs(1) };

    /// Lets all who wait have their turns, each of them for `fetch`; gives the times of their starts. Time is reckoned, not waited for.
    fn run(queue: &mut Queue, begin: Instant, fetch: Duration) -> Vec<(Duration, Place)> {
        let (mut now, mut ends, mut starts) = (begin, Vec::new(), Vec::new());
        while let Some(&place) = queue.waiting.keys().next() {
            match queue.ask(place, &SITE(), now) {
                Answer::Go => {
                    starts.push((now - begin, place));
                    ends.push(now + fetch);
                }
                Answer::At(at) => now = at,
                Answer::Wait => {
                    now = now.max(ends.remove(0));
                    queue.running -= 1;
                }
            }
        }
        starts
    }

    fn queue(places: impl Iterator<Item = Place>) -> Queue {
        Queue { waiting: places.map(|place| (place, Arc::default())).collect(), ..Queue::default() }
    }

    #[test]
    fn a_thousand_feeds_of_one_site_come_one_after_the_other_those_first_that_were_due_first() {
        // The later ones were due earlier.
        let mut queue = queue((0..1000).map(|number| (at(5000 - number), number.unsigned_abs())));
        let starts = run(&mut queue, Instant::now(), Duration::from_millis(300));
        assert_eq!(starts.len(), 1000);
        assert!(starts.windows(2).all(|pair| pair[1].0 >= pair[0].0 + Duration::from_secs(1)), "a second apart");
        assert_eq!(starts[999].0, Duration::from_secs(999));
        assert!(starts.is_sorted_by_key(|(_, place)| *place), "by when they were due");
    }

    #[test]
    fn slow_fetches_take_no_more_than_their_share() {
        let mut queue = queue((0..6).map(|number| (at(0), number)));
        let starts = run(&mut queue, Instant::now(), Duration::from_secs(30));
        let seconds: Vec<u64> = starts.iter().map(|(after, _)| after.as_secs()).collect();
        assert_eq!(seconds, [0, 1, 30, 31, 60, 61]);
    }

    #[test]
    fn a_site_that_limits_is_left_alone_longer_and_longer_but_not_longer_than_it_asks() {
        let mut queue = Queue::default();
        let mut now = Instant::now();
        let mut wait = |queue: &mut Queue, limit: Option<u64>| {
            queue.answered(limit.map(Duration::from_secs), now);
            queue.waiting.insert((at(0), 0), Arc::default());
            let starts = run(queue, now, Duration::ZERO);
            queue.running -= 1;
            now += starts[0].0;
            starts[0].0.as_secs()
        };
        assert_eq!(wait(&mut queue, None), 0);
        for expected in [60, 120, 240, 480, 600, 600] {
            assert_eq!(wait(&mut queue, Some(600)), expected);
        }
        // Once it answers well, the next limit is the first again; one that does not say how long is left alone for a minute.
        assert_eq!(wait(&mut queue, None), 1);
        assert_eq!(wait(&mut queue, Some(86_400)), 60);
        assert_eq!([wait(&mut queue, Some(0)), wait(&mut queue, Some(0))], [60, 60]);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_queue_and_sites_do_not_wait_for_one_another() {
        let sites = sites(Vec::new());
        let feed = |host: &str| url(host);
        let first = sites.turn(&feed("a.localhost"), at(0)).await;
        let second = sites.turn(&feed("b.other.org"), at(0)).await;
        let ticket = |due| sites.enter(sites.site(&feed("c.other.org")), at(due));
        let (earlier, mut later) = (ticket(1), ticket(2));
        let soon = Instant::now() + Duration::from_mins(1);
        assert!(matches!(later.ask(soon), Answer::Wait));
        drop(earlier);
        assert!(matches!(later.ask(soon), Answer::Go));
        let mut third = ticket(3);
        assert!(matches!(third.ask(soon + Duration::from_mins(1)), Answer::Wait), "two at once");
        drop((first, second));
        assert!(matches!(third.ask(soon + Duration::from_mins(1)), Answer::Go));
    }

    #[test]
    fn a_site_is_forgotten_when_nothing_is_to_be_known_of_it() {
        let now = Instant::now();
        let gap = Duration::from_secs(1);
        let asked = || Queue { last_start: Some(now), gap, ..Queue::default() };
        assert!(asked().is_needed(now) && !asked().is_needed(now + gap));
        assert!(Queue { running: 1, ..asked() }.is_needed(now + gap));
        assert!(Queue { waiting: BTreeMap::from([((at(0), 0), Arc::default())]), ..asked() }.is_needed(now + gap));
        let mut limited = asked();
        limited.answered(Some(Duration::from_mins(1)), now);
        assert!(
            limited.is_needed(now + 30 * gap) && limited.is_needed(now + 600 * gap),
            "the next limit is its second"
        );
        assert!(!limited.is_needed(now + LIMITS_KEPT));
        limited.answered(None, now);
        assert!(!limited.is_needed(now + 60 * gap));
        let sites = sites(Vec::new());
        for number in 0..3 * QUEUES_MAX {
            drop(sites.enter(sites.site(&url(&format!("{number}.example"))), at(0)));
        }
        assert!(sites.queues().len() <= QUEUES_MAX);
    }
}
