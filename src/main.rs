//! The program: parses arguments, calls the command, maps errors to exit codes.

use std::process::ExitCode;

use clap::Parser as _;
use gainsay::cli::{Cli, Command};
use gainsay::{commands, daemon, look, telemetry};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = telemetry::init(cli.log_filter()).and_then(|()| match &cli.command {
        Command::Demo(args) => daemon::demo(args),
        Command::Run(args) => daemon::run(args),
        Command::Extract(args) => commands::extract(args),
        Command::Stories(args) => commands::stories(args),
        Command::Replay(args) => commands::replay(args),
        Command::Feeds { command } => commands::feeds(command),
        Command::Claims(args) => look::claims(args),
        Command::Threads(args) => look::threads(args),
        Command::Deliveries(args) => look::deliveries(args),
        Command::Explain(args) => look::explain(args),
        Command::Doctor(args) => look::doctor(args),
        Command::Backup(args) => look::backup(args),
        Command::Schema { contract } => commands::schema(*contract),
        Command::Completions(args) => look::completions(args),
        Command::Man(args) => look::man(args),
    });
    result.unwrap_or_else(|error| telemetry::exit_code(&error))
}
