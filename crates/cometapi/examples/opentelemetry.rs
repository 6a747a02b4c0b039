//! Sends the client's spans to OpenTelemetry, here to an exporter that prints them.
//!
//! Besides `tokio`, it needs the feature `tracing` of `cometapi`, and the crates `opentelemetry`,
//! `opentelemetry_sdk`, `opentelemetry-stdout`, `tracing-opentelemetry` and `tracing-subscriber`.

use cometapi::Client;
use cometapi::models::flux_schnell::FluxSchnell;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let exporter = opentelemetry_stdout::SpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter)
        .build();
    // Only the client's own spans: the HTTP stack has hundreds of events per request.
    let only_ours = Targets::new().with_target("cometapi", LevelFilter::INFO);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("my-service"))
        .with_filter(only_ours);
    tracing_subscriber::registry().with(layer).init();

    let client = Client::from_env()?;
    let images = client.run(FluxSchnell::new("a paper boat")).await?;
    eprintln!("{} images", images.len());

    provider.shutdown()?;
    Ok(())
}
