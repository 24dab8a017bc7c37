//! A program that needs nothing around it.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{ImageError, Program, elf};
use crate::parts::Process;
use crate::progress::told;
use crate::repository;

/// Of the workspace's manifest.
const PROFILE: &str = "image";

/// The same for what is only tried.
const QUICK: &str = "quick";

/// A program that cargo has built.
pub(super) struct Compiled {
    /// The file.
    pub(super) binary: PathBuf,
    /// Cargo's folder for all that it builds.
    pub(super) target: PathBuf,
}

/// Builds `program` for this machine's kind, statically linked; with `quick` as for tests, and both programs together.
pub(super) fn compile(program: Program, quick: bool) -> Result<Compiled, ImageError> {
    if env::consts::OS != "linux" {
        return Err(ImageError::NotLinux { system: env::consts::OS });
    }
    let messages = tempfile::NamedTempFile::new().map_err(ImageError::file("make a file in", env::temp_dir()))?;
    let triple = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let mut command = if quick { quickly(&triple) } else { cargo(program, &triple) };
    let typed = typed(&command);
    let output = messages.reopen().map_err(ImageError::file("open", messages.path()))?;
    // Cargo's progress stays visible; only its answer goes to the file.
    command.stdout(output);
    let status = told(&typed, || Process::spawn_visible(&typed, &mut command).map(|mut it| it.wait()))?;
    if !status.map_err(ImageError::file("wait for", PathBuf::from("cargo")))?.success() {
        return Err(ImageError::Build { command: typed });
    }
    let answer = io::read_to_string(messages.as_file()).map_err(ImageError::file("read", messages.path()))?;
    found(program, &answer)
}

/// With `--target`, even if it is this machine's own, flags are for the product only: a procedural macro that is linked
/// statically could not be loaded. It has a folder of its own, too, so that nothing of another build is thrown away.
/// Each program is built for itself: features of shared dependencies would be united, and its image would depend on
/// whether the other one was made, too.
fn cargo(program: Program, triple: &str) -> Command {
    let mut command = build("rustc", PROFILE, triple);
    command.args(["--package", program.name(), "--bin", program.name(), "--"]).args(program.link_flags());
    command
}

/// All of them at once: what they share is compiled once.
fn quickly(triple: &str) -> Command {
    let mut command = build("build", QUICK, triple);
    command.args(Program::ALL.iter().flat_map(|program| ["--package", program.name(), "--bin", program.name()]));
    command
}

fn build(subcommand: &str, profile: &str, triple: &str) -> Command {
    let mut command = repository::cargo();
    command.current_dir(repository::root()).arg(subcommand);
    command.args(["--profile", profile, "--target", triple, "--message-format", "json-render-diagnostics"]);
    // The strongest of all places for flags: a person's own RUSTFLAGS would push ours aside.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags().join("\u{1f}"));
    command
}

fn flags() -> Vec<String> {
    // The message of a panic names its source file. Where a person keeps them is nobody's business, and would be another image.
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    vec!["-Ctarget-feature=+crt-static".to_owned(), format!("--remap-path-prefix={}=/cargo", cargo.display())]
}

fn typed(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once("cargo".into()).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Cargo says where its folder is, whoever has set it by whatever means.
fn found(program: Program, answer: &str) -> Result<Compiled, ImageError> {
    let binary = answer.lines().find_map(|line| executable(line, program.name()));
    let binary = binary.ok_or(ImageError::NotBuilt { program: program.name() })?;
    let bytes = fs::read(&binary).map_err(ImageError::file("read", &binary))?;
    if !elf::is_static(&bytes) {
        return Err(ImageError::NotStatic { path: binary });
    }
    // It stands in `TARGET/TRIPLE/PROFILE/`.
    let target = binary.ancestors().nth(3).map(Path::to_path_buf).unwrap_or_default();
    Ok(Compiled { binary, target })
}

fn executable(line: &str, program: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == program;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let library = r#"{"reason":"compiler-artifact","target":{"name":"a"},"executable":null}"#;
        let binary = r#"{"reason":"compiler-artifact","target":{"name":"a"},"executable":"/t/x/image/a"}"#;
        assert_eq!(executable(library, "a"), None);
        assert_eq!(executable(binary, "a"), Some(PathBuf::from("/t/x/image/a")));
        assert_eq!(executable(binary, "b"), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#, "a"), None);
        assert_eq!(executable("warning: no json", "a"), None);
    }

    #[test]
    fn what_cargo_does_not_name_is_told() {
        let error = found(Program::Worker, "").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("`loyalty-worker`"), "{error}");
    }

    #[test]
    fn flags_are_for_the_product_only() {
        let command = cargo(Program::Worker, "x86_64-unknown-linux-gnu");
        assert!(typed(&command).contains("--target x86_64-unknown-linux-gnu"), "{}", typed(&command));
        let flags = command.get_envs().find(|(name, _)| *name == "CARGO_ENCODED_RUSTFLAGS").unwrap().1.unwrap();
        assert!(flags.to_string_lossy().split('\u{1f}').any(|flag| flag == "-Ctarget-feature=+crt-static"));
    }
}
