//! What is odd about a sound config: it can be run, but hardly does what was meant.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::config::{Loaded, Origin, SecretPlace, SinkTarget};

/// Bits of a file's mode that let everybody read or write it.
const OTHERS: u32 = 0o006;

/// The warnings, each on one line.
pub(super) fn warnings(loaded: &Loaded) -> Vec<String> {
    let mut found = unfed_sinks(loaded);
    found.extend(twin_feeds(loaded));
    found.extend(secrets(loaded));
    found.extend(database(&loaded.config.database));
    for sink in &loaded.config.sinks {
        if let SinkTarget::JsonLines { path: Some(path) } = &sink.target
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
    for (sink, place) in &loaded.secrets {
        // An address is kept in a file where it is itself the secret.
        let (sink, key) = sink.strip_suffix(".url").map_or((sink.as_str(), "secret_file"), |sink| (sink, "url_file"));
        match place {
            SecretPlace::Inline => {
                let line = match loaded.origins.get(&format!("{sink}.secret")) {
                    Some(Origin::File { line }) => format!(":{line}"),
                    _ => String::new(),
                };
                let file = loaded.path.display();
                found.push(format!("{file}{line}: {sink}.secret: copies of this file carry the secret along; secret_env or secret_file do not"));
            }
            SecretPlace::File(path) => {
                let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
                if mode & OTHERS != 0 {
                    let (path, mode) = (path.display(), mode & 0o777);
                    found
                        .push(format!("{sink}.{key}: {path} is open to everybody (mode {mode:03o}): chmod 600 {path}"));
                }
            }
            SecretPlace::Environment(_) => {}
        }
    }
    found
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
