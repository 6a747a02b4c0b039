//! Every command with both secrets, in the environment or stored, also where it says all that it does.

use std::collections::BTreeSet;

use cometapi_mock::{AccountEndpoint, Fault, MockServer, Pace, Plan, Rule};
use tokio::sync::OnceCell;

use super::{credential, each_has_its_own, planted};
use crate::place::{Call, Ended, KEY, Place, TOKEN};
use crate::{FOX, SCHNELL};

/// Where the secrets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    Environment,
    Stored,
}

/// A place with the secrets, and the commands that were run there.
struct Scene {
    place: Place,
    server: MockServer,
    planted: Planted,
    /// Flags of every command.
    flags: &'static [&'static str],
    commands: BTreeSet<String>,
}

impl Scene {
    async fn new(planted: Planted, flags: &'static [&'static str]) -> Self {
        // Not verified when it is dropped: the doctor asks for the page at the root.
        let server = MockServer::builder()
            .strict_headers()
            .pace(Pace::instant())
            .key(KEY)
            .access_token(TOKEN);
        Self {
            place: Place::new(),
            server: server.start().await.unwrap(),
            planted,
            flags,
            commands: BTreeSet::new(),
        }
    }

    fn call(&mut self, args: &[&str]) -> Call<'_> {
        self.commands.insert(args[0].to_owned());
        let call = self.place.paperboat(self.flags.iter().chain(args));
        match self.planted {
            Planted::Environment => planted(call, &self.server),
            Planted::Stored => call
                .env("COMETAPI_BASE_URL", self.server.origin())
                .env("COMETAPI_ACCOUNT_URL", self.server.origin()),
        }
    }

    async fn ends(&mut self, code: i32, args: &[&str]) -> Ended {
        self.call(args).ends(code).await
    }

    async fn logs_in(&mut self) {
        self.call(&["login"]).stdin(KEY).ends(0).await;
        let token = self.call(&["login", "--access-token"]);
        token.stdin(TOKEN).ends(0).await;
    }

    /// What costs money, and what became of it.
    async fn pays(&mut self) {
        let with = |command: &'static str, more: &[&'static str]| {
            let args = [command].into_iter().chain(FOX);
            args.chain(more.iter().copied()).collect::<Vec<_>>()
        };
        self.ends(0, &with("run", &["--dry-run"])).await;
        let limited = with("run", &["--max-cost", "1", "-o", "out"]);
        self.ends(0, &limited).await;
        let id = self.ends(0, &with("create", &[])).await;
        let id = id.lines()[0].to_owned();
        self.ends(0, &["get", &id]).await;
        self.ends(0, &["wait", &id, "-o", "out"]).await;
        self.ends(0, &["again", &id, "-o", "out"]).await;
        self.ends(0, &["show", &id]).await;
        self.ends(0, &["show", &id, "--curl"]).await;
        // Its response is lost.
        self.server.on_create(Plan::of(Fault::Reset).after_accept());
        let owl = ["create", SCHNELL, "prompt=an owl", "megapixels=0.25"];
        self.ends(7, &owl).await;
        self.ends(0, &["resolve", "-o", "out"]).await;
        self.place.write(
            "rows.jsonl",
            "{\"prompt\": \"x\", \"megapixels\": \"0.25\"}",
        );
        let batch = ["batch", "rows.jsonl", "--model", SCHNELL, "-o", "rows"];
        self.ends(0, &[&batch[..], &["--dry-run"]].concat()).await;
        let ended = self.ends(0, &batch).await;
        ended.says(&["charged for 1 prediction"]);
        self.ends(0, &["doctor", "--smoke", "--yes"]).await;
    }

    async fn shows(&mut self) {
        for args in [
            &["prices"][..],
            &["prices", SCHNELL, "--json"],
            &["list"],
            &["list", "--json"],
            &["gallery", "rows"],
            &["demo"],
            &["prune", "--older-than", "30d"],
            &["models"],
            &["schema", SCHNELL],
            &["completions", "bash"],
            &["man"],
            &["help", "environment"],
            &["doctor"],
            &["doctor", "--json"],
        ] {
            self.ends(0, args).await;
        }
        // Nothing here opens a file.
        self.ends(1, &["open", "rows"]).await;
        let mut mock = self.call(&["mock", "--port", "0"]).start();
        mock.first_line().await;
        mock.interrupt().await;
        mock.ends(0).await;
    }
}

/// The names of the commands, as a shell completes them.
async fn commands() -> BTreeSet<String> {
    let words = ["complete", "--word=", "--", "paperboat"];
    let all = Place::new().paperboat(words).ends(0).await;
    let names = all
        .lines()
        .into_iter()
        .filter_map(|line| line.split('\t').next());
    names.map(str::to_owned).collect()
}

/// What they print and leave behind is checked at the end of each.
#[tokio::test]
async fn each_sends_each_secret_where_it_belongs() {
    let all = OnceCell::const_new();
    for (planted, flags) in [
        (Planted::Environment, &[][..]),
        (Planted::Environment, &["-vv"]),
        (Planted::Stored, &["-vv", "--log-format", "json"]),
    ] {
        let mut scene = Scene::new(planted, flags).await;
        scene.logs_in().await;
        scene.pays().await;
        scene.shows().await;
        scene.ends(0, &["logout"]).await;
        assert_eq!(scene.commands, *all.get_or_init(commands).await);

        let requests = scene.server.requests();
        each_has_its_own(&requests);
        let files = scene.server.file_requests();
        assert!(!files.is_empty());
        for request in &files {
            assert_eq!(credential(request), [""; 0], "{request:?}");
        }
        let violations = scene.server.violations();
        let is_page = |rule| rule == Rule::UnknownPath;
        assert!(
            violations.iter().all(|it| is_page(it.rule)),
            "{violations:?}"
        );
        for endpoint in [
            AccountEndpoint::Models,
            AccountEndpoint::User,
            AccountEndpoint::Tasks,
        ] {
            assert!(scene.server.account_requests(endpoint) > 0, "{endpoint:?}");
        }
        // What was stored is gone, and was nowhere else.
        for file in scene.place.files() {
            let content = std::fs::read(&file).unwrap();
            assert!(!crate::place::has_key(&content), "{}", file.display());
        }
    }
}
