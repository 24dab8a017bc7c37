//! A real Kubernetes of one node, with pods that run: for tests of the product in its own surroundings, and for work at hand.
//!
//! Where Docker runs and `kind` is on the PATH, kind makes it. Else, as root on Debian or Ubuntu, it is the programs
//! themselves: etcd, API server, controllers, scheduler, kubelet, proxy, containerd. Services work; there is no cluster
//! DNS and no storage provisioner, a `NetworkPolicy` is accepted and not enforced, and no image is ever pulled.
//! It outlives the command that made it; what was started is recorded and `down` ends exactly that.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

pub use error::ClusterError;
pub use image::Image;
pub use state::Runtime;

use crate::parts::live;
use crate::progress::say;
use place::Place;
use state::{Recorded, State};
use status::{Format, Health, Report};

mod choice;
mod command;
mod config;
mod credentials;
mod down;
mod error;
mod image;
mod kind;
mod machine;
mod mounts;
mod network;
mod own;
mod place;
mod programs;
mod start;
mod state;
mod status;

/// What is to be done with the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Make the cluster, unless it is there already, and leave it running
    Up(Options),
    /// End the cluster and remove everything of it, also after a crash
    Down,
    /// Say what runs; exit code 1 when there is no node that is Ready
    Status(StatusOptions),
}

/// What a cluster is to be made of.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Instead of what fits this machine: `own` programs as root, or `kind` with Docker
    #[arg(long, value_enum)]
    pub runtime: Option<Runtime>,
}

/// How the state is told.
#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    /// How it is printed
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

/// Does what the command line asks.
pub(crate) fn run(task: &Task) -> Result<(), ClusterError> {
    match task {
        Task::Up(options) => {
            let cluster = make(options, None)?;
            say("cluster: the node is Ready; `cargo xtask cluster down` ends it");
            println!("export KUBECONFIG={}", cluster.kubeconfig().display());
            Ok(())
        }
        Task::Down => {
            end()?;
            say("cluster: there is none any more");
            Ok(())
        }
        Task::Status(options) => {
            let place = Place::of_this_user()?;
            let report = Report::make(&place, State::read(&place)?.as_ref())?;
            // Whoever reads only the first lines closes the pipe.
            let _ = writeln!(std::io::stdout(), "{}", report.print(options.output));
            if report.health == Health::Ready { Ok(()) } else { Err(ClusterError::NotHealthy) }
        }
    }
}

/// A cluster whose node is Ready. Dropping it ends it, unless it was there before.
#[derive(Debug)]
pub struct Cluster {
    place: Place,
    state: State,
    /// Whether we end it.
    ours: bool,
}

impl Cluster {
    /// Makes one for this run; one that `cargo xtask cluster up` left running is used and left as it is.
    ///
    /// # Errors
    /// When it cannot be made here, or another run has one; nothing but logs is left behind.
    pub fn up(options: &Options) -> Result<Self, ClusterError> {
        make(options, Recorded::of("holder", std::process::id()))
    }

    /// A file by which `kubectl`, Helm and clients reach it as administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.place.kubeconfig()
    }

    /// The address by which pods reach what listens on this machine (on all addresses, or on this one).
    /// Unspecified (`0.0.0.0`) where kind's network could not be asked.
    #[must_use]
    pub fn host_ip(&self) -> Ipv4Addr {
        self.state.host_ip.unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Brings in an image from an archive (OCI layout, or what `docker save` and [`Image::write`] make), under `name`, which
    /// is said in full (`docker.io/loyalty/loyalty-worker:dev`). With kind the name inside the archive is what counts.
    ///
    /// # Errors
    /// When the archive cannot be read, or holds nothing for this machine.
    pub fn load_image(&self, archive: &Path, name: &str) -> Result<(), ClusterError> {
        match self.state.runtime {
            Runtime::Own => own::load(&self.place, archive, name),
            Runtime::Kind => kind::load(archive),
        }
    }

    /// Ends it, unless it was there before, and says what could not be ended.
    ///
    /// # Errors
    /// When something is left.
    pub fn down(mut self) -> Result<(), ClusterError> {
        if std::mem::take(&mut self.ours) { end() } else { Ok(()) }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = end()
        {
            say(&error.to_string());
        }
    }
}

