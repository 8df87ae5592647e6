//! The layers above the file: `GAINSAY_*` variables and `--set` flags in, values by key out, to be decoded as the file's own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::access::variables;
use super::keys::{Key, Kind, keys};
use super::reader::{Report, Wrong, did_you_mean, most_alike};
use super::signing;

/// What the names of our environment variables begin with.
pub(super) const PREFIX: &str = "GAINSAY_";

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The config file.
    File {
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A flag.
    Flag,
}

/// A value from outside the file.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// Where it comes from.
    pub(super) origin: Origin,
    /// The value as a file would hold it.
    pub(super) value: DeValue<'a>,
}

/// Settings from outside the file: environment over file, flags over environment, a later flag over an earlier one.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    environment: BTreeMap<String, String>,
    flags: Vec<(String, String)>,
}

impl Layers {
    /// Layers of these variables, of which those that do not begin with `GAINSAY_` are left out, and these `(key, value)` flags.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>, flags: &[(String, String)]) -> Self {
        let environment = environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        Self { environment, flags: flags.to_vec() }
    }

    /// Layers of the variables of this process and these flags.
    pub fn of_process(flags: &[(String, String)]) -> Self {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self::new(std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))), flags)
    }

    /// The values by path of their key, lowest layer first, and what is to be said of variables that are no key: others than us set
    /// such names, too (Kubernetes gives each container `<SERVICE>_PORT`), and what held the secret of a sink may be left over.
    /// `root` is the file, which may name variables that hold secrets. Flags that are no key are problems.
    pub(super) fn resolve<'a>(
        &'a self,
        root: &DeTable<'_>,
        report: &Report<'_>,
    ) -> (BTreeMap<String, Vec<Setting<'a>>>, Vec<String>) {
        let single: Vec<Key> = keys().into_iter().filter(Key::is_single).collect();
        let secrets = secret_variables(root);
        let mut found: BTreeMap<String, Vec<Setting<'a>>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (variable, text) in &self.environment {
            if let Some(key) = single.iter().find(|key| key.variable() == *variable) {
                let origin = Origin::Environment { variable: variable.clone() };
                found.entry(key.path()).or_default().push(Setting { origin, value: value(&key.kind, text) });
            } else if !secrets.contains(variable.as_str()) {
                unknown.push(unknown_variable(variable, &single));
            }
        }
        for (path, text) in &self.flags {
            if let Some(key) = single.iter().find(|key| key.path() == *path) {
                let setting = Setting { origin: Origin::Flag, value: value(&key.kind, text) };
                found.entry(key.path()).or_default().push(setting);
            } else {
                let paths: Vec<String> = single.iter().map(Key::path).collect();
                let guess = did_you_mean(path, paths.iter().map(String::as_str));
                let wrong = Wrong::new(format!("is not a key that can be set{guess}"), paths.join(", "));
                report.add_outside("command line", &format!("--set {}", path.escape_debug()), wrong);
            }
        }
        (found, unknown)
    }
}

fn unknown_variable(variable: &str, single: &[Key]) -> String {
    let names: Vec<String> = single.iter().map(Key::variable).collect();
    // What all names begin with would make all of them alike.
    let bare = |name: &'_ str| name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase();
    let candidates: Vec<String> = names.iter().map(|name| bare(name)).collect();
    let guess = most_alike(&bare(variable), candidates.iter().map(String::as_str))
        .map(|name| format!(", did you mean {PREFIX}{}?", name.to_uppercase()))
        .unwrap_or_default();
    let variable = variable.escape_debug();
    format!("the environment variable {variable} is no key of the config and counts for nothing{guess}")
}

/// Variables that the file names as holders of secrets, whatever else is wrong with it.
fn secret_variables<'t>(root: &'t DeTable<'_>) -> BTreeSet<&'t str> {
    let sinks = root.get("sink").and_then(|sinks| sinks.get_ref().as_array());
    let tables = sinks.into_iter().flat_map(|sinks| sinks.iter()).filter_map(|sink| sink.get_ref().as_table());
    let of_sinks = tables.flat_map(|sink| {
        let address = sink.get("url_env").and_then(|name| name.get_ref().as_str());
        signing::variables(sink).into_iter().chain(variables(sink)).chain(address)
    });
    let feeds = root.get("feed").and_then(|feeds| feeds.get_ref().as_array());
    let feeds = feeds.into_iter().flat_map(|feeds| feeds.iter()).filter_map(|feed| feed.get_ref().as_table());
    let web = root.get("web").and_then(|web| web.get_ref().as_table());
    of_sinks.chain(feeds.flat_map(variables)).chain(web.map(super::web::variables).unwrap_or_default()).collect()
}

/// What a file would hold where this text is meant: texts need no quotes and lists no brackets outside a file.
fn value<'a>(kind: &Kind, text: &'a str) -> DeValue<'a> {
    let text = text.trim();
    let written = || DeValue::parse(text).ok().map(Spanned::into_inner);
    let plain = || DeValue::String(text.into());
    let is_quoted = text.starts_with(['"', '\'']);
    match kind {
        Kind::Count(_) | Kind::Fraction(_) => written().unwrap_or_else(plain),
        // A number without a unit gets the same answer as in the file.
        Kind::Duration(_) | Kind::Size(_) => {
            written().filter(|value| is_quoted || value.is_integer()).unwrap_or_else(plain)
        }
        Kind::Texts | Kind::AlertTypes | Kind::Durations(_) if text.starts_with('[') => written().unwrap_or_else(plain),
        Kind::Texts | Kind::AlertTypes | Kind::Durations(_) => {
            let mut list = DeArray::default();
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                list.push(Spanned::new(0..0, DeValue::String(part.into())));
            }
            DeValue::Array(list)
        }
        Kind::Path => {
            let value = if is_quoted { written().unwrap_or_else(plain) } else { plain() };
            match value.as_str() {
                // Relative paths of the file start at its folder; those of a command start where it was given.
                Some(path) if !path.is_empty() && !path.contains('\0') => {
                    let absolute = std::path::absolute(Path::new(path)).ok();
                    let absolute = absolute.and_then(|path| path.into_os_string().into_string().ok());
                    absolute.map_or(value, |path| DeValue::String(path.into()))
                }
                _ => value,
            }
        }
        _ if is_quoted => written().unwrap_or_else(plain),
        _ => plain(),
    }
}
