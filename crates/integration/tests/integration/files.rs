//! Files are saved complete, without the key, under names that collide with nothing.

use std::path::Path;
use std::time::Duration;

use cometapi::{Client, ErrorKind, OutputFile, OutputText, SavedFile};
use cometapi_mock::{Ending, Fault, MockServer};
use serde_json::json;

use crate::setup::{SCHNELL, builder, client, input, mock, quick_download};

async fn output(client: &Client) -> OutputFile {
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    done.files()[0].clone()
}

pub(crate) async fn output_of(server: &MockServer, client: &Client, url: &str) -> OutputFile {
    server.on_end(Ending::Output(json!(url)));
    output(client).await
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_image_is_saved_under_its_id_position_and_kind() {
    let server = mock().await;
    let client = client(&server);
    let folder = tempfile::tempdir().unwrap();
    for (format, kind) in [
        ("png", image::ImageFormat::Png),
        ("webp", image::ImageFormat::WebP),
        ("jpg", image::ImageFormat::Jpeg),
    ] {
        let request = json!({"prompt": "x", "aspect_ratio": "16:9", "output_format": format, "num_outputs": 2});
        let done = client.run_model(SCHNELL, request).await.unwrap();
        for file in done.files() {
            let saved = file.save_in(folder.path().join("deep/er")).await.unwrap();
            let name = saved.path.file_name().unwrap().to_str().unwrap();
            let place = ["", "__2"][file.position()];
            let expected = format!("{}{place}.{format}", done.prediction().id());
            assert_eq!(name, expected);
            let bytes = std::fs::read(&saved.path).unwrap();
            assert_eq!(bytes.len() as u64, saved.bytes);
            assert_eq!(image::guess_format(&bytes).unwrap(), kind);
            let image = image::load_from_memory(&bytes).unwrap();
            let ratio = f64::from(image.width()) / f64::from(image.height());
            assert!((ratio - 16.0 / 9.0).abs() < 0.05, "{ratio}");
            assert_eq!(file.bytes().await.unwrap(), bytes);
        }
    }
}

#[tokio::test]
async fn the_key_never_reaches_the_files_host() {
    let server = mock().await;
    let file = output(&client(&server)).await;
    file.bytes().await.unwrap();
    server.on_file(Fault::FileMoved);
    file.bytes().await.unwrap();
    let requests = server.file_requests();
    assert!(requests.len() >= 3, "{requests:?}");
    for request in requests {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn what_is_there_is_never_overwritten() {
    let server = mock().await;
    let file = output(&client(&server)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.png");
    std::fs::write(&path, "precious").unwrap();
    let error = file.save_to(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    file.save_in(folder.path()).await.unwrap();
    assert_eq!(
        file.save_in(folder.path()).await.unwrap_err().kind(),
        ErrorKind::File
    );
    assert_eq!(names(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_file_is_overwritten_if_asked_and_only_by_a_complete_one() {
    let server = mock().await;
    let client = client(&server);
    let file = output(&client).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fox.webp");
    std::fs::write(&path, "old").unwrap();
    let saved = file.save_in(folder.path()).name("fox");
    assert_eq!(saved.await.unwrap_err().kind(), ErrorKind::File);
    server.on_file(Fault::FileGone);
    file.save_in(folder.path())
        .name("fox")
        .overwrite()
        .await
        .unwrap_err();
    server.clear_plans();
    assert_eq!(std::fs::read(&path).unwrap(), b"old");

    let saved = file
        .save_in(folder.path())
        .overwrite()
        .name("fox")
        .await
        .unwrap();
    assert_eq!(saved.path, path);
    assert_eq!(std::fs::read(&path).unwrap().len() as u64, saved.bytes);
    std::fs::write(&path, "old").unwrap();
    assert_eq!(file.save_to(&path).overwrite().await.unwrap(), saved);
    assert_eq!(std::fs::read(&path).unwrap().len() as u64, saved.bytes);
    assert_eq!(names(folder.path()), ["fox.webp"]);

    server.on_end(Ending::Output(json!("a fox")));
    let done = client.run_model(SCHNELL, input()).await.unwrap();
    let text = OutputText::of(done.prediction());
    text.save_in(folder.path()).name("text").await.unwrap();
    text.save_in(folder.path()).name("text").await.unwrap_err();
    text.save_in(folder.path())
        .name("text")
        .overwrite()
        .await
        .unwrap();
    assert_eq!(names(folder.path()), ["fox.webp", "text.txt"]);
    let error = text.save_in(folder.path()).name("../x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    // A folder has the name.
    std::fs::create_dir(folder.path().join("taken.webp")).unwrap();
    let error = file
        .save_in(folder.path())
        .name("taken")
        .overwrite()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    assert_eq!(names(folder.path()).len(), 3);
}

/// Another process: it has what was stored, and sends nothing to the API.
#[tokio::test]
async fn files_are_fetched_from_a_stored_prediction_or_its_urls() {
    let server = mock().await;
    let done = client(&server).run_model(SCHNELL, input()).await.unwrap();
    let stored = serde_json::to_string(done.prediction()).unwrap();
    let url = done.files()[0].url().to_owned();
    let requests = server.requests().len();

    let client = client(&server);
    let prediction: cometapi::Prediction = serde_json::from_str(&stored).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saved = client.files(&prediction)[0]
        .save_in(folder.path())
        .await
        .unwrap();
    let name = format!("{}.webp", done.prediction().id());
    assert_eq!(saved.path.file_name().unwrap(), name.as_str());

    let file = client.file(&url);
    assert_eq!((file.prediction_id(), file.url()), (None, url.as_str()));
    let by_url = file.save_in(folder.path()).await.unwrap();
    assert_eq!(
        SavedFile::find(folder.path(), client.file(&url).stem()),
        Some(by_url.clone())
    );
    assert_eq!(
        std::fs::read(by_url.path).unwrap(),
        std::fs::read(saved.path).unwrap()
    );
    assert_eq!(server.requests().len(), requests);

    for (url, why) in [
        ("ftp://a/0.png", "only https: and http: are fetched"),
        ("http://10.0.0.1/0.png", "private network"),
        ("out-0.png", "not a URL"),
        (
            &format!("https://a/{}.png", crate::setup::KEY),
            "contains the API key",
        ),
    ] {
        let error = client.file(url).bytes().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.prediction_id()),
            (ErrorKind::Download, None)
        );
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_fault_on_the_way_is_repeated_and_leaves_nothing_behind() {
    let server = mock().await;
    let file = output(&client(&server)).await;
    for fault in [
        Fault::CutBody,
        Fault::Close,
        Fault::Reset,
        Fault::BadGatewayPage,
        Fault::EmptyTooManyRequests,
    ] {
        let folder = tempfile::tempdir().unwrap();
        server.on_file(fault.clone());
        let saved = file.save_in(folder.path()).await.unwrap();
        assert!(image::open(&saved.path).is_ok(), "{fault:?}");
        assert_eq!(names(folder.path()).len(), 1, "{fault:?}");
    }
    for fault in [Fault::CutBody, Fault::Close, Fault::BadGatewayPage] {
        let folder = tempfile::tempdir().unwrap();
        server.on_file(fault.always());
        let error = file.save_in(folder.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert_eq!(error.prediction_id(), file.prediction_id());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        server.clear_plans();
    }
}

#[tokio::test]
async fn what_is_gone_or_not_a_file_is_said() {
    let server = mock().await;
    let file = output(&client(&server)).await;
    server.on_file(Fault::FileGone);
    assert_eq!(file.bytes().await.unwrap_err().kind(), ErrorKind::Expired);
    server.on_file(Fault::IndexPage);
    let error = file.bytes().await.unwrap_err();
    assert!(error.to_string().contains("web page"), "{error}");
}

#[tokio::test]
async fn the_size_is_capped() {
    let server = mock().await;
    let mut policy = quick_download();
    policy.max_bytes = 1000;
    let client = builder(server.base_url())
        .download_policy(policy)
        .build()
        .unwrap();
    let error = output(&client).await.bytes().await.unwrap_err();
    assert!(
        error.to_string().contains("larger than the 1000 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn only_safe_addresses_are_fetched() {
    let server = mock().await;
    let client = client(&server);
    for text in ["http://[::1", "data:image/png;base64,###"] {
        server.on_end(Ending::Output(json!(text)));
        let done = client.run_model(SCHNELL, input()).await.unwrap();
        assert!(done.files().is_empty(), "{text}");
    }
    // Against a public service, an address on a private network is an attack.
    let public = builder("https://api.cometapi.com").build().unwrap();
    for (url, reason) in [
        ("http://127.0.0.1/x", "private network"),
        ("http://localhost/x", "private network"),
        ("http://10.0.0.1/x", "private network"),
        ("http://169.254.169.254/x", "link-local"),
        ("http://[::1]/x", "private network"),
        ("http://192.168.1.1/", "private network"),
        ("http://[fd00::1]/", "private network"),
    ] {
        server.on_end(Ending::Output(json!(url)));
        let done = client.run_model(SCHNELL, input()).await.unwrap();
        let error = public.files(done.prediction())[0]
            .bytes()
            .await
            .unwrap_err();
        assert!(error.to_string().contains(reason), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_data_uri_is_a_file_like_any_other() {
    let server = mock().await;
    let client = client(&server);
    let folder = tempfile::tempdir().unwrap();
    let file = output_of(&server, &client, "data:text/plain;base64,aGVsbG8=").await;
    let saved = file.save_in(folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&saved.path).unwrap(), b"hello");
    assert_eq!(saved.path.extension().unwrap(), "txt");
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let server = mock().await;
    let file = output(&client(&server)).await;
    let target = file.url().to_owned();
    server.on_file(Fault::Found(target).always());
    let error = file.bytes().await.unwrap_err();
    assert!(error.to_string().contains("redirects"), "{error}");
    assert_eq!(server.file_requests().len(), 6, "one and five hops");
}

fn content() -> Vec<u8> {
    let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
    content.extend((0..992u32).map(|i| u8::try_from(i % 251).unwrap()));
    content
}

/// A host of files that gives these responses, one per connection, and returns what it was
/// asked.
pub(crate) async fn host(
    path: &str,
    responses: Vec<Vec<u8>>,
) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{path}", listener.local_addr().unwrap());
    let requests = tokio::spawn(async move {
        let mut requests = Vec::new();
        for response in responses {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            requests.push(String::from_utf8_lossy(&request[..read]).to_ascii_lowercase());
            socket.write_all(&response).await.unwrap();
        }
        requests
    });
    (url, requests)
}

/// A response of this body, whose head has `fields` besides its length.
pub(crate) fn response(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{fields}connection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_file_that_comes_encoded_is_decoded() {
    let octets = "content-type: application/octet-stream\r\n";
    let file = content();
    for (encoding, body) in [
        ("gzip", gzip(&file)),
        ("x-gzip", gzip(&file)),
        ("deflate", zlib(&file)),
        ("gzip, deflate", zlib(&gzip(&file))),
        ("identity", file.clone()),
    ] {
        let server = mock().await;
        let client = client(&server);
        let fields = format!("{octets}content-encoding: {encoding}\r\n");
        let (url, requests) = host("/a.png", vec![response(&fields, &body)]).await;
        let output = output_of(&server, &client, &url).await;
        let folder = tempfile::tempdir().unwrap();
        let saved = output.save_in(folder.path()).await.unwrap();
        assert_eq!(std::fs::read(&saved.path).unwrap(), file, "{encoding}");
        assert_eq!(
            (saved.bytes, saved.media_type.as_str()),
            (1000, "image/png")
        );
        let requests = requests.await.unwrap();
        assert!(!requests[0].contains("accept-encoding"), "{}", requests[0]);
    }
}

#[tokio::test]
async fn an_encoding_that_cannot_be_decoded_is_named() {
    let server = mock().await;
    let client = client(&server);
    let fields = "content-encoding: br\r\n";
    let (url, _requests) = host("/a.png", vec![response(fields, &content())]).await;
    let error = output_of(&server, &client, &url)
        .await
        .bytes()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the content encoding \"br\" is not supported");
}

/// Its second attempt asks for all of it, though the host gives parts: a part of the encoded
/// file cannot be decoded by itself.
#[tokio::test]
async fn an_encoded_file_that_breaks_off_is_never_resumed() {
    let server = mock().await;
    let client = client(&server);
    let fields = "content-encoding: gzip\r\naccept-ranges: bytes\r\netag: \"v1\"\r\n";
    // Random enough not to be compressed into a few bytes.
    let file: Vec<u8> = (0..200_000u32)
        .map(|i| u8::try_from(i.wrapping_mul(2_654_435_761) >> 24).unwrap())
        .collect();
    let whole = response(fields, &gzip(&file));
    let cut = whole[..whole.len() / 2].to_vec();
    // Its length is right, and the encoded data in it is cut.
    let short = response(fields, &gzip(&file)[..500]);
    let (url, requests) = host("/a.bin", vec![cut, short, whole]).await;
    let output = output_of(&server, &client, &url).await;
    let folder = tempfile::tempdir().unwrap();
    let saved = output.save_in(folder.path()).await.unwrap();
    assert_eq!(std::fs::read(&saved.path).unwrap(), file);
    assert_eq!(names(folder.path()).len(), 1);
    for request in requests.await.unwrap() {
        assert!(!request.contains("range:"), "{request}");
    }
}

/// A file of a megabyte that comes as a thousand bytes.
#[tokio::test]
async fn the_cap_counts_decoded_bytes() {
    let server = mock().await;
    let mut policy = quick_download();
    policy.max_bytes = 100_000;
    let client = builder(server.base_url())
        .download_policy(policy)
        .build()
        .unwrap();
    let fields = "content-encoding: gzip\r\n";
    let responses = vec![response(fields, &gzip(&vec![0; 1_000_000]))];
    let (url, _requests) = host("/a.bin", responses).await;
    let error = output_of(&server, &client, &url)
        .await
        .bytes()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("larger than the 100000 bytes"),
        "{error}"
    );
    // What is encoded may be larger than what is allowed, if the file is not.
    let small = vec![response(fields, &gzip(&[7; 100_000]))];
    let (url, _requests) = host("/a.bin", small).await;
    let bytes = output_of(&server, &client, &url)
        .await
        .bytes()
        .await
        .unwrap();
    assert_eq!(bytes.len(), 100_000);
}

#[tokio::test]
async fn an_empty_file_may_fill_and_is_never_a_success() {
    let server = mock().await;
    let client = client(&server);
    let empty = || response("content-type: image/png\r\n", b"");
    let encoded = || response("content-encoding: gzip\r\n", &gzip(b""));
    let whole = response("", &content());
    let (url, _requests) = host("/a.png", vec![empty(), encoded(), whole]).await;
    let output = output_of(&server, &client, &url).await;
    assert_eq!(output.bytes().await.unwrap(), content());
    for response in [empty(), encoded()] {
        let (url, requests) = host("/a.png", vec![response; 4]).await;
        let output = output_of(&server, &client, &url).await;
        let folder = tempfile::tempdir().unwrap();
        let error = output.save_in(folder.path()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert_eq!(error.to_string(), "the file is empty (http 200)");
        assert_eq!(names(folder.path()), Vec::<String>::new());
        assert_eq!(requests.await.unwrap().len(), 4);
    }
    let output = output_of(&server, &client, "data:image/png;base64,").await;
    let error = output.bytes().await.unwrap_err();
    assert_eq!(error.to_string(), "the file is empty");
}

#[tokio::test]
async fn the_extension_comes_from_content_claim_or_url() {
    let server = mock().await;
    let client = client(&server);
    let octets = "content-type: application/octet-stream\r\n";
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\0";
    for (path, fields, body, extension) in [
        ("/out.mp4", octets, &heic[..], "heic"),
        ("/x/out.ply?sig=a.b/c.d", octets, b"ply\n", "ply"),
        (
            "/out.safetensors",
            octets,
            b"\x64\x86\0\0\0\0\0\0{}",
            "safetensors",
        ),
        ("/out.csv", "content-type: text/plain\r\n", b"a,b\n", "csv"),
        ("/out.dat", "content-type: model/obj\r\n", b"v 0 0 0", "obj"),
        ("/out", "", b"abc", "bin"),
    ] {
        let (url, _requests) = host(path, vec![response(fields, body)]).await;
        let output = output_of(&server, &client, &url).await;
        let folder = tempfile::tempdir().unwrap();
        let saved = output.save_in(folder.path()).await.unwrap();
        assert_eq!(saved.path.extension().unwrap(), extension, "{path}");
        let found = SavedFile::find(folder.path(), output.stem()).unwrap();
        assert_eq!((found.path, found.bytes), (saved.path, saved.bytes));
    }
}

/// A response whose body comes in pieces of these sizes; the last one repeats.
fn pieces(fields: &str, body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut response =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{fields}\r\n").into_bytes();
    let mut rest = body;
    let mut sizes = sizes.iter().copied();
    let mut size = 1;
    while !rest.is_empty() {
        size = sizes.next().unwrap_or(size).min(rest.len());
        let (piece, after) = rest.split_at(size);
        response.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        response.extend_from_slice(piece);
        response.extend_from_slice(b"\r\n");
        rest = after;
    }
    response.extend_from_slice(b"0\r\n\r\n");
    response
}

#[tokio::test]
async fn a_type_is_not_decided_by_the_first_piece() {
    let server = mock().await;
    let client = client(&server);
    for sizes in [&[1][..], &[4, 996], &[7, 1], &[8, 1000]] {
        let (url, _requests) = host("/a", vec![pieces("", &content(), sizes)]).await;
        let output = output_of(&server, &client, &url).await;
        let folder = tempfile::tempdir().unwrap();
        let saved = output.save_in(folder.path()).await.unwrap();
        assert_eq!(saved.media_type, "image/png", "{sizes:?}");
        assert_eq!(std::fs::read(&saved.path).unwrap(), content());
    }
}

/// Whatever it begins with, whatever its host and its address call it, and however it comes.
#[tokio::test]
async fn a_web_page_is_never_saved() {
    let server = mock().await;
    let client = client(&server);
    let long = format!("<!-- {} -->\n<html>", "licence ".repeat(1000));
    for page in [
        "<!doctype html><title>Sign in</title>",
        "\u{feff}<!DOCTYPE html><p>Sign in",
        "\u{feff}\r\n <html><p>Sign in",
        "<!-- a proxy -->\n<html>",
        "<head><title>Sign in</title></head>",
        "<?xml version=\"1.0\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        &format!("{}<html>", " ".repeat(5000)),
        &long,
    ] {
        let octets = "content-type: image/png\r\nconnection: close\r\n";
        let cut = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n",
            page.as_bytes(),
        ];
        let cut = cut.concat();
        for responses in [
            vec![pieces(octets, page.as_bytes(), &[1])],
            vec![pieces(octets, page.as_bytes(), &[1, 20_000])],
            vec![response(octets, page.as_bytes())],
            // What breaks off before it can be decided is decided by the next attempt.
            vec![cut[..60].to_vec(), response(octets, page.as_bytes())],
        ] {
            let (url, _requests) = host("/a.png", responses).await;
            let output = output_of(&server, &client, &url).await;
            let folder = tempfile::tempdir().unwrap();
            let error = output.save_in(folder.path()).await.unwrap_err();
            assert!(
                error.to_string().contains("with a web page"),
                "{page:.60}: {error}"
            );
            assert_eq!(names(folder.path()), Vec::<String>::new());
        }
    }
}

/// Some models make pages, such as charts.
#[tokio::test]
async fn a_web_page_is_saved_where_its_address_names_one() {
    const PAGE: &str = "<!doctype html><title>A chart</title>";
    let server = mock().await;
    let client = client(&server);
    let page = response("content-type: text/html\r\n", PAGE.as_bytes());
    let (url, _requests) = host("/chart.html?a=1", vec![page.clone()]).await;
    let output = output_of(&server, &client, &url).await;
    let folder = tempfile::tempdir().unwrap();
    let saved = output.save_in(folder.path()).await.unwrap();
    assert_eq!(saved.media_type, "text/html");
    assert_eq!(names(folder.path()), [format!("{}.html", output.stem())]);
    assert_eq!(std::fs::read(&saved.path).unwrap(), PAGE.as_bytes());

    // Where a redirect leads to a page, it may ask to sign in.
    let to = "HTTP/1.1 302 Found\r\nlocation: /sign-in.html\r\ncontent-length: 0\r\n\
              connection: close\r\n\r\n";
    let (url, _requests) = host("/chart", vec![to.into(), page]).await;
    let output = output_of(&server, &client, &url).await;
    let error = output.save_in(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("with a web page"), "{error}");
}

/// A host that cannot give the file now says when it can.
#[tokio::test]
async fn a_host_that_asks_for_too_long_a_delay_is_not_asked_again() {
    let server = mock().await;
    let client = client(&server);
    let busy = |status: &str, fields: &str| {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n{fields}\r\n\r\n");
        head.into_bytes()
    };
    // The second is a date: as the host's clock has it, not this machine's.
    let date = "date: Fri, 20 Mar 2026 08:15:30 GMT\r\nretry-after: Fri, 20 Mar 2026 09:15:30 GMT";
    for (status, fields, text) in [
        ("503 Service Unavailable", "retry-after: 3600", "failed"),
        ("429 Too Many Requests", date, "is busy"),
    ] {
        let (url, requests) = host("/a.png", vec![busy(status, fields)]).await;
        let output = output_of(&server, &client, &url).await;
        let error = output.bytes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.is_transient());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
        let expected = format!(
            "the file's host {text}; it asks to retry after 3600 s (http {})",
            &status[..3]
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(requests.await.unwrap().len(), 1);
    }
    // A date that has passed for the host asks for no delay.
    let passed =
        "date: Fri, 20 Mar 2099 08:15:30 GMT\r\nretry-after: Fri, 20 Mar 2099 08:15:30 GMT";
    let responses = vec![
        busy("503 Service Unavailable", passed),
        busy("429 Too Many Requests", "retry-after: 0"),
        response("", &content()),
    ];
    let (url, _requests) = host("/a.png", responses).await;
    let output = output_of(&server, &client, &url).await;
    assert_eq!(output.bytes().await.unwrap(), content());
}

/// A host that sends the beginning of a file, and the rest on request.
async fn pausing_host() -> (String, tokio::sync::oneshot::Sender<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png", listener.local_addr().unwrap());
    let (go_on, awaited) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let _ = socket.read(&mut request).await.unwrap();
        let body = [content(), content()].concat();
        let response = response("", &body);
        let (start, rest) = response.split_at(response.len() - 500);
        socket.write_all(start).await.unwrap();
        let _ = awaited.await;
        socket.write_all(rest).await.unwrap();
    });
    (url, go_on)
}

#[tokio::test]
async fn a_host_that_sends_less_than_the_policy_wants_is_given_up() {
    let server = mock().await;
    for (min_speed, is_enough) in [(u64::MAX, false), (1, true), (0, true)] {
        let mut policy = quick_download();
        policy.max_attempts = 1;
        policy.min_speed = min_speed;
        // So short that each wait ends one.
        policy.speed_window = Duration::from_nanos(1);
        let client = builder(server.base_url())
            .download_policy(policy)
            .build()
            .unwrap();
        let (url, go_on) = pausing_host().await;
        let output = output_of(&server, &client, &url).await;
        let error = match output.stream().await {
            Ok(mut stream) => {
                let mut go_on = Some(go_on);
                loop {
                    let mut next = std::pin::pin!(stream.next());
                    let polled = std::future::poll_fn(|context| {
                        std::task::Poll::Ready(next.as_mut().poll(context))
                    });
                    let piece = match polled.await {
                        std::task::Poll::Ready(piece) => piece,
                        // The reader waits: now there is something to measure.
                        std::task::Poll::Pending => {
                            if let Some(go_on) = go_on.take() {
                                go_on.send(()).unwrap();
                            }
                            next.await
                        }
                    };
                    match piece {
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break Some(error),
                        None => break None,
                    }
                }
            }
            Err(error) => Some(error),
        };
        let Some(error) = error else {
            assert!(is_enough);
            continue;
        };
        assert!(!is_enough, "{error}");
        assert_eq!(error.kind(), ErrorKind::Download);
        assert_eq!(
            error.to_string(),
            format!("the file comes too slowly: less than {min_speed} bytes per second")
        );
    }
}

/// Of a model that is not known: a link that cannot be fetched is no file of the output.
#[tokio::test]
async fn a_link_in_an_output_is_told_from_a_file() {
    let server = mock().await;
    let client = client(&server);
    let page = || response("content-type: text/html\r\n", b"<!doctype html><p>hello");
    let gone = || b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
    for (key, path, response, is_link) in [
        ("source", "/article", page(), true),
        ("source", "/article", gone(), true),
        ("image_source", "/article", gone(), true),
        ("image", "/article", page(), true),
        ("image", "/article", gone(), false),
        ("url", "/article", page(), true),
        ("url", "/article", gone(), false),
        ("source", "/fox.png", page(), false),
        ("source", "/fox.png", gone(), false),
    ] {
        let (url, _requests) = host(path, vec![response]).await;
        server.on_end(Ending::Output(json!({key: url, "seed": 7})));
        let done = client.run_model("acme/search", json!({})).await.unwrap();
        let output = &done.files()[0];
        let error = output.bytes().await.unwrap_err();
        assert_eq!(output.is_link(&error), is_link, "{key} {path} {error}");
    }
}

/// Ids that differ only where a name has no room or no place for it.
#[tokio::test]
async fn different_ids_never_share_a_name() {
    use wiremock::matchers::method;
    use wiremock::{Mock, MockServer, ResponseTemplate};
    let long = "x".repeat(100);
    let folder = tempfile::tempdir().unwrap();
    let mut contents = Vec::new();
    for id in [
        &format!("{long}a"),
        &format!("{long}b"),
        &long,
        "a/b",
        "a_b",
        "a:b",
    ] {
        let service = MockServer::start().await;
        let url = format!("data:text/plain,{}", contents.len());
        let answer = json!({"id": id, "status": "succeeded", "output": {"file": url, "seed": 7}});
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&service)
            .await;
        let client = builder(&service.uri()).build().unwrap();
        let done = client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap();
        let (files, text) = client.contents(&done, None).unwrap().into_parts();
        let saved = files[0].save_in(folder.path()).await.unwrap();
        assert_eq!(
            SavedFile::find(folder.path(), files[0].stem()),
            Some(saved.clone())
        );
        let text = text.unwrap();
        let saved_text = text.save_in(folder.path()).await.unwrap();
        assert_eq!(
            SavedFile::find_text(folder.path(), text.stem()),
            Some(saved_text)
        );
        contents.push(saved.path);
    }
    assert_eq!(names(folder.path()).len(), 12);
    for (position, path) in contents.into_iter().enumerate() {
        assert_eq!(std::fs::read_to_string(path).unwrap(), position.to_string());
    }
}

/// The id comes from the service, and becomes part of a name: it must not choose the folder.
#[tokio::test]
async fn an_id_cannot_lead_out_of_the_folder() {
    use wiremock::matchers::method;
    use wiremock::{Mock, MockServer, ResponseTemplate};
    for id in [
        "../../out",
        "/abs/olute",
        "..",
        "a\\b\nc",
        ".hidden",
        "",
        &"x".repeat(400),
    ] {
        let service = MockServer::start().await;
        let answer = json!({"id": id, "status": "succeeded", "output": "data:text/plain,hello"});
        let wrapped = json!({"code": "success", "data": {"task_id": "t1", "status": "SUCCESS", "data": answer}});
        let body = if id.is_empty() { wrapped } else { answer };
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&service)
            .await;
        let client = builder(&service.uri()).build().unwrap();
        let seen = client
            .predictions()
            .create_model(SCHNELL, input())
            .await
            .unwrap();
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("images");
        let saved = client.files(&seen)[0].save_in(&folder).await.unwrap();
        assert_eq!(saved.path.parent(), Some(folder.as_path()), "{id:?}");
        assert_eq!(names(root.path()), ["images"], "{id:?}");
        let [name] = &names(&folder)[..] else {
            panic!("one file for {id:?}");
        };
        assert!(
            !name.starts_with('.') && Path::new(&name).extension().is_some_and(|it| it == "txt"),
            "{id:?}: {name}"
        );
    }
}

#[tokio::test]
async fn a_download_that_is_repeated_is_reported() {
    let server = mock().await;
    let client = builder(server.base_url())
        .download_policy(quick_download())
        .build()
        .unwrap();
    let file = output(&client).await;
    server.on_file(Fault::BadGatewayPage);
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Vec::new();
    let saved = file.save_in(folder.path()).on_retry(|retry| {
        reports.push((retry.attempt, retry.max_attempts, retry.cause.status()));
    });
    saved.await.unwrap();
    assert_eq!(reports, [(1, Some(4), Some(502))]);
}
