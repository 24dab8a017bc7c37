//! `cargo xtask e2e`: the product as a platform engineer meets it, in a real cluster with real pods: installed by Helm, a pipeline
//! applied with kubectl, real purchases published, upgraded in full flow, and everything removed again.

mod doors;
mod error;
mod hands;
mod look;
mod story;

use std::env;

pub(crate) use error::E2eError;

use crate::cluster::{self, Cluster};
use crate::images::{self, Image};
use crate::parts::{Parts, RunFolder, Wanted, live};
use crate::progress::{say, step};
use doors::Doors;
use hands::Hands;
use story::Story;

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Use archives that `cargo xtask images` wrote before, instead of making them
    #[arg(long, value_name = "DIR")]
    images: Option<std::path::PathBuf>,
}

/// The tag of the images that are installed first, and of those that an upgrade brings: other names of the same.
const TAGS: [&str; 2] = ["e2e", "e2e-next"];

/// Plays it from the first image to the last deletion, and ends what it started.
pub(crate) fn run(options: &Options) -> Result<(), E2eError> {
    live::end_on_signals()?;
    let folder = RunFolder::make(&env::temp_dir())?;
    let images = make_images(options)?;
    let parts = Parts::make_sure(Wanted::BrokerAndDatabase)?;
    let cluster = Cluster::up(&cluster::Options::default())?;
    step("e2e: loading images", || load(&cluster, &images))?;
    let doors = Doors::open(cluster.host_ip(), &parts)?;
    let hands = Hands::new(&cluster.kubeconfig(), &parts, &folder)?;
    let told = Story { hands: &hands, doors: &doors, parts: &parts }.play();
    if told.is_err() {
        hands.show_everything();
    }
    told?;
    cluster.down()?;
    say("e2e: all of it is as it should be");
    Ok(())
}

fn make_images(options: &Options) -> Result<Vec<Image>, E2eError> {
    let tag = TAGS[0].parse::<images::Tag>().map_err(|error| E2eError::Tag(error.to_string()))?;
    let out = options.images.clone();
    Ok(images::build(&images::Options { programs: Vec::new(), tag, out })?)
}

/// Each archive under both tags.
fn load(cluster: &Cluster, images: &[Image]) -> Result<(), E2eError> {
    for image in images {
        let (repository, _) = image.name.rsplit_once(':').unwrap_or((&image.name, ""));
        for tag in TAGS {
            cluster.load_image(&image.archive, &format!("{repository}:{tag}"))?;
        }
    }
    Ok(())
}
