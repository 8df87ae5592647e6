//! Arguments of `gainsay feedback`.

use clap::{Args, Subcommand};

use crate::look::args::{DatabaseArgs, FormatArgs};
use crate::model::Kind;

/// Characters of a name.
const NAME_CHARACTERS_MAX: usize = 200;
/// What stands for no kind and no name.
const NONE: &str = "none";

/// Subcommands of `feedback`.
#[derive(Debug, Subcommand)]
pub enum FeedbackCommand {
    /// Says something.
    #[command(flatten)]
    Say(SayCommand),
    /// Lists what was said, in order; its JSON Lines are what `replay --feedback` takes.
    List(ListArgs),
    /// Prints the articles of corrected claims with all their claims, as JSON Lines to train on.
    Export(ExportArgs),
}

/// What can be said.
#[derive(Debug, Subcommand)]
pub enum SayCommand {
    /// Follows a thread: the priority of its alerts rises by 15.
    Follow(ThreadArgs),
    /// Follows it no longer.
    Unfollow(ThreadArgs),
    /// Mutes a thread or a speaker: no alerts, but for those that take earlier ones back. Threads go on to be kept.
    Mute(MuteArgs),
    /// Mutes a thread or a speaker no longer.
    Unmute(MuteArgs),
    /// Says what kind a claim is, or that it is none. Who was alerted of it hears of it; so for the speaker and links.
    Kind(KindArgs),
    /// Says who makes a claim, or that nobody is given.
    Speaker(SpeakerArgs),
    /// Says that a claim does not answer an allegation.
    Unlink(PairArgs),
    /// Says that a claim answers an allegation.
    Link(PairArgs),
    /// Makes two threads one, under the id of the elder.
    Merge(MergeArgs),
    /// Puts claims of a thread into one of their own.
    Split(SplitArgs),
}

/// Arguments of everything that is said.
#[derive(Debug, Args)]
pub(in crate::look) struct SayArgs {
    #[command(flatten)]
    pub(in crate::look) database: DatabaseArgs,
    /// Who says so; kept in the log.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(in crate::look) by: Option<String>,
    #[command(flatten)]
    pub(in crate::look) format: FormatArgs,
}

/// Arguments of what is said of a thread.
#[derive(Debug, Args)]
pub struct ThreadArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The thread's id, or a beginning of it that no other thread has.
    #[arg(value_name = "THREAD")]
    pub(super) thread: String,
}

/// Arguments of `feedback mute` and `unmute`.
#[derive(Debug, Args)]
pub struct MuteArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The thread's id, or a beginning of it that no other thread has.
    #[arg(value_name = "THREAD", required_unless_present = "speaker", conflicts_with = "speaker")]
    pub(super) thread: Option<String>,
    /// A speaker instead: whoever has this name, by the rules by which claims of one speaker are known.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(super) speaker: Option<String>,
}

/// Arguments of `feedback kind`.
#[derive(Debug, Args)]
pub struct KindArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The claim's id, or a beginning of it that no other claim has.
    #[arg(value_name = "CLAIM")]
    pub(super) claim: String,
    /// allegation, denial, confirmation, `no_comment`, retraction; none: it is no claim at all.
    #[arg(value_name = "KIND|none", value_parser = right_kind)]
    pub(super) kind: RightKind,
}

/// Arguments of `feedback speaker`.
#[derive(Debug, Args)]
pub struct SpeakerArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The claim's id, or a beginning of it that no other claim has.
    #[arg(value_name = "CLAIM")]
    pub(super) claim: String,
    /// The fullest name or description in the article; none: nobody is given.
    #[arg(value_name = "NAME|none", value_parser = right_name)]
    pub(super) name: RightName,
}

/// Arguments of `feedback link` and `unlink`.
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The id of the answer, or a beginning of it that no other claim has.
    #[arg(value_name = "CLAIM")]
    pub(super) claim: String,
    /// That of the allegation.
    #[arg(value_name = "ALLEGATION")]
    pub(super) allegation: String,
}

/// Arguments of `feedback merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The id of a thread, or a beginning of it that no other thread has.
    #[arg(value_name = "THREAD")]
    pub(super) thread: String,
    /// That of the other; whether it is muted counts for both.
    #[arg(value_name = "INTO")]
    pub(super) into: String,
}

/// Arguments of `feedback split`.
#[derive(Debug, Args)]
pub struct SplitArgs {
    #[command(flatten)]
    pub(super) say: SayArgs,
    /// The thread's id, or a beginning of it that no other thread has.
    #[arg(value_name = "THREAD")]
    pub(super) thread: String,
    /// Ids of its claims that are a matter of their own.
    #[arg(value_name = "CLAIM", required = true)]
    pub(super) claims: Vec<String>,
}

/// Arguments of `feedback list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Arguments of `feedback export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// The right kind, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct RightKind(pub(super) Option<Kind>);

/// The right name, or none.
#[derive(Debug, Clone)]
pub(super) struct RightName(pub(super) Option<String>);

/// A kind that a claim can have.
pub(in crate::look) fn kind(text: &str) -> Result<Kind, String> {
    let kinds = || Kind::ALL.into_iter().filter(|kind| *kind != Kind::Statement);
    let known = || kinds().map(Kind::as_str).collect::<Vec<_>>().join(", ");
    kinds().find(|kind| kind.as_str() == text).ok_or_else(|| format!("expected {}", known()))
}

fn right_kind(text: &str) -> Result<RightKind, String> {
    if text == NONE {
        return Ok(RightKind(None));
    }
    kind(text).map(|kind| RightKind(Some(kind))).map_err(|known| format!("{known} or {NONE}"))
}

fn right_name(text: &str) -> Result<RightName, String> {
    if text == NONE { Ok(RightName(None)) } else { name(text).map(|name| RightName(Some(name))) }
}

/// A name on one line.
pub(in crate::look) fn name(text: &str) -> Result<String, String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = name.chars().count();
    let is_name = (1..=NAME_CHARACTERS_MAX).contains(&length) && !name.contains(char::is_control);
    if is_name { Ok(name) } else { Err(format!("expected a name of 1 to {NAME_CHARACTERS_MAX} characters")) }
}
