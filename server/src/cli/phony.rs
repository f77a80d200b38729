//! `bowsprit phony`: sends a signed webhook, as Prow's phony does, for trying hook out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::prompt::{note, print};
use crate::web::webhook::signature::sign;

/// How long hook may take to answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The delivery id of every phony webhook: hook tells deliveries apart by id and body.
const DELIVERY_ID: &str = "GUID";

/// The command's flags.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Where to send the webhook.
    #[arg(long, value_name = "URL", default_value = "http://localhost:8888/hook")]
    pub address: String,
    /// The token to sign the payload with.
    #[arg(long, value_name = "TOKEN", default_value = "abcde12345", hide_env_values = true)]
    pub hmac: String,
    /// The type of the event, such as `pull_request`.
    #[arg(long, value_name = "EVENT", default_value = "ping")]
    pub event: String,
    /// The file with the payload; without it `{}` is sent.
    #[arg(long, value_name = "FILE")]
    pub payload: Option<PathBuf>,
}

/// Sends the webhook and prints what hook answers. Fails unless hook took it.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let payload = match &args.payload {
        Some(file) => tokio::fs::read(file)
            .await
            .with_context(|| format!("could not read the payload file {}", file.display()))?,
        None => b"{}".to_vec(),
    };
    let answer = send(&args.address, &args.event, payload, &args.hmac).await?;
    print(&format!("{}\n", answer.trim_end()))?;
    note("Hook sent.");
    Ok(ExitCode::SUCCESS)
}

/// Posts an event with its signature; the body of the answer.
async fn send(address: &str, event: &str, payload: Vec<u8>, token: &str) -> anyhow::Result<String> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .build()
        .context("could not set up the HTTP client")?;
    let response = client
        .post(address)
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Delivery", DELIVERY_ID)
        .header("X-Hub-Signature-256", sign(token, &payload))
        .header("Content-Type", "application/json")
        .body(payload)
        .send()
        .await
        .with_context(|| {
            format!("could not send the webhook to {address}; is hook running there?")
        })?;
    let status = response.status();
    let body = response.bytes().await.context("hook's answer broke off")?;
    let body = String::from_utf8_lossy(&body).trim().to_owned();
    if status != reqwest::StatusCode::OK {
        anyhow::bail!("response from hook has status {} and body {body}", status.as_u16());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use parking_lot::Mutex;

    use super::*;

    type Received = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

    /// A hook that answers `status` and remembers what it got.
    async fn hook(status: StatusCode) -> (String, Received) {
        let received = Received::default();
        let keep = received.clone();
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            keep.lock().push((headers, body));
            (status, "Event received.\n")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let router = Router::new().route("/hook", post(answer));
            axum::serve(listener, router).await
        });
        (address, received)
    }

    #[tokio::test]
    async fn the_payload_arrives_signed_under_the_id_guid() {
        let (address, received) = hook(StatusCode::OK).await;
        let answer = send(&address, "pull_request", b"{\"a\":1}".to_vec(), "s3cret").await.unwrap();
        assert_eq!(answer, "Event received.");
        let received = received.lock();
        let (headers, body) = &received[0];
        assert_eq!(headers["x-github-event"], "pull_request");
        assert_eq!(headers["x-github-delivery"], "GUID");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["x-hub-signature-256"], sign("s3cret", body));
        assert_eq!(&body[..], b"{\"a\":1}");
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_with_hooks_words() {
        let (address, _) = hook(StatusCode::FORBIDDEN).await;
        let error = send(&address, "ping", b"{}".to_vec(), "wrong").await.unwrap_err();
        assert_eq!(error.to_string(), "response from hook has status 403 and body Event received.");
    }

    #[tokio::test]
    async fn a_missing_payload_file_is_named() {
        let args = Args {
            address: "http://127.0.0.1:9/hook".to_owned(),
            hmac: String::new(),
            event: "ping".to_owned(),
            payload: Some("no/such/file.json".into()),
        };
        let error = run(args).await.unwrap_err();
        assert_eq!(error.to_string(), "could not read the payload file no/such/file.json");
    }
}
