//! How to test code that uses `cometapi`: with the mock, and with failures by name.
//!
//! `cargo test --example downstream_test` runs the tests.

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, Error};

/// The code to be tested: one URL for a prompt.
async fn illustrate(client: &Client, prompt: &str) -> Result<String, Error> {
    let files = client.run(FluxSchnell::new(prompt)).await?;
    Ok(files[0].url().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    println!("{}", illustrate(&client, "a paper boat").await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use cometapi::ErrorKind;
    use cometapi_mock::{Ending, Fault, MockServer, Pace, Plan};

    use super::*;

    async fn server_and_client() -> (MockServer, Client) {
        let server = MockServer::builder()
            .pace(Pace::instant())
            .start()
            .await
            .unwrap();
        let client = Client::builder()
            .key("any")
            .base_url(server.base_url())
            .build()
            .unwrap();
        (server, client)
    }

    #[tokio::test]
    async fn an_image_has_a_url() {
        let (server, client) = server_and_client().await;
        let url = illustrate(&client, "a paper boat").await.unwrap();
        assert!(url.starts_with(server.files_origin()));
    }

    /// A response that is lost leaves it unknown whether money was spent: nothing is sent again.
    #[tokio::test]
    async fn a_lost_response_is_not_paid_for_twice() {
        let (server, client) = server_and_client().await;
        server.on_create(Plan::from(Fault::BadGatewayPage).after_accept());
        let error = illustrate(&client, "a paper boat").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MaybeAccepted);
        assert_eq!(server.create_requests(), 1);
    }

    #[tokio::test]
    async fn failed_polls_do_not_end_a_wait() {
        let (server, client) = server_and_client().await;
        server.on_poll(Plan::from(Fault::BadGatewayPage).times(2));
        illustrate(&client, "a paper boat").await.unwrap();
    }

    #[tokio::test]
    async fn a_refused_prompt_is_an_error_with_the_id() {
        let (server, client) = server_and_client().await;
        server.on_end(Ending::nsfw());
        let error = illustrate(&client, "a paper boat").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.prediction_id().is_some());
    }
}
