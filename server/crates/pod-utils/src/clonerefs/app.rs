//! Tokens of a GitHub App, for cloning.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use go_compat::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The user name that goes with a token of an App's installation.
pub(super) const GIT_USER: &str = "x-access-token";

/// How long the App's own token is valid. GitHub accepts ten minutes at most.
const JWT_SECONDS: i64 = 9 * 60;

/// How far the beginning of its validity lies back, for clocks that differ.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// No token could be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppError {
    #[error("the GitHub App's private key is no RSA key in PEM format")]
    Key,
    #[error("the HTTP client did not start: {0}")]
    Client(reqwest::Error),
    #[error("the GitHub App could not sign its token")]
    Sign,
    #[error("the GitHub App has no installation that covers {0}")]
    NotInstalled(String),
    #[error("{endpoint} refused the GitHub App with status {status}")]
    Refused { endpoint: String, status: u16 },
    #[error("{endpoint} could not be asked for a token: {cause}")]
    Unreachable { endpoint: String, cause: String },
}

/// A GitHub App that may clone.
pub(super) struct App {
    id: String,
    key: EncodingKey,
    endpoints: Vec<String>,
    http: reqwest::Client,
    /// Tokens by organisation; they outlive a clone by far.
    tokens: Mutex<HashMap<String, SecretString>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct InstallationToken {
    token: SecretString,
}

impl App {
    pub(super) fn new(id: &str, key: &SecretString, endpoints: &[String]) -> Result<App, AppError> {
        let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes());
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build();
        Ok(App {
            id: id.to_owned(),
            key: key.map_err(|_| AppError::Key)?,
            endpoints: endpoints.to_vec(),
            http: http.map_err(AppError::Client)?,
            tokens: Mutex::default(),
        })
    }

    /// A token for the repositories of an organisation or user. The endpoints are asked in turn.
    pub(super) async fn token(&self, org: &str, now: Timestamp) -> Result<SecretString, AppError> {
        if let Some(token) = self.tokens().get(org) {
            return Ok(token.clone());
        }
        let mut result = Err(AppError::NotInstalled(org.to_owned()));
        for endpoint in &self.endpoints {
            result = self.token_from(endpoint.trim_end_matches('/'), org, now).await;
            if result.is_ok() {
                break;
            }
        }
        if let Ok(token) = &result {
            self.tokens().insert(org.to_owned(), token.clone());
        }
        result
    }

    async fn token_from(
        &self,
        endpoint: &str,
        org: &str,
        now: Timestamp,
    ) -> Result<SecretString, AppError> {
        let own = self.own_token(now)?;
        let mut found = None;
        for kind in ["orgs", "users"] {
            let path = format!("{kind}/{org}/installation");
            match self.ask::<Installation>(Method::GET, endpoint, &path, &own).await {
                Ok(installation) => {
                    found = Some(installation);
                    break;
                }
                Err(AppError::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let installation = found.ok_or_else(|| AppError::NotInstalled(org.to_owned()))?;
        let path = format!("app/installations/{}/access_tokens", installation.id);
        let token: InstallationToken = self.ask(Method::POST, endpoint, &path, &own).await?;
        Ok(token.token)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        endpoint: &str,
        path: &str,
        own: &str,
    ) -> Result<T, AppError> {
        let unreachable = |error: reqwest::Error| AppError::Unreachable {
            endpoint: endpoint.to_owned(),
            cause: error.without_url().to_string(),
        };
        let request = self
            .http
            .request(method, format!("{endpoint}/{path}"))
            .bearer_auth(own)
            .header("Accept", "application/vnd.github+json")
            .header("User-Agent", "bowsprit-clonerefs");
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK | StatusCode::CREATED => response.json().await.map_err(unreachable),
            status => {
                Err(AppError::Refused { endpoint: endpoint.to_owned(), status: status.as_u16() })
            }
        }
    }

    /// The token by which the App proves that it is itself.
    fn own_token(&self, now: Timestamp) -> Result<String, AppError> {
        let now = now.seconds();
        let claims =
            Claims { iat: now - CLOCK_SKEW_SECONDS, exp: now + JWT_SECONDS, iss: &self.id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| AppError::Sign)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<String, SecretString>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
