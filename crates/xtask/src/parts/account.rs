//! The system users that servers run as: neither server agrees to be root.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::PartError;

/// A user and its group, as numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// Looks `name` up in the passwd file of a system whose files begin at `root`.
    pub(crate) fn of(name: &str, root: &Path) -> Result<Self, PartError> {
        let passwd = root.join("etc/passwd");
        let text = fs::read_to_string(&passwd).map_err(PartError::file("read", &passwd))?;
        Self::in_passwd(name, &text).ok_or(PartError::NoUser { name: name.to_owned(), passwd })
    }

    fn in_passwd(name: &str, passwd: &str) -> Option<Self> {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }

    /// Gives it these files or folders (not what is in them).
    pub(crate) fn own<const N: usize>(self, paths: [PathBuf; N]) -> Result<(), PartError> {
        for path in paths {
            chown(&path, Some(self.uid), Some(self.gid)).map_err(PartError::file("change the owner of", &path))?;
        }
        Ok(())
    }

    /// Makes a command run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// Whether we may install packages, change users and make root folders.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn an_account_is_read_from_a_passwd_file() {
        let passwd = "root:x:0:0:root:/:/bin/sh\npostgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        let account = Account::in_passwd("postgres", passwd).unwrap();
        assert_eq!((account.uid, account.gid), (101, 104));
        assert!(Account::in_passwd("rabbitmq", passwd).is_none());
    }
}
