//! What is odd about a sound config: it can be run, but hardly does what was meant.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{Access, access};
use url::{Host, Url};

use crate::clock::{Clock as _, SystemClock};
use crate::config::{ListSource, Loaded, Origin, Secret, SecretPlace, SinkConfig, SinkTarget, WebhookConfig};
use crate::guard::refusal;
use crate::model::AlertType;

/// Bits of a file's mode that let everybody read or write it.
const OTHERS: u32 = 0o006;

/// The warnings, each on one line.
pub(super) fn warnings(loaded: &Loaded) -> Vec<String> {
    let mut found = loaded.unknown_variables.clone();
    found.extend(unfed_sinks(loaded));
    found.extend(untold_sinks(loaded));
    found.extend(twin_feeds(loaded));
    found.extend(secrets(loaded));
    found.extend(twin_keys(loaded));
    found.extend(expired_keys(loaded, SystemClock.now()));
    found.extend(in_the_clear(loaded));
    found.extend(links(loaded));
    found.extend(websub(loaded));
    found.extend(lists(loaded));
    found.extend(directories(loaded));
    found.extend(database(&loaded.config.database));
    for sink in &loaded.config.sinks {
        if let SinkTarget::JsonLines(lines) = &sink.target
            && let Some(path) = &lines.path
            && !folder(path).is_dir()
        {
            found.push(format!("the folder {} of the sink {:?} does not exist", folder(path).display(), sink.name));
        }
    }
    found
}

fn unfed_sinks(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let is_fed = |sink: &String| config.rules.iter().any(|rule| rule.sinks.is_empty() || rule.sinks.contains(sink));
    let unfed = config.sinks.iter().map(|sink| &sink.name).filter(|sink| !is_fed(sink));
    unfed.map(|sink| format!("no rule lets the sink {sink:?} get anything")).collect()
}

/// Sinks that are told of claims and would never hear that one was corrected or withdrawn.
fn untold_sinks(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let lets = |sink: &str, fits: &dyn Fn(AlertType) -> bool| {
        let mut rules =
            config.rules.iter().filter(|rule| rule.sinks.is_empty() || rule.sinks.iter().any(|name| name == sink));
        rules.any(|rule| rule.types.is_empty() || rule.types.iter().copied().any(fits))
    };
    let untold = |sink: &SinkConfig| -> Option<String> {
        let is_told = lets(&sink.name, &|known| !known.takes_back() && !known.as_str().starts_with("feed."));
        let missing: Vec<&str> = AlertType::ruled()
            .filter(|known| known.takes_back() && !lets(&sink.name, &|named| named == *known))
            .map(AlertType::as_str)
            .collect();
        (is_told && !missing.is_empty()).then(|| {
            let missing = missing.join(" and ");
            format!("the sink {:?} gets claims, and no rule lets it get {missing}: it never hears that a claim was taken back", sink.name)
        })
    };
    config.sinks.iter().filter_map(untold).collect()
}

fn twin_feeds(loaded: &Loaded) -> Vec<String> {
    let mut by_url: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for feed in &loaded.config.feeds {
        by_url.entry(feed.url.as_str()).or_default().push(feed.id.to_string());
    }
    let twins = by_url.into_values().filter(|ids| ids.len() > 1);
    // The address may carry a token, the names do not.
    twins
        .map(|ids| format!("the feeds {} have one url: each entry is read {} times", ids.join(", "), ids.len()))
        .collect()
}

