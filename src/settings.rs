//! From the arguments of a command to the config that counts, and the commands that print configs: `config default`, `config show`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{ConfigArgs, ConfigCommand};
use crate::config::{self, ConfigError, DEFAULT_TOML, Layers, Loaded};

/// Where a config comes from, found once, so that it can be read again.
#[derive(Debug, Clone)]
pub struct Source {
    path: PathBuf,
    flags: Vec<(String, String)>,
}

impl Source {
    /// The source that these arguments name; `database` is a flag of its own and counts over `--set`.
    ///
    /// # Errors
    /// If no file is named and none is where one is looked for.
    pub fn new(args: &ConfigArgs, database: Option<&str>) -> Result<Self, ConfigError> {
        let path = config::find(args.config.as_deref())?;
        let database = database.map(|path| ("database".to_owned(), path.to_owned()));
        Ok(Self { path, flags: args.settings.iter().cloned().chain(database).collect() })
    }

    /// The config file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the config through all its layers.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        config::load_layers(&self.path, &Layers::of_process(&self.flags))
    }
}

/// `gainsay config`.
///
/// # Errors
/// If the config is bad or the output cannot be written.
pub fn config(command: &ConfigCommand) -> Result<ExitCode> {
    let text = match command {
        ConfigCommand::Default => DEFAULT_TOML.to_owned(),
        ConfigCommand::Show(args) => config::show(&Source::new(args, None)?.load()?),
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
