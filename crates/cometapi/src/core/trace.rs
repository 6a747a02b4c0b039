//! Spans, when the feature `tracing` is on; nothing at all when it is off. Names follow
//! OpenTelemetry's conventions for generative AI and for HTTP; `otel.*` fields are those that
//! `tracing-opentelemetry` reads. Ids, attempts and statuses go into them; inputs, outputs, URLs of
//! files and keys never do.

#[cfg(feature = "tracing")]
mod spans {
    use std::future::Future;
    use std::time::Duration;

    use cometapi_client::{ClientInfo, Exchange, PredictionId};
    #[cfg(feature = "download")]
    use http::StatusCode;
    use tracing::field::{Empty, debug};
    use tracing::{Instrument, Span, info_span};

    use crate::core::error::Error;
    use crate::core::model::ModelRef;
    use crate::core::prediction::Prediction;
    use crate::core::state::Core;

    /// Spans a whole run: the create request and the wait.
    pub(crate) async fn run(
        core: &Core,
        model: Option<&ModelRef>,
        run: impl Future<Output = Result<Prediction, Error>>,
    ) -> Result<Prediction, Error> {
        let model = model.map(ToString::to_string);
        let url = reqwest::Url::parse(core.raw().baseurl()).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str);
        let is_replicate = host.is_some_and(|host| host.ends_with("replicate.com"));
        let span = info_span!(
            "generate_content",
            "otel.name" = model
                .as_ref()
                .map(|model| format!("generate_content {model}")),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "gen_ai.operation.name" = "generate_content",
            "gen_ai.provider.name" = if is_replicate {
                "replicate"
            } else {
                "cometapi"
            },
            "gen_ai.request.model" = model,
            "gen_ai.output.type" = model.as_deref().and_then(output_type),
            "gen_ai.response.id" = Empty,
            "gen_ai.response.model" = Empty,
            "gen_ai.response.finish_reasons" = Empty,
            "server.address" = host,
            "server.port" = url.as_ref().and_then(reqwest::Url::port_or_known_default),
            "error.type" = Empty,
        );
        let result = run.instrument(span.clone()).await;
        let prediction = match &result {
            Ok(prediction) => Some(prediction),
            Err(error) => {
                failed(&span, error.kind().as_str());
                span.record("gen_ai.response.id", error.prediction_id());
                error.prediction()
            }
        };
        if let Some(prediction) = prediction {
            span.record("gen_ai.response.id", prediction.id());
            span.record("gen_ai.response.model", prediction.model());
            if prediction.is_terminal() {
                let reasons = [prediction.status().as_str()];
                span.record("gen_ai.response.finish_reasons", debug(reasons));
            }
        }
        result
    }

    #[cfg(feature = "models")]
    fn output_type(model: &str) -> Option<&'static str> {
        use cometapi_models::{OutputKind, find};

        match find(model)?.output_kind() {
            OutputKind::Files | OutputKind::OneFile => Some("image"),
            OutputKind::Text => Some("text"),
            OutputKind::Json => Some("json"),
            _ => None,
        }
    }

    #[cfg(not(feature = "models"))]
    fn output_type(_: &str) -> Option<&'static str> {
        None
    }

    fn failed(span: &Span, error_type: &str) {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", error_type);
    }

    /// How often a request was sent before.
    fn resend_count(attempt: u32) -> Option<u32> {
        attempt.checked_sub(1).filter(|count| *count > 0)
    }

    pub(crate) async fn create<T>(
        model: &ModelRef,
        attempt: u32,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        let span = info_span!(
            "create",
            "otel.name" = "POST /models/{model_owner}/{model_name}/predictions",
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "http.request.method" = "POST",
            "url.template" = "/models/{model_owner}/{model_name}/predictions",
            "http.request.resend_count" = resend_count(attempt),
            "gen_ai.request.model" = %model,
            "http.response.status_code" = Empty,
            "cometapi.request_id" = Empty,
            "error.type" = Empty,
        );
        answered(span, call).await
    }

    pub(crate) async fn poll<T>(
        id: &PredictionId,
        attempt: u32,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        // A poll is a request of its own, not a resent one.
        let span = info_span!(
            "poll",
            "otel.name" = "GET /predictions/{prediction_id}",
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "http.request.method" = "GET",
            "url.template" = "/predictions/{prediction_id}",
            "gen_ai.response.id" = %id,
            "cometapi.poll" = attempt,
            "http.response.status_code" = Empty,
            "cometapi.request_id" = Empty,
            "error.type" = Empty,
        );
        answered(span, call).await
    }

    async fn answered<T>(
        span: Span,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        let (result, exchange) = call.instrument(span.clone()).await;
        match &exchange {
            None => failed(&span, "no_response"),
            Some(exchange) => {
                let status = exchange.status;
                span.record("http.response.status_code", status.as_u16());
                if status.is_client_error() || status.is_server_error() {
                    failed(&span, status.as_str());
                }
                let id = ["x-cometapi-request-id", "x-oneapi-request-id"]
                    .iter()
                    .find_map(|name| exchange.headers.get(*name)?.to_str().ok());
                span.record("cometapi.request_id", id);
            }
        }
        (result, exchange)
    }

    /// The kind of the cause alone: its message may quote a prompt.
    pub(crate) fn retrying(request: &str, attempt: u32, pause: Duration, cause: &Error) {
        tracing::debug!(
            request,
            attempt,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "error.type" = cause.kind().as_str(),
            "http.response.status_code" = cause.status(),
            "retrying"
        );
    }

    /// The field alone: the words of a warning may hold its value.
    #[cfg(feature = "models")]
    pub(crate) fn input_warning(model: &ModelRef, field: &str) {
        tracing::warn!(
            "gen_ai.request.model" = %model,
            field,
            "the model may read this field otherwise than meant"
        );
    }

    /// The host of a file alone: its address may be a secret.
    #[cfg(feature = "download")]
    pub(crate) fn fetched(host: Option<&str>, status: Option<StatusCode>, took: Duration) {
        tracing::debug!(
            "http.request.method" = "GET",
            "server.address" = host,
            "http.response.status_code" = status.map(|status| status.as_u16()),
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "error.type" = status.is_none().then_some("no_response"),
            "request"
        );
    }

    #[cfg(feature = "download")]
    pub(crate) fn download<F: Future>(
        id: Option<&str>,
        position: usize,
        attempt: u32,
        call: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        call.instrument(info_span!(
            "download",
            "otel.name" = "GET",
            "otel.kind" = "client",
            "http.request.method" = "GET",
            "http.request.resend_count" = resend_count(attempt),
            "gen_ai.response.id" = id,
            "cometapi.file" = position,
        ))
    }
}

