//! Between poll and desk: where a feed's entries are only teasers, their articles are fetched, within a bounded time.
//!
//! Nothing waits for ever and nothing is lost. An entry whose page cannot be had in time goes on as its feed has it; the cursor, committed
//! with it, remembers that its page is due, and one of the next polls brings it as an edit of the same document. Whether an entry is new
//! the desk says, so that neither a restart nor an unchanged entry fetches a page again.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::info;
use url::Url;

use super::{Manners, Order};
use crate::app::feed::FeedTask;
use crate::config::TextPolicy;
use crate::intake::{PageError, Poller, page_link};
use crate::model::{Document, DocumentId, Item, Knowledge, PageDue, Release, shown_address, shown_text};
use crate::text::document::article_document;
use crate::text::teaser::is_teaser;

/// How often a page is asked for before its entry stands as the feed has it.
const TRIES_MAX: u32 = 3;
/// How long a page may be due.
const DUE_TIME: SignedDuration = SignedDuration::from_hours(24);
/// Pages of a feed that are due at once; of more the newest.
const DUE_MAX: usize = 200;

/// One entry of a poll on its way to the desk.
pub(super) struct Entry {
    pub(super) document: Document,
    /// The entry itself, where its page may say more.
    pub(super) item: Option<Box<Item>>,
}

impl Entry {
    /// Of a document and the item that it was made of. What a feed carried before the desk watched it is no news, with or without its page.
    pub(super) fn new(document: Document, item: Item, policy: TextPolicy) -> Self {
        let is_wanted = !document.is_baseline
            && item.release != Release::Canceled
            && match policy {
                TextPolicy::Feed => false,
                TextPolicy::Page => true,
                TextPolicy::Auto => is_teaser(&item),
            };
        Self { document, item: is_wanted.then(|| Box::new(item)) }
    }
}

/// The pages that one poll is to bring.
pub(super) struct PageTurn<'a> {
    pub(super) task: &'a FeedTask,
    pub(super) manners: &'a Manners,
    pub(super) now: Timestamp,
    pub(super) stop: &'a CancellationToken,
}

