//! Where a daemon is and what opens it: an address and a token, as arguments give them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::de::DeserializeOwned;
use url::Url;

use super::client::{Client, ClientError};

/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: u64 = 4096;

/// A daemon's address, and what it is shown.
pub(crate) struct Place {
    pub(crate) base: Url,
    pub(crate) token: Option<String>,
}

impl Place {
    /// The place at an address that somebody gave.
    ///
    /// # Errors
    /// If the address is none of HTTP, or has a password in it.
    pub(crate) fn new(at: &Url, token: Option<String>) -> Result<Self> {
        anyhow::ensure!(
            matches!(at.scheme(), "http" | "https") && at.has_host(),
            "--at {at}: an address looks like http://127.0.0.1:8420 or https://gainsay.example"
        );
        anyhow::ensure!(at.username().is_empty() && at.password().is_none(), "--at: a token goes into --token-file");
        Ok(Self { base: at.clone(), token })
    }
}

/// The token in a file or in a variable of the environment; nothing where neither is named.
///
/// # Errors
/// If it cannot be read, or is empty.
pub(crate) fn token(file: Option<&Path>, variable: Option<&str>) -> Result<Option<String>> {
    let text = match (file, variable) {
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

/// Arguments of a listing that can be had of a running daemon.
#[derive(Debug, Clone, Args)]
pub struct RemoteArgs {
    /// Ask the daemon at this address for it, such as `http://127.0.0.1:8420` or `https://gainsay.example`, in place of the database.
    #[arg(long, value_name = "URL")]
    at: Option<Url>,
    /// The file with the token that opens that daemon's API.
    #[arg(long, value_name = "FILE", requires = "at", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
    /// The environment variable with the token.
    #[arg(long, value_name = "VARIABLE", requires = "at")]
    token_env: Option<String>,
}

impl RemoteArgs {
    /// The daemon that is to be asked, if one is.
    ///
    /// # Errors
    /// If address or token are none.
    pub(crate) fn remote(&self) -> Result<Option<Remote>> {
        let Some(at) = &self.at else { return Ok(None) };
        let token = token(self.token_file.as_deref(), self.token_env.as_deref())?;
        let place = Place::new(at, token)?;
        Ok(Some(Remote { client: Client::new(place.base, place.token.as_deref())? }))
    }
}

/// A daemon that is asked by a command, which waits for the answer.
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// The first items of a list that fit a query, so many at most or all where that is nothing.
    ///
    /// # Errors
    /// If the daemon does not answer, lets nobody in, or speaks another version.
    pub(crate) fn first<T: DeserializeOwned>(
        &self,
        list: &str,
        query: &[(&str, String)],
        most: Option<usize>,
    ) -> Result<Vec<T>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.client.first(list, query, most)).map_err(ClientError::explained)
    }
}
