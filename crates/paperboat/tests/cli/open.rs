//! What opens and draws saved files.

use std::os::unix::fs::PermissionsExt;

use cometapi_mock::Fault;
use tokio::time::timeout;

use crate::place::{Call, PATIENCE, Place, TOKEN};
use crate::{SCHNELL, created, fox, quick, server};

/// A desktop whose program for every file records what it is given.
struct Desktop {
    place: Place,
}

impl Desktop {
    fn new() -> Self {
        let place = Place::new();
        std::fs::create_dir(place.path("bin")).unwrap();
        // It appears with its content, so that who sees the file sees all of it.
        let program = "#!/bin/sh\nname=$(/bin/mktemp \"$OPENED/.XXXXXX\")\n\
                       printf '%s' \"$1\" > \"$name\"\n/bin/mv \"$name\" \"$OPENED/${name##*/.}\"\n";
        place.write("bin/xdg-open", program);
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path("bin/xdg-open"), executable).unwrap();
        std::fs::create_dir(place.path("opened")).unwrap();
        Self { place }
    }

    fn with<'p>(&self, call: Call<'p>) -> Call<'p> {
        call.env("PATH", self.place.path("bin"))
            .env("OPENED", self.place.path("opened"))
    }

    fn paperboat(&self, args: &[&str]) -> Call<'_> {
        self.with(self.place.paperboat(args))
    }

    /// The first `count` things that were opened since the last call, by their names, in order. The
    /// program is not waited for by the command.
    async fn opened(&self, count: usize) -> Vec<String> {
        let folder = self.place.path("opened");
        let whole = async {
            loop {
                let mut files = self.place.names("opened");
                files.retain(|name| !name.starts_with('.'));
                if files.len() >= count {
                    return files;
                }
                tokio::task::yield_now().await;
            }
        };
        let whole = timeout(PATIENCE, whole).await.unwrap();
        let home = self.place.path("").canonicalize().unwrap();
        let mut opened = Vec::new();
        for name in whole {
            let path = std::fs::read_to_string(folder.join(&name)).unwrap();
            let path = path.strip_prefix(home.to_str().unwrap()).unwrap();
            opened.push(path.trim_start_matches('/').to_owned());
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        opened.sort();
        opened
    }
}

#[tokio::test]
async fn what_was_saved_is_opened() {
    let desktop = Desktop::new();
    let server = server().await;
    let run = fox(&desktop.place, "run", &["-o", "fox.webp", "--open"]);
    desktop.with(run).at(server.origin()).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["fox.webp"]);

    // Nothing is drawn where stdout is no terminal.
    let looks = ["--open", "--show"];
    let id = &created(&desktop.place, &server).await;
    let wait = ["wait", id, "-o", "waited.webp"];
    let wait = desktop.place.paperboat(wait.iter().chain(&looks));
    desktop.with(wait).at(server.origin()).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["waited.webp"]);
    let again = ["again", "fox.webp", "-o", "again.webp"];
    let again = desktop.place.paperboat(again.iter().chain(&looks));
    desktop.with(again).at(server.origin()).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["again.webp"]);

    let more = ["-o", "four", "--repeat", "4", "-j", "2", "--open"];
    let run = fox(&desktop.place, "run", &more).at(server.origin());
    desktop.with(run).ends(0).await;
    assert_eq!(desktop.opened(4).await.len(), 4);

    let many = ["-o", "many", "--repeat", "11", "--jobs", "11", "--open"];
    let run = fox(&desktop.place, "run", &many).at(server.origin());
    desktop.with(run).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["many"]);

    desktop.place.write("rows.txt", "a red fox\n");
    let batch = ["batch", "rows.txt", "megapixels=0.25", "--model", SCHNELL];
    let batch: Vec<_> = batch
        .iter()
        .chain(&["-o", "out", "--open"])
        .copied()
        .collect();
    desktop.paperboat(&batch).at(server.origin()).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["out/index.html"]);
}

#[tokio::test]
async fn a_prediction_a_file_and_a_folder_are_opened() {
    let desktop = Desktop::new();
    let server = server().await;
    let run = fox(&desktop.place, "run", &["-o", "-fox.webp"]);
    run.at(server.origin()).ends(0).await;
    let id = desktop.place.listed(&[]).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let created = fox(&desktop.place, "create", &[]).at(server.origin());
    let running = created.ends(0).await.id().to_owned();

    desktop.paperboat(&["open"]).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["-fox.webp"]);
    desktop.paperboat(&["open", &id]).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["-fox.webp"]);
    desktop
        .paperboat(&["open", "--", "-fox.webp"])
        .ends(0)
        .await;
    assert_eq!(desktop.opened(1).await, ["-fox.webp"]);
    desktop.paperboat(&["open", "opened"]).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["opened"]);
    desktop.place.write("opened/index.html", "");
    desktop.paperboat(&["open", "opened"]).ends(0).await;
    assert_eq!(desktop.opened(1).await, ["opened/index.html"]);

    let none = desktop.paperboat(&["open", &running]).ends(2).await;
    none.says(&["nothing was saved of", "paperboat show"]);
    let other = desktop.paperboat(&["open", "x7"]).ends(2).await;
    other.says(&["x7 is neither the id nor a saved file"]);
    std::fs::remove_file(desktop.place.path("-fox.webp")).unwrap();
    let gone = desktop.paperboat(&["open", &id]).ends(2).await;
    gone.says(&["are not there any more", "paperboat wait"]);
    let empty = ["open", "--ledger", "other.sqlite3"];
    let empty = desktop.paperboat(&empty).ends(2).await;
    empty.says(&["no recorded prediction has a saved file"]);
}