impl PageTurn<'_> {
    /// Puts the text of articles into the entries that are new or whose pages are due, as far as they can be had now. Gives what is due at
    /// later polls; nothing where the desk does not answer. With `may_fetch` false all of it is. What the feed does not carry any more is no longer due, where `is_whole` says that
    /// these are all of its entries.
    pub(super) async fn take(
        &self,
        entries: &mut [Entry],
        due: &[PageDue],
        may_fetch: bool,
        is_whole: bool,
    ) -> Option<Vec<PageDue>> {
        let due: BTreeMap<DocumentId, &PageDue> = due.iter().map(|page| (page.document, page)).collect();
        let wanted = self.wanted(entries, &due).await?;
        let carried: BTreeSet<DocumentId> = entries.iter().map(|entry| entry.document.id).collect();
        let others = due.values().filter(|page| !is_whole && !carried.contains(&page.document));
        let mut still_due: Vec<PageDue> = others.map(|page| (*page).clone()).collect();
        let deadline = Instant::now() + self.manners.page_wait;
        let mut fetched = 0;
        // The site at which the last page was, and when the next one may be asked for there.
        let mut rest: Option<(String, Instant)> = None;
        for index in wanted {
            let Some(entry) = entries.get_mut(index) else { continue };
            let before = due.get(&entry.document.id).copied();
            let since = before.map_or(self.now, |page| page.since);
            let tries = before.map_or(0, |page| page.tries);
            let can_fetch = may_fetch && fetched < self.manners.pages_max && !self.stop.is_cancelled();
            let outcome =
                if can_fetch { self.page(entry, deadline, &mut rest).await } else { Err(PageError::Postponed) };
            let was_asked = !matches!(outcome, Err(PageError::Postponed | PageError::NoLink));
            fetched += usize::from(was_asked);
            let tries = tries + u32::from(was_asked);
            self.tell(entry, outcome.as_ref().err(), tries);
            let is_due = outcome.is_err_and(|error| error.is_retryable());
            if is_due && tries < TRIES_MAX && self.now.duration_since(since) < DUE_TIME && still_due.len() < DUE_MAX {
                still_due.push(PageDue { document: entry.document.id, tries, since });
            }
        }
        Some(still_due)
    }

    /// The entries whose pages are to be asked for: those that are new or were edited, then those that are due; each entry gets the id by
    /// which the desk knows it. Nothing where the desk does not answer.
    async fn wanted(&self, entries: &mut [Entry], due: &BTreeMap<DocumentId, &PageDue>) -> Option<Vec<usize>> {
        // All of them: which ids the feed carries says which of them are others' under another guid.
        let asked = entries.iter().map(|entry| entry.document.clone()).collect();
        let (answer, known) = oneshot::channel();
        self.task.orders.send(Order::Ask(asked, answer)).await.ok()?;
        let known = known.await.ok()?;
        let (mut wanted, mut waiting) = (Vec::new(), Vec::new());
        for ((index, entry), (id, knowledge)) in entries.iter_mut().enumerate().zip(known) {
            entry.document.id = id;
            let is_due = due.contains_key(&id);
            match knowledge {
                _ if entry.item.is_none() => {}
                Knowledge::None => wanted.push(index),
                Knowledge::Entry if is_due => waiting.push(index),
                Knowledge::Entry | Knowledge::Page => {}
            }
        }
        wanted.extend(waiting);
        Some(wanted)
    }

    /// Fetches one page, and puts its text into its entry.
    async fn page(
        &self,
        entry: &mut Entry,
        deadline: Instant,
        rest: &mut Option<(String, Instant)>,
    ) -> Result<(), PageError> {
        let Some(item) = &entry.item else { return Err(PageError::NoLink) };
        let link = page_link(&item.links).ok_or(PageError::NoLink)?;
        let poller = &self.manners.poller;
        let site = link.origin().ascii_serialization();
        let fetch = async {
            if let Some((_, until)) = rest.as_ref().filter(|(at, _)| *at == site) {
                tokio::time::sleep_until(*until).await;
            }
            poller.article(&self.task.feed, &link, self.now).await
        };
        let is_too_late = rest.as_ref().is_some_and(|(at, until)| *at == site && *until >= deadline);
        if Instant::now() >= deadline || is_too_late {
            return Err(PageError::Postponed);
        }
        // Whichever comes first: a fetch that is dropped leaves nothing behind, and its page is asked for at a later poll.
        let fetched = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(PageError::Postponed),
            fetched = tokio::time::timeout_at(deadline, fetch) => fetched,
        };
        *rest = delay(poller, &link).map(|delay| (site, Instant::now() + delay));
        // The time went by in its site's queue, or the page will be quicker next time: a fetch has a deadline of its own.
        let article = fetched.map_err(|_| PageError::Postponed)??;
        let (document, item) = (entry.document.clone(), item.clone());
        let merge =
            move || catch_unwind(AssertUnwindSafe(|| article_document(&document, &item, &article))).ok().flatten();
        let merged = tokio::task::spawn_blocking(merge).await;
        entry.document = merged.ok().flatten().ok_or(PageError::NoFuller)?;
        Ok(())
    }

    /// Leaves in the log and the metrics what became of a page.
    fn tell(&self, entry: &Entry, error: Option<&PageError>, tries: u32) {
        let feed = &self.task.feed.id;
        self.task.watchers.telemetry.page_read(error);
        let url = entry.document.url.as_deref().map(shown_text);
        let document = &entry.document.id;
        match error {
            None => info!(%feed, %document, url, "the text of an entry is that of its page"),
            Some(error) if error.is_retryable() && tries < TRIES_MAX => {
                info!(%feed, %document, url, %error, "an entry is read as its feed has it for now");
            }
            Some(error) => info!(%feed, %document, url, %error, "an entry is read as its feed has it"),
        }
    }
}

/// How long to wait before the next page of a site; a site that asks for more than is waited for gets none in this poll.
fn delay(poller: &Poller, page: &Url) -> Option<Duration> {
    let asked = poller.page_delay(page)?;
    if asked <= Poller::PAGE_DELAY_MAX {
        return Some(asked);
    }
    tracing::debug!(url = shown_address(page), "its site asks for a longer pause between pages than one poll lasts");
    Some(Duration::from_hours(1))
}
