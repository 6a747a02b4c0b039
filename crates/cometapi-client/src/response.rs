//! How the generated methods decode a success.

use progenitor_client::{Error, ResponseValue};

use crate::prediction_response::PredictionResponse;

/// Decodes the body of `response`, as [`PredictionResponse::from_slice`] does.
pub(crate) async fn decode<E>(
    mut response: reqwest::Response,
) -> Result<ResponseValue<PredictionResponse>, Error<E>> {
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = response.bytes().await.map_err(Error::ResponseBodyError)?;
    match PredictionResponse::from_slice(&body) {
        Ok(decoded) => Ok(ResponseValue::new(decoded, status, headers)),
        Err(error) => Err(Error::InvalidResponsePayload(body, error)),
    }
}
