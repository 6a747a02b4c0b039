//! What the arguments become on the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::place::{Call, Place};
use crate::{SCHNELL, server};

/// A model whose fields are unknown.
const UNKNOWN: &str = "acme/portrait";

/// The smallest PNG there is: one pixel.
pub(crate) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
    \0\0\0\nIDATx\x9cc\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

/// The input that `call` sent.
async fn sent<'p>(call: impl FnOnce(&'p Place) -> Call<'p>, place: &'p Place) -> Value {
    let server = server().await;
    call(place).at(server.origin()).ends(0).await;
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    server.assert_no_violations();
    let mut body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    body["input"].take()
}

#[tokio::test]
async fn pairs_are_json_where_they_parse_and_text_otherwise() {
    let place = Place::new();
    let args = [
        "create",
        SCHNELL,
        "prompt=1984",
        "megapixels=1",
        "num_outputs=2",
        "go_fast=false",
        "aspect_ratio=16:9",
        "seed:=7",
    ];
    let input = sent(|place| place.paperboat(args), &place).await;
    let expected = json!({
        "prompt": "1984",
        "megapixels": "1",
        "num_outputs": 2,
        "go_fast": false,
        "aspect_ratio": "16:9",
        "seed": 7,
    });
    assert_eq!(input, expected);

    let args = [
        "create",
        UNKNOWN,
        "prompt=1984",
        "megapixels=1",
        "note:=\"@\"",
        "title=ein Fuchs, 狐, «=»\n🦊",
        "empty=",
    ];
    let input = sent(|place| place.paperboat(args), &place).await;
    let expected = json!({
        "prompt": "1984",
        "megapixels": 1,
        "note": "@",
        "title": "ein Fuchs, 狐, «=»\n🦊",
        "empty": "",
    });
    assert_eq!(input, expected);
}

#[tokio::test]
async fn a_file_arrives_as_text_or_as_a_data_uri() {
    let place = Place::new();
    place.write("prompt.txt", "ein Fuchs\nliest");
    place.write("fox.png", PNG);
    // No image, and no text either.
    place.write("fox.bin", [0xff, 0x00, 0xfe]);
    let args = [
        "create",
        UNKNOWN,
        "prompt=@prompt.txt",
        "input_image=@fox.png",
        "other=@fox.bin",
    ];
    let input = sent(|place| place.paperboat(args), &place).await;
    let image = input["input_image"].as_str().unwrap();
    let encoded = image.strip_prefix("data:image/png;base64,").unwrap();
    assert_eq!(STANDARD.decode(encoded).unwrap(), PNG);
    assert_eq!(input["prompt"], "ein Fuchs\nliest");
    assert_eq!(input["other"], "data:application/octet-stream;base64,/wD+");
}

#[tokio::test]
async fn pairs_win_over_the_fields_of_a_file() {
    let place = Place::new();
    let fields = r#"{"prompt": "from the file", "seed": 1, "num_outputs": 2}"#;
    place.write("input.json", fields);
    // As some editors save it.
    place.write("marked.json", format!("\u{feff}{fields}"));
    let expected = json!({"prompt": "from the pair", "seed": 1, "num_outputs": 2});
    for (file, stdin) in [("input.json", ""), ("marked.json", ""), ("-", fields)] {
        let args = ["create", SCHNELL, "--input", file, "prompt=from the pair"];
        let input = sent(|place| place.paperboat(args).stdin(stdin), &place).await;
        assert_eq!(input, expected, "{file}");
    }
}

#[tokio::test]
async fn a_long_prompt_arrives_whole() {
    let place = Place::new();
    let prompt = "ein roter Fuchs 🦊 ".repeat(5_000);
    place.write("long.txt", &prompt);
    let input = sent(
        |place| place.paperboat(["create", SCHNELL, "prompt=@long.txt"]),
        &place,
    )
    .await;
    assert_eq!(input["prompt"], prompt);
}

