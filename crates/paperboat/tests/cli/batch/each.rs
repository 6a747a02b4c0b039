//! A row for each file of a folder.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cometapi_mock::{Ending, Fault, MockServer};
use serde_json::{Value, json};

use super::{files, inputs};
use crate::place::{Call, Place, requested};
use crate::server;
use crate::values::PNG;

fn photos(place: &Place, names: &[&str]) {
    for name in names {
        let path = place.path("photos").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Each is another file.
        fs::write(path, [PNG, name.as_bytes()].concat()).unwrap();
    }
}

/// `batch`, at a server, with a prompt and a model that takes an image.
fn each<'p>(place: &'p Place, server: &MockServer, args: &[&str]) -> Call<'p> {
    let common = ["batch", "--model", "flux-dev", "-o", "out"];
    let more = ["prompt=as a watercolor", "megapixels=0.25"];
    let args = common.iter().chain(args).chain(&more);
    place.paperboat(args).at(server.origin())
}

/// The ends of the files that were sent.
fn sent(server: &MockServer) -> Vec<String> {
    let image = |input: &Value| {
        let uri = input["image"].as_str().unwrap().to_owned();
        let data = uri.strip_prefix("data:image/png;base64,").unwrap();
        let bytes = STANDARD.decode(data).unwrap();
        String::from_utf8(bytes.strip_prefix(PNG).unwrap().to_vec()).unwrap()
    };
    let mut sent: Vec<_> = inputs(server).iter().map(image).collect();
    sent.sort();
    sent
}

#[tokio::test]
async fn each_file_that_matches_is_a_row() {
    let names = ["a.jpg", "b.png", "c.png", ".hidden.png", "notes.txt"];
    for (given, expected) in [
        (&["--each", "photos"][..], &["a.jpg", "b.png", "c.png"][..]),
        (&["--each", "photos/*.png"], &["b.png", "c.png"]),
        (
            &["--each", "photos/[ab].*", "--field", "image"],
            &["a.jpg", "b.png"],
        ),
        // As a shell expands it.
        (
            &["--each", "photos/a.jpg", "photos/b.png"],
            &["a.jpg", "b.png"],
        ),
        (
            &["photos/c.png", "--each", "photos/a.jpg"],
            &["a.jpg", "c.png"],
        ),
    ] {
        let place = Place::new();
        let server = server().await;
        photos(&place, &names);
        each(&place, &server, given).ends(0).await;
        assert_eq!(sent(&server), expected, "{given:?}");
        let ids: Vec<_> = expected
            .iter()
            .map(|name| name.split_once('.').unwrap().0)
            .collect();
        assert_eq!(place.names("out"), files(&ids), "{given:?}");
    }
}

/// An id does not depend on the other files, or a finished row would be paid for again.
#[tokio::test]
async fn a_second_file_of_an_id_is_refused_and_costs_nothing() {
    let place = Place::new();
    let server = server().await;
    photos(&place, &["a.png", "b/a.png"]);
    let pattern = ["--each", "photos/**/*.*"];
    each(&place, &server, &pattern).ends(0).await;
    photos(&place, &["a.jpg"]);
    let ended = each(&place, &server, &pattern).ends(2).await;
    ended.says(&[
        "--each: photos/a.jpg and photos/a.png have the same id, \"a\"",
        "rename one of them",
        "or take one kind with a pattern: --each 'photos/*.jpg'",
    ]);
    let ended = each(&place, &server, &["--each", "photos/*.png"])
        .ends(0)
        .await;
    ended.says(&["0 created in "]);
    assert_eq!(server.create_requests(), 2);
}

