//! A file that breaks off is resumed only with bytes that are proven to follow, and is complete
//! only with all of its bytes.

use cometapi::{ErrorKind, SavedFile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::files::{gzip, host, names, output_of, response};
use crate::setup::{builder, client, mock, quick_download};

const SIZE: usize = 300_086;
const TAGGED: &str = "accept-ranges: bytes\r\netag: \"v1\"\r\n";
/// Bytes that arrive before the first response breaks off.
const START: usize = 100_000;

/// One version of a file.
fn file(version: u8) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend((8..SIZE).map(|at| u8::try_from(at % 251).unwrap() ^ version));
    file
}

/// The first response, which breaks off.
fn start(fields: &str) -> Vec<u8> {
    let whole = response(fields, &file(1));
    whole[..whole.len() - (SIZE - START)].to_vec()
}

fn whole(version: u8) -> Vec<u8> {
    response(
        &format!("accept-ranges: bytes\r\netag: \"v{version}\"\r\n"),
        &file(version),
    )
}

/// A partial response with its length, and these fields.
fn part(fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\n{fields}connection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn range(fields: &str, version: u8, first: usize, end: usize) -> Vec<u8> {
    let fields = format!(
        "{fields}content-range: bytes {first}-{}/{SIZE}\r\n",
        end - 1
    );
    part(&fields, &file(version)[first..end])
}

/// Where the range of a request begins, if it asks for one.
fn asked(requests: &[String]) -> Vec<Option<usize>> {
    let start = |request: &String| {
        let (_, range) = request.split_once("\r\nrange: bytes=")?;
        assert!(request.contains("\r\nif-range: \"v1\"\r\n"), "{request}");
        Some(range.split_once('-')?.0.parse().unwrap())
    };
    requests.iter().map(start).collect()
}

/// Saves a file of a host with these responses.
async fn save(
    responses: Vec<Vec<u8>>,
) -> (
    Result<(SavedFile, Vec<u8>), cometapi::Error>,
    Vec<Option<usize>>,
) {
    let server = mock().await;
    let client = client(&server);
    let (url, requests) = host("/a.png", responses).await;
    let output = output_of(&server, &client, &url).await;
    let folder = tempfile::tempdir().unwrap();
    let result = output.save_in(folder.path()).await;
    let result = result.map(|saved| {
        let bytes = std::fs::read(&saved.path).unwrap();
        (saved, bytes)
    });
    assert_eq!(names(folder.path()).len(), usize::from(result.is_ok()));
    // A response that was not asked for must fail the test, not keep it waiting.
    let address = output.url()["http://".len()..].trim_end_matches("/a.png");
    while !requests.is_finished() {
        if let Ok(mut socket) = tokio::net::TcpStream::connect(address).await {
            let _ = socket.write_all(b"unused").await;
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
        tokio::task::yield_now().await;
    }
    (result, asked(&requests.await.unwrap()))
}

#[tokio::test]
async fn a_file_that_breaks_off_is_resumed_where_its_host_gives_parts() {
    let weak = "accept-ranges: bytes\r\netag: W/\"v1\"\r\n";
    let dated = "accept-ranges: bytes\r\nlast-modified: Fri, 20 Mar 2026 08:15:40 GMT\r\n";
    for (first, second, from) in [
        (start(TAGGED), range(TAGGED, 1, START, SIZE), Some(START)),
        (start(TAGGED), whole(1), Some(START)),
        (start(weak), whole(1), None),
        (start(dated), whole(1), None),
        (start("etag: \"v1\"\r\n"), whole(1), None),
        (start(""), whole(1), None),
    ] {
        let (result, asked) = save(vec![first, second]).await;
        let (saved, bytes) = result.unwrap();
        assert!(bytes == file(1));
        assert_eq!(
            (saved.bytes, saved.media_type.as_str()),
            (SIZE as u64, "image/png")
        );
        assert_eq!(asked, [None, from]);
    }
}

/// It is used for what it says it is, and the rest is asked for.
#[tokio::test]
async fn a_range_that_ends_early_is_not_the_end_of_the_file() {
    let responses = vec![
        start(TAGGED),
        range(TAGGED, 1, START, 150_000),
        range(TAGGED, 1, 150_000, SIZE),
    ];
    let (result, asked) = save(responses).await;
    assert!(result.unwrap().1 == file(1));
    assert_eq!(asked, [None, Some(START), Some(150_000)]);
    // A host that never gives the end.
    let responses = vec![
        start(TAGGED),
        range(TAGGED, 1, START, 120_000),
        range(TAGGED, 1, 120_000, 140_000),
        range(TAGGED, 1, 140_000, 150_000),
    ];
    let (result, asked) = save(responses).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(
        error.to_string(),
        "the file broke off: 150000 of 300086 bytes came"
    );
    assert_eq!(asked, [None, Some(START), Some(120_000), Some(140_000)]);
}

#[tokio::test]
async fn a_part_that_does_not_continue_the_file_is_not_appended() {
    let rest = |version| file(version)[START..].to_vec();
    let encoded = gzip(&rest(1));
    let right = format!("content-range: bytes {START}-{}/{SIZE}\r\n", SIZE - 1);
    let mut longer = rest(1);
    longer.push(0);
    for (what, response) in [
        ("another tag", range("etag: \"v2\"\r\n", 2, START, SIZE)),
        ("a weak tag", range("etag: W/\"v1\"\r\n", 2, START, SIZE)),
        ("no tag", range("", 2, START, SIZE)),
        ("no range", part(TAGGED, &rest(2))),
        ("another total", part(
            &format!("{TAGGED}content-range: bytes {START}-{SIZE}/{}\r\n", SIZE + 1),
            &longer,
        )),
        ("another start", part(
            &format!("{TAGGED}content-range: bytes {}-{}/{SIZE}\r\n", START + 1, SIZE - 1),
            &rest(2)[1..],
        )),
        ("another length", part(&format!("{TAGGED}{right}"), &rest(2)[1..])),
        ("encoded", part(&format!("{TAGGED}{right}content-encoding: gzip\r\n"), &encoded)),
        ("another type", part(&format!("{TAGGED}{right}content-type: text/html\r\n"), &rest(2))),
        ("several parts", part(
            &format!("{TAGGED}content-type: multipart/byteranges; boundary=x\r\n"),
            b"--x--\r\n",
        )),
        ("status 416", b"HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\ncontent-range: bytes */300086\r\n\r\n".to_vec()),
        ("status 412", b"HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n".to_vec()),
    ] {
        let start = start(&format!("{TAGGED}content-type: image/png\r\n"));
        let (result, asked) = save(vec![start, response, whole(2)]).await;
        let (saved, bytes) = result.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(bytes == file(2), "{what}");
        assert_eq!(saved.bytes, SIZE as u64, "{what}");
        assert_eq!(asked, [None, Some(START), None], "{what}");
    }
}

/// Only a body without a length of its own can be longer than its range.
#[tokio::test]
async fn a_part_that_is_longer_than_its_range_begins_anew() {
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ntransfer-encoding: chunked\r\n{TAGGED}\
         content-range: bytes {START}-149999/{SIZE}\r\nconnection: close\r\n\r\n"
    );
    let body = &file(2)[START..150_001];
    let chunk = format!("{:x}\r\n", body.len());
    let long = [head.as_bytes(), chunk.as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    let (result, asked) = save(vec![start(TAGGED), long, whole(2)]).await;
    assert!(result.unwrap().1 == file(2));
    assert_eq!(asked, [None, Some(START), None]);
}

#[tokio::test]
async fn a_part_that_was_not_asked_for_is_the_file_only_if_it_is_all_of_it() {
    let (result, asked) = save(vec![range(TAGGED, 1, 0, SIZE)]).await;
    assert!(result.unwrap().1 == file(1));
    assert_eq!(asked, [None]);
    let (result, asked) = save(vec![range(TAGGED, 1, 0, 150_000), whole(1)]).await;
    assert!(result.unwrap().1 == file(1));
    assert_eq!(asked, [None, None]);
    let (result, asked) = save(vec![part("", &file(1)); 4]).await;
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file's host sent a part of the file that was not asked for (http 206)"
    );
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn the_size_limit_counts_what_is_there() {
    let server = mock().await;
    let mut policy = quick_download();
    policy.max_bytes = 200_000;
    let client = builder(server.base_url())
        .download_policy(policy)
        .build()
        .unwrap();
    // The first response does not say how large the file is.
    let start = [
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{TAGGED}connection: close\r\n\r\n\
             {START:x}\r\n"
        )
        .as_bytes(),
        &file(1)[..START],
        b"\r\n",
    ]
    .concat();
    for second in [
        range(TAGGED, 1, START, SIZE),
        range(TAGGED, 1, START, 150_000),
    ] {
        let (url, requests) = host("/a.png", vec![start.clone(), second]).await;
        let output = output_of(&server, &client, &url).await;
        let folder = tempfile::tempdir().unwrap();
        let error = output.save_in(folder.path()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the file is larger than the 200000 bytes that are allowed"
        );
        assert_eq!(asked(&requests.await.unwrap()), [None, Some(START)]);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

/// A tag is that of one address: at another one, the same tag may be that of another file.
#[tokio::test]
async fn a_redirect_to_another_address_begins_anew() {
    let moved = |path: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .into_bytes()
    };
    // Only the signature differs.
    let signed = vec![
        moved("/b?sig=1"),
        start(TAGGED),
        moved("/b?sig=2"),
        range(TAGGED, 1, START, SIZE),
    ];
    let (result, _) = save(signed).await;
    assert!(result.unwrap().1 == file(1));
    let other = vec![
        moved("/b"),
        start(TAGGED),
        moved("/c"),
        range(TAGGED, 2, START, SIZE),
        moved("/c"),
        whole(2),
    ];
    let (result, asked) = save(other).await;
    assert!(result.unwrap().1 == file(2));
    assert_eq!(asked, [None, None, Some(START), Some(START), None, None]);
}
