//! One feed's task: it waits, polls, hands over what came as documents in the order of events, and waits for the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::pages::{Entry, PageTurn};
use super::{Delivery, Manners, Order, Watchers};
use crate::config::{FeedConfig, TextPolicy};
use crate::desk::Work;
use crate::intake::{Outcome as PollOutcome, Poll, Turn};
use crate::model::{Document, FeedCursor, Item, SourceInfo, shown_text};
use crate::pipeline::Windows;
use crate::text::document::document;

/// Longest that a feed is left alone after a start, whatever was noted: the clock may have been wrong then.
const LEFT_ALONE_MAX: Duration = Duration::from_hours(24);
/// How long a poller waits after the desk could not commit what it brought.
const COMMIT_RETRY: Duration = Duration::from_secs(10);

/// One feed's task: wait, poll, hand over, wait for the commit.
pub(super) struct FeedTask {
    pub(super) feed: FeedConfig,
    pub(super) cursor: FeedCursor,
    pub(super) manners: watch::Receiver<Manners>,
    pub(super) watchers: Watchers,
    pub(super) orders: mpsc::Sender<Order>,
}

impl FeedTask {
    /// Polls until it is stopped; gives the cursor of the last poll that is durable.
    pub(super) async fn run(mut self, stop: CancellationToken) -> FeedCursor {
        let mut delay = self.first_delay();
        let Watchers { clock, observer, telemetry } = self.watchers.clone();
        loop {
            let fetch_timeout = self.manners.borrow().fetch_timeout;
            telemetry.pulse.feed_waits(&self.feed.id, delay, fetch_timeout);
            // Both branches only wait: nothing is lost when the other wins.
            let (turn, manners) = tokio::select! {
                biased;
                () = stop.cancelled() => return self.cursor,
                turn = self.turn_after(delay) => turn,
            };
            let _under_way = telemetry.poll_begins();
            let now = clock.now();
            let cursor = self.cursor.to_poll(now, manners.windows.touch_interval());
            let poll = manners.poller.poll(&turn, &self.feed, &cursor, now).await;
            telemetry.polled(&self.feed, &poll);
            observer.polled(&self.feed, &poll);
            delay = poll.next_poll_after;
            match self.hand_over(poll, turn, &manners, now, &stop).await {
                Some(cursor) => self.cursor = cursor,
                None => delay = delay.max(COMMIT_RETRY),
            }
        }
    }

    /// The feed's turn, and how to poll in it: what a reload brought by then.
    async fn turn_after(&self, delay: Duration) -> (Turn, Manners) {
        tokio::time::sleep(delay).await;
        let manners = self.manners.borrow().clone();
        (manners.poller.turn(&self.feed).await, manners)
    }

    /// A restart is no reason to ask a feed again before its time.
    fn first_delay(&self) -> Duration {
        let Some(last) = self.cursor.last_poll else { return Duration::ZERO };
        let now = self.watchers.clock.now();
        let since = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        let left_alone = self.cursor.left_alone_until.map(|until| until.duration_since(now));
        let left_alone = left_alone.and_then(|wait| Duration::try_from(wait).ok()).unwrap_or_default();
        self.feed.poll_interval.saturating_sub(since).max(left_alone.min(LEFT_ALONE_MAX))
    }

    /// Gives the desk what the poll brought. Its cursor, once that is durable.
    async fn hand_over(
        &self,
        mut poll: Poll,
        turn: Turn,
        manners: &Manners,
        now: Timestamp,
        stop: &CancellationToken,
    ) -> Option<FeedCursor> {
        let telemetry = &self.watchers.telemetry;
        let (mut cursor, health) = (poll.cursor.clone(), poll.health.take());
        let read = match &poll.outcome {
            PollOutcome::Items { items, .. } => items.len() as u64,
            PollOutcome::NotModified | PollOutcome::Failed(_) => 0,
        };
        let entries = self.entries(poll, manners.windows, now).await.inspect_err(|error| {
            error!(feed = %self.feed.id, %error, "what a poll brought cannot be handed over");
            telemetry.not_handed_over(read);
        });
        // Held, as the feed's turn is where no page is wanted, until what the poll brought is durable: they bound the memory.
        let (mut entries, mut turn, mut stage) = (entries.ok()?, Some(turn), None);
        if entries.iter().any(|entry| entry.item.is_some()) {
            stage = manners.poller.page_stage();
            if stage.is_some() {
                // A page takes its own turn at its host, which may be the feed's.
                turn = None;
            }
            let pages = PageTurn { task: self, manners, now, stop };
            cursor.pages = pages.take(&mut entries, &cursor.pages, stage.is_some()).await;
        } else if read > 0 {
            // What is due is no longer in the feed.
            cursor.pages.clear();
        }
        let mut documents: Vec<Document> = entries.into_iter().map(|entry| entry.document).collect();
        put_in_order(&mut documents);
        let work = Work { cursor: Some(cursor.clone()), health, documents, ..Work::default() };
        let (done, answer) = oneshot::channel();
        let documents = work.documents.len() as u64;
        // Counted in before the desk can count them out, and until it has.
        let _waits = telemetry.waits_for_desk();
        telemetry.handed_over(documents, read.saturating_sub(documents));
        let is_taken = self.orders.send(Order::Take(Box::new(Delivery { work, done }))).await.is_ok();
        let is_durable = is_taken && answer.await.unwrap_or(false);
        drop((turn, stage));
        is_durable.then_some(cursor)
    }

    /// The entries of a poll, cleaned.
    async fn entries(&self, poll: Poll, windows: Windows, now: Timestamp) -> Result<Vec<Entry>, JoinError> {
        let source = SourceInfo { feed: self.feed.id.clone(), outlet: self.feed.outlet.clone() };
        let backfill = SignedDuration::try_from(self.feed.backfill).unwrap_or(SignedDuration::MAX);
        let memory = Memory { backfill, window: windows.claims };
        let policy = self.feed.text;
        tokio::task::spawn_blocking(move || entries(poll, &source, memory, policy, now)).await
    }
}

/// Cleans the items of a poll into documents.
fn entries(poll: Poll, source: &SourceInfo, memory: Memory, policy: TextPolicy, now: Timestamp) -> Vec<Entry> {
    let PollOutcome::Items { items, read_before } = poll.outcome else { return Vec::new() };
    let cleaned = items.into_iter().filter_map(|item| Some((clean(source, &item, now)?, item)));
    cleaned
        .map(|(document, item)| {
            let is_baseline = memory.is_baseline(&document, read_before, now);
            Entry::new(Document { is_baseline, ..document }, item, policy)
        })
        .collect()
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
/// first, as in nearly all feeds.
fn put_in_order(documents: &mut [Document]) {
    let are_dated = documents.iter().all(|document| document.published.is_some());
    let mut dates = documents.iter().filter_map(|document| document.published);
    let (first, last) = (dates.next(), dates.next_back());
    let is_oldest_first = first < last;
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

    /// Documents are told by a letter; the digit behind it, if any, is the day on which it was published.
    #[track_caller]
    fn check_order(listed: &str, expected: &str) {
        let document = |mark: &str| {
            let day: Option<i64> = mark.get(1..).and_then(|day| day.parse().ok());
            let published = day.map(|day| Timestamp::from_second(day * 86_400).unwrap());
            archive_document(mark, None, None, mark, published, None, Timestamp::UNIX_EPOCH, MarkupFormat::Text)
        };
        let mut documents: Vec<Document> = listed.split(' ').map(document).collect();
        put_in_order(&mut documents);
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
