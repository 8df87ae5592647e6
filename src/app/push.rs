//! A feed's hub in the feed's task: subscribes where the feed names one, takes what it pushes the way a poll's entries go, renews, and
//! polls as ever where it falls silent.
//!
//! A poll says what the hub has missed: entries that neither the poll before nor a push has brought. Only a hub that has pushed, and
//! has missed nothing since, makes polls rarer.

use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;

use super::Manners;
use super::feed::{Extent, FeedTask};
use crate::config::WebsubConfig;
use crate::intake::{Discovery, Hub, Mode, Outcome, Poll, Pushed, new_subscription};
use crate::model::{IdentityRule, Item, PollReason, Subscription, shown_address};
use crate::web::{Callback, Callbacks, Told};

/// What waits for one feed; its hub is asked to come again where there is more.
const INBOX: usize = 4;
/// First wait after a hub was asked in vain; doubled each time.
const ASK_AGAIN_MIN: Duration = Duration::from_mins(15);
/// Longest such wait, and the one after a denial.
const ASK_AGAIN_MAX: Duration = Duration::from_hours(24);
/// A lease may be so short that it would be renewed all the time, and so long that it overflows.
const RENEW_MIN: Duration = Duration::from_secs(5);
const LEASE_MAX: Duration = Duration::from_hours(24 * 365);
/// Share of a lease after which it is renewed, from and to: spread, so that a hub is not asked for all of its feeds at once.
const RENEW_FROM: f64 = 0.7;
const RENEW_TO: f64 = 0.85;
/// Times the usual gap between two pushes after which the hub counts as silent.
const SILENCE: i64 = 4;
/// A push that cannot be taken as it is makes a poll, but not more often than this.
const PUSHED_POLL_GAP: Duration = Duration::from_secs(10);
/// The hub is told that a feed is taken out, but not waited for longer.
const UNSUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait, on average, where so many hubs are being asked.
const ASK_SOON: Duration = Duration::from_secs(10);
/// Hubs that are asked at once.
const ASKED_MAX: usize = 4;

/// What feeds need to be pushed: one for the daemon.
#[derive(Debug)]
pub(super) struct Hubs {
    pub(super) callbacks: Arc<Callbacks>,
    settings: WebsubConfig,
    asked: tokio::sync::Semaphore,
}

impl Hubs {
    /// With these settings.
    pub(super) fn new(settings: WebsubConfig, callbacks: Arc<Callbacks>) -> Self {
        Self { callbacks, settings, asked: tokio::sync::Semaphore::new(ASKED_MAX) }
    }
}

/// One feed's ear for its hub.
#[derive(Debug)]
pub(super) struct Ear {
    hubs: Option<Arc<Hubs>>,
    /// There from the first subscription on: most feeds have no hub.
    inbox: Option<(mpsc::Sender<Told>, mpsc::Receiver<Told>)>,
    /// Hashes of what the last poll brought; none before the first since the start.
    carried: Option<BTreeSet<u64>>,
    /// Hashes of what was pushed since.
    pushed: BTreeSet<u64>,
}

impl Ear {
    /// An ear; deaf without `hubs`.
    pub(super) fn new(hubs: Option<Arc<Hubs>>) -> Self {
        Self { hubs, inbox: None, carried: None, pushed: BTreeSet::new() }
    }

    /// What the hub says next. May be dropped: it loses nothing.
    pub(super) async fn told(&mut self) -> Told {
        let told = match &mut self.inbox {
            Some((_, inbox)) => inbox.recv().await,
            None => None,
        };
        match told {
            Some(told) => told,
            // Nobody can say anything yet: of an inbox that is there we hold a sender.
            None => std::future::pending().await,
        }
    }

