//! The stream of alerts: one task reads what is new and fans it out; each client gets what it missed from the database and then what
//! comes, in the order of positions, none twice; and of what waited for a sink, when it waits no longer.
//!
//! A client that does not read is cut off, by the channel's bound or by the connection's, and comes back with the last position that
//! it has. The task reads after each commit, and each second for what embargoes and holds let out. Changes have no position: who comes back
//! asks for those that it missed.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::Instant;
use tracing::warn;

use super::lists::{alert_filter, alert_line};
use super::pool::READ_TIME;
use super::problem::Problem;
use super::query::Query;
use super::{Pool, Shared};
use crate::clock::Clock;
use crate::store::{AlertFilter, AlertRow, EmbeddedStore, View};

/// Clients at once.
const CLIENTS_MAX: usize = 512;
/// Alerts that a client may be behind before it is cut off.
const BEHIND_MAX: usize = 2_048;
/// Pieces that wait for a client's connection.
const PIECES_MAX: usize = 8;
/// Alerts that are read at once.
const ROWS: u32 = 200;
/// Alerts that one answer catches up with; who has missed more takes the list.
const MISSED_MAX: i64 = 20_000;
/// Holds that are told of at once; the rest waits for the next time, so that a large digest cuts nobody off.
const CHANGES_MAX: usize = 500;
/// How often something is said.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked for what embargoes and holds let out.
const TICK: Duration = Duration::from_secs(1);

/// An alert on its way to all clients.
#[derive(Debug)]
struct News {
    row: AlertRow,
    /// It was told before, and waits no longer, or for something else.
    is_change: bool,
    frame: Bytes,
}

impl News {
    fn new(row: AlertRow) -> Self {
        let frame = format!("id: {}\nevent: alert\ndata: {}\n\n", row.position, alert_line(&row));
        Self { row, is_change: false, frame: frame.into() }
    }

    /// Without an id, so that what is resumed behind stays the last alert.
    fn change(row: AlertRow) -> Self {
        let frame = format!("event: changed\ndata: {}\n\n", alert_line(&row));
        Self { row, is_change: true, frame: frame.into() }
    }
}

/// What is known of what waits.
#[derive(Debug, Default)]
struct Waiting {
    /// The places by hold; nothing before they were read first.
    places: Option<BTreeMap<i64, String>>,
    /// The last hold that there was then.
    newest: Option<i64>,
    read: Option<Instant>,
}

impl Waiting {
    /// When the places are to be read: a commit more or less does not matter.
    fn due(&self) -> Option<Instant> {
        self.read.map(|read| read + TICK)
    }

    /// Takes the places of now, empty ones of what began and ended since the last time; gives the holds that left theirs, so many at most, and
    /// keeps the rest for the next time.
    fn take(&mut self, mut now: BTreeMap<i64, String>) -> Vec<i64> {
        if let Some(places) = &mut self.places {
            let ended = now.iter().filter(|(_, place)| place.is_empty());
            places.extend(ended.map(|(hold, _)| (*hold, String::new())));
        }
        now.retain(|_, place| !place.is_empty());
        let mut left = Vec::new();
        for (hold, place) in self.places.take().into_iter().flatten() {
            if now.get(&hold) == Some(&place) {
                continue;
            }
            if left.len() < CHANGES_MAX {
                left.push(hold);
            } else {
                now.insert(hold, place);
            }
        }
        self.places = Some(now);
        left
    }

    /// These could not be told: they are taken for holds that leave a place once more.
    fn put_back(&mut self, left: &[i64]) {
        self.places.get_or_insert_default().extend(left.iter().map(|hold| (*hold, String::new())));
    }
}

