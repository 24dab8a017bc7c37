//! What is mounted, as `/proc/*/mountinfo` tells it.

use std::fs;
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// The folder of that file system which is seen there.
    pub(super) root: String,
    /// Where it is to be seen.
    pub(super) point: PathBuf,
    /// The kind of file system.
    pub(super) kind: String,
    /// What the file system itself was told, such as an overlay's layers.
    pub(super) options: String,
}

/// The mounts of a process, in the order in which they were made; none when it has gone.
pub(super) fn of(process: &str) -> Vec<Mount> {
    parse(&fs::read_to_string(format!("/proc/{process}/mountinfo")).unwrap_or_default())
}

/// Of several mounts on one point the last one is what is seen.
pub(super) fn that_holds<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let holding = mounts.iter().enumerate().filter(|(_, mount)| path.starts_with(&mount.point));
    holding.max_by_key(|(index, mount)| (mount.point.components().count(), *index)).map(|(_, mount)| mount)
}

pub(super) fn parse(mountinfo: &str) -> Vec<Mount> {
    mountinfo.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut file_system = after.splitn(3, ' ');
    let kind = file_system.next()?.to_owned();
    let options = file_system.nth(1).unwrap_or_default().to_owned();
    let mut fields = before.split(' ').skip(3);
    let (root, point) = (plain(fields.next()?), PathBuf::from(plain(fields.next()?)));
    Some(Mount { root, point, kind, options })
}

/// A space, a tab, a newline and a backslash stand there in octal.
fn plain(escaped: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(escaped.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / /run rw shared:5 - tmpfs tmpfs rw,mode=755
31 30 0:30 / /run/a\\040b rw shared:6 master:1 - overlay overlay rw,lowerdir=/l,upperdir=/u/7/fs,workdir=/w
nonsense
";

    #[test]
    fn mounts_are_read_with_and_without_optional_fields() {
        let mounts = parse(MOUNTINFO);
        assert_eq!(mounts.len(), 3);
        assert_eq!(mounts[2].point, Path::new("/run/a b"));
        assert_eq!(mounts[2].kind, "overlay");
        assert!(mounts[2].options.contains("upperdir=/u/7/fs"));
    }

    #[test]
    fn a_path_is_held_by_the_deepest_and_latest_mount_above_it() {
        let mounts = parse(MOUNTINFO);
        for (path, kind) in
            [("/etc/passwd", "ext4"), ("/run/x", "tmpfs"), ("/runaway", "ext4"), ("/run/a b/c", "overlay")]
        {
            assert_eq!(that_holds(&mounts, Path::new(path)).unwrap().kind, kind, "{path}");
        }
    }
}
