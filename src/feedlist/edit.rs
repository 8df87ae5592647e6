//! Edits of a config file's `[[feed]]` tables: everything else in it, comments and order included, stays as a person wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use url::Url;

/// Longest id made of a title.
const ID_CHARS_MAX: usize = 40;
/// How often, and how long each time, a command waits for another that edits the same config.
const LOCK_TRIES: u32 = 600;
const LOCK_WAIT: Duration = Duration::from_millis(50);

/// A feed to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewFeed {
    /// Its id; made of its outlet where none is given.
    pub(super) id: Option<String>,
    /// Its address.
    pub(super) url: Url,
    /// Who publishes it.
    pub(super) outlet: String,
}

/// A config file while it is edited.
pub(super) struct ConfigFile {
    document: DocumentMut,
    ids: BTreeSet<String>,
    urls: BTreeSet<String>,
    /// The number last tried for each id that was taken: a list of thousands of feeds of one title must not count from 2 for each.
    numbers: BTreeMap<String, usize>,
}

impl ConfigFile {
    /// Takes the text of a config; an empty one is a config to begin with.
    ///
    /// # Errors
    /// When it is no TOML.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let document: DocumentMut = text.parse().context("the config is no TOML")?;
        let feeds =
            || document.get("feed").and_then(Item::as_array_of_tables).into_iter().flat_map(ArrayOfTables::iter);
        let values = |key: &str| feeds().filter_map(|feed| feed.get(key)?.as_str().map(str::to_owned)).collect();
        let (ids, urls) = (values("id"), values("url"));
        Ok(Self { document, ids, urls, numbers: BTreeMap::new() })
    }

    /// Adds a feed and gives its id; nothing where its address is there already.
    ///
    /// # Errors
    /// When the id is taken, or `feed` is no list of tables.
    pub(super) fn add(&mut self, feed: &NewFeed) -> Result<Option<String>> {
        if self.urls.contains(feed.url.as_str()) {
            return Ok(None);
        }
        let id = match &feed.id {
            Some(id) if self.ids.contains(id) => bail!("there is a feed {id:?} already"),
            Some(id) => id.clone(),
            None => free_id(&feed.outlet, &feed.url, &self.ids, &mut self.numbers),
        };
        let mut table = Table::new();
        table.insert("id", value(&id));
        table.insert("url", value(feed.url.as_str()));
        table.insert("outlet", value(&feed.outlet));
        let feeds = self.document.entry("feed").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let Some(feeds) = feeds.as_array_of_tables_mut() else {
            bail!("`feed` is no list of tables, written [[feed]]")
        };
        feeds.push(table);
        self.ids.insert(id.clone());
        self.urls.insert(feed.url.to_string());
        Ok(Some(id))
    }

    /// Takes a feed out. False where there is none of that id.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let Some(feeds) = self.document.get_mut("feed").and_then(Item::as_array_of_tables_mut) else { return false };
        let before = feeds.len();
        feeds.retain(|feed| feed.get("id").and_then(Item::as_str) != Some(id));
        self.ids.remove(id);
        feeds.len() < before
    }

    /// The id of the feed with this address.
    pub(super) fn id_at(&self, url: &Url) -> Option<&str> {
        let mut feeds = self.document.get("feed").and_then(Item::as_array_of_tables)?.iter();
        feeds.find(|feed| feed.get("url").and_then(Item::as_str) == Some(url.as_str()))?.get("id")?.as_str()
    }

    /// Whether no feed is left.
    pub(super) fn is_without_feeds(&self) -> bool {
        self.ids.is_empty()
    }

    /// The text as it is to be written.
    pub(super) fn text(&self) -> String {
        self.document.to_string()
    }
}

/// An id of a title: its letters and digits in lower case, numbered where it is taken.
fn free_id(title: &str, url: &Url, taken: &BTreeSet<String>, numbers: &mut BTreeMap<String, usize>) -> String {
    let slug = |text: &str| {
        let folded: String =
            text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
        let joined = folded.split_whitespace().collect::<Vec<_>>().join("-");
        joined.chars().take(ID_CHARS_MAX).collect::<String>().trim_end_matches('-').to_owned()
    };
    let from_title = slug(title);
    let base = if from_title.is_empty() { slug(url.host_str().unwrap_or("feed")) } else { from_title };
    let base = if base.is_empty() { "feed".to_owned() } else { base };
    if !taken.contains(&base) {
        return base;
    }
    let number = numbers.entry(base.clone()).or_insert(1);
    loop {
        *number += 1;
        let id = format!("{base}-{number}");
        if !taken.contains(&id) {
            return id;
        }
    }
}

