//! What the integration tests share.

pub mod fake_github;
