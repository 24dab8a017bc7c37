//! `man`: pages for every command.

use std::path::PathBuf;

use crate::cli;
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;

/// Write man pages, one for each command, into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  loyaltyctl man /usr/local/share/man/man1")]
pub(crate) struct Args {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// The pages could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write man pages into `{folder}`; choose a folder that you may write to")]
struct ManError {
    folder: String,
    source: std::io::Error,
}

pub(super) fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let fail = |source| ManError { folder: args.folder.display().to_string(), source };
    std::fs::create_dir_all(&args.folder).map_err(fail)?;
    clap_mangen::generate_to(cli::command(), &args.folder).map_err(fail)?;
    let pages = std::fs::read_dir(&args.folder).map_err(fail)?.count();
    if screen.is_json() {
        screen.json(&serde_json::json!({ "folder": args.folder, "pages": pages }))?;
    } else {
        screen.show(&format!("man pages are in {}\n", args.folder.display()))?;
    }
    Ok(Verdict::Fine)
}
