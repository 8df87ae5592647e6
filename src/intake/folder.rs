//! Watched directories: a directory into which an agency drops its files, and which of them were read, in; the entries of the new and
//! changed ones out. Called by `poll` for feeds whose address begins with `file:`. Files are never changed.
//!
//! A file is known by its name, size and time of change. One that may still be being written, because it was changed a moment ago, is
//! left to a later poll; so is what goes beyond the bounds of one poll.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;
use url::Url;

use super::parse::{ParseError, ParsedFeed, parse};
use super::recover::{Repair, Repairs};
use crate::model::{ContentHash, FeedId, FilesRead, Item};

/// Files that one directory may hold: the mark of each is kept while it is there.
const FILES_MAX: usize = 20_000;
/// Files read in one poll, and bytes of them after which no other is begun.
const FILES_PER_POLL_MAX: usize = 200;
const BYTES_PER_POLL_MAX: u64 = 32 << 20;
/// How long a file must not have been changed to count as written.
pub(super) const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(5);
/// Ends of the names of files that are not whole yet, as the programs that write them have it.
const UNFINISHED: [&str; 7] = [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"];

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Its address names no path of this machine.
    #[error("{0} is no path of this machine")]
    NoPath(String),
    /// It is not there, or not to be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which path.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// More files than are looked at.
    #[error("{path} holds more than {FILES_MAX} files: move those away that were read")]
    TooMany {
        /// Which path.
        path: String,
    },
}

/// Why one file cannot be read.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read the file: {0}")]
    Read(#[from] io::Error),
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// What bounds the reading of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of one file.
    pub(super) bytes_max: u64,
    /// Entries of one file.
    pub(super) entries_max: usize,
}

/// What a poll of a directory found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Entries, those of the latest file first, as in a feed.
    pub(super) items: Vec<Item>,
    /// What had to be repaired in the files.
    pub(super) repairs: Repairs,
    /// Which files have been read by now.
    pub(super) files: FilesRead,
    /// Bytes read.
    pub(super) bytes: u64,
    /// There are files left that could be read at once.
    pub(super) has_more: bool,
}

/// Reads the new files of the directory, or the file, at `path`.
///
/// # Errors
/// When it cannot be read; a single file's trouble is logged and costs only that file.
pub(super) fn read(
    feed: &FeedId,
    path: &Path,
    known: &FilesRead,
    limits: Limits,
    now: Timestamp,
) -> Result<Found, FolderError> {
    let candidates = candidates(path)?;
    let there: BTreeSet<String> = candidates.iter().map(|candidate| candidate.mark.clone()).collect();
    let mut found =
        Found { files: FilesRead { is_caught_up: known.is_caught_up, ..FilesRead::default() }, ..Found::default() };
    // What is gone needs no mark.
    found.files.read = known.read.intersection(&there).cloned().collect();
    let mut items: Vec<Vec<Item>> = Vec::new();
    for candidate in &candidates {
        if found.files.read.contains(&candidate.mark) {
            continue;
        }
        if !candidate.is_settled(known, now) {
            found.files.waiting.insert(candidate.mark.clone());
            continue;
        }
        if items.len() >= FILES_PER_POLL_MAX || found.bytes >= BYTES_PER_POLL_MAX {
            found.has_more = true;
            break;
        }
        match candidate.read(limits, &mut found.bytes) {
            Ok(None) => {
                found.files.waiting.insert(candidate.mark.clone());
                continue;
            }
            Ok(Some(parsed)) => {
                parsed.repairs.0.into_iter().for_each(|(repair, times)| found.repairs.count(repair, times));
                items.push(parsed.items);
            }
            Err(error) => {
                warn!(feed = %feed, entry = candidate.name, %error, "a file of a watched directory is passed over");
                found.repairs.count(Repair::Unreadable, 1);
                items.push(Vec::new());
            }
        }
        found.files.read.insert(candidate.mark.clone());
    }
    found.files.is_caught_up |= !found.has_more;
    found.items = items.into_iter().rev().flatten().collect();
    Ok(found)
}

/// How many files there are to read at the address of a watched directory or a file.
///
/// # Errors
/// When it cannot be read.
pub fn count_files(address: &Url) -> Result<usize, FolderError> {
    let path = address.to_file_path().map_err(|()| FolderError::NoPath(address.to_string()))?;
    candidates(&path).map(|files| files.len())
}

/// A file that may be read.
struct Candidate {
    path: PathBuf,
    name: String,
    metadata: Metadata,
    mark: String,
}

