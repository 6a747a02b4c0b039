//! The prompt: an argument of its own, or what is piped to the command.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::place::{Call, Ended, Place};
use crate::{SCHNELL, server};

/// A model whose fields are unknown.
const UNKNOWN: &str = "acme/portrait";

/// A model that needs no prompt.
const SANA: &str = "nvidia/sana";

/// The input that `call` sent.
async fn sent<'p>(place: &'p Place, call: impl FnOnce(&'p Place) -> Call<'p>) -> Value {
    let server = server().await;
    call(place).at(server.origin()).ends(0).await;
    let mut body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(server.create_requests(), 1);
    body["input"].take()
}

/// Refused before anything is sent.
async fn refused<'p>(place: &'p Place, call: impl FnOnce(&'p Place) -> Call<'p>) -> Ended {
    let server = server().await;
    let ended = call(place).at(server.origin()).ends(2).await;
    assert!(server.requests().is_empty());
    assert_eq!(ended.stdout, "");
    ended
}

#[tokio::test]
async fn an_argument_that_is_not_a_pair_is_the_prompt() {
    let place = Place::new();
    for model in [SCHNELL, UNKNOWN] {
        for prompt in ["a red fox", "fox", "a sign: 1+1=2", "1984", "true"] {
            for args in [
                ["create", model, prompt, "seed=7"],
                ["create", model, "seed=7", prompt],
                ["create", "--json", model, prompt],
            ] {
                let input = sent(&place, |place| place.paperboat(args)).await;
                assert_eq!(input["prompt"], prompt, "{args:?}");
            }
        }
        let args = ["create", model, "--", "--dramatic"];
        let input = sent(&place, |place| place.paperboat(args)).await;
        assert_eq!(input, json!({"prompt": "--dramatic"}));
    }
    place.write("prompt.txt", "a fox\n");
    let args = [
        "run",
        SCHNELL,
        "@prompt.txt",
        "megapixels=0.25",
        "-o",
        "out",
    ];
    let input = sent(&place, |place| place.paperboat(args)).await;
    assert_eq!(input, json!({"prompt": "a fox", "megapixels": "0.25"}));
}