/// Replaces a file whole or not at all, with the permissions that it had.
///
/// # Errors
/// When the new text cannot be written beside it, or the path is no regular file: a rename would put one in the place of a device
/// or a pipe.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if std::fs::metadata(&real).is_ok_and(|metadata| !metadata.is_file()) {
        bail!("{} is no regular file and is left as it is", path.display());
    }
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = || format!("cannot write {}", path.display());
    let mut new = tempfile::NamedTempFile::new_in(folder)
        // Not the name of the new file, which nobody knows.
        .map_err(|error| std::io::Error::from(error.kind()))
        .with_context(|| format!("{}: no file can be made beside it", wrong()))?;
    new.write_all(text.as_bytes()).with_context(wrong)?;
    if let Ok(old) = std::fs::metadata(&real) {
        keep_owner(new.as_file(), &old).with_context(|| {
            format!("{}: it is another's and cannot be left so (edit it as root or as its owner)", wrong())
        })?;
        new.as_file().set_permissions(old.permissions()).with_context(wrong)?;
    }
    new.as_file().sync_all().with_context(wrong)?;
    new.persist(&real).with_context(wrong)?;
    Ok(())
}

/// Gives a file the owner and group of the one that it takes the place of: what root edits must stay readable to the daemon.
fn keep_owner(new: &File, old: &Metadata) -> std::io::Result<()> {
    let own = new.metadata()?;
    if (own.uid(), own.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid()))
}

/// Keeps other commands from editing a config until it is dropped: of two that read the same text, the one that writes last would undo
/// what the other did. The lock is on the file's folder, as the file itself is replaced; where a folder cannot be locked, such as on
/// some network disks, there is none.
///
/// # Errors
/// When another command edits for long.
pub(super) fn lock(path: &Path) -> Result<Option<File>> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(folder) = File::open(folder) else { return Ok(None) };
    for _ in 0..LOCK_TRIES {
        match folder.try_lock() {
            Ok(()) => return Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
    bail!("another command has been editing {} for {} s", path.display(), (LOCK_WAIT * LOCK_TRIES).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(id: Option<&str>, url: &str, outlet: &str) -> NewFeed {
        NewFeed { id: id.map(str::to_owned), url: url.parse().unwrap(), outlet: outlet.into() }
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let text = "# mine\ndatabase = \"x.db\"   # here\n\n[[feed]]\nid = \"a\"  # first\nurl = \"https://a.example/\"\noutlet = \"A\"\n\n[[sink]]\nname = \"s\"\ntype = \"jsonl\"\n";
        let mut file = ConfigFile::parse(text).unwrap();
        assert_eq!(
            file.add(&feed(None, "https://b.example/rss", "The B Post")).unwrap().as_deref(),
            Some("the-b-post")
        );
        let added = file.text();
        assert!(added.starts_with("# mine\ndatabase = \"x.db\"   # here\n"), "{added}");
        assert!(added.contains("id = \"a\"  # first") && added.contains("[[sink]]\nname = \"s\""), "{added}");
        assert!(file.remove("the-b-post") && !file.remove("the-b-post"));
        assert_eq!(file.text(), text);
    }

    #[test]
    fn ids_and_addresses_are_used_once() {
        let mut file = ConfigFile::parse("").unwrap();
        let mut add = |id: Option<&str>, url: &str, outlet: &str| {
            file.add(&feed(id, url, outlet)).map_err(|error| error.to_string())
        };
        assert_eq!(add(None, "https://a.example/1", "A").unwrap().as_deref(), Some("a"));
        assert_eq!(add(None, "https://a.example/2", "A").unwrap().as_deref(), Some("a-2"));
        assert_eq!(add(None, "https://a.example/1", "B").unwrap(), None);
        assert_eq!(add(None, "https://κόσμος.example/", "Новости").unwrap().as_deref(), Some("xn-vxaejmc7c-example"));
        assert!(add(Some("a"), "https://c.example/", "C").unwrap_err().contains("already"));
    }
}
