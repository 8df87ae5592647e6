//! Arguments of `gainsay endpoint`.

use clap::{Args, Subcommand};

use crate::cli::ConfigArgs;
use crate::look::args::{DatabaseArgs, FormatArgs};

/// Subcommands of `endpoint`.
#[derive(Debug, Subcommand)]
pub enum EndpointCommand {
    /// Lists the webhook endpoints of a config: address, kinds of keys and until when they sign, public keys; no secret.
    Ls(EndpointLsArgs),
    /// Prints a new signing key.
    Keygen(KeygenArgs),
    /// Connects to an endpoint as deliveries do and asks for `/` with HEAD; sends no alert, no key, and of its address only the host.
    /// Exit code 1 if there is no answer.
    Ping(NamedArgs),
    /// Sends an endpoint, or the mail server of a sink, one alert that is marked as a test, signed and formatted as its sink's are, under an
    /// id of its own. Nothing of it is kept or tried again. Exit code 1 if it is not taken.
    Test(NamedArgs),
    /// Lists how the endpoints of webhooks do: healthy, paused, failing or disabled, since when and why, and what waits for them.
    Status(StatusArgs),
    /// Lets alerts go out again to an endpoint that was disabled, is paused or fails; those that were tried before come first.
    Enable(EnableArgs),
}

/// Arguments of `endpoint status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How it is printed.
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Arguments of `endpoint enable`.
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How it is printed.
    #[command(flatten)]
    pub format: FormatArgs,
    /// The name of its sink.
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Arguments of `endpoint ls`.
#[derive(Debug, Args)]
pub struct EndpointLsArgs {
    /// Where the config comes from.
    #[command(flatten)]
    pub source: ConfigArgs,
    /// How it is printed.
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Arguments of `endpoint keygen`.
#[derive(Debug, Clone, Copy, Args)]
pub struct KeygenArgs {
    /// A private ed25519 key (`whsk_…`), of which receivers need the public half alone. Without: an HMAC key (`whsec_…`), which both sides
    /// know.
    #[arg(long)]
    pub ed25519: bool,
}

/// Arguments of `endpoint ping` and `endpoint test`.
#[derive(Debug, Args)]
pub struct NamedArgs {
    /// Name of the sink.
    pub name: String,
    /// Where the config comes from.
    #[command(flatten)]
    pub source: ConfigArgs,
}
