//! The terminal: taken over while a value lives, given back as it was however that ends; and the keys that are pressed at it.

use std::io::{self, IsTerminal as _, Stdout};
use std::sync::Once;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event as Pressed};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::state::Event;

/// How often it is seen whether keys are still wanted.
const TICK: Duration = Duration::from_millis(100);

/// The terminal while it is ours.
pub(super) struct Tty {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
    _guard: Guard,
}

impl Tty {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it cannot be.
    pub(super) fn take() -> Result<Self> {
        restore_on_panic();
        // From here on it is given back in any case.
        let guard = Guard;
        enter()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(Self { terminal, _guard: guard })
    }

    /// Gives the terminal back and stops the program, until somebody lets it go on.
    ///
    /// # Errors
    /// When it cannot be stopped, or cannot take the terminal over again.
    pub(super) fn suspend(&mut self) -> Result<()> {
        drop(Guard);
        // Not TSTP, which a program that no shell waits for does not heed.
        kill_process(getpid(), Signal::STOP)?;
        enter()?;
        // One that knows nothing of what was drawn draws all of it. To clear the old one would ask the terminal where its cursor is, and
        // wait for keys that the other task reads.
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }
}

fn enter() -> Result<()> {
    enable_raw_mode().context("the terminal cannot be taken over")?;
    Ok(execute!(io::stdout(), EnterAlternateScreen, Hide)?)
}

/// Whether there is a terminal to draw on and to read keys from.
///
/// # Errors
/// With what there is to use in its place.
pub(super) fn ensure_terminal() -> Result<()> {
    anyhow::ensure!(
        io::stdin().is_terminal() && io::stdout().is_terminal(),
        "watch draws on a terminal and reads its keys; for a pipe there are `gainsay claims --json` and the API's \
         /api/v1/alerts/stream"
    );
    Ok(())
}

/// Gives the terminal back when it goes.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        // Where the terminal itself is gone there is nothing to give back.
        disable_raw_mode().ok();
        execute!(io::stdout(), LeaveAlternateScreen, Show).ok();
    }
}

/// What a panic says is read on the terminal as it was.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            drop(Guard);
            told(panic);
        }));
    });
}

/// Tells which keys are pressed, until it is told to stop or nobody takes them.
pub(super) fn keys(out: &mpsc::Sender<Event>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let pressed = match event::poll(TICK) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let event = match pressed {
            Ok(Pressed::Key(key)) => Event::Key(key),
            Ok(Pressed::Resize(..)) => Event::Resized,
            Ok(_) => continue,
            Err(_) => Event::Gone,
        };
        let is_gone = matches!(event, Event::Gone);
        if out.blocking_send(event).is_err() || is_gone {
            return;
        }
    }
}
