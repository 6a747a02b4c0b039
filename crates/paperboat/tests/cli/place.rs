//! Where the binary is run: an empty environment, a fresh home, a folder of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cometapi_mock::MockServer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The key of all tests. Wherever it shows up but in a request, a test fails.
pub(crate) const KEY: &str = "sk-test-7Qd2mX9vLr4k";

/// The access token of all tests, likewise.
pub(crate) const TOKEN: &str = "tk9Wb3cR7uYp5sE2hJ6n";

/// What may hold secrets: our own folder, the files of `CometAPI`'s own command, and the file that
/// commands print from.
const SECRET_PLACES: [&str; 4] = [
    ".config/paperboat",
    ".config/cometapi",
    "elsewhere/cometapi",
    "vault",
];

/// Longer than anything here takes on however busy a machine; the end of what would never end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until the service has received this many requests.
pub(crate) async fn requested(server: &MockServer, total: u64) {
    let received = timeout(PATIENCE, server.wait_for_requests(total)).await;
    let so_far = server.requests();
    assert!(received.is_ok(), "never {total} requests: {so_far:?}");
}

/// Waits until the service's files have been asked for this many times.
pub(crate) async fn files_requested(server: &MockServer, total: u64) {
    let received = timeout(PATIENCE, server.wait_for_file_requests(total)).await;
    assert!(received.is_ok(), "never {total} requests for files");
}

/// A folder that is home and working folder in one.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The names in `folder`, hidden ones too, in order; without the files that identify and describe a
    /// batch.
    pub(crate) fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| {
                ![
                    ".cometapi-batch",
                    "failed.csv",
                    "index.csv",
                    "index.html",
                    "index.jsonl",
                ]
                .contains(&name.as_str())
            })
            .collect();
        names.sort();
        names
    }

    /// Where predictions are recorded by default.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path(".local/share/paperboat/ledger.sqlite3")
    }

    /// What `list` knows, newest first.
    pub(crate) async fn listed(&self, more: &[&str]) -> Vec<Value> {
        let args = ["list", "--json"];
        let ended = self.paperboat(args.iter().chain(more)).ends(0).await;
        let lines = ended.lines().into_iter();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Every file below here, hidden ones too.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_under(self.0.path())
    }

    /// `paperboat`, here, with nothing set.
    pub(crate) fn paperboat<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Call<'_> {
        self.call(Command::new(env!("CARGO_BIN_EXE_paperboat")), args)
    }

    /// The same with a signal ignored from the start, as `nohup` does with HUP.
    #[cfg(unix)]
    pub(crate) fn ignoring<A: AsRef<OsStr>>(
        &self,
        signal: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Call<'_> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!(r#"trap '' {signal}; exec "$0" "$@""#)])
            .arg(env!("CARGO_BIN_EXE_paperboat"));
        self.call(shell, args)
    }

    /// A line of a shell, here, with nothing set; `$0` is `paperboat`.
    #[cfg(unix)]
    pub(crate) fn shell(&self, line: &str) -> Call<'_> {
        self.call(
            Command::new("sh"),
            ["-c", line, env!("CARGO_BIN_EXE_paperboat")],
        )
    }

    /// A shell that controls jobs, here, in a session of its own.
    #[cfg(target_os = "linux")]
    pub(crate) fn job_shell(&self) -> Call<'_> {
        let args = ["--ctty", "bash", "--norc", "--noprofile", "-i"];
        self.call(Command::new("setsid"), args).env("PS1", "$ ")
    }

    /// `paperboat`, here, in a PID namespace that its session and its process group are outside of, as a
    /// container's runtime may start it. `None` where the system does not permit that.
    #[cfg(target_os = "linux")]
    pub(crate) async fn contained<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Option<Call<'_>> {
        let unshare = || {
            let mut unshare = Command::new("unshare");
            unshare.args(["--map-root-user", "--fork", "--pid"]);
            unshare
        };
        let permitted = unshare().arg("true").stderr(Stdio::null()).status().await;
        if !permitted.is_ok_and(|status| status.success()) {
            return None;
        }
        let mut command = unshare();
        command.arg(env!("CARGO_BIN_EXE_paperboat"));
        Some(self.call(command, args))
    }

    fn call<A: AsRef<OsStr>>(
        &self,
        mut command: Command,
        args: impl IntoIterator<Item = A>,
    ) -> Call<'_> {
        command
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Call {
            place: self,
            command,
            input: None,
            ends_input: true,
        }
    }
}

