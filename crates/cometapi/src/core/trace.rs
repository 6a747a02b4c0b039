//! Spans, when the feature `tracing` is on; nothing at all when it is off. Ids, attempts and
//! statuses go into them; inputs, outputs and keys never do.

#[cfg(feature = "tracing")]
mod spans {
    use std::future::Future;

    use cometapi_client::{Exchange, PredictionId};
    use tracing::field::Empty;
    use tracing::{Instrument, Span, info_span};

    use crate::core::model::ModelRef;

    pub(crate) async fn create<T>(
        model: &ModelRef,
        attempt: u32,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        let span = info_span!(
            "create",
            model = %model,
            attempt,
            http.response.status_code = Empty,
            request_id = Empty,
        );
        answered(span, call).await
    }

    pub(crate) async fn poll<T>(
        id: &PredictionId,
        attempt: u32,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        let span = info_span!(
            "poll",
            id = %id,
            attempt,
            http.response.status_code = Empty,
            request_id = Empty,
        );
        answered(span, call).await
    }

    async fn answered<T>(
        span: Span,
        call: impl Future<Output = (T, Option<Exchange>)>,
    ) -> (T, Option<Exchange>) {
        let (result, exchange) = call.instrument(span.clone()).await;
        if let Some(exchange) = &exchange {
            span.record("http.response.status_code", exchange.status.as_u16());
            let id = ["x-cometapi-request-id", "x-oneapi-request-id"]
                .iter()
                .find_map(|name| exchange.headers.get(*name)?.to_str().ok());
            if let Some(id) = id {
                span.record("request_id", id);
            }
        }
        (result, exchange)
    }

    /// The field alone: the words of a warning may hold its value.
    #[cfg(feature = "models")]
    pub(crate) fn input_warning(model: &ModelRef, field: &str) {
        tracing::warn!(model = %model, field, "the model may read this field otherwise than meant");
    }

    #[cfg(feature = "models")]
    pub(crate) fn misspelled(model: &ModelRef, meant: &str) {
        tracing::warn!(model = %model, meant, "the model is not known; its name may be misspelled");
    }

    #[cfg(feature = "download")]
    pub(crate) fn download<F: Future>(
        id: Option<&str>,
        position: usize,
        attempt: u32,
        call: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        call.instrument(info_span!("download", id, position, attempt))
    }
}

#[cfg(not(feature = "tracing"))]
mod spans {
    use std::future::Future;

    use cometapi_client::PredictionId;

    use crate::core::model::ModelRef;

    pub(crate) fn create<F: Future>(_model: &ModelRef, _attempt: u32, call: F) -> F {
        call
    }

    pub(crate) fn poll<F: Future>(_id: &PredictionId, _attempt: u32, call: F) -> F {
        call
    }

    #[cfg(feature = "models")]
    pub(crate) fn input_warning(_model: &ModelRef, _field: &str) {}

    #[cfg(feature = "models")]
    pub(crate) fn misspelled(_model: &ModelRef, _meant: &str) {}

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
