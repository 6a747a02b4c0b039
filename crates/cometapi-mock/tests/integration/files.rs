//! Images, as a download sees them.

use cometapi_mock::{MockServer, Pace};
use image::{GenericImageView as _, ImageFormat};
use reqwest::Response;
use serde_json::{Value, json};

use crate::client::{KONTEXT, SCHNELL, created_of, header, http, polled};

async fn server() -> MockServer {
    let builder = MockServer::builder().pace(Pace::instant());
    builder.start().await.unwrap()
}

async fn outputs(server: &MockServer, model: &str, input: Value) -> Vec<String> {
    let id = created_of(server, model, input).await;
    let output = polled(server, &id).await["output"].clone();
    match output {
        Value::String(url) => vec![url],
        Value::Array(urls) => urls
            .into_iter()
            .map(|url| url.as_str().unwrap().to_owned())
            .collect(),
        other => panic!("{other}"),
    }
}

async fn download(url: &str) -> Response {
    http().get(url).send().await.unwrap()
}

#[tokio::test]
async fn come_from_another_origin_in_the_format_and_shape_asked_for() {
    let server = server().await;
    assert_ne!(server.origin(), server.files_origin());
    for (model, format, ratio, kind, media, size) in [
        (
            SCHNELL,
            "webp",
            "16:9",
            ImageFormat::WebP,
            "image/webp",
            (1344, 768),
        ),
        (
            SCHNELL,
            "png",
            "9:16",
            ImageFormat::Png,
            "image/png",
            (768, 1344),
        ),
        (
            KONTEXT,
            "jpg",
            "1:1",
            ImageFormat::Jpeg,
            "image/jpeg",
            (1024, 1024),
        ),
    ] {
        let input = json!({"prompt": "p", "output_format": format, "aspect_ratio": ratio});
        let urls = outputs(&server, model, input).await;
        assert_eq!(urls.len(), 1);
        assert!(urls[0].starts_with(&format!("{}/xezq/", server.files_origin())));

        let response = download(&urls[0]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), media);
        let bytes = response.bytes().await.unwrap();
        let image = image::load_from_memory_with_format(&bytes, kind).unwrap();
        assert_eq!(image.dimensions(), size);
    }
    assert_eq!(server.file_requests().len(), 3);
    assert_eq!(server.requests().len(), 6);
    server.assert_no_violations();
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_each_of_many_its_own() {
    let server = server().await;
    let input = json!({
        "prompt": "p", "seed": 7, "num_outputs": 2, "output_format": "png", "megapixels": "0.25",
    });
    let mut files = Vec::new();
    for _ in 0..2 {
        for url in outputs(&server, SCHNELL, input.clone()).await {
            files.push(download(&url).await.bytes().await.unwrap());
        }
    }
    assert_eq!(files.len(), 4);
    assert!(files[0] == files[2] && files[1] == files[3]);
    assert!(files[0] != files[1]);
}

#[tokio::test]
async fn exist_only_once_the_prediction_has_succeeded() {
    let server = MockServer::builder()
        .pace(Pace::polls(1, 0))
        .start()
        .await
        .unwrap();
    let id = created_of(
        &server,
        SCHNELL,
        json!({"prompt": "p", "megapixels": "0.25"}),
    )
    .await;
    let url = format!("{}/xezq/{id}/out-0.webp", server.files_origin());
    assert_eq!(download(&url).await.status(), 404);
    polled(&server, &id).await;
    assert_eq!(download(&url).await.status(), 404);
    polled(&server, &id).await;
    assert_eq!(download(&url).await.status(), 200);
    let other = url.replace("out-0", "out-1");
    assert_eq!(download(&other).await.status(), 404);
    server.remove_data(&id);
    assert_eq!(download(&url).await.status(), 404);
    let seen: Vec<_> = server
        .file_requests()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(seen, vec![Some(id); 5]);
}

#[tokio::test]
async fn a_head_tells_the_length_and_other_methods_nothing() {
    let server = server().await;
    let input = json!({"prompt": "p", "megapixels": "0.25"});
    let url = outputs(&server, SCHNELL, input).await.remove(0);
    let whole = download(&url).await.bytes().await.unwrap();
    let head = http().head(&url).send().await.unwrap();
    assert_eq!(header(&head, "content-length"), whole.len().to_string());
    let put = http().put(&url).send().await.unwrap();
    assert_eq!(put.status(), 405);
    assert_eq!(header(&put, "allow"), "GET, HEAD");
}
