//! The list of prices in a file, so that it is fetched once an hour.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::generated::types;
use crate::price_list::PriceList;
use crate::root::Root;

/// What a file of this crate begins with. A change of the form changes the number.
const FORMAT: &str = "cometapi-account prices 1";

/// The most that is read of a file.
const MAX: u64 = 64 * 1024 * 1024;

/// A file that keeps the prices of a service.
///
/// Programs may share it: it is replaced as a whole, and no lock is held. It contains no secret.
///
/// ```no_run
/// use cometapi_account::{Account, PriceCache};
///
/// # async fn example(account: Account) -> Result<(), cometapi_account::Error> {
/// let cache = PriceCache::at("prices.json");
/// let prices = account.cached_prices(&cache).await?;
/// println!("prices as of {} minutes ago", prices.age().as_secs() / 60);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PriceCache {
    path: PathBuf,
}

#[derive(Serialize)]
struct Saved<'a> {
    format: &'a str,
    root: &'a str,
    /// Unix time in seconds.
    fetched_at: u64,
    models: &'a [types::ListedModel],
}

#[derive(Deserialize)]
struct Loaded {
    format: String,
    root: String,
    fetched_at: u64,
    models: Vec<Value>,
}

impl PriceCache {
    /// The file at `path`. Nothing is read or written yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the list that was saved for this [root](crate::Account::root) less than an hour ago. Slashes
    /// at the root's end do not count.
    ///
    /// A file that is missing, damaged, older, from the future, of another root or not of this crate
    /// counts as none. The file is read on a thread of its own.
    pub async fn load(&self, root: &str) -> Option<PriceList> {
        let (path, root) = (self.path.clone(), root.to_owned());
        let read = tokio::task::spawn_blocking(move || read(&path, &root, SystemTime::now()));
        read.await.ok().flatten()
    }

    /// The same as [`load`](Self::load) on this thread, for a program without a runtime. It blocks while the
    /// file is read.
    ///
    /// ```no_run
    /// use cometapi_account::PriceCache;
    ///
    /// let prices = PriceCache::at("prices.json").load_blocking("https://api.cometapi.com");
    /// let fox = prices.and_then(|list| list.price("acme/fox").ok());
    /// # let _ = fox;
    /// ```
    pub fn load_blocking(&self, root: &str) -> Option<PriceList> {
        read(&self.path, root, SystemTime::now())
    }

    /// Saves `list`, creating the folder if it is missing. Readers find the old file or the new one.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written; an old one then stays as it is.
    pub async fn save(&self, list: &PriceList) -> io::Result<()> {
        let text = serialized(list)?;
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || replace(&path, &text));
        written.await.map_err(io::Error::other)?
    }

    /// Saves `list` if that is possible, and returns it. Where it is not, the next call fetches the list
    /// again.
    pub(crate) async fn keep(&self, list: PriceList) -> PriceList {
        let list = Arc::new(list);
        let (path, shared) = (self.path.clone(), Arc::clone(&list));
        // A long list is not written out where others wait for their turn.
        let write = move || serialized(&shared).and_then(|text| replace(&path, &text));
        let _ = tokio::task::spawn_blocking(write).await;
        Arc::try_unwrap(list).unwrap_or_else(|list| (*list).clone())
    }
}

fn serialized(list: &PriceList) -> io::Result<Vec<u8>> {
    let age = list.fetched_at().duration_since(SystemTime::UNIX_EPOCH);
    let saved = Saved {
        format: FORMAT,
        root: list.root(),
        fetched_at: age.map_err(io::Error::other)?.as_secs(),
        models: list.rows(),
    };
    Ok(serde_json::to_vec(&saved)?)
}

fn read(path: &Path, root: &str, now: SystemTime) -> Option<PriceList> {
    // A pipe would be waited for.
    let is_file = fs::metadata(path).ok()?.is_file();
    let file = is_file.then(|| File::open(path).ok())??;
    let mut text = Vec::new();
    file.take(MAX).read_to_end(&mut text).ok()?;
    let loaded: Loaded = serde_json::from_slice(&text).ok()?;
    let fetched_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(loaded.fetched_at))?;
    let root = Root::parse(root).ok()?;
    if loaded.format != FORMAT || loaded.root != root.as_str() {
        return None;
    }
    let list = PriceList::new(root.as_str(), fetched_at, loaded.models);
    // One row that cannot be read was not written here.
    (list.unreadable() == 0 && list.is_fresh_at(now)).then_some(list)
}