/// A command line that has not been run.
pub(crate) struct Call<'p> {
    place: &'p Place,
    command: Command,
    input: Option<String>,
    ends_input: bool,
}

impl<'p> Call<'p> {
    /// With the key, to the service at `base_url`.
    pub(crate) fn at(self, base_url: &str) -> Self {
        self.env("COMETAPI_KEY", KEY)
            .env("COMETAPI_BASE_URL", base_url)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self.command.stdin(Stdio::piped());
        self
    }

    /// A standard input that begins with this, and does not end while it runs.
    #[cfg(unix)]
    pub(crate) fn open_stdin(mut self, text: &str) -> Self {
        self.ends_input = false;
        self.stdin(text)
    }

    /// A terminal as standard input.
    #[cfg(unix)]
    pub(crate) fn terminal(mut self, terminal: &fs::File) -> Self {
        self.command.stdin(terminal.try_clone().unwrap());
        self
    }

    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    pub(crate) fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    /// With at most this many files open.
    #[cfg(unix)]
    pub(crate) fn open_files(mut self, most: u32) -> Self {
        let limited = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
        let inner = self.command.as_std();
        let mut outer = std::process::Command::new("/bin/sh");
        outer.args(["-c", &limited]).arg(inner.get_program());
        outer.args(inner.get_args()).env_clear();
        let set = |(name, value): (_, Option<&OsStr>)| Some((name, value?.to_owned()));
        outer.envs(inner.get_envs().filter_map(set));
        if let Some(folder) = inner.get_current_dir() {
            outer.current_dir(folder);
        }
        self.command = Command::from(outer);
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        self
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running<'p> {
        let mut child = self.command.spawn().unwrap();
        let stdin = child.stdin.take();
        let (end, ended) = oneshot::channel::<()>();
        if let (Some(text), Some(mut stdin)) = (self.input, stdin) {
            let ends = self.ends_input;
            tokio::spawn(async move {
                // One that does not want it all may close it.
                let _ = stdin.write_all(text.as_bytes()).await;
                if !ends {
                    let _ = ended.await;
                }
            });
        }
        Running {
            place: self.place,
            stderr: child.stderr.take().map(BufReader::new),
            child,
            said: String::new(),
            _stdin: end,
        }
    }

    /// Runs it to its end, which must have this exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> impl Future<Output = Ended> {
        self.start().ends(code)
    }

    /// Runs it to its end, with whatever exit code.
    pub(crate) async fn ends_somehow(self) -> Ended {
        self.start().ends_somehow().await
    }
}

/// A command that runs.
pub(crate) struct Running<'p> {
    place: &'p Place,
    child: Child,
    stderr: Option<BufReader<ChildStderr>>,
    said: String,
    /// Dropped with this, it ends a standard input that is held open.
    _stdin: oneshot::Sender<()>,
}

