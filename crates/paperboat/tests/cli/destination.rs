//! Where files go: `-o` as a name, as a template, as stdout, and what the ledger remembers.

use cometapi_mock::{Ending, Fault};
use serde_json::json;

use crate::place::{Ended, Place};
use crate::{SCHNELL, created, fox, server};

#[tokio::test]
async fn a_name_of_a_known_type_is_the_file() {
    let place = Place::new();
    let run = |more: &[&str]| {
        let args = ["run", "--mock", SCHNELL, "a red fox", "megapixels=0.25"];
        place.paperboat(args.iter().chain(more))
    };
    let ended = run(&["-o", "fox.png"]).ends(0).await;
    assert_eq!(ended.stdout, "fox.png\n");
    let png = std::fs::read(place.path("fox.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    // Nothing is replaced, also not a file of another type.
    let ended = run(&["-o", "fox.jpeg"]).ends(0).await;
    assert_eq!(ended.stdout, "fox-2.jpg\n");
    let ended = run(&["-o", "fox.png", "output_format=webp"]).ends(0).await;
    assert_eq!(ended.stdout, "fox-3.webp\n");
    ended.says(&["note: the service returned webp; saved as fox-3.webp"]);
    let ended = run(&["-o", "all/fox.webp", "num_outputs=2"]).ends(0).await;
    assert_eq!(ended.lines(), ["all/fox.webp", "all/fox__2.webp"]);
    assert_eq!(std::fs::read(place.path("fox.png")).unwrap(), png);
}

#[tokio::test]
async fn a_template_names_files_by_the_input() {
    let place = Place::new();
    let run = |template: &str| {
        let args = [
            "run",
            "--mock",
            SCHNELL,
            "a red fox",
            "seed=7",
            "num_outputs=2",
            "-o",
        ];
        place.paperboat(args.into_iter().chain([template]))
    };
    let ended = run("out/{model}/{prompt:5}-{seed}-{index}.{ext}")
        .ends(0)
        .await;
    let names = [1, 2].map(|index| format!("out/flux-schnell/a red-7-{index}.webp"));
    assert_eq!(ended.lines(), names);
    let ended = run("{id}.{ext}").ends(0).await;
    let id = ended.id();
    assert_eq!(
        ended.lines(),
        [format!("{id}.webp"), format!("{id}__2.webp")]
    );
    for (template, said) in [
        (
            "{hat}.{ext}",
            "{hat}.{ext} holds {hat}, and the input has no field of that name",
        ),
        ("{seed", "holds a \"{\" without a \"}\""),
    ] {
        run(template).ends(2).await.says(&[said]);
    }
}

#[tokio::test]
async fn stdout_takes_one_file_and_nothing_else() {
    let place = Place::new();
    let server = server().await;
    let file = std::fs::File::create(place.path("fox.png")).unwrap();
    let run = fox(&place, "run", &["-o", "-", "output_format=png"]);
    run.at(server.origin()).stdout(file).ends(0).await;
    let bytes = std::fs::read(place.path("fox.png")).unwrap();
    assert!(image::load_from_memory(&bytes).is_ok());
    assert_eq!(place.names("."), [".local", "fox.png"]);

    let creates = server.create_requests();
    for (more, said) in [
        (&["--json"][..], "-o - and --json both write to stdout"),
        (
            &["num_outputs=2"],
            "stdout takes one file, and num_outputs is 2",
        ),
    ] {
        let refused = fox(
            &place,
            "run",
            &["-o", "-"].iter().chain(more).copied().collect::<Vec<_>>(),
        );
        refused.at(server.origin()).ends(2).await.says(&[said]);
    }
    assert_eq!(server.create_requests(), creates);

    server.on_end(Ending::Output(json!("so be it")));
    let text = place.paperboat(["run", "acme/chat", "prompt=x", "-o", "-"]);
    assert_eq!(text.at(server.origin()).ends(0).await.stdout, "so be it\n");
}

#[tokio::test]
async fn several_files_are_saved_where_stdout_was_to_take_one() {
    let place = Place::new();
    let server = server().await;
    let id = created_pair(&place, &server).await;
    let wait = place
        .paperboat(["wait", &id, "-o", "-"])
        .at(server.origin());
    let ended = wait.ends(0).await;
    ended.says(&["note: the output is more than one file, so it is saved in the current folder"]);
    let names = [format!("./{id}.webp"), format!("./{id}__2.webp")];
    assert_eq!(ended.lines(), names);
}

/// A prediction of two files.
async fn created_pair(place: &Place, server: &cometapi_mock::MockServer) -> String {
    let create = fox(place, "create", &["num_outputs=2"]).at(server.origin());
    create.ends(0).await.stdout.trim().to_owned()
}

/// `run -o` that could not save its file; the id.
async fn unsaved(place: &Place, server: &cometapi_mock::MockServer, output: &str) -> String {
    server.on_file(Fault::IndexPage);
    let run = fox(place, "run", &["-o", output]).at(server.origin());
    run.ends(1).await.id().to_owned()
}

#[tokio::test]
async fn the_ledger_remembers_the_folder_and_the_name() {
    let place = Place::new();
    let server = server().await;
    let (one, other) = (
        unsaved(&place, &server, "out").await,
        unsaved(&place, &server, "named/fox-{seed}.{ext}").await,
    );
    let wait = async |id: &str, more: &[&str], code| -> Ended {
        let args = ["wait", id].into_iter().chain(more.iter().copied());
        place.paperboat(args).at(server.origin()).ends(code).await
    };
    let root = place.path("").canonicalize().unwrap();
    let ended = wait(&one, &[], 0).await;
    let out = root.join("out");
    assert_eq!(ended.stdout, format!("{}/{one}.webp\n", out.display()));
    ended.says(&[&format!(
        "note: saving in {}, the folder that it was created for; for another: -o",
        out.display()
    )]);
    let ended = wait(&other, &[], 0).await;
    let named = root.join("named/fox-.webp");
    assert_eq!(ended.stdout, format!("{}\n", named.display()));
    // Found again by its record, not by its name.
    let ended = wait(&other, &[], 0).await;
    assert_eq!(ended.stdout, format!("{}\n", named.display()));
    ended.says(&["was there already"]);
    assert_eq!(place.names("named"), ["fox-.webp"]);
    let ended = wait(&other, &["-o", "else"], 0).await;
    assert_eq!(ended.stdout, format!("else/{other}.webp\n"));
}

#[tokio::test]
async fn without_a_folder_nothing_is_remembered() {
    let place = Place::new();
    let server = server().await;
    let id = created(&place, &server).await;
    let ended = place
        .paperboat(["wait", &id])
        .at(server.origin())
        .ends(0)
        .await;
    assert!(
        !ended.stderr.contains("note: saving in"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_sidecar_holds_the_prediction() {
    let place = Place::new();
    let server = server().await;
    let run = fox(&place, "run", &["-o", "fox.webp", "--sidecar"]);
    let ended = run.at(server.origin()).ends(0).await;
    assert_eq!(ended.stdout, "fox.webp\n");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(place.path(name)).unwrap()).unwrap()
    };
    let sidecar = read("fox.webp.json");
    assert_eq!(sidecar["id"], ended.id());
    assert_eq!(sidecar["input"]["prompt"], "a red fox");
    assert_eq!(sidecar["saved"], json!(["fox.webp"]));

    place.write("rows.jsonl", r#"{"id": "a", "prompt": "a fox"}"#);
    let batch = [
        "batch",
        "rows.jsonl",
        "--model",
        SCHNELL,
        "-o",
        "out",
        "--sidecar",
    ];
    place.paperboat(batch).at(server.origin()).ends(0).await;
    assert_eq!(read("out/a.webp.json")["saved"], json!(["a.webp"]));

    // A file of the user's is left alone.
    place.write("cat.webp.json", "{}");
    let run = fox(&place, "run", &["-o", "cat.webp", "--sidecar"]);
    let ended = run.at(server.origin()).ends(0).await;
    ended.says(&["note: cat.webp.json was not written: a file of that name is there already"]);
    assert_eq!(read("cat.webp.json"), json!({}));
}

/// The same name, the same prediction, and the same file.
#[tokio::test]
async fn a_prediction_of_a_name_has_one_file() {
    let place = Place::new();
    let server = server().await;
    let more = ["--once", "cover", "-o", "fox.png"];
    for said in ["saving", "note: fox.png was there already"] {
        let ended = fox(&place, "run", &more).at(server.origin()).ends(0).await;
        assert_eq!(ended.stdout, "fox.png\n");
        ended.says(&[said]);
    }
    // Where it was saved is remembered without -o, too.
    let ended = fox(&place, "run", &["--once", "cover", "output_format=png"]);
    let ended = ended.at(server.origin()).ends(0).await;
    assert_eq!(ended.stdout, "fox.png\n");
    assert_eq!(server.create_requests(), 1);
}

#[tokio::test]
async fn what_is_for_one_prediction_is_refused_for_several() {
    let place = Place::new();
    let server = server().await;
    for (args, said) in [
        (
            &["wait", "--all", "-o", "fox.png"][..],
            "-o takes a folder where all predictions",
        ),
        (
            &["wait", "--all", "-o", "-"],
            "-o takes a folder where all predictions",
        ),
        (
            &["wait", "x1", "x2", "-o", "-"],
            "stdout takes the file of one prediction",
        ),
        (
            &["wait", "x1", "-o", "-", "--json"],
            "-o - and --json both write to stdout",
        ),
    ] {
        let ended = place.paperboat(args).at(server.origin()).ends(2).await;
        ended.says(&[said]);
    }
    assert!(server.requests().is_empty());
    assert!(!place.path("fox.png").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_terminal_gets_no_file() {
    let place = Place::new();
    let server = server().await;
    let terminal = crate::pseudo_terminal::PseudoTerminal::open();
    terminal.drain();
    let run = fox(&place, "run", &["-o", "-"]).at(server.origin());
    let ended = run
        .stdout(terminal.command.try_clone().unwrap())
        .ends(2)
        .await;
    ended.says(&["stdout is a terminal, which cannot show a file; nothing was sent"]);
    assert_eq!(server.create_requests(), 0);

    // What is paid for is saved.
    let id = created(&place, &server).await;
    let wait = place
        .paperboat(["wait", &id, "-o", "-"])
        .at(server.origin());
    let ended = wait
        .stdout(terminal.command.try_clone().unwrap())
        .ends(0)
        .await;
    ended.says(&["note: stdout is a terminal, which cannot show a file, so it is saved in the current folder"]);
    assert!(place.path(format!("{id}.webp")).exists());
}
