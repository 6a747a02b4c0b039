//! Our own file of secrets, by service.
//!
//! ```toml
//! ["https://api.cometapi.com"]
//! key = "…"
//! access_token = "…"
//! ```

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::file::{self, Fault};
use super::origin::Origin;
use super::secret::{Kind, Secret};
use crate::advice;
use crate::failure::Failure;

/// The file. It is read only while nobody else can read or change it, as `ssh` does with its keys:
/// a key that others could read has to be replaced, which a warning on each run would not bring
/// about, and one that others could change may be theirs.
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    /// In the user's folder for configuration.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let base = etcetera::choose_base_strategy().map_err(|e| {
            Failure::usage("there is no home folder to keep a key in").caused_by(&e)
        })?;
        Ok(Self {
            path: base.config_dir().join("paperboat").join("credentials.toml"),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The secret that was stored for the service.
    pub(crate) fn get(&self, origin: &Origin, kind: Kind) -> Result<Option<Secret>, Failure> {
        let Some(content) = file::read(&self.path).map_err(|fault| self.unusable(&fault))? else {
            return Ok(None);
        };
        let secret = secret(&content.table, origin, kind);
        if secret.is_some() && content.is_open_to_others {
            let path = self.path.display();
            return Err(
                Failure::usage(format!("other users can read or change {path}"))
                    .with_advice(format!(
                        "if the key in it is yours and nobody else had access: chmod 600 {}",
                        advice::shell_word(&path.to_string())
                    ))
                    .with_advice(format!("else create a new one: {}", kind.login())),
            );
        }
        Ok(secret)
    }

    /// Stores the secret for the service, instead of the one that was there.
    pub(crate) fn set(&self, origin: &Origin, kind: Kind, secret: &Secret) -> Result<(), Failure> {
        self.change(|table| {
            let entry = table
                .entry(origin.as_str())
                .or_insert_with(|| toml::Table::new().into());
            if !entry.is_table() {
                *entry = toml::Table::new().into();
            }
            if let Some(entry) = entry.as_table_mut() {
                entry.insert(kind.field().to_owned(), secret.expose().into());
            }
        })
    }

    /// Removes the secret of the service, and returns whether there was one.
    pub(crate) fn remove(&self, origin: &Origin, kind: Kind) -> Result<bool, Failure> {
        let content = file::read(&self.path).map_err(|fault| self.unusable(&fault))?;
        if content.is_none_or(|content| secret(&content.table, origin, kind).is_none()) {
            return Ok(false);
        }
        self.change(|table| {
            if let Some(toml::Value::Table(entry)) = table.get_mut(origin.as_str()) {
                entry.remove(kind.field());
            }
            let is_left = |kind| secret(table, origin, kind).is_some();
            if !Kind::ALL.into_iter().any(is_left) {
                table.remove(origin.as_str());
            }
        })?;
        Ok(true)
    }

    /// Reads the file, changes it and replaces it. Two of these at once take turns where folders
    /// can be locked.
    fn change(&self, change: impl FnOnce(&mut toml::Table)) -> Result<(), Failure> {
        let cannot_write = |e: io::Error| {
            Failure::usage(format!("{} cannot be written", self.path.display())).caused_by(&e)
        };
        // The link of a file that is kept elsewhere stays.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("."));
        create_private_folder(folder).map_err(cannot_write)?;
        #[cfg(unix)]
        let _lock = {
            let folder = fs::File::open(folder).map_err(cannot_write)?;
            // A file system without locks does not keep a key from being stored.
            let _ = folder.lock();
            folder
        };
        let content = file::read(&path).map_err(|fault| self.unusable(&fault))?;
        let mut table = content.map(|content| content.table).unwrap_or_default();
        change(&mut table);
        if table.is_empty() {
            return match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot_write(e)),
                _ => Ok(()),
            };
        }
        replace(&path, &format!("{HEAD}{table}")).map_err(cannot_write)
    }

    fn unusable(&self, fault: &Fault) -> Failure {
        let path = self.path.display();
        let failure = Failure::usage(format!("{path} {fault}"));
        match fault {
            Fault::Unreadable(_) => failure,
            Fault::Damaged(_) => {
                failure.with_advice("fix it, or remove it and store the key again")
            }
        }
    }
}

const HEAD: &str = "# Keys of `paperboat login`, by service; `paperboat logout` removes them.\n\n";

