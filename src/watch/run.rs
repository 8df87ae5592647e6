//! The loop: events of the terminal, the daemon and the clock into the state, the state onto the screen, and what the state asks for to
//! the daemon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::listen::{FIRST, listen};
use super::screen::{self, Drawn};
use super::state::{Ask, Event, News, Saying, State};
use super::tty::{Tty, keys};
use super::wire::{Quoted, Status, Thread};
use super::words::Paint;
use crate::clock::{Clock as _, SystemClock};
use crate::remote::{Client, ClientError, Page};

/// Events that wait.
const EVENTS_MAX: usize = 256;
/// Tasks at once, three of which are always there.
const REQUESTS_MAX: usize = 16;
/// What is said of what a key asks for beyond that.
const BUSY: &str = "the daemon is slow to answer: not done, try it again";
/// How often ages are told anew.
const TICK: Duration = Duration::from_secs(1);
/// After how many of these what is shown is asked for anew.
const REFRESH_TICKS: u32 = 5;
/// Claims of a thread, and deliveries, that are asked for.
const ROWS: &str = "200";

/// Watches a daemon that is there until the user has enough.
///
/// # Errors
/// When the terminal cannot be used.
pub(super) async fn run(client: Client, status: Status, paint: Paint) -> Result<()> {
    let mut tty = Tty::take()?;
    let (events, mut incoming) = mpsc::channel(EVENTS_MAX);
    let (stop, now) = (CancellationToken::new(), Arc::new(Notify::new()));
    let _stopped = stop.clone().drop_guard();
    let mut tasks = JoinSet::new();
    tasks.spawn(listen(client.clone(), events.clone(), Arc::clone(&now)));
    let (pressed, until) = (events.clone(), stop.clone());
    tasks.spawn_blocking(move || keys(&pressed, &until));
    tasks.spawn(ticks(events.clone()));
    let mut signals = Signals::new()?;
    let mut desk = Desk { client: client.clone(), events, now, tasks };
    let mut state = State::new(client.at(), SystemClock.now(), Some(status));
    loop {
        let mut drawn = Drawn::default();
        tty.terminal.draw(|frame| drawn = screen::draw(frame, &state, paint))?;
        state.fit(drawn.scroll_max, drawn.page);
        // Both can be dropped at any time: what they have not given is still there.
        let first = tokio::select! {
            event = incoming.recv() => event,
            () = signals.any() => return Ok(()),
        };
        let Some(mut event) = first else { return Ok(()) };
        // What has come meanwhile is taken in before it is drawn.
        for _ in 0..EVENTS_MAX {
            match desk.see_to(state.take(event))? {
                Next::On => {}
                Next::Suspend => tty.suspend()?,
                Next::Quit => return Ok(()),
                Next::Busy => drop(state.take(Event::News(News::Failed(BUSY.to_owned())))),
            }
            match incoming.try_recv() {
                Ok(next) => event = next,
                Err(_) => break,
            }
        }
    }
}

/// What ends the program from outside: a kill, an interrupt, a terminal that is closed.
struct Signals([tokio::signal::unix::Signal; 3]);

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [terminate, interrupt, hangup] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Says what time it is.
async fn ticks(out: mpsc::Sender<Event>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for tick in 0_u32.. {
        interval.tick().await;
        if out.send(Event::Now(SystemClock.now(), tick % REFRESH_TICKS == 0)).await.is_err() {
            return;
        }
    }
}

/// How the loop goes on.
enum Next {
    On,
    Suspend,
    Quit,
    /// Something was asked for that is not done: too much is under way.
    Busy,
}

/// Asks the daemon for what the state wants.
struct Desk {
    client: Client,
    events: mpsc::Sender<Event>,
    now: Arc<Notify>,
    tasks: JoinSet<()>,
}

impl Desk {
    /// Sees to what is asked, but for what the loop itself has to do.
    fn see_to(&mut self, asks: Vec<Ask>) -> Result<Next> {
        // Of those that have ended. One that has failed has given the terminal back and said why: there is no going on.
        while let Some(ended) = self.tasks.try_join_next() {
            ended.context("a part of watch has failed")?;
        }
        for ask in asks {
            match ask {
                Ask::Quit => return Ok(Next::Quit),
                Ask::Suspend => return Ok(Next::Suspend),
                Ask::Reconnect => self.now.notify_one(),
                // What is shown is asked for again by itself; what a key has asked for is not.
                Ask::Status | Ask::Feeds | Ask::Deliveries | Ask::Thread(_) if self.tasks.len() >= REQUESTS_MAX => {}
                _ if self.tasks.len() >= REQUESTS_MAX => return Ok(Next::Busy),
                ask => {
                    let (client, events) = (self.client.clone(), self.events.clone());
                    self.tasks.spawn(async move {
                        let news = answer(&client, ask).await.unwrap_or_else(|error| News::Failed(error.to_string()));
                        // Nobody may be there any more.
                        events.send(Event::News(news)).await.ok();
                    });
                }
            }
        }
        Ok(Next::On)
    }
}

/// What the daemon says to it.
async fn answer(client: &Client, ask: Ask) -> Result<News, ClientError> {
    Ok(match ask {
        Ask::Older { filter, cursor } => {
            let mut query = filter.query();
            query.push(("limit", FIRST.to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            let page: Page = client.get(&["alerts"], &query).await?;
            let next = page.next.clone();
            News::Older { filter, alerts: page.read().0, next }
        }
        Ask::Thread(id) => {
            let mut thread: Thread = client.get(&["threads", &id], &[]).await?;
            let query = [("thread", id), ("limit", ROWS.to_owned())];
            // Without them the sentences of the time line do, with no cue marked.
            thread.claims = client.get::<Page>(&["claims"], &query).await?.read::<Quoted>().0;
            News::Thread(Box::new(thread))
        }
        Ask::Feeds => News::Feeds(client.all(&["feeds"]).await?),
        Ask::Deliveries => {
            let page: Page = client.get(&["deliveries"], &[("limit", ROWS.to_owned())]).await?;
            News::Deliveries(client.all(&["endpoints"]).await?, page.read().0)
        }
        Ask::Say(saying) => said(client, &saying).await?,
        Ask::Status | Ask::Quit | Ask::Suspend | Ask::Reconnect => News::Status(client.get(&["status"], &[]).await?),
    })
}

async fn said(client: &Client, Saying { thread, act, .. }: &Saying) -> Result<News, ClientError> {
    client.post(&["feedback"], &serde_json::json!({"act": act, "thread": thread})).await?;
    Ok(News::Said(format!("{act}: the daemon takes it up within a second")))
}
