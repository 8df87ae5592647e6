//! How many alerts a second are committed durably and delivered, sustained, on one machine: producers commit through the store's writer as the desk does, one
//! alert a commit; a dispatcher signs and posts them to a receiver on loopback, which verifies nothing and counts everything. `BENCHMARKS.md`,
//! section "Durable alerts".
//!
//! `cargo run --release --example deliver -- RATE SECONDS`; prints one JSON object.

#![expect(clippy::print_stdout, reason = "a report")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use gainsay::clock::{Clock as _, SystemClock};
use gainsay::config::{SinkConfig, Surroundings, parse};
use gainsay::model::{AlertId, AlertType, OutboxRow};
use gainsay::sink::Dispatcher;
use gainsay::store::{Commit, EmbeddedStore, Store as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Threads that commit: as many commits may wait for the disk at once.
const PRODUCERS: u64 = 64;
/// About as many bytes as an alert of one claim has.
const BODY_BYTES: usize = 2_500;
/// Longest that what was committed may take to arrive after the last commit.
const DRAIN: Duration = Duration::from_mins(2);

type Received = Arc<Mutex<BTreeMap<String, u64>>>;

/// A receiver on loopback that counts how often each id comes.
async fn receive(received: Received) -> Result<String, Box<dyn Error>> {
    let count = async |State(received): State<Received>, headers: HeaderMap| {
        let id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        *received.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
        StatusCode::NO_CONTENT
    };
    let router = Router::new().fallback(count).with_state(received);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    #[expect(clippy::disallowed_methods, reason = "ends with the program")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}

fn sink(url: &str) -> Result<SinkConfig, Box<dyn Error>> {
    let text = format!(
        "[[sink]]\nname = \"desk\"\ntype = \"webhook\"\nurl = \"{url}\"\nconcurrency_max = 64\n\
         secret = \"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\"\n"
    );
    let nothing =
        Surroundings { folder: Path::new(""), env: &|_| None, read: &|_| Err(std::io::ErrorKind::NotFound.into()) };
    parse(&text, "bench.toml", &nothing)?.sinks.pop().ok_or_else(|| "no sink".into())
}

fn row(number: u64) -> OutboxRow {
    let body = format!("{{\"number\":{number},\"text\":\"{}\"}}", "x".repeat(BODY_BYTES));
    OutboxRow {
        alert: AlertId::of(&[&number.to_le_bytes()]),
        sink: "desk".to_owned(),
        alert_type: AlertType::DenialNew,
        order_key: format!("thread-{number}"),
        sequence: 0,
        body: body.into_bytes(),
        rendering: None,
        due: jiff::Timestamp::UNIX_EPOCH,
        document: None,
    }
}

/// Commits alerts at `rate` for so long; the time from each one's turn until it was durable, so that what has to queue is counted in.
fn produce(store: &Arc<EmbeddedStore>, wake: &Notify, rate: f64, seconds: f64) -> Vec<Duration> {
    let (next, start) = (AtomicU64::new(0), Instant::now());
    let work = || {
        let mut times = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let turn = start + Duration::from_secs_f64(number as f64 / rate);
            if turn.duration_since(start).as_secs_f64() >= seconds {
                return times;
            }
            std::thread::sleep(turn.saturating_duration_since(Instant::now()));
            let commit = Commit { outbox: vec![row(number)], ..Commit::new(SystemClock.now(), number) };
            if store.commit(commit).is_ok() {
                times.push(turn.elapsed());
                wake.notify_one();
            }
        }
    };
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS).map(|_| scope.spawn(work)).collect();
        producers.into_iter().filter_map(|producer| producer.join().ok()).flatten().collect()
    })
}

fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut number = |default: f64| args.next().map_or(Ok(default), |text| text.parse::<f64>());
    let (rate, seconds) = (number(1_000.0)?, number(30.0)?);
    let folder = std::env::temp_dir().join(format!("gainsay-deliver-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let store = Arc::new(EmbeddedStore::open(&folder.join("gainsay.db"))?);
    let received = Received::default();
    let runtime = tokio::runtime::Runtime::new()?;
    let base = runtime.block_on(receive(Arc::clone(&received)))?;
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let dispatcher = Dispatcher::new(&sink(&base)?, Arc::clone(&store), Arc::new(SystemClock), Arc::clone(&wake))?;
    let running = runtime.spawn(dispatcher.run(stop.clone()));

    let begun = Instant::now();
    let mut times = produce(&store, &wake, rate, seconds);
    let committed_in = begun.elapsed().as_secs_f64();
    let behind = store.counts()?.pending;
    while store.counts()?.pending > 0 && begun.elapsed().as_secs_f64() < committed_in + DRAIN.as_secs_f64() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let delivered_in = begun.elapsed().as_secs_f64();
    stop.cancel();
    let summary = runtime.block_on(running)?;
    times.sort_unstable();
    let received = received.lock().unwrap_or_else(PoisonError::into_inner);
    let report = serde_json::json!({
        "rate": rate,
        "seconds": seconds,
        "committed": times.len(),
        "committed_per_second": (times.len() as f64 / committed_in).round(),
        "ack_p50_ms": percentile(&times, 0.5),
        "ack_p99_ms": percentile(&times, 0.99),
        "behind_at_the_end": behind,
        "delivered": summary.delivered,
        "delivered_per_second": (summary.delivered as f64 / delivered_in).round(),
        "received": received.len(),
        "received_twice": received.values().filter(|times| **times > 1).count(),
    });
    println!("{report}");
    drop(store);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