#[tokio::test]
async fn what_a_resolved_prediction_made_is_opened() {
    let desktop = Desktop::new();
    let server = quick().access_token(TOKEN).start().await.unwrap();
    server.on_create(Fault::Reset.after_accept());
    let run = fox(&desktop.place, "run", &["-o", "lost"]);
    run.at(server.origin()).ends(7).await;
    let resolve = desktop.paperboat(&["resolve", "--open", "--show"]);
    let resolve = resolve.env("COMETAPI_ACCOUNT_URL", server.origin());
    let resolve = resolve.env("COMETAPI_ACCESS_TOKEN", TOKEN);
    resolve.at(server.origin()).ends(0).await;
    let opened = desktop.opened(1).await;
    assert!(opened[0].starts_with("lost/"), "{opened:?}");
}

#[tokio::test]
async fn what_is_not_saved_is_not_opened() {
    let place = Place::new();
    for args in [&["-o", "-"][..], &["--no-wait"], &["-o", "x", "--dry-run"]] {
        let args = args.iter().chain(&["--open"]).copied().collect::<Vec<_>>();
        let ended = fox(&place, "run", &args)
            .at("http://127.0.0.1:9")
            .ends(2)
            .await;
        ended.says(&["--open"]);
    }
    assert!(place.names("").is_empty());
}

#[tokio::test]
async fn without_a_desktop_a_saved_file_is_still_a_success() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "fox.webp", "--open"]).at(server.origin());
    let ended = run.env("PATH", "").ends(0).await;
    ended.says(&["note: fox.webp cannot be opened"]);
    let open = place.paperboat(["open", "fox.webp"]).env("PATH", "");
    open.ends(1)
        .await
        .says(&["no program of the desktop opens fox.webp"]);
}

mod drawn {
    use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

    use crate::place::{Call, Place};
    use crate::pseudo_terminal::PseudoTerminal;
    use crate::{fox, server};

    /// What is asked of a terminal before it is asked for its graphics.
    const WHAT_ARE_YOU: &str = "\x1b[c";

    /// Those of a terminal that takes images, but no files.
    const OF_KITTY: &[(&str, &str)] = &[
        (WHAT_ARE_YOU, "\x1b[?62c"),
        (WHAT_ARE_YOU, "\x1b_Gi=31;OK\x1b\\\x1b[?62c"),
        ("t=t;", "\x1b_Gi=31;EBADF\x1b\\"),
    ];

    fn at<'p>(call: Call<'p>, terminal: &PseudoTerminal) -> Call<'p> {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal.command, size).unwrap();
        call.terminal(&terminal.command)
            .stdout(terminal.command.try_clone().unwrap())
            .env("TERM", "xterm-256color")
    }

    /// Reads what is shown until `end`, and types each answer when its question is shown.
    async fn until(
        mut terminal: PseudoTerminal,
        end: &'static str,
        answers: &'static [(&str, &str)],
    ) -> String {
        let read = move || {
            let mut shown = String::new();
            let mut answers = answers.iter();
            let mut next = answers.next();
            let mut from = 0;
            while !shown[from..].contains(end) {
                shown.push_str(&terminal.shown());
                while let Some((question, answer)) = next
                    && let Some(at) = shown[from..].find(question)
                {
                    from += at + question.len();
                    terminal.types(answer);
                    next = answers.next();
                }
            }
            terminal.drain();
            shown
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    #[tokio::test]
    async fn as_half_blocks_where_a_terminal_does_not_answer() {
        let place = Place::new();
        let server = server().await;
        let terminal = PseudoTerminal::open();
        let run = fox(&place, "run", &["-o", "fox.webp", "--show"]);
        let run = at(run.at(server.origin()), &terminal).start();
        let command = terminal.command.try_clone().unwrap();
        let shown = until(terminal, "▄", &[]).await;
        assert!(shown.contains("fox.webp"), "{shown:?}");
        assert!(shown.contains(WHAT_ARE_YOU));
        run.ends(0).await;
        let modes = tcgetattr(&command).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON));
    }

    #[tokio::test]
    async fn by_the_protocol_of_kitty_where_a_terminal_knows_it() {
        let place = Place::new();
        let server = server().await;
        let terminal = PseudoTerminal::open();
        let run = fox(&place, "run", &["-o", "fox.webp", "--show"]);
        let run = at(run.at(server.origin()), &terminal).start();
        let shown = until(terminal, "m=0;", OF_KITTY).await;
        assert!(shown.contains("\x1b_Gf=32,a=T,t=d,"), "{shown:?}");
        assert!(!shown.contains('▄'));
        // What it answers is not shown: an escape would be, as ^[.
        assert!(!shown.contains("^["), "{shown:?}");
        run.ends(0).await;
    }

    #[tokio::test]
    async fn nowhere_but_on_a_terminal() {
        let place = Place::new();
        let server = server().await;
        let run = fox(&place, "run", &["-o", "fox.webp", "--show"]);
        let ended = run.at(server.origin()).ends(0).await;
        assert_eq!(ended.stdout, "fox.webp\n");
        let run = fox(&place, "run", &["-o", "two.webp", "--show", "--json"]);
        run.at(server.origin()).ends(2).await.says(&["--json"]);
    }
}
