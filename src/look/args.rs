//! Arguments of the commands that look at a database.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use clap_complete::Shell;

pub use super::deliveries::args::DeliveriesArgs;
pub use super::endpoint::args::EndpointCommand;
pub use super::feed_control::{FeedsPauseArgs, FeedsPollArgs};
pub use super::feedback::args::FeedbackCommand;
use super::filter::{Moment, moment};
pub use super::silence::SilenceCommand;
use crate::model::Kind;
use crate::remote::RemoteArgs;

/// Which database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// The config file that names the database. Without: `gainsay.toml`, or else
    /// `/etc/gainsay/gainsay.toml`.
    #[arg(short, long, value_name = "FILE", conflicts_with = "database")]
    pub config: Option<PathBuf>,
    /// The database itself, such as one that `replay --database` has made.
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct FormatArgs {
    /// JSON Lines, also on a terminal.
    #[arg(long, conflicts_with = "table")]
    pub json: bool,
    /// For people, also in a pipe; COLUMNS gives the width.
    #[arg(long)]
    pub table: bool,
}

/// What every listing can be narrowed to.
#[derive(Debug, Clone, Args)]
pub struct FilterArgs {
    /// What this text is part of; case and accents do not count.
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Not before: a date, an instant, or an age such as 2h or 7d. Dates are UTC.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Moment>,
    /// Not after; a date means its end.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// Most that are printed, the newest; 0 for all.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub limit: usize,
}

/// Narrows to who said it and what it was.
#[derive(Debug, Clone, Args)]
pub struct SpeechArgs {
    /// Kind of claim; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub kind: Vec<Kind>,
    /// Whose name or role this text is part of; case and accents do not count.
    #[arg(long, value_name = "TEXT")]
    pub speaker: Option<String>,
    /// Whose outlet's name this text is part of.
    #[arg(long, value_name = "TEXT")]
    pub outlet: Option<String>,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = Kind> {
    let names = Kind::ALL.iter().filter(|kind| **kind != Kind::Statement).map(|kind| kind.as_str());
    PossibleValuesParser::new(names)
        .map(|name| Kind::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Kind::Statement))
}

/// Arguments of `claims`.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) at: RemoteArgs,
    #[command(flatten)]
    pub(super) speech: SpeechArgs,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    /// Claims of this thread: its id or a beginning of it.
    #[arg(long, value_name = "ID")]
    pub(super) thread: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Arguments of `threads`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ThreadsArgs {
    #[command(subcommand)]
    pub(super) command: Option<ThreadsCommand>,
    #[command(flatten)]
    pub(super) list: ThreadsListArgs,
}

/// Arguments of the listing of threads.
#[derive(Debug, Args)]
pub struct ThreadsListArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) at: RemoteArgs,
    #[command(flatten)]
    pub(super) speech: SpeechArgs,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    /// Where the thread stands; may be repeated.
    #[arg(long, value_name = "STATE", value_parser = super::threads::STATES)]
    pub(super) state: Vec<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Subcommands of `threads`.
#[derive(Debug, Subcommand)]
pub enum ThreadsCommand {
    /// Shows a thread as a time line: who alleged, answered or withdrew what, and which alerts went where.
    Show(ThreadsShowArgs),
}

/// Arguments of `threads show`.
#[derive(Debug, Args)]
pub struct ThreadsShowArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    /// The thread's id, or a beginning of it that no other thread has.
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

/// Arguments of `feeds status`.
#[derive(Debug, Args)]
pub struct FeedsStatusArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) at: RemoteArgs,
    /// Whose outlet's name or feed's name this text is part of.
    #[arg(long, value_name = "TEXT")]
    pub(super) outlet: Option<String>,
    /// How the feed does; may be repeated.
    #[arg(long, value_name = "STATE", value_parser = super::feeds::STATES)]
    pub(super) state: Vec<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    /// The id of an alert, claim, thread, story or document, a beginning of it that is unique, or an article's address.
    #[arg(value_name = "ID|URL")]
    pub(super) id: String,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// The file to make. One that is there is not overwritten.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell.
    #[arg(value_name = "SHELL")]
    pub(super) shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder for one page for each command; without, the first page goes to standard output.
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}
