//! A web service that runs a prediction per request and streams its states to the browser as
//! server-sent events.
//!
//! ```console
//! $ cargo run --example server_sent_events
//! listening on http://127.0.0.1:3000
//! $ curl --no-buffer --data 'a red fox' http://127.0.0.1:3000/images
//! ```
//!
//! Besides `tokio` and `serde_json`, it needs `axum` and `futures-util`.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::post;
use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, Error, OutputFile, Prediction};
use futures_util::{Stream, StreamExt};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let port = std::env::args().nth(1).unwrap_or("3000".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/images", post(images))
        .with_state(client);
    axum::serve(listener, app).await?;
    Ok(())
}

/// Creates the prediction before it responds, so that a refused request is an HTTP error.
async fn images(
    State(client): State<Client>,
    prompt: String,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, (StatusCode, String)> {
    let create = client.predictions().create(FluxSchnell::new(prompt));
    let created = create.await.map_err(|error| {
        let status = if error.is_before_sending() {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::BAD_GATEWAY
        };
        (status, error.to_string())
    })?;
    let updates = client.predictions().follow(created);
    let events = updates.map(move |update| Ok(event(&client, update)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn event(client: &Client, update: Result<Prediction, Error>) -> Event {
    let (name, data) = match update {
        Ok(prediction) if prediction.is_terminal() => {
            let files = client.files(&prediction);
            let urls: Vec<_> = files.iter().map(OutputFile::url).collect();
            let end =
                json!({"status": prediction.status(), "files": urls, "error": prediction.error()});
            ("end", end)
        }
        Ok(prediction) => (
            "status",
            json!({"id": prediction.id(), "status": prediction.status()}),
        ),
        Err(error) => (
            "lost",
            json!({"id": error.prediction_id(), "message": error.to_string()}),
        ),
    };
    Event::default().event(name).data(data.to_string())
}
