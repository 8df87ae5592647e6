//! Alerts as JSON Lines on standard output or at the end of a file; a line is delivered when it is flushed or on the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::DeliveryError;

/// Where the lines go.
#[derive(Debug)]
pub(super) enum JsonLines {
    /// Standard output.
    StandardOutput {
        /// Whether the last write failed and may have left half a line.
        is_torn: AtomicBool,
    },
    /// A file, opened for each line so that it can be moved away at any time.
    File {
        /// Where it is.
        path: PathBuf,
        /// If it is a pipe or a device, it stays open: the reader of a pipe would take a close for the end.
        kept: Mutex<Option<File>>,
    },
}

impl JsonLines {
    /// Standard output, or the file at `path`, which is made now if it is missing. A pipe that nobody reads is no error
    /// yet: the lines wait.
    pub(super) fn new(path: Option<&Path>) -> Result<Self, DeliveryError> {
        let Some(path) = path else {
            return Ok(Self::StandardOutput { is_torn: AtomicBool::new(false) });
        };
        let kept = match open(path).map_err(|error| in_words(path, error)) {
            Ok(file) => Some(file).filter(|file| !is_regular(file)),
            Err(DeliveryError::NoReader { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self::File { path: path.to_owned(), kept: Mutex::new(kept) })
    }

    /// Writes one line. Blocks: a reader that is slow slows us down, nothing is lost.
    pub(super) fn write(&self, body: &[u8]) -> Result<(), DeliveryError> {
        let mut line = body.to_vec();
        line.push(b'\n');
        match self {
            Self::StandardOutput { is_torn } => write_out(&mut io::stdout().lock(), line, is_torn),
            Self::File { path, kept } => append(path, kept, &line).map_err(|error| in_words(path, error)),
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

/// One write, so that other programs that append to the same file do not come between. What could not be written to is
/// not kept: the next line opens it anew.
fn append(path: &Path, kept: &Mutex<Option<File>>, line: &[u8]) -> io::Result<()> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = kept.take().map_or_else(|| open(path), Ok)?;
    file.write_all(line)?;
    if is_regular(&file) {
        return file.sync_data();
    }
    // Pipes and devices have nothing to put on a disk.
    *kept = Some(file);
    Ok(())
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
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
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
mod tests {
    use std::io::BufRead as _;

    use super::*;

    #[track_caller]
    fn check(before: Option<&str>, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        if let Some(before) = before {
            std::fs::write(&path, before).unwrap();
        }
        let sink = JsonLines::new(Some(&path)).unwrap();
        sink.write(b"{\"a\":1}").unwrap();
        sink.write(b"{\"a\":2}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn lines_are_appended_and_torn_ones_ended() {
        check(None, "{\"a\":1}\n{\"a\":2}\n");
        check(Some(""), "{\"a\":1}\n{\"a\":2}\n");
        check(Some("{\"a\":0}\n"), "{\"a\":0}\n{\"a\":1}\n{\"a\":2}\n");
        check(Some("{\"a\":0}\n{\"a\":"), "{\"a\":0}\n{\"a\":\n{\"a\":1}\n{\"a\":2}\n");
    }

    #[test]
    fn a_file_that_was_moved_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("alerts.jsonl"), folder.path().join("old.jsonl"));
        let sink = JsonLines::new(Some(&path)).unwrap();
        sink.write(b"1").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        sink.write(b"2").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "1\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "2\n");
    }

    #[test]
    fn a_folder_that_is_missing_is_noticed_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("alerts.jsonl");
        assert!(matches!(JsonLines::new(Some(&path)), Err(DeliveryError::File { .. })));
    }

    /// The reader's own thread: opening a pipe waits for the other side.
    fn reader(pipe: &Path, lines: usize) -> std::thread::JoinHandle<Vec<String>> {
        let pipe = pipe.to_owned();
        std::thread::spawn(move || {
            io::BufReader::new(File::open(pipe).unwrap()).lines().take(lines).map(Result::unwrap).collect()
        })
    }

    #[test]
    fn a_pipe_waits_for_its_reader_and_stays_open_while_it_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let sink = JsonLines::new(Some(&path)).unwrap();
        for (first, second) in [("1", "2"), ("3", "4")] {
            // A pipe that was read before is only found to be unread when it is written to.
            drop(sink.write(b"lost"));
            assert!(matches!(sink.write(b"lost"), Err(DeliveryError::NoReader { .. })));
            let reader = reader(&path, 2);
            while sink.write(first.as_bytes()).is_err() {
                std::thread::yield_now();
            }
            let JsonLines::File { kept, .. } = &sink else { panic!("{sink:?}") };
            assert!(kept.lock().unwrap().is_some(), "closed, which the reader takes for the end");
            sink.write(second.as_bytes()).unwrap();
            assert_eq!(reader.join().unwrap(), [first, second]);
        }
    }

    /// Takes a few bytes, then fails once.
    struct Flaky {
        taken: Vec<u8>,
        fails_after: Option<usize>,
    }

    impl io::Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = match self.fails_after.take() {
                Some(0) => return Err(io::ErrorKind::BrokenPipe.into()),
                Some(room) => {
                    self.fails_after = Some(0);
                    room.min(bytes.len())
                }
                None => bytes.len(),
            };
            self.taken.extend(bytes.iter().take(room));
            Ok(room)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn half_a_line_on_standard_output_is_ended() {
        let mut out = Flaky { taken: vec![], fails_after: Some(3) };
        let is_torn = AtomicBool::new(false);
        assert!(write_out(&mut out, b"first\n".to_vec(), &is_torn).is_err());
        write_out(&mut out, b"first\n".to_vec(), &is_torn).unwrap();
        write_out(&mut out, b"second\n".to_vec(), &is_torn).unwrap();
        assert_eq!(String::from_utf8(out.taken).unwrap(), "fir\nfirst\nsecond\n");
    }
}
