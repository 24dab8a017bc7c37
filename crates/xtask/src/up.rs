//! `cargo xtask up`: the tour that a newcomer takes. Real purchases go through a real broker, a real worker and a real ledger, and
//! what comes out is asked with the commands that a person would type.

use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use crate::parts::{RunFolder, live};
use crate::progress::say;

mod broker;
mod choice;
mod container;
mod ctl;
mod error;
mod example;
mod findings;
mod folder;
mod local;
mod programs;
mod publish;
mod settle;
mod show;
mod summary;
mod worker;

pub(crate) use error::UpError;
pub(crate) use example::Example;
pub(crate) use findings::Findings;
pub(crate) use programs::build as build_programs;
pub(crate) use publish::publish;

/// A person can follow it, and it is over in a quarter of a minute.
const RATE_USUAL: &str = "500";

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The RabbitMQ to use, `amqp://USER:PASSWORD@HOST:5672/VHOST`; without it AMQP_URL, one on localhost, Docker's, or one of our own
    #[arg(long, value_name = "URL")]
    broker: Option<String>,

    /// Messages a second, or `max` for as many as the broker confirms
    #[arg(long, value_name = "N|max", default_value = RATE_USUAL)]
    rate: Rate,

    /// Go on until Ctrl-C when everything is published, with broker and worker at hand
    #[arg(long)]
    keep: bool,

    /// Folder of the tour's ledger; that of an earlier tour is removed first [default: .loyalty/cdnow]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How fast messages are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    Max,
    PerSecond(NonZeroU32),
}

/// Neither a rate nor `max`.
#[derive(Debug, thiserror::Error)]
#[error("write messages a second as a whole number from 1, or `max`")]
pub(crate) struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "max" { Ok(Self::Max) } else { text.parse().map(Self::PerSecond).map_err(|_| RateError) }
    }
}

/// Takes the tour from its first line to its last; what was started is ended on every way out.
pub(crate) fn run(options: &Options) -> Result<(), UpError> {
    live::end_on_signals()?;
    let runtime = tokio::runtime::Runtime::new().map_err(UpError::Runtime)?;
    let example = example::Example::read()?;
    let run = RunFolder::make(&std::env::temp_dir())?;
    let broker = broker::make_sure(&runtime, options.broker.as_deref(), &run)?;
    let connection = runtime.block_on(broker.connect())?;
    let programs = programs::build(&run)?;
    let data = folder::fresh(options.data.as_deref())?;
    let ctl = ctl::Ctl::new(programs, data, &broker, &run);
    if !broker.is_fresh() {
        // What bears our name may be somebody else's: only what the plan takes for ours is emptied.
        ctl.refuse_conflicts()?;
        runtime.block_on(broker::purge(&connection, &example.queues()))?;
    }
    if options.keep {
        broker.tell_how_to_use();
    }

    let mut show = show::Show::start(&ctl)?;
    let first = show.wait_until_ready()?;
    runtime.block_on(publish(&connection, &example.tour.messages, options.rate, || show.check()))?;
    let counts = runtime.block_on(settle::settle(&connection, &example, &ctl, &mut show))?;
    let findings = findings::Findings::ask(&ctl, counts.since(&first))?;
    if options.keep {
        let signal = live::hold_next();
        // A live table would be torn by a line that is not its own.
        if !std::io::stdout().is_terminal() {
            say("everything is settled; Ctrl-C ends it and tells what came out");
        }
        show.stay(&signal)?;
    }
    show.end()?;
    runtime.block_on(connection.close());
    summary::tell(&example, &findings, &ctl)
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_a_whole_number_or_max() {
        assert_eq!("max".parse::<Rate>().ok(), Some(Rate::Max));
        assert_eq!("500".parse::<Rate>().ok(), "500".parse().ok().map(Rate::PerSecond));
        for text in ["0", "-1", "1.5", "fast", ""] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
