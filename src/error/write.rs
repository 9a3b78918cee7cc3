//! Writing files whole or not at all: whoever reads one meanwhile, or after a crash or on a full disk, finds what was
//! there before or all that is new.

use super::InputError;
use super::file::is_descriptor;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Most symbolic links that are followed to where a file lies, as Linux does.
const MOST_LINKS: usize = 40;

/// Most names that are tried for a temporary file: those of other processes of the same number on a shared disk may be
/// taken.
const MOST_NAMES: usize = 1000;

/// Writes a file: beside the place first, to the disk, and then in one step to its name. A file that is there keeps
/// its permissions, a symbolic link is followed, and what is no file but a device, a pipe or an open descriptor
/// (`/dev/stdout`) is written to as it is.
///
/// # Errors
/// Where it cannot be written; what was there before stays as it was.
pub fn write_file(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), InputError> {
    write_file_by(path, |out| out.write_all(contents.as_ref()))
}

/// The same of contents that `fill` writes piece by piece.
///
/// # Errors
/// As [`write_file`]; where `fill` fails nothing is written.
pub fn write_file_by(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), InputError> {
    let written = match Place::of(path) {
        Ok(Place::StandardOutput) => stream(io::stdout(), fill),
        Ok(Place::Stream(file)) => stream(file, fill),
        Ok(Place::File(file)) => replace(&file, fill),
        Err(error) => Err(error),
    };
    written.map_err(|e| InputError::new(format!("cannot write the file: {e}")).in_file(path))
}

/// Adds a line to a file that grows, such as a record of what is done. What ends a program can only tear the last
/// line.
///
/// # Errors
/// Where it cannot be written.
#[cfg(feature = "cli")]
pub fn append_line(path: &Path, line: &str) -> Result<(), InputError> {
    let append = || {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(format!("{line}\n").as_bytes())
    };
    append().map_err(|e: io::Error| InputError::new(format!("cannot write the file: {e}")).in_file(path))
}