fn secrets(loaded: &Loaded) -> Vec<String> {
    let mut found = Vec::new();
    for (what, place) in &loaded.secrets {
        match place {
            // What most headers hold is no secret.
            SecretPlace::Inline if what.split_once(".headers.").is_some_and(|(_, name)| !is_secret_header(name)) => {}
            SecretPlace::Inline => {
                let within = format!("{what}.value");
                let line = match loaded.origins.get(what).or_else(|| loaded.origins.get(&within)) {
                    Some(Origin::File { line }) => format!(":{line}"),
                    _ => String::new(),
                };
                let file = loaded.path.display();
                let (in_variable, in_file) = other_places(what);
                found.push(format!(
                    "{file}{line}: {what}: copies of this file carry the secret along; {in_variable} or {in_file} do not"
                ));
            }
            SecretPlace::File(path) => {
                let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
                if mode & OTHERS != 0 {
                    let (path, mode) = (path.display(), mode & 0o777);
                    let key = if is_of_table(what) { what.clone() } else { format!("{what}_file") };
                    found.push(format!("{key}: {path} is open to everybody (mode {mode:03o}): chmod 600 {path}"));
                }
            }
            SecretPlace::Environment(_) => {}
        }
    }
    found
}

/// The keys that keep a secret elsewhere.
fn other_places(what: &str) -> (String, String) {
    match what.rsplit_once('.') {
        Some((_, key)) if !is_of_table(what) => (format!("{key}_env"), format!("{key}_file")),
        _ => ("{ env = … }".to_owned(), "{ file = … }".to_owned()),
    }
}

/// Whether a secret stands in a table of its own, as `{ env = … }`.
fn is_of_table(what: &str) -> bool {
    [".headers.", ".more_secrets[", ".tokens["].iter().any(|table| what.contains(table))
}

/// The webhook sinks with their names.
fn webhooks(loaded: &Loaded) -> impl Iterator<Item = (&str, &WebhookConfig)> {
    loaded.config.sinks.iter().filter_map(|sink| Some((sink.name.as_str(), sink.target.webhook()?)))
}

/// Whoever has the key of one endpoint can speak to the other in our name.
fn twin_keys(loaded: &Loaded) -> Vec<String> {
    let keys: Vec<(&str, Vec<&Secret>)> = webhooks(loaded)
        .map(|(name, webhook)| {
            (name, webhook.secret.iter().chain(webhook.more_secrets.iter().map(|key| &key.secret)).collect())
        })
        .collect();
    let mut found = Vec::new();
    for (number, (name, own)) in keys.iter().enumerate() {
        let twins = keys.iter().skip(number + 1).filter(|(_, theirs)| own.iter().any(|key| theirs.contains(key)));
        for (other, _) in twins {
            found.push(format!("the sinks {name:?} and {other:?} have a signing key in common: either endpoint can speak to the other in gainsay's name"));
        }
    }
    found
}

fn expired_keys(loaded: &Loaded, now: Timestamp) -> Vec<String> {
    let expired = webhooks(loaded).flat_map(|(name, webhook)| {
        let keys = webhook.more_secrets.iter().enumerate();
        keys.filter_map(move |(number, key)| Some((name, number + 1, key.until.filter(|until| *until <= now)?)))
    });
    expired
        .map(|(name, number, until)| {
            format!("the sink {name:?}: more_secrets[{number}] has expired ({until}) and signs nothing: it can go")
        })
        .collect()
}

/// Whether a header of this name is likely to hold a secret.
fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "key", "token", "secret", "password", "cookie", "session", "signature"]
        .iter()
        .any(|word| name.contains(word))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Links of messages that lead nowhere, or whose signatures anybody on the way can read; a public address without tokens.
fn links(loaded: &Loaded) -> Vec<String> {
    let Some(links) = &loaded.config.web.links else { return Vec::new() };
    let (mut found, public) = (Vec::new(), links.base());
    if loaded.config.http.listen.is_none() {
        found.push("web.public_url is set and http.listen is empty: the links of messages lead nowhere".to_owned());
    } else if loaded.config.web.tokens.is_empty() && !is_loopback(public) {
        // Who comes through a proxy on this machine that names the address that it asks is not told from who is on this machine.
        let found_open = "web.public_url is set and [web] has no tokens: a reverse proxy that leads more than /act/ here, and does not \
                          pass the Host on, opens the page and the API to whoever reaches it";
        found.push(found_open.to_owned());
    }
    if public.scheme() == "http" && links.are_signed() && !is_loopback(public) {
        found.push("web.public_url is http: anybody on the way can read its signed links, and use them".to_owned());
    }
    found
}

