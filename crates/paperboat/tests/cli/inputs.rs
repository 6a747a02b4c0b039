//! What is known of a model, held against its input before anything is sent, shown or made.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::place::{Ended, Place};
use crate::{SCHNELL, server};

const PRO_2: &str = "black-forest-labs/flux-2-pro";
const PRO: &str = "black-forest-labs/flux-pro";
const KONTEXT: &str = "black-forest-labs/flux-kontext-pro";

/// Refused with these words, and without a request, a folder or a word about creating.
async fn refused(args: &[&str]) -> Ended {
    let place = Place::new();
    let server = server().await;
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    assert!(server.requests().is_empty());
    assert!(place.names("").is_empty(), "{:?}", place.names(""));
    assert_eq!(ended.stdout, "");
    assert!(!ended.stderr.contains("creating"), "{}", ended.stderr);
    ended
}

/// What was said, and the input that was sent.
async fn sent(place: &Place, args: &[&str]) -> (String, Value) {
    let server = server().await;
    let ended = place.paperboat(args).at(server.origin()).ends(0).await;
    let mut body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    (ended.stderr, body["input"].take())
}

#[tokio::test]
async fn what_does_not_fit_is_refused_a_line_each() {
    let run = ["run", SCHNELL, "promt=x", "num_outputs=9", "-o", "out"];
    assert_snapshot!("refused", refused(&run).await.stderr);
    for (args, said) in [
        (
            ["run", SCHNELL, "promt=x"].as_slice(),
            "did you mean prompt?",
        ),
        (&["create", SCHNELL], "prompt is missing, it takes text"),
        (
            &["create", SCHNELL],
            "give it as an argument, or on stdin: paperboat run black-forest-labs/flux-schnell \"a red fox\"",
        ),
        (
            &["create", SCHNELL, "prompt=x", "--num-outputs", "9"],
            "num_outputs is 9, it takes 1–4",
        ),
        (
            &["create", SCHNELL, "prompt=x", "--go-fast=maybe"],
            "go_fast is \"maybe\", it takes true or false",
        ),
        (
            &["create", SCHNELL, "prompt=x", "megapixels:=1"],
            "megapixels is 1, it takes 1 | 0.25",
        ),
        (
            &["create", SCHNELL, "prompt:=7"],
            "prompt is 7, it takes text",
        ),
        (
            &["create", PRO, "prompt=x", "--width=512"],
            "width counts only with aspect_ratio=custom",
        ),
        (
            &["create", PRO_2, "prompt=x", "input_images=cat.png"],
            "it takes an address (https://…) or a data uri",
        ),
    ] {
        let ended = refused(args).await;
        ended.says(&[said, "nothing was sent"]);
        // A typo is corrected; the check is in the way only where the model may have changed.
        let is_typo = ["did you mean", "missing", "stdin"]
            .iter()
            .any(|word| said.contains(word));
        let offers_force = ended.stderr.contains("to send it anyway: --force");
        assert_eq!(offers_force, !is_typo, "{}", ended.stderr);
    }
}

