//! Lines in files, pipes and on standard output; files that are closed by size and by time.

use std::io::BufRead as _;

use super::*;
use crate::clock::{ManualClock, SystemClock};

fn lines(path: &Path, rotation: Rotation) -> Result<JsonLines, DeliveryError> {
    with_clock(path, rotation, Fsync::Always, Arc::new(SystemClock))
}

fn with_clock(
    path: &Path,
    rotation: Rotation,
    fsync: Fsync,
    clock: Arc<dyn Clock>,
) -> Result<JsonLines, DeliveryError> {
    JsonLines::new(&LinesConfig { path: Some(path.to_owned()), rotation, fsync }, clock)
}

#[track_caller]
fn check(before: Option<&str>, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    if let Some(before) = before {
        std::fs::write(&path, before).unwrap();
    }
    let sink = lines(&path, Rotation::default()).unwrap();
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
    let sink = lines(&path, Rotation::default()).unwrap();
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
    assert!(matches!(lines(&path, Rotation::default()), Err(DeliveryError::File { .. })));
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
    let sink = lines(&path, Rotation::default()).unwrap();
    for (first, second) in [("1", "2"), ("3", "4")] {
        // A pipe that was read before is only found to be unread when it is written to.
        drop(sink.write(b"lost"));
        assert!(matches!(sink.write(b"lost"), Err(DeliveryError::NoReader { .. })));
        let reader = reader(&path, 2);
        while sink.write(first.as_bytes()).is_err() {
            std::thread::yield_now();
        }
        let JsonLines::File(file) = &sink else { panic!("{sink:?}") };
        assert!(file.kept.lock().unwrap().is_some(), "closed, which the reader takes for the end");
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

/// All names in a folder with what is in the files, in the order of their names.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let mut text = String::new();
            if path.extension().is_some_and(|extension| extension == "gz") {
                flate2::read::MultiGzDecoder::new(File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
            } else {
                text = fs::read_to_string(&path).unwrap();
            }
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect();
    files.sort();
    files
}

#[track_caller]
fn check_files(folder: &Path, expected: &[(&str, &str)]) {
    let found = files(folder);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(found, expected);
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[test]
fn a_file_is_closed_before_it_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let clock = Arc::new(ManualClock::new(at("2026-03-01T06:00:00Z")));
    let rotation = Rotation { bytes: Some(6), ..Rotation::default() };
    let sink = with_clock(&path, rotation, Fsync::Never, clock).unwrap();
    for line in ["12", "45", "a line of its own", "7"] {
        sink.write(line.as_bytes()).unwrap();
    }
    check_files(
        folder.path(),
        &[
            ("alerts-20260301T060000.000Z.jsonl", "12\n45\n"),
            ("alerts-20260301T060000.001Z.jsonl", "a line of its own\n"),
            ("alerts.jsonl", "7\n"),
        ],
    );
}

#[test]
fn a_file_is_closed_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let clock = Arc::new(ManualClock::new(at("2026-03-01T23:59:59Z")));
    let rotation = Rotation { every: Some(Duration::from_hours(24)), ..Rotation::default() };
    let its_clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let sink = with_clock(&path, rotation, Fsync::Interval(Duration::from_secs(1)), its_clock).unwrap();
    let write = |time: &str, line: &str| {
        clock.set(at(time));
        sink.write(line.as_bytes()).unwrap();
        // The file tells when it was written to; of the clock that a test sets it knows nothing.
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(std::time::SystemTime::try_from(at(time)).unwrap())
            .unwrap();
    };
    write("2026-03-01T00:00:00Z", "1");
    write("2026-03-01T23:59:59Z", "2");
    write("2026-03-02T00:00:00Z", "3");
    // A clock that was set back closes nothing.
    write("2026-03-01T12:00:00Z", "4");
    write("2026-03-05T12:00:00Z", "5");
    check_files(
        folder.path(),
        &[
            ("alerts-20260302T000000.000Z.jsonl", "1\n2\n"),
            ("alerts-20260305T120000.000Z.jsonl", "3\n4\n"),
            ("alerts.jsonl", "5\n"),
        ],
    );
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_closed() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("alerts.jsonl");
    std::os::unix::fs::symlink(other.path().join("real.jsonl"), &path).unwrap();
    let clock = Arc::new(ManualClock::new(at("2026-03-01T06:00:00Z")));
    let rotation = Rotation { bytes: Some(3), ..Rotation::default() };
    let sink = with_clock(&path, rotation, Fsync::Always, clock).unwrap();
    sink.write(b"12").unwrap();
    sink.write(b"34").unwrap();
    check_files(other.path(), &[("real-20260301T060000.000Z.jsonl", "12\n"), ("real.jsonl", "34\n")]);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
}

/// Two daemons, files of a few lines, compression, and somebody who moves the file away: each line is there once.
#[test]
fn several_writers_and_compression_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.jsonl");
    let rotation = Rotation { bytes: Some(100), compress: true, ..Rotation::default() };
    let writers = 4;
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (path, rotation) = (&path, rotation.clone());
            scope.spawn(move || {
                let sink = with_clock(path, rotation, Fsync::Never, Arc::new(SystemClock)).unwrap();
                for number in 0..100 {
                    sink.write(format!("{writer}-{number:03}").as_bytes()).unwrap();
                    if writer == 0 && number % 30 == 7 {
                        // Another may have closed it at this moment.
                        fs::rename(path, path.with_file_name(format!("moved-{number}"))).ok();
                    }
                }
            });
        }
    });
    // What the tidiers have not come to is compressed at the next start.
    let _sink = with_clock(&path, rotation, Fsync::Never, Arc::new(SystemClock)).unwrap();
    let is_plain = |name: &String| name.starts_with("alerts-") && !name.contains(".gz");
    while fs::read_dir(folder.path()).unwrap().any(|entry| is_plain(&entry.unwrap().file_name().into_string().unwrap()))
    {
        std::thread::yield_now();
    }
    let mut found: Vec<String> =
        files(folder.path()).iter().flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    found.sort();
    let expected: Vec<String> =
        (0..writers).flat_map(|writer| (0..100).map(move |number| format!("{writer}-{number:03}"))).collect();
    assert_eq!(found, expected);
}
