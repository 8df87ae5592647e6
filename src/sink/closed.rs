//! Closed files of JSON Lines: what they are called, which are deleted, and their compression, on a thread of its own.
//!
//! A crash at any moment leaves each line in at least one of them: a file is deleted only when all of it is on the disk, compressed.
//! Names sort by time, also where the clock was set back, and no name is given twice.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use tracing::warn;

use crate::config::Rotation;
use crate::failpoint::{Point, reach};

/// The time in a name, to the millisecond, in UTC.
const STAMP: &str = "%Y%m%dT%H%M%S%.3fZ";
/// What compressed files end in, and what they are written to.
const COMPRESSED: &str = ".gz";
const UNFINISHED: &str = ".gz.tmp";
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Where the closed files of one file lie and how they are called.
#[derive(Debug, Clone)]
pub(super) struct Family {
    folder: PathBuf,
    /// What stands before the time, and behind it: `alerts-` and `.jsonl`.
    before: OsString,
    behind: OsString,
}

/// One closed file; after a crash it may be there in both forms.
#[derive(Debug, Default, PartialEq, Eq)]
struct Closed {
    stamp: String,
    is_plain: bool,
    is_compressed: bool,
}

impl Family {
    /// That of the file at `path`. Where that is a link, closed files lie beside what it leads to.
    pub(super) fn of(path: &Path) -> Self {
        let mut before = path.file_stem().unwrap_or_default().to_owned();
        before.push("-");
        let mut behind = OsString::new();
        if let Some(extension) = path.extension() {
            behind.push(".");
            behind.push(extension);
        }
        Self { folder: folder(path).to_owned(), before, behind }
    }

    /// A name for a file that is closed at `now`, behind all that there are.
    pub(super) fn next(&self, now: Timestamp) -> io::Result<PathBuf> {
        let newest = self.list()?.pop().and_then(|closed| closed.stamp.parse::<Timestamp>().ok());
        let after = newest.and_then(|newest| newest.checked_add(Duration::from_millis(1)).ok());
        Ok(self.path(&after.map_or(now, |after| after.max(now)).strftime(STAMP).to_string(), ""))
    }

    fn path(&self, stamp: &str, ending: &str) -> PathBuf {
        let parts = [self.before.as_bytes(), stamp.as_bytes(), self.behind.as_bytes(), ending.as_bytes()];
        self.folder.join(OsString::from_vec(parts.concat()))
    }

    /// What is closed, the oldest first. Files that are called otherwise are somebody else's.
    fn list(&self) -> io::Result<Vec<Closed>> {
        let mut found: Vec<Closed> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let plain = name.as_bytes().strip_suffix(COMPRESSED.as_bytes());
            let is_compressed = plain.is_some();
            let Some(stamp) = self.stamp(plain.unwrap_or(name.as_bytes())) else { continue };
            found.push(Closed { stamp, is_plain: !is_compressed, is_compressed });
        }
        found.sort_by(|one, other| one.stamp.cmp(&other.stamp));
        found.dedup_by(|other, one| {
            let is_same = one.stamp == other.stamp;
            if is_same {
                one.is_plain |= other.is_plain;
                one.is_compressed |= other.is_compressed;
            }
            is_same
        });
        Ok(found)
    }

    fn stamp(&self, name: &[u8]) -> Option<String> {
        let stamp = name.strip_prefix(self.before.as_bytes())?.strip_suffix(self.behind.as_bytes())?;
        let stamp = str::from_utf8(stamp).ok()?;
        let time: Timestamp = stamp.parse().ok()?;
        // Only what is written as names are written here.
        (time.strftime(STAMP).to_string() == stamp).then(|| stamp.to_owned())
    }

    /// Deletes what is too old and compresses the rest, as wanted. What fails is told and left as it is, for the next time.
    fn tidy(&self, rotation: &Rotation, stop: &AtomicBool) {
        let closed = match self.list() {
            Ok(closed) => closed,
            Err(error) => {
                warn!(file = %self.folder.display(), %error, "cannot look for closed files");
                return;
            }
        };
        let surplus = rotation.keep.map_or(0, |keep| closed.len().saturating_sub(keep));
        for (number, file) in closed.iter().enumerate() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let plain = self.path(&file.stamp, "");
            let done = if number < surplus {
                self.delete(file)
            } else if rotation.compress && file.is_plain {
                self.compress(&plain, &file.stamp, stop)
            } else {
                Ok(())
            };
            if let Err(error) = done {
                warn!(file = %plain.display(), %error, "cannot tidy a closed file, it is left as it is");
            }
        }
    }

    fn delete(&self, file: &Closed) -> io::Result<()> {
        if file.is_plain {
            remove(&self.path(&file.stamp, ""))?;
        }
        if file.is_compressed {
            remove(&self.path(&file.stamp, COMPRESSED))?;
        }
        Ok(())
    }

    /// Compresses a file and deletes it. Whoever is still about to write to it is waited for; one that grows all the same stays.
    fn compress(&self, plain: &Path, stamp: &str, stop: &AtomicBool) -> io::Result<()> {
        let mut source = match File::open(plain) {
            // Another daemon has done it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        // A writer that got its turn before the file was closed has the lock until its line is there; later ones see that it is closed.
        lock(&source)?;
        source.unlock().or_else(unlocked)?;
        let unfinished = self.path(stamp, UNFINISHED);
        let out = OpenOptions::new().create(true).truncate(false).write(true).open(&unfinished)?;
        match out.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => unlocked(error)?,
        }
        // Whoever had the lock may have finished: what was opened is then the compressed file.
        if !is_at(&out.metadata()?, &unfinished)? {
            return Ok(());
        }
        out.set_permissions(source.metadata()?.permissions())?;
        out.set_len(0)?;
        let mut encoder = GzEncoder::new(io::BufWriter::new(&out), Compression::default());
        let Some(read) = copy(&mut source, &mut encoder, stop)? else {
            return remove(&unfinished);
        };
        reach(Point::LinesCompressing);
        encoder.finish()?.flush()?;
        out.sync_all()?;
        fs::rename(&unfinished, self.path(stamp, COMPRESSED))?;
        sync_folder(&self.folder)?;
        reach(Point::LinesCompressed);
        if source.metadata()?.len() == read {
            remove(plain)?;
        }
        Ok(())
    }
}

