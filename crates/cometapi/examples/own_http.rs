//! Own HTTP settings: a proxy with a login, a certificate authority, a name in the user agent.
//!
//! `PROXY_URL` and `CA_FILE` (PEM) are optional.

use cometapi::models::flux_schnell::FluxSchnell;
use cometapi::{Client, reqwest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proxy = match std::env::var("PROXY_URL") {
        Ok(url) => Some(reqwest::Proxy::all(url)?.basic_auth("user", "password")),
        Err(_) => None,
    };
    let authority = match std::env::var("CA_FILE") {
        Ok(file) => Some(reqwest::Certificate::from_pem(&std::fs::read(file)?)?),
        Err(_) => None,
    };
    // Called for each HTTP client that is set up, before the settings that must not change.
    let configure = move |mut http: reqwest::ClientBuilder| {
        if let Some(proxy) = &proxy {
            http = http.proxy(proxy.clone());
        }
        if let Some(authority) = &authority {
            http = http.tls_certs_merge([authority.clone()]);
        }
        http
    };

    let mut builder = Client::builder()
        .key(std::env::var("COMETAPI_KEY")?)
        .app("my-service/1.0")
        .configure_http(configure.clone())
        .configure_download_http(configure);
    if let Ok(url) = std::env::var("COMETAPI_BASE_URL") {
        builder = builder.base_url(url);
    }
    let client = builder.build()?;
    for image in client.run(FluxSchnell::new("a paper boat")).await? {
        println!("{}", image.save_in("images").await?.path.display());
    }
    Ok(())
}