fn secret(table: &toml::Table, origin: &Origin, kind: Kind) -> Option<Secret> {
    let entry = table.get(origin.as_str())?;
    Secret::of(entry.get(kind.field())?.as_str()?)
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Writes a file that is private from the start beside `path` and renames it, so that `path` holds all of the
/// old text or all of the new. One that is not renamed is removed: it has a key.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut builder = tempfile::Builder::new();
    let mut temporary = builder.suffix(".tmp").tempfile_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn store(folder: &Path) -> Store {
        Store {
            path: folder.join("config/paperboat/credentials.toml"),
        }
    }

    fn origin(text: &str) -> Origin {
        Origin::of(text).unwrap()
    }

    fn get(store: &Store, origin: &Origin, kind: Kind) -> Option<String> {
        let secret = store.get(origin, kind).unwrap();
        secret.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn a_secret_belongs_to_one_service() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let (comet, other) = (
            origin("https://api.cometapi.com"),
            origin("http://127.0.0.1:80"),
        );
        assert_eq!(get(&store, &comet, Kind::Key), None);
        assert!(!store.remove(&comet, Kind::Key).unwrap());
        let set = |origin, kind, text| {
            store.set(origin, kind, &Secret::of(text).unwrap()).unwrap();
        };
        set(&comet, Kind::Key, "sk-old");
        set(&comet, Kind::Key, "sk-1");
        set(&comet, Kind::AccessToken, "t-1");
        set(&other, Kind::Key, "sk-2");
        assert_eq!(get(&store, &comet, Kind::Key).unwrap(), "sk-1");
        assert_eq!(get(&store, &comet, Kind::AccessToken).unwrap(), "t-1");
        assert_eq!(get(&store, &other, Kind::Key).unwrap(), "sk-2");
        assert_eq!(get(&store, &other, Kind::AccessToken), None);
        assert_eq!(get(&store, &origin("http://127.0.0.1:81"), Kind::Key), None);
        assert_eq!(
            get(&store, &origin("http://api.cometapi.com"), Kind::Key),
            None
        );

        assert!(store.remove(&comet, Kind::Key).unwrap());
        assert_eq!(get(&store, &comet, Kind::Key), None);
        assert_eq!(get(&store, &comet, Kind::AccessToken).unwrap(), "t-1");
        assert!(store.remove(&comet, Kind::AccessToken).unwrap());
        assert_eq!(get(&store, &other, Kind::Key).unwrap(), "sk-2");
        assert!(!store.remove(&other, Kind::AccessToken).unwrap());
        assert!(store.remove(&other, Kind::Key).unwrap());
        let left = fs::read_dir(store.path().parent().unwrap()).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn what_a_later_version_adds_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let comet = origin("https://api.cometapi.com");
        store
            .set(&comet, Kind::Key, &Secret::of("sk-1").unwrap())
            .unwrap();
        let text = fs::read_to_string(store.path()).unwrap();
        fs::write(store.path(), format!("{text}\nexpires = 2030-01-01\n")).unwrap();
        store
            .set(&comet, Kind::Key, &Secret::of("sk-2").unwrap())
            .unwrap();
        let text = fs::read_to_string(store.path()).unwrap();
        assert!(text.contains("expires = 2030-01-01"), "{text}");
        assert_eq!(get(&store, &comet, Kind::Key).unwrap(), "sk-2");
    }

    #[test]
    fn a_damaged_file_is_neither_shown_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let comet = origin("https://api.cometapi.com");
        let secret = Secret::of("sk-1").unwrap();
        store.set(&comet, Kind::Key, &secret).unwrap();
        let damaged = "[\"https://api.cometapi.com\"]\nkey = \"sk-secret\n";
        fs::write(store.path(), damaged).unwrap();
        for refused in [
            store.get(&comet, Kind::Key).unwrap_err(),
            store.set(&comet, Kind::Key, &secret).unwrap_err(),
            store.remove(&comet, Kind::Key).unwrap_err(),
        ] {
            let refused = refused.to_string();
            assert!(
                refused.ends_with("is not valid TOML in line 2"),
                "{refused}"
            );
            assert!(!refused.contains("sk-secret"), "{refused}");
        }
        assert_eq!(fs::read_to_string(store.path()).unwrap(), damaged);
    }

    #[cfg(unix)]
    #[test]
    fn file_and_folder_are_private_and_a_file_that_is_not_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let comet = origin("https://api.cometapi.com");
        let secret = Secret::of("sk-1").unwrap();
        store.set(&comet, Kind::Key, &secret).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(store.path()), 0o600);
        assert_eq!(mode(store.path().parent().unwrap()), 0o700);
        for open in [0o640, 0o604, 0o620] {
            fs::set_permissions(store.path(), fs::Permissions::from_mode(open)).unwrap();
            let refused = store.get(&comet, Kind::Key).unwrap_err().to_string();
            assert!(
                refused.starts_with("other users can read or change"),
                "{refused}"
            );
            // It has nothing for this one.
            assert_eq!(get(&store, &origin("https://x"), Kind::Key), None);
        }
        // Storing it again repairs it.
        store.set(&comet, Kind::Key, &secret).unwrap();
        assert_eq!(mode(store.path()), 0o600);
        assert_eq!(get(&store, &comet, Kind::Key).unwrap(), "sk-1");
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_file_stays_linked() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let kept = folder.path().join("kept.toml");
        fs::write(&kept, "").unwrap();
        fs::create_dir_all(store.path().parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&kept, store.path()).unwrap();
        let comet = origin("https://api.cometapi.com");
        store
            .set(&comet, Kind::Key, &Secret::of("sk-1").unwrap())
            .unwrap();
        assert!(store.path().is_symlink());
        assert!(fs::read_to_string(kept).unwrap().contains("sk-1"));
    }

    proptest! {
        #[test]
        fn every_secret_that_can_be_sent_is_read_as_it_was_stored(text in "[!-~]{1,80}") {
            let folder = tempfile::tempdir().unwrap();
            let store = store(folder.path());
            let comet = origin("https://api.cometapi.com");
            store.set(&comet, Kind::Key, &Secret::of(&text).unwrap()).unwrap();
            prop_assert_eq!(get(&store, &comet, Kind::Key), Some(text));
        }
    }
}