/// Where bytes go.
enum Place {
    StandardOutput,
    /// Opened for what has no beginning.
    Stream(File),
    /// A file, there or not, that no symbolic link stands for.
    File(PathBuf),
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            if ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|out| path == Path::new(out)) {
                return Ok(Self::StandardOutput);
            }
            if is_descriptor(&path) || path == Path::new("/dev/stderr") {
                return Ok(Self::Stream(OpenOptions::new().append(true).open(path)?));
            }
            match path.symlink_metadata() {
                Ok(found) if found.is_symlink() => {
                    let target = path.read_link()?;
                    path = path.parent().map_or(target.clone(), |folder| folder.join(&target));
                }
                Ok(found) if found.is_file() => return Ok(Self::File(path)),
                Ok(found) if found.is_dir() => return Err(io::Error::other("it is a folder")),
                Ok(_) => return Ok(Self::Stream(OpenOptions::new().write(true).open(path)?)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::File(path)),
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

fn stream(mut out: impl Write, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    fill(&mut out)?;
    out.flush()
}

fn replace(file: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let before = match OpenOptions::new().write(true).open(file) {
        Ok(there) => Some(there.metadata()?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        // It is not for us to write, though its folder may be.
        Err(e) => return Err(e),
    };
    let (temporary, mut out) = Temporary::beside(file, before.is_some())?;
    // Whoever may not read what was there may not read what is to come, from the first byte on.
    if let Some(before) = before {
        keep_rights(&out, &before)?;
    }
    fill(&mut out)?;
    out.sync_all()?;
    drop(out);
    std::fs::rename(&temporary.0, file)?;
    temporary.keep();
    sync_folder(file);
    Ok(())
}

/// Gives a new file owner and permissions of the one that it replaces.
fn keep_rights(out: &File, before: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let ours = out.metadata()?;
        if (ours.uid(), ours.gid()) != (before.uid(), before.gid()) {
            // Only the superuser can; everybody else's file is their own from now on.
            let _ = fchown(out, Some(before.uid()), Some(before.gid()));
        }
    }
    out.set_permissions(before.permissions())
}

/// The new name, too, on the disk, as far as the system has that.
fn sync_folder(file: &Path) {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(file)) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = file;
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that is gone when this is dropped, unless it has been moved.
struct Temporary(PathBuf);

impl Temporary {
    /// Makes one, for its owner alone where it `is_private`.
    fn beside(file: &Path, is_private: bool) -> io::Result<(Self, File)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..MOST_NAMES {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!(".flatout-{}-{number}.tmp", std::process::id());
            let temporary = folder_of(file).join(name);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            if is_private {
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            }
            #[cfg(not(unix))]
            let _ = is_private;
            match options.open(&temporary) {
                Ok(out) => return Ok((Self(temporary), out)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => last = e,
                Err(e) => return Err(e),
            }
        }
        Err(last)
    }

    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("flatout-write-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    /// Ever the whole of one writer's text, while others write.
    #[test]
    fn writers_at_once_never_mix() {
        let folder = folder("mix");
        let file = folder.join("file");
        let texts: Vec<String> = ["a", "b", "c"].iter().map(|c| c.repeat(300_000)).collect();
        write_file(&file, &texts[0]).unwrap();
        std::thread::scope(|scope| {
            for text in &texts {
                let file = &file;
                scope.spawn(move || (0..20).for_each(|_| write_file(file, text).unwrap()));
            }
            for _ in 0..200 {
                assert!(texts.contains(&fs::read_to_string(&file).unwrap()));
            }
        });
        assert_eq!(names(&folder), ["file"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// As on a disk that is full.
    #[test]
    fn what_fails_half_way_leaves_what_was_there() {
        let folder = folder("half");
        let file = folder.join("file");
        let half = |out: &mut dyn Write| {
            out.write_all(b"new, but only ha")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        let error = write_file_by(&file, half).unwrap_err().to_string();
        assert!(
            error.contains("cannot write the file: ") && error.starts_with(file.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(names(&folder), [""; 0]);
        write_file(&file, "old").unwrap();
        write_file_by(&file, half).unwrap_err();
        assert_eq!(
            (fs::read_to_string(&file).unwrap().as_str(), names(&folder)),
            ("old", vec!["file".to_owned()])
        );
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = folder("links");
        fs::create_dir(folder.join("deep")).unwrap();
        let (file, link, dangling) = (folder.join("deep/file"), folder.join("link"), folder.join("dangling"));
        symlink("deep/file", &link).unwrap();
        symlink("deep/new", &dangling).unwrap();
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        write_file(&link, "new").unwrap();
        write_file(&dangling, "made").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join("deep/new")).unwrap(), "made");
        assert!(link.is_symlink() && dangling.is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        symlink("circle", folder.join("circle")).unwrap();
        assert!(write_file(&folder.join("circle"), "").unwrap_err().to_string().contains("too many"));
        assert!(write_file(&folder, "").unwrap_err().to_string().contains("it is a folder"));
        assert!(write_file(&folder.join("none/file"), "").unwrap_err().to_string().contains("cannot write"));
        assert_eq!(names(&folder), ["circle", "dangling", "deep", "link"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// While it is filled, too, the new file has the rights of the old.
    #[cfg(unix)]
    #[test]
    fn what_others_may_not_read_they_never_can() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("rights");
        let file = folder.join("file");
        for rights in [0o600, 0o640, 0o664] {
            write_file(&file, "before").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(rights)).unwrap();
            write_file_by(&file, |out| {
                out.write_all(b"after")?;
                let all: Vec<fs::DirEntry> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
                assert_eq!(all.len(), 2);
                for entry in all {
                    assert_eq!(entry.metadata()?.permissions().mode() & 0o777, rights, "{:?}", entry.path());
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_is_written_to() {
        let folder = folder("pipe");
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        write_file(&pipe, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        write_file(Path::new("/dev/null"), "nowhere").unwrap();
        assert!(write_file(Path::new("/dev/full"), "nowhere").is_err());
        let open = File::create(folder.join("open")).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        (0..2).for_each(|_| write_file(Path::new(&format!("/dev/fd/{number}")), "more ").unwrap());
        assert_eq!(fs::read_to_string(folder.join("open")).unwrap(), "more more ");
        assert_eq!(names(&folder), ["open", "pipe"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
