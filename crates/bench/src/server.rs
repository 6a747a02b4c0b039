//! A server that answers create requests and polls with the examples of `openapi.yaml`.
//!
//! It does as little as possible, in a process of its own, so that its cost is in neither side:
//! one thread, bodies that are prepared once, no check of a request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::measure::{raise_open_files, thread_time};

/// The name of the only file.
const FILE: &str = "out-0.webp";

const SPEC: &str = include_str!("../../../openapi.yaml");

/// How the server answers.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Polls until a prediction has succeeded; all before the last find it processing. With 0, the
    /// response to the create request is the end.
    #[arg(long, default_value_t = 3)]
    pub(crate) polls: u32,
    /// The share of polls, 0 to 1, that get no response for as long as `hang` says.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) hanging: f64,
    /// How long a hanging poll hangs, in seconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) hang: u64,
    /// Decides which polls hang.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The size of an output file, in bytes.
    #[arg(long, default_value_t = 16 << 10)]
    pub(crate) file: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            polls: 3,
            hanging: 0.0,
            hang: 60,
            seed: 1,
            file: 16 << 10,
        }
    }
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    origin: String,
}

impl Server {
    /// Starts a static server in a child process.
    pub(crate) fn start(options: &Options) -> anyhow::Result<Self> {
        let Options {
            polls,
            hanging,
            hang,
            seed,
            file,
        } = options;
        Self::spawn(&[
            "serve".to_owned(),
            format!("--polls={polls}"),
            format!("--hanging={hanging}"),
            format!("--hang={hang}"),
            format!("--seed={seed}"),
            format!("--file={file}"),
        ])
    }

    /// Starts this program with the arguments of a server, which prints its origin when it is
    /// ready.
    pub(crate) fn spawn(arguments: &[String]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the server cannot be started")?;
        let out = child.stdout.take().context("the server has no output")?;
        let mut origin = String::new();
        BufReader::new(out).read_line(&mut origin)?;
        let origin = origin.trim().to_owned();
        let server = Self { child, origin };
        ensure!(
            server.origin.starts_with("http"),
            "the server ended before it was ready"
        );
        Ok(server)
    }

    /// The processor time that the server has used so far, in seconds. Linux only.
    pub(crate) fn processor_time(&self) -> Option<f64> {
        thread_time(&self.child.id().to_string(), None)
    }

    /// The base URL of the API.
    pub(crate) fn base_url(&self) -> String {
        format!("{}/replicate/v1", self.origin)
    }

    /// The URL of an output file.
    pub(crate) fn file_url(&self) -> String {
        format!("{}/files/{FILE}", self.origin)
    }

