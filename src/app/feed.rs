//! One feed's task: it waits, polls, hands over what came as documents in the order of events, and waits for the commit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::pages::{Entry, PageTurn};
use super::push::Ear;
use super::{Delivery, Manners, Order, Watchers};
use crate::config::{FeedConfig, TextPolicy};
use crate::desk::Work;
use crate::intake::{Outcome as PollOutcome, Poll, Turn, soonest, wait_after_start};
use crate::model::{
    Document, DocumentId, EntryTrace, FeedCursor, FeedId, Item, PollReason, Release, SourceInfo, Version,
    comparable_address, shown_text,
};
use crate::pipeline::Windows;
use crate::telemetry::PollNote;
use crate::text::document::{document, document_id};
use crate::web::Told;

/// How long a feed waits for its site's turn before it says how long that may be.
const REMINDER: Duration = Duration::from_mins(1);
/// How long a poller waits after the desk could not commit what it brought.
const COMMIT_RETRY: Duration = Duration::from_secs(10);

/// One feed's task: wait, poll, hand over, wait for the commit.
pub(super) struct FeedTask {
    pub(super) feed: Arc<FeedConfig>,
    pub(super) cursor: Box<FeedCursor>,
    /// Time over which the first polls are spread.
    pub(super) spread: Duration,
    pub(super) manners: watch::Receiver<Arc<Manners>>,
    pub(super) watchers: Watchers,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) ear: Ear,
    /// Notified when somebody wants a poll now.
    pub(super) hurry: Arc<Notify>,
    /// Set before the stop where the feed is taken out for good.
    pub(super) is_leaving: Arc<AtomicBool>,
}

/// How much of a feed was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All that it carries.
    Whole,
    /// Some of it: what else it carries is not known.
    Part,
}

/// What a feed's task does next.
enum Next {
    Stop,
    /// To wait for its turn: it is due.
    Due,
    Poll(Turn, Arc<Manners>),
    /// To say how long the site rests, for which it has waited long.
    Remind,
    Hear(Told),
    AskHub,
    /// To poll as soon as good manners permit: somebody asked for it.
    Hurry,
}

impl FeedTask {
    /// Polls until it is stopped; gives the cursor of the last poll that is durable.
    ///
    /// A feed waits nearly always, and there may be many thousands: what waits is small. All that a turn, a poll, a push or a hub needs
    /// is made when it comes and gone with it.
    pub(super) async fn run(mut self: Box<Self>, stop: CancellationToken) -> Box<FeedCursor> {
        self.resume_subscription();
        let mut due = self.first_poll();
        let mut is_noted = false;
        loop {
            let delay = Duration::try_from(due.duration_since(self.watchers.clock.now())).unwrap_or_default();
            if !is_noted {
                self.note_wait(delay.max(self.rest()));
            }
            let next = self.next(due, delay, &stop).await;
            is_noted = matches!(next, Next::Due | Next::Remind);
            let soon = match next {
                Next::Stop => {
                    if self.is_leaving.load(Ordering::Relaxed) {
                        Box::pin(self.unsubscribe()).await;
                    }
                    // Also where it was taken out while it was polled.
                    self.watchers.telemetry.pulse.feed_left(&self.feed.id);
                    return self.cursor;
                }
                Next::Due => {
                    // Also by a clock that was set back meanwhile.
                    due = due.min(self.watchers.clock.now());
                    None
                }
                Next::Remind => {
                    // That it waits because its site rests is no sign of trouble.
                    let rest = self.rest();
                    if !rest.is_zero() {
                        self.note_wait(rest);
                    }
                    None
                }
                Next::Hurry => {
                    due = due.min(soonest(&self.cursor, self.watchers.clock.now()).0);
                    None
                }
                Next::Poll(turn, manners) => Some(Box::pin(self.poll(turn, &manners, &stop)).await),
                Next::Hear(told) => {
                    let manners = Arc::clone(&self.manners.borrow());
                    Box::pin(self.hear(told, &manners, &stop)).await
                }
                Next::AskHub => {
                    let manners = Arc::clone(&self.manners.borrow());
                    // A hub that is slow must not hold up the stop; what it answers then is no loss.
                    tokio::select! {
                        () = Box::pin(self.ask_hub(&manners)) => {}
                        () = stop.cancelled() => {}
                    }
                    None
                }
            };
            if let Some(soon) = soon {
                due = self.watchers.clock.now().saturating_add(soon).unwrap_or(Timestamp::MAX);
            }
        }
    }

