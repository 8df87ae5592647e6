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

/// One thing that is wrong. Prints as `FILE:LINE:COLUMN: key: what is wrong (accepted: …)`; never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Path of the key, such as `intake.poll_interval` or `feed[2].url` (counted from 1); `syntax` where there is no key.
    pub key: String,
    /// What is wrong, with a suggestion where there is one.
    pub what: String,
    /// Values or keys that are accepted; empty where `what` says it all.
    pub accepted: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}: {}", self.file, self.line, self.column, self.key, self.what)?;
        if !self.accepted.is_empty() {
            write!(f, " (accepted: {})", self.accepted)?;
        }
        Ok(())
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
