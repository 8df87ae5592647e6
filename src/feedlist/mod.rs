//! `gainsay feeds list|show|add|remove|import|export|lists`: the feeds of a config file, changed in place.
//!
//! The config file is the one place where feeds stand; what a person wrote around them stays. Nothing is written that would not
//! be a config. A daemon that runs on the config's database is told to read it anew.

mod discover;
mod edit;
pub mod opml;
pub mod plain;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use edit::{ConfigFile, NewFeed};
use opml::Listed;
use plain::Origin;
use url::Url;

use crate::cli::{AddArgs, FeedsCommand, ImportArgs, ReloadArgs, RemoveArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{self, Config, ConfigError, FeedConfig};
use crate::look::args::FormatArgs;
use crate::look::{print_feeds, print_feeds_of};
use crate::model::{FeedControl, FeedId, KeptList, shown_address};
use crate::running;
use crate::store::{StoreError, View, control_feed};

/// The lists that come with the program, by topic. Their facts are public; most could not be tried when they were put together and
/// are marked `unverified`.
const LISTS: [(&str, &str); 6] = [
    ("world", include_str!("../../config/feeds/world.opml")),
    ("business", include_str!("../../config/feeds/business.opml")),
    ("politics", include_str!("../../config/feeds/politics.opml")),
    ("technology", include_str!("../../config/feeds/technology.opml")),
    ("fact-check", include_str!("../../config/feeds/fact-check.opml")),
    ("official", include_str!("../../config/feeds/official.opml")),
];

/// Runs a command on the feeds of a config.
///
/// # Errors
/// If the config or a list cannot be read or written, or would no longer be a config.
pub fn run(command: &FeedsCommand) -> Result<ExitCode> {
    match command {
        FeedsCommand::List { config, at, format } => match at.remote()? {
            Some(remote) => print_feeds_of(&remote, *format).map(|()| ExitCode::SUCCESS),
            None => list(&config::load_without_secrets(config)?, *format),
        },
        FeedsCommand::Show { id, config } => show(&config::load_without_secrets(config)?, id),
        FeedsCommand::Add(args) => add(args),
        FeedsCommand::Discover(args) => discover::run(args),
        FeedsCommand::Remove(args) => remove(args),
        FeedsCommand::Import(args) => import(args),
        FeedsCommand::Export { config } => export(&config::load_without_secrets(config)?),
        FeedsCommand::Lists => lists(),
        FeedsCommand::Pause(args) => crate::look::pause_feeds(args, true),
        FeedsCommand::Resume(args) => crate::look::pause_feeds(args, false),
        FeedsCommand::Poll(args) => crate::look::poll_feed(args),
        FeedsCommand::Status(args) => crate::look::feeds_status(args),
        FeedsCommand::Parse { batch } => crate::commands::parse_feeds(batch),
    }
}

fn list(config: &Config, format: FormatArgs) -> Result<ExitCode> {
    let (kept, controls) = stored(config);
    let feeds = plain::all_feeds(config, &kept, &controls);
    print_feeds(format, &feeds, &controls)?;
    for list in &config.feed_lists {
        let kept = kept.iter().find(|kept| kept.id == list.id && kept.address == plain::address(list));
        let said = match kept {
            None => "not read yet: a running gainsay reads it".to_owned(),
            Some(KeptList { trouble: Some(trouble), .. }) => {
                format!("cannot be read, its feeds stay: {}", on_one_line(trouble))
            }
            Some(_) => continue,
        };
        writeln!(io::stderr().lock(), "list {}: {said}", list.id)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the database keeps of the lists, and what operators have said of feeds, where there is one that can be read.
fn stored(config: &Config) -> (Vec<KeptList>, Vec<FeedControl>) {
    let read = |view: View| Ok((view.feed_lists()?, view.feed_controls()?));
    View::open(&config.database).and_then(read).unwrap_or_default()
}

/// All feeds of a config, as far as the database can be read.
fn all_of(config: &Config) -> Vec<(Arc<FeedConfig>, Origin)> {
    let (kept, controls) = stored(config);
    plain::all_feeds(config, &kept, &controls)
}

fn show(config: &Config, id: &str) -> Result<ExitCode> {
    let all = all_of(config);
    let Some((feed, origin)) = all.iter().find(|(feed, _)| feed.id.as_str() == id) else {
        bail!("there is no feed {id:?}")
    };
    let mut out = io::stdout().lock();
    writeln!(out, "id             {}", feed.id)?;
    writeln!(out, "outlet         {}", on_one_line(&feed.outlet))?;
    writeln!(out, "url            {}", shown_address(&feed.url))?;
    writeln!(out, "poll_interval  {}", config::show_duration(feed.poll_interval))?;
    writeln!(out, "backfill       {}", config::show_duration(feed.backfill))?;
    match origin {
        Origin::Config => {}
        Origin::List(list) => writeln!(out, "list           {list}")?,
        Origin::Added => writeln!(out, "added          by the page or the API; in no config")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs) -> Result<ExitCode> {
    let url = address(&args.url)?;
    if !args.unseen {
        discover::refuse_page(&url, &args.config)?;
    }
    let outlet = args.outlet.clone().unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned());
    let _lock = edit::lock(&args.config)?;
    let mut file = open(&args.config)?;
    let feed = NewFeed { id: args.id.clone(), url, outlet };
    let Some(id) = file.add(&feed)? else {
        bail!("a feed with this address is there already: {}", file.id_at(&feed.url).unwrap_or_default())
    };
    let database = save(&args.config, &file)?;
    say(&format!("added {id} to {}", args.config.display()), &args.config, Some(&database), args.reload)
}

fn remove(args: &RemoveArgs) -> Result<ExitCode> {
    let _lock = edit::lock(&args.config)?;
    let mut file = open(&args.config)?;
    let (here, elsewhere): (Vec<&str>, Vec<&str>) = args.ids.iter().map(String::as_str).partition(|id| file.remove(id));
    let added = if elsewhere.is_empty() { Vec::new() } else { added_feeds(&args.config)? };
    let missing: Vec<&str> = elsewhere.iter().copied().filter(|id| !added.contains(&FeedId::new(*id))).collect();
    if !missing.is_empty() {
        bail!("there is no feed {}; nothing was changed", missing.join(", "));
    }
    if here.is_empty() {
        let database = config::load_without_secrets(&args.config)?.database;
        return remove_added(&database, &elsewhere);
    }
    let database = save(&args.config, &file)?;
    if !elsewhere.is_empty() {
        remove_added(&database, &elsewhere)?;
    }
    let done = format!("removed {} from {}", here.join(", "), args.config.display());
    if file.is_without_feeds() {
        let done = format!(
            "{done}; no feed is left: a running gainsay keeps those that it has, and none starts on this config"
        );
        return say(&done, &args.config, None, args.reload);
    }
    say(&done, &args.config, Some(&database), args.reload)
}

/// The feeds that stand in the database of a config and nowhere else.
fn added_feeds(config: &Path) -> Result<Vec<FeedId>> {
    let (_, controls) = stored(&config::load_without_secrets(config)?);
    Ok(controls.into_iter().filter(|control| control.added.is_some()).map(|control| control.feed).collect())
}

/// Takes out feeds that were added by the page, the API or a command.
fn remove_added(database: &Path, ids: &[&str]) -> Result<ExitCode> {
    for id in ids {
        control_feed(database, &FeedId::new(*id), SystemClock.now(), |control, _| {
            (control.added, control.paused) = (None, None);
            Ok::<_, StoreError>(())
        })?;
    }
    let told = running::takes_up(database);
    writeln!(io::stdout().lock(), "removed {} from {}; {told}", ids.join(", "), database.display())?;
    Ok(ExitCode::SUCCESS)
}

fn import(args: &ImportArgs) -> Result<ExitCode> {
    use std::fmt::Write as _;

    let list = read_list(&args.list)?;
    let _lock = edit::lock(&args.config)?;
    let mut file = open(&args.config)?;
    let (mut added, mut known, mut unverified) = (0, 0, 0);
    for Listed { url, title, is_unverified } in list.feeds {
        let outlet = if title.is_empty() { url.host_str().unwrap_or_default().to_owned() } else { title };
        match file.add(&NewFeed { id: None, url, outlet })? {
            Some(_) => {
                added += 1;
                unverified += u32::from(is_unverified);
            }
            None => known += 1,
        }
    }
    let database = save(&args.config, &file)?;
    let feeds = if added == 1 { "feed" } else { "feeds" };
    let mut said = format!("added {added} {feeds} to {}", args.config.display());
    let mut more = |count: usize, what: &str| {
        if count > 0 {
            // Writing to a string cannot fail.
            write!(said, ", {count} {what}").ok();
        }
    };
    more(known, "were there already");
    more(list.repeated, "stand twice in the list");
    more(list.bad_addresses, "have no address that can be polled");
    more(unverified as usize, "of them unverified: `gainsay check --online` tries them");
    if list.is_cut {
        said.push_str("; the list holds more than is read");
    }
    say(&said, &args.config, (added > 0).then_some(&*database), args.reload)
}

fn export(config: &Config) -> Result<ExitCode> {
    let feeds = all_of(config);
    let feeds = feeds.iter().map(|(feed, _)| (feed.outlet.as_str(), feed.url.as_str()));
    io::stdout().lock().write_all(opml::write(feeds).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn lists() -> Result<ExitCode> {
    let mut out = io::stdout().lock();
    for (topic, text) in LISTS {
        let count = opml::read(text.as_bytes())?.feeds.len();
        writeln!(out, "{topic:11} {count} feeds")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A list by topic, or from a file.
fn read_list(name: &str) -> Result<opml::List> {
    if let Some((_, text)) = LISTS.iter().find(|(topic, _)| *topic == name) {
        return Ok(opml::read(text.as_bytes())?);
    }
    let topics = LISTS.map(|(topic, _)| topic).join(", ");
    let wrong = || format!("{name:?} is neither a list of this program ({topics}) nor a file that can be read");
    let bytes = read_bounded(Path::new(name)).with_context(wrong)?;
    opml::read(&bytes).with_context(|| format!("cannot read {name:?}"))
}

/// The bytes of a list's file, no more than one too many.
///
/// # Errors
/// When it cannot be read.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, opml::BYTES_MAX as u64 + 1), &mut bytes)?;
    Ok(bytes)
}

fn address(text: &str) -> Result<Url> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .with_context(|| format!("{text:?} is not an absolute http or https address"))
}

/// The config file, or the beginning of one.
fn open(path: &Path) -> Result<ConfigFile> {
    // What is replaced must be a file: a device or a pipe would be gone for everybody.
    if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        bail!("{} is no regular file and cannot be edited", path.display());
    }
    match config::read(path) {
        Ok(text) => ConfigFile::parse(&text).or_else(|error| {
            // The reader of configs says where and what would be right.
            config::parse_without_secrets(&text, path)?;
            Err(error).with_context(|| format!("cannot edit {}", path.display()))
        }),
        Err(ConfigError::Unreadable { error, .. }) if error.kind() == io::ErrorKind::NotFound => ConfigFile::parse(""),
        Err(error) => Err(error.into()),
    }
}

/// Writes the file if it is still a config; gives the database that it names.
fn save(path: &Path, file: &ConfigFile) -> Result<PathBuf> {
    let text = file.text();
    let config = config::parse_without_secrets(&text, path)?;
    edit::replace(path, &text)?;
    Ok(config.database)
}

/// Without what could act on a terminal.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Says what was done, tells the daemon on the database, where something changed for it, and says what it makes of it.
fn say(done: &str, config: &Path, database: Option<&Path>, reload: ReloadArgs) -> Result<ExitCode> {
    let told = match database {
        None => String::new(),
        Some(_) if reload.no_reload => "; a running gainsay reads it on SIGHUP".to_owned(),
        Some(database) => format!("; {}", running::tell(database, config)),
    };
    writeln!(io::stdout().lock(), "{done}{told}")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_that_come_along_are_lists() {
        for (topic, text) in LISTS {
            let list = opml::read(text.as_bytes()).unwrap();
            assert!(list.feeds.len() >= 5, "{topic}");
            assert_eq!((list.bad_addresses, list.repeated, list.is_cut), (0, 0, false), "{topic}");
            assert!(list.feeds.iter().all(|feed| !feed.title.is_empty() && feed.is_unverified), "{topic}");
        }
    }
}
