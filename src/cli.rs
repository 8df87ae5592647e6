//! The command line: subcommands, their arguments and help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::look::args as look;

/// Watches newswires and says, once and reliably, who alleged what and who denied it.
#[derive(Debug, Parser)]
#[command(name = "gainsay", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What is logged on standard error: error, warn, info, debug, trace, or a filter such as `gainsay::intake=debug`.
    /// Default: warn; for `demo`, which shows its failures itself, error.
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

impl Cli {
    /// What is logged.
    pub fn log_filter(&self) -> &str {
        let quiet = matches!(self.command, Command::Demo(_));
        self.log.as_deref().unwrap_or(if quiet { "error" } else { "warn" })
    }
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows it at work: serves a bundled wire on loopback and runs the daemon on it; needs nothing else.
    Demo(DemoArgs),
    /// Runs the daemon on the feeds of a config file until it is told to stop.
    Run(RunArgs),
    /// Prints the claims of documents as JSON Lines.
    Extract(ExtractArgs),
    /// Prints the story of each document of an archive as JSON Lines: near-duplicates share one.
    Stories(StoriesArgs),
    /// Runs the whole pipeline over archives in file order and prints the alerts as JSON Lines.
    Replay(ReplayArgs),
    /// Works on feeds.
    Feeds {
        /// What to do with them.
        #[command(subcommand)]
        command: FeedsCommand,
    },
    /// Lists claims, the newest first.
    Claims(look::ClaimsArgs),
    /// Lists claim threads, that which something was last added to first.
    Threads(look::ThreadsArgs),
    /// Lists which alert went to which sink, or waits, or never got there; the newest first.
    Deliveries(look::DeliveriesArgs),
    /// Says why an alert was sent, or why a document, story, thread or claim gave none.
    Explain(look::ExplainArgs),
    /// Checks config, database, feeds, sinks and machine; exit code 1 if anything is bad.
    Doctor(look::DoctorArgs),
    /// Copies the database, also while the daemon works on it.
    Backup(look::BackupArgs),
    /// Prints the JSON Schema of a contract.
    Schema {
        /// Which contract.
        contract: Contract,
    },
    /// Prints completions for a shell.
    Completions(look::CompletionsArgs),
    /// Prints the manual page, or writes one for each command.
    Man(look::ManArgs),
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Seconds between two acts of the bundled wire.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub pace: f64,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The config file (TOML); `config/default.toml` explains every key.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `extract`.
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// Print every attribution, statements too.
    #[arg(long)]
    pub all: bool,
    /// How the input is written. A `.jsonl` or `.jsonl.gz` file is taken for JSON Lines.
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,
    /// Print each document's text first, to which the offsets refer, and for HTML its offset map.
    #[arg(long)]
    pub with_text: bool,
    /// The file; standard input without.
    pub file: Option<PathBuf>,
}

/// Arguments of `stories`.
#[derive(Debug, Args)]
pub struct StoriesArgs {
    /// JSON Lines, plain or gzipped; standard input without.
    pub file: Option<PathBuf>,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Rules and windows of this config file; its feeds and sinks are not used, their secrets not needed.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep the database in this new file; a temporary one without.
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// Threads that analyse; one per core without.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<usize>,
    /// JSON Lines, plain or gzipped, in order of time.
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<PathBuf>,
}

/// Subcommands of `feeds`.
#[derive(Debug, Subcommand)]
pub enum FeedsCommand {
    /// Shows how each feed does, the failing ones first.
    Status(look::FeedsStatusArgs),
    /// Parses feed files and prints what is in them as JSON Lines.
    Parse {
        /// A list: path, content type and base address a line, separated by tabs.
        #[arg(long, value_name = "LIST")]
        batch: PathBuf,
    },
}

/// How input is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// One plain text.
    Text,
    /// One HTML page or fragment.
    Html,
    /// One document a line: {"id","text","title"?,"published"?,"url"?,"outlet"?}.
    Jsonl,
}

/// The contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contract {
    /// What sinks deliver.
    Alert,
    /// A line of `extract`.
    Claim,
    /// A line of `stories`.
    Story,
}
