//! The atomic replace: killed at any moment, the file is the old one or the new one.

use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use crate::input::cause;

/// Puts `new` in the place of the file at `path`, which held `old` when it was read.
///
/// The new bytes are written to a file in the same folder, synced and renamed over; mode and owner are kept. The path
/// is to be the file itself, not a symbolic link to it.
///
/// # Errors
/// One line: what went wrong and what to do, without the file's name. The file is then as it was.
pub(crate) fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let metadata = fs::metadata(path).map_err(|error| cause(&error))?;
    // Renaming over a file needs no right to write to it, so it is asked for.
    let opened = fs::OpenOptions::new().write(true).open(path);
    drop(opened.map_err(|error| cause(&error))?);

    let mut temporary =
        tempfile::Builder::new().prefix(".dockwright-").suffix(".tmp").tempfile_in(folder).map_err(|error| {
            format!("can't write beside it in {} ({error}); make the folder writable", folder.display())
        })?;
    temporary.write_all(new).map_err(|error| cause(&error))?;
    let file = temporary.as_file();
    keep_owner(file, &metadata)?;
    file.set_permissions(metadata.permissions()).map_err(|error| cause(&error))?;
    file.sync_all().map_err(|error| cause(&error))?;

    if fs::read(path).map_err(|error| cause(&error))? != old {
        return Err("changed while it was being worked on; left alone, run again".into());
    }
    temporary.persist(path).map_err(|error| cause(&error.error))?;
    sync_folder(folder);
    Ok(())
}

/// Gives `file` the owner and group in `metadata`, where they differ.
#[cfg(unix)]
fn keep_owner(file: &fs::File, metadata: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let ours = file.metadata().map_err(|error| cause(&error))?;
    let differs = |ours: u32, theirs: u32| (ours != theirs).then_some(theirs);
    let (uid, gid) = (differs(ours.uid(), metadata.uid()), differs(ours.gid(), metadata.gid()));
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    fchown(file, uid, gid).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => "belongs to another user, which could not be kept; run as its owner".into(),
        _ => cause(&error),
    })
}

#[cfg(not(unix))]
fn keep_owner(_file: &fs::File, _metadata: &Metadata) -> Result<(), String> {
    Ok(())
}

/// Makes the rename last through a power cut. Some file systems refuse to sync a folder; the rename has happened all
/// the same, so this is no error.
fn sync_folder(folder: &Path) {
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "FROM b\n").unwrap();
        let error = replace(&path, b"FROM a\n", b"FROM c\n").unwrap_err();
        assert!(error.starts_with("changed while"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"FROM b\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_kept_and_nothing_is_left_behind() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "FROM a\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        replace(&path, b"FROM a\n", b"FROM b\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"FROM b\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o750);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
