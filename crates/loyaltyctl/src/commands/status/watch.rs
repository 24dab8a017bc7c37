//! The same, again and again, until a signal.

use std::time::Duration;

use contract::PipelineName;
use host::chain;

use super::Shown;
use super::kubectl::Kubectl;
use crate::edge::{Halt, Verdict};
use crate::screen::{Screen, plain};

/// From the end of one look to the next.
const EVERY: Duration = Duration::from_secs(2);

/// To the upper left, and nothing below.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Nothing can be redrawn.
#[derive(Debug, thiserror::Error)]
#[error("could not redraw what is no terminal; leave out `--watch`, or add `-o json` for one object a line")]
struct NoTerminal;

/// Looks until asked to stop; ends as the last look did.
pub(super) async fn run(name: Option<&PipelineName>, kubectl: &Kubectl, screen: &Screen) -> Result<Verdict, Halt> {
    if !screen.is_terminal() && !screen.is_json() {
        return Err(NoTerminal.into());
    }
    let shutdown = host::on_signals()?;
    let mut last = Ok(Verdict::Found);
    loop {
        tokio::select! {
            () = shutdown.asked() => return last,
            shown = Shown::look(name, kubectl) => last = show(shown, screen)?,
        }
        tokio::select! {
            () = shutdown.asked() => return last,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Shows a look; that one failed is shown as well, since the next one may not.
fn show(shown: Result<Shown, super::kubectl::KubectlError>, screen: &Screen) -> std::io::Result<Result<Verdict, Halt>> {
    let screen = screen.again();
    match shown {
        Ok(shown) => {
            if screen.is_json() {
                screen.show(&format!("{}\n", shown.json()))?;
            } else {
                let foot = screen.style.dim("looking every 2 s; Ctrl-C ends it");
                screen.show(&fitting(&format!("{}\n{foot}\n", shown.text(&screen)), height()))?;
            }
            Ok(Ok(shown.verdict()))
        }
        Err(error) => {
            let text = format!("{} {}\n", screen.style.red("error:"), plain(&chain(&error)));
            if screen.is_json() {
                screen.warn(&text)?;
            } else {
                screen.show(&fitting(&text, height()))?;
            }
            Ok(Err(error.into()))
        }
    }
}

fn height() -> Option<usize> {
    terminal_size::terminal_size().map(|(_, height)| usize::from(height.0))
}

/// A clear screen with as many lines as it has room for: what scrolls away cannot be redrawn.
fn fitting(text: &str, height: Option<usize>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match height {
        Some(height) if lines.len() >= height && height > 2 => {
            let kept = height - 2;
            let more = lines.len() - kept;
            format!("{CLEAR}{}\n... {more} more lines: make the window higher\n", lines[..kept].join("\n"))
        }
        _ => format!("{CLEAR}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn what_is_higher_than_the_window_is_cut_and_says_so() {
        assert_eq!(fitting("a\nb\n", Some(24)), "\x1b[H\x1b[Ja\nb\n");
        assert_eq!(fitting("a\nb\n", None), "\x1b[H\x1b[Ja\nb\n");
        assert_eq!(fitting("a\nb\nc\nd\n", Some(4)), "\x1b[H\x1b[Ja\nb\n... 2 more lines: make the window higher\n");
    }
}
