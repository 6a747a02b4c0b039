//! The peak memory of a process that is fed 100 MB of each untrusted input.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

/// How much is written at once.
const CHUNK: usize = 64 << 10;

const MIB: usize = 1 << 20;

/// A string of `start`, then `piece` as often as it takes to have `size` bytes, then `end`.
#[derive(Clone, Copy)]
struct Text {
    start: &'static str,
    piece: &'static str,
    end: &'static str,
    size: usize,
}

impl Text {
    fn count(self) -> usize {
        self.size / self.piece.len()
    }

    fn length(self) -> usize {
        self.start.len() + self.count() * self.piece.len() + self.end.len()
    }

    fn write(self, to: impl Write) -> std::io::Result<()> {
        let mut to = BufWriter::new(to);
        to.write_all(self.start.as_bytes())?;
        let in_chunk = (CHUNK / self.piece.len()).max(1);
        let chunk = self.piece.repeat(in_chunk);
        for _ in 0..self.count() / in_chunk {
            to.write_all(chunk.as_bytes())?;
        }
        for _ in 0..self.count() % in_chunk {
            to.write_all(self.piece.as_bytes())?;
        }
        to.write_all(self.end.as_bytes())?;
        to.flush()
    }
}

/// What a server responds with.
#[derive(Clone, Copy)]
struct Response {
    status: u16,
    text: Text,
    is_compressed: bool,
}

/// Serves `response` to everything but files, which are 100 MiB.
fn serve(response: Response) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming() {
            // The client hangs up once it has read enough.
            let _ = respond(socket.unwrap(), response);
        }
    });
    base
}

fn respond(socket: TcpStream, response: Response) -> std::io::Result<()> {
    let mut request = BufReader::new(socket.try_clone()?);
    let (mut first, mut length) = (String::new(), 0);
    request.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        request.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    request.read_exact(&mut vec![0; length])?;
    let mut out = &socket;
    if first.contains("/file") {
        let file = Text {
            start: "",
            piece: "x",
            end: "",
            size: 100 * MIB,
        };
        let length = file.length();
        write!(
            out,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        )?;
        return file.write(out);
    }
    let status = response.status;
    write!(out, "HTTP/1.1 {status} X\r\nconnection: close\r\n")?;
    if response.is_compressed {
        write!(out, "content-encoding: gzip\r\n\r\n")?;
        let mut encoder = GzEncoder::new(out, Compression::fast());
        response.text.write(&mut encoder)?;
        encoder.finish()?;
        return Ok(());
    }
    write!(out, "content-length: {}\r\n\r\n", response.text.length())?;
    response.text.write(out)
}

/// What came of it, and the peak in MiB.
fn peak(arguments: &[&str]) -> (String, usize) {
    let output = Command::new(env!("CARGO_BIN_EXE_batch-worker"))
        .arg("memory")
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let (result, peak) = text
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or_else(|| panic!("{errors}"));
    (
        result.to_owned(),
        peak.trim().parse::<usize>().unwrap() / 1024,
    )
}

/// The body is held once, up to 64 MiB, and its text once more when it is decoded; values take at most a
/// few times 32 MiB. Measured: 254 MiB at most.
const RESPONSE_PEAK: usize = 300;

/// Files and rows are not held at all, but for what waits to be written.
const STREAM_PEAK: usize = 128;

const CREATED: &str = r#"{"id":"p1","status":"starting","trace":["#;
const DONE: &str = r#"{"id":"p1","status":"succeeded","output":["#;

