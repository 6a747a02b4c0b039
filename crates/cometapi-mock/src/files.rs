//! The second origin, which serves the images. It takes no keys: one that arrives here has
//! leaked.

use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderMap, Method, Request, StatusCode};

use crate::builder::Settings;
use crate::fault::{Fault, canned, corrupt};
use crate::listen::{Handler, Read};
use crate::request_log::Received;
use crate::response::Response;
use crate::spec::{Rule, Violation, credentials};
use crate::state::State;

#[derive(Debug)]
pub(crate) struct Files(pub(crate) Arc<State>);

/// Where [`Fault::FileMoved`] puts a file.
const MOVED: &str = "/moved";

impl Handler for Files {
    async fn respond(&self, request: Request<Read>) -> Response {
        let (parts, read) = request.into_parts();
        let state = &*self.0;
        let mut request = state.receive(parts, &read);
        request.violations = leaks(&request.headers);
        request.id = Place::parse(request.path()).map(|place| place.id.to_owned());
        request.model = request.id.as_deref().and_then(|id| state.model_of(id));
        let ticket = state.file_requests.push(request.clone());

        let response = if !request.violations.is_empty() && !state.settings.lenient {
            Response::new(
                StatusCode::UNAUTHORIZED,
                "text/plain",
                "this host takes no keys",
            )
        } else if ![Method::GET, Method::HEAD].contains(&request.method) {
            Response::empty(StatusCode::METHOD_NOT_ALLOWED).with(ALLOW, "GET, HEAD")
        } else {
            self.file(&request).await
        };
        state.file_requests.update(ticket, |received| {
            received.status = response.visible_status();
        });
        response
    }

    fn invalid_http(&self, reason: String) {
        let violation = Violation::new(Rule::Protocol, "connection", reason);
        self.0.note_protocol(violation);
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

impl Files {
    async fn file(&self, request: &Received) -> Response {
        let gone = || {
            canned::response(&Fault::FileGone, request)
                .unwrap_or_else(|| Response::empty(StatusCode::NOT_FOUND))
        };
        let Some(place) = Place::parse(request.path()) else {
            return gone();
        };
        let state = &*self.0;
        // A file that has moved has had its fault.
        let scheduled = if place.moved {
            None
        } else {
            let scheduled = state.on_file.take(request.model.as_deref(), Some(place.id));
            scheduled.map(|scheduled| scheduled.what)
        };
        if let Some(fault) = &scheduled {
            if *fault == Fault::FileMoved {
                return Response::redirect(
                    StatusCode::FOUND,
                    &format!("{MOVED}{}", request.path()),
                );
            }
            if let Some(answer) = canned::response(fault, request) {
                return answer;
            }
        }
        let Some(image) = state.file(place.id, place.name) else {
            return gone();
        };
        let media = image.format.media_type();
        let Some(bytes) = state.images.encoded(image).await else {
            return Response::empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let good =
            Response::new(StatusCode::OK, media, bytes).with(CACHE_CONTROL, "public, max-age=3600");
        match &scheduled {
            Some(fault) => corrupt::response(fault, good),
            None => good,
        }
    }
}

/// `/xezq/<id>/<name>`, or the same under `/moved`.
struct Place<'p> {
    id: &'p str,
    name: &'p str,
    moved: bool,
}

impl<'p> Place<'p> {
    fn parse(path: &'p str) -> Option<Self> {
        let (path, moved) = match path.strip_prefix(MOVED) {
            Some(rest) => (rest, true),
            None => (path, false),
        };
        let (id, name) = path.strip_prefix("/xezq/")?.split_once('/')?;
        Some(Self { id, name, moved })
    }
}

/// Credentials among the headers, once per header.
fn leaks(headers: &HeaderMap) -> Vec<Violation> {
    credentials(headers)
        .into_iter()
        .map(|name| {
            let place = format!("header {name}");
            Violation::new(Rule::Leak, place, "a credential on the files origin")
        })
        .collect()
}
