//! Asks a running daemon whether it is ready: an address in, yes or why not out; what a container's health check runs where
//! there is no shell and no curl.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Time for each step: connect, write, read.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of the answer that are read.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Why the daemon is not ready, or cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// No answer.
    #[error("no answer from {address}: {source}")]
    NoAnswer {
        /// Who was asked.
        address: SocketAddr,
        /// Why there is none.
        source: io::Error,
    },
    /// It answers something else than 200.
    #[error("{address} answers {answer:?}")]
    NotReady {
        /// Who was asked.
        address: SocketAddr,
        /// The first line of the answer and its last: status and reason.
        answer: String,
    },
}

/// Asks the daemon at `address` for `/readyz`.
///
/// # Errors
/// When it is not ready or does not answer.
pub fn probe(address: SocketAddr) -> Result<(), ProbeError> {
    let answer = ask(address).map_err(|source| ProbeError::NoAnswer { address, source })?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let (first, last) = (answer.lines().next().unwrap_or_default(), answer.lines().next_back().unwrap_or_default());
    Err(ProbeError::NotReady { address, answer: format!("{first}: {last}") })
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
