//! How a command ends, and how that is told: once, here.

use host::chain;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::problem::{self, Problem};
use crate::screen::{Screen, plain};

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exit code 0.
    Fine,
    /// Exit code 1: there is something that a person should look at.
    Found,
}

impl Verdict {
    /// `Found` when there is something.
    pub(crate) fn found(something: bool) -> Self {
        if something { Self::Found } else { Self::Fine }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The files are wrong and their author must act: exit code 1.
    Refused(Vec<Problem>),
    /// What the command itself was given to do is wrong, so that it has found nothing: exit code 2.
    Unusable(Vec<Problem>),
    /// The world said no, or the command line did: exit code 2.
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Tells a halt on standard error and gives the exit code.
pub(crate) fn exit(ended: Result<Verdict, Halt>, screen: &Screen) -> ExitCode {
    match ended {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Found) => ExitCode::from(1),
        Err(Halt::Refused(problems)) => {
            // Nobody is left to be told when this fails.
            let _ = problem::tell(&problems, screen);
            ExitCode::from(1)
        }
        Err(Halt::Unusable(problems)) => {
            let _ = problem::tell(&problems, screen);
            ExitCode::from(2)
        }
        // Whoever reads us has gone (`| head`): that is their right.
        Err(Halt::Failed(error)) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(Halt::Failed(error)) => {
            eprintln!("{} {}", screen.style.red("error:"), plain(&chain(error.as_ref())));
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