/// Writes beside the file and renames.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it is not a file's name"))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder != Path::new("") {
        fs::create_dir_all(folder)?;
    }
    let mut temporary = name.to_owned();
    // Random: the number of a process may be that of another in a container.
    temporary.push(format!(".{:016x}.tmp", fastrand::u64(..)));
    let temporary = folder.join(temporary);
    let written = File::create_new(&temporary)
        .and_then(|mut file| file.write_all(text))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROOT: &str = "https://api.cometapi.com";

    fn list(at: SystemTime) -> PriceList {
        let rows = json!([{
            "id": "acme/fox",
            "pricing": "{\"currency\":\"USD\",\"per_request\":\"0.24\"}",
            "ratio": 0.8,
            "description": "long",
        }]);
        PriceList::new(ROOT, at, rows.as_array().unwrap().clone())
    }

    #[tokio::test]
    async fn what_was_saved_is_loaded_with_its_age() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PriceCache::at(folder.path().join("new/prices.json"));
        assert!(cache.load(ROOT).await.is_none());
        let before = SystemTime::now() - Duration::from_secs(600);
        let saved = list(before);
        for _ in 0..2 {
            cache.save(&saved).await.unwrap();
        }
        let loaded = cache.load(ROOT).await.unwrap();
        assert_eq!(loaded.price("acme/fox"), saved.price("acme/fox"));
        assert!(loaded.price("acme/fox").is_ok());
        assert!(loaded.age() >= Duration::from_secs(600), "{loaded:?}");
        assert!(cache.load("https://other.example").await.is_none());
        // Nothing is left beside it.
        let beside = fs::read_dir(folder.path().join("new")).unwrap();
        assert_eq!(beside.count(), 1);
    }

    #[test]
    fn a_list_can_be_used_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_774_000_000);
        replace(&path, &serialized(&list(at)).unwrap()).unwrap();
        let seconds = Duration::from_secs;
        assert!(read(&path, ROOT, at).is_some());
        assert!(read(&path, ROOT, at + seconds(3599)).is_some());
        assert!(read(&path, ROOT, at + seconds(3600)).is_none());
        assert!(read(&path, ROOT, at - seconds(1)).is_none());
    }

    #[test]
    fn a_program_without_a_runtime_loads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PriceCache::at(folder.path().join("prices.json"));
        assert!(cache.load_blocking(ROOT).is_none());
        let saved = list(SystemTime::now());
        replace(cache.path(), &serialized(&saved).unwrap()).unwrap();
        for root in [ROOT, "https://API.cometapi.com/"] {
            let loaded = cache.load_blocking(root).unwrap();
            assert_eq!(loaded.root(), ROOT);
            assert_eq!(loaded.price("acme/fox"), saved.price("acme/fox"));
        }
        for root in ["https://other.example", "", "no url"] {
            assert!(cache.load_blocking(root).is_none(), "{root}");
        }
    }

    #[test]
    fn a_damaged_or_foreign_file_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        let now = SystemTime::now();
        let good = serialized(&list(now)).unwrap();
        replace(&path, &good).unwrap();
        assert!(read(&path, ROOT, now).is_some());
        for end in 0..good.len() {
            fs::write(&path, &good[..end]).unwrap();
            assert!(read(&path, ROOT, now).is_none(), "{end}");
        }
        let other = |edit: fn(&mut Value)| {
            let mut value = serde_json::from_slice(&good).unwrap();
            edit(&mut value);
            value.to_string()
        };
        for text in [
            "{}".to_owned(),
            "[]".to_owned(),
            other(|it| it["format"] = json!("prices 2")),
            other(|it| it["fetched_at"] = json!(u64::MAX)),
            other(|it| it["fetched_at"] = json!(-1)),
            other(|it| it["models"] = json!({})),
            other(|it| it["models"][0] = json!(null)),
        ] {
            fs::write(&path, &text).unwrap();
            assert!(read(&path, ROOT, now).is_none(), "{text}");
        }
        assert!(read(folder.path(), ROOT, now).is_none());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder is in its place.
        let cache = PriceCache::at(folder.path().join("prices.json"));
        fs::create_dir_all(cache.path().join("in-use")).unwrap();
        assert!(cache.save(&list(SystemTime::now())).await.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(
            PriceCache::at("/")
                .save(&list(SystemTime::now()))
                .await
                .is_err()
        );
    }
}