    /// Waits for what comes first; when it is due counts for its place in the queue of its site.
    async fn next(&mut self, due: Timestamp, delay: Duration, stop: &CancellationToken) -> Next {
        let is_due = delay.is_zero();
        // Pinned first: the macro keeps room for all that it is given twice.
        let mut stopped = pin!(stop.cancelled());
        let mut asking = pin!(self.until_asking());
        let mut hurried = pin!(self.hurry.notified());
        let mut slept = pin!(tokio::time::sleep(if is_due { REMINDER } else { delay }));
        let mut turn = pin!(turn(due, &self.manners, &self.feed, &self.cursor));
        // All branches only wait, and its place in the queue is by when it is due: nothing is lost when another wins.
        tokio::select! {
            biased;
            () = stopped.as_mut() => Next::Stop,
            told = self.ear.told() => Next::Hear(told),
            () = asking.as_mut() => Next::AskHub,
            () = hurried.as_mut() => Next::Hurry,
            () = slept.as_mut() => if is_due { Next::Remind } else { Next::Due },
            (turn, manners) = turn.as_mut(), if is_due => Next::Poll(turn, manners),
        }
    }

    /// How long its site rests.
    fn rest(&self) -> Duration {
        self.manners.borrow().poller.rest(&self.feed, &self.cursor)
    }

    /// Tells how long it waits.
    fn note_wait(&self, wait: Duration) {
        let fetch_timeout = self.manners.borrow().fetch_timeout;
        self.watchers.telemetry.pulse.feed_waits(&self.feed.id, wait, fetch_timeout);
    }

    /// Polls and hands over; how long to wait then.
    async fn poll(&mut self, turn: Turn, manners: &Manners, stop: &CancellationToken) -> Duration {
        let Watchers { clock, observer, telemetry, .. } = self.watchers.clone();
        let _under_way = telemetry.poll_begins();
        let now = clock.now();
        let cursor = self.cursor.to_poll(now, manners.windows.touch_interval());
        let mut poll = manners.poller.poll(&turn, &self.feed, &cursor, now).await;
        self.ear.note(&mut poll, now);
        telemetry.polled(&self.feed, &poll);
        telemetry.note_poll(&self.feed.id, PollNote::new(&self.feed, &poll, now, clock.now()));
        observer.polled(&self.feed, &poll);
        let delay = poll.next_poll_after;
        // Of a watched directory only what is new is read, not what stands there beside it.
        let extent = if self.feed.url.scheme() == "file" { Extent::Part } else { Extent::Whole };
        match self.hand_over(poll, (extent, Some(turn)), manners, now, stop).await {
            Some(cursor) => {
                *self.cursor = cursor;
                delay
            }
            None => delay.max(COMMIT_RETRY),
        }
    }

