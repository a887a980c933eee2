//! Writing and removing the files of a service manager: only ever our own, known by [`MARK`].

use std::io::{self, Write as _};
use std::path::Path;

use super::{Encoding, MARK, ServiceError, ServiceFile};

/// What writing a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there.
    Created,
    /// It had another text.
    Updated,
    /// Nothing.
    Unchanged,
}

/// What is at a file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file of ours, with this text.
    Ours(String),
    /// Somebody else's.
    Foreign,
}

/// Looks at the place of `file`.
pub fn find(path: &Path, encoding: Encoding) -> Result<Found, ServiceError> {
    // A link to elsewhere was not made by us, whatever it leads to.
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() || found.len() > LARGEST => return Ok(Found::Foreign),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(ServiceError::Io { act: "look at", path: path.to_owned(), source }),
    }
    let bytes = std::fs::read(path);
    let bytes = bytes.map_err(|source| ServiceError::Io { act: "read", path: path.to_owned(), source })?;
    Ok(match decoded(&bytes, encoding) {
        Some(text) if text.contains(MARK) => Found::Ours(text),
        _ => Found::Foreign,
    })
}

/// Writes `file` whole or not at all, with its folders; refuses to replace somebody else's.
pub fn write(file: &ServiceFile) -> Result<Written, ServiceError> {
    let written = match find(&file.path, file.encoding)? {
        Found::Foreign => return Err(ServiceError::Foreign { path: file.path.clone() }),
        Found::Ours(text) if text == file.text => return Ok(Written::Unchanged),
        Found::Ours(_) => Written::Updated,
        Found::Nothing => Written::Created,
    };
    let told = |source| ServiceError::Io { act: "write", path: file.path.clone(), source };
    let folder = file.path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(told)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(told)?;
    let whole =
        beside.write_all(&encoded(&file.text, file.encoding)).and_then(|()| beside.as_file().sync_all());
    whole.and_then(|()| readable(beside.as_file())).map_err(told)?;
    beside.persist(&file.path).map_err(|error| told(error.error))?;
    Ok(written)
}

/// Removes `file` if it is ours; tells what was there.
pub fn remove(file: &ServiceFile) -> Result<Found, ServiceError> {
    let found = find(&file.path, file.encoding)?;
    if let Found::Ours(_) = found {
        let told = |source| ServiceError::Io { act: "remove", path: file.path.clone(), source };
        std::fs::remove_file(&file.path).map_err(told)?;
    }
    Ok(found)
}

/// Removes a link that leads to `file`; whether there was one.
pub fn remove_link(link: &Path, file: &Path) -> Result<bool, ServiceError> {
    let Ok(target) = std::fs::read_link(link) else { return Ok(false) };
    let target = link.parent().unwrap_or(Path::new("/")).join(target);
    // Compared by name and folder: the file itself is gone already.
    let same = target.file_name() == file.file_name()
        && target.parent().and_then(|folder| folder.canonicalize().ok())
            == file.parent().and_then(|folder| folder.canonicalize().ok());
    if same {
        let told = |source| ServiceError::Io { act: "remove", path: link.to_owned(), source };
        std::fs::remove_file(link).map_err(told)?;
    }
    Ok(same)
}

/// Ours have some 2 KiB; what is larger need not be read to know that it is not ours.
const LARGEST: u64 = 64 * 1024;

/// As service files are everywhere; there is no secret in them.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature everywhere")]
fn readable(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16 => {
            std::iter::once(ORDER).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
    }
}

fn decoded(bytes: &[u8], encoding: Encoding) -> Option<String> {
    match encoding {
        Encoding::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
        Encoding::Utf16 => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(units.strip_prefix(&[ORDER])?).ok()
        }
    }
}

/// Says that the low byte comes first.
const ORDER: u16 = 0xfeff;

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, text: &str, encoding: Encoding) -> ServiceFile {
        ServiceFile { path: folder.join("deep/unit"), text: format!("# {MARK}\n{text}"), encoding }
    }

    #[test]
    fn a_file_is_written_once_updated_and_removed() {
        for encoding in [Encoding::Utf8, Encoding::Utf16] {
            let folder = tempfile::tempdir().unwrap();
            let (one, two) = (file(folder.path(), "öne 🎉", encoding), file(folder.path(), "two", encoding));
            assert_eq!(remove(&one).unwrap(), Found::Nothing);
            assert_eq!(write(&one).unwrap(), Written::Created);
            assert_eq!(write(&one).unwrap(), Written::Unchanged);
            assert_eq!(write(&two).unwrap(), Written::Updated);
            assert_eq!(remove(&one).unwrap(), Found::Ours(two.text.clone()));
            assert_eq!(remove(&one).unwrap(), Found::Nothing);
            assert_eq!(
                std::fs::read_dir(folder.path().join("deep")).unwrap().count(),
                0,
                "nothing is left beside"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_ours_is_neither_replaced_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = file(folder.path(), "text", Encoding::Utf8);
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(&ours.path, "[Service]\n").unwrap();
        assert!(matches!(write(&ours), Err(ServiceError::Foreign { .. })));
        assert_eq!(remove(&ours).unwrap(), Found::Foreign);
        assert_eq!(std::fs::read_to_string(&ours.path).unwrap(), "[Service]\n");
        // A link, even to a file of ours, is somebody's arrangement.
        let elsewhere = folder.path().join("elsewhere");
        std::fs::rename(&ours.path, &elsewhere).unwrap();
        std::fs::write(&elsewhere, &ours.text).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &ours.path).unwrap();
        assert!(matches!(write(&ours), Err(ServiceError::Foreign { .. })));
        assert_eq!(remove(&ours).unwrap(), Found::Foreign);
        assert!(elsewhere.exists() && ours.path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_links_to_our_file_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("unit");
        let wants = folder.path().join("wants");
        std::fs::create_dir(&wants).unwrap();
        let (ours, other) = (wants.join("ours"), wants.join("other"));
        std::os::unix::fs::symlink("../unit", &ours).unwrap();
        std::os::unix::fs::symlink("/usr/lib/systemd/user/unit", &other).unwrap();
        assert!(remove_link(&ours, &file).unwrap());
        assert!(!remove_link(&other, &file).unwrap());
        assert!(!remove_link(&wants.join("none"), &file).unwrap());
        assert!(std::fs::symlink_metadata(&other).is_ok() && std::fs::symlink_metadata(&ours).is_err());
    }
}
