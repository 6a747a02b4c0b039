//! Which servers hold a ledger, and what errors say.

#![allow(clippy::unwrap_used, reason = "tests: a panic is the failure")]

use std::process::{Child, Stdio};

use cometapi_batch::{Error, ErrorKind, Ledger};
use cometapi_postgres::{PostgresLedger, PostgresOptions};
use postgres_server::{PASSWORD, Server};
use tokio::task::JoinSet;

/// Everything that an error says, without the password.
fn said(e: &Error) -> String {
    let said = format!("{e} {e:?} {e:#?}");
    assert!(!said.contains(PASSWORD), "{said}");
    format!("{e:?}")
}

async fn refused(url: &str, kind: ErrorKind) -> String {
    let e = PostgresLedger::connect(url).await.unwrap_err();
    assert_eq!(e.kind(), kind, "{e:?}");
    said(&e)
}

#[tokio::test]
async fn a_server_without_fsync_is_refused() {
    let Some(server) = Server::start(&["fsync=off"]) else {
        return;
    };
    let said = refused(&server.url("postgres"), ErrorKind::Ledger).await;
    assert!(
        said.starts_with("the server runs with fsync = off"),
        "{said}"
    );
    let schemas = "SELECT 1 FROM pg_namespace WHERE nspname = 'cometapi'";
    let client = server.client("postgres").await;
    assert!(client.query(schemas, &[]).await.unwrap().is_empty());
}

#[cfg(feature = "rustls")]
fn pem(what: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {what}-----\n{lines}\n-----END {what}-----\n")
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_server_is_trusted_by_its_certificate() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        postgres_server::give(&path);
        path.display().to_string()
    };
    let key = file(
        "key.pem",
        pem("PRIVATE KEY", &certified.signing_key.serialize_der()),
    );
    let certificate = file("certificate.pem", pem("CERTIFICATE", certified.cert.der()));
    postgres_server::give(folder.path());
    let settings = [
        "ssl=on".to_owned(),
        format!("ssl_key_file={key}"),
        format!("ssl_cert_file={certificate}"),
    ];
    let Some(server) = Server::start(&settings.each_ref().map(String::as_str)) else {
        return;
    };
    let url = server
        .url("postgres")
        .replace("sslmode=disable", "sslmode=require");
    let said = refused(&url, ErrorKind::Ledger).await;
    assert!(
        said.starts_with("the certificate of the ledger's server is not trusted"),
        "{said}"
    );
    let trusting = |url: &str| {
        let options = PostgresOptions::new(url).unwrap();
        options
            .root_certificates(pem("CERTIFICATE", certified.cert.der()))
            .unwrap()
    };
    // Of another host.
    let e = trusting(&url).connect().await.unwrap_err();
    assert!(
        e.to_string()
            .starts_with("the certificate of the ledger's server"),
        "{e:?}"
    );
    let url = url.replace("127.0.0.1", "localhost");
    let ledger = trusting(&url).connect().await.unwrap();
    assert_eq!(ledger.batches().await.unwrap(), []);
    // As providers of databases write it.
    let pasted = url.replace(
        "sslmode=require",
        "sslmode=verify-full&channel_binding=require",
    );
    let named = format!("{pasted}&sslrootcert={certificate}");
    let other = PostgresLedger::connect(&named).await.unwrap();
    assert_eq!(other.batches().await.unwrap(), []);
    let missing = format!("{pasted}&sslrootcert={certificate}.away");
    let said = refused(&missing, ErrorKind::Ledger).await;
    assert!(said.contains("sslrootcert cannot be read"), "{said}");
    let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE application_name = 'cometapi'";
    let client = server.client("postgres").await;
    assert!(client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
    for unusable in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let options = PostgresOptions::new(&url).unwrap();
        let e = options.root_certificates(unusable).unwrap_err();
        assert!(e.to_string().contains("expected PEM"), "{e}");
    }
    // Without a password where one is asked for.
    let without = url.replace(&format!(":{PASSWORD}"), "");
    let e = trusting(&without).connect().await.unwrap_err();
    assert!(
        e.to_string()
            .starts_with("the ledger's server cannot be logged in to"),
        "{e:?}"
    );
}

