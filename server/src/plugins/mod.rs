//! Hook's plugins: what answers webhooks.

pub mod help;
pub mod respond;
pub mod trigger;
