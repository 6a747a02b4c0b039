//! A sheet as people keep it, and prompts in a text file.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cometapi_mock::MockServer;
use serde_json::json;

use super::{batch_of, files, inputs};
use crate::place::{Call, Place};
use crate::server;
use crate::values::PNG;

fn data_uri(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

/// `batch sheet/rows.csv` of a model that takes an image.
fn sheet<'p>(place: &'p Place, server: &MockServer, text: &str, more: &[&str]) -> Call<'p> {
    fs::create_dir_all(place.path("sheet/photos")).unwrap();
    place.write("sheet/rows.csv", text);
    place.write("sheet/photos/fuchs 1.png", PNG);
    let args = [
        "batch",
        "sheet/rows.csv",
        "--model",
        "flux-dev",
        "-o",
        "out",
    ];
    place.paperboat(args.iter().chain(more)).at(server.origin())
}

/// As a German Excel saves it.
const SHEET: &str = "\u{feff}ID;Kunde & Ort;Prompt;Image;Guidance;Megapixels;guidance 2\r\n\
                     fuchs;ACME, Köln;ein Fuchs;@photos/fuchs 1.png;3,5;0.25;\r\n\
                     boot;;\"ein \"\"Boot\"\"; rot\";;;0.25;hoch\r\n\
                     ;;;;;;\r\n";

#[tokio::test]
async fn a_sheet_with_labels_semicolons_and_photos_runs_as_it_is() {
    let place = Place::new();
    let server = server().await;
    let ended = sheet(&place, &server, SHEET, &[]).ends(0).await;
    ended.says(&[
        "note: line 1: column \"Kunde & Ort\" is not a field of flux-dev: kept as a label\n",
        "note: line 1: column \"guidance 2\" is not a field of flux-dev: kept as a label\n",
        "2 rows: 2 succeeded; 2 created in ",
    ]);
    assert_eq!(ended.stderr.matches("kept as a label").count(), 2);
    assert_eq!(
        inputs(&server),
        [
            json!({
                "prompt": "ein Fuchs",
                "image": data_uri(PNG),
                "guidance": 3.5,
                "megapixels": "0.25",
            }),
            json!({"prompt": "ein \"Boot\"; rot", "megapixels": "0.25"}),
        ]
    );
    assert_eq!(place.names("out"), files(&["boot", "fuchs"]));

    // Labels are no part of what a row is: another client is not another prediction.
    let moved = SHEET.replace("ACME, Köln", "Umbrella, Bonn");
    let again = sheet(&place, &server, &moved, &[]).ends(0).await;
    again.says(&["0 created in "]);
    // What the row says of a file is its content.
    let other = SHEET.replace("@photos/fuchs 1.png", "@photos/kopie.png");
    place.write("sheet/photos/kopie.png", PNG);
    let again = sheet(&place, &server, &other, &[]).ends(0).await;
    again.says(&["0 created in "]);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_column_that_may_be_a_slip_is_noted_with_the_field() {
    let place = Place::new();
    let server = server().await;
    place.write("rows.csv", "prompt,megapixels,aspect_ratios\na,0.25,16:9\n");
    let ended = batch_of(&place, &server, "rows.csv", &["--dry-run"])
        .ends(0)
        .await;
    ended.says(&[
        "note: line 1: column \"aspect_ratios\" is not a field of flux-schnell: kept as a label; \
         did you mean aspect_ratio?",
    ]);
    // Also where it explains what is wrong with every row.
    place.write("rows.csv", "promt;seed\nx;1\n");
    let ended = batch_of(&place, &server, "rows.csv", &["--dry-run"])
        .ends(2)
        .await;
    ended.says(&[
        "note: line 1: column \"promt\" is not a field of flux-schnell: kept as a label; did you mean \
         prompt?",
        "line 2: prompt is missing",
    ]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_photo_that_is_missing_or_too_large_names_its_row_and_path() {
    let place = Place::new();
    let server = server().await;
    fs::create_dir_all(place.path("sheet")).unwrap();
    let mut large = PNG.to_vec();
    large.resize(257 * 1024, 0);
    place.write("sheet/large.png", large);
    let text = "prompt,image\na,@none.png\nb,@large.png\nc,@\n";
    let ended = sheet(&place, &server, text, &[]).ends(2).await;
    ended.says(&[
        "nothing was sent, because rows cannot be used",
        "line 2, image: none.png: cannot be read: ",
        "line 3, image: large.png: has 257 kB and 256 kB can be sent inside a request",
        "; to scale it down and encode it anew: --image-max 2048; to allow more: --max-file-size \
         SIZE, such as 1MB",
        "line 4, image: no file is named after @",
    ]);
    assert!(server.requests().is_empty());
    let text = "prompt,image\nb,@large.png\n";
    let more = ["--max-file-size", "300kB"];
    sheet(&place, &server, text, &more).ends(0).await;
    assert_eq!(server.create_requests(), 1);
}

/// From stdin, paths are relative to the current folder.
#[tokio::test]
async fn json_rows_have_labels_and_photos_too() {
    let place = Place::new();
    let server = server().await;
    place.write("a.png", PNG);
    let row = r#"{"id": "a", "prompt": "@a.png", "image": "@a.png", "megapixels": "0.25", "labels": {"client": "ACME", "no": 7}}"#;
    let args = ["batch", "-", "--model", "flux-dev", "-o", "out"];
    let call = place.paperboat(args).stdin(row).at(server.origin());
    call.ends(0).await;
    let sent = json!({"prompt": "@a.png", "image": data_uri(PNG), "megapixels": "0.25"});
    assert_eq!(inputs(&server), [sent]);
    // What is neither a field nor a label is refused as ever.
    let row = r#"{"prompt": "x", "client": "ACME"}"#;
    let call = place.paperboat(args).stdin(row).at(server.origin());
    let ended = call.ends(2).await;
    ended.says(&["line 1: client is not one of its fields"]);
}

#[tokio::test]
async fn a_text_file_is_one_prompt_a_line() {
    let place = Place::new();
    let text = "\u{feff}# a red fox\r\n\r\n@a paper boat, 16:9\r\n";
    place.write("prompts.txt", text);
    let sent = ["# a red fox", "@a paper boat, 16:9"]
        .map(|prompt| json!({"prompt": prompt, "megapixels": "0.25"}));
    for (file, more) in [("prompts.txt", &[][..]), ("-", &["--format", "text"])] {
        let server = server().await;
        let args = [
            "batch",
            file,
            "megapixels=0.25",
            "--model",
            "flux-schnell",
            "-o",
        ];
        let out = format!("out-{}", more.len());
        let call = place.paperboat(
            args.iter()
                .copied()
                .chain([out.as_str()])
                .chain(more.iter().copied()),
        );
        let call = if file == "-" { call.stdin(text) } else { call };
        call.at(server.origin()).ends(0).await;
        assert_eq!(inputs(&server), sent);
    }
    let ended = place.paperboat(["batch", "prompts.txt", "-o", "x", "--mock"]);
    let ended = ended.ends(2).await;
    ended.says(&["line 1, model: there is none: give each row one, or one for all rows"]);
}
