//! The folder of the tour's ledger: always a new one, never somebody's points.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::error::UpError;
use crate::repository;

/// Where `loyaltyctl` looks by itself.
const USUAL: &str = ".loyalty/cdnow";

/// Says whose folder it is.
const MARK: &str = "tour";

/// The lock of a `loyaltyctl up` that uses the folder.
const LOCK: &str = "up.lock";

/// Only we may look into it, as `loyaltyctl` makes it.
const PRIVATE: u32 = 0o700;

/// A folder with nothing in it but the mark; that of an earlier tour is removed.
pub(super) fn fresh(named: Option<&Path>) -> Result<Data, UpError> {
    let path = match named {
        Some(named) => std::path::absolute(named).map_err(UpError::file("find", named))?,
        None => repository::root().join(USUAL),
    };
    if path.exists() {
        remove(&path)?;
    }
    let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(&path);
    made.map_err(UpError::file("make", &path))?;
    let mark = path.join(MARK);
    let text = "A folder of `cargo xtask up`; the next one removes it.\n";
    fs::write(&mark, text).map_err(UpError::file("write", &mark))?;
    Ok(Data { path, is_named: named.is_some() })
}

fn remove(path: &Path) -> Result<(), UpError> {
    let empty = fs::read_dir(path).map_err(UpError::file("read", path))?.next().is_none();
    if !empty && !path.join(MARK).is_file() {
        return Err(UpError::ForeignFolder { path: path.to_owned() });
    }
    // Nobody holds the lock of an ended tour; held until the folder is gone, no other can begin in it.
    let lock = File::open(path.join(LOCK)).ok();
    if lock.as_ref().is_some_and(|lock| lock.try_lock().is_err()) {
        return Err(UpError::FolderInUse { path: path.to_owned() });
    }
    fs::remove_dir_all(path).map_err(UpError::file("remove", path))
}

/// The tour's folder.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) path: PathBuf,
    /// Not where `loyaltyctl` looks by itself.
    pub(super) is_named: bool,
}

impl Data {
    /// Where the worker says on which address it answers.
    pub(super) fn listen(&self) -> PathBuf {
        self.path.join("worker.listen")
    }

    /// What the worker says.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("worker.log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folder_of_an_ended_tour_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let ledger = path.join("ledger.db");
        fresh(Some(&path)).unwrap();
        File::create(&ledger).unwrap();
        assert_eq!(fresh(Some(&path)).unwrap().path, path);
        assert!(!ledger.exists(), "an earlier tour's ledger goes");

        let lock = File::create(path.join(LOCK)).unwrap();
        lock.lock().unwrap();
        assert!(matches!(fresh(Some(&path)), Err(UpError::FolderInUse { .. })));
        drop(lock);

        fs::remove_file(path.join(MARK)).unwrap();
        File::create(&ledger).unwrap();
        assert!(matches!(fresh(Some(&path)), Err(UpError::ForeignFolder { .. })));
        assert!(ledger.exists(), "somebody's points stay");
    }
}
