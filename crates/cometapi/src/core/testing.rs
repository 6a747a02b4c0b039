//! What the unit tests share.

use std::time::SystemTime;

use bytes::Bytes;
use cometapi_client::{CallOptions, Client, PredictionResponse, ResponseValue};

use crate::core::prediction::Prediction;
use crate::core::response::AttemptOutcome;
use crate::core::state::Core;

/// The state of a client of the service at `base_url`.
pub(crate) fn core(base_url: &str) -> Core {
    Core::new(client(base_url), Some(1))
}

fn client(base_url: &str) -> Client {
    let http = cometapi_client::http_client().no_proxy().build().unwrap();
    let transport = cometapi_client::Transport::new("k").unwrap();
    Client::new_with_client(base_url, http, transport)
}

/// The prediction in a response that is not checked further.
pub(crate) fn prediction(body: &str) -> Prediction {
    Prediction::from_body(Bytes::from(body.to_owned()), None, None).unwrap()
}

/// What comes of a request when the service sends `response`: through the generated client and
/// its hook. A poll is for the prediction `polled`.
pub(crate) fn attempt(response: http::Response<Bytes>, polled: Option<&str>) -> AttemptOutcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            assert!(read > 0);
            let (head, body) = response.into_parts();
            let headers: String = head
                .headers
                .iter()
                .flat_map(|(name, value)| [name.as_str(), ": ", value.to_str().unwrap(), "\r\n"])
                .collect();
            let status = head.status.as_u16();
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
            );
            socket.write_all(text.as_bytes()).await.unwrap();
            socket.write_all(&body).await.unwrap();
        });
        let client = client(&base);
        let polled = polled.map(|id| id.parse().unwrap());
        let id = polled.clone().unwrap_or_else(|| "a".parse().unwrap());
        let outcome: (Result<ResponseValue<PredictionResponse>, _>, _) =
            cometapi_client::observe(CallOptions::default(), client.get_prediction(&id)).await;
        server.await.unwrap();
        AttemptOutcome::of(outcome, polled.as_ref(), SystemTime::UNIX_EPOCH)
    })
}
