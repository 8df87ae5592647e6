//! The one writer: a thread that owns the writing connection and commits what waits together (group commit).
//!
//! A durable commit costs one fsync, a few milliseconds, whatever its size; while one runs, others queue up and share
//! the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use tracing::error;

use crate::failpoint::{Point, reach};
use crate::model::{Attempt, EndpointRecord, KeptList};

use super::{Commit, PutIn, StoreError, alert, endpoint, hold, outbox, record};

/// Requests that share one transaction, and requests that may wait; each holds its caller, so this bounds the memory.
const GROUP_MAX: usize = 64;

/// What can be written.
pub(super) enum Write {
    Commit(Box<Commit>),
    Attempt(Attempt),
    Endpoint { record: EndpointRecord, is_back: bool },
    GiveUp { sink: String, now: Timestamp },
    Hasten { sink: String, now: Timestamp },
    KeepList(KeptList),
    Release(Timestamp),
    ForgetLists { but: Vec<String> },
}

struct Request {
    write: Write,
    reply: SyncSender<Result<PutIn, StoreError>>,
}

/// A handle on the writer's thread, which ends when this is dropped.
pub(super) struct Writer {
    /// Present until the drop.
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `connection` is ready to write. `retention` says for how many milliseconds what was delivered is kept.
    pub(super) fn start(connection: Connection, retention: Arc<AtomicU64>) -> std::io::Result<Self> {
        let (requests, inbox) = sync_channel(GROUP_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(connection, &inbox, &retention))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Writes and waits until it is durable; says what a commit put into the outbox. If the writer's thread ends, its ends of both channels are dropped, so
    /// that nobody waits for ever.
    pub(super) fn write(&self, write: Write) -> Result<PutIn, StoreError> {
        let (reply, answer) = sync_channel(1);
        let requests = self.requests.as_ref().ok_or(StoreError::WriterEnded)?;
        requests.send(Request { write, reply }).map_err(|_| StoreError::WriterEnded)?;
        answer.recv().map_err(|_| StoreError::WriterEnded)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the store's writer has panicked");
        }
    }
}

fn write_all(mut connection: Connection, inbox: &Receiver<Request>, retention: &AtomicU64) {
    while let Ok(first) = inbox.recv() {
        let mut group = vec![first];
        group.extend(inbox.try_iter().take(GROUP_MAX - 1));
        let retention = Duration::from_millis(retention.load(Ordering::Relaxed));
        let mut together = write_group(&mut connection, &group, retention);
        for (position, request) in group.iter().enumerate() {
            let result = match &mut together {
                Ok(put_in) => Ok(put_in.get_mut(position).map(std::mem::take).unwrap_or_default()),
                // What spoilt the group may be one request alone; the others must not suffer for it.
                Err(_) if group.len() > 1 => write_group(&mut connection, std::slice::from_ref(request), retention)
                    .map(|put_in| put_in.into_iter().next().unwrap_or_default()),
                Err(error) => Err(error.clone()),
            };
            // A caller that went away needs no answer.
            drop(request.reply.send(result));
        }
    }
}

/// One transaction; an error rolls it back. Says what each request put into the outbox.
fn write_group(connection: &mut Connection, group: &[Request], retention: Duration) -> Result<Vec<PutIn>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut put_in = Vec::with_capacity(group.len());
    for request in group {
        put_in.push(match &request.write {
            Write::Commit(commit) => {
                record::write(&transaction, commit)?;
                hold::write(&transaction, commit)?;
                alert::write(&transaction, commit)?;
                outbox::write(&transaction, commit, retention)?
            }
            Write::Attempt(attempt) => {
                outbox::record_attempt(&transaction, attempt)?;
                PutIn::new()
            }
            Write::Endpoint { record, is_back } => {
                reach(Point::Endpoint);
                endpoint::write(&transaction, record, *is_back)?;
                PutIn::new()
            }
            Write::KeepList(list) => {
                record::write_list(&transaction, list)?;
                PutIn::new()
            }
            Write::Release(now) => {
                alert::release(&transaction, *now)?;
                PutIn::new()
            }
            Write::ForgetLists { but } => {
                record::forget_lists(&transaction, but)?;
                PutIn::new()
            }
            Write::Hasten { sink, now } => {
                outbox::hasten(&transaction, sink, *now)?;
                PutIn::new()
            }
            Write::GiveUp { sink, now } => {
                outbox::give_up(&transaction, sink, *now)?;
                PutIn::new()
            }
        });
    }
    let points = |commit, attempt| {
        for request in group {
            match &request.write {
                Write::Commit(_) => reach(commit),
                Write::Attempt(_) => reach(attempt),
                Write::Endpoint { .. }
                | Write::GiveUp { .. }
                | Write::Hasten { .. }
                | Write::KeepList(_)
                | Write::Release(_)
                | Write::ForgetLists { .. } => {}
            }
        }
    };
    points(Point::CommitBefore, Point::AttemptBefore);
    transaction.commit()?;
    points(Point::CommitAfter, Point::AttemptAfter);
    Ok(put_in)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::{FeedCursor, FeedId};
    use crate::store::schema;

    #[test]
    fn one_bad_request_does_not_spoil_its_group() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::prepare(&mut connection, Path::new("memory")).unwrap();
        connection
            .execute_batch(
                "CREATE TRIGGER no_poison BEFORE INSERT ON cursor WHEN new.id = 'poison' BEGIN SELECT raise(ABORT, 'no'); END",
            )
            .unwrap();
        let (requests, inbox) = sync_channel(GROUP_MAX);
        let answers: Vec<_> = ["first", "poison", "last"]
            .into_iter()
            .map(|feed| {
                let (reply, answer) = sync_channel(1);
                let cursors = vec![FeedCursor::new(FeedId::new(feed))];
                let commit = Commit { cursors, ..Commit::new("2024-10-31T08:00:00Z".parse().unwrap(), 1) };
                requests.send(Request { write: Write::Commit(Box::new(commit)), reply }).unwrap();
                answer
            })
            .collect();
        drop(requests);
        write_all(connection, &inbox, &AtomicU64::new(u64::MAX));
        let is_durable: Vec<bool> = answers.into_iter().map(|answer| answer.recv().unwrap().is_ok()).collect();
        assert_eq!(is_durable, [true, false, true]);
    }
}
