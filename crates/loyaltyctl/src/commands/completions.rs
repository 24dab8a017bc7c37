//! `completions`: for a shell.

use clap_complete::Shell;

use crate::cli;
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  loyaltyctl completions bash > /etc/bash_completion.d/loyaltyctl
  loyaltyctl completions zsh > ~/.zfunc/_loyaltyctl")]
pub(crate) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut cli::command(), "loyaltyctl", &mut text);
    screen.show(&String::from_utf8_lossy(&text))?;
    Ok(Verdict::Fine)
}