    /// A restart is no reason to ask a feed again before its time. Those that are due come one after the other.
    fn first_poll(&self) -> Timestamp {
        let now = self.watchers.clock.now();
        let wait = match (self.cursor.next_poll, self.cursor.last_poll) {
            // What was pushed meanwhile, nobody heard.
            (Some(_), _) if self.cursor.next_poll_reason == Some(PollReason::Push) => Duration::ZERO,
            (Some(next), _) => {
                let is_left_alone = self.cursor.left_alone_until.is_some()
                    || matches!(self.cursor.next_poll_reason, Some(PollReason::SkipHours | PollReason::SkipDays));
                wait_after_start(next, self.feed.poll_interval_max, is_left_alone, now)
            }
            // Of before it was noted when the next poll is to be.
            (None, Some(last)) => {
                let next = last.saturating_add(self.feed.poll_interval).unwrap_or(now);
                let next = self.cursor.left_alone_until.map_or(next, |until| next.max(until));
                wait_after_start(next, self.feed.poll_interval, self.cursor.left_alone_until.is_some(), now)
            }
            (None, None) => Duration::ZERO,
        };
        let wait = if wait.is_zero() { self.spread.mul_f64(fastrand::f64()) } else { wait };
        now.saturating_add(wait).unwrap_or(now)
    }

    /// Makes the cursor durable by itself.
    pub(super) async fn commit_cursor(&self) -> bool {
        self.send(Work { cursor: Some((*self.cursor).clone()), ..Work::default() }).await
    }

