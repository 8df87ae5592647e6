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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::process::Command;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcgetattr;

    use super::*;

    const NAME: &str = "watch::tty::tests::a_panic_is_read_on_the_terminal_as_it_was";
    const CHILD: &str = "TEST_TAKES_THE_TERMINAL";

    /// Starts itself once more at a terminal of its own, takes that over there and panics.
    #[test]
    fn a_panic_is_read_on_the_terminal_as_it_was() {
        if std::env::var_os(CHILD).is_some() {
            let _tty = Tty::take().unwrap();
            panic!("something is wrong");
        }
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let before = tcgetattr(&master).unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let end = || slave.try_clone().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").stdin(end()).stdout(end()).stderr(end());
        let mut child = command.spawn().unwrap();
        drop((command, slave));
        let (mut shown, mut piece) = (Vec::new(), [0; 4096]);
        let mut from = File::from(master.try_clone().unwrap());
        // A terminal ends with an error when nobody holds its other end any more.
        while let Ok(read @ 1..) = from.read(&mut piece) {
            shown.extend_from_slice(&piece[..read]);
        }
        assert!(!child.wait().unwrap().success());
        let shown = String::from_utf8_lossy(&shown);
        let at = |what: &str| shown.find(what).unwrap_or_else(|| panic!("{what:?} is not in {shown:?}"));
        assert!(
            at("\u{1b}[?1049h") < at("\u{1b}[?1049l") && at("\u{1b}[?1049l") < at("something is wrong"),
            "{shown:?}"
        );
        let after = tcgetattr(&master).unwrap();
        assert_eq!((after.local_modes, after.input_modes), (before.local_modes, before.input_modes));
    }
}
