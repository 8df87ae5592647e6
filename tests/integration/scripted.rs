//! A server that answers as a script says and notes every request byte for byte, and a feed that is polled there in reckoned time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gainsay::config::{FeedAccess, FeedConfig, IntakeConfig};
use gainsay::intake::{Outcome, Poll, Poller, resume};
use gainsay::model::{FeedCursor, FeedId};
use jiff::{SignedDuration, Timestamp};

use crate::intake::{FEED, config};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The number of the connection on which it came.
    pub(crate) connection: usize,
    /// Request line and header, without the empty line.
    pub(crate) head: String,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.line().split(' ').nth(1).unwrap()
    }

    /// Each header, names in lower case.
    pub(crate) fn headers(&self) -> Vec<(String, &str)> {
        let lines = self.head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
        lines.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<&str> =
            self.headers().into_iter().filter(|(own, _)| own == name).map(|(_, value)| value).collect();
        assert!(found.len() < 2, "{name} stands twice in {}", self.head);
        found.first().copied()
    }

    /// `If-None-Match` and `If-Modified-Since`.
    pub(crate) fn validators(&self) -> (Option<&str>, Option<&str>) {
        (self.header("if-none-match"), self.header("if-modified-since"))
    }
}

type Script = Arc<dyn Fn(&Seen) -> Vec<u8> + Send + Sync>;

/// A server that keeps connections open, answers as its script says and notes what it is asked.
pub(crate) struct Scripted {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    pub(crate) fn start(script: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(script)));
        let shared = (Arc::clone(&seen), Arc::clone(&script));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (seen, script) = shared.clone();
                std::thread::spawn(move || converse(&stream, connection, &seen, &script));
            }
        });
        Self { address, seen, script }
    }

    /// One that always gives this answer.
    pub(crate) fn answering(answer: Vec<u8>) -> Self {
        Self::start(move |_| answer.clone())
    }

    pub(crate) fn answer(&self, answer: Vec<u8>) {
        *self.script.lock().unwrap() = Arc::new(move |_| answer.clone());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().unwrap()
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path() == path).count()
    }
}

fn converse(mut stream: &TcpStream, connection: usize, seen: &Mutex<Vec<Seen>>, script: &Mutex<Script>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !reader.read_line(&mut head).is_ok_and(|read| read > 0) {
                return;
            }
        }
        let request = Seen { connection, head: head.trim_end().to_owned() };
        seen.lock().unwrap().push(request.clone());
        let script = Arc::clone(&script.lock().unwrap());
        if stream.write_all(&script(&request)).is_err() {
            return;
        }
    }
}

/// An answer on a connection that stays open.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn feed(headers: &str) -> Vec<u8> {
    reply("200 OK", headers, FEED)
}

pub(crate) fn not_modified() -> Vec<u8> {
    b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()
}

/// One feed, polled whenever it is due; time is reckoned, not waited for.
pub(crate) struct Reader {
    pub(crate) poller: Poller,
    pub(crate) feed: FeedConfig,
    pub(crate) cursor: FeedCursor,
    pub(crate) now: Timestamp,
}

impl Reader {
    pub(crate) fn of(server: &Scripted, path: &str) -> Self {
        Self::with(server, path, &config())
    }

    pub(crate) fn with(server: &Scripted, path: &str, config: &IntakeConfig) -> Self {
        let feed = FeedConfig {
            id: FeedId::new("wire"),
            url: server.url(path).parse().unwrap(),
            outlet: "Wire".to_owned(),
            poll_interval: config.poll_interval,
            poll_interval_max: Duration::from_hours(2),
            backfill: Duration::ZERO,
            text: gainsay::config::TextPolicy::Feed,
            access: FeedAccess::default(),
        };
        let now = "2024-10-31T09:00:00Z".parse().unwrap();
        Self { poller: Poller::new(config).unwrap(), cursor: resume(&feed, None), feed, now }
    }

    pub(crate) async fn poll(&mut self) -> Poll {
        let turn = self.poller.turn(&self.feed, &self.cursor, self.now).await;
        let poll = self.poller.poll(&turn, &self.feed, &self.cursor, self.now).await;
        self.cursor = poll.cursor.clone();
        self.now = self.now.checked_add(SignedDuration::try_from(poll.next_poll_after).unwrap()).unwrap();
        poll
    }

    /// Polls and gives what must have been a body, as the number of its entries.
    pub(crate) async fn read(&mut self) -> usize {
        match self.poll().await.outcome {
            Outcome::Items { items, .. } => items.len(),
            other => panic!("no body: {other:?}"),
        }
    }

    pub(crate) async fn fail(&mut self) -> String {
        match self.poll().await.outcome {
            Outcome::Failed(error) => error.to_string(),
            other => panic!("no failure: {other:?}"),
        }
    }
}
