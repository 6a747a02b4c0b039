//! The mock refuses what the models would, in the service's words, over a socket.

use cometapi::{Client, ErrorKind};
use cometapi_mock::MockServer;

use crate::table::{Field, Row, table};

async fn create(
    client: &Client,
    row: &Row,
    input: serde_json::Value,
) -> Result<(), cometapi::Error> {
    let predictions = client.predictions();
    let created = predictions
        .create_model(&row.model, input)
        .unchecked()
        .await;
    created.map(drop)
}

#[tokio::test]
async fn it_judges_as_the_table_does() {
    let server = MockServer::start().await.unwrap();
    let client = Client::builder()
        .key("k")
        .base_url(server.base_url())
        .build()
        .unwrap();
    for row in table() {
        for field in &row.fields {
            judge(&client, row, field).await;
        }
    }
}

async fn judge(client: &Client, row: &Row, field: &Field) {
    for good in field.good() {
        let input = row.input_with(field, good);
        let created = create(client, row, input.clone()).await;
        assert!(created.is_ok(), "{} {input}: {created:?}", row.model);
    }
    for bad in field.bad() {
        let input = row.input_with(field, bad);
        let error = create(client, row, input.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{} {input}", row.model);
        assert_eq!(error.status(), Some(422));
        let body = String::from_utf8_lossy(error.body().unwrap()).into_owned();
        assert!(body.contains(&field.name), "{} {input}: {body}", row.model);
    }
    if field.required {
        let mut input = row.input();
        input.as_object_mut().unwrap().remove(&field.name);
        let error = create(client, row, input).await.unwrap_err().to_string();
        let missing = format!("{} is required", field.name);
        assert!(error.contains(&missing), "{}: {error}", row.model);
    }
}
