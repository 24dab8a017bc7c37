//! `plan`: what `up` would change on the broker.

use contract::broker_object::Standing;
use topology::Plan;

use crate::edge::{Halt, Verdict};
use crate::observe;
use crate::screen::{Screen, count};
use crate::target::{BrokerArgs, Files, Loaded};

/// Show, field by field, what would change on the broker; changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
`+` is made, `-` is removed, `!` stands in the way, `~` is left over and kept.

Exit codes: 0 no changes, 1 there are steps or conflicts, 2 the broker cannot be asked.

Examples:
  loyaltyctl plan -f pipeline.yaml --broker amqp://localhost
  AMQP_URL=amqps://me:PASSWORD@rabbit/shop loyaltyctl plan -f pipeline.yaml -o json")]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let loaded = Loaded::read(&args.files.file)?;
    let pipeline = loaded.one(args.files.pipeline.as_deref())?;
    let broker = args.broker.find(&pipeline, &loaded)?;
    // AMQP first: of a wrong host, password or vhost it tells most.
    observe::connect(&broker.settings).await?.close().await;
    let wanted = pipeline.desired(broker::release(&broker.settings).await?);
    let standing = observe::standing(&broker.settings, screen).await?;
    let plan = topology::diff(&wanted, &standing, &pipeline.owner);
    if screen.is_json() {
        let seen = matches!(standing, Standing::Seen(_));
        let (steps, conflicts, left) = (&plan.steps, &plan.conflicts, &plan.left);
        let name = pipeline.name.as_str();
        screen.json(&serde_json::json!({
            "pipeline": name, "seen": seen, "steps": steps, "conflicts": conflicts, "left": left,
        }))?;
    } else {
        screen.show(&(render(&plan, screen) + &sum(&plan)))?;
    }
    Ok(Verdict::found(!plan.steps.is_empty() || !plan.conflicts.is_empty()))
}

/// The plan's lines, coloured by their sign.
pub(super) fn render(plan: &Plan, screen: &Screen) -> String {
    let style = screen.style;
    let lines = topology::render(plan);
    let painted = lines.lines().map(|line| match line.chars().next() {
        Some('+') => style.green(line),
        Some('-') => style.yellow(line),
        Some('!') => style.red(line),
        Some('~') => style.dim(line),
        _ => line.to_owned(),
    });
    painted.fold(String::new(), |text, line| text + &line + "\n")
}

fn sum(plan: &Plan) -> String {
    let (steps, conflicts) = (plan.steps.len() as u64, plan.conflicts.len() as u64);
    match (steps, conflicts) {
        (0, 0) => String::new(),
        (_, 0) => format!("{}\n", count(steps, "step")),
        (_, _) => format!("{}, {}\n", count(steps, "step"), count(conflicts, "conflict")),
    }
}
