//! Named points at which a debug build kills itself when it is told to, so that a test can prove that nothing is lost there. Nothing of it is in a
//! release build.
//!
//! `FAIL_POINT=commit.before:3` in the environment sends SIGKILL to the process when it comes to that point for the third time. After Quickwit's and
//! `TiKV`'s use of the crate `fail`, of which one action is needed here, and no registry.

/// Where a process can be told to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// The database is opened and locked, and may have an older layout.
    Opened,
    /// A step of the layout is taken, and not committed.
    Migration,
    /// A batch of the desk is written, and not committed.
    CommitBefore,
    /// A batch of the desk is durable, and nobody knows yet.
    CommitAfter,
    /// Documents of the backlog are read, and that they were is not durable.
    Backlog,
    /// An alert is about to be sent.
    SendBefore,
    /// A sink has an alert, and the outbox does not know.
    SendAfter,
    /// An attempt is written down, and not committed.
    AttemptBefore,
    /// An attempt is durable, and the dispatcher does not know.
    AttemptAfter,
    /// How an endpoint does is about to be stored.
    Endpoint,
    /// Another config is read, and nothing of it counts yet.
    ReloadPrepared,
    /// The desk and the sinks follow another config, the feeds do not yet.
    ReloadHalf,
    /// The daemon was told to stop, and drains.
    Drain,
    /// Alerts are put back into the queue by a command, and it is not committed.
    Replay,
    /// A file of lines has the name of a closed one, and no other is at its path.
    LinesClosed,
    /// The next file is at the path, and the line for which it was made is not in it.
    LinesOpened,
    /// A closed file is compressed, and the copy has neither its end nor its name.
    LinesCompressing,
    /// A closed file is there twice: as it was, and compressed.
    LinesCompressed,
}

impl Point {
    /// All of them, in the order of the data.
    pub const ALL: [Self; 18] = [
        Self::Opened,
        Self::Migration,
        Self::CommitBefore,
        Self::CommitAfter,
        Self::Backlog,
        Self::SendBefore,
        Self::SendAfter,
        Self::AttemptBefore,
        Self::AttemptAfter,
        Self::Endpoint,
        Self::ReloadPrepared,
        Self::ReloadHalf,
        Self::Drain,
        Self::Replay,
        Self::LinesClosed,
        Self::LinesOpened,
        Self::LinesCompressing,
        Self::LinesCompressed,
    ];

    /// Its name in `FAIL_POINT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Migration => "migration",
            Self::CommitBefore => "commit.before",
            Self::CommitAfter => "commit.after",
            Self::Backlog => "backlog",
            Self::SendBefore => "send.before",
            Self::SendAfter => "send.after",
            Self::AttemptBefore => "attempt.before",
            Self::AttemptAfter => "attempt.after",
            Self::Endpoint => "endpoint",
            Self::ReloadPrepared => "reload.prepared",
            Self::ReloadHalf => "reload.half",
            Self::Drain => "drain",
            Self::Replay => "replay",
            Self::LinesClosed => "lines.closed",
            Self::LinesOpened => "lines.opened",
            Self::LinesCompressing => "lines.compressing",
            Self::LinesCompressed => "lines.compressed",
        }
    }
}

/// Dies here if that was asked for; otherwise, and in a release build always, nothing.
#[inline]
pub(crate) fn reach(point: Point) {
    #[cfg(debug_assertions)]
    armed::reach(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::Point;

    /// The point and the times that it may be passed, from `name:times`.
    static ARMED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();

    fn read() -> Option<(String, AtomicU32)> {
        let wanted = std::env::var("FAIL_POINT").ok()?;
        let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), AtomicU32::new(times.parse().unwrap_or(1))))
    }

    pub(super) fn reach(point: Point) {
        let Some((name, left)) = ARMED.get_or_init(read) else { return };
        if name == point.as_str() && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            kill_process(getpid(), Signal::KILL).ok();
            // The signal may take a moment: nothing happens on this thread meanwhile.
            loop {
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
}
