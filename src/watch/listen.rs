//! The way of alerts from the daemon: first those that it lists, then each as it comes, none lost and none twice, whatever breaks in
//! between; told to `run` as news.

use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::sse::{Reader, SseEvent};
use super::state::{Event, News};
use super::wire::Placed;
use crate::clock::{Clock as _, SystemClock};
use crate::remote::{Client, ClientError, Page};

/// Alerts that are listed at first.
pub(super) const FIRST: u32 = 200;
/// Waits before the connection is tried again; the last one counts from then on.
const WAITS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
];
/// A daemon says something each 15 seconds; one that is silent for three times as long is gone, whatever the connection thinks.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// Nobody takes the news any more.
struct Gone;

/// Why listening ended.
enum End {
    /// It has to be tried again.
    Broken(ClientError),
    /// What was missed is no longer kept: the list is to be read anew.
    Reset,
    Gone,
}

impl From<Gone> for End {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        Self::Broken(error)
    }
}

/// Listens until nobody takes the news any more; `now` makes it try at once.
pub(super) async fn listen(client: Client, out: mpsc::Sender<Event>, now: std::sync::Arc<Notify>) {
    let mut listener = Listener { client, out, after: None, failures: 0 };
    loop {
        let error = match listener.once().await {
            End::Gone => return,
            End::Reset => {
                listener.after = None;
                continue;
            }
            End::Broken(error) => error,
        };
        let wait = WAITS.get(listener.failures).or(WAITS.last()).copied().unwrap_or_default();
        listener.failures += 1;
        let again = SystemClock.now().checked_add(wait).ok();
        if listener.tell(News::Lost { why: error.to_string(), again }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = now.notified() => {}
        }
    }
}

struct Listener {
    client: Client,
    out: mpsc::Sender<Event>,
    /// The position behind which news begins; nothing before the list was read.
    after: Option<i64>,
    failures: usize,
}

impl Listener {
    async fn once(&mut self) -> End {
        match self.connected().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn connected(&mut self) -> Result<std::convert::Infallible, End> {
        let mut stream = self.client.stream(self.after).await?;
        if self.after.is_none() {
            // Listed when the stream stands already: what comes in between comes twice, and is told once.
            self.after = Some(self.list().await?);
        }
        self.failures = 0;
        self.tell(News::Connected).await?;
        let mut reader = Reader::default();
        loop {
            let piece = match timeout(SILENCE_MAX, self.client.next(&mut stream)).await {
                Ok(piece) => piece?,
                Err(_) => return Err(self.broken("it has fallen silent")),
            };
            let Some(piece) = piece else { return Err(self.broken("it closed the connection")) };
            let events = reader.read(piece.as_ref()).map_err(|error| self.broken(&error.to_string()))?;
            for event in events {
                self.take(event).await?;
            }
        }
    }

    /// Lists the newest alerts and gives the position of the first of them.
    async fn list(&self) -> Result<i64, End> {
        let page: Page = self.client.get(&["alerts"], &[("limit", FIRST.to_string())]).await?;
        let next = page.next.clone();
        let (alerts, unknown) = page.read::<Placed>();
        let newest = alerts.iter().map(|placed| placed.position).max().unwrap_or_default();
        self.tell(News::Listed { alerts, next, unknown }).await?;
        Ok(newest)
    }

    async fn take(&mut self, event: SseEvent) -> Result<(), End> {
        match event.name.as_str() {
            "reset" => return Err(End::Reset),
            "alert" => {}
            _ => return Ok(()),
        }
        let position = event.id.as_deref().and_then(|id| id.parse::<i64>().ok());
        let news = serde_json::from_str::<Placed>(&event.data).map_or(News::Unknown, News::Arrived);
        self.tell(news).await?;
        self.after = position.max(self.after);
        Ok(())
    }

    fn broken(&self, detail: &str) -> End {
        End::Broken(ClientError::Unreachable { at: self.client.at(), detail: detail.to_owned() })
    }

    async fn tell(&self, news: News) -> Result<(), Gone> {
        self.out.send(Event::News(news)).await.map_err(|_| Gone)
    }
}
