//! Arguments of `gainsay deliveries`.

use clap::{Args, Subcommand};

use super::STATUSES;
use crate::look::args::{DatabaseArgs, FilterArgs, FormatArgs, SpeechArgs};
use crate::look::filter::{Moment, moment};
use crate::remote::RemoteArgs;
use crate::store::REPLAYABLE;

/// Arguments of `deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DeliveriesArgs {
    #[command(subcommand)]
    pub(super) command: Option<DeliveriesCommand>,
    #[command(flatten)]
    pub(super) list: DeliveriesListArgs,
}

/// Subcommands of `deliveries`.
#[derive(Debug, Subcommand)]
pub(super) enum DeliveriesCommand {
    /// Lists deliveries, the newest first; as `deliveries` alone.
    Ls(Box<DeliveriesListArgs>),
    /// Shows what became of an alert at each sink: every attempt with its time, status and the beginning of the answer, and the bytes that
    /// go out.
    Show(DeliveriesShowArgs),
    /// Sends alerts once more, with the same id and the same bytes as ever, also beside a running daemon, which takes them up within half a
    /// minute. Alerts of one thread keep their order.
    Replay(DeliveriesReplayArgs),
}

/// Arguments of the listing of deliveries.
#[derive(Debug, Args)]
pub(super) struct DeliveriesListArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) at: RemoteArgs,
    #[command(flatten)]
    pub(super) speech: SpeechArgs,
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    /// To this sink.
    #[arg(long, value_name = "NAME")]
    pub(super) sink: Option<String>,
    /// What has become of it. Expired: delivered longer ago than `[windows] deliveries`, its text is gone.
    #[arg(long, value_name = "STATUS", value_parser = STATUSES)]
    pub(super) status: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Arguments of `deliveries show`.
#[derive(Debug, Args)]
pub(super) struct DeliveriesShowArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// To this sink alone.
    #[arg(long, value_name = "NAME")]
    pub(super) sink: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    /// The alert's id, or a beginning of it that no other alert has.
    #[arg(value_name = "ALERT")]
    pub(super) id: String,
}

/// Arguments of `deliveries replay`.
#[derive(Debug, Args)]
pub(super) struct DeliveriesReplayArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    /// To this sink.
    #[arg(long, value_name = "NAME")]
    pub(super) sink: Option<String>,
    /// What has become of it. Without: what is dead, and of alerts that are named, in whatever state they are.
    #[arg(long, value_name = "STATUS", value_parser = REPLAYABLE)]
    pub(super) status: Option<String>,
    /// Not before: a date, an instant, or an age such as 2h or 7d. Dates are UTC.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) since: Option<Moment>,
    /// Not after; a date means its end.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) until: Option<Moment>,
    /// Print what would be sent, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Also more than 100 at once.
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) format: FormatArgs,
    /// Ids of alerts, or beginnings of them that no others have; without, all that the options leave.
    #[arg(value_name = "ALERT")]
    pub(super) ids: Vec<String>,
}