/// What a file and stdin say is checked, too.
#[tokio::test]
async fn the_fields_of_a_file_are_checked() {
    let place = Place::new();
    let server = server().await;
    let call = place.paperboat(["create", SCHNELL, "--input", "-"]);
    let call = call.stdin(r#"{"prompt": "x", "num_outputs": 9}"#);
    let ended = call.at(server.origin()).ends(2).await;
    ended.says(&["num_outputs is 9, it takes 1–4"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn force_sends_it_with_a_note() {
    let server = cometapi_mock::MockServer::builder()
        .key(crate::place::KEY)
        .start()
        .await
        .unwrap();
    let place = Place::new();
    let args = ["create", SCHNELL, "prompt=x", "num_outputs=9", "--force"];
    let ended = place.paperboat(args).at(server.origin()).ends(1).await;
    assert!(
        ended
            .stderr
            .starts_with("note: num_outputs is 9, it takes 1–4\ncreating"),
        "{}",
        ended.stderr
    );
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(body["input"], json!({"prompt": "x", "num_outputs": 9}));
}

#[tokio::test]
async fn a_warning_is_a_note_said_once() {
    let place = Place::new();
    let image = "input_image_2=https://example.com/a.png";
    let (said, input) = sent(&place, &["create", KONTEXT, "prompt=x", image]).await;
    assert_eq!(said.matches("note: ").count(), 1, "{said}");
    assert!(
        said.starts_with("note: input_image_2 is shown by the gateway's"),
        "{said}"
    );
    assert_eq!(input["input_image_2"], "https://example.com/a.png");
}

#[tokio::test]
async fn flags_and_pairs_arrive_alike() {
    let place = Place::new();
    place.write("prompt.txt", "ein Fuchs");
    let args = [
        "create",
        "--aspect-ratio",
        "custom",
        "--go-fast",
        "false",
        "black-forest-labs/flux-2-dev",
        "--prompt=@prompt.txt",
        "--width",
        "512",
        "height=512",
        "--seed",
        "-1",
    ];
    let (_, input) = sent(&place, &args).await;
    let expected = json!({
        "prompt": "ein Fuchs",
        "aspect_ratio": "custom",
        "width": 512,
        "height": 512,
        "seed": -1,
        "go_fast": false,
    });
    assert_eq!(input, expected);
}

#[tokio::test]
async fn a_switch_is_turned_on_and_off_and_n_is_the_number_of_outputs() {
    let place = Place::new();
    for (flags, go_fast) in [
        (["--go-fast", "-n2"].as_slice(), true),
        (&["--go-fast", "true", "-n", "2"], true),
        (&["--go-fast", "false", "-n", "2"], false),
        (&["--go-fast=false", "--num-outputs", "2"], false),
        (&["--no-go-fast", "-n=2"], false),
    ] {
        for command in ["create", "run"] {
            let args = [command].into_iter().chain(flags.iter().copied());
            let args: Vec<_> = args.chain([SCHNELL, "a fox", "megapixels=0.25"]).collect();
            let (_, input) = sent(&place, &args).await;
            let expected = json!({
                "prompt": "a fox", "megapixels": "0.25", "go_fast": go_fast, "num_outputs": 2,
            });
            assert_eq!(input, expected, "{args:?}");
        }
    }
    let (_, input) = sent(&place, &["create", SCHNELL, "--go-fast", "a fox"]).await;
    assert_eq!(input, json!({"prompt": "a fox", "go_fast": true}));
    refused(&["create", PRO_2, "a fox", "-n", "2"])
        .await
        .says(&["unknown flag -n", PRO_2]);
}

#[tokio::test]
async fn a_choice_may_be_spelled_in_another_way_unless_it_is_forced() {
    let place = Place::new();
    place.write(
        "input.json",
        r#"{"prompt": "JPEG", "output_format": "JPEG"}"#,
    );
    for args in [
        ["create", SCHNELL, "JPEG", "output_format=jpeg"].as_slice(),
        &["create", SCHNELL, "JPEG", "--output-format", "JPG"],
        &["create", SCHNELL, "JPEG", "output_format:=\"Jpeg\""],
        &["create", SCHNELL, "--input", "input.json"],
    ] {
        let (said, input) = sent(&place, args).await;
        let expected = json!({"prompt": "JPEG", "output_format": "jpg"});
        assert_eq!(input, expected, "{args:?}");
        assert!(!said.contains("note"), "{said}");
    }
    refused(&["create", SCHNELL, "x", "output_format=jpgs"])
        .await
        .says(&["output_format is \"jpgs\", it takes webp | jpg | png"]);

    let server = cometapi_mock::MockServer::builder()
        .key(crate::place::KEY)
        .start()
        .await
        .unwrap();
    let args = ["create", SCHNELL, "x", "output_format=PNG", "--force"];
    let ended = place.paperboat(args).at(server.origin()).ends(1).await;
    ended.says(&["note: output_format is \"PNG\""]);
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(body["input"]["output_format"], "PNG");
}

/// Two rows that differ only in the spelling are the same row.
#[tokio::test]
async fn a_row_is_read_as_arguments_are() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "prompt,output_format\na fox,JPEG\nan owl,Png\n");
    let batch = |file: &'static str| {
        let args = ["batch", file, "--model", SCHNELL, "-o"];
        let args: Vec<_> = args.into_iter().chain([&file[..file.len() - 4]]).collect();
        place.paperboat(args).at(server.origin())
    };
    batch("rows.csv").ends(0).await;
    let mut formats: Vec<_> = server
        .predictions()
        .iter()
        .map(|prediction| prediction.input["output_format"].clone())
        .collect();
    formats.sort_by_key(ToString::to_string);
    assert_eq!(formats, ["jpg", "png"]);

    let requests = server.requests().len();
    place.write("blank.csv", "prompt,seed\na fox,1\n  ,2\n");
    batch("blank.csv")
        .ends(2)
        .await
        .says(&["prompt is empty, it takes text"]);
    assert_eq!(server.requests().len(), requests);
}

/// The name of a file is not its content.
#[tokio::test]
async fn a_bare_path_of_a_file_is_answered_with_the_form_that_sends_it() {
    let place = Place::new();
    place.write("photo.jpg", b"\xff\xd8\xff\xe0");
    place.write("prompt.txt", "a fox");
    let server = server().await;
    for (args, said) in [
        (
            ["create", KONTEXT, "x", "input_image=photo.jpg"].as_slice(),
            "to send that file: input_image=@photo.jpg",
        ),
        (
            &["create", PRO_2, "x", "--input-images", "photo.jpg"],
            "input_images=@photo.jpg",
        ),
    ] {
        let ended = place.paperboat(args).at(server.origin()).ends(2).await;
        ended.says(&[said, "nothing was sent"]);
    }
    assert!(server.requests().is_empty());
    for (args, said) in [
        (
            ["create", "acme/portrait", "x", "photo=photo.jpg"],
            "note: photo is the text \"photo.jpg\"; to send the file of that name: photo=@photo.jpg\n",
        ),
        (
            ["create", SCHNELL, "prompt.txt", "seed=1"],
            "note: prompt is the text \"prompt.txt\"; to send the file of that name: prompt=@prompt.txt\n",
        ),
    ] {
        place
            .paperboat(args)
            .at(server.origin())
            .ends(0)
            .await
            .says(&[said]);
    }
}

#[tokio::test]
async fn a_list_grows_by_each_file() {
    let place = Place::new();
    place.write("a.png", b"\x89PNG\r\n\x1a\n\0");
    let args = [
        "create",
        PRO_2,
        "prompt=x",
        "input_images=@a.png",
        "--input-images",
        "https://example.com/b.png",
        "input_images=@a.png",
    ];
    let (_, input) = sent(&place, &args).await;
    let here = "data:image/png;base64,iVBORw0KGgoA";
    assert_eq!(
        input["input_images"],
        json!([here, "https://example.com/b.png", here])
    );
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_until_more_is_allowed() {
    let place = Place::new();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.resize(257 * 1024, 0);
    place.write("large.png", png);
    let server = server().await;
    for (model, field) in [
        ("black-forest-labs/flux-dev", "image=@large.png"),
        (PRO_2, "input_images=@large.png"),
        ("acme/portrait", "photo=@large.png"),
    ] {
        let args = ["create", model, "prompt=x", field];
        let ended = place.paperboat(args).at(server.origin()).ends(2).await;
        ended.says(&[
            ": large.png has 257 kB and 256 kB can be sent inside a request; put it where",
            "--max-file-size SIZE",
        ]);
    }
    assert!(server.requests().is_empty());
    let args = ["create", "acme/portrait", "prompt=x", "photo=@large.png"];
    let more = place.paperboat(args.iter().chain(&["--max-file-size", "300kB"]));
    more.at(server.origin()).ends(0).await;
    assert_eq!(server.create_requests(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_text_is_no_prompt() {
    let place = Place::new();
    place.write("fox.png", b"\x89PNG\r\n\x1a\n\0");
    place.write("empty.png", "");
    for (args, said) in [
        (
            ["create", SCHNELL, "prompt=@fox.png"],
            "prompt: fox.png is not text",
        ),
        (
            ["create", "black-forest-labs/flux-dev", "image=@empty.png"],
            "image: empty.png is empty; give an image",
        ),
    ] {
        place.paperboat(args).ends(2).await.says(&[said]);
    }
}

#[tokio::test]
async fn a_misspelled_model_is_refused_with_the_right_name_unless_it_is_forced() {
    for name in [
        "black-forest-labs/flux-schnel",
        "black-forest-labs/FLUX-schnell",
    ] {
        for command in ["run", "create"] {
            let ended = refused(&[command, name, "prompt=x"]).await;
            let meant = format!("did you mean {SCHNELL}?");
            ended.says(&[name, "nothing was sent", &meant, "--force"]);
        }
    }
    let near = "black-forest-labs/flux-schnel";
    let run = ["run", near, "prompt=x", "-o", "out"];
    assert_snapshot!("misspelled_model", refused(&run).await.stderr);
    let place = Place::new();
    let create = ["create", near, "prompt=x", "num_outputs=9", "--force"];
    let (said, input) = sent(&place, &create).await;
    let note = "note: black-forest-labs/flux-schnel is not a model known here; did you mean \
                black-forest-labs/flux-schnell? it is sent unchecked\n";
    assert!(said.starts_with(note), "{said}");
    assert_eq!(input["num_outputs"], 9);
}

#[tokio::test]
async fn a_model_with_a_similar_name_runs_with_a_note() {
    let place = Place::new();
    let near = "black-forest-labs/flux_schnell";
    let (said, input) = sent(&place, &["create", near, "prompt=x", "num_outputs=9"]).await;
    let note = "note: black-forest-labs/flux_schnell is not a model known here; did you mean \
                black-forest-labs/flux-schnell? it is sent unchecked\n";
    assert!(said.starts_with(note), "{said}");
    assert_eq!(input["num_outputs"], 9);
    // Of another version or another owner, nothing is said.
    for other in ["acme/portrait", "black-forest-labs/flux-7-pro"] {
        let (said, _) = sent(&place, &["create", other, "prompt=x"]).await;
        assert!(!said.contains("note"), "{said}");
    }
}

#[tokio::test]
async fn a_short_name_is_sent_as_the_whole_name() {
    let place = Place::new();
    let server = server().await;
    let args = [
        "run",
        "flux-schnell",
        "--seed",
        "7",
        "prompt=x",
        "megapixels=0.25",
        "-o",
        "out",
    ];
    place.paperboat(args).at(server.origin()).ends(0).await;
    assert_eq!(server.predictions()[0].model, SCHNELL);
    let listed = place
        .paperboat(["list", "--model", "flux-schnell"])
        .ends(0)
        .await;
    assert!(
        listed.stdout.contains(&server.predictions()[0].id),
        "{}",
        listed.stdout
    );
    refused(&["create", "flux-schnell", "promt=x"])
        .await
        .says(&["did you mean prompt?"]);
    refused(&["create", "kontext", "prompt=x"])
        .await
        .says(&["black-forest-labs/flux-kontext-max, black-forest-labs/flux-kontext-pro"]);
}

/// In JSON, which says itself what a value is.
#[tokio::test]
async fn a_number_in_quotes_is_sent_as_the_number_unless_it_is_forced() {
    let place = Place::new();
    place.write(
        "input.json",
        r#"{"prompt": "7", "num_outputs": "2", "go_fast": "true", "megapixels": "1"}"#,
    );
    let args = ["create", SCHNELL, "--input", "input.json", "seed:=\"7\""];
    let (_, input) = sent(&place, &args).await;
    let expected = json!({
        "prompt": "7", "num_outputs": 2, "go_fast": true, "megapixels": "1", "seed": 7,
    });
    assert_eq!(input, expected);
    let listed = place.listed(&[]).await;
    assert_eq!(listed[0]["input"], expected);

    let server = cometapi_mock::MockServer::builder()
        .key(crate::place::KEY)
        .start()
        .await
        .unwrap();
    let args = args.iter().chain(&["--force"]);
    place.paperboat(args).at(server.origin()).ends(1).await;
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    assert_eq!(body["input"]["num_outputs"], "2");
}

#[tokio::test]
async fn a_flag_without_a_known_model_and_a_name_without_its_owner_are_refused() {
    let near = [
        "run",
        "black-forest-labs/flux-schnel",
        "--aspect-ratio",
        "16:9",
    ];
    assert_snapshot!("flag_of_unknown_model", refused(&near).await.stderr);
    let bare = ["run", "flux-schnel", "--aspect-ratio", "16:9"];
    assert_snapshot!("name_without_owner", refused(&bare).await.stderr);
    let slip = ["run", SCHNELL, "--aspect-rato", "16:9"];
    assert_snapshot!("flag_misspelt", refused(&slip).await.stderr);
}

/// No field has the name that ends at the first `=` of a prompt.
#[tokio::test]
async fn a_prompt_with_an_equals_sign_is_not_advised_to_be_forced() {
    let advice = "if it is the prompt: prompt='E=mc2 on a blackboard'";
    let run = ["run", "flux-schnell", "E=mc2 on a blackboard"];
    let ended = refused(&run).await;
    ended.says(&["E is not one of its fields", advice]);
    for other in ["--force", "a red fox"] {
        assert!(!ended.stderr.contains(other), "{}", ended.stderr);
    }
    let place = Place::new();
    let call = place.paperboat(run).at("http://127.0.0.1:9").stdin("a fox");
    call.ends(2).await.says(&[advice]);
    for args in [
        ["run", "flux-schnell", "prompt=x", "hat=red"],
        ["run", "flux-schnell", "prompt=x", "promt=a fox"],
    ] {
        let ended = refused(&args).await;
        assert!(!ended.stderr.contains("if it is the prompt"), "{args:?}");
    }
}
