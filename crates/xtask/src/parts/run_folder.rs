//! A folder for one run of one part: its name marks the processes of the run, its lock says that the run lives.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::PartError;
use super::live;
use super::processes::{self, RUN_VARIABLE};

const PREFIX: &str = "loyalty-run-";
const OWNER: &str = "owner.lock";

/// A folder that is removed, with all processes that carry its name, when this is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _owner: File,
}

impl RunFolder {
    /// Makes a folder in `parent`, after removing those of runs that are dead.
    ///
    /// # Errors
    /// When the folder or its lock cannot be made.
    pub fn make(parent: &Path) -> Result<Self, PartError> {
        remove_leftovers(parent);
        let made =
            tempfile::Builder::new().prefix(PREFIX).permissions(fs::Permissions::from_mode(0o755)).tempdir_in(parent);
        let path = made.map_err(PartError::file("make a folder in", parent))?.keep();
        live::keep_folder(path.clone());
        let owner = lock(&path).map_err(PartError::file("lock", path.join(OWNER)))?;
        Ok(Self { path, _owner: owner })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The variable that marks a process, and all that it starts, as one of this run (and of the runs that we ourselves belong to).
    #[must_use]
    pub fn mark(&self) -> (&'static str, String) {
        let name = name(&self.path);
        let value = env::var(RUN_VARIABLE).map_or_else(|_| name.to_owned(), |outer| format!("{outer}/{name}"));
        (RUN_VARIABLE, value)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove(&self.path);
        live::forget_folder(&self.path);
    }
}

fn name(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Locked under another name and then renamed: there is no moment at which a living run has an unlocked `owner.lock`.
fn lock(folder: &Path) -> std::io::Result<File> {
    let new = folder.join("owner.new");
    let file = File::create(&new)?;
    file.lock()?;
    fs::rename(new, folder.join(OWNER))?;
    Ok(file)
}

/// Ends the processes of a run and removes its folder.
pub(crate) fn remove(folder: &Path) {
    if !name(folder).starts_with(PREFIX) {
        return;
    }
    processes::sweep(name(folder), folder);
    let _ = fs::remove_dir_all(folder);
}

/// Removes the folders of dead runs: nobody holds their lock.
pub(crate) fn remove_leftovers(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|path| name(path).starts_with(PREFIX)) {
        let owner = File::open(folder.join(OWNER));
        if owner.is_ok_and(|file| file.try_lock().is_ok()) {
            remove(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OWNER, RunFolder};
    use std::fs::{self, File};

    #[test]
    fn the_folder_of_a_dead_run_is_removed_and_that_of_a_living_one_stays() {
        let parent = tempfile::tempdir().unwrap();
        let dead = parent.path().join("loyalty-run-dead");
        let foreign = parent.path().join("something-else");
        for folder in [&dead, &foreign] {
            fs::create_dir(folder).unwrap();
            File::create(folder.join(OWNER)).unwrap();
        }
        let living = RunFolder::make(parent.path()).unwrap();
        let second = RunFolder::make(parent.path()).unwrap();
        assert!(!dead.exists(), "nobody holds the dead run's lock");
        assert!(foreign.exists(), "only our own names are removed");
        assert!(living.path().exists() && second.path().exists());
    }
}