    /// Serves on a thread of this process, for tests, and returns the base URL.
    #[cfg(test)]
    pub(crate) async fn in_process(options: Options) -> anyhow::Result<String> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            serve(&options, |origin| {
                let _ = sender.send(format!("{origin}/replicate/v1"));
            })
        });
        Ok(receiver.await?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the process ends. `ready` is called with the origin, `http://ADDRESS`.
pub(crate) fn serve(options: &Options, ready: impl FnOnce(&str)) -> anyhow::Result<()> {
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = listen()?;
        let origin = format!("http://{}", listener.local_addr()?);
        let service = Rc::new(Service::new(options, &origin)?);
        ready(&origin);
        loop {
            // With too many open files the next one may work again.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let service = Rc::clone(&service);
            tokio::task::spawn_local(async move {
                let answer = service_fn(|request| service.answer(request));
                // A client that closed its connection is no error.
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    })
}

/// A socket with room for thousands of connections at once.
fn listen() -> std::io::Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(16_384)
}

/// The prepared bodies, and how often each prediction was polled.
#[derive(Debug)]
struct Service {
    options: Options,
    starting: Template,
    processing: Template,
    succeeded: Template,
    file: Bytes,
    polls: RefCell<HashMap<u64, u32>>,
    next: RefCell<u64>,
    random: RefCell<fastrand::Rng>,
}

/// Returns the example of this name of a success of `openapi.yaml`.
pub(crate) fn example(name: &str) -> anyhow::Result<Value> {
    const OPERATIONS: [&str; 2] = [
        "/paths/~1models~1{model_owner}~1{model_name}~1predictions/post",
        "/paths/~1predictions~1{prediction_id}/get",
    ];
    let spec: Value = serde_saphyr::from_str(SPEC)?;
    let found = OPERATIONS.iter().find_map(|operation| {
        let examples = format!("{operation}/responses/200/content/application~1json/examples");
        spec.pointer(&format!("{examples}/{name}/value")).cloned()
    });
    found.with_context(|| format!("openapi.yaml has no example {name}"))
}

impl Service {
    fn new(options: &Options, origin: &str) -> anyhow::Result<Self> {
        let starting = example("documented")?;
        let mut succeeded = example("bare_list")?;
        let mut processing = succeeded.clone();
        for (name, value) in [
            ("status", Value::from("processing")),
            ("output", Value::Null),
            ("completed_at", Value::Null),
            ("metrics", Value::Null),
        ] {
            processing[name] = value;
        }
        succeeded["output"][0] = format!("{origin}/files/{FILE}").into();
        Ok(Self {
            options: options.clone(),
            starting: Template::new(&starting)?,
            processing: Template::new(&processing)?,
            succeeded: Template::new(&succeeded)?,
            file: file_block(),
            polls: RefCell::default(),
            next: RefCell::default(),
            random: RefCell::new(fastrand::Rng::with_seed(options.seed)),
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Repeated>, Infallible> {
        let (parts, body) = request.into_parts();
        // Read to its end, so that the connection can be kept.
        let mut body = pin!(body);
        while poll_fn(|cx| body.as_mut().poll_frame(cx)).await.is_some() {}
        let last = parts.uri.path().rsplit('/').next().unwrap_or_default();
        Ok(match parts.method {
            Method::POST => json(StatusCode::CREATED, self.create()),
            _ if last == FILE => {
                let mut response = Response::new(Repeated {
                    block: self.file.clone(),
                    left: self.options.file,
                });
                let image = hyper::header::HeaderValue::from_static("image/webp");
                let headers = response.headers_mut();
                headers.insert(hyper::header::CONTENT_TYPE, image);
                response
            }
            _ => json(StatusCode::OK, self.poll(last).await),
        })
    }

    fn create(&self) -> Bytes {
        let number = self.next.replace_with(|it| *it + 1);
        let template = if self.options.polls == 0 {
            &self.succeeded
        } else {
            &self.starting
        };
        template.of(&format!("bench{number:021}"))
    }

    async fn poll(&self, id: &str) -> Bytes {
        let number = id.trim_start_matches("bench").parse().unwrap_or_default();
        let polls = {
            let mut polls = self.polls.borrow_mut();
            let polls = polls.entry(number).or_default();
            *polls += 1;
            *polls
        };
        let hangs = self.random.borrow_mut().f64() < self.options.hanging;
        if hangs {
            tokio::time::sleep(Duration::from_secs(self.options.hang)).await;
        }
        let is_last = polls >= self.options.polls;
        let template = if is_last {
            &self.succeeded
        } else {
            &self.processing
        };
        template.of(id)
    }
}

fn json(status: StatusCode, body: Bytes) -> Response<Repeated> {
    let mut response = Response::new(Repeated {
        left: body.len() as u64,
        block: body,
    });
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, json);
    response
}

/// A body with the id of a prediction in some places.
#[derive(Debug)]
struct Template(Vec<String>);

impl Template {
    fn new(prediction: &Value) -> anyhow::Result<Self> {
        let id = prediction["id"].as_str().context("an example has no id")?;
        let text = prediction.to_string();
        Ok(Self(text.split(id).map(str::to_owned).collect()))
    }

    fn of(&self, id: &str) -> Bytes {
        self.0.join(id).into()
    }
}

/// 64 KiB that begin as a WebP image does.
fn file_block() -> Bytes {
    let mut block = vec![7; 64 << 10];
    block[..12].copy_from_slice(b"RIFF\0\0\0\0WEBP");
    block.into()
}

/// A body of `left` more bytes, which are those of `block` again and again.
#[derive(Debug)]
struct Repeated {
    block: Bytes,
    left: u64,
}

impl Body for Repeated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = self.left.min(self.block.len() as u64);
        if length == 0 {
            return Poll::Ready(None);
        }
        self.left -= length;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Poll::Ready(Some(Ok(Frame::data(self.block.slice(..length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