impl Candidate {
    fn new(path: PathBuf, metadata: Metadata) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let mark = Self::mark(&name, &metadata);
        Some(Self { path, name, metadata, mark })
    }

    /// By which a file is known, and known to have changed.
    fn mark(name: &str, metadata: &Metadata) -> String {
        // With the time of the last change of its rights: one that could not be opened is tried again once it can.
        let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
        let times: Vec<u8> = times.into_iter().flat_map(i64::to_be_bytes).collect();
        ContentHash::of(&[name.as_bytes(), &metadata.size().to_be_bytes(), &times]).to_string()
    }

    /// Whether nobody seems to be writing it: it is as it was at the last poll, or has been for a while.
    fn is_settled(&self, known: &FilesRead, now: Timestamp) -> bool {
        let changed = Timestamp::from_second(self.metadata.mtime().max(self.metadata.ctime()));
        let is_old = changed.is_ok_and(|changed| now.duration_since(changed) >= SETTLED_AFTER);
        is_old || known.waiting.contains(&self.mark)
    }

    /// The file as a feed; nothing where it was changed while it was read.
    fn read(&self, limits: Limits, bytes_read: &mut u64) -> Result<Option<ParsedFeed>, FileError> {
        // A pipe that took the file's place must not hold up the poll, nor a link lead elsewhere.
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
        let file = File::options().read(true).custom_flags(flags.cast_signed()).open(&self.path)?;
        let mut bytes = Vec::new();
        (&file).take(limits.bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        *bytes_read = bytes_read.saturating_add(bytes.len() as u64);
        if bytes.len() as u64 > limits.bytes_max {
            return Err(FileError::TooLarge(limits.bytes_max));
        }
        if Self::mark(&self.name, &file.metadata()?) != self.mark {
            return Ok(None);
        }
        Ok(Some(parse(&bytes, None, None, limits.entries_max)?))
    }
}

/// The files at `path` that are whole by their names, the longest unchanged first.
fn candidates(path: &Path) -> Result<Vec<Candidate>, FolderError> {
    let failed = |source| FolderError::Read { path: path.display().to_string(), source };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // What `path` itself leads to is what was asked for.
    let root = std::fs::canonicalize(path).map_err(failed)?;
    if !metadata.is_dir() {
        return Ok(Candidate::new(root, metadata).into_iter().collect());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&root).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if is_unfinished(&name.to_string_lossy()) {
            continue;
        }
        if files.len() >= FILES_MAX {
            return Err(FolderError::TooMany { path: path.display().to_string() });
        }
        // One that went away meanwhile is no trouble.
        files.extend(inside(&root, entry.path()).and_then(|(path, metadata)| Candidate::new(path, metadata)));
    }
    files.sort_by(|one, other| {
        let key = |file: &Candidate| (file.metadata.mtime(), file.metadata.mtime_nsec());
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
    });
    Ok(files)
}

fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.') || UNFINISHED.iter().any(|end| lower.ends_with(end))
}