/// Copies everything, unless it is stopped; says how much that was.
fn copy(source: &mut File, to: &mut impl io::Write, stop: &AtomicBool) -> io::Result<Option<u64>> {
    let mut chunk = vec![0; CHUNK];
    let mut read = 0;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let bytes = match source.read(&mut chunk) {
            Ok(0) => return Ok(Some(read)),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(chunk.get(..bytes).unwrap_or_default())?;
        read += bytes as u64;
    }
}

/// Deletes a file that may be gone already: of two daemons one is first.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Waits until nobody else has the file locked. Where the file system knows no locks, one daemon alone may write to it.
pub(super) fn lock(file: &File) -> io::Result<()> {
    file.lock().or_else(unlocked)
}

fn unlocked(error: io::Error) -> io::Result<()> {
    let is_unknown = matches!(error.kind(), io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error());
    if is_unknown { Ok(()) } else { Err(error) }
}

/// Whether this is the file at the path; others may have moved that.
pub(super) fn is_at(metadata: &Metadata, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (metadata.dev(), metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts the names in a folder on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Tidies on a thread of its own, so that no delivery waits for it: once at the start, for what a crash has left, and after each file
/// that was closed.
#[derive(Debug)]
pub(super) struct Tidier {
    wake: Option<SyncSender<()>>,
    stop: Arc<AtomicBool>,
}

impl Tidier {
    /// One for the closed files of `family`.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn start(family: Family, rotation: Rotation) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let its_stop = Arc::clone(&stop);
        let name = OsStr::to_string_lossy(&family.before).into_owned();
        thread::Builder::new()
            .name(format!("tidy {name}"))
            .spawn(move || work(&family, &rotation, &woken, &its_stop))?;
        Ok(Self { wake: Some(wake), stop })
    }

    /// Says that there is something to do.
    pub(super) fn wake(&self) {
        // When it was woken already, it will look anyway.
        self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

impl Drop for Tidier {
    /// What is half done is left for the next start.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake = None;
    }
}

fn work(family: &Family, rotation: &Rotation, woken: &Receiver<()>, stop: &AtomicBool) {
    loop {
        family.tidy(rotation, stop);
        if woken.recv().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::read::MultiGzDecoder;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn unzipped(path: &Path) -> String {
        let mut text = String::new();
        MultiGzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn names_go_on_behind_the_newest_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        for (file, first, second) in [
            ("alerts.jsonl", "alerts-20260301T060000.000Z.jsonl", "alerts-20260301T060000.001Z.jsonl"),
            ("alerts", "alerts-20260301T060000.000Z", "alerts-20260301T060000.001Z"),
            (".a.b.c", ".a.b-20260301T060000.000Z.c", ".a.b-20260301T060000.001Z.c"),
        ] {
            let family = Family::of(&folder.path().join(file));
            let name = |time: &str| family.next(at(time)).unwrap().file_name().unwrap().to_owned();
            assert_eq!(name("2026-03-01T06:00:00Z"), first);
            fs::write(folder.path().join(first), "").unwrap();
            assert_eq!(name("2026-03-01T06:00:00Z"), second);
            assert_eq!(name("2026-02-01T06:00:00Z"), second);
            fs::rename(folder.path().join(first), folder.path().join(format!("{first}.gz"))).unwrap();
            assert_eq!(name("2026-03-01T05:00:00Z"), second);
            assert!(name("2026-03-02T06:00:00Z").as_os_str() > OsStr::new(second));
        }
    }

    #[test]
    fn the_oldest_go_and_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let others = [
            "alerts.jsonl",
            "alerts-old.jsonl",
            "alerts-2026-03-01T06:00:00.000Z.jsonl",
            "alerts-20260301T060000Z.jsonl",
            "alerts-20260301T060000.000Z.jsonl.bak",
            "other-20260301T060000.000Z.jsonl",
        ];
        let ours = |second: u8| format!("alerts-20260301T06000{second}.000Z.jsonl");
        for other in others {
            fs::write(folder.path().join(other), "x").unwrap();
        }
        for second in 1..5 {
            fs::write(folder.path().join(ours(second)), "x").unwrap();
        }
        fs::write(folder.path().join(format!("{}.gz", ours(1))), "x").unwrap();
        let family = Family::of(&folder.path().join("alerts.jsonl"));
        let rotation = Rotation { keep: Some(2), ..Rotation::default() };
        family.tidy(&rotation, &AtomicBool::new(false));
        let mut expected: Vec<String> =
            others.iter().map(|name| (*name).to_owned()).chain([ours(3), ours(4)]).collect();
        expected.sort();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn closed_files_are_compressed_whole_with_their_rights() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let family = Family::of(&folder.path().join("alerts.jsonl"));
        let plain = family.next(at("2026-03-01T06:00:00Z")).unwrap();
        let text = "{\"a\":1}\n".repeat(100_000);
        fs::write(&plain, &text).unwrap();
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o640)).unwrap();
        // A crash has left these: one half written, and one whole beside what it was made of.
        let compressed = family.path("20260301T060000.000Z", COMPRESSED);
        fs::write(family.path("20260301T060000.000Z", UNFINISHED), "half").unwrap();
        fs::write(&compressed, "whole").unwrap();
        let rotation = Rotation { compress: true, ..Rotation::default() };
        family.tidy(&rotation, &AtomicBool::new(true));
        assert!(plain.exists(), "a stop leaves everything as it is");
        family.tidy(&rotation, &AtomicBool::new(false));
        assert_eq!(names(folder.path()), ["alerts-20260301T060000.000Z.jsonl.gz"]);
        assert_eq!(unzipped(&compressed), text);
        assert_eq!(fs::metadata(&compressed).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_writer_that_is_at_it_is_waited_for_and_another_tidier_is_not_disturbed() {
        let folder = tempfile::tempdir().unwrap();
        let family = Family::of(&folder.path().join("alerts.jsonl"));
        let plain = family.next(at("2026-03-01T06:00:00Z")).unwrap();
        fs::write(&plain, "1\n").unwrap();
        let mut writer = OpenOptions::new().append(true).open(&plain).unwrap();
        writer.lock().unwrap();
        let rotation = Rotation { compress: true, ..Rotation::default() };
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let (family, rotation, stop) = (&family, &rotation, &stop);
            let tidier = scope.spawn(move || family.tidy(rotation, stop));
            writer.write_all(b"2\n").unwrap();
            writer.unlock().unwrap();
            tidier.join().unwrap();
        });
        assert_eq!(unzipped(&family.path("20260301T060000.000Z", COMPRESSED)), "1\n2\n");
        fs::write(&plain, "3\n").unwrap();
        let other = File::create(family.path("20260301T060000.000Z", UNFINISHED)).unwrap();
        other.lock().unwrap();
        family.tidy(&rotation, &AtomicBool::new(false));
        assert_eq!(fs::read_to_string(&plain).unwrap(), "3\n");
    }
}
