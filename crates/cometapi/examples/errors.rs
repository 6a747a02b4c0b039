//! Tells errors apart by their kind, and says what to do about each.

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, Error, ErrorKind, FailureKind};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    match client.run(FluxSchnell::new("a paper boat")).await {
        Ok(files) => println!("{} files", files.len()),
        Err(error) => {
            println!("{}", advice(&error));
            // Each error after the create request has the id, with which a later process resumes.
            if let Some(id) = error.prediction_id() {
                println!("the prediction is {id}");
            }
        }
    }
    Ok(())
}

fn advice(error: &Error) -> String {
    match error.kind() {
        // The model ran and failed. The same input may succeed, unless it was the input's fault.
        ErrorKind::Failed => match error.failure_kind() {
            Some(FailureKind::Moderation | FailureKind::InvalidInput) => {
                "change the input".to_owned()
            }
            _ => format!("try again: {error}"),
        },
        // The request may have been accepted: sending it again may cost twice.
        ErrorKind::MaybeAccepted => {
            "look at the account's tasks before you send it again".to_owned()
        }
        // The prediction runs on; the deadline of the wait has passed.
        ErrorKind::WaitTimeout => "wait for the id again".to_owned(),
        ErrorKind::Unauthorized => "check COMETAPI_KEY".to_owned(),
        ErrorKind::OutOfQuota => "top up the account".to_owned(),
        ErrorKind::RateLimited => match error.retry_after() {
            Some(delay) => format!("try again in {delay:?}"),
            None => "try again later".to_owned(),
        },
        // Nothing was sent.
        _ if error.is_before_sending() => format!("fix the input: {error}"),
        // Nothing was created, and trying again may help.
        _ if error.is_transient() => format!("try again: {error}"),
        _ => error.to_string(),
    }
}
