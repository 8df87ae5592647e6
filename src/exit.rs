//! The exit codes of every command: what `main` ends with, what `gainsay help` and the book say of them.

use std::fmt::Write as _;
use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is done.
    Done,
    /// It failed, or some of the input was bad.
    Failed,
    /// The command line cannot be understood. Given by clap itself.
    Usage,
    /// The config cannot be used (`EX_CONFIG` of sysexits.h).
    BadConfig,
    /// A second signal stopped it at once (128 and SIGINT).
    Impatient,
}

impl Exit {
    /// All of them, in order of their codes.
    pub const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::Usage, Self::BadConfig, Self::Impatient];

    /// The code that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::BadConfig => 78,
            Self::Impatient => 130,
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => {
                "failed, standard error says why; of archives and checks also: something was bad, the rest was done"
            }
            Self::Usage => "the command line cannot be understood; nothing was done",
            Self::BadConfig => {
                "the config cannot be used; every problem is listed with file, line and what would be right"
            }
            Self::Impatient => "stopped at once by a second signal; what was committed stays",
        }
    }

    /// The list for the end of `gainsay help`.
    pub fn help() -> String {
        let mut text = String::from("Exit codes:");
        for exit in Self::ALL {
            // Writing to a string cannot fail.
            write!(text, "\n  {:<4}{}", exit.code(), exit.meaning()).ok();
        }
        text
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_has_the_same_codes() {
        let book = include_str!("../docs/src/operating.md");
        let rows = Exit::ALL.map(|exit| format!("| {} | {} |\n", exit.code(), exit.meaning()));
        let table = format!("| code | meaning |\n|---|---|\n{}\n", rows.concat());
        assert!(book.contains(&table), "docs/src/operating.md should say:\n{table}");
    }
}
