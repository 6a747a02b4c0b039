//! The mock refuses what the models would, in the service's words, over a socket.

use cometapi::{Client, ErrorKind};
use cometapi_mock::MockServer;
use serde_json::json;

use crate::table::{Field, Row, TABLE};

async fn create(
    client: &Client,
    row: &Row,
    input: serde_json::Value,
) -> Result<(), cometapi::Error> {
    let predictions = client.predictions();
    let created = predictions.create(&row.model, input).unchecked().await;
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
    let mut sent = 0;
    for row in TABLE.iter() {
        for field in &row.fields {
            sent += judged(&client, row, field).await;
        }
        let error = create(&client, row, json!({})).await.unwrap_err();
        assert!(error.to_string().contains("prompt is required"), "{error}");
    }
    assert!(sent > 500, "{sent}");
}

async fn judged(client: &Client, row: &Row, field: &Field) -> usize {
    for good in field.good() {
        let input = field.input(good);
        let created = create(client, row, input.clone()).await;
        assert!(created.is_ok(), "{} {input}: {created:?}", row.model);
    }
    for bad in field.bad() {
        let input = field.input(bad);
        let error = create(client, row, input.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{} {input}", row.model);
        assert_eq!(error.status(), Some(422));
        let body = String::from_utf8_lossy(error.body().unwrap()).into_owned();
        assert!(body.contains(&field.name), "{} {input}: {body}", row.model);
    }
    field.good().len() + field.bad().len()
}
