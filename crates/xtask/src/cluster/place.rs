//! Where the cluster keeps its things: one folder in the user's cache, one below `/run`.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::ClusterError;
use crate::parts::cache::cache_folder;

/// Sockets, mounts and addresses that must not outlive a reboot. A socket's path may have no more than 107 characters,
/// and there is one cluster on a machine: its network is the machine's.
pub(super) const RUN: &str = "/run/loyalty-cluster";

/// The folder of one cluster; what is in it may be thrown away.
#[derive(Debug, Clone)]
pub(super) struct Place {
    home: PathBuf,
    run: PathBuf,
}

impl Place {
    /// The one of this user, made if need be. Nobody else may look into it: it holds keys.
    pub(super) fn of_this_user() -> Result<Self, ClusterError> {
        let place = Self { home: cache_folder().join("loyalty-pipelines").join("cluster"), run: PathBuf::from(RUN) };
        make(&place.home)?;
        Ok(place)
    }

    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { home: folder.join("home"), run: folder.join("run") }
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// A file or folder of the cluster's own.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// By which a person reaches the cluster as its administrator.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    pub(super) fn log(&self, program: &str) -> PathBuf {
        self.file("logs").join(format!("{program}.log"))
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.run.join("containerd.sock")
    }

    /// There while the machine hands packets on because of us.
    pub(super) fn forwarding_was_off(&self) -> PathBuf {
        self.run.join("forwarding-was-off")
    }

    /// Says which user's cluster the machine's is.
    pub(super) fn owner(&self) -> PathBuf {
        self.run.join("owner")
    }

    /// Makes the folders that a start needs.
    pub(super) fn prepare(&self) -> Result<(), ClusterError> {
        for folder in ["logs", "credentials", "cni", "kubelet", "images"] {
            make(&self.file(folder))?;
        }
        make(&self.run)?;
        self.write("owner", &self.owner(), &self.home.display().to_string())
    }

    /// Writes a text that only this user may read, whole or not at all.
    pub(super) fn write(&self, name: &str, path: &Path, text: &str) -> Result<(), ClusterError> {
        let half = self.home.join(format!(".{}.half", name.replace('/', "-")));
        let _ = fs::remove_file(&half);
        let file = File::options().create_new(true).write(true).mode(0o600).open(&half);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.map_err(ClusterError::file("write", &half))?;
        // The other folder may be on another file system.
        fs::rename(&half, path)
            .or_else(|_| fs::copy(&half, path).and_then(|_| fs::remove_file(&half)))
            .map_err(ClusterError::file("write", path))
    }

    /// The same for a file of the cluster's own folder.
    pub(super) fn put(&self, name: &str, text: &str) -> Result<PathBuf, ClusterError> {
        let path = self.file(name);
        self.write(name, &path, text)?;
        Ok(path)
    }
}

fn make(folder: &Path) -> Result<(), ClusterError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(ClusterError::file("make", folder))
}