#[tokio::test]
async fn a_standby_is_refused() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let standby = server.standby();
    let said = refused(&standby.url("postgres"), ErrorKind::Ledger).await;
    assert!(said.starts_with("the server is a standby"), "{said}");
}

#[tokio::test]
async fn ten_processes_make_the_tables_at_once() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.url(&server.database().await);
    let mut opening = JoinSet::new();
    for _ in 0..10 {
        let url = url.clone();
        opening.spawn(async move { PostgresLedger::connect(&url).await });
    }
    for ledger in opening.join_all().await {
        ledger.unwrap().batches().await.unwrap();
    }
}

#[tokio::test]
async fn a_later_version_is_refused_and_left_as_it_is() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let url = server.url(&database);
    drop(PostgresLedger::connect(&url).await.unwrap());
    let client = server.client(&database).await;
    client
        .batch_execute("UPDATE cometapi.version SET number = 1000")
        .await
        .unwrap();
    let said = refused(&url, ErrorKind::NewerLedger).await;
    assert!(
        said.starts_with("the ledger has version 1000 and this program knows"),
        "{said}"
    );
    let row = client.query_one("SELECT number FROM cometapi.version", &[]);
    assert_eq!(row.await.unwrap().get::<_, i32>(0), 1000);
}

#[tokio::test]
async fn a_schema_of_another_program_is_refused() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let client = server.client(&database).await;
    let made = "CREATE SCHEMA cometapi; CREATE TABLE cometapi.theirs (it int)";
    client.batch_execute(made).await.unwrap();
    let said = refused(&server.url(&database), ErrorKind::NotALedger).await;
    assert!(said.contains("name another schema"), "{said}");
    // Another schema of the same database, with a name that must be quoted.
    let options = PostgresOptions::new(&server.url(&database)).unwrap();
    let ledger = options.schema("My \"ledger\"").connect().await.unwrap();
    assert_eq!(ledger.batches().await.unwrap(), []);
}

#[tokio::test]
async fn a_user_without_rights_is_told_so() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let url = server.url(&database);
    PostgresLedger::connect(&url).await.unwrap();
    let role = format!("stranger_{database}");
    let made = format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'");
    let client = server.client(&database).await;
    client.batch_execute(&made).await.unwrap();
    let url = url.replace("postgres:pa", &format!("{role}:pa"));
    let said = refused(&url, ErrorKind::Ledger).await;
    assert!(said.contains("lacks a right in its database"), "{said}");
}

#[tokio::test]
async fn a_schema_that_is_there_and_empty_is_used() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let client = server.client(&database).await;
    let role = format!("painter_{database}");
    // Of a user who may not make schemas.
    let made = format!(
        "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; CREATE SCHEMA cometapi AUTHORIZATION {role}"
    );
    client.batch_execute(&made).await.unwrap();
    let url = server
        .url(&database)
        .replace("postgres:pa", &format!("{role}:pa"));
    let ledger = PostgresLedger::connect(&url).await.unwrap();
    let worker = ledger.register("https://service.example".to_owned()).await;
    ledger.retire(worker.unwrap()).await.unwrap();
}

#[tokio::test]
async fn no_error_shows_the_password() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.url("postgres");
    let wrong = url.replace(PASSWORD, "wrong");
    let e = PostgresLedger::connect(&wrong).await.unwrap_err();
    assert!(
        format!("{e:?}").starts_with("the ledger's server refuses the login"),
        "{e:?}"
    );
    assert!(!format!("{e:#?}").contains("wrong\""), "{e:#?}");
    let missing = server.url("nowhere");
    assert!(
        refused(&missing, ErrorKind::Ledger)
            .await
            .starts_with("the ledger's database does not")
    );
    for unusable in [
        format!("postgres://me:{PASSWORD}@127.0.0.1:{PASSWORD}/x"),
        format!("postgres://me:{PASSWORD}@127.0.0.1/x?{PASSWORD}={PASSWORD}"),
        format!("host=127.0.0.1 {PASSWORD}"),
        format!("user=me password={PASSWORD}"),
    ] {
        let e = PostgresOptions::new(&unusable).unwrap_err();
        assert!(
            said(&e).contains("expected postgres://USER:PASSWORD@HOST"),
            "{e}"
        );
    }
    let options = PostgresOptions::new(&url).unwrap();
    let ledger = options.clone().connect().await.unwrap();
    for debug in [
        format!("{options:?} {options:#?}"),
        format!("{ledger:?} {ledger:#?}"),
    ] {
        assert!(
            !debug.contains(PASSWORD) && debug.contains("127.0.0.1"),
            "{debug}"
        );
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_waited_for_and_then_named() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let url = server.url("postgres");
    server.stop();
    let options = PostgresOptions::new(&url).unwrap();
    let e = options.patience(std::time::Duration::ZERO).connect().await;
    let said = said(&e.unwrap_err());
    assert!(
        said.starts_with("the ledger's server cannot be reached"),
        "{said}"
    );
    // One that starts meanwhile is found.
    let opening = tokio::spawn(async move { PostgresLedger::connect(&url).await });
    let server = tokio::task::spawn_blocking(move || {
        server.run();
        server
    });
    let _server = server.await.unwrap();
    opening.await.unwrap().unwrap();
}

