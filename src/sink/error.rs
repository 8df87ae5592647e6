//! What can go wrong with a delivery, in words for the operator; never holds a key, nor an address that may hold one.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::traffic::Outcome;
use crate::guard::Refused;

/// Characters kept of what somebody else said.
const DETAIL_CHARACTERS_MAX: usize = 200;

/// What can go wrong with a delivery.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No HTTP client could be made: no root certificates, for example.
    #[error("cannot make a client: {detail}")]
    Client {
        /// Why.
        detail: String,
    },
    /// The file cannot be opened or written.
    #[error("cannot write to {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file is a pipe that nobody reads; what is written to it then would be lost or wait for ever.
    #[error("nobody reads the pipe {}", path.display())]
    NoReader {
        /// The pipe.
        path: PathBuf,
    },
    /// Standard output takes no more.
    #[error("cannot write to standard output: {0}")]
    StandardOutput(#[source] io::Error),
    /// What waits was made for a sink of another type, which had this name.
    #[error("this alert was made for a sink of another type")]
    Unrendered,
    /// The write was given up because the program ends.
    #[error("the write was given up")]
    Abandoned,
    /// No answer in time.
    #[error("no answer within {} s", limit.as_secs_f64())]
    Timeout {
        /// The time it had.
        limit: Duration,
    },
    /// No connection in time.
    #[error("no connection within {} s", limit.as_secs_f64())]
    Unreachable {
        /// The time it had.
        limit: Duration,
    },
    /// The endpoint's name leads to where nothing is to be sent. The next look-up may say another thing.
    #[error("nothing was sent: {0}")]
    Refused(#[source] Refused),
    /// TLS came to nothing.
    #[error("no TLS: {what}")]
    Tls {
        /// Why.
        what: String,
    },
    /// No connection, or it was cut before an answer came.
    #[error("no answer: {detail}")]
    Connection {
        /// Why.
        detail: String,
    },
    /// The receiver answered, but not that it has the alert.
    #[error("answered {status}{}{detail}", if detail.is_empty() { "" } else { ": " })]
    Status {
        /// Its status code; redirects are not followed.
        status: u16,
        /// Not to be asked again before.
        retry_after: Option<Duration>,
        /// The beginning of the answer.
        detail: String,
    },
    /// The mail server answered, but not that it has the mail.
    #[error("the mail server answered {code}{}{detail}", if detail.is_empty() { "" } else { ": " })]
    Mail {
        /// Its reply code.
        code: u16,
        /// It will never take this mail.
        is_final: bool,
        /// What it said.
        detail: String,
    },
}

impl DeliveryError {
    /// Whether the same delivery may succeed later. Only `410 Gone` says that none ever will.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Status { status: 410, .. })
    }

    /// What it tells of the endpoint.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Status { status: 410, .. } => Outcome::Gone,
            Self::Status { status: 429 | 502..=504, retry_after, .. } => Outcome::Busy(*retry_after),
            Self::Status { status: 408 | 425 | 500.., .. } => Outcome::Failed,
            // It may close at any time, and says so (RFC 5321, 3.8).
            Self::Mail { code: 421, .. } => Outcome::Busy(None),
            Self::Status { .. } | Self::Mail { is_final: true, .. } | Self::Unrendered => Outcome::Refused,
            _ => Outcome::Failed,
        }
    }

    /// The status and the beginning of the answer, where there was one.
    pub(super) fn into_answer(self) -> (Option<u16>, Option<String>) {
        match self {
            Self::Status { status, detail, .. } => (Some(status), Some(detail)),
            _ => (None, None),
        }
    }

    /// Whether this alert will never be taken, while others may be.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Mail { is_final: true, .. } | Self::Unrendered)
    }

    /// The least time to wait that the receiver asked for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What somebody else said, in words that fit on one line and cannot upset a terminal.
pub(super) fn on_one_line(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(DETAIL_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_that_refuses_a_mail_is_there_and_one_that_knows_us_not_fails() {
        let mail = |code, is_final| DeliveryError::Mail { code, is_final, detail: String::new() }.outcome();
        assert_eq!(mail(550, true), Outcome::Refused);
        assert_eq!(mail(535, false), Outcome::Failed);
        assert_eq!(mail(451, false), Outcome::Failed);
        assert_eq!(mail(421, false), Outcome::Busy(None));
        assert_eq!(DeliveryError::Unrendered.outcome(), Outcome::Refused);
    }
}
