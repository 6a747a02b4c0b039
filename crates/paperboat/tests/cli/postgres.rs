//! Every command that takes a ledger, with one on `PostgreSQL`.

use cometapi_mock::{Ending, Fault, MockServer};
use postgres_server::Server;
use serde_json::Value;

use crate::place::{Call, Ended, Place, TOKEN};
use crate::{SCHNELL, fox, quick, server};

/// A database, and its password, which nothing shows.
struct Database {
    url: String,
    password: String,
}

impl Database {
    /// `None` where `PostgreSQL` is not installed.
    async fn new() -> Option<Self> {
        let server = Server::shared()?;
        let url = server.url(&server.database().await);
        let (before, after) = url.split_once('@').unwrap();
        let (user, password) = before.rsplit_once(':').unwrap();
        Some(Self {
            url: format!("{user}@{after}"),
            password: password.to_owned(),
        })
    }

    fn with<'p>(&self, call: Call<'p>) -> Call<'p> {
        call.env("PAPERBOAT_LEDGER", &self.url)
            .env("PGPASSWORD", &self.password)
    }

    /// The URL with its password.
    fn secret_url(&self) -> String {
        let (user, after) = self.url.split_once('@').unwrap();
        format!("{user}:{}@{after}", self.password)
    }

    #[track_caller]
    fn is_not_shown(&self, ended: &Ended) {
        let shown = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!shown.contains(&self.password), "{shown}");
    }
}

async fn listed(place: &Place, database: &Database, more: &[&str]) -> Vec<Value> {
    let list = place.paperboat(["list", "--json"].iter().chain(more));
    let ended = database.with(list).ends(0).await;
    let lines = ended.lines().into_iter();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_prediction_of_one_machine_is_waited_for_on_another() {
    let Some(database) = Database::new().await else {
        return;
    };
    let server = server().await;
    let (here, there) = (Place::new(), Place::new());
    let run = fox(&here, "run", &["-o", "fox.webp"]).at(server.origin());
    database.with(run).ends(0).await;
    let create = fox(&here, "create", &[]).at(server.origin());
    let id = database.with(create).ends(0).await.id().to_owned();

    let running = listed(&there, &database, &["--running"]).await;
    assert_eq!(running[0]["id"], id);
    let wait = there.paperboat(["wait", "--all", "-o", "out"]);
    database.with(wait).at(server.origin()).ends(0).await;
    assert_eq!(there.names("out"), [format!("{id}.webp")]);
    assert_eq!(listed(&here, &database, &["--running"]).await.len(), 0);
    let show = database.with(there.paperboat(["show", &id, "--json"]));
    assert_eq!(show.ends(0).await.json()["outcome"], "succeeded");
    let doctor = database.with(there.paperboat(["doctor"]));
    // It asks for the page at the root, which no other command does.
    let service = MockServer::start().await.unwrap();
    let doctor = doctor.at(service.origin()).ends(0).await;
    assert!(doctor.stdout.contains("postgres://"), "{}", doctor.stdout);
    database.is_not_shown(&doctor);
    let page = there.paperboat(["gallery", "--since", "1h"]);
    database.with(page).ends(0).await;
    let prune = there.paperboat(["prune", "--older-than", "1h", "--json"]);
    database.with(prune).ends(0).await;
    // Neither has a ledger of its own.
    for place in [&here, &there] {
        assert!(!place.ledger().exists());
    }
}

#[tokio::test]
async fn two_machines_run_one_batch_once() {
    let Some(database) = Database::new().await else {
        return;
    };
    let server = server().await;
    let place = Place::new();
    let rows: Vec<_> = (0..40).map(|row| format!("a fox, {row}\n")).collect();
    place.write("rows.txt", rows.concat());
    let batch = || {
        let args = ["batch", "rows.txt", "megapixels=0.25", "--model", SCHNELL];
        let args = args.iter().chain(&["-o", "out"]);
        database.with(place.paperboat(args).at(server.origin()))
    };
    let (one, other) = (batch().start(), batch().start());
    let (one, other) = (one.ends(0).await, other.ends(0).await);
    for ended in [&one, &other] {
        ended.says(&["40 rows: 40 succeeded"]);
        database.is_not_shown(ended);
    }
    assert_eq!(server.create_requests(), 40);
    assert_eq!(place.names("out").len(), 40);

    // Without files, their URLs are recorded.
    let urls = batch_of_urls(&place, &server);
    database.with(urls).ends(0).await;
    assert_eq!(place.names("urls"), [""; 0]);
    let folder = place.path("urls");
    let recorded = listed(&place, &database, &["--batch", folder.to_str().unwrap()]).await;
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].to_string().contains("http"), "{}", recorded[0]);
}

