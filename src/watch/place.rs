//! Where the daemon is and what opens it: arguments and a config in, an address and a token out; called by `watch`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use url::Url;

use super::client::address_of;
use crate::config::{self, ConfigError};

/// Where a daemon listens whose config is not known.
const USUAL: &str = "http://127.0.0.1:8420/";
/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The daemon's address, such as `http://127.0.0.1:8420` or `https://gainsay.example`. Without: `[http] listen` of the config.
    #[arg(long, value_name = "URL")]
    at: Option<Url>,
    /// The config file of the daemon, for its address and a token. Without: `gainsay.toml`, or else
    /// `/etc/gainsay/gainsay.toml`.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file with the token that opens the daemon's API.
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// The environment variable with the token. Without either: a token of the config, if its address is used.
    #[arg(long, value_name = "VARIABLE")]
    token_env: Option<String>,
}

/// A daemon's address, and what it is shown.
pub(super) struct Place {
    pub(super) base: Url,
    pub(super) token: Option<String>,
}

impl Place {
    /// The place that these arguments name.
    ///
    /// # Errors
    /// If the address is none of HTTP, a token cannot be read, or the config that is named cannot be used.
    pub(super) fn find(args: &WatchArgs) -> Result<Self> {
        let given = token(args)?;
        if let Some(at) = &args.at {
            anyhow::ensure!(
                matches!(at.scheme(), "http" | "https") && at.has_host(),
                "--at {at}: an address looks like http://127.0.0.1:8420 or https://gainsay.example"
            );
            anyhow::ensure!(
                at.username().is_empty() && at.password().is_none(),
                "--at: a token goes into --token-file"
            );
            return Ok(Self { base: at.clone(), token: given });
        }
        let Ok(path) = config::find(args.config.as_deref()) else {
            return Ok(Self { base: USUAL.parse()?, token: given });
        };
        let config = match config::load_without_secrets(&path) {
            Ok(config) => config,
            // Who may not read the config of the machine's daemon may still be let in by it.
            Err(ConfigError::Unreadable { .. }) if args.config.is_none() => {
                return Ok(Self { base: USUAL.parse()?, token: given });
            }
            Err(error) => return Err(error.into()),
        };
        let shown = path.display();
        anyhow::ensure!(
            config.web.api,
            "{shown} says `api = false` in [web]: its daemon has no API to be watched through"
        );
        let listen = config.http.listen.and_then(address_of);
        let base = listen.with_context(|| {
            format!("{shown} says `listen = \"\"` in [http]: its daemon cannot be watched; give it an address, or say --at URL")
        })?;
        Ok(Self { base, token: given.or_else(|| config::own_token(&path)) })
    }
}

fn token(args: &WatchArgs) -> Result<Option<String>> {
    let text = match (&args.token_file, &args.token_env) {
        (Some(file), _) => read(file).with_context(|| format!("--token-file: cannot read {}", file.display()))?,
        (None, Some(variable)) => {
            std::env::var(variable).with_context(|| format!("--token-env: {variable} is not set"))?
        }
        (None, None) => return Ok(None),
    };
    let token = text.trim();
    anyhow::ensure!(!token.is_empty(), "the token is empty");
    Ok(Some(token.to_owned()))
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(at: Option<&str>, config: Option<PathBuf>) -> WatchArgs {
        WatchArgs { at: at.map(|at| at.parse().unwrap()), config, token_file: None, token_env: None }
    }

    #[track_caller]
    fn found(config: &str) -> Result<(String, Option<String>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gainsay.toml");
        std::fs::write(&path, config).unwrap();
        std::fs::write(folder.path().join("desk.token"), "operate-operate-operate\n").unwrap();
        let place = Place::find(&args(None, Some(path))).map_err(|error| format!("{error:#}"))?;
        Ok((place.base.to_string(), place.token))
    }

    #[test]
    fn a_config_gives_address_and_token() {
        assert_eq!(found("[http]\nlisten = \"0.0.0.0:99\""), Ok(("http://127.0.0.1:99/".to_owned(), None)));
        let tokens = "[web]\ntokens = [\n{ name = \"a\", scope = \"read\", value = \"read-read-read-read\" },\n\
                      { name = \"b\", scope = \"operate\", file = \"desk.token\" },\n\
                      { name = \"c\", scope = \"operate\", env = \"GAINSAY_NOT_SET_ANYWHERE\" } ]";
        let token = Some("operate-operate-operate".to_owned());
        assert_eq!(found(tokens), Ok((USUAL.to_owned(), token)), "the one that opens most");
        let missing = tokens.replace("desk.token", "no.token");
        assert_eq!(found(&missing), Ok((USUAL.to_owned(), Some("read-read-read-read".to_owned()))));
        assert!(found("[http]\nlisten = \"\"").unwrap_err().contains("listen"));
        assert!(found("[web]\napi = false").unwrap_err().contains("api = false"));
        assert!(found("[http]\nlisten = 3").is_err());
    }

    #[test]
    fn an_address_goes_before_the_config_and_takes_no_token_of_it() {
        let place = Place::find(&args(Some("https://gainsay.example/x"), None)).unwrap();
        assert_eq!((place.base.as_str(), place.token), ("https://gainsay.example/x", None));
        for bad in ["ftp://x.example", "localhost:8420", "http://a:b@x.example"] {
            assert!(Place::find(&args(Some(bad), None)).is_err(), "{bad}");
        }
    }
}