/// Where news comes from.
#[derive(Debug)]
pub(super) struct Hub {
    sender: broadcast::Sender<Arc<News>>,
    clients: Arc<AtomicUsize>,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self { sender: broadcast::channel(BEHIND_MAX).0, clients: Arc::default() }
    }

    /// Reads what is new and tells everybody, until dropped.
    pub(super) async fn run(
        &self,
        pool: &Arc<Pool>,
        store: Arc<EmbeddedStore>,
        clock: Arc<dyn Clock>,
        committed: Arc<Notify>,
    ) {
        let (mut last, mut waiting) = (None, Waiting::default());
        loop {
            let (store, now) = (Arc::clone(&store), clock.now());
            match tokio::task::spawn_blocking(move || store.release_alerts(now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!(%error, "cannot let out alerts whose embargoes are over"),
                Err(error) => warn!(%error, "letting out alerts panicked"),
            }
            if let Err(problem) = self.tell(pool, &mut last).await {
                warn!(error = problem.detail, "cannot read new alerts for the stream");
            }
            if let Err(problem) = self.tell_changes(pool, &mut waiting).await {
                warn!(error = problem.detail, "cannot read for the stream what no longer waits");
            }
            let next = waiting.due().unwrap_or_else(|| Instant::now() + TICK);
            // A notice that comes while nobody waits is kept.
            tokio::select! {
                () = committed.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    async fn tell(&self, pool: &Arc<Pool>, last: &mut Option<i64>) -> Result<(), Problem> {
        let mut at = match *last {
            Some(last) => last,
            None => pool.read(READ_TIME, View::alert_positions).await??.1,
        };
        *last = Some(at);
        loop {
            let rows = pool.read(READ_TIME, move |view| view.alerts_after(at, ROWS)).await??;
            let Some(newest) = rows.last() else { return Ok(()) };
            at = newest.position;
            *last = Some(at);
            for row in rows {
                // Nobody may be listening.
                drop(self.sender.send(Arc::new(News::new(row))));
            }
        }
    }

    /// Tells of what waited and waits no longer, or for something else.
    async fn tell_changes(&self, pool: &Arc<Pool>, waiting: &mut Waiting) -> Result<(), Problem> {
        let now = Instant::now();
        if waiting.due().is_some_and(|due| now < due) {
            return Ok(());
        }
        waiting.read = Some(now);
        let after = waiting.newest;
        let (places, newest) = pool.read(READ_TIME, move |view| view.waiting_places(after)).await??;
        waiting.newest = Some(newest);
        let left = waiting.take(places);
        if left.is_empty() {
            return Ok(());
        }
        let asked = left.clone();
        let found = pool.read(READ_TIME, move |view| view.alerts_of_holds(&asked)).await;
        let rows = found.and_then(|rows| rows.map_err(Problem::from)).inspect_err(|_| waiting.put_back(&left))?;
        for row in rows {
            drop(self.sender.send(Arc::new(News::change(row))));
        }
        Ok(())
    }
}

/// Counts a client while it is there.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(clients: &Arc<AtomicUsize>) -> Option<Self> {
        if clients.fetch_add(1, Ordering::Relaxed) < CLIENTS_MAX {
            return Some(Self(Arc::clone(clients)));
        }
        clients.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers a client with the stream.
pub(super) async fn stream(shared: Arc<Shared>, query: &Query, headers: &HeaderMap) -> Result<Response, Problem> {
    let filter = alert_filter(query)?;
    let after = match headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty()) {
        Some(id) => Some(
            id.parse::<i64>()
                .ok()
                .filter(|id| *id >= 0)
                .ok_or_else(|| Problem::bad("Last-Event-ID: not one that this stream gave"))?,
        ),
        None => query.number("after", (0, i64::MAX as u64))?.and_then(|after| i64::try_from(after).ok()),
    };
    let place = Place::take(&shared.hub.clients).ok_or_else(|| Problem::busy("too many clients listen already"))?;
    // Before it is read where the stream stands: what comes in between comes twice and is told once.
    let news = shared.hub.sender.subscribe();
    let (first, last) = shared.pool.read(READ_TIME, View::alert_positions).await??;
    let is_lost = after.is_some_and(|after| after > last || after + 1 < first || last - after > MISSED_MAX);
    let (pieces, out) = mpsc::channel(PIECES_MAX);
    let client = Client { shared, filter, pieces, at: after.filter(|_| !is_lost).unwrap_or(last) };
    let work = async move {
        let _place = place;
        client.serve(news, is_lost).await;
    };
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(Events { work: Some(Box::pin(work)), out })).into_response())
}

