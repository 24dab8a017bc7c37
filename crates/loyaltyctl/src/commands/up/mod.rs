//! `up`: a whole pipeline on this machine, as a file says it: broker objects, rules in the ledger, one worker, and a look at it.

mod closing;
mod effect;
mod folder;
mod live;
mod orphan;
mod prepare;
mod rates;
mod sample;
mod scrape;
mod tally;
mod view;
mod worker;

use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::{BrokerArgs, DataArgs, Files, Loaded, Pipeline, ledger_url};

/// Make the broker as the file says, apply the rules, run a worker and show it live; Ctrl-C stops
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Makes what is missing on the broker and reads it back, writes the rules into the ledger's timeline, then keeps one worker running
and shows what it does. The first Ctrl-C lets the worker finish its batch, the second leaves at once. Needs `loyalty-worker` beside
this program, or in the folder that LOYALTY_BIN_DIR names. With -o json: one object a line every five seconds. With `suspend: true`
in the file it starts no worker, and ends when everything else is done.

Exit codes: 0 stopped as asked, 1 the file is wrong or something on the broker stands in the way, 2 it could not.

Examples:
  loyaltyctl up -f pipeline.yaml --broker amqp://localhost
  AMQP_URL=amqps://me:PASSWORD@rabbit/shop loyaltyctl up -f pipeline.yaml --data /var/lib/loyalty/shop")]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    broker: BrokerArgs,

    #[command(flatten)]
    data: DataArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let loaded = Loaded::read(&args.files.file)?;
    let pipeline = loaded.one(args.files.pipeline.as_deref())?;
    note_effects(&pipeline, screen)?;
    let broker = args.broker.find(&pipeline, &loaded)?;
    let binary = worker::find()?;
    let folder = folder::Folder::lock(args.data.folder(&pipeline.name), &pipeline.name)?;
    let ledger_url = ledger_url(&pipeline, &loaded, folder.path())?;
    orphan::stop(&folder, screen).await?;
    let ledger = prepare::ledger(&ledger_url).await?;
    if !prepare::broker(&pipeline, &broker, screen).await? {
        return Ok(Verdict::Found);
    }
    prepare::rules(&pipeline, ledger.as_ref(), screen).await?;
    if let Some(why) = effect::no_worker(&pipeline.spec) {
        say(screen, &format!("no worker is started, because {why}; events wait in their queues\n"))?;
        closing::tell(&pipeline, ledger.as_ref(), &broker.settings, screen).await?;
        return Ok(Verdict::Fine);
    }
    folder.write_config(&pipeline.worker_config())?;
    let launch = worker::Launch::new(binary, &folder, &broker, ledger_url)?;
    let sampler = sample::Sampler::new(&pipeline, &folder, broker.settings.clone());
    match live::run(&pipeline, launch, sampler, screen).await? {
        live::Ended::Asked => closing::tell(&pipeline, ledger.as_ref(), &broker.settings, screen).await?,
        live::Ended::Insisted => say(screen, "left at once; what was in flight goes back to the queue\n")?,
    }
    Ok(Verdict::Fine)
}

/// A field that does nothing must not look as if it did.
fn note_effects(pipeline: &Pipeline, screen: &Screen) -> std::io::Result<()> {
    let fields = effect::only_in_a_cluster(&pipeline.spec);
    if fields.is_empty() {
        return Ok(());
    }
    let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let note = screen.style.yellow("note:");
    screen
        .warn(&format!("{note} here runs one worker; what the file says in {fields} has an effect only in a cluster\n"))
}

/// Tells what is done, beside the JSON when that is what standard output is for.
fn say(screen: &Screen, text: &str) -> std::io::Result<()> {
    if screen.is_json() { screen.warn(text) } else { screen.show(text) }
}
