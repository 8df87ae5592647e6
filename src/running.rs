//! Which daemon runs on a database, and telling it to read its config anew: `run` announces itself, `feeds` finds it.
//!
//! A daemon holds a record lock on the file `<database>.running`, and the kernel says whose lock that is: no number is written down
//! that could be stale, and a daemon that is gone, however it went, holds nothing. In the file stands which config it reads.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, Pid, Signal, fcntl_getlk, kill_process};

use crate::store::real_path;

/// No path is longer.
const PATH_BYTES_MAX: u64 = 4096;

/// The announcement of this process, until dropped. The process must not open that file a second time: the lock would go when that
/// is closed.
#[derive(Debug)]
pub struct Running(#[expect(dead_code, reason = "holds the lock")] File);

impl Running {
    /// Announces that this process runs on `database`, reads `config` and does so anew on SIGHUP, for which it listens from before this
    /// call. Nothing where another one is announced: the database's own lock will tell.
    ///
    /// # Errors
    /// When the file cannot be written or locked.
    pub fn announce(database: &Path, config: &Path) -> io::Result<Option<Self>> {
        let mut file = File::options().create(true).truncate(false).write(true).open(place(database))?;
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(real_path(config).as_os_str().as_bytes())?;
        Ok(Some(Self(file)))
    }
}

/// A daemon that runs.
#[derive(Debug)]
struct Daemon {
    /// Nothing where it is not in our space of process ids.
    pid: Option<Pid>,
    /// The config that it reads; nothing in the moment of its start.
    config: Option<PathBuf>,
}

fn find(database: &Path) -> io::Result<Option<Daemon>> {
    let mut file = match File::open(place(database)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(lock) = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))? else { return Ok(None) };
    let mut config = Vec::new();
    io::Read::by_ref(&mut file).take(PATH_BYTES_MAX).read_to_end(&mut config)?;
    let config = (!config.is_empty()).then(|| PathBuf::from(OsString::from_vec(config)));
    Ok(Some(Daemon { pid: lock.pid, config }))
}

/// Whether a daemon runs on `database`; nothing where that cannot be told.
pub fn is_running(database: &Path) -> Option<bool> {
    find(database).ok().map(|daemon| daemon.is_some())
}

/// When what was written into `database` counts, in words: a daemon that runs on it looks for it by itself.
pub fn takes_up(database: &Path) -> String {
    match is_running(database) {
        Some(true) => "the running gainsay takes it up within a second".to_owned(),
        Some(false) => format!("no gainsay runs on {}: it counts from the next start", database.display()),
        None => "a gainsay that runs takes it up within a second".to_owned(),
    }
}

/// Tells the daemon on `database` to read `config`, if that is its config; says in words what came of it, or what to do.
pub fn tell(database: &Path, config: &Path) -> String {
    let shown = database.display();
    let daemon = match find(database) {
        Ok(Some(daemon)) => daemon,
        Ok(None) => return format!("no gainsay runs on {shown}, the next start reads it"),
        Err(error) => {
            return format!(
                "whether a gainsay runs on {shown} cannot be told ({error}); if one does, it reads it on SIGHUP: \
                 systemctl reload gainsay, as root"
            );
        }
    };
    let Some(pid) = daemon.pid else {
        return format!("a gainsay runs on {shown}, in a container: send it SIGHUP, such as docker kill -s HUP NAME");
    };
    let number = pid.as_raw_nonzero();
    match daemon.config {
        Some(other) if other != real_path(config) => {
            let other = other.display();
            return format!(
                "the gainsay on {shown} (pid {number}) reads {other} and was not told; if that is the same file: kill -HUP {number}"
            );
        }
        _ => {}
    }
    match kill_process(pid, Signal::HUP) {
        Ok(()) => format!("the running gainsay (pid {number}) reads the new config"),
        Err(Errno::PERM) => format!(
            "the running gainsay (pid {number}) is another user's: sudo kill -HUP {number}, or systemctl reload gainsay"
        ),
        Err(error) => format!("the running gainsay (pid {number}) cannot be told ({error}): kill -HUP {number}"),
    }
}

/// The file, whatever name of the database is given.
fn place(database: &Path) -> PathBuf {
    let mut name = OsString::from(real_path(database));
    name.push(".running");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_lock_nobody_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (database, config) = (folder.path().join("g.db"), folder.path().join("g.toml"));
        assert!(tell(&database, &config).starts_with("no gainsay runs on "));
        // What a daemon left that was killed.
        std::fs::write(folder.path().join("g.db.running"), config.as_os_str().as_bytes()).unwrap();
        assert!(tell(&database, &config).starts_with("no gainsay runs on "));
        let folder_in_its_place = folder.path().join("h.db");
        std::fs::create_dir(folder.path().join("h.db.running")).unwrap();
        assert!(find(&folder_in_its_place).is_ok_and(|found| found.is_none()));
        assert!(Running::announce(&folder_in_its_place, &config).is_err());
    }
}
