//! The progress of a replay on a terminal: bytes of archives read, documents, alerts; silent where standard error is none. Called
//! by `commands`.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Redraws a second, at most.
const REDRAWS: u8 = 10;
/// The clock goes on between two batches.
const TICK: Duration = Duration::from_millis(200);

/// Draws how far a replay has come.
pub(crate) struct Progress {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// The progress of reading `total` bytes, of which `read` counts those that were read.
    pub(crate) fn new(total: u64, read: Arc<AtomicU64>) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(REDRAWS))
        } else {
            ProgressBar::hidden()
        };
        let template = "{elapsed_precise} {wide_bar} {bytes}/{total_bytes} {msg}, {eta} left";
        // The template is fixed; were it bad, the default bar would do.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self { bar, read }
    }

    /// Shows what was done so far.
    pub(crate) fn show(&self, documents: usize, alerts: usize) {
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        let seconds = self.bar.elapsed().as_millis().max(1);
        let rate = u128::try_from(documents).unwrap_or_default() * 1_000 / seconds;
        self.bar.set_message(format!("{documents} documents, {rate}/s, {alerts} alerts"));
    }

    /// Takes the bar away while lines are written: both may go to one terminal.
    pub(crate) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes the bar away for good.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