    /// Gives the desk what a poll brought in its turn, or a push without one. Its cursor, once all is durable.
    pub(super) async fn hand_over(
        &self,
        mut poll: Poll,
        (extent, turn): (Extent, Option<Turn>),
        manners: &Manners,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Option<FeedCursor> {
        let telemetry = &self.watchers.telemetry;
        let (mut cursor, health) = (poll.cursor.clone(), poll.health.take());
        let (read, withheld) = match &poll.outcome {
            PollOutcome::Items { items, .. } => (items.len() as u64, withheld(&self.feed.id, items)),
            PollOutcome::NotModified | PollOutcome::Failed(_) => (0, Vec::new()),
        };
        let withheld_count = withheld.len() as u64;
        let entries = self.entries(poll, extent, manners.windows, now).await.inspect_err(|error| {
            error!(feed = %self.feed.id, %error, "what a poll brought cannot be handed over");
            telemetry.not_handed_over(read);
        });
        // Held, as the feed's turn is where no page is wanted, until what the poll brought is durable: they bound the memory.
        let is_whole = extent == Extent::Whole;
        let (mut entries, mut turn, mut stage) = (entries.ok()?, turn, None);
        if entries.iter().any(|entry| entry.item.is_some()) {
            stage = manners.poller.page_stage();
            if stage.is_some() {
                // A page takes its own turn at its host, which may be the feed's.
                turn = None;
            }
            let pages = PageTurn { task: self, manners, now, stop };
            let Some(due) = pages.take(&mut entries, &cursor.pages, stage.is_some(), is_whole).await else {
                telemetry.not_handed_over(read);
                return None;
            };
            cursor.pages = due;
        } else if is_whole && read > 0 {
            // What is due is no longer in the feed.
            cursor.pages.clear();
        }
        let mut documents: Vec<Document> = entries.into_iter().map(|entry| entry.document).collect();
        put_in_order(&mut documents, self.feed.url.scheme() == "file");
        let work = Work { cursor: Some(cursor.clone()), health, documents, withheld, ..Work::default() };
        let documents = work.documents.len() as u64;
        // Counted in before the desk can count them out, and until it has.
        let _waits = telemetry.waits_for_desk();
        telemetry.handed_over(documents, withheld_count, read.saturating_sub(documents + withheld_count));
        let is_durable = self.send(work).await;
        drop((turn, stage));
        is_durable.then_some(cursor)
    }

    async fn send(&self, work: Work) -> bool {
        let (done, answer) = oneshot::channel();
        self.orders.send(Order::Take(Box::new(Delivery { work, done }))).await.is_ok() && answer.await.unwrap_or(false)
    }

    /// The entries of a poll, cleaned.
    async fn entries(
        &self,
        poll: Poll,
        extent: Extent,
        windows: Windows,
        now: Timestamp,
    ) -> Result<Vec<Entry>, JoinError> {
        let source = SourceInfo { feed: self.feed.id.clone(), outlet: self.feed.outlet.clone() };
        let backfill = SignedDuration::try_from(self.feed.backfill).unwrap_or(SignedDuration::MAX);
        let memory = Memory { backfill, window: windows.claims };
        let policy = self.feed.text;
        tokio::task::spawn_blocking(move || entries(poll, extent, &source, memory, policy, now)).await
    }
}

/// The feed's turn, and how to poll in it.
async fn turn(
    due: Timestamp,
    manners: &watch::Receiver<Arc<Manners>>,
    feed: &FeedConfig,
    cursor: &FeedCursor,
) -> (Turn, Arc<Manners>) {
    let manners = Arc::clone(&manners.borrow());
    (Box::pin(manners.poller.turn(feed, cursor, due)).await, manners)
}

/// Cleans the items of a poll into documents.
fn entries(
    poll: Poll,
    extent: Extent,
    source: &SourceInfo,
    memory: Memory,
    policy: TextPolicy,
    now: Timestamp,
) -> Vec<Entry> {
    let PollOutcome::Items { items, read_before } = poll.outcome else { return Vec::new() };
    // What is withheld is no document until a later version may be used: then it is news.
    let usable = items.into_iter().filter(|item| item.release != Release::Withheld);
    let cleaned = usable.filter_map(|item| Some((clean(source, &item, now)?, item)));
    let (mut documents, items): (Vec<Document>, Vec<Item>) = cleaned
        .map(|(document, item)| {
            let is_baseline = memory.is_baseline(&document, read_before, now);
            (Document { is_baseline, ..document }, item)
        })
        .unzip();
    if extent == Extent::Whole {
        trace(&mut documents);
    }
    documents.into_iter().zip(items).map(|(document, item)| Entry::new(document, item, policy)).collect()
}

/// The entries that must not be used now, by their documents: what the desk knows of them is to wait. Of several versions of an entry
/// that came together the latest counts, which is listed first where they do not say it themselves.
fn withheld(feed: &FeedId, items: &[Item]) -> Vec<(DocumentId, Version)> {
    let mut latest: BTreeMap<DocumentId, Version> = BTreeMap::new();
    let mut withheld = Vec::new();
    for item in items {
        let id = document_id(feed, item);
        if latest.get(&id).is_some_and(|latest| !latest.is_older_than(item.version)) {
            continue;
        }
        latest.insert(id, item.version);
        if item.release == Release::Withheld {
            withheld.push((id, item.version));
        }
    }
    withheld
}

/// Gives the documents of a whole feed their traces: those whose address no other entry has. What stands side by side at one address,
/// as the entries of a live page do, is told apart by nothing but its identity.
fn trace(documents: &mut [Document]) {
    let addresses: Vec<Option<String>> =
        documents.iter().map(|document| document.url.as_deref().and_then(comparable_address)).collect();
    let mut entries: BTreeMap<&str, usize> = BTreeMap::new();
    for address in addresses.iter().flatten() {
        *entries.entry(address).or_default() += 1;
    }
    for (document, address) in documents.iter_mut().zip(&addresses) {
        let alone = address.as_deref().filter(|address| entries.get(address) == Some(&1));
        document.trace = alone.map(|address| EntryTrace::of(document, address));
    }
}

/// How far back the desk remembers, and how far it is to look.
#[derive(Debug, Clone, Copy)]
struct Memory {
    /// Age up to which entries of a first fetch are news.
    backfill: SignedDuration,
    /// Age from which what a feed carries may be forgotten.
    window: SignedDuration,
}

impl Memory {
    /// Whether an entry belongs to what a feed carried before the desk watched it: on its first fetch, but for what is younger
    /// than the backfill; and after a pause so long that its entries may be forgotten, but for what is dated after it.
    fn is_baseline(&self, document: &Document, read_before: Option<Timestamp>, now: Timestamp) -> bool {
        let news_since = match read_before {
            None if self.backfill.is_zero() => return true,
            None => now.checked_sub(self.backfill).unwrap_or(Timestamp::MIN),
            Some(last) if now.duration_since(last) >= self.window => last,
            Some(_) => return false,
        };
        document.published.is_none_or(|published| published < news_since)
    }
}

/// Puts a feed's documents in the order of events, which the desk wants: a correction after what it corrects. Their dates
/// say it where all have one. Where some have, they say at which end the feed begins; without, the latest is taken to come
/// first, as in nearly all feeds. Of a watched directory it is known that it does.
fn put_in_order(documents: &mut [Document], is_newest_first: bool) {
    let are_dated = documents.iter().all(|document| document.published.is_some());
    let mut dates = documents.iter().filter_map(|document| document.published);
    let (first, last) = (dates.next(), dates.next_back());
    let is_oldest_first = first < last && !is_newest_first;
    if !is_oldest_first {
        documents.reverse();
    }
    if are_dated {
        // Stable: those of the same minute, or of a day without times, keep the order of their feed.
        documents.sort_by_key(|document| document.published);
    }
}

/// A panic in one entry must not cost its feed: the entry is left out.
fn clean(source: &SourceInfo, item: &Item, now: Timestamp) -> Option<Document> {
    let cleaned = catch_unwind(AssertUnwindSafe(|| document(source.clone(), item, now, false)));
    if cleaned.is_err() {
        error!(feed = %source.feed, entry = shown_text(&item.identity.key), "an entry cannot be cleaned and is left out");
    }
    cleaned.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MarkupFormat;
    use crate::text::document::archive_document;

    /// Thousands of feeds wait at a time.
    #[test]
    fn what_waits_is_small() {
        fn size<Waits>(_: impl FnOnce(Box<FeedTask>, CancellationToken) -> Waits) -> usize {
            size_of::<Waits>()
        }
        let sizes = [size(FeedTask::run), size_of::<FeedTask>(), size_of::<FeedCursor>()];
        assert!(sizes.iter().zip([800, 224, 768]).all(|(bytes, most)| *bytes <= most), "{sizes:?}");
    }

    #[test]
    fn what_a_feed_carried_before_is_no_news() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let before = |days_ago| now.checked_sub(days(days_ago)).unwrap();
        let entry = |published| archive_document("1", None, None, "", published, None, now, MarkupFormat::Text);
        let is_baseline = |backfill, published: Option<i64>, read_before: Option<i64>| {
            let memory = Memory { backfill: days(backfill), window: days(30) };
            memory.is_baseline(&entry(published.map(before)), read_before.map(before), now)
        };
        assert!(is_baseline(0, Some(0), None), "the first fetch is quiet");
        assert!(!is_baseline(2, Some(1), None) && is_baseline(2, Some(3), None) && is_baseline(2, None, None));
        assert!(!is_baseline(0, None, Some(1)) && !is_baseline(0, Some(50), Some(1)), "a late entry is news");
        assert!(is_baseline(0, None, Some(31)) && is_baseline(0, Some(40), Some(31)), "it may only be forgotten");
        assert!(!is_baseline(0, Some(3), Some(31)));
    }

