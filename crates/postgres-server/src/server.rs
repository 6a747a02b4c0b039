//! A server in a temporary folder.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio_postgres::{Client, NoTls};

use crate::install::{Install, give};

/// The password of every user.
pub const PASSWORD: &str = "pa55-0f-the-tests";

/// A server, which ends when this is dropped, and at the latest with the process.
#[derive(Debug)]
pub struct Server {
    install: Install,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    running: Mutex<Option<Child>>,
    databases: AtomicU32,
}

/// Keeps the server as long as its input is open, which is as long as the test lives. The folder is
/// removed then, unless it is to be started again.
const KEEPER: &str = r#"
"$@" >"$FOLDER/log" 2>&1 &
server=$!
read -r last
kill -QUIT $server 2>/dev/null
wait $server
[ "$last" = keep ] || rm -rf "$FOLDER"
"#;

impl Server {
    /// The server that all tests of a program share; `None` where `PostgreSQL` is not installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// Starts a server with these settings (`fsync=off`); `None` where `PostgreSQL` is not installed.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let install = Install::find_or_skip()?;
        let folder = new_folder();
        initialize(&install, &folder);
        let mut server = Self {
            install,
            folder,
            port: 0,
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            running: Mutex::default(),
            databases: AtomicU32::new(0),
        };
        server.port = free_port();
        server.run();
        Some(server)
    }

    /// A copy of this server that follows it: a standby. This server is stopped meanwhile.
    #[must_use]
    pub fn standby(&self) -> Self {
        let folder = new_folder();
        self.stop();
        let copied = Install::command("/bin/cp")
            .arg("-R")
            .args([self.folder.join("data"), folder.join("data")])
            .status();
        assert!(copied.unwrap().success());
        self.run();
        let signal = folder.join("data/standby.signal");
        fs::write(&signal, "").unwrap();
        give(&signal);
        let primary = format!(
            "primary_conninfo=host=127.0.0.1 port={} user=postgres password={PASSWORD}",
            self.port
        );
        let mut settings = self.settings.clone();
        settings.push(primary);
        let server = Self {
            install: self.install.clone(),
            folder,
            port: free_port(),
            settings,
            running: Mutex::default(),
            databases: AtomicU32::new(0),
        };
        server.run();
        server
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A folder that the server's user can write.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How to connect to a database.
    pub fn url(&self, database: &str) -> String {
        Self::url_at(self.port, database)
    }

    /// The same by another port, on which something passes connections on.
    pub fn url_at(port: u16, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/{database}?sslmode=disable")
    }

    /// Connects as an administrator.
    pub async fn client(&self, database: &str) -> Client {
        let connected = tokio_postgres::connect(&self.url(database), NoTls).await;
        let (client, connection) = connected.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Makes an empty database, and returns its name.
    pub async fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let client = self.client("postgres").await;
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        client.batch_execute(&sql).await.unwrap();
        name
    }

    /// Ends the server as a crash does: what commits did not wait for is lost, and the next start
    /// recovers.
    pub fn stop(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut keeper) = running.take() {
            let mut input = keeper.stdin.take().unwrap();
            // The keeper may have ended.
            _ = writeln!(input, "keep");
            drop(input);
            keeper.wait().unwrap();
        }
    }

    /// Starts it again, and waits until it takes connections.
    pub fn run(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(running.is_none(), "the server runs already");
        // What it said when it ran before.
        _ = fs::remove_file(self.folder.join("log"));
        let mut command = Install::command("/bin/sh");
        command
            .args(["-c", KEEPER, "keeper"])
            .arg(self.install.program("postgres"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string()])
            .env("FOLDER", &self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        for setting in SETTINGS
            .iter()
            .copied()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        *running = Some(command.spawn().unwrap());
        drop(running);
        let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        // A standby says that it accepts read-only ones.
        let ready = || log().contains("database system is ready to accept");
        while !ready() {
            let ended = self
                .running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_mut()
                .is_none_or(|keeper| !matches!(keeper.try_wait(), Ok(None)));
            assert!(!ended, "{}", log());
            std::thread::yield_now();
        }
    }
}

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=64MB",
    "wal_level=replica",
];

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        // What the server wrote, a user without its rights cannot remove.
        _ = Install::command("/bin/rm")
            .arg("-rf")
            .arg(&self.folder)
            .status();
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder that belongs to the server's user and is removed by its keeper.
fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("postgres").tempdir();
    let folder = folder.unwrap().keep();
    give(&folder);
    folder
}

fn initialize(install: &Install, folder: &Path) {
    let password = folder.join("password");
    fs::write(&password, PASSWORD).unwrap();
    give(&password);
    let made = Install::command(install.program("initdb"))
        .args([
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ])
        .arg("--pwfile")
        .arg(&password)
        .arg("-D")
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// A port of the loopback interface on which nothing listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener
        .and_then(|it| it.local_addr())
        .map_or_else(|e: io::Error| panic!("{e}"), |at| at.port())
}