fn batch_of_urls<'p>(place: &'p Place, server: &MockServer) -> Call<'p> {
    place.write("one.txt", "a lake\n");
    let args = ["batch", "one.txt", "megapixels=0.25", "--model", SCHNELL];
    let args = args.iter().chain(&["-o", "urls", "--no-files"]);
    place.paperboat(args).at(server.origin())
}

#[tokio::test]
async fn what_a_lost_response_left_is_resolved_on_another_machine() {
    let Some(database) = Database::new().await else {
        return;
    };
    let server = quick().access_token(TOKEN).start().await.unwrap();
    server.on_create(Fault::Reset.after_accept());
    let (here, there) = (Place::new(), Place::new());
    let run = fox(&here, "run", &[]).at(server.origin());
    database.with(run).ends(7).await;
    let resolve = there
        .paperboat(["resolve", "-o", "out"])
        .at(server.origin());
    let resolve = resolve.env("COMETAPI_ACCOUNT_URL", server.origin());
    let resolve = resolve.env("COMETAPI_ACCESS_TOKEN", TOKEN);
    let resolved = database.with(resolve).ends(0).await;
    database.is_not_shown(&resolved);
    assert_eq!(server.create_requests(), 1);
    assert_eq!(listed(&here, &database, &["--unresolved"]).await.len(), 0);
}

#[tokio::test]
async fn the_password_is_never_shown() {
    let Some(database) = Database::new().await else {
        return;
    };
    let server = server().await;
    let place = Place::new();
    let url = database.secret_url();
    // Its advice repeats the ledger.
    server.on_end(Ending::failed("out of memory"));
    let failed = fox(&place, "run", &["--ledger", &url, "-vv"]);
    let failed = failed.at(server.origin()).ends(3).await;
    database.is_not_shown(&failed);
    let create = fox(&place, "create", &["--ledger", &url]);
    let created = create.at(server.origin()).ends(0).await;
    let wait = place.paperboat(["wait", created.id(), "--ledger", &url, "--timeout", "1ms"]);
    let waited = wait.at(server.origin()).ends_somehow().await;
    database.is_not_shown(&waited);
    let service = MockServer::start().await.unwrap();
    for args in [&["list"][..], &["doctor"], &["show", created.id()]] {
        let args = args.iter().copied().chain(["--ledger", &url]);
        let ended = place.paperboat(args).at(service.origin());
        database.is_not_shown(&ended.ends_somehow().await);
    }

    let wrong = url.replace(&database.password, "wr0ng-password");
    let refused = place.paperboat(["list", "--ledger", &wrong]).ends(2).await;
    assert!(!refused.stderr.contains("wr0ng"), "{}", refused.stderr);
    let broken = format!("{url}&port=none");
    let refused = place.paperboat(["list", "--ledger", &broken]).ends(2).await;
    database.is_not_shown(&refused);
    let conflict = ["wait", "x7", "--no-ledger", "--ledger", &url];
    database.is_not_shown(&place.paperboat(conflict).ends(2).await);
    let lost = ["list", "--accept-loss", "--ledger", &url];
    let lost = place.paperboat(lost).ends(2).await;
    lost.says(&["--accept-loss is for a ledger in a file"]);
    for file in place.files() {
        let content = std::fs::read(&file).unwrap();
        assert!(
            !crate::place::holds(&content, &database.password),
            "{}",
            file.display()
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_before_it_is_given_up() {
    let place = Place::new();
    let port = postgres_server::free_port();
    let url = format!("postgres://painter:s3cret@127.0.0.1:{port}/studio");
    let mut list = place.paperboat(["list", "--ledger", &url]).start();
    let note = list.says("note: ").await;
    assert!(note.contains("waiting for up to 30 s"), "{note}");
    list.kill().await;
}