/// Finds the one that stands, or makes one. `holder` is the run that ends it; without one it stays.
fn make(options: &Options, holder: Option<Recorded>) -> Result<Cluster, ClusterError> {
    live::end_on_signals()?;
    let place = Place::of_this_user()?;
    let _lock = lock(&place)?;
    let found = match State::read(&place) {
        Ok(found) => found,
        Err(error) => {
            say(&format!("{error}; cleaning up"));
            None
        }
    };
    refuse_others(&place, found.as_ref())?;
    if let Some(state) = found.as_ref().filter(|state| stands(state)) {
        say("cluster: it runs already");
        return Ok(Cluster { place, state: state.clone(), ours: false });
    }
    if found.is_some() || place.run().exists() {
        say("cluster: removing what an earlier one has left");
    }
    clean(&place, false)?;
    let there = choice::There::look(options.runtime);
    let (runtime, told) = choice::choose(&there).map_err(|why| ClusterError::Unable { why })?;
    say(&told);
    let ours = holder.is_some();
    let mut state = State::new(runtime, holder);
    live::at_end(Box::new({
        let place = place.clone();
        move || drop(clean(&place, false))
    }));
    let made = match runtime {
        Runtime::Own => own::up(&place, &mut state),
        Runtime::Kind => kind::up(&place, &mut state),
    };
    state.ready = made.is_ok();
    if let Err(error) = made.and_then(|()| state.save(&place)) {
        clean(&place, true)?;
        return Err(error);
    }
    Ok(Cluster { place, state, ours })
}

/// Why a cluster of this machine's own cannot be made at once, without installing or building anything first, if so.
#[must_use]
pub fn obstacle() -> Option<String> {
    own::obstacle().map(str::to_owned).or_else(programs::lacking)
}

/// One whose run was killed is a leftover: nobody would end it.
fn stands(state: &State) -> bool {
    let wanted = state.holder.as_ref().is_none_or(|holder| holder.entry().is_some());
    wanted && state.stands() && (state.runtime == Runtime::Own || kind::exists())
}

fn end() -> Result<(), ClusterError> {
    let place = Place::of_this_user()?;
    let _lock = lock(&place)?;
    refuse_others(&place, recorded(&place).as_ref())?;
    clean(&place, false)
}

/// The record on the disk decides: what is not in it, such as a person's own cluster in kind, is not ours.
fn clean(place: &Place, keep_logs: bool) -> Result<(), ClusterError> {
    let state = recorded(place);
    if state.as_ref().is_some_and(|state| state.runtime == Runtime::Kind) && kind::exists() {
        kind::down(place)?;
    }
    down::down(place, state.as_ref(), keep_logs)
}

/// An unreadable record is no reason to leave anything running.
fn recorded(place: &Place) -> Option<State> {
    State::read(place).ok().flatten()
}

/// Two commands at once would undo each other's work.
fn lock(place: &Place) -> Result<File, ClusterError> {
    let path = place.file(down::LOCK);
    let file = File::create(&path).map_err(ClusterError::file("make", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::Second {
            why: "another command makes or ends the cluster at this moment".to_owned(),
            advice: "wait until it is done".to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(ClusterError::file("lock", path)(error)),
    }
}

/// A machine has one network, and a run its cluster.
fn refuse_others(place: &Place, state: Option<&State>) -> Result<(), ClusterError> {
    if let Some(pid) = state.and_then(State::held_by_another) {
        return Err(ClusterError::Second {
            why: format!("the one there is belongs to a run that is under way (process {pid})"),
            advice: "wait for its end".to_owned(),
        });
    }
    let owner = fs::read_to_string(place.owner()).map(PathBuf::from).unwrap_or_default();
    if owner != place.home() && owner.join("state.json").is_file() {
        return Err(ClusterError::Second {
            why: format!("this machine has one, recorded in `{}`", owner.display()),
            advice: "end it with `cargo xtask cluster down` under the same HOME or XDG_CACHE_HOME".to_owned(),
        });
    }
    Ok(())
}