/// Editors mark the encoding of a text file, end it with a line ending, and on some systems end lines
/// with two characters. None of it is a part of the prompt.
#[tokio::test]
async fn a_text_file_loses_its_mark_and_its_last_line_ending() {
    let place = Place::new();
    place.write("p.txt", "\u{feff}a fox\r\nreads\r\n");
    place.write("seed.txt", "\u{feff}7\r\n");
    for model in [SCHNELL, UNKNOWN] {
        let args = ["create", model, "prompt=@p.txt", "seed:=7"];
        let input = sent(|place| place.paperboat(args), &place).await;
        assert_eq!(input, json!({"prompt": "a fox\nreads", "seed": 7}));
    }
    let args = ["create", SCHNELL, "--prompt", "@p.txt", "--seed=@seed.txt"];
    let input = sent(|place| place.paperboat(args), &place).await;
    assert_eq!(input, json!({"prompt": "a fox\nreads", "seed": 7}));
    // An image is sent byte by byte, whatever its bytes look like.
    let image = [PNG, b"\r\n"].concat();
    place.write("fox.png", &image);
    let args = ["create", UNKNOWN, "input_image=@fox.png"];
    let input = sent(|place| place.paperboat(args), &place).await;
    let data = input["input_image"]
        .as_str()
        .unwrap()
        .split_once(',')
        .unwrap()
        .1;
    assert_eq!(STANDARD.decode(data).unwrap(), image);
}

#[tokio::test]
async fn a_value_that_begins_with_a_hyphen_arrives() {
    let place = Place::new();
    let args = [
        "create",
        SCHNELL,
        "--prompt",
        "-dramatic light",
        "--seed",
        "-1",
    ];
    let input = sent(|place| place.paperboat(args), &place).await;
    assert_eq!(input, json!({"prompt": "-dramatic light", "seed": -1}));
}

/// Nothing that an encoder could leave out.
pub(crate) fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let image = image::RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        image::Rgb([a, b, c])
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn an_image_is_scaled_down_on_request_and_what_is_sent_is_said() {
    let place = Place::new();
    place.write("photo.png", noise(640, 480));
    place.write("small.png", PNG);
    let args = ["create", "flux-dev", "a fox", "image=@photo.png"];
    let server = server().await;
    let ended = place.paperboat(args).at(server.origin()).ends(2).await;
    ended.says(&[
        "photo.png has 901 kB and 256 kB can be sent inside a request",
        "to scale it down and encode it anew: --image-max 2048",
    ]);
    assert!(server.requests().is_empty());
    let args = args.iter().chain(&["--image-max", "320"]);
    let mut images = Vec::new();
    for _ in 0..2 {
        let ended = place
            .paperboat(args.clone())
            .at(server.origin())
            .ends(0)
            .await;
        ended.says(&["note: photo.png: 640×480, 901 kB; sent as 320×240 JPEG, "]);
        let body: Value = serde_json::from_slice(&server.requests().pop().unwrap().body).unwrap();
        images.push(body["input"]["image"].as_str().unwrap().to_owned());
    }
    assert!(images[0].starts_with("data:image/jpeg;base64,"));
    assert_eq!(images[0], images[1]);
    let data = images[0].split_once(',').unwrap().1;
    let image = image::load_from_memory(&STANDARD.decode(data).unwrap()).unwrap();
    assert_eq!((image.width(), image.height()), (320, 240));

    let args = [
        "create",
        "flux-dev",
        "a fox",
        "image=@small.png",
        "--image-max",
        "320",
    ];
    let ended = place.paperboat(args).at(server.origin()).ends(0).await;
    assert!(!ended.stderr.contains("sent as"), "{}", ended.stderr);

    // In the rows of a batch, where each run of the command sends the same.
    std::fs::create_dir(place.path("photos")).unwrap();
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        place.write(&format!("photos/{name}.png"), noise(640, 480));
    }
    let args = [
        "batch", "--each", "photos", "a fox", "--model", "flux-dev", "-o", "out",
    ];
    let args = args.iter().chain(&["--image-max", "320"]);
    for created in [7, 0] {
        let ended = place
            .paperboat(args.clone())
            .at(server.origin())
            .ends(0)
            .await;
        ended.says(&[
            "note: photos/a.png: 640×480, 901 kB; sent as 320×240 JPEG, ",
            "note: 2 more images are scaled down",
            &format!("7 rows: 7 succeeded; {created} created in "),
        ]);
    }
}
