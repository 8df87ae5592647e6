//! `gainsay feeds discover`, and what `feeds add` says of a web page: the feeds that an address leads to, ready to be pasted or added.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use url::Url;

use super::edit::{self, NewFeed};
use super::{address, on_one_line, open, save, say};
use crate::cli::DiscoverArgs;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{self, IntakeConfig};
use crate::intake::{Discovered, Fetcher, FoundBy, FoundFeed, discover};

/// How long `feeds add` looks at an address; what cannot be reached then is added unseen.
const GLANCE: Duration = Duration::from_secs(10);

/// Runs `feeds discover`.
///
/// # Errors
/// If the address cannot be fetched, leads to no feed, or a feed cannot be added.
pub(super) fn run(args: &DiscoverArgs) -> Result<ExitCode> {
    let url = address(&args.url)?;
    let found = look(&url, &intake(&args.config)?, true)??;
    for (address, wrong) in &found.failed {
        writeln!(io::stderr().lock(), "{}: {}", on_one_line(address), on_one_line(wrong))?;
    }
    if found.feeds.is_empty() {
        bail!("no feed was found at {}: the page names none, and none is where feeds commonly are", args.url);
    }
    if !args.add {
        let mut out = io::stdout().lock();
        for feed in &found.feeds {
            write!(out, "{}", paste(feed)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(feed) = found.feeds.iter().find(|feed| feed.entries > 0).or(found.feeds.first()) else {
        bail!("no feed was found")
    };
    let _lock = edit::lock(&args.config)?;
    let mut file = open(&args.config)?;
    let new = NewFeed { id: None, url: feed.url.clone(), outlet: outlet(feed) };
    let Some(id) = file.add(&new)? else {
        bail!("a feed with this address is there already: {}", file.id_at(&new.url).unwrap_or_default())
    };
    let database = save(&args.config, &file)?;
    let done = format!("added {id} ({}) to {}", feed.url, args.config.display());
    say(&on_one_line(&done), &args.config, Some(&database), args.reload)
}

/// Fails where an address is a web page and no feed, and says which feeds that leads to. What cannot be reached is not judged.
pub(super) fn refuse_page(url: &Url, config: &Path) -> Result<()> {
    // Of a config that cannot be read it is said when it is edited.
    let Ok(intake) = intake(config) else { return Ok(()) };
    let intake = IntakeConfig { fetch_timeout: intake.fetch_timeout.min(GLANCE), ..intake };
    let Ok(found) = look(url, &intake, false)? else { return Ok(()) };
    if found.feeds.iter().any(|feed| feed.by == FoundBy::Itself) {
        return Ok(());
    }
    let named: Vec<&str> = found.feeds.iter().map(|feed| feed.url.as_str()).collect();
    if named.is_empty() {
        bail!("this is no feed, and names none; `gainsay feeds discover {url}` looks where feeds commonly are");
    }
    bail!("this is no feed but a page that names: {}", on_one_line(&named.join(", ")))
}

/// What came of looking, or why the address itself could not be looked at.
fn look(url: &Url, intake: &IntakeConfig, guesses: bool) -> Result<Result<Discovered>> {
    let fetcher = Fetcher::new(intake).context("cannot build the HTTP client")?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let found = runtime.block_on(discover(&fetcher, url, guesses, intake.entries_max, SystemClock.now()));
    Ok(found.map_err(anyhow::Error::from))
}

/// How the config fetches; as it does by default where there is none.
fn intake(config: &Path) -> Result<IntakeConfig> {
    if !config.exists() {
        return Ok(IntakeConfig::default());
    }
    Ok(config::load_without_secrets(config)?.intake)
}

fn outlet(feed: &FoundFeed) -> String {
    let title = on_one_line(&feed.title);
    if title.is_empty() { feed.url.host_str().unwrap_or_default().to_owned() } else { title }
}

/// A feed as it would stand in a config, with what is known of it.
fn paste(feed: &FoundFeed) -> Result<String> {
    let newest = feed.newest.map_or_else(|| "no dates".to_owned(), |newest| format!("newest {newest}"));
    let entries = if feed.entries == 1 { "entry" } else { "entries" };
    let mut file = edit::ConfigFile::parse("")?;
    file.add(&NewFeed { id: None, url: feed.url.clone(), outlet: outlet(feed) })?;
    let what = format!("# {}, {} {entries}, {newest}, {}", feed.format, feed.entries, feed.by.as_str());
    Ok(format!("{what}\n{}\n", file.text().trim()))
}