/// A pgbouncer in front of the server, which ends when it is dropped.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Pooler {
    /// Starts one; `None` where pgbouncer is not installed.
    fn start(server: &Server, pool_mode: &str, more: &str) -> Option<Self> {
        let program = [
            "/usr/sbin/pgbouncer",
            "/usr/bin/pgbouncer",
            "/usr/local/bin/pgbouncer",
        ]
        .into_iter()
        .find(|program| std::path::Path::new(program).is_file());
        let Some(program) = program else {
            let what = "pgbouncer is not installed: install it (apt-get install pgbouncer)";
            assert!(
                std::env::var_os("COMETAPI_REQUIRE_POSTGRES").is_none(),
                "{what}"
            );
            eprintln!("SKIPPED: {what}");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        postgres_server::give(folder.path());
        let port = postgres_server::free_port();
        let settings = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres password={PASSWORD}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = 20\n{more}\n",
            server.port()
        );
        std::fs::write(&settings, text).unwrap();
        postgres_server::give(&settings);
        let child = postgres_server::Install::command(program)
            .arg("-q")
            .arg(&settings)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pooler = Self {
            child,
            port,
            _folder: folder,
        };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Some(pooler)
    }
}

#[tokio::test]
async fn a_pooler_between_transactions_is_refused() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    for (mode, more) in [
        ("transaction", ""),
        ("transaction", "server_round_robin = 1"),
        ("transaction", "server_reset_query_always = 1"),
        ("statement", ""),
    ] {
        let Some(pooler) = Pooler::start(server, mode, more) else {
            return;
        };
        // Sessions that are open already, which it can give to others.
        let url = Server::url_at(pooler.port, &database);
        let mut clients = Vec::new();
        for _ in 0..3 {
            let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            client.simple_query("SELECT pg_sleep(0)").await.unwrap();
            clients.push(client);
        }
        for _ in 0..5 {
            let said = refused(&url, ErrorKind::Ledger).await;
            assert!(
                said.starts_with("a connection pooler (pgbouncer"),
                "{mode} {more}: {said}"
            );
        }
    }
    let Some(pooler) = Pooler::start(server, "session", "") else {
        return;
    };
    let ledger = PostgresLedger::connect(&Server::url_at(pooler.port, &database))
        .await
        .unwrap();
    let worker = ledger
        .register("https://service.example".to_owned())
        .await
        .unwrap();
    ledger.retire(worker).await.unwrap();
    ledger.close().await;
}

#[tokio::test]
async fn a_closed_ledger_refuses_everything_and_leaves_no_worker() {
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let ledger = PostgresLedger::connect(&server.url(&database))
        .await
        .unwrap();
    ledger
        .register("https://service.example".to_owned())
        .await
        .unwrap();
    let clone = ledger.clone();
    ledger.close().await;
    let e = clone.batches().await.unwrap_err();
    assert_eq!(e.to_string(), "the ledger is closed");
    let loader = clone.loader();
    assert_eq!(
        loader.add(Vec::new()).await.unwrap_err().to_string(),
        "the ledger is closed"
    );
    let client = server.client(&database).await;
    for table in ["worker", "process"] {
        let sql = format!("SELECT count(*) FROM cometapi.{table}");
        assert_eq!(
            client.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0),
            0
        );
    }
}
