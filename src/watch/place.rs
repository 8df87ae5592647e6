//! Where the daemon is and what opens it: arguments and a config in, an address and a token out; called by `watch`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use url::Url;

use crate::config::{self, ConfigError};
use crate::remote::{Place, address_of, token};

/// Where a daemon listens whose config is not known.
const USUAL: &str = "http://127.0.0.1:8420/";

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

impl WatchArgs {
    /// The place that these arguments name.
    ///
    /// # Errors
    /// If the address is none of HTTP, a token cannot be read, or the config that is named cannot be used.
    pub(super) fn place(&self) -> Result<Place> {
        let given = token(self.token_file.as_deref(), self.token_env.as_deref())?;
        if let Some(at) = &self.at {
            return Place::new(at, given);
        }
        let Ok(path) = config::find(self.config.as_deref()) else {
            return Ok(Place { base: USUAL.parse()?, token: given });
        };
        let config = match config::load_without_secrets(&path) {
            Ok(config) => config,
            // Who may not read the config of the machine's daemon may still be let in by it.
            Err(ConfigError::Unreadable { .. }) if self.config.is_none() => {
                return Ok(Place { base: USUAL.parse()?, token: given });
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
        Ok(Place { base, token: given.or_else(|| config::own_token(&path)) })
    }
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
        let place = args(None, Some(path)).place().map_err(|error| format!("{error:#}"))?;
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
        let place = args(Some("https://gainsay.example/x"), None).place().unwrap();
        assert_eq!((place.base.as_str(), place.token), ("https://gainsay.example/x", None));
        for bad in ["ftp://x.example", "localhost:8420", "http://a:b@x.example"] {
            assert!(args(Some(bad), None).place().is_err(), "{bad}");
        }
    }
}
