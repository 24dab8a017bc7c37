//! What processes use, as `/proc` tells it; where there is no `/proc` nothing is known.

use std::collections::HashSet;
use std::fs;
use std::process;

/// The kernel tells processor time in hundredths of a second, on every architecture.
const TICK_MICROS: f64 = 10_000.0;

/// Three processes, or families of them: what is measured, the broker, the database.
pub(crate) type OfEach<T> = [Option<T>; 3];

/// Whose figures stand at which place of [`OfEach`].
pub(crate) const EACH: [&str; 3] = ["program", "broker", "database"];

/// Looks at a program and at the parts that it uses.
pub(crate) struct Meter {
    program: u32,
    broker: Vec<u32>,
}

impl Meter {
    /// Begins to look, and lets the broker's peak of memory begin anew.
    pub(crate) fn on(program: u32) -> Self {
        let broker = named("beam.smp");
        for pid in &broker {
            // Where that is not allowed the peak is that of the whole run.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
        Self { program, broker }
    }

    /// Processor time (user and system) since each began, in microseconds. A database's sessions come and go: those that
    /// have ended are counted with their parent.
    pub(crate) fn cpu(&self) -> OfEach<f64> {
        let sum = |pids: &[u32]| {
            let times: Vec<f64> = pids.iter().filter_map(|pid| cpu(*pid)).collect();
            (!times.is_empty()).then(|| times.iter().sum())
        };
        [sum(&[self.program]), sum(&self.broker), sum(&named("postgres"))]
    }

    /// Most memory that each held at once, in kB; of the database that of its largest process, for they share most of it.
    pub(crate) fn peak(&self) -> OfEach<u64> {
        let most = |pids: &[u32]| pids.iter().filter_map(|pid| peak(*pid)).max();
        [most(&[self.program]), most(&self.broker), most(&named("postgres"))]
    }
}

fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    // utime, stime and those of children that were waited for: fields 14 to 17, the state after the name being the third.
    let ticks: u32 = fields.skip(11).take(4).map(|field| field.parse::<u32>().unwrap_or(0)).sum();
    Some(f64::from(ticks) * TICK_MICROS)
}

fn peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

/// Processes of this name: those that we started, or, where the parts are not ours, all on this machine.
fn named(name: &str) -> Vec<u32> {
    let all = all();
    let mut ours = HashSet::from([process::id()]);
    loop {
        let before = ours.len();
        ours.extend(
            all.iter().filter(|(_, parent, _)| ours.contains(parent)).map(|(pid, ..)| *pid).collect::<Vec<_>>(),
        );
        if ours.len() == before {
            break;
        }
    }
    let found: Vec<u32> = all.iter().filter(|(.., its)| its == name).map(|(pid, ..)| *pid).collect();
    let started: Vec<u32> = found.iter().copied().filter(|pid| ours.contains(pid)).collect();
    if started.is_empty() { found } else { started }
}

/// Number, parent and name of every process.
fn all() -> Vec<(u32, u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let read = |pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let parent = after.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent, before.split_once('(')?.1.to_owned()))
    };
    pids.filter_map(read).collect()
}
