//! Archives: JSON Lines of documents, plain or gzipped, read for `extract`, `stories` and `replay`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{Document, MarkupFormat};
use crate::text::document::{archive_document, topics};

/// Bytes in one line; a longer one is a bad line.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// One document of an archive. Unknown keys are ignored.
#[derive(Debug, Clone, Deserialize)]
pub struct ArchiveLine {
    /// The document's id as given: text or number, unique in the archive.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// Its headline.
    #[serde(default)]
    pub title: Option<String>,
    /// Its text.
    pub text: String,
    /// When it was published: an instant, or a date, which means 00:00 UTC.
    #[serde(default)]
    pub published: Option<String>,
    /// Its address.
    #[serde(default)]
    pub url: Option<String>,
    /// Who publishes it.
    #[serde(default, alias = "feed")]
    pub outlet: Option<String>,
    /// What its publisher files it under.
    #[serde(default)]
    pub topics: Vec<String>,
}

impl ArchiveLine {
    /// The document, as first seen at `first_seen`.
    pub fn document(&self, format: MarkupFormat, first_seen: Timestamp) -> Document {
        let document = archive_document(
            &self.id,
            self.outlet.as_deref(),
            self.title.as_deref(),
            &self.text,
            self.published_at(),
            self.url.as_deref(),
            first_seen,
            format,
        );
        Document { topics: topics(&self.topics), ..document }
    }

    /// When it was published, where that can be read.
    pub fn published_at(&self) -> Option<Timestamp> {
        let stated = self.published.as_deref()?.trim();
        stated.parse().ok().or_else(|| format!("{stated}T00:00:00Z").parse().ok())
    }
}

fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

/// A line that is no document.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The line cannot be read as JSON with the keys of a document.
    #[error("{name}:{line}: not a document: {error}")]
    Line {
        /// The file.
        name: String,
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The line is longer than the limit.
    #[error("{name}:{line}: the line is longer than 16 MiB")]
    LineTooLong {
        /// The file.
        name: String,
        /// Its number, from 1.
        line: u64,
    },
    /// The file cannot be opened or read on.
    #[error("{name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        error: io::Error,
    },
}

impl ArchiveError {
    /// Whether the lines after this one can still be read.
    pub fn is_line(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

/// Reads the documents of one archive in order; bad lines come as errors and the rest goes on.
pub struct Archive {
    name: String,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    is_broken: bool,
}

impl Archive {
    /// Opens a file, gzipped if its first bytes say so.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        Self::open_counted(path, &Arc::default())
    }

    /// As [`Archive::open`]; the bytes that are read of the file, packed as it is, are added to `read`.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_counted(path: &Path, read: &Arc<AtomicU64>) -> Result<Self, ArchiveError> {
        let name = path.display().to_string();
        let fail = |error| ArchiveError::Read { name: name.clone(), error };
        let file = Counted { reader: File::open(path).map_err(fail)?, read: Arc::clone(read) };
        let mut file = BufReader::new(file);
        let is_gzip = file.fill_buf().map_err(fail)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead + Send> =
            if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self { name, reader, line: 0, is_broken: false })
    }

    /// Reads from standard input or any other reader.
    pub fn from_reader(name: &str, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.to_owned(), reader: Box::new(BufReader::new(reader)), line: 0, is_broken: false }
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let read = read.map_err(|error| ArchiveError::Read { name: self.name.clone(), error })?;
        self.line += u64::from(read > 0);
        if read as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            self.skip_line().map_err(|error| ArchiveError::Read { name: self.name.clone(), error })?;
            return Err(ArchiveError::LineTooLong { name: self.name.clone(), line: self.line });
        }
        Ok((read > 0).then_some(line))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

/// Counts what is read.
struct Counted {
    reader: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Iterator for Archive {
    type Item = Result<ArchiveLine, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_broken {
            let line = match self.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => return None,
                Err(error) => {
                    self.is_broken = !error.is_line();
                    return Some(Err(error));
                }
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let parsed = serde_json::from_slice(&line);
            return Some(parsed.map_err(|error| ArchiveError::Line {
                name: self.name.clone(),
                line: self.line,
                error,
            }));
        }
        None
    }
}

/// The clock of a replay: a document is first seen when it was published; without a date when the one before was; never
/// later than the machine's clock.
#[derive(Debug)]
pub struct ReplayClock {
    now: Timestamp,
    limit: Timestamp,
    clamped: u64,
}

impl ReplayClock {
    /// A clock that ends at `limit`.
    pub fn new(limit: Timestamp) -> Self {
        Self { now: Timestamp::UNIX_EPOCH, limit, clamped: 0 }
    }

    /// When the document is first seen.
    pub fn first_seen(&mut self, line: &ArchiveLine) -> Timestamp {
        let published = line.published_at().unwrap_or(self.now);
        self.clamped += u64::from(published > self.limit);
        self.now = published.min(self.limit);
        self.now
    }

    /// Documents that were dated later than the machine's clock.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<ArchiveLine, ArchiveError>> {
        Archive::from_reader("test", io::Cursor::new(text.to_owned())).collect()
    }

    #[test]
    fn bad_lines_do_not_stop_the_rest() {
        let lines = read("{\"id\":1,\"text\":\"a\"}\n\nnonsense\n{\"id\":\"x\",\"text\":\"b\",\"more\":0}");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].as_ref().unwrap().id, "1");
        assert!(lines[1].as_ref().unwrap_err().to_string().starts_with("test:3: not a document"));
        assert_eq!(lines[2].as_ref().unwrap().text, "b");
    }

    #[test]
    fn dates_and_instants() {
        let line = |published: &str| {
            read(&format!("{{\"id\":1,\"text\":\"\",\"published\":\"{published}\"}}")).remove(0).unwrap()
        };
        assert_eq!(line("2016-01-02").published_at().unwrap().to_string(), "2016-01-02T00:00:00Z");
        assert_eq!(line("2024-10-31T08:01:00+01:00").published_at().unwrap().to_string(), "2024-10-31T07:01:00Z");
        assert_eq!(line("soon").published_at(), None);
        let mut clock = ReplayClock::new(line("2020-01-01").published_at().unwrap());
        clock.first_seen(&line("2016-01-02"));
        assert_eq!(clock.first_seen(&line("")).to_string(), "2016-01-02T00:00:00Z");
        assert_eq!(
            (clock.first_seen(&line("2030-01-01")).to_string(), clock.clamped()),
            ("2020-01-01T00:00:00Z".into(), 1)
        );
    }
}