/// A regular file of the directory; a link only where it leads to one inside of it.
fn inside(root: &Path, path: PathBuf) -> Option<(PathBuf, Metadata)> {
    let metadata = std::fs::symlink_metadata(&path).ok()?;
    if metadata.is_symlink() {
        let target = std::fs::canonicalize(&path).ok().filter(|target| target.starts_with(root))?;
        let metadata = std::fs::symlink_metadata(&target).ok()?;
        return metadata.is_file().then_some((target, metadata));
    }
    metadata.is_file().then_some((path, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes_max: 10_000, entries_max: 100 };

    struct Folder {
        place: tempfile::TempDir,
        known: FilesRead,
    }

    impl Folder {
        fn new() -> Self {
            Self { place: tempfile::tempdir().unwrap(), known: FilesRead::default() }
        }

        fn write(&self, name: &str, guid: &str) {
            let text = format!("<rss version='2.0'><item><guid>{guid}</guid><title>T</title></item></rss>");
            std::fs::write(self.place.path().join(name), text).unwrap();
        }

        fn poll_at(&mut self, seconds_from_now: i64) -> (Vec<String>, Found) {
            let now = crate::clock::SystemClock.now().checked_add(SignedDuration::from_secs(seconds_from_now)).unwrap();
            let mut found = read(&FeedId::new("f"), self.place.path(), &self.known, LIMITS, now).unwrap();
            // As the store gives it back.
            let stored = serde_json::to_string(&found.files).unwrap();
            self.known = serde_json::from_str(&stored).unwrap();
            let guids = std::mem::take(&mut found.items).into_iter().map(|item| item.guid.unwrap_or_default());
            (guids.collect(), found)
        }

        fn poll(&mut self) -> Vec<String> {
            self.poll_at(60).0
        }
    }

    use crate::clock::Clock as _;

    #[test]
    fn each_file_is_read_once_and_again_when_it_changes() {
        let mut folder = Folder::new();
        folder.write("a.xml", "a");
        folder.write("b.json", "b");
        folder.write(".hidden.xml", "no");
        folder.write("c.xml.part", "no");
        folder.write("d.TMP", "no");
        std::fs::create_dir(folder.place.path().join("sub")).unwrap();
        let mut guids = folder.poll();
        guids.sort();
        assert_eq!(guids, ["a", "b"]);
        assert_eq!(folder.poll(), [""; 0]);
        folder.write("a.xml", "longer guid");
        assert_eq!(folder.poll(), ["longer guid"]);
        std::fs::remove_file(folder.place.path().join("a.xml")).unwrap();
        assert_eq!(folder.poll(), [""; 0]);
        assert_eq!(folder.known.read.len(), 1, "what is gone is forgotten");
    }

    #[test]
    fn a_file_that_may_still_be_written_waits() {
        let mut folder = Folder::new();
        folder.write("a.xml", "a");
        assert_eq!(folder.poll_at(0).0, [""; 0]);
        folder.write("a.xml", "another guid");
        assert_eq!(folder.poll_at(1).0, [""; 0], "it has grown since");
        assert_eq!(folder.poll_at(2).0, ["another guid"], "it has not changed since the last poll");
    }

    #[test]
    fn a_bad_file_costs_only_itself_and_is_tried_once() {
        let mut folder = Folder::new();
        std::fs::write(folder.place.path().join("bad.xml"), "no feed").unwrap();
        std::fs::write(folder.place.path().join("large.xml"), "x".repeat(10_001)).unwrap();
        folder.write("good.xml", "g");
        let (guids, found) = folder.poll_at(60);
        assert_eq!((guids, found.repairs.0.get(&Repair::Unreadable)), (vec!["g".to_owned()], Some(&2)));
        assert_eq!(folder.poll_at(60).1.repairs, Repairs::default());
    }

    #[test]
    fn links_that_lead_out_and_pipes_are_passed_over() {
        let (mut folder, outside) = (Folder::new(), Folder::new());
        outside.write("secret.xml", "secret");
        folder.write("a.xml", "a");
        let link = |target: &Path, name: &str| {
            std::os::unix::fs::symlink(target, folder.place.path().join(name)).unwrap();
        };
        link(&outside.place.path().join("secret.xml"), "out.xml");
        link(Path::new("../../etc/passwd"), "relative.xml");
        link(Path::new("nowhere"), "broken.xml");
        let pipe = folder.place.path().join("pipe.xml");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(folder.poll(), ["a"]);
    }

    #[test]
    fn many_files_are_read_in_several_polls_and_the_first_pass_ends_with_the_last() {
        let mut folder = Folder::new();
        for number in 0..FILES_PER_POLL_MAX + 5 {
            folder.write(&format!("{number:04}.xml"), &number.to_string());
        }
        let (first, found) = folder.poll_at(60);
        assert_eq!((first.len(), found.has_more, folder.known.is_caught_up), (FILES_PER_POLL_MAX, true, false));
        let (second, found) = folder.poll_at(60);
        assert_eq!((second.len(), found.has_more, folder.known.is_caught_up), (5, false, true));
    }

    #[test]
    fn a_single_file_is_a_feed_and_a_missing_one_an_error() {
        let folder = Folder::new();
        folder.write("a.xml", "a");
        let now = crate::clock::SystemClock.now().checked_add(SignedDuration::from_secs(60)).unwrap();
        let read =
            |name: &str| read(&FeedId::new("f"), &folder.place.path().join(name), &FilesRead::default(), LIMITS, now);
        assert_eq!(read("a.xml").unwrap().items.len(), 1);
        assert!(read("missing").unwrap_err().to_string().contains("missing: No such file"));
    }

    /// The daemon's own way: cursor in, cursor out, through the form in which the store keeps it.
    #[tokio::test]
    async fn a_poller_goes_on_where_the_cursor_says() {
        use crate::intake::{Outcome, Poller, resume};
        let folder = Folder::new();
        folder.write("a.xml", "a");
        let url = Url::from_directory_path(folder.place.path()).unwrap();
        let text = format!("[[feed]]\nid = \"drop\"\noutlet = \"Agency\"\nurl = \"{url}\"\n");
        let config = crate::config::parse_without_secrets(&text, Path::new("g.toml")).unwrap();
        let poller = Poller::new(&config.intake).unwrap();
        let feed = &config.feeds[0];
        let mut cursor = resume(feed, None);
        let mut poll = async |seconds: i64| {
            let now = crate::clock::SystemClock.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
            let poll = poller.poll(&poller.turn(feed, &cursor, now).await, feed, &cursor, now).await;
            let stored = serde_json::to_string(&poll.cursor).unwrap();
            cursor = resume(feed, serde_json::from_str(&stored).unwrap());
            match poll.outcome {
                Outcome::Items { items, read_before } => (items.len(), read_before.is_some(), poll.next_poll_after),
                Outcome::NotModified => (0, true, poll.next_poll_after),
                Outcome::Failed(error) => panic!("{error}"),
            }
        };
        let (count, was_read, _) = poll(60).await;
        assert_eq!((count, was_read), (1, false), "what was there at first is no news");
        assert_eq!(poll(61).await.0, 0);
        folder.write("b.xml", "b");
        let (count, _, wait) = poll(0).await;
        assert!(count == 0 && wait <= std::time::Duration::from_secs(5), "it may not be whole: {wait:?}");
        let (count, was_read, _) = poll(120).await;
        assert_eq!((count, was_read), (1, true));
    }
}
