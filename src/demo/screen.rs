//! The terminal: takes lines from the parts of the demo, one writer at a time; colours go where output is no terminal.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

pub(super) use crate::terminal::{BOLD, DIM, HEADING, Piece, wrapped};

/// Columns where the terminal does not say.
const WIDTH: usize = 96;
/// Fewest and most columns that are used: lines of more are hard to read.
const WIDTH_RANGE: (usize, usize) = (60, 100);

/// Standard output, shared by the parts of the demo.
pub(super) struct Screen {
    out: Mutex<Result<anstream::AutoStream<io::Stdout>, io::Error>>,
    width: usize,
    stop: CancellationToken,
}

impl Screen {
    /// The screen; `stop` is cancelled when nobody looks any more.
    pub(super) fn new(stop: CancellationToken) -> Self {
        let width = crate::terminal::columns().unwrap_or(WIDTH);
        let width = width.clamp(WIDTH_RANGE.0, WIDTH_RANGE.1);
        Self { out: Mutex::new(Ok(anstream::stdout())), width, stop }
    }

    /// Columns to write in.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Writes whole lines at once, so that those of others do not come between.
    pub(super) fn write(&self, lines: &str) {
        let mut out = self.lock();
        let Ok(stream) = out.as_mut() else { return };
        if let Err(error) = stream.write_all(lines.as_bytes()).and_then(|()| stream.flush()) {
            *out = Err(error);
            self.stop.cancel();
        }
    }

    /// Writes a remark.
    pub(super) fn aside(&self, text: &str) {
        self.write(&wrapped(&[(DIM, text)], "  ", 2, self.width));
    }

    /// Says what kept it from writing.
    ///
    /// # Errors
    /// The first error.
    pub(super) fn finish(&self) -> io::Result<()> {
        match &*self.lock() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.kind().into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Result<anstream::AutoStream<io::Stdout>, io::Error>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
