//! Images without a registry: archives that are made from files of this machine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::command;
use super::error::ClusterError;
use super::place::Place;

/// The image of a pod's sandbox. Images are named in full: containerd would look for a short name at a registry.
pub(super) const PAUSE: &str = "docker.io/loyalty/pause:1";

/// An image of statically linked programs and other files, with nothing else in it.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// In full, such as `docker.io/loyalty/loyalty-worker:dev`.
    pub name: &'a str,
    /// Files of this machine, and where they stand in the image (absolute). They keep their permissions.
    pub files: &'a [(&'a Path, &'a str)],
    /// What is started.
    pub entrypoint: &'a [&'a str],
    /// `uid:gid`, as numbers: there is no passwd file inside.
    pub user: &'a str,
}

impl Image<'_> {
    /// Writes the archive that `docker save` would write, for `load_image`; `into` is replaced.
    ///
    /// # Errors
    /// When a file cannot be read or written, or `tar` is missing.
    pub fn write(&self, into: &Path) -> Result<(), ClusterError> {
        let work = tempfile::tempdir().map_err(ClusterError::file("make a folder in", std::env::temp_dir()))?;
        let (root, parts) = (work.path().join("root"), work.path().join("parts"));
        for folder in [&root, &parts] {
            fs::create_dir(folder).map_err(ClusterError::file("make", folder))?;
        }
        for (from, to) in self.files {
            let to = root.join(to.trim_start_matches('/'));
            let folder = to.parent().unwrap_or(&root);
            fs::create_dir_all(folder).map_err(ClusterError::file("make", folder))?;
            fs::copy(from, &to).map_err(ClusterError::file("copy", *from))?;
        }
        let layer = parts.join("layer.tar");
        tar(&root, &layer)?;
        let bytes = fs::read(&layer).map_err(ClusterError::file("read", &layer))?;
        let write = |name: &str, value: serde_json::Value| {
            let path = parts.join(name);
            fs::write(&path, value.to_string()).map_err(ClusterError::file("write", &path))
        };
        write("config.json", self.config(&digest(&bytes)))?;
        write("manifest.json", json!([{"Config": "config.json", "RepoTags": [self.name], "Layers": ["layer.tar"]}]))?;
        tar(&parts, into)
    }

    fn config(&self, layer: &str) -> serde_json::Value {
        json!({
            "architecture": architecture(std::env::consts::ARCH),
            "os": "linux",
            "config": {"Entrypoint": self.entrypoint, "User": self.user},
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        })
    }
}

/// Writes the archive of the sandbox's image.
pub(super) fn pause(place: &Place, program: &Path) -> Result<PathBuf, ClusterError> {
    let archive = place.file("images").join("pause.tar");
    let image = Image { name: PAUSE, files: &[(program, "/pause")], entrypoint: &["/pause"], user: "65535:65535" };
    image.write(&archive).map(|()| archive)
}

/// A full name without its tag: a host, a path, a tag.
pub(super) fn repository(name: &str) -> Option<&str> {
    let (repository, tag) = name.rsplit_once(':')?;
    let (host, path) = repository.split_once('/')?;
    let is_host = host.contains(['.', ':']) || host == "localhost";
    (is_host && !path.is_empty() && !tag.is_empty() && !tag.contains('/')).then_some(repository)
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Go's names, which images use.
pub(super) fn architecture(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The same files make the same bytes, and nobody of this machine owns them.
fn tar(folder: &Path, into: &Path) -> Result<(), ClusterError> {
    let mut tar = command::system("tar");
    tar.args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    tar.arg("--directory").arg(folder).arg("--file").arg(into).arg(".");
    command::answer("write an image", &mut tar).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_names_the_layer_by_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "#!").unwrap();
        let image =
            Image { name: "docker.io/a/b:c", files: &[(&program, "/bin/b")], entrypoint: &["/bin/b"], user: "1:1" };
        let (first, second) = (folder.path().join("1.tar"), folder.path().join("2.tar"));
        image.write(&first).unwrap();
        image.write(&second).unwrap();
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap(), "the same files are the same image");
        let unpacked = folder.path().join("unpacked");
        fs::create_dir(&unpacked).unwrap();
        let mut untar = command::system("tar");
        untar.arg("-xf").arg(&first).arg("-C").arg(&unpacked);
        command::answer("unpack", &mut untar).unwrap();
        let config: serde_json::Value =
            serde_json::from_slice(&fs::read(unpacked.join("config.json")).unwrap()).unwrap();
        let layer = fs::read(unpacked.join("layer.tar")).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], digest(&layer));
        assert_eq!(config["config"]["User"], "1:1");
    }

    #[test]
    fn only_a_full_name_is_found_again() {
        for (name, found) in [
            ("docker.io/loyalty/loyalty-worker:dev", Some("docker.io/loyalty/loyalty-worker")),
            ("localhost:5000/worker:1", Some("localhost:5000/worker")),
            ("loyalty/loyalty-worker:dev", None),
            ("worker:dev", None),
            ("docker.io/loyalty/loyalty-worker", None),
            ("localhost:5000/worker", None),
            ("docker.io/worker:", None),
            ("", None),
        ] {
            assert_eq!(repository(name), found, "{name}");
        }
    }

    #[test]
    fn architectures_are_called_as_images_call_them() {
        for (rust, go) in [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")] {
            assert_eq!(architecture(rust), go);
        }
    }
}
