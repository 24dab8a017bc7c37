//! Programs that go on when we have ended, and the waiting until they are of use.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::command;
use super::error::ClusterError;
use super::image;
use super::place::Place;
use super::state::{Recorded, State};
use crate::parts::PartError;
use crate::parts::processes::RUN_VARIABLE;
use crate::parts::{live, wait};
use crate::progress::step;

/// What marks all processes of a cluster. Containers' shims inherit it; containers do not.
pub(super) const MARK: &str = "loyalty-cluster";

/// A program to be started.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a Path,
    pub(super) flags: Vec<String>,
}

/// Starts a program in a session of its own, so that neither a closed terminal nor Ctrl-C reaches it, and records it.
pub(super) fn start(place: &Place, state: &mut State, program: Program<'_>) -> Result<(), ClusterError> {
    if live::interrupted() {
        return Err(PartError::Interrupted { program: program.name.to_owned() }.into());
    }
    let log = place.log(program.name);
    let out = File::options().create(true).append(true).open(&log).map_err(ClusterError::file("open", &log))?;
    let err = out.try_clone().map_err(ClusterError::file("open", &log))?;
    // `setsid` becomes the program itself: the number stays the same.
    let mut command = command::system("setsid");
    command.arg(program.path).args(program.flags).stdin(Stdio::null()).stdout(out).stderr(err);
    command.env_clear().env("PATH", crate::parts::apt::PATH).env(RUN_VARIABLE, MARK).current_dir(place.home());
    // etcd wants to be told that a processor is meant which its makers do not test.
    command.env("ETCD_UNSUPPORTED_ARCH", image::architecture(std::env::consts::ARCH));
    let child = command.spawn().map_err(|source| PartError::Spawn { program: program.name.to_owned(), source })?;
    let recorded = Recorded::of(program.name, child.id());
    reap(child);
    state.processes.push(recorded.ok_or_else(|| not_ready(place, program.name, "it ended at once"))?);
    state.save(place)
}

/// When it ends while we are there, the kernel can forget it.
fn reap(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

/// Waits for `ready`, as long as all that was started runs. `what` is for people, `program` the one whose log tells more.
pub(super) fn until<T>(
    place: &Place,
    state: &State,
    wanted: &Wanted<'_>,
    mut ready: impl FnMut() -> Option<T>,
) -> Result<T, ClusterError> {
    let look = || {
        if let Some(value) = ready() {
            return Some(Ok(value));
        }
        if live::interrupted() {
            return Some(Err(not_ready(place, wanted.program, "interrupted")));
        }
        let dead = state.processes.iter().find(|process| process.entry().is_none());
        dead.map(|dead| Err(not_ready(place, &dead.name, &format!("`{}` ended", dead.name))))
    };
    let outcome = step(wanted.what, || wait::until(wanted.within, look));
    outcome.unwrap_or_else(|| {
        Err(not_ready(place, wanted.program, &format!("it took longer than {} s", wanted.within.as_secs())))
    })
}

/// What is waited for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) what: &'a str,
    pub(super) program: &'a str,
    pub(super) within: Duration,
}

fn not_ready(place: &Place, program: &str, why: &str) -> ClusterError {
    let log = place.log(program);
    let text = fs::read(&log).unwrap_or_default();
    let tail = command::last_lines(&String::from_utf8_lossy(&text));
    ClusterError::NotReady { what: program.to_owned(), why: why.to_owned(), log, tail }
}