    #[test]
    fn what_is_withheld_is_no_document_until_it_may_be_used() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        let feed = crate::model::FeedId::new("wire");
        let documents = |release| {
            let item = Item { guid: Some("g".to_owned()), release, ..Item::default() };
            let poll = Poll {
                is_new: true,
                site: String::new(),
                is_limited: false,
                discovery: crate::intake::Discovery::Unknown,
                cursor: FeedCursor::new(feed.clone()),
                outcome: PollOutcome::Items { items: vec![item], read_before: Some(now) },
                health: None,
                next_poll_after: Duration::ZERO,
                repairs: crate::intake::Repairs::default(),
                size: crate::intake::BodySize::default(),
            };
            let memory = Memory { backfill: SignedDuration::ZERO, window: SignedDuration::from_hours(24) };
            let source = SourceInfo { feed: feed.clone(), outlet: "Wire".to_owned() };
            let found = entries(poll, Extent::Whole, &source, memory, TextPolicy::Feed, now);
            found.into_iter().map(|entry| entry.document).collect::<Vec<_>>()
        };
        assert!(documents(Release::Withheld).is_empty());
        assert!(!documents(Release::Usable)[0].is_baseline, "the usable version is news");
        let later = now.checked_add(SignedDuration::from_hours(6)).unwrap();
        assert_eq!(documents(Release::Until(later))[0].embargo_until, Some(later));
    }

    #[test]
    fn of_versions_that_come_together_the_latest_says_whether_an_entry_is_withheld() {
        let feed = crate::model::FeedId::new("wire");
        let item = |release, number| Item { release, version: Version { number, created: None }, ..Item::default() };
        let (usable, held) = (Release::Usable, Release::Withheld);
        let count = |items: &[Item]| withheld(&feed, items).len();
        assert_eq!(count(&[item(usable, None), item(held, None)]), 0, "it was withheld before");
        assert_eq!(count(&[item(usable, Some(2)), item(held, Some(2))]), 0);
        assert_eq!(count(&[item(usable, Some(2)), item(held, Some(1))]), 0);
        assert_eq!(count(&[item(held, None), item(usable, None)]), 1);
        assert_eq!(count(&[item(usable, Some(1)), item(held, Some(2))]), 1);
        assert_eq!(count(&[item(held, Some(2)), item(held, Some(1))]), 1);
    }

    #[test]
    fn only_entries_alone_at_an_address_have_a_trace() {
        let urls = [
            Some("https://a.example/1"),
            Some("https://a.example/live#one"),
            Some("https://amp.a.example/live.html"),
            Some("https://a.example/"),
            None,
            Some("https://a.example/2"),
        ];
        let entry = |url| archive_document("1", None, None, "", None, url, Timestamp::UNIX_EPOCH, MarkupFormat::Text);
        let mut documents = urls.map(entry);
        trace(&mut documents);
        assert_eq!(
            documents.each_ref().map(|document| document.trace.is_some()),
            [true, false, false, false, false, true]
        );
        assert_ne!(documents[0].trace, documents[5].trace);
        let mut twin = [entry(Some("http://www.a.example/1/?utm_source=rss"))];
        trace(&mut twin);
        assert_eq!(twin[0].trace, documents[0].trace);
    }

    /// Documents are told by a letter; the digit behind it, if any, is the day on which it was published.
    #[track_caller]
    fn check_order(listed: &str, expected: &str) {
        let document = |mark: &str| {
            let day: Option<i64> = mark.get(1..).and_then(|day| day.parse().ok());
            let published = day.map(|day| Timestamp::from_second(day * 86_400).unwrap());
            archive_document(mark, None, None, mark, published, None, Timestamp::UNIX_EPOCH, MarkupFormat::Text)
        };
        let mut documents: Vec<Document> = listed.split(' ').map(document).collect();
        put_in_order(&mut documents, false);
        let order: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
        assert_eq!(order.join(" "), expected, "{listed}");
    }

    #[test]
    fn entries_come_in_the_order_of_events() {
        check_order("c3 b2 a1", "a1 b2 c3");
        check_order("a1 b2 c3", "a1 b2 c3");
        check_order("a1 b1 c2", "a1 b1 c2");
        check_order("c2 b1 a1", "a1 b1 c2");
        check_order("b2 c3 a1", "a1 b2 c3");
        check_order("b1 a1", "a1 b1");
        check_order("b a", "a b");
        check_order("c3 b a1", "a1 b c3");
        check_order("a b1 c d3 e", "a b1 c d3 e");
        check_order("b a1", "a1 b");
        check_order("a1", "a1");
    }
}