    fn listen(&mut self, subscription: &Subscription) {
        if let Some(hubs) = &self.hubs {
            let inbox = self.inbox.get_or_insert_with(|| mpsc::channel(INBOX)).0.clone();
            let (topic, secret) = (subscription.topic.clone(), subscription.secret.clone());
            hubs.callbacks.hear(subscription.token(), Callback { topic, secret, inbox });
        }
    }

    fn forget(&self, subscription: &Subscription) {
        if let Some(hubs) = &self.hubs {
            hubs.callbacks.forget(subscription.token());
        }
    }

    /// What a poll says of the feed's hub, noted in the cursor that is committed with it.
    pub(super) fn note(&mut self, poll: &mut Poll, now: Timestamp) {
        let Some(hubs) = self.hubs.clone() else { return };
        let base = hubs.settings.callback_url.as_ref();
        match &poll.discovery {
            Discovery::Unknown => {}
            Discovery::None => {
                if let Some(old) = poll.cursor.subscription.take() {
                    self.forget(&old);
                }
            }
            Discovery::Hub(hub) => {
                let is_known = poll.cursor.subscription.as_ref().is_some_and(|known| is_at(known, hub));
                if !is_known {
                    if let Some(old) = poll.cursor.subscription.take() {
                        self.forget(&old);
                    }
                    poll.cursor.subscription = base.and_then(|base| new_subscription(hub, base, now)).map(Box::new);
                    poll.cursor.subscription.iter().for_each(|new| self.listen(new));
                }
            }
        }
        if matches!(poll.outcome, Outcome::NotModified) {
            // The hub has missed nothing.
            return self.back(poll, now);
        }
        let (Some(subscription), Outcome::Items { items, .. }) = (&mut poll.cursor.subscription, &poll.outcome) else {
            return;
        };
        let carried: BTreeSet<u64> = items.iter().map(hash).collect();
        if let Some(before) = &self.carried {
            subscription.has_missed |= carried.iter().any(|one| !before.contains(one) && !self.pushed.contains(one));
        }
        subscription.takes_content = !items.is_empty() && items.iter().all(is_known_by_guid);
        self.carried = Some(carried);
        self.pushed.clear();
        self.back(poll, now);
    }

    /// Puts the next poll off where the hub brings everything.
    fn back(&self, poll: &mut Poll, now: Timestamp) {
        let (Some(hubs), Some(subscription)) = (&self.hubs, &poll.cursor.subscription) else { return };
        let wait = backing(subscription, poll.next_poll_after, hubs.settings.backing_interval, now);
        if poll.cursor.failures == 0 && wait > poll.next_poll_after {
            poll.next_poll_after = wait;
            (poll.cursor.next_poll, poll.cursor.next_poll_reason) = (Some(later(now, wait)), Some(PollReason::Push));
        }
    }
}

/// When to poll next: later than a feed without a hub, where the hub brings everything.
fn backing(subscription: &Subscription, next: Duration, interval: Duration, now: Timestamp) -> Duration {
    let Some(last) = subscription.last_push.filter(|_| subscription.is_live(now) && !subscription.has_missed) else {
        return next;
    };
    // Before the rhythm is known, nothing can be said of silence.
    let Some(rhythm) = subscription.rhythm else { return next };
    let silent_at =
        last.saturating_add(SignedDuration::from_secs(rhythm.saturating_mul(SILENCE))).unwrap_or(Timestamp::MAX);
    let until_silent = Duration::try_from(silent_at.duration_since(now)).unwrap_or_default();
    interval.min(until_silent).max(next)
}

fn is_at(subscription: &Subscription, hub: &Hub) -> bool {
    subscription.hub == hub.hub.as_str() && subscription.topic == hub.topic.as_str()
}

/// A hub's address as people are shown it.
fn shown(hub: &str) -> String {
    Url::parse(hub).map(|hub| shown_address(&hub)).unwrap_or_default()
}

/// One that is known by its guid alone keeps its identity when it comes without the rest of its feed.
fn is_known_by_guid(item: &Item) -> bool {
    item.identity.rule == IdentityRule::Guid && item.guid.as_deref() == Some(item.identity.key.as_str())
}

