//! The command line: subcommands, their arguments and help.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{LogConfig, LogFormat};
use crate::exit::Exit;
use crate::look::args as look;
use crate::remote::RemoteArgs;
use crate::watch::WatchArgs;

/// Watches newswires and says, once and reliably, who alleged what and who denied it.
#[derive(Debug, Parser)]
#[command(name = "gainsay", version, about, max_term_width = 100, after_help = Exit::help())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What is logged on standard error: error, warn, info, debug, trace, or a filter such as `gainsay::intake=debug`.
    /// Default: what the config says, else warn; for `demo`, which shows its failures itself, error.
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// How the log is written. Default: what the config says, else auto.
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Cli {
    /// What is logged and how, where a config says this.
    pub fn log_config(&self, config: LogConfig) -> LogConfig {
        LogConfig {
            filter: self.log.clone().unwrap_or(config.filter),
            format: self.log_format.unwrap_or(config.format),
        }
    }

    /// What is logged and how, by a command without a config of its own.
    pub fn log_config_without_file(&self) -> LogConfig {
        let default = LogConfig::default();
        self.log_config(match self.command {
            Command::Demo(_) => LogConfig { filter: "error".to_owned(), ..default },
            // It says itself what is wrong, on a screen that lines of a log would tear.
            Command::Watch(_) => LogConfig { filter: "off".to_owned(), ..default },
            _ => default,
        })
    }
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows it at work: serves a bundled wire on loopback and runs the daemon on it; needs nothing else.
    Demo(DemoArgs),
    /// Runs the daemon on the feeds of a config file until it is told to stop. SIGHUP reads the config anew.
    Run(RunArgs),
    /// Asks a running daemon whether it is ready: exit code 0 if so. For health checks where there is no curl.
    Probe(ProbeArgs),
    /// Checks a config and reports every problem at once.
    Check(CheckArgs),
    /// Prints configs.
    Config {
        /// Which one.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Prints the claims of documents as JSON Lines.
    Extract(ExtractArgs),
    /// Prints the story of each document of an archive as JSON Lines: near-duplicates share one.
    Stories(StoriesArgs),
    /// Runs the whole pipeline over archives in file order and prints the alerts as JSON Lines.
    Replay(ReplayArgs),
    /// Shows rules, and what they would have alerted.
    Rules {
        /// What to do with them.
        #[command(subcommand)]
        command: RulesCommand,
    },
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
    /// Shows a running daemon on the terminal: alerts as they come, threads, feeds, deliveries. `?` lists its keys. Logs nothing unless `--log` says so.
    Watch(WatchArgs),
    /// Works on the endpoints of webhooks: how they do, their keys, whether they answer.
    Endpoint {
        /// What to do with them.
        #[command(subcommand)]
        command: look::EndpointCommand,
    },
    /// Says why an alert was sent, or why a document, story, thread or claim gave none.
    Explain(look::ExplainArgs),
    /// Says what is right: follow, mute, wrong kind, speaker or link, merge, split. Logged, applied by the daemon, honoured by `replay`.
    Feedback {
        /// What to say, or what to do with what was said.
        #[command(subcommand)]
        command: look::FeedbackCommand,
    },
    /// Keeps alerts back for some time, and says what is kept back so. Logged as feedback is.
    Silence {
        /// What to do.
        #[command(subcommand)]
        command: look::SilenceCommand,
    },
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

/// Where the config comes from: the file, `GAINSAY_*` variables over it, flags over these.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// The config file (TOML); `gainsay config default` explains every key. Without: `gainsay.toml`, or else
    /// `/etc/gainsay/gainsay.toml`.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets one key over file and environment, such as `intake.poll_interval=2m`; may be repeated, the last one counts.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as intake.poll_interval=2m")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where the config comes from.
    #[command(flatten)]
    pub source: ConfigArgs,
    /// The SQLite file, whatever the config says.
    #[arg(long, value_name = "FILE")]
    pub database: Option<String>,
    /// What feeds that are read for the first time published since then is news, in place of `backfill`: an age such as `2h` or
    /// `7d`, a date, or a time such as `2026-03-01T06:00Z`.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Where the config comes from.
    #[command(flatten)]
    pub source: ConfigArgs,
    /// Fetch each feed once and connect to each endpoint, too. No alert and no secret is sent.
    #[arg(long)]
    pub online: bool,
}

/// Subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Prints the reference: every key with its default, explained.
    Default,
    /// Prints the config that counts and where each value comes from; secrets are `***`.
    Show(ConfigArgs),
}

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Where the daemon listens: `[http] listen` of its config.
    #[arg(default_value = "127.0.0.1:8420")]
    pub address: SocketAddr,
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
    /// A desk's own words: the `[extract]` table of this config file; its feeds and sinks are not used.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print each sentence instead, with what was weighed in it and why that is a claim or none.
    #[arg(long, conflicts_with = "all")]
    pub explain: bool,
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
    /// What users said, as `feedback list --json` prints it: each entry counts before the first document whose time is later than
    /// its own, what is left at the end.
    #[arg(long, value_name = "LOG")]
    pub feedback: Option<PathBuf>,
    /// Keep the database in this new file; a temporary one without.
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// Threads that analyse; one per core without.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
    /// JSON Lines, plain or gzipped, in order of time.
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<PathBuf>,
}

/// Subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Prints each rule of a config in words.
    List(RulesListArgs),
    /// Replays archives and prints what each rule would have alerted, by day, with samples and what it held back. Nothing is sent.
    Test(RulesTestArgs),
}

/// Arguments of `rules list`.
#[derive(Debug, Args)]
pub struct RulesListArgs {
    /// The config file. Without: `gainsay.toml`, or else `/etc/gainsay/gainsay.toml`.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON object for each rule.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `rules test`.
#[derive(Debug, Args)]
pub struct RulesTestArgs {
    /// The config file with the rules; its feeds and sinks are not used, their secrets not needed. Without: `gainsay.toml`, or else
    /// `/etc/gainsay/gainsay.toml`.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Try this rule alone; may be repeated.
    #[arg(long = "rule", value_name = "NAME")]
    pub rules: Vec<String>,
    /// Print one JSON object for each rule.
    #[arg(long)]
    pub json: bool,
    /// Alerts that are shown of each rule.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub samples: usize,
    /// Threads that analyse; one per core without.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
    /// JSON Lines, plain or gzipped, in order of time.
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<PathBuf>,
}

/// Arguments of `feeds add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its address, http or https.
    pub url: String,
    /// Who publishes it, as alerts show it; its host without.
    #[arg(long)]
    pub outlet: Option<String>,
    /// Its id; made of the outlet without.
    #[arg(long)]
    pub id: Option<String>,
    /// Do not look at the address first. Without, a web page is not added, and the feeds that it names are told.
    #[arg(long)]
    pub unseen: bool,
    /// The config file to change; a new one is begun where there is none.
    #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
    pub config: PathBuf,
    /// Whether a running daemon is told.
    #[command(flatten)]
    pub reload: ReloadArgs,
}

/// Arguments of `feeds discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// The page's address, http or https.
    pub url: String,
    /// Add the first feed that has entries to the config. Without, all are printed, ready to be pasted into one.
    #[arg(long)]
    pub add: bool,
    /// The config file to change, which also says how to fetch.
    #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
    pub config: PathBuf,
    /// Whether a running daemon is told.
    #[command(flatten)]
    pub reload: ReloadArgs,
}

/// Whether a running daemon is told.
#[derive(Debug, Clone, Copy, Args)]
pub struct ReloadArgs {
    /// Leave a running gainsay as it is, until it gets a SIGHUP. Without, the one on this config's database is told at once.
    #[arg(long)]
    pub no_reload: bool,
}

/// Arguments of `feeds remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Their ids.
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// The config file.
    #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
    pub config: PathBuf,
    /// Whether a running daemon is told.
    #[command(flatten)]
    pub reload: ReloadArgs,
}

/// Arguments of `feeds import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An OPML file, or a list of this program: see `feeds lists`.
    pub list: String,
    /// The config file to change; a new one is begun where there is none.
    #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
    pub config: PathBuf,
    /// Whether a running daemon is told.
    #[command(flatten)]
    pub reload: ReloadArgs,
}

/// Subcommands of `feeds`.
#[derive(Debug, Subcommand)]
pub enum FeedsCommand {
    /// Lists the feeds of a config: id, outlet, address, and the list that they come from.
    List {
        /// The config file.
        #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml", conflicts_with = "at")]
        config: PathBuf,
        /// Or those that a running daemon polls.
        #[command(flatten)]
        at: RemoteArgs,
        /// How they are printed.
        #[command(flatten)]
        format: look::FormatArgs,
    },
    /// Shows one feed of a config.
    Show {
        /// Its id.
        id: String,
        /// The config file.
        #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
        config: PathBuf,
    },
    /// Adds a feed to a config file; what a person wrote in it stays.
    Add(AddArgs),
    /// Finds the feeds behind the address of a web page: those that it names, else those at common places.
    Discover(DiscoverArgs),
    /// Takes feeds out of a config file; also those that the page or the API has added.
    Remove(RemoveArgs),
    /// Adds the feeds of an OPML list to a config file, but for those that are there.
    Import(ImportArgs),
    /// Prints the feeds of a config as OPML.
    Export {
        /// The config file.
        #[arg(short, long, value_name = "FILE", default_value = "gainsay.toml")]
        config: PathBuf,
    },
    /// Names the lists that come with the program, by topic.
    Lists,
    /// Lets feeds rest, wherever they stand, until they are resumed; also over restarts and reloads. The config stays as it is.
    Pause(look::FeedsPauseArgs),
    /// Lets feeds be polled again. What they carry that is not known yet is news.
    Resume(look::FeedsPauseArgs),
    /// Lets the running daemon poll a feed now, or as soon as its server's `Retry-After` and the gap between two fetches permit.
    Poll(look::FeedsPollArgs),
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
    /// One document a line: {"id","text","title"?,"published"?,"url"?,"outlet"?,"topics"?}.
    Jsonl,
}

/// The contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Contract {
    /// What sinks deliver.
    Alert,
    /// A line of `extract`.
    Claim,
    /// A line of `extract --explain`.
    Sentence,
    /// A line of `stories`.
    Story,
    /// A line of `feedback list --json`, and of the log that `replay --feedback` takes.
    Feedback,
    /// The config file, for editors.
    Config,
}
