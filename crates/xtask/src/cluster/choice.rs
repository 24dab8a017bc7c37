//! What the cluster is made of. Looking around is not here: what was seen comes as a value, the choice goes as one.

use std::time::Duration;

use super::kind;
use super::own;
use super::state::Runtime;
use crate::parts::apt::find_program;
use crate::parts::{RunFolder, process::Process, wait};

/// Docker's client waits long for an engine that is not there.
const DOCKER_ANSWER_MAX: Duration = Duration::from_secs(10);

/// What was found on this machine.
#[derive(Debug, Clone, Default)]
pub(super) struct There {
    /// `--runtime`.
    flag: Option<Runtime>,
    docker: bool,
    kind: bool,
    /// Why no node of our own can run here.
    obstacle: Option<&'static str>,
}

impl There {
    pub(super) fn look(flag: Option<Runtime>) -> Self {
        let kind = find_program(kind::PROGRAM).is_some();
        Self { flag, kind, docker: kind && docker_answers(), obstacle: own::obstacle() }
    }
}

/// The runtime and a sentence that says which and why; else why there is none.
pub(super) fn choose(there: &There) -> Result<(Runtime, String), String> {
    let kind = match (there.kind, there.docker) {
        (true, true) => Ok(()),
        (true, false) => Err("Docker does not answer"),
        (false, _) => Err("no `kind` on the PATH"),
    };
    let told = |runtime, why: &str| {
        let what = match runtime {
            Runtime::Own => "the programs of Kubernetes themselves, on this machine",
            Runtime::Kind => "kind, in a container of Docker's",
        };
        (runtime, format!("cluster: {what} ({why})"))
    };
    match (there.flag, kind, there.obstacle) {
        (Some(Runtime::Kind), Ok(()), _) => Ok(told(Runtime::Kind, "asked for by `--runtime`")),
        (Some(Runtime::Kind), Err(why), _) => Err(format!("`--runtime kind` was asked for, and {why}")),
        (Some(Runtime::Own), _, None) => Ok(told(Runtime::Own, "asked for by `--runtime`")),
        (Some(Runtime::Own), _, Some(why)) => Err(format!("`--runtime own` was asked for, and {why}")),
        (None, Ok(()), _) => Ok(told(Runtime::Kind, "both are here")),
        (None, Err(why), None) => Ok(told(Runtime::Own, why)),
        (None, Err(why), Some(obstacle)) => Err(format!("{why}, and {obstacle}")),
    }
}

fn docker_answers() -> bool {
    let Ok(folder) = RunFolder::make(&std::env::temp_dir()) else { return false };
    let mut docker = std::process::Command::new("docker");
    docker.args(["info", "--format", "{{.ServerVersion}}"]);
    let started = Process::spawn("docker info", &mut docker, &folder.path().join("docker-info.log"));
    let ended = started.ok().and_then(|mut process| wait::until(DOCKER_ANSWER_MAX, || process.status()));
    ended.is_some_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_taken_where_it_can_work_and_the_machine_itself_else() {
        let (own, kind) = (Some(Runtime::Own), Some(Runtime::Kind));
        let root = Some("no root");
        for (flag, has_kind, docker, obstacle, answer) in [
            (None, true, true, None, Ok(Runtime::Kind)),
            (None, true, true, root, Ok(Runtime::Kind)),
            (None, true, false, None, Ok(Runtime::Own)),
            (None, false, true, None, Ok(Runtime::Own)),
            (None, true, false, root, Err("Docker does not answer, and no root")),
            (None, false, false, root, Err("no `kind` on the PATH, and no root")),
            (own, true, true, None, Ok(Runtime::Own)),
            (own, true, true, root, Err("`--runtime own` was asked for, and no root")),
            (kind, true, true, root, Ok(Runtime::Kind)),
            (kind, true, false, None, Err("`--runtime kind` was asked for, and Docker does not answer")),
        ] {
            let there = There { flag, docker, kind: has_kind, obstacle };
            let chosen = choose(&there).map(|(runtime, _)| runtime);
            assert_eq!(chosen, answer.map_err(str::to_owned), "{there:?}");
        }
    }
}