/// An address for hubs that none of them can reach, or that anybody on the way can read.
fn websub(loaded: &Loaded) -> Vec<String> {
    let Some(callback) = &loaded.config.websub.callback_url else { return Vec::new() };
    let refusal = match callback.host() {
        Some(Host::Ipv4(address)) => refusal(address.into(), &[]),
        Some(Host::Ipv6(address)) => refusal(address.into(), &[]),
        Some(Host::Domain("localhost")) => Some("this machine"),
        Some(Host::Domain(_)) | None => None,
    };
    let unreachable = refusal.map(|why| {
        format!(
            "websub.callback_url is at {why}: hubs of the internet cannot reach it, and their feeds are polled as ever"
        )
    });
    let is_open = callback.scheme() == "http" && refusal.is_none();
    let open = is_open.then(|| {
        "websub.callback_url is http: anybody on the way can read its secret paths, and hubs may refuse it".to_owned()
    });
    unreachable.into_iter().chain(open).collect()
}

/// Lists that are not there, or that are read twice.
fn lists(loaded: &Loaded) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen: Vec<(&ListSource, &str)> = Vec::new();
    for list in &loaded.config.feed_lists {
        if let ListSource::Path(path) = &list.source
            && let Err(trouble) = access(path, Access::READ_OK)
        {
            found.push(format!("the feed list {} cannot read {}: {trouble}", list.id, path.display()));
        }
        match seen.iter().find(|(source, _)| *source == &list.source) {
            Some((_, first)) => {
                found.push(format!(
                    "the feed lists {first} and {} are one: the feeds count as those of {first}",
                    list.id
                ));
            }
            None => seen.push((&list.source, &list.id)),
        }
    }
    found
}

/// Feeds and endpoints whose credentials anybody on the way can read.
fn in_the_clear(loaded: &Loaded) -> Vec<String> {
    let feeds = loaded.config.feeds.iter().filter(|feed| !feed.access.is_empty());
    let feeds = feeds.map(|feed| (format!("feed {}", feed.id), &feed.url));
    let sinks = webhooks(loaded).filter(|(_, webhook)| !webhook.access.is_empty());
    feeds
        .chain(sinks.map(|(name, webhook)| (format!("sink {name:?}"), &webhook.url)))
        .filter(|(_, url)| url.scheme() == "http" && !is_loopback(url))
        .map(|(what, _)| format!("the {what} sends its credentials over http: anybody on the way can read them"))
        .collect()
}

/// Watched directories that are not there, or that this user may not read.
fn directories(loaded: &Loaded) -> Vec<String> {
    let watched = loaded.config.feeds.iter().filter(|feed| feed.url.scheme() == "file");
    watched
        .filter_map(|feed| {
            let path = feed.url.to_file_path().ok()?;
            let rights = if path.is_dir() { Access::READ_OK | Access::EXEC_OK } else { Access::READ_OK };
            let trouble = access(&path, rights).err()?;
            Some(format!("the feed {} cannot read {}: {trouble}", feed.id, path.display()))
        })
        .collect()
}

/// The database, its log and its lock are made beside each other, so their folder must be writable.
fn database(path: &Path) -> Option<String> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Some(format!("the folder {} of the database does not exist", folder.display()));
    }
    let may = |path: &Path, rights| access(path, rights).is_ok();
    if !may(folder, Access::WRITE_OK | Access::EXEC_OK) {
        return Some(format!("the folder {} of the database is not writable", folder.display()));
    }
    (path.exists() && !may(path, Access::READ_OK | Access::WRITE_OK))
        .then(|| format!("the database {} is not writable", path.display()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
