//! `gainsay backup`: a copy of the database as of one moment, also while a daemon writes to it.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use super::Source;
use super::args::BackupArgs;
use crate::store::{View, copy_into};
use crate::terminal::tell;

/// `gainsay backup`. The file appears under its name only when it is whole, on the disk and was read back.
///
/// # Errors
/// If the database cannot be read, the file is there already or cannot be written, or the copy is not as the original.
pub fn backup(args: &BackupArgs) -> Result<ExitCode> {
    let source = Source::find(&args.database)?;
    let target = args.file.as_path();
    let exists = || format!("{} exists already: it is not overwritten", target.display());
    ensure!(target.symlink_metadata().is_err(), exists());
    // Says what is wrong with the original before anything is written.
    drop(source.open()?);
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = || format!("cannot write into {}", folder.display());
    let partial =
        tempfile::Builder::new().prefix(".gainsay-backup-").suffix(".db").tempfile_in(folder).with_context(made)?;
    copy_into(&source.database, partial.path())
        .with_context(|| format!("cannot copy {}", source.database.display()))?;
    partial.as_file().sync_all().with_context(made)?;
    verify(partial.path())?;
    partial.persist_noclobber(target).map_err(|refused| match refused.error.kind() {
        std::io::ErrorKind::AlreadyExists => anyhow::anyhow!(exists()),
        _ => anyhow::Error::from(refused.error).context(format!("cannot name the copy {}", target.display())),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(made)?;
    let bytes = target.metadata().map(|metadata| metadata.len()).unwrap_or_default();
    tell(format_args!("{} holds {bytes} bytes, read back and found whole\n", target.display()));
    Ok(ExitCode::SUCCESS)
}

/// Opens a copy as a command that looks would, and has SQLite check it.
fn verify(copy: &Path) -> Result<()> {
    let view = View::open(copy).context("the copy cannot be opened")?;
    let damage = view.damage().context("the copy cannot be checked")?;
    ensure!(damage.is_empty(), "the copy is damaged: {}", damage.join("; "));
    Ok(())
}