#[tokio::test]
async fn text_that_is_piped_to_a_known_model_is_its_prompt() {
    let place = Place::new();
    for model in [SCHNELL, SANA] {
        for (text, prompt) in [
            ("a red fox\n", "a red fox"),
            ("a red fox", "a red fox"),
            ("a fox\r\n", "a fox"),
            ("a fox\n\nreads\n\n", "a fox\n\nreads\n"),
            ("- a list\n- of foxes\n", "- a list\n- of foxes"),
        ] {
            let args = ["create", model, "--seed", "7"];
            let input = sent(&place, |place| place.paperboat(args).stdin(text)).await;
            assert_eq!(input, json!({"prompt": prompt, "seed": 7}), "{text:?}");
        }
    }
    // Fields of a file are no prompt.
    place.write("input.json", r#"{"seed": 7}"#);
    let args = ["create", SCHNELL, "--input", "input.json"];
    let input = sent(&place, |place| place.paperboat(args).stdin("a fox\n")).await;
    assert_eq!(input, json!({"prompt": "a fox", "seed": 7}));
}

/// A command that read such a stdin would not end.
#[cfg(unix)]
#[tokio::test]
async fn stdin_is_left_alone_where_a_prompt_is_given_or_none_is_taken() {
    let place = Place::new();
    place.write("input.json", r#"{"prompt": "a fox"}"#);
    for args in [
        ["create", SCHNELL, "a fox"].as_slice(),
        &["create", SCHNELL, "prompt=a fox"],
        &["create", SCHNELL, "--prompt", "a fox"],
        &["create", SCHNELL, "--input", "input.json"],
        &["create", UNKNOWN, "title=a fox"],
        &[
            "create",
            "black-forest-labs/flux-redux-dev",
            "redux_image=https://example.com/a.png",
        ],
    ] {
        let input = sent(&place, |place| place.paperboat(args).open_stdin("x\n")).await;
        assert_ne!(input["prompt"], "x", "{args:?}");
    }
    // Whether an unknown model takes a prompt is not known.
    let server = server().await;
    let call = place.paperboat(["create", UNKNOWN]).open_stdin("a fox\n");
    let ended = call.at(server.origin()).ends(0).await;
    ended.says(&[
        "note: stdin is not read for a model that is not known here",
        "prompt=-",
    ]);
    // Without a prompt, an input that does not fit is refused before stdin is read.
    for (field, said) in [
        ("num_outputs=9", "num_outputs is 9, it takes 1–4"),
        ("promt=a fox", "did you mean prompt?"),
    ] {
        let args = ["create", SCHNELL, field];
        let ended = refused(&place, |place| place.paperboat(args).open_stdin("x\n")).await;
        ended.says(&[said]);
        assert!(!ended.stderr.contains("prompt is missing"));
    }
}

#[tokio::test]
async fn a_stdin_without_a_prompt_is_no_prompt() {
    let place = Place::new();
    let args = ["create", SCHNELL, "seed=7"];
    let missing = "prompt is missing, it takes text";
    // Stdin is /dev/null, as cron and systemd have it, or a pipe that is closed.
    refused(&place, |place| place.paperboat(args))
        .await
        .says(&[missing]);
    let closed = refused(&place, |place| place.paperboat(args).stdin("")).await;
    closed.says(&[missing, "give it as an argument, or on stdin"]);
    let args = ["create", SANA, "seed=7"];
    for stdin in [None, Some("")] {
        let input = sent(&place, |place| match stdin {
            None => place.paperboat(args),
            Some(text) => place.paperboat(args).stdin(text),
        });
        assert_eq!(input.await, json!({"seed": 7}));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminal_is_read_only_where_it_is_named() {
    use crate::pseudo_terminal::PseudoTerminal;

    let place = Place::new();
    let mut terminal = PseudoTerminal::open();
    let args = ["create", SCHNELL, "seed=7"];
    let call = |place| Place::paperboat(place, args).terminal(&terminal.command);
    refused(&place, call).await.says(&["prompt is missing"]);

    let server = server().await;
    let call = place.paperboat(["create", SCHNELL, "-"]);
    let call = call.terminal(&terminal.command).at(server.origin());
    let mut running = call.start();
    running
        .says("reading prompt from the terminal; end it with Ctrl-D")
        .await;
    terminal.types("a fox\n\u{4}");
    running.ends(0).await;
    assert_eq!(server.predictions()[0].input["prompt"], "a fox");
}

#[tokio::test]
async fn stdin_is_read_where_it_is_named() {
    let place = Place::new();
    for args in [
        ["create", SCHNELL, "prompt=-"].as_slice(),
        &["create", SCHNELL, "prompt=@-"],
        &["create", SCHNELL, "--prompt", "-"],
        &["create", SCHNELL, "--prompt=@-"],
        &["create", SCHNELL, "-"],
        &["create", UNKNOWN, "prompt=-"],
        &["create", UNKNOWN, "@-"],
    ] {
        let input = sent(&place, |place| place.paperboat(args).stdin("a fox\n")).await;
        assert_eq!(input, json!({"prompt": "a fox"}), "{args:?}");
    }
    let args = ["create", UNKNOWN, "a fox", "note=@-", "dash=-"];
    let input = sent(&place, |place| place.paperboat(args).stdin("text\n")).await;
    assert_eq!(
        input,
        json!({"prompt": "a fox", "note": "text", "dash": "-"})
    );
    let args = ["create", SCHNELL, "prompt:=\"-\""];
    let input = sent(&place, |place| place.paperboat(args).stdin("text\n")).await;
    assert_eq!(input, json!({"prompt": "-"}));
}

#[tokio::test]
async fn stdin_is_read_once() {
    let place = Place::new();
    for (args, said) in [
        (
            ["create", SCHNELL, "--input", "-", "prompt=-"].as_slice(),
            "prompt: stdin can be read once, and --input reads it",
        ),
        (
            &["create", UNKNOWN, "-", "note=@-"],
            "note: stdin can be read once, and prompt reads it",
        ),
        // What is left of it is no prompt.
        (
            &["create", SCHNELL, "--input", "-"],
            "prompt is missing, it takes text",
        ),
    ] {
        let stdin = r#"{"seed": 7}"#;
        let ended = refused(&place, |place| place.paperboat(args).stdin(stdin)).await;
        ended.says(&[said]);
    }
}

#[tokio::test]
async fn an_empty_prompt_is_refused_unless_it_is_forced() {
    let place = Place::new();
    place.write("blank.txt", " \n");
    place.write("blank.json", r#"{"prompt": ""}"#);
    for model in [SCHNELL, SANA, UNKNOWN] {
        for (args, stdin) in [
            (["create", model, ""].as_slice(), ""),
            (&["create", model, "  "], ""),
            (&["create", model, "prompt="], ""),
            (&["create", model, "prompt=@blank.txt"], ""),
            (&["create", model, "prompt:=\" \""], ""),
            (&["create", model, "--input", "blank.json"], ""),
            (&["create", model, "-"], "\n"),
            (&["run", model, "--dry-run", ""], ""),
        ] {
            let ended = refused(&place, |place| place.paperboat(args).stdin(stdin)).await;
            ended.says(&["prompt is empty", "nothing was sent"]);
            assert!(!ended.stderr.contains("--force"), "{}", ended.stderr);
        }
        let args = ["create", model, "", "--force"];
        let input = sent(&place, |place| place.paperboat(args)).await;
        assert_eq!(input, json!({"prompt": ""}));
    }
    for model in [SCHNELL, SANA] {
        let args = ["create", model];
        let ended = refused(&place, |place| place.paperboat(args).stdin("\n")).await;
        ended.says(&["prompt is empty", "nothing was sent"]);
    }
    let args = ["create", SCHNELL];
    let ended = refused(&place, |place| place.paperboat(args).stdin("GIF89a\u{1}\0")).await;
    ended.says(&["prompt: stdin is not text"]);
}

/// What `script` printed on stderr, and the prompts that it sent.
#[cfg(unix)]
async fn in_shell(place: &Place, shell: &str, script: &str) -> (String, Vec<Value>) {
    let server = server().await;
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_paperboat"));
    let output = tokio::process::Command::new(shell)
        .args(["-c", script])
        .current_dir(place.path(""))
        .env_clear()
        .env("HOME", place.path(""))
        .env("COMETAPI_KEY", crate::place::KEY)
        .env("COMETAPI_BASE_URL", server.origin())
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", bin.parent().unwrap().display()),
        )
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let predictions = server.predictions();
    let prompts = predictions
        .iter()
        .map(|prediction| prediction.input["prompt"].clone());
    (
        String::from_utf8_lossy(&output.stderr).into_owned(),
        prompts.collect(),
    )
}

/// A loop reads its own stdin on, and the command in it takes nothing of it.
#[cfg(unix)]
#[tokio::test]
async fn a_loop_keeps_its_stdin() {
    let place = Place::new();
    place.write("prompts.txt", "a fox\nan owl\na hare\n");
    let prompts = ["a fox", "an owl", "a hare"];
    for shell in ["sh", "bash"] {
        let create = "paperboat create flux-schnell";
        for script in [
            format!("while read -r p; do {create} \"$p\"; done < prompts.txt"),
            format!("cat prompts.txt | while read -r p; do {create} prompt=\"$p\"; done"),
            format!("while read -r p; do echo \"$p\" | {create}; done < prompts.txt"),
        ] {
            let (said, sent) = in_shell(&place, shell, &script).await;
            assert_eq!(sent, prompts, "{script}\n{said}");
        }
        // Here the prompt was forgotten: the rest of the loop's lines is not one.
        let script = format!("while read -r p; do {create} seed=7; done < prompts.txt");
        let (said, sent) = in_shell(&place, shell, &script).await;
        assert!(sent.is_empty(), "{sent:?}");
        let refusal = "prompt is missing, and stdin has been read in part by another command";
        assert_eq!(said.matches(refusal).count(), 3, "{said}");
        assert!(
            said.contains("to read the rest of stdin: prompt=-"),
            "{said}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_a_here_document_and_a_closed_stdin_are_taken_for_what_they_are() {
    let place = Place::new();
    place.write("prompt.txt", "a fox\n");
    let create = "paperboat create flux-schnell";
    for script in [
        format!("{create} < prompt.txt"),
        format!("{create} <<END\na fox\nEND\n"),
        format!("{{ read -r skipped; {create} -; }} <<END\nskipped\na fox\nEND\n"),
    ] {
        let (said, sent) = in_shell(&place, "bash", &script).await;
        assert_eq!(sent, ["a fox"], "{script}\n{said}");
    }
    let (said, sent) = in_shell(&place, "bash", &format!("{create} <&-")).await;
    assert!(said.contains("prompt is missing, it takes text"), "{said}");
    assert!(sent.is_empty());
}
