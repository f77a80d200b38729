//! The process's metrics, under the names that Prow's dashboards ask for.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Deck's request duration buckets: powers of two between 5 ms and 20 s.
const DURATION_BUCKETS: [f64; 13] =
    [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.0];
/// Deck's response size buckets: powers of two between 16 KiB and 32 MiB.
const SIZE_BUCKETS: [f64; 12] = [
    16_384.0,
    32_768.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
];

/// Families with so many series that they write themselves.
pub trait Families: Send + Sync {
    /// Appends them as Prometheus' text format.
    fn write(&self, out: &mut String);
}

/// The metrics of the web side and the registry that all parts register with.
#[derive(Clone)]
pub struct Metrics {
    /// Where every component registers its own.
    pub registry: Registry,
    /// `prow_webhook_counter{event_type}`
    pub webhooks: IntCounterVec,
    /// `prow_webhook_response_codes{response_code}`
    pub webhook_responses: IntCounterVec,
    /// `deck_http_request_duration_seconds{path, method, status}`
    pub request_duration: HistogramVec,
    /// `deck_http_response_size_bytes{path, method, status}`
    pub response_size: HistogramVec,
    /// `bowsprit_config_load_failed`: 1 while the files on disk do not load.
    pub config_load_failed: IntGauge,
    /// `bowsprit_config_loaded_timestamp_seconds`
    pub config_loaded_at: IntGauge,
    /// `bowsprit_component_up{component}`
    pub component_up: IntGaugeVec,
    large: Arc<Mutex<Vec<Arc<dyn Families>>>>,
}

impl Metrics {
    /// Registers the web side's metrics in a fresh registry.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let webhooks = IntCounterVec::new(
            Opts::new("prow_webhook_counter", "A counter of the webhooks made to prow."),
            &["event_type"],
        )?;
        let webhook_responses = IntCounterVec::new(
            Opts::new(
                "prow_webhook_response_codes",
                "A counter of the different responses hook has responded to webhooks with.",
            ),
            &["response_code"],
        )?;
        // Deck also has a user_agent label; its values are without bound, so it is left out.
        let labels = ["path", "method", "status"];
        let request_duration = HistogramVec::new(
            HistogramOpts::new(
                "deck_http_request_duration_seconds",
                "http request duration in seconds",
            )
            .buckets(DURATION_BUCKETS.to_vec()),
            &labels,
        )?;
        let response_size = HistogramVec::new(
            HistogramOpts::new("deck_http_response_size_bytes", "http response size in bytes")
                .buckets(SIZE_BUCKETS.to_vec()),
            &labels,
        )?;
        let config_load_failed = IntGauge::new(
            "bowsprit_config_load_failed",
            "1 while the configuration on disk does not load and an older one is in use.",
        )?;
        let config_loaded_at = IntGauge::new(
            "bowsprit_config_loaded_timestamp_seconds",
            "When the configuration in use was loaded.",
        )?;
        let component_up = IntGaugeVec::new(
            Opts::new("bowsprit_component_up", "1 while the component's loop runs."),
            &["component"],
        )?;
        registry.register(Box::new(webhooks.clone()))?;
        registry.register(Box::new(webhook_responses.clone()))?;
        registry.register(Box::new(request_duration.clone()))?;
        registry.register(Box::new(response_size.clone()))?;
        registry.register(Box::new(config_load_failed.clone()))?;
        registry.register(Box::new(config_loaded_at.clone()))?;
        registry.register(Box::new(component_up.clone()))?;
        Ok(Self {
            registry,
            webhooks,
            webhook_responses,
            request_duration,
            response_size,
            config_load_failed,
            config_loaded_at,
            component_up,
            large: Arc::default(),
        })
    }

    /// Shows these families too.
    pub fn also(&self, families: Arc<dyn Families>) {
        self.large.lock().push(families);
    }

    /// The text that Prometheus scrapes.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        let mut text = String::from_utf8_lossy(&out).into_owned();
        for families in self.large.lock().iter() {
            families.write(&mut text);
        }
        Ok(text)
    }
}