#[test]
fn a_response_takes_a_limited_amount_of_memory() {
    let ok = |start, piece, end, mib| Response {
        status: 200,
        text: Text {
            start,
            piece,
            end,
            size: mib * MIB,
        },
        is_compressed: false,
    };
    let status = |status, response| Response { status, ..response };
    let bomb = |response| Response {
        is_compressed: true,
        ..response
    };
    let failed = r#"{"id":"p1","status":"failed","error":""#;
    for (name, action, response, result) in [
        (
            "created",
            "create",
            ok(CREATED, "1,", "1]}", 60),
            r#"p1 starting ["trace"]"#,
        ),
        (
            "objects",
            "create",
            ok(CREATED, r#"{"":1},"#, "1]}", 60),
            r#"p1 starting ["trace"]"#,
        ),
        (
            "too long",
            "create",
            ok(CREATED, "1,", "1]}", 100),
            "MaybeAccepted Some(\"p1\")",
        ),
        (
            "bomb",
            "create",
            bomb(ok(CREATED, "1,", "1]}", 100)),
            "MaybeAccepted Some(\"p1\")",
        ),
        (
            "output",
            "get",
            ok(DONE, "1,", "\"https://a/0\"]}", 60),
            r#"p1 succeeded ["output"]"#,
        ),
        (
            "urls",
            "get",
            ok(DONE, "\"http://a\",", "1]}", 60),
            r#"p1 succeeded ["output"]"#,
        ),
        ("poll", "get", ok(DONE, "1,", "1]}", 100), "Unavailable"),
        (
            "reason",
            "get",
            ok(failed, "x", "\"}", 60),
            "Failed Some(\"p1\") 65",
        ),
        (
            "escapes",
            "get",
            ok(failed, "x\\n", "\"}", 60),
            "Failed Some(\"p1\") 65",
        ),
        (
            "not quite JSON",
            "get",
            ok(failed, "x", "\\ud83d\"}", 60),
            "Failed Some(\"p1\") 65",
        ),
        (
            "error",
            "create",
            status(
                400,
                ok(r#"{"code":"invalid_request","message":""#, "x", "\"}", 60),
            ),
            "Refused None 65",
        ),
        (
            "error of numbers",
            "create",
            status(
                400,
                ok(
                    r#"{"code":"invalid_request","message":"m","data":["#,
                    "1,",
                    "1]}",
                    60,
                ),
            ),
            "Refused None",
        ),
        (
            "long error",
            "create",
            status(500, ok(r#"{"message":""#, "x", "\"}", 100)),
            "MaybeAccepted None",
        ),
    ] {
        let base = serve(response);
        let (said, peak) = peak(&[action, &base, "-"]);
        println!("{name}: {peak} MiB, {said}");
        assert!(said.starts_with(result), "{name}: {said}");
        assert!(peak < RESPONSE_PEAK, "{name}: {peak} MiB");
    }
}

#[test]
fn a_file_is_not_held_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    // The file is at the same address as the service.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let body = format!(r#"{{"id":"p1","status":"succeeded","output":["{base}/file.bin"]}}"#);
    let text = Text {
        start: body.leak(),
        piece: " ",
        end: "",
        size: 0,
    };
    thread::spawn(move || {
        for socket in listener.incoming() {
            let response = Response {
                status: 200,
                text,
                is_compressed: false,
            };
            let _ = respond(socket.unwrap(), response);
        }
    });
    let (said, peak) = peak(&["save", &base, folder.path().to_str().unwrap()]);
    println!("{peak} MiB");
    assert_eq!(said, format!("saved {}", 100 * MIB));
    assert!(peak < STREAM_PEAK, "{peak} MiB");
}

#[test]
fn rows_take_a_limited_amount_of_memory() {
    let file = |folder: &Path, name: &str, text: Text| {
        text.write(std::fs::File::create(folder.join(name)).unwrap())
            .unwrap();
    };
    // Rows of nearly 1 MB each.
    let row = format!(r#"{{"prompt":"{}"}}"#, "x".repeat(1_000_000)) + "\n";
    let row: &str = row.replacen('{', r#"{"model":"a/b","#, 1).leak();
    let long = "longer than 1 MB";
    for (name, start, piece, end, result) in [
        ("cell.csv", "prompt,seed\n\"", "x", "\",1\n", long),
        ("cells.csv", "prompt,seed\n", "x,", "\n", long),
        ("line.jsonl", r#"{"prompt":""#, "x", "\"}\n", long),
        ("element.json", r#"[{"prompt":""#, "x", "\"}]", long),
        ("rows.jsonl", "", row, "", "planned 104"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        file(
            folder.path(),
            name,
            Text {
                start,
                piece,
                end,
                size: 100 * MIB,
            },
        );
        let (said, peak) = peak(&[
            "rows",
            "http://127.0.0.1:9",
            folder.path().to_str().unwrap(),
            name,
        ]);
        println!("{name}: {peak} MiB, {said}");
        assert!(said.contains(result), "{name}: {said}");
        assert!(peak < STREAM_PEAK, "{name}: {peak} MiB");
    }
}
