//! Tells systemd how the daemon is, by the protocol of `sd_notify(3)`: a datagram to the socket that `NOTIFY_SOCKET` names. By hand,
//! as it is a dozen lines, and a library would be one more thing to trust.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

use super::{Phase, Telemetry};

/// Time between two status lines where no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// What the status says until a config is taken again.
const REFUSED: &str = "; the new config was refused and the old one counts, the log says why";

/// Whoever started the daemon and wants to hear of it.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How long the supervisor waits for a sign of life.
    watchdog: Option<Duration>,
    state: Mutex<State>,
}

/// What the supervisor was told.
#[derive(Debug, Default)]
struct State {
    /// The daemon is in the phase `Ready`.
    is_ready: bool,
    /// The config is being read anew: ready is said at the end of that.
    is_reloading: bool,
    /// The last config was refused.
    is_refused: bool,
}

impl Supervisor {
    /// The supervisor that the environment names, if one does.
    ///
    /// # Errors
    /// When it names a socket that cannot be one.
    pub fn from_env() -> io::Result<Option<Self>> {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Ok(None) };
        let address = address(&name)?;
        let is_for_us = env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let microseconds = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        let watchdog = microseconds.filter(|time| is_for_us && *time > 0).map(Duration::from_micros);
        let socket = UnixDatagram::unbound()?;
        // A supervisor that does not empty its queue must not hold us up.
        socket.set_nonblocking(true)?;
        Ok(Some(Self { socket, address, watchdog, state: Mutex::default() }))
    }

    /// Tells of each phase and from time to time of the counts, until dropped. The watchdog is fed only while every stage makes
    /// progress, so that what is stuck is started anew: it has as much patience as the watchdog.
    pub async fn attend(&self, telemetry: &Arc<Telemetry>) {
        let mut phases = telemetry.pulse.phases();
        let pause = self.watchdog.map_or(STATUS_INTERVAL, |watchdog| (watchdog / 3).min(STATUS_INTERVAL));
        loop {
            let phase = *phases.borrow_and_update();
            let mut message = format!("STATUS={}", telemetry.status());
            {
                let mut state = self.state();
                state.is_ready = phase == Phase::Ready;
                message.push_str(if state.is_refused { REFUSED } else { "" });
                message.push_str(match phase {
                    Phase::Ready if !state.is_reloading => "\nREADY=1\n",
                    Phase::Starting | Phase::Ready => "\n",
                    Phase::Stopping => "\nSTOPPING=1\n",
                });
            }
            if self.watchdog.is_some_and(|patience| telemetry.pulse.stuck(patience).is_empty()) {
                message.push_str("WATCHDOG=1\n");
            }
            self.tell(&message);
            // Both branches only wait.
            tokio::select! {
                changed = phases.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tells that the daemon stops. To be called at the end too: the last phase may have gone by too fast to be attended to.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\n");
    }

    /// Tells that the config is read anew, with the time, by which the supervisor knows what came before its own request.
    pub fn reloading(&self) {
        let mut state = self.state();
        state.is_reloading = true;
        if state.is_ready {
            let now = clock_gettime(ClockId::Monotonic);
            let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
            self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\nSTATUS=reading the config anew\n"));
        }
    }

    /// Tells that the config was read, and counts or not: the daemon goes on either way.
    pub fn reloaded(&self, is_taken: bool) {
        let mut state = self.state();
        (state.is_reloading, state.is_refused) = (false, !is_taken);
        let status = if is_taken { "the new config counts".to_owned() } else { format!("ready{REFUSED}") };
        // Before the daemon is ready, and after, its phase is what counts.
        if state.is_ready {
            self.tell(&format!("READY=1\nSTATUS={status}\n"));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, message: &str) {
        if let Err(error) = self.socket.send_to_addr(message.as_bytes(), &self.address) {
            warn!(%error, "the supervisor cannot be told");
        }
    }
}

/// A path, or with `@` before it a name in Linux's abstract space.
fn address(name: &OsString) -> io::Result<SocketAddr> {
    let bytes = name.as_bytes();
    match bytes.strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        _ if bytes.starts_with(b"/") => SocketAddr::from_pathname(OsStr::from_bytes(bytes)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET is neither a path nor an abstract name")),
    }
}
