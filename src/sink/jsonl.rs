//! Alerts as JSON Lines on standard output or at the end of a file; a line is delivered when it is flushed, or as safe as the config
//! wants it.
//!
//! Several programs may write to one file. Where it is rotated, gainsay's writers take turns by a lock on the file, and each sees in its
//! turn whether the file is still the one at its path: a line never goes into a file that was closed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::DeliveryError;
use super::closed::{Family, Tidier, folder, is_at, lock, sync_folder};
use super::fsync::Syncer;
use crate::clock::Clock;
use crate::config::{Fsync, LinesConfig, Rotation};
use crate::failpoint::{Point, reach};

/// Looks for the file at the path while others move it away.
const TURNS_MAX: u32 = 100;

/// Where the lines go.
#[derive(Debug)]
pub(super) enum JsonLines {
    /// Standard output.
    StandardOutput {
        /// Whether the last write failed and may have left half a line.
        is_torn: AtomicBool,
    },
    /// A file.
    File(LineFile),
}

/// A file, opened for each line so that it can be moved away at any time.
pub(super) struct LineFile {
    path: PathBuf,
    /// If it is a pipe or a device, it stays open: the reader of a pipe would take a close for the end.
    kept: Mutex<Option<File>>,
    rotation: Rotation,
    fsync: Fsync,
    /// Syncs later what is not synced at once.
    syncer: Option<Syncer>,
    /// Sees to closed files.
    tidier: Option<Tidier>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for LineFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LineFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl JsonLines {
    /// Standard output, or the file at the config's path, which is made now if it is missing. A pipe that nobody reads is no error
    /// yet: the lines wait.
    pub(super) fn new(config: &LinesConfig, clock: Arc<dyn Clock>) -> Result<Self, DeliveryError> {
        let Some(path) = &config.path else {
            return Ok(Self::StandardOutput { is_torn: AtomicBool::new(false) });
        };
        let (kept, is_file) = match open(path).map_err(|error| in_words(path, error)) {
            Ok(file) if is_regular(&file) => (None, true),
            Ok(special) => (Some(special), false),
            Err(DeliveryError::NoReader { .. }) => (None, false),
            Err(error) => return Err(error),
        };
        let file = |error| DeliveryError::File { path: path.clone(), error };
        let (mut syncer, mut tidier) = (None, None);
        if let Fsync::Interval(interval) = config.fsync {
            syncer = Some(Syncer::start(interval).map_err(file)?);
        }
        let rotation = config.rotation.clone();
        if is_file && rotation.is_on() && (rotation.compress || rotation.keep.is_some()) {
            let family = family(path).map_err(file)?;
            tidier = Some(Tidier::start(family, rotation.clone()).map_err(file)?);
        }
        let kept = Mutex::new(kept);
        Ok(Self::File(LineFile { path: path.clone(), kept, rotation, fsync: config.fsync, syncer, tidier, clock }))
    }

    /// Writes one line. Blocks: a reader that is slow slows us down, nothing is lost.
    pub(super) fn write(&self, body: &[u8]) -> Result<(), DeliveryError> {
        let mut line = body.to_vec();
        line.push(b'\n');
        match self {
            Self::StandardOutput { is_torn } => write_out(&mut io::stdout().lock(), line, is_torn),
            Self::File(file) => file.append(&line).map_err(|error| in_words(&file.path, error)),
        }
    }
}

fn write_out(out: &mut impl io::Write, mut line: Vec<u8>, is_torn: &AtomicBool) -> Result<(), DeliveryError> {
    if is_torn.load(Ordering::Relaxed) {
        line.insert(0, b'\n');
    }
    let written = out.write_all(&line).and_then(|()| out.flush());
    is_torn.store(written.is_err(), Ordering::Relaxed);
    written.map_err(DeliveryError::StandardOutput)
}

fn in_words(path: &Path, error: io::Error) -> DeliveryError {
    let path = path.to_owned();
    // A socket refuses to be opened with the same words, and always will.
    let is_pipe = || std::fs::metadata(&path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_pipe() {
        DeliveryError::NoReader { path }
    } else {
        DeliveryError::File { path, error }
    }
}

impl LineFile {
    /// One write, so that other programs that append to the same file do not come between. What could not be written to is
    /// not kept: the next line opens it anew.
    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = kept.take().map_or_else(|| open(&self.path), Ok)?;
        if !is_regular(&file) {
            file.write_all(line)?;
            // Pipes and devices have nothing to put on a disk.
            *kept = Some(file);
            return Ok(());
        }
        if self.rotation.is_on() {
            file = self.turn(file, line.len() as u64)?;
        }
        file.write_all(line)?;
        match (self.fsync, &self.syncer) {
            (Fsync::Always, _) => file.sync_data(),
            (_, Some(syncer)) => syncer.written(&file),
            _ => Ok(()),
        }
    }

    /// Waits for our turn at the file and closes it if the next line belongs into a new one. Gives the file to write to, locked until
    /// it is dropped.
    fn turn(&self, mut file: File, line_bytes: u64) -> io::Result<File> {
        for turn in 0..TURNS_MAX {
            lock(&file)?;
            let metadata = file.metadata()?;
            if is_at(&metadata, &self.path)? {
                if turn > 0 {
                    reach(Point::LinesOpened);
                }
                let now = self.clock.now();
                if !is_full(&self.rotation, &metadata, line_bytes, now)? {
                    return Ok(file);
                }
                match self.close(&file, now) {
                    // Somebody has moved it away at this moment, which is as good.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    closed => closed?,
                }
            }
            file = open(&self.path)?;
        }
        Err(io::Error::other("others move it away again and again"))
    }

    /// Gives the file, which we have locked, the name of a closed one. One step: there is no moment at which a crash would lose it.
    fn close(&self, file: &File, now: Timestamp) -> io::Result<()> {
        if self.fsync != Fsync::Never {
            file.sync_data()?;
        }
        let path = fs::canonicalize(&self.path)?;
        let to = Family::of(&path).next(now)?;
        if fs::symlink_metadata(&to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&path, &to)?;
        reach(Point::LinesClosed);
        sync_folder(folder(&path))?;
        if let Some(tidier) = &self.tidier {
            tidier.wake();
        }
        Ok(())
    }
}

/// The closed files of a file, where it may be a link. One that was moved away at this moment is none.
fn family(path: &Path) -> io::Result<Family> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Family::of(path)),
        path => path.map(|path| Family::of(&path)),
    }
}