impl Running<'_> {
    /// Reads stderr up to the first line that holds `text`, and gives that line.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stderr.as_mut().unwrap().read_line(&mut line);
            let read = timeout(PATIENCE, read).await.unwrap().unwrap();
            self.said.push_str(&line);
            assert!(read > 0, "never said {text:?}:\n{}", self.said);
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The first line of stdout.
    pub(crate) async fn first_line(&mut self) -> String {
        let mut out = BufReader::new(self.child.stdout.as_mut().unwrap());
        let mut line = String::new();
        let read = out.read_line(&mut line);
        timeout(PATIENCE, read).await.unwrap().unwrap();
        line.trim_end().to_owned()
    }

    /// Presses ctrl-c.
    #[cfg(unix)]
    pub(crate) async fn interrupt(&self) {
        self.signal("INT").await;
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) async fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id().unwrap());
        let sent = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Ends it as the system does when memory is short: without a word.
    #[cfg(unix)]
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end, which must have this exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> impl Future<Output = Ended> {
        let caller = std::panic::Location::caller();
        async move {
            let ended = self.ends_somehow().await;
            assert_eq!(
                ended.code,
                Some(code),
                "{caller}\nstdout:\n{}\nstderr:\n{}",
                ended.stdout,
                ended.stderr
            );
            ended
        }
    }

    /// Waits for its end, with whatever exit code.
    pub(crate) async fn ends_somehow(self) -> Ended {
        let place = self.place;
        let ended = timeout(PATIENCE, self.end()).await.unwrap();
        ended.check(place);
        ended
    }

    async fn end(mut self) -> Ended {
        let (mut out, mut said) = (Vec::new(), Vec::new());
        let stdout = async {
            if let Some(mut pipe) = self.child.stdout.take() {
                pipe.read_to_end(&mut out).await.unwrap();
            }
        };
        let stderr = async {
            if let Some(mut pipe) = self.stderr.take() {
                pipe.read_to_end(&mut said).await.unwrap();
            }
        };
        tokio::join!(stdout, stderr);
        Ended {
            code: self.child.wait().await.unwrap().code(),
            stdout: String::from_utf8_lossy(&out).into_owned(),
            stderr: self.said + &String::from_utf8_lossy(&said),
        }
    }
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The lines of stdout.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// The one JSON object that stdout is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let json: Value = serde_json::from_str(&self.stdout).unwrap();
        assert!(json.is_object(), "{json}");
        json
    }

    /// The id that stderr names as created.
    #[track_caller]
    pub(crate) fn id(&self) -> &str {
        let line = self.stderr.lines().find_map(|l| l.strip_prefix("created "));
        line.unwrap_or_else(|| panic!("no id in:\n{}", self.stderr))
    }

    /// Asserts that stderr holds each of these.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "not said: {text:?}\n{}",
                self.stderr
            );
        }
        self
    }

    /// What holds of every run there is.
    #[track_caller]
    fn check(&self, place: &Place) {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for text in [&self.stdout, &self.stderr] {
            assert!(!has_key(text.as_bytes()), "the key is shown:\n{text}");
            assert!(!text.contains('\u{1b}'), "not for a pipe:\n{text:?}");
            let hidden = text.chars().find(|c| is_hidden(*c));
            assert_eq!(hidden, None, "{text:?}");
        }
        for file in files_under(place.0.path()) {
            let is_in = |name: &&str| file.starts_with(place.path(name));
            if SECRET_PLACES.iter().any(is_in) {
                continue;
            }
            let Some(content) = still_there(fs::read(&file)) else {
                continue;
            };
            assert!(!has_key(&content), "the key is in {}", file.display());
        }
    }
}

/// Whether a terminal acts on `c` instead of showing it. Tabs separate the columns of completions.
fn is_hidden(c: char) -> bool {
    let moves = c.is_control() && !"\n\t".contains(c);
    let turns = "\u{61c}\u{200e}\u{200f}\u{2066}\u{2067}\u{2068}\u{2069}".contains(c);
    moves || turns || ('\u{2028}'..='\u{202e}').contains(&c)
}

/// Whether `bytes` hold the key or the access token, whole or but for its head and tail.
pub(crate) fn has_key(bytes: &[u8]) -> bool {
    [KEY, TOKEN].iter().any(|secret| holds(bytes, secret))
}

/// Whether `bytes` hold `secret`, whole or but for its head and tail.
pub(crate) fn holds(bytes: &[u8], secret: &str) -> bool {
    let core = &secret.as_bytes()[4..secret.len() - 4];
    bytes.windows(core.len()).any(|window| window == core)
}

/// What was read, unless it has been removed since its folder was read: another process of the
/// test may have renamed a `.part` file or ended with its ledger.
#[track_caller]
fn still_there<T>(read: std::io::Result<T>) -> Option<T> {
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        read => Some(read.unwrap()),
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = still_there(fs::read_dir(folder)).into_iter().flatten();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}
