//! Keys that development mode makes once and keeps in the data folder, readable by their owner alone.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::Failure;

/// What the file holds; made with `make` when there is none. Its mode is 0600 afterwards in any case.
///
/// The caller is alone in the folder.
pub(crate) fn kept(path: &Path, make: impl FnOnce() -> String) -> Result<String, Failure> {
    let told = |error: std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    match File::open(path) {
        Ok(file) => read(file).map_err(told),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = make();
            write(path, &made).map_err(told)?;
            Ok(made)
        }
        Err(error) => Err(told(error)),
    }
}

fn read(mut file: File) -> std::io::Result<String> {
    file.set_permissions(Permissions::from_mode(0o600))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let text = text.trim().to_owned();
    if text.is_empty() {
        return Err(std::io::Error::new(
            ErrorKind::InvalidData,
            "holds no key; remove it to have one made",
        ));
    }
    Ok(text)
}

/// Whole or not at all: a master key cut in half by a crash would make the data unreadable.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let folder = std::env::temp_dir().join(format!("insula-keyfile-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("root.key");
        assert_eq!(kept(&path, || "first".to_owned()).unwrap(), "first");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kept(&path, || "second".to_owned()).unwrap(), "first");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::write(&path, "\n").unwrap();
        assert!(
            kept(&path, || "third".to_owned()).is_err(),
            "an empty file is not overwritten"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