#[cfg(not(feature = "tracing"))]
mod spans {
    use std::future::Future;
    use std::time::Duration;

    use cometapi_client::PredictionId;

    use crate::core::error::Error;
    use crate::core::model::ModelRef;
    use crate::core::state::Core;

    pub(crate) fn run<F: Future>(_core: &Core, _model: Option<&ModelRef>, run: F) -> F {
        run
    }

    pub(crate) fn create<F: Future>(_model: &ModelRef, _attempt: u32, call: F) -> F {
        call
    }

    pub(crate) fn poll<F: Future>(_id: &PredictionId, _attempt: u32, call: F) -> F {
        call
    }

    pub(crate) fn retrying(_request: &str, _attempt: u32, _pause: Duration, _cause: &Error) {}

    #[cfg(feature = "models")]
    pub(crate) fn input_warning(_model: &ModelRef, _field: &str) {}

    #[cfg(feature = "download")]
    pub(crate) fn fetched(_host: Option<&str>, _status: Option<http::StatusCode>, _took: Duration) {
    }

    #[cfg(feature = "download")]
    pub(crate) fn download<F: Future>(
        _id: Option<&str>,
        _position: usize,
        _attempt: u32,
        call: F,
    ) -> F {
        call
    }
}

pub(crate) use spans::*;
