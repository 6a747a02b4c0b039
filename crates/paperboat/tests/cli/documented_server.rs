//! A server that answers as the pages of the service do, byte for byte where they show bytes:
//! made without the mock, so that the two cannot be wrong together.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::SCHNELL;
use crate::place::{KEY, Place};

const ID: &str = "q4chw5rey9rmt0cww76t4h3ma4";

fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contract/fixtures");
    std::fs::read(fixtures.join(name)).unwrap()
}

/// Serves the documented create and a poll that is over, under `root`.
async fn documented(root: &str) -> MockServer {
    let server = MockServer::start().await;
    let answer = fixture("create-documented-2026-03-12.json");
    let request = fixture("create-request-documented-2026-03-12.json");
    let request: Value = serde_json::from_slice(&request).unwrap();
    let bearer = format!("Bearer {KEY}");

    Mock::given(method("POST"))
        .and(path(format!("{root}/models/{SCHNELL}/predictions")))
        .and(header("authorization", bearer.as_str()))
        .and(header("content-type", "application/json"))
        .and(body_json(request))
        .respond_with(ResponseTemplate::new(200).set_body_raw(answer.clone(), "application/json"))
        .expect(1)
        .mount(&server)
        .await;

    let mut done: Value = serde_json::from_slice(&answer).unwrap();
    done["status"] = "succeeded".into();
    done["output"] = json!([format!("{}/xezq/fox.png", server.uri())]);
    Mock::given(method("GET"))
        .and(path(format!("{root}/predictions/{ID}")))
        .and(header("authorization", bearer.as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(done))
        .expect(1)
        .mount(&server)
        .await;

    let mut png = Cursor::new(Vec::new());
    let image = DynamicImage::new_rgb8(8, 8);
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    Mock::given(method("GET"))
        .and(path("/xezq/fox.png"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(png.into_inner(), "image/png"))
        .expect(1)
        .mount(&server)
        .await;
    server
}

/// Runs the documented create against the documented server under `root`, which the client
/// is shown with its origin and `given`, with `more` arguments.
async fn runs(root: &str, given: &str, more: &[&str]) {
    let place = Place::new();
    place.write(
        "request.json",
        serde_json::from_slice::<Value>(&fixture("create-request-documented-2026-03-12.json"))
            .unwrap()["input"]
            .to_string(),
    );
    let server = documented(root).await;
    let base_url = format!("{}{given}", server.uri());
    let args = ["run", SCHNELL, "--input", "request.json", "-o", "out"];
    let args = args.iter().chain(more);
    let ended = place.paperboat(args).at(&base_url).ends(0).await;
    assert_eq!(ended.id(), ID);
    assert_eq!(ended.stdout, format!("out/{ID}.png\n"));
    let image = image::open(place.path("out").join(format!("{ID}.png"))).unwrap();
    assert_eq!((image.width(), image.height()), (8, 8));

    server.verify().await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    // The file is on the same host here, and still no business of the key's.
    assert!(!requests[2].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_run_against_the_documents_however_the_base_url_is_given() {
    tokio::join!(
        runs("/replicate/v1", "", &[]),
        runs("/replicate/v1", "/", &[]),
        runs("/replicate/v1", "/replicate/v1", &[]),
        runs("/replicate/v1", "/replicate/v1/", &["--base-url-as-is"]),
        // Replicate's own paths, on a host that is not CometAPI's.
        runs("/v1", "/v1", &[]),
        runs("/v1", "/v1//", &[]),
        // The paths at the root, as a mock made from the spec has them.
        runs("", "", &["--base-url-as-is"]),
        runs("", "//", &["--base-url-as-is"]),
    );
}