#[tokio::test]
async fn a_photo_whose_name_holds_a_comma_can_be_chosen() {
    let place = Place::new();
    let server = server().await;
    photos(&place, &["Berlin, 2024.png", "a.png", "b.png"]);
    for (only, created) in [("Berlin, 2024", 1), ("a, b", 2)] {
        let more = ["--each", "photos", "--only", only];
        let ended = each(&place, &server, &more).ends(0).await;
        ended.says(&[&format!("{created} created in ")]);
    }
    assert_eq!(place.names("out"), files(&["Berlin, 2024", "a", "b"]));
}

/// An error names the image: no file has lines.
#[tokio::test]
async fn an_error_in_a_row_names_its_image() {
    let place = Place::new();
    let server = server().await;
    photos(&place, &["a.png", "b.png"]);
    each(&place, &server, &["--each", "photos"]).ends(0).await;
    fs::write(place.path("photos/b.png"), [PNG, b"another"].concat()).unwrap();
    let ended = each(&place, &server, &["--each", "photos"]).ends(2).await;
    ended.says(&["photos/b.png, id: \"b\" was created with another image"]);
    let ended = each(&place, &server, &["--each", "photos", "--skip-bad"])
        .ends(0)
        .await;
    ended.says(&["skipped: photos/b.png, id: \"b\" was created"]);
    let bad = ["--each", "photos", "sed=1"];
    let ended = each(&place, &server, &bad).ends(2).await;
    ended.says(&[
        "photos/a.png: sed is not one of its fields, did you mean seed? (and in 1 more row)",
    ]);
    photos(&place, &["c.png"]);
    server.on_end(Ending::failed("no"));
    let one = ["--each", "photos/c.png"];
    let ended = each(&place, &server, &one).ends(3).await;
    ended.says(&["photos/c.png (c)"]);
}

