//! The commands that work on files: `extract`, `stories`, `replay`, `schema`, `feeds parse`.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::Serialize;

use crate::app::windows;
use crate::archive::{Archive, ArchiveLine, ReplayClock};
use crate::cli::{Contract, ExtractArgs, InputFormat, ReplayArgs, StoriesArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::config::WindowsConfig;
use crate::contract::{extracted_claim, weighed_sentence};
use crate::dedup::fingerprint::fingerprint;
use crate::dedup::label::label;
use crate::dedup::story::{Copy, Stories};
use crate::exit::Exit;
use crate::model::{Alert, Document, ExplainedSentence, ExtractedClaim, FeedbackLine, Kind, MarkupFormat, StoryLine};
use crate::pipeline::{Models, Scope, analyse, weighed};
use crate::replay;
use crate::route::Router;
use crate::rule::Rule;
use crate::terminal::tell;

/// Bytes of one text or HTML input.
const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Says on standard error what was wrong with an input line.
pub(crate) fn complain(error: &dyn std::fmt::Display) {
    tell(format_args!("gainsay: {error}\n"));
}

/// `gainsay extract`.
///
/// # Errors
/// If the input cannot be opened or the output not written.
pub fn extract(args: &ExtractArgs) -> Result<ExitCode> {
    let config = args.config.as_deref().map(crate::config::load_without_secrets).transpose()?;
    let own = config.map(|config| config.extract).unwrap_or_default();
    let models = Models::embedded().context("the built-in models cannot be read")?.with_words(&own);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut is_bad = false;
    let format = args.format.unwrap_or_else(|| guess_format(args.file.as_deref()));
    let markup = if format == InputFormat::Html { MarkupFormat::Html } else { MarkupFormat::Text };
    let now = SystemClock.now();
    if format == InputFormat::Jsonl {
        for line in open_archive(args.file.as_deref())? {
            match line {
                Ok(line) => {
                    print_document(&mut out, args, &models, line.document(markup, now), &line.id)?;
                }
                Err(error) => {
                    is_bad = true;
                    complain(&error);
                }
            }
        }
    } else {
        let (id, text) = read_text(args.file.as_deref())?;
        let line = ArchiveLine { id, title: None, text, published: None, url: None, outlet: None, topics: Vec::new() };
        print_document(&mut out, args, &models, line.document(markup, now), &line.id)?;
    }
    out.flush()?;
    Ok(if is_bad { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

fn guess_format(file: Option<&Path>) -> InputFormat {
    let name = file.map(|path| path.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("jsonl" | "ndjson") => InputFormat::Jsonl,
        Some("html" | "htm") => InputFormat::Html,
        _ => InputFormat::Text,
    }
}

fn open_archive(file: Option<&Path>) -> Result<Archive> {
    Ok(match file {
        Some(path) => Archive::open(path)?,
        None => Archive::from_reader("standard input", io::stdin()),
    })
}

/// One whole text and its id: the file's name without ending.
fn read_text(file: Option<&Path>) -> Result<(String, String)> {
    let mut bytes = Vec::new();
    let (id, read) = match file {
        Some(path) => {
            let id = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let open = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            (id, open.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes))
        }
        None => ("stdin".to_owned(), io::stdin().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)),
    };
    let read = read.with_context(|| format!("cannot read {id}"))?;
    anyhow::ensure!(read as u64 <= INPUT_BYTES_MAX, "{id}: larger than {} MiB", INPUT_BYTES_MAX >> 20);
    let text = String::from_utf8(bytes).map_err(|error| anyhow::anyhow!("{id}: not UTF-8: {error}"))?;
    Ok((id, text))
}

#[derive(Serialize)]
struct TextLine<'a> {
    document: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    markup_offsets: &'a [(usize, usize)],
}

/// Prints what is asked of one document: its text, what was weighed in it, or what it says.
fn print_document(
    out: &mut impl Write,
    args: &ExtractArgs,
    models: &Models,
    document: Document,
    label: &str,
) -> Result<()> {
    if args.with_text {
        let line = TextLine { document: label, text: &document.text, markup_offsets: &document.offsets.0 };
        write_line(out, &line)?;
    }
    if args.explain {
        for sentence in weighed(&document, models) {
            write_line(out, &weighed_sentence(&document, &sentence, label))?;
        }
        return Ok(());
    }
    let analysis = analyse(document, models, if args.all { Scope::All } else { Scope::Claims });
    for (position, claim) in analysis.claims.iter().enumerate() {
        if args.all || claim.kind != Kind::Statement {
            write_line(out, &extracted_claim(&analysis, position, claim, label))?;
        }
    }
    Ok(())
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    crate::json::write(&mut *out, line)?;
    out.write_all(b"\n")
}

/// `gainsay stories`.
///
/// # Errors
/// If the input cannot be opened or the output not written.
pub fn stories(args: &StoriesArgs) -> Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut stories = Stories::new();
    let mut clock = ReplayClock::new(SystemClock.now());
    let mut is_bad = false;
    let window = windows(&WindowsConfig::default()).stories;
    for line in open_archive(args.file.as_deref())? {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                is_bad = true;
                complain(&error);
                continue;
            }
        };
        let now = clock.first_seen(&line);
        let document = line.document(MarkupFormat::Text, now);
        stories.forget_before(now.checked_sub(window).unwrap_or(Timestamp::MIN));
        let placement = stories.place(
            &Copy {
                document: document.id,
                outlet: &document.source.outlet,
                fingerprint: &fingerprint(&document),
                agency: document.agency.as_deref(),
                label: label(document.headline_text()).0,
                known_story: None,
                same_address: None,
            },
            now,
        );
        write_line(&mut out, &StoryLine { document: line.id, story: placement.story, revision: placement.revision })?;
    }
    out.flush()?;
    Ok(if is_bad { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// `gainsay replay`.
///
/// # Errors
/// If an archive or the database cannot be opened, or the output not written.
pub fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let source = replay::Source {
        archives: &args.archives,
        feedback: args.feedback.as_deref(),
        threads: args.threads,
        database: args.database.as_deref(),
    };
    let config = args.config.as_deref().map(crate::config::load_without_secrets).transpose()?.unwrap_or_default();
    let rules = config.rules.iter().cloned().map(|rule| Rule { sinks: Vec::new(), ..rule }).collect();
    let router = Router::new(rules, vec![REPLAY_SINK.to_owned()]);
    let mut out = BufWriter::new(io::stdout().lock());
    let ending = replay::replay(&source, &config, router, &[REPLAY_SINK], |outcome| {
        outcome.alerts().try_for_each(|alert| write_line(&mut out, alert))?;
        Ok(out.flush()?)
    })?;
    out.flush()?;
    tell(format_args!("{ending}\n"));
    Ok(if ending.bad > 0 { Exit::Failed.into() } else { ExitCode::SUCCESS })
}

/// The sink under which a replay's alerts pass the outbox.
const REPLAY_SINK: &str = "replay";

/// `gainsay feeds`.
///
/// # Errors
/// If a file of the list cannot be read or the output not written.
pub fn parse_feeds(batch: &Path) -> Result<ExitCode> {
    let list = std::fs::File::open(batch).with_context(|| format!("cannot open {}", batch.display()))?;
    let root = batch.parent().unwrap_or(Path::new("."));
    let mut out = BufWriter::new(io::stdout().lock());
    let is_clean = crate::intake::parse_batch(io::BufReader::new(list), root, &mut out)?;
    out.flush()?;
    Ok(if is_clean { ExitCode::SUCCESS } else { Exit::Failed.into() })
}

/// `gainsay schema`.
///
/// # Errors
/// If the output cannot be written.
pub fn schema(contract: Contract) -> Result<ExitCode> {
    // As it is written, not as it may be read: a key that is always there, if only as null, is required.
    let generator = schemars::generate::SchemaSettings::default().for_serialize().into_generator();
    let schema = match contract {
        Contract::Alert => generator.into_root_schema_for::<Alert>(),
        Contract::Claim => generator.into_root_schema_for::<ExtractedClaim>(),
        Contract::Sentence => generator.into_root_schema_for::<ExplainedSentence>(),
        Contract::Feedback => generator.into_root_schema_for::<FeedbackLine>(),
        Contract::Story => generator.into_root_schema_for::<StoryLine>(),
        Contract::Config => schemars::Schema::try_from(crate::config::schema())?,
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(ExitCode::SUCCESS)
}
