//! `cargo xtask e2e`: the product as a platform engineer meets it, in a real cluster with real pods: installed by Helm, a pipeline
//! applied with kubectl, real purchases published, upgraded in full flow, and everything removed again.

mod doors;
mod error;
mod hands;
mod look;
mod page;
mod story;

use std::env;

pub(crate) use error::E2eError;

use crate::cluster::{self, Cluster};
use crate::images::{self, Image};
use crate::parts::{Parts, RunFolder, Wanted, live};
use crate::progress::{say, step};
use crate::up;
use doors::Doors;
use hands::Hands;
use story::Story;

/// The tag of the images that are installed first, and of those that an upgrade brings: other names of the same.
const TAGS: [&str; 2] = ["e2e", "e2e-next"];

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Play with images that are not optimized (`cargo xtask images --quick`): minutes less on a new machine
    #[arg(long)]
    quick: bool,
}

/// Plays it from the first image to the last deletion, and ends what it started.
pub(crate) fn run(options: &Options) -> Result<(), E2eError> {
    live::end_on_signals()?;
    let folder = RunFolder::make(&env::temp_dir())?;
    let programs = up::build_programs(&folder).map_err(E2eError::Programs)?;
    let images = make_images(options.quick)?;
    let parts = Parts::make_sure(Wanted::BrokerAndDatabase)?;
    let cluster = Cluster::up(&cluster::Options::default())?;
    step("e2e: loading images", || load(&cluster, &images))?;
    let doors = Doors::open(cluster.host_ip(), &parts)?;
    let hands = Hands::new(&cluster.kubeconfig(), &parts, (&folder, programs))?;
    let told = Story { hands: &hands, doors: &doors, parts: &parts, folder: folder.path() }.play();
    if told.is_err() {
        hands.show_everything();
    }
    told?;
    cluster.down()?;
    say("e2e: all of it is as it should be");
    Ok(())
}

/// Archives with both tags: not every kind of cluster can give an image another name.
fn make_images(quick: bool) -> Result<Vec<Image>, E2eError> {
    let mut images = Vec::new();
    for tag in TAGS {
        let tag = tag.parse::<images::Tag>().map_err(|error| E2eError::Tag(error.to_string()))?;
        images.extend(images::build(&images::Options { programs: Vec::new(), tag, out: None, quick })?);
    }
    Ok(images)
}

fn load(cluster: &Cluster, images: &[Image]) -> Result<(), E2eError> {
    for image in images {
        cluster.load_image(&image.archive, &image.name)?;
    }
    Ok(())
}