#[tokio::test]
async fn a_list_gets_the_file_and_an_unknown_model_the_field_that_is_named() {
    let place = Place::new();
    photos(&place, &["a.png"]);
    for (model, more, value) in [
        ("flux-2-pro", &[][..], json!("input_images")),
        ("acme/portrait", &["--field", "photo"], json!("photo")),
    ] {
        let server = server().await;
        let out = model.replace('/', "-");
        let args = [
            "batch", "--each", "photos", "a fox", "--model", model, "-o", &out,
        ];
        let call = place.paperboat(args.iter().chain(more));
        call.at(server.origin()).ends(0).await;
        let input = &inputs(&server)[0];
        let sent = &input[value.as_str().unwrap()];
        let uri = sent.get(0).unwrap_or(sent).as_str().unwrap();
        assert!(uri.starts_with("data:image/png;base64,"), "{uri}");
        assert_eq!(sent.is_array(), model == "flux-2-pro");
        assert_eq!(input["prompt"], "a fox");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_said_before_anything_is_sent() {
    let place = Place::new();
    photos(&place, &["a.png"]);
    place.write("rows.csv", "prompt\nx\n");
    fs::create_dir(place.path("empty")).unwrap();
    for (args, said) in [
        (
            &["--each", "photos/*.gif"][..],
            "--each: no file matches photos/*.gif",
        ),
        (&["--each", "none"], "--each: no file matches none"),
        (
            &["--each", "photos", "rows.csv"],
            "rows.csv is a file of rows, and --each makes the rows itself",
        ),
        (
            &["--each", "empty"],
            "--each: empty holds no image (jpg, jpeg, png, webp, gif)",
        ),
        (
            &["--each", "photos", "--field", "images"],
            "images is not a field of black-forest-labs/flux-dev",
        ),
        (
            &["--each", "photos", "--field", "prompt"],
            "--field: prompt of black-forest-labs/flux-dev takes text, and no file",
        ),
        (
            &["--each", "photos", "--model", "flux-schnell"],
            "black-forest-labs/flux-schnell takes no image",
        ),
        (&["rows.csv", "--field", "image"], "--each <GLOB|DIR>"),
        (&[], "<FILE|-"),
    ] {
        let mut line = vec!["batch", "-o", "out", "--mock", "--model", "flux-dev"];
        line.extend(args);
        let ended = place.paperboat(line).ends(2).await;
        ended.says(&[said]);
    }
    for (model, said) in [
        (
            &["--model", "flux-schnell"][..],
            "black-forest-labs/flux-schnell takes no image",
        ),
        (
            &["--model", "acme/portrait"],
            "--each needs the field for its files",
        ),
        (&[], "--each needs the model of its rows"),
    ] {
        let line = ["batch", "-o", "out", "--mock", "--each", "photos"];
        let ended = place.paperboat(line.iter().chain(model)).ends(2).await;
        ended.says(&[said]);
    }
    let line = [
        "batch", "photos", "-o", "out", "--mock", "--model", "flux-dev",
    ];
    let ended = place.paperboat(line).ends(2).await;
    ended.says(&["photos is a folder", "--each photos"]);
    assert!(!place.path("out").exists());
}

/// A pattern matches more than was meant.
#[tokio::test]
async fn a_note_beside_the_photos_is_not_sent_as_one() {
    let place = Place::new();
    let server = server().await;
    photos(&place, &["a.png"]);
    place.write("photos/notes.md", "a note");
    let ended = each(&place, &server, &["--each", "photos/*"]).ends(2).await;
    ended.says(&["photos/notes.md, image: is text, and image takes an image"]);
    assert!(server.requests().is_empty() && !place.path("out").exists());
    let skipping = ["--each", "photos/*", "--skip-bad", "--dry-run"];
    let ended = each(&place, &server, &skipping).ends(0).await;
    assert_eq!(ended.lines()[0], "to create         1");
}

/// Waits until `count` predictions exist and each of them has been polled.
async fn held(server: &MockServer, count: usize) {
    for requests in 1.. {
        requested(server, requests).await;
        let requests = server.requests();
        let polled = |id: &str| {
            let mut polls = requests.iter().filter(|sent| sent.method == "GET");
            polls.any(|sent| sent.id.as_deref() == Some(id))
        };
        let held = server.predictions();
        if held.len() == count && held.iter().all(|held| polled(&held.id)) {
            return;
        }
    }
}

/// Two hundred photos, of which the first process finishes sixty and the second sixty more.
#[tokio::test]
async fn two_hundred_photos_killed_twice_are_two_hundred_files() {
    let place = Place::new();
    let server = server().await;
    let ids: Vec<_> = (100..300).map(|number| format!("photo {number}")).collect();
    let names: Vec<_> = ids.iter().map(|id| format!("{id}.png")).collect();
    photos(
        &place,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let run = || each(&place, &server, &["--each", "photos/*.png", "--jobs", "4"]);
    for (polls, created) in [(60, 64), (64, 128)] {
        server.on_poll(Fault::BadGatewayPage.always().skip(polls));
        let running = run().start();
        // Four run and nothing else is on its way.
        held(&server, created).await;
        running.kill().await;
        server.clear_plans();
    }
    let ended = run().ends(0).await;
    ended.says(&["200 rows: 200 succeeded; 72 created in "]);
    assert_eq!(server.create_requests(), 200);
    assert_eq!(server.predictions().len(), 200);
    assert_eq!(sent(&server), names);
    assert_eq!(place.names("out").len(), 200);
    let ended = run().ends(0).await;
    ended.says(&["0 created in "]);
    server.assert_no_violations();
    // Each of them is in the index once, whichever process ran it.
    let index = fs::read_to_string(place.path("out/index.jsonl")).unwrap();
    let lines = index.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let parts = [
            &line["row"],
            &line["file"],
            &line["labels"]["file"],
            &line["status"],
        ];
        parts.map(|part| part.as_str().unwrap().to_owned())
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    let expected = ids.iter().map(|id| {
        let (file, photo) = (format!("{id}.webp"), format!("photos/{id}.png"));
        [id.clone(), file, photo, "succeeded".to_owned()]
    });
    assert_eq!(lines, expected.collect::<Vec<_>>());
}