fn hash(item: &Item) -> u64 {
    rustc_hash::FxBuildHasher.hash_one(item.identity.bytes())
}

/// The wait after a hub was asked in vain so many times.
fn ask_again(failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    ASK_AGAIN_MIN.saturating_mul(factor).min(ASK_AGAIN_MAX).mul_f64(0.9 + 0.2 * fastrand::f64())
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// A hub has promised to push for `lease`.
fn verify(subscription: &mut Subscription, lease: Duration, now: Timestamp, random: f64) {
    let lease = lease.min(LEASE_MAX);
    subscription.ends = Some(later(now, lease));
    let share = RENEW_FROM + (RENEW_TO - RENEW_FROM) * random.clamp(0.0, 1.0);
    subscription.next = later(now, lease.mul_f64(share).max(RENEW_MIN));
    (subscription.is_pending, subscription.failures, subscription.trouble) = (false, 0, None);
}

/// A hub was asked in vain.
fn fail(subscription: &mut Subscription, trouble: String, wait: Option<Duration>, now: Timestamp) {
    subscription.failures = subscription.failures.saturating_add(1);
    subscription.is_pending = false;
    subscription.trouble = Some(trouble);
    subscription.next = later(now, wait.unwrap_or_else(|| ask_again(subscription.failures)));
}

/// A push has come.
fn heard(subscription: &mut Subscription, now: Timestamp) {
    if let Some(last) = subscription.last_push {
        let gap = now.duration_since(last).as_secs().clamp(1, 7 * 86_400);
        subscription.rhythm = Some(subscription.rhythm.map_or(gap, |usual| (3 * usual + gap) / 4).max(60));
    }
    subscription.last_push = Some(now);
    subscription.has_missed = false;
}

impl FeedTask {
    /// Hears the hub of the subscription that the last run left; drops one that hubs cannot reach any more.
    pub(super) fn resume_subscription(&mut self) {
        let base = self.ear.hubs.as_ref().and_then(|hubs| hubs.settings.callback_url.as_ref());
        let is_ours =
            |one: &Subscription| base.is_some_and(|base| one.callback.starts_with(base.as_str().trim_end_matches('/')));
        self.cursor.subscription = self.cursor.subscription.take().filter(|one| is_ours(one));
        self.cursor.subscription.iter().for_each(|subscription| self.ear.listen(subscription));
    }

    /// Waits until the hub is to be asked; for ever where there is none.
    pub(super) fn until_asking(&self) -> impl Future<Output = ()> + use<> {
        let next = self.cursor.subscription.as_ref().filter(|_| self.ear.hubs.is_some()).map(|one| one.next);
        let wait = next.map(|next| next.duration_since(self.watchers.clock.now()));
        async move {
            match wait {
                // Never in a tight loop, whatever the clock does.
                Some(wait) => {
                    let wait = Duration::try_from(wait).unwrap_or_default().max(Duration::from_millis(10));
                    Box::pin(tokio::time::sleep(wait)).await;
                }
                None => std::future::pending().await,
            }
        }
    }

    /// Asks the hub to push. It may verify before it has answered, so what it must be known by is durable first.
    pub(super) async fn ask_hub(&mut self, manners: &Manners) {
        let Some(hubs) = self.ear.hubs.clone() else { return };
        let now = self.watchers.clock.now();
        let Some(subscription) = &mut self.cursor.subscription else { return };
        if subscription.next > now {
            return;
        }
        // Hubs are asked one after the other, and a slow one holds up no feed.
        let Ok(_place) = hubs.asked.try_acquire() else {
            subscription.next = later(now, ASK_SOON.mul_f64(0.5 + fastrand::f64()));
            return;
        };
        if subscription.is_pending {
            fail(subscription, "the hub takes subscriptions and does not verify them".to_owned(), None, now);
        } else {
            subscription.next = later(now, ask_again(subscription.failures.max(1)));
        }
        subscription.is_pending = true;
        let asked = subscription.clone();
        if !self.commit_cursor().await {
            return;
        }
        let lease = hubs.settings.lease.as_secs();
        let answer = manners.poller.ask_hub(&asked, Mode::Subscribe { lease }, now).await;
        let Err(error) = answer else { return };
        warn!(feed = %self.feed.id, %error, "a hub cannot be asked, the feed is polled as ever");
        if let Some(subscription) = &mut self.cursor.subscription {
            let wait = error.retry_after().map(|wait| wait.max(ask_again(subscription.failures + 1)));
            fail(subscription, format!("the hub cannot be asked: {error}"), wait, now);
            self.commit_cursor().await;
        }
    }

    /// Takes in what the hub says; how soon to poll, where it says so.
    pub(super) async fn hear(&mut self, told: Told, manners: &Manners, stop: &CancellationToken) -> Option<Duration> {
        let now = self.watchers.clock.now();
        let settings = self.ear.hubs.as_ref().map(|hubs| hubs.settings.lease)?;
        let subscription = self.cursor.subscription.as_mut()?;
        match told {
            Told::Verified { lease } => {
                verify(subscription, lease.map_or(settings, Duration::from_secs), now, fastrand::f64());
                info!(feed = %self.feed.id, hub = shown(&subscription.hub), "a hub pushes the feed");
                self.commit_cursor().await;
                None
            }
            Told::Denied { reason } => {
                let trouble = format!("the hub refuses to push: {reason}");
                warn!(feed = %self.feed.id, error = trouble, "the feed is polled as ever");
                subscription.ends = None;
                fail(subscription, trouble, Some(ASK_AGAIN_MAX), now);
                self.commit_cursor().await;
                // What was to be pushed meanwhile may wait.
                Some(self.soon(now))
            }
            Told::Content(pushed) => {
                heard(subscription, now);
                self.take_content(pushed, manners, now, stop).await
            }
        }
    }

    /// Hands over what was pushed as a poll's entries are; what cannot be read so, or might be known by another name, is polled.
    async fn take_content(
        &mut self,
        mut pushed: Pushed,
        manners: &Manners,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Option<Duration> {
        let takes_content = self.cursor.subscription.as_ref().is_some_and(|one| one.takes_content);
        if takes_content {
            let poll = manners.poller.read_pushed(&self.feed, &self.cursor, &mut pushed).await;
            let hashes: Option<Vec<u64>> = match &poll.outcome {
                Outcome::Items { items, .. } if items.iter().all(is_known_by_guid) => {
                    Some(items.iter().map(hash).collect())
                }
                _ => None,
            };
            if let Some(hashes) = hashes {
                self.watchers.telemetry.entries_pushed(&poll);
                self.watchers.observer.polled(&self.feed, &poll);
                if let Some(cursor) = self.hand_over(poll, (Extent::Part, None), manners, now, stop).await {
                    *self.cursor = cursor;
                    self.ear.pushed.extend(hashes);
                    return None;
                }
            }
        }
        self.commit_cursor().await;
        Some(self.soon(now))
    }

    /// How soon the feed may be polled for what its hub says: a hub's word is no reason to ask a server that wants to be left alone.
    fn soon(&self, now: Timestamp) -> Duration {
        let since = self.cursor.last_poll.map(|last| now.duration_since(last));
        let since = since.and_then(|since| Duration::try_from(since).ok()).unwrap_or(PUSHED_POLL_GAP);
        let gap = PUSHED_POLL_GAP.min(self.feed.poll_interval).saturating_sub(since);
        let held = self.cursor.left_alone_until.map(|until| until.duration_since(now));
        gap.max(held.and_then(|held| Duration::try_from(held).ok()).unwrap_or_default())
    }

    /// Tells the hub of a feed that is taken out to push no more, and forgets the subscription.
    pub(super) async fn unsubscribe(&mut self) {
        let Some(subscription) = self.cursor.subscription.take() else { return };
        self.ear.forget(&subscription);
        let (poller, now) = (Arc::clone(&self.manners.borrow().poller), self.watchers.clock.now());
        let told = poller.ask_hub(&subscription, Mode::Unsubscribe, now);
        // Where it could not be told, its next push is answered with "gone", and its lease ends.
        let is_told = matches!(tokio::time::timeout(UNSUBSCRIBE_TIMEOUT, told).await, Ok(Ok(())));
        if is_told {
            info!(feed = %self.feed.id, hub = shown(&subscription.hub), "a hub was told to push no more");
        } else {
            info!(feed = %self.feed.id, hub = shown(&subscription.hub), "a hub could not be told to push no more");
        }
        self.commit_cursor().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn subscription() -> Subscription {
        let hub = Hub { hub: "https://h.example".parse().unwrap(), topic: "https://a.example".parse().unwrap() };
        new_subscription(&hub, &"https://me.example".parse().unwrap(), Timestamp::UNIX_EPOCH).unwrap()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(60 * minutes).unwrap()
    }

    #[test]
    fn only_a_hub_that_has_proved_itself_makes_polls_rarer() {
        let hour = 60 * MINUTE;
        let mut one = subscription();
        let next = |one: &Subscription, minutes: i64| backing(one, 5 * MINUTE, hour, at(minutes));
        assert_eq!(next(&one, 0), 5 * MINUTE, "not verified");
        verify(&mut one, 24 * hour, at(0), 0.5);
        assert_eq!(next(&one, 0), 5 * MINUTE, "has pushed nothing");
        heard(&mut one, at(10));
        assert_eq!(next(&one, 10), 5 * MINUTE, "rhythm unknown");
        heard(&mut one, at(40));
        assert_eq!(next(&one, 40), hour);
        assert_eq!(next(&one, 130), 30 * MINUTE, "silent soon");
        assert_eq!(next(&one, 170), 5 * MINUTE, "silent");
        one.has_missed = true;
        assert_eq!(next(&one, 40), 5 * MINUTE, "has missed something");
        heard(&mut one, at(50));
        assert_eq!(next(&one, 50), hour);
        assert_eq!(next(&one, 24 * 60 + 1), 5 * MINUTE, "its lease is over");
    }

    #[test]
    fn a_lease_is_renewed_before_its_end_and_never_all_the_time() {
        for (lease, random, from, to) in [(1_000, 0.0, 700, 700), (1_000, 1.0, 850, 850), (1, 0.5, 5, 5)] {
            let mut one = subscription();
            fail(&mut one, "x".to_owned(), None, at(0));
            verify(&mut one, Duration::from_secs(lease), at(0), random);
            let next = one.next.as_second();
            assert!((from..=to).contains(&next), "{lease} {random} {next}");
            assert!((one.failures, one.trouble) == (0, None));
        }
        let mut one = subscription();
        verify(&mut one, Duration::from_secs(u64::MAX), at(0), 0.5);
        assert_eq!(one.ends, Some(later(at(0), LEASE_MAX)));
    }

    #[test]
    fn a_hub_that_fails_is_asked_ever_less_often() {
        let mut one = subscription();
        for (minutes, tolerance) in [(15, 2), (30, 3), (60, 6), (120, 12)] {
            fail(&mut one, "x".to_owned(), None, at(0));
            assert!((one.next.as_second() / 60 - minutes).abs() <= tolerance, "{minutes} {}", one.next);
        }
        one.failures = u32::MAX;
        fail(&mut one, "x".to_owned(), None, at(0));
        assert!(one.next <= later(at(0), ASK_AGAIN_MAX.mul_f64(1.1)));
    }
}
