//! Folders that are made once and kept in the user's cache: programs that take minutes to get.
//!
//! A folder is made under another name and renamed when it is whole; a lock makes a second run wait for the first. Its
//! name holds the version and the recipe of what is in it, so that another one is another folder.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::error::PartError;
use crate::progress::step;

/// A folder while it is made.
#[derive(Debug)]
pub(crate) struct Half<'a> {
    /// Not there yet, or left by a run that was killed.
    pub(crate) folder: &'a Path,
    /// What it is called when it is whole.
    pub(crate) whole: &'a Path,
    /// For the output of the programs that make it; kept.
    pub(crate) log: &'a Path,
}

impl Half<'_> {
    /// Makes the folder, empty.
    pub(crate) fn begin(&self) -> Result<(), PartError> {
        if self.folder.exists() {
            fs::remove_dir_all(self.folder).map_err(PartError::file("remove", self.folder))?;
        }
        fs::create_dir_all(self.folder).map_err(PartError::file("make", self.folder))
    }
}

/// The folder called `name`, made now by `make` if it is not there yet. `what` is for people.
///
/// # Errors
/// When the cache cannot be written, or those of `make`; then the next run begins anew.
pub(crate) fn make_sure(
    what: &str,
    name: &str,
    make: impl FnOnce(&Half<'_>) -> Result<(), PartError>,
) -> Result<PathBuf, PartError> {
    make_sure_in(&parts(), what, name, make)
}

/// Whether the folder called `name` is there.
pub(crate) fn has(name: &str) -> bool {
    parts().join(name).is_dir()
}

fn make_sure_in(
    parts: &Path,
    what: &str,
    name: &str,
    make: impl FnOnce(&Half<'_>) -> Result<(), PartError>,
) -> Result<PathBuf, PartError> {
    fs::create_dir_all(parts).map_err(PartError::file("make", parts))?;
    let whole = parts.join(name);
    if whole.is_dir() {
        return Ok(whole);
    }
    let path = parts.join(format!("{name}.lock"));
    let lock = File::create(&path).map_err(PartError::file("make", &path))?;
    step(&format!("{what}: waiting for another run that makes the same folder"), || lock.lock())
        .map_err(PartError::file("lock", &path))?;
    if !whole.is_dir() {
        let (folder, log) = (parts.join(format!("{name}.half")), parts.join(format!("{name}.log")));
        make(&Half { folder: &folder, whole: &whole, log: &log })?;
        fs::rename(&folder, &whole).map_err(PartError::file("rename", &folder))?;
    }
    Ok(whole)
}

fn parts() -> PathBuf {
    cache_folder().join("loyalty-pipelines").join("parts")
}

/// The folder in which this user keeps what can be made again.
pub(crate) fn cache_folder() -> PathBuf {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    set.unwrap_or_else(|| env::var_os("HOME").map_or_else(|| "/root".into(), PathBuf::from).join(".cache"))
}

#[cfg(test)]
mod tests {
    use super::make_sure_in;
    use crate::parts::error::PartError;
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    #[test]
    fn runs_at_the_same_time_make_a_folder_once_and_all_find_it_whole() {
        let parts = tempfile::tempdir().unwrap();
        let made = AtomicU32::new(0);
        let file = thread::scope(|scope| {
            let run = || {
                make_sure_in(parts.path(), "a part", "part-1", |half| {
                    half.begin()?;
                    made.fetch_add(1, Ordering::SeqCst);
                    fs::write(half.folder.join("program"), "whole").map_err(PartError::file("write", half.folder))
                })
            };
            let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            let folders: Vec<_> = runs.into_iter().map(|run| run.join().unwrap().unwrap()).collect();
            folders[0].join("program")
        });
        assert_eq!(made.into_inner(), 1);
        assert_eq!(fs::read_to_string(file).unwrap(), "whole");
    }

    #[test]
    fn a_folder_that_could_not_be_made_whole_is_made_anew() {
        let parts = tempfile::tempdir().unwrap();
        let make = |good: bool| {
            make_sure_in(parts.path(), "a part", "part-1", |half| {
                half.begin()?;
                let name = if good { "good" } else { "bad" };
                fs::write(half.folder.join(name), "").map_err(PartError::file("write", half.folder))?;
                if good { Ok(()) } else { Err(PartError::Interrupted { program: "a part".to_owned() }) }
            })
        };
        assert!(make(false).is_err());
        let folder = make(true).unwrap();
        assert!(folder.join("good").exists() && !folder.join("bad").exists(), "nothing of the first try is left");
    }
}
