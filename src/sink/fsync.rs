//! Puts what was written to a file on the disk within a set time, without a write waiting for it.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::error;

/// A file that has something that may not be on the disk.
type Unsafe = Arc<Mutex<Option<File>>>;

/// Syncs what it was told of, on a thread of its own.
#[derive(Debug)]
pub(super) struct Syncer {
    waiting: Unsafe,
    wake: SyncSender<()>,
}

impl Syncer {
    /// One that lets nothing wait longer than `interval`.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn start(interval: Duration) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let waiting = Unsafe::default();
        let its = Arc::clone(&waiting);
        thread::Builder::new().name("fsync".to_owned()).spawn(move || work(&its, &woken, interval))?;
        Ok(Self { waiting, wake })
    }

    /// Says that `file` was written to. Another file that waits is synced at once.
    ///
    /// # Errors
    /// When that fails, or `file` cannot be held open.
    pub(super) fn written(&self, file: &File) -> io::Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match &*waiting {
            Some(other) if is_same(other, file)? => return Ok(()),
            Some(other) => other.sync_data()?,
            None => {}
        }
        if waiting.replace(file.try_clone()?).is_none() {
            // Full: it was woken and has not looked yet.
            self.wake.try_send(()).ok();
        }
        Ok(())
    }
}

impl Drop for Syncer {
    /// What waits is synced; the thread ends because nobody can wake it.
    fn drop(&mut self) {
        sync(&self.waiting);
    }
}

fn work(waiting: &Unsafe, woken: &Receiver<()>, interval: Duration) {
    while woken.recv().is_ok() {
        // Nobody wakes it while something waits, so this is the wait, or the end.
        let is_end = matches!(woken.recv_timeout(interval), Err(RecvTimeoutError::Disconnected));
        sync(waiting);
        if is_end {
            return;
        }
    }
}

fn sync(waiting: &Unsafe) {
    let file = waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Err(error)) = file.map(|file| file.sync_data()) {
        error!(%error, "lines that count as delivered may not be on the disk");
    }
}

fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_waits_for_its_time_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| File::create(folder.path().join(name)).unwrap();
        let syncer = Syncer::start(Duration::from_millis(10)).unwrap();
        let waits = |syncer: &Syncer| syncer.waiting.lock().unwrap().is_some();
        for _ in 0..3 {
            syncer.written(&file("a")).unwrap();
            while waits(&syncer) {
                thread::yield_now();
            }
        }
        let syncer = Syncer::start(Duration::from_hours(1)).unwrap();
        let (one, other) = (file("a"), file("b"));
        syncer.written(&one).unwrap();
        syncer.written(&one).unwrap();
        syncer.written(&other).unwrap();
        assert!(is_same(syncer.waiting.lock().unwrap().as_ref().unwrap(), &other).unwrap());
        let waiting = Arc::clone(&syncer.waiting);
        drop(syncer);
        assert!(waiting.lock().unwrap().is_none());
    }
}
