//! What is refused before anything is sent: exit code 2, the reason, and a way on.

use std::fmt::Write as _;
use std::fs;

use crate::place::{KEY, Place};
use crate::{SCHNELL, created, fox, server};

/// The arguments after the command, and what must be said.
type Row<'r> = (&'r [&'r str], &'r [&'r str]);

#[tokio::test]
async fn nothing_is_sent() {
    let place = Place::new();
    place.write("list.json", "[1]");
    place.write("half.json", "{\"prompt\":");
    place.write("request.json", "{\"input\":{\"prompt\":\"x\"}}");
    place.write("file", "");
    let long = "a fox ".repeat(1_000);
    let rows: [Row<'_>; 30] = [
        (&["run"], &["<OWNER/NAME>", "paperboat models"]),
        (&["run", ""], &["\"\" is not a model"]),
        (&["run", "watercolor"], &["write owner/name, such as"]),
        (&["run", "flux"], &["does not name one known model"]),
        (&["run", "a/b:v"], &["leave out ':v'"]),
        (&["run", "../x"], &["owner \"..\" starts with '.'"]),
        (&["run", "a/b/c"], &["contains '/'"]),
        (
            &["run", SCHNELL, "a", "red", "fox"],
            &["must be one argument, got 3; did you mean \"a red fox\"?"],
        ),
        (
            &["run", SCHNELL, "prompt=a", "red", "fox"],
            &["expected KEY=VALUE, got \"red\"; did you mean prompt=\"a red fox\"?"],
        ),
        (
            &["run", SCHNELL, "seed"],
            &[
                "\"seed\" is a field without a value; write seed=VALUE",
                "if it is the prompt: prompt=seed",
            ],
        ),
        (&["run", SCHNELL, ""], &["prompt is empty, it takes text"]),
        (&["run", SCHNELL, "=x"], &["names no field before the ="]),
        (&["run", SCHNELL, "a=1", "a=2"], &["\"a\" is given twice"]),
        (
            &["run", SCHNELL, "size:=big"],
            &["size: what follows := is not json", "because expected"],
        ),
        (
            &["run", SCHNELL, "image=@none.png"],
            &["image: none.png cannot be read", "because No such file"],
        ),
        (&["run", SCHNELL, "image=@"], &["no file is named after @"]),
        (
            &["run", SCHNELL, "--input", "none.json"],
            &["--input: none.json cannot be read"],
        ),
        (
            &["run", SCHNELL, "--input", "list.json"],
            &["--input: list.json is not a json object"],
        ),
        (
            &["run", SCHNELL, "--input", "half.json"],
            &["--input: half.json is not json", "line 1 column"],
        ),
        (
            &["run", SCHNELL, "--input", "request.json"],
            &["a whole request; give what is inside its \"input\""],
        ),
        (
            &["run", SCHNELL, "prompt=x", "-o", "file"],
            &["file cannot be a folder", "name another with -o"],
        ),
        (
            &["run", SCHNELL, "--timeout", "soon"],
            &["\"soon\"", "90s, 5m or 1h30m"],
        ),
        (&["run", SCHNELL, "--timeout", "-1"], &["90s, 5m or 1h30m"]),
        (&["run", SCHNELL, "--timeout", "0"], &["longer than zero"]),
        (
            &["create", SCHNELL, "prompt=x", "--base-url", "cometapi"],
            &["the base url is not a url", "should look like https://"],
        ),
        (
            &[
                "create",
                SCHNELL,
                "prompt=x",
                "--base-url",
                "http://gw.example/v1",
            ],
            &["plain http to another machine", "--allow-http"],
        ),
        (&["get", ".."], &["prediction id \"..\" cannot be one"]),
        (&["wait", "a\u{7f}b"], &["contains '\\u{7f}'"]),
        (&["wait", ""], &["prediction id is empty"]),
        (
            &["run", SCHNELL, &long, "x"],
            &[
                "must be one argument, got 2; did you mean \"a fox a fox",
                "…\"?",
            ],
        ),
    ];
    refused(&place, &rows).await;
}

/// Values that would arrive as something else than was written.
#[tokio::test]
async fn nothing_is_sent_as_something_else() {
    let place = Place::new();
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    place.write("utf16.txt", utf16("\u{feff}a fox\r\n"));
    place.write("utf16.json", utf16("{\"prompt\": \"x\"}"));
    place.write("latin1.txt", b"caf\xe9");
    place.write(
        "twice.json",
        "{\"prompt\": \"x\",\n \"seed\": 1, \"seed\": 2}",
    );
    place.write(
        "long.json",
        "{\"prompt\": \"x\", \"seed\": 18446744073709551616}",
    );
    let rows: [Row<'_>; 12] = [
        (
            &["run", SCHNELL, "--input", "twice.json"],
            &["--input: twice.json: \"seed\" is given twice at line 2"],
        ),
        (
            &["create", "a/b", "--input", "long.json"],
            &["--input: long.json: the number 18446744073709551616 is an integer beyond 64 bits"],
        ),
        (
            &["run", SCHNELL, "--input", "utf16.json"],
            &["--input: utf16.json is UTF-16 text; save it as UTF-8"],
        ),
        (
            &["create", "a/b", "o:={\"a\": {\"b\": 1, \"b\": 2}}"],
            &["o: \"b\" is given twice at line 1", "for text: o:="],
        ),
        (
            &["create", "a/b", "o={\"a\": 1, \"a\": 2}"],
            &["o: \"a\" is given twice"],
        ),
        (
            &["create", "a/b", "seed=123456789012345678901234"],
            &[
                "seed: the number 123456789012345678901234 is an integer beyond 64 bits",
                "for text: seed:=",
            ],
        ),
        (
            &["run", SCHNELL, "prompt=x", "seed:=1e400"],
            &["seed: the number 1e400 is too large"],
        ),
        (
            &["run", SCHNELL, "prompt=@utf16.txt"],
            &["prompt: utf16.txt is UTF-16 text; save it as UTF-8"],
        ),
        (
            &["create", "a/b", "note=@utf16.txt"],
            &["note: utf16.txt is UTF-16 text; save it as UTF-8"],
        ),
        (
            &["create", "a/b", "note=@latin1.txt"],
            &["note: latin1.txt is not text in UTF-8; if it is text, save it as UTF-8"],
        ),
        (
            &["run", SCHNELL, "--prompt", "--json"],
            &[
                "--prompt needs a value",
                "if it is the value: --prompt='--json'",
            ],
        ),
        (
            &["run", SCHNELL, "--seed", "--prompt", "x"],
            &["--seed needs a value"],
        ),
    ];
    refused(&place, &rows).await;
}

/// Each is refused with its words, and nothing is sent or left behind.
async fn refused(place: &Place, rows: &[Row<'_>]) {
    let server = server().await;
    let names = place.names("");
    for (args, said) in rows {
        let ended = place.paperboat(*args).at(server.origin()).ends(2).await;
        ended.says(said);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert!(ended.stderr.len() < 1_000, "{args:?}:\n{}", ended.stderr);
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
    assert_eq!(place.names(""), names);
}

#[tokio::test]
async fn without_a_key_both_ways_on_are_named() {
    let place = Place::new();
    let server = server().await;
    for args in [
        ["create", SCHNELL, "prompt=x"].as_slice(),
        &["run", SCHNELL, "prompt=x"],
        &["get", "abc"],
        &["wait", "abc"],
    ] {
        let call = place.paperboat(args);
        let call = call.env("COMETAPI_BASE_URL", server.origin());
        let ended = call.ends(2).await;
        ended.says(&[
            "no API key: run `paperboat login`, or set COMETAPI_KEY (create one at https://www.cometapi.com/console/token)",
            "run --mock",
        ]);
    }
    assert!(server.requests().is_empty());
    assert!(place.names("").is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_is_no_text_is_not_taken_for_none() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let place = Place::new();
    let key = [KEY.as_bytes(), b"\xff"].concat();
    let call = place.paperboat(["get", "abc"]);
    let call = call.env("COMETAPI_KEY", OsStr::from_bytes(&key));
    call.ends(2).await.says(&["COMETAPI_KEY is not text"]);
}

#[tokio::test]
async fn a_mock_takes_neither_key_nor_address() {
    let place = Place::new();
    for flag in ["--key", "--base-url"] {
        let args = ["run", "--mock", SCHNELL, flag, "x"];
        let ended = place.paperboat(args).ends(2).await;
        ended.says(&["--mock cannot be used with", flag]);
    }
}

/// A folder below a file, or one that may not be written to, is found before the create request.
#[tokio::test]
async fn the_folder_is_made_before_the_create() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    let args = ["wait", &id, "-o", "a/b/c"];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(place.names("a/b/c").len(), 1);

    fs::write(place.path("plain"), "").unwrap();
    let run = fox(&place, "run", &["-o", "plain/out"]);
    let ended = run.at(server.origin()).ends(2).await;
    ended.says(&["plain/out cannot be a folder"]);
    assert_eq!(server.create_requests(), 1);
}

/// What is printed for each kind of command line that cannot be read.
#[tokio::test]
async fn a_command_line_that_cannot_be_read_is_refused_like_any_other() {
    const LINES: [&str; 49] = [
        // Unknown flags.
        "run flux-schnell --jsno",
        "run flux-schnell --format png",
        "run flux-schnell --ar 16:9",
        "run acme/portrait --ar 16:9",
        "run --seed 7",
        "create --mock",
        "create flux-schnell --forec",
        "list --forec",
        "list -x",
        "wait --al",
        "--hlep",
        // Unknown commands and pages.
        "rnu",
        "complte",
        "flux-schnell",
        "help bacth",
        "help nope",
        // What is missing.
        "run",
        "create",
        "again",
        "get",
        "wait",
        "show",
        "gallery",
        "batch",
        "batch rows.csv",
        "prune",
        "schema",
        "doctor --yes",
        "batch rows.csv -o out --field image",
        "create flux-schnell --retry-unresolved",
        "run flux-schnell --timeout",
        "run flux-schnell --timeout --json",
        // What is too much.
        "get one two",
        "list one",
        "help run flux-schnell three",
        "run flux-schnell --json=true",
        "run flux-schnell --mock --key x",
        "wait one --all",
        // Bad values.
        "completions sh",
        "batch rows.csv -o out --format jsnol",
        "run flux-schnell --timeout soon",
        "run flux-schnell --max-cost=-1",
        "run flux-schnell --repeat 0",
        "run flux-schnel",
        "list --since soon",
        "mock --port 99999",
        "mock --fault bad-gatway-page",
        "get ..",
        "resolve --adopt one",
    ];
    let place = Place::new();
    let mut shown = String::new();
    let lines = LINES.map(|line| (line.split(' ').collect::<Vec<_>>(), line));
    let prompt = vec!["run", "flux-schnell", "--dramatic light"];
    let prompt = (prompt, "run flux-schnell '--dramatic light'");
    for (words, line) in lines.into_iter().chain([prompt]) {
        let ended = place.paperboat(words).ends(2).await;
        assert_eq!(ended.stdout, "", "{line}");
        let mut lines = ended.stderr.lines();
        assert!(lines.next().unwrap().starts_with("error: "), "{line}");
        let rest: Vec<_> = lines.collect();
        assert!(
            rest.iter().all(|it| it.starts_with("  ")),
            "{line}: {rest:?}"
        );
        let steps = rest.iter().filter(|it| !it.starts_with("  because "));
        assert!((1..=3).contains(&steps.count()), "{line}: {rest:?}");
        for hidden in ["paperboat complete", "mean complete", "Usage:", "--force"] {
            let is_meant = line.contains("--forec") && line.starts_with("create");
            assert!(!ended.stderr.contains(hidden) || is_meant, "{line}");
        }
        writeln!(shown, "$ paperboat {line}\n{}", ended.stderr).unwrap();
    }
    insta::assert_snapshot!("refused_lines", shown.trim_end());
}
