//! `cargo xtask images`: the product's programs as container images, made without a container engine.
//!
//! An image is one statically linked program, the authorities that it trusts and the order of name services; there is no
//! shell, no libc and no package in it. It is written as an archive in the OCI image layout, and the same files always
//! make the same archive. `Containerfile` makes the same image with an engine; a test compares the two.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use error::ImageError;
pub use program::Program;
pub use tag::Tag;

use crate::parts::live;
use crate::progress::{say, step};
use archive::Archive;
use report::Format;

mod archive;
mod compile;
mod elf;
mod error;
mod program;
mod report;
mod root;
mod tag;

/// Who runs it: nobody, by number, as there is no passwd file inside.
pub const USER: &str = "65532:65532";
/// What ends it in good order.
pub const STOP_SIGNAL: &str = "SIGTERM";
/// Where images of ours are kept. In full: container engines would look for a short name at a registry.
pub const REPOSITORY: &str = "docker.io/loyalty";
/// What an image may hold, in bytes, uncompressed: a node fetches it before the first event is worked on.
pub const SIZE_MAX: u64 = 25_000_000;

/// Which images are made, and where.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Which ones; both when none is named
    #[arg(value_enum, value_name = "PROGRAM")]
    pub programs: Vec<Program>,
    /// Their tag
    #[arg(long, default_value_t)]
    pub tag: Tag,
    /// Folder of the archives; `target/images` when absent, with `--quick` `target/images-quick`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Build in a part of the time, for a try and not for a release: hardly optimized, and the bound on the size does not hold
    #[arg(long)]
    pub quick: bool,
}

/// The command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(flatten)]
    options: Options,
    /// How the result is printed
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

/// An image in its archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// In full, such as `docker.io/loyalty/loyalty-worker:0.1.0`.
    pub name: String,
    /// The file.
    pub archive: PathBuf,
    /// What a registry will know it by: `sha256:` and the hash of its manifest.
    pub digest: String,
    /// What it holds, in bytes.
    pub size: u64,
    /// What is transferred, in bytes.
    pub compressed: u64,
}

/// What goes into an image.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// Which one it is.
    pub program: Program,
    /// The program's file, statically linked.
    pub binary: &'a Path,
    /// The certificates of the authorities that it trusts, as PEM.
    pub authorities: &'a Path,
}

/// Does what the command line asks.
pub(crate) fn run(command: &Command) -> Result<(), ImageError> {
    let images = build(&command.options)?;
    println!("{}", report::print(&images, command.output));
    Ok(())
}

/// Compiles the programs and writes an archive of each.
///
/// # Errors
/// When this machine lacks something, a program does not compile, or an image that is meant for a release would be larger than [`SIZE_MAX`].
pub fn build(options: &Options) -> Result<Vec<Image>, ImageError> {
    live::end_on_signals()?;
    let authorities = Path::new(root::AUTHORITIES);
    // Compiling takes minutes: what is missing is told before.
    root::read_authorities(authorities)?;
    let programs = if options.programs.is_empty() { Program::ALL.to_vec() } else { options.programs.clone() };
    let images = programs.into_iter().map(|program| {
        let compiled = compile::compile(program, options.quick)?;
        let out = options
            .out
            .clone()
            .unwrap_or_else(|| compiled.target.join(if options.quick { "images-quick" } else { "images" }));
        let contents = Contents { program, binary: &compiled.binary, authorities };
        let what = format!("images: packing {}", program.name());
        let size_max = if options.quick { u64::MAX } else { SIZE_MAX };
        step(&what, || write(&contents, &options.tag, &out, size_max))
    });
    images.collect()
}

/// Writes the archive of one image into the folder `out`, which is made if need be.
///
/// # Errors
/// When a file cannot be read or written, `authorities` holds no certificate, or the image would be larger than `size_max` bytes.
pub fn write(contents: &Contents<'_>, tag: &Tag, out: &Path, size_max: u64) -> Result<Image, ImageError> {
    let program = contents.program;
    let name = format!("{REPOSITORY}/{}:{tag}", program.name());
    let files = root::files(contents)?;
    let size: u64 = files.iter().map(root::File::size).sum();
    if size > size_max {
        return Err(ImageError::TooLarge { name, size, size_max });
    }
    fs::create_dir_all(out).map_err(ImageError::file("make", out))?;
    let path = out.join(format!("{}-{tag}.tar", program.name()));
    let archive = Archive::of(&name, program, &files).map_err(ImageError::file("make the archive", &path))?;
    // Whoever loads it while it is written, or after an interruption, shall find a whole one.
    let half = path.with_extension("half");
    fs::write(&half, &archive.bytes).map_err(ImageError::file("write", &half))?;
    fs::rename(&half, &path).map_err(ImageError::file("write", &path))?;
    say(&format!("wrote {}", path.display()));
    Ok(Image { name, archive: path, digest: archive.digest, size, compressed: archive.compressed })
}
