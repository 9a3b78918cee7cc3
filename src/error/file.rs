//! Reading files that somebody else chose: no more of them than fits, and never a wait for bytes that do not
//! come.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Most bytes of a file that are read. Larger than any scene, robot, mesh or suite of problems that we know of,
/// by a factor of ten and more, and small enough to be held in memory several times.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Everything in a file of at most `most` bytes, or why not.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |e: std::io::Error| format!("cannot read the file: {e}");
    // To open a pipe that nobody writes to would wait for ever, so that it is looked at before.
    let looked_at = std::fs::metadata(path).map_err(cannot)?;
    if !is_handed_over(path) {
        admit(&looked_at, most)?;
    }
    let file = File::open(path).map_err(cannot)?;
    let opened = file.metadata().map_err(cannot)?;
    if !is_handed_over(path) {
        admit(&opened, most)?;
    }
    if let Some(read) = READ.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        read.insert(Identity::of(path, &opened));
    }
    // The length is a hint: files may grow while they are read, and some (of /proc) tell none.
    let mut bytes = Vec::with_capacity(opened.len().min(most) as usize);
    file.take(most + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// Refuses what may have no end, and what is too large.
fn admit(found: &Metadata, most: u64) -> Result<(), String> {
    if found.is_dir() {
        return Err("cannot read the file: it is a folder".to_owned());
    }
    if !found.is_file() {
        return Err(
            "expected a file, found a device, a pipe or a socket (standard input is /dev/stdin)".to_owned()
        );
    }
    if found.len() > most { Err(too_large(most)) } else { Ok(()) }
}

fn too_large(most: u64) -> String {
    format!("the file is too large: at most {} MiB are read", most >> 20)
}

/// Whether a path stands for what the caller has opened for us. A pipe among these has had somebody at its
/// other end, and ends with them.
fn is_handed_over(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || is_descriptor(path)
}

/// Whether a path stands for an open descriptor by its number.
pub(super) fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.parent() == Some(Path::new(folder)))
}

/// What tells one file from another, by whatever path.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    #[cfg(unix)]
    device_and_inode: [u64; 2],
    #[cfg(not(unix))]
    path: std::path::PathBuf,
}

impl Identity {
    #[cfg(unix)]
    fn of(_: &Path, found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device_and_inode: [found.dev(), found.ino()] }
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _: &Metadata) -> Self {
        Self { path: path.canonicalize().unwrap_or_else(|_| path.to_path_buf()) }
    }
}

/// The files that were read since they are remembered.
static READ: Mutex<Option<HashSet<Identity>>> = Mutex::new(None);

/// Remembers from now on which files are read: for a command, that must not write over what it reads.
#[cfg(feature = "cli")]
pub fn remember_reads() {
    READ.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Whether a file was read since [`remember_reads`], by this path or by another.
#[cfg(feature = "cli")]
pub fn was_read(path: &Path) -> bool {
    let Ok(found) = std::fs::metadata(path) else { return false };
    let read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    read.as_ref().is_some_and(|read| read.contains(&Identity::of(path, &found)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("flatout-file-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn files_are_read_up_to_their_bound() {
        let folder = folder("bound");
        let file = folder.join("file");
        std::fs::write(&file, b"12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(read(&file, 4).unwrap_err().contains("too large"));
        // A hole of a tebibyte takes no room on the disk.
        File::create(&file).unwrap().set_len(1 << 40).unwrap();
        assert!(read(&file, MAX_FILE_BYTES).unwrap_err().contains("at most 256 MiB"));
        assert!(read(&folder, 5).unwrap_err().contains("folder"));
        assert!(read(&folder.join("none"), 5).unwrap_err().contains("cannot read the file"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_no_end_is_refused() {
        for device in ["/dev/zero", "/dev/random", "/dev/null"] {
            let refused = read(Path::new(device), 5).unwrap_err();
            assert!(refused.contains("expected a file, found a device"), "{device}: {refused}");
        }
        // Nobody writes to this pipe.
        let folder = folder("pipe");
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(read(&pipe, 5).unwrap_err().contains("a pipe"));
        std::fs::remove_dir_all(&folder).unwrap();
        // Files that do not tell their length are read as far as they go.
        assert!(!read(Path::new("/proc/self/status"), 1 << 20).unwrap().is_empty());
        assert!(read(Path::new("/proc/self/status"), 5).unwrap_err().contains("too large"));
        // What is open already is read: here a file, by its number.
        let open = File::open("/proc/self/status").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        assert!(!read(Path::new(&format!("/dev/fd/{number}")), 1 << 20).unwrap().is_empty());
    }
}