/// Whether a line belongs into a new file: the old one would become too large, or is of an earlier stretch of time. Its own time is
/// that of its last line, so that nothing must be kept beside it.
fn is_full(rotation: &Rotation, metadata: &Metadata, line_bytes: u64, now: Timestamp) -> io::Result<bool> {
    if metadata.len() == 0 {
        return Ok(false);
    }
    if rotation.bytes.is_some_and(|bytes| metadata.len().saturating_add(line_bytes) > bytes) {
        return Ok(true);
    }
    let Some(every) = rotation.every else { return Ok(false) };
    let Ok(written) = Timestamp::try_from(metadata.modified()?) else { return Ok(false) };
    Ok(stretch(written, every) < stretch(now, every))
}

/// The number of the stretch of time in which a moment lies.
fn stretch(at: Timestamp, every: Duration) -> i64 {
    at.as_second().div_euclid(i64::try_from(every.as_secs()).unwrap_or(i64::MAX).max(1))
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Opens a pipe or a device. To open a pipe that nobody reads would wait for a reader: it fails instead, so that neither
/// the start nor the stop of the program waits. Writes may wait, as those to standard output do.
fn open_special(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Opens the file and ends a last line that a crash or a full disk has torn.
fn open(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return open_special(path);
    }
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    if file.metadata()?.len() == 0 {
        // The file may be new: its name must be on the disk, too, before anything in it counts as delivered.
        sync_folder(folder(path))?;
        return Ok(file);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
