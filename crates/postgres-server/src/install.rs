//! Where `PostgreSQL` is installed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of an installed `PostgreSQL`.
#[derive(Clone, Debug)]
pub struct Install {
    folder: PathBuf,
}

impl Install {
    /// Finds the programs: in `COMETAPI_POSTGRES_BIN`, on the path, or where Debian installs them, the
    /// newest first.
    pub fn find() -> Option<Self> {
        let named = env::var_os("COMETAPI_POSTGRES_BIN").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = named.into_iter().collect();
        folders.extend(env::split_paths(&path));
        folders.extend(debian());
        // A link on the path may stand alone; all programs are where it leads.
        let real = |folder: PathBuf| {
            let server = folder.join("postgres").canonicalize().ok()?;
            server.parent().map(Path::to_owned)
        };
        let is_whole = |folder: &PathBuf| folder.join("initdb").is_file();
        let folder = folders.into_iter().filter_map(real).find(is_whole)?;
        Some(Self { folder })
    }

    /// Finds the programs, or says how to get them. Returns `None` to skip a test.
    ///
    /// # Panics
    ///
    /// If they are missing and `COMETAPI_REQUIRE_POSTGRES` is set.
    pub fn find_or_skip() -> Option<Self> {
        let found = Self::find();
        if found.is_none() {
            let what = "PostgreSQL is not installed: install it (apt-get install postgresql), or \
                        name the folder of its programs in COMETAPI_POSTGRES_BIN";
            assert!(env::var_os("COMETAPI_REQUIRE_POSTGRES").is_none(), "{what}");
            eprintln!("SKIPPED: {what}");
        }
        found
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs a program as a user without rights, if this process is root's.
    #[cfg(unix)]
    pub fn command(program: impl AsRef<Path>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program.as_ref());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.env("LC_ALL", "C");
        command
    }
}

/// A user that owns nothing.
#[cfg(unix)]
const NOBODY: u32 = 65534;

/// Makes `folder` the user's as whom the server runs.
#[cfg(unix)]
pub fn give(folder: &Path) {
    if is_root() {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Whether this process has all rights: then what it writes belongs to the first user.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().metadata().unwrap().uid() == 0
}

fn debian() -> Vec<PathBuf> {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
    let number = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.parse::<u32>().ok()
    };
    versions.sort_by_key(|path| std::cmp::Reverse(number(path)));
    versions.into_iter().map(|path| path.join("bin")).collect()
}