/// A client that listens.
struct Client {
    shared: Arc<Shared>,
    filter: AlertFilter,
    pieces: mpsc::Sender<Bytes>,
    /// The last position that was told, or left out.
    at: i64,
}

impl Client {
    /// Tells what was missed and what comes, until the client goes or cannot follow.
    async fn serve(mut self, mut news: broadcast::Receiver<Arc<News>>, is_lost: bool) {
        let greeting = if is_lost { "retry: 2000\n\nevent: reset\ndata: {}\n\n" } else { "retry: 2000\n\n: here\n\n" };
        if !self.say(Bytes::from_static(greeting.as_bytes())).await || !self.catch_up().await {
            return;
        }
        loop {
            // Both can be dropped at any time: what a receiver has not given stays in it.
            let one = tokio::select! {
                one = news.recv() => one,
                () = tokio::time::sleep(HEARTBEAT) => {
                    if !self.say(Bytes::from_static(b": \n\n")).await {
                        return;
                    }
                    continue;
                }
            };
            // One that lags has missed something, and comes back for it.
            let Ok(one) = one else { return };
            if one.is_change {
                // What was not told yet comes as it is by then. Who looks at one state is told of what leaves it.
                let is_wanted = one.row.position <= self.at && self.filter.fits_in_some_state(&one.row);
                if is_wanted && !self.say(one.frame.clone()).await {
                    return;
                }
                continue;
            }
            if one.row.position <= self.at {
                continue;
            }
            self.at = one.row.position;
            if self.filter.fits(&one.row) && !self.say(one.frame.clone()).await {
                return;
            }
        }
    }

    /// Tells what is in the database behind the client's position.
    async fn catch_up(&mut self) -> bool {
        loop {
            let at = self.at;
            let rows = self.shared.pool.read(READ_TIME, move |view| view.alerts_after(at, ROWS)).await;
            let Ok(Ok(rows)) = rows else { return false };
            let Some(newest) = rows.last() else { return true };
            self.at = newest.position;
            let fitting = rows.into_iter().filter(|row| self.filter.fits(row)).map(News::new);
            let text: Vec<u8> = fitting.flat_map(|news| news.frame).collect();
            if !text.is_empty() && !self.say(text.into()).await {
                return false;
            }
        }
    }

    async fn say(&self, bytes: Bytes) -> bool {
        self.pieces.send(bytes).await.is_ok()
    }
}

/// A body that drives the work which fills it.
struct Events {
    work: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    out: mpsc::Receiver<Bytes>,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(work) = self.work.as_mut()
            && work.as_mut().poll(context).is_ready()
        {
            self.work = None;
        }
        self.out.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_that_left_their_places_are_told_once_and_many_bit_by_bit() {
        let places = |range: std::ops::Range<i64>, place: &str| range.map(|hold| (hold, place.to_owned())).collect();
        let mut waiting = Waiting::default();
        assert_eq!(waiting.take(places(0..3, "group")), [0; 0], "what waited at the start is no news");
        let mut moved: BTreeMap<i64, String> = places(1..4, "group");
        moved.insert(2, "digests".to_owned());
        assert_eq!(waiting.take(moved.clone()), [0, 2], "one left, one waits for something else");
        assert_eq!(waiting.take(moved), [0; 0]);
        waiting.put_back(&[0, 2]);
        assert_eq!(waiting.take(BTreeMap::from([(2, "digests".to_owned())])), [0, 1, 2, 3]);
        let short = BTreeMap::from([(2, "digests".to_owned()), (4, String::new())]);
        assert_eq!(waiting.take(short), [4], "it began and ended between two looks");
        assert_eq!(waiting.take(BTreeMap::new()), [2]);
        let many = i64::try_from(CHANGES_MAX).unwrap() + 7;
        waiting.take(places(0..many, "group"));
        assert_eq!(waiting.take(BTreeMap::new()).len(), CHANGES_MAX);
        assert_eq!(waiting.take(BTreeMap::new()).len(), 7);
        assert_eq!(waiting.take(BTreeMap::new()), [0; 0]);
    }
}
