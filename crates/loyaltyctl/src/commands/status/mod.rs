//! `status`: what the operator says of a pipeline, and what runs of it, on one screen. Asks through `kubectl`, with the person's own login.

mod age;
mod all;
mod kubectl;
mod look;
mod one;
mod program;
mod refusal;
mod told;
mod watch;

use std::path::PathBuf;

use contract::PipelineName;

use super::balance::parse;
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use kubectl::Kubectl;

/// Show a pipeline in a cluster on one screen: is it ready, why not, queues, workers, events
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Asks with kubectl, and so with your own login: the one on the PATH, or the one that KUBECTL names. Ready counts only when it is
about the present generation of the spec.

Exit codes: 0 ready (without a name: all are), 1 not ready, 2 the cluster cannot be asked.

Examples:
  loyaltyctl status coffee-club -n shops
  loyaltyctl status coffee-club --watch
  loyaltyctl status -A
  kubectl loyalty status coffee-club -o json")]
pub(crate) struct Args {
    /// The pipeline; without it all of the namespace, one a line
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Its namespace; without it that of kubectl's context
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Pipelines of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["name", "namespace"])]
    all_namespaces: bool,

    /// Context of the kubeconfig; without it the current one
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,

    /// The kubeconfig; without it kubectl's own choice
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Look again every two seconds until Ctrl-C; on a terminal, or with -o json one object a line
    #[arg(short = 'w', long)]
    watch: bool,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let name = args.name.as_deref().map(|name| parse("a pipeline", name, PipelineName::parse)).transpose()?;
    let kubectl = Kubectl::new(args);
    if args.watch {
        return watch::run(name.as_ref(), &kubectl, screen).await;
    }
    let shown = Shown::look(name.as_ref(), &kubectl).await?;
    if screen.is_json() {
        screen.json(&shown.json())?;
    } else {
        screen.show(&shown.text(screen))?;
    }
    Ok(shown.verdict())
}

/// What one look showed.
enum Shown {
    One(Box<look::Look>),
    All(all::All),
}

impl Shown {
    async fn look(name: Option<&PipelineName>, kubectl: &Kubectl) -> Result<Self, kubectl::KubectlError> {
        match name {
            Some(name) => look::look(name.as_str(), kubectl).await.map(|look| Self::One(Box::new(look))),
            None => all::ask(kubectl).await.map(Self::All),
        }
    }

    fn text(&self, screen: &Screen) -> String {
        match self {
            Self::One(look) => one::render(look, screen),
            Self::All(all) => all.render(screen),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::One(look) => program::one(look),
            Self::All(all) => program::all(all),
        }
    }

    fn verdict(&self) -> Verdict {
        let is_ready = match self {
            Self::One(look) => look.pipeline.is_ready(),
            Self::All(all) => all.is_ready(),
        };
        Verdict::found(!is_ready)
    }
}
