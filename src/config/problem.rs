//! `ConfigError`: everything that is wrong with a config file, one line a problem, with its place and what is accepted.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing, unreadable or absurdly large.
    #[error("{}: cannot read the config file: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// No file was named, and there is none where one is looked for.
    #[error("no config file: there is neither {} nor {}; name one with -c FILE", looked[0].display(), looked[1].display())]
    NotFound {
        /// Where it was looked for, in order.
        looked: [PathBuf; 2],
    },
    /// The file was read; these things in it are wrong, in the order of the file.
    #[error("{}", lines(problems))]
    Invalid {
        /// Never empty.
        problems: Vec<Problem>,
    },
    /// The file is sound but names no feed, so there is nothing to watch.
    #[error("the config has no feed: add at least one [[feed]] with id, url and outlet")]
    NoFeeds,
}

impl ConfigError {
    /// Always false: somebody must change the file first.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

/// One thing that is wrong. Prints as `FILE:LINE:COLUMN: key: what is wrong (accepted: …)`, without line and column where it stands
/// in no file; never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named; `environment` or `command line` for what was set there.
    pub file: String,
    /// Line, from 1; 0 outside a file.
    pub line: usize,
    /// Column in characters, from 1; 0 outside a file.
    pub column: usize,
    /// Path of the key, such as `intake.poll_interval` or `feed[2].url` (counted from 1); `syntax` where there is no key; outside a
    /// file the variable or flag.
    pub key: String,
    /// What is wrong, with a suggestion where there is one.
    pub what: String,
    /// Values or keys that are accepted; empty where `what` says it all.
    pub accepted: String,
    /// The line of the file, masked where it may hold a secret; empty outside a file.
    pub excerpt: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}: {}", self.key, self.what)?;
        if !self.accepted.is_empty() {
            write!(f, " (accepted: {})", self.accepted)?;
        }
        Ok(())
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
