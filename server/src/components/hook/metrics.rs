//! Hook's metrics, under Prow's names where Prow has them. `prow_webhook_counter` belongs to the
//! intake in `web/webhook`.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// Buckets of handling times: 5 ms, doubled up to 655 s.
const BUCKETS: usize = 18;
/// The labels of Prow's plugin metrics.
const LABELS: [&str; 4] = ["event_type", "action", "plugin", "took_action"];

/// Hook's metrics.
#[derive(Clone)]
pub struct Metrics {
    /// `prow_plugin_handle_duration_seconds`
    pub handle_duration: HistogramVec,
    /// `prow_plugin_handle_errors`
    pub handle_errors: IntCounterVec,
    /// `bowsprit_webhook_backlog`: deliveries on disk that are not handled yet.
    pub backlog: IntGauge,
    /// `bowsprit_webhook_backlog_age_seconds`: how long the oldest of them waits.
    pub backlog_age: IntGauge,
    /// `bowsprit_webhook_parked`: deliveries that were given up and wait for a replay.
    pub parked: IntGauge,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let buckets = prometheus::exponential_buckets(0.005, 2.0, BUCKETS)?;
        let duration = HistogramOpts::new(
            "prow_plugin_handle_duration_seconds",
            "How long Prow took to handle an event by plugin, event type and action.",
        );
        let metrics = Metrics {
            handle_duration: HistogramVec::new(duration.buckets(buckets), &LABELS)?,
            handle_errors: IntCounterVec::new(
                Opts::new(
                    "prow_plugin_handle_errors",
                    "Prow errors handling an event by plugin, event type and action.",
                ),
                &LABELS,
            )?,
            backlog: IntGauge::new(
                "bowsprit_webhook_backlog",
                "Webhook deliveries on disk that are not handled yet.",
            )?,
            backlog_age: IntGauge::new(
                "bowsprit_webhook_backlog_age_seconds",
                "How long the oldest unhandled webhook delivery waits.",
            )?,
            parked: IntGauge::new(
                "bowsprit_webhook_parked",
                "Webhook deliveries that were given up and wait for a replay.",
            )?,
        };
        registry.register(Box::new(metrics.handle_duration.clone()))?;
        registry.register(Box::new(metrics.handle_errors.clone()))?;
        registry.register(Box::new(metrics.backlog.clone()))?;
        registry.register(Box::new(metrics.backlog_age.clone()))?;
        registry.register(Box::new(metrics.parked.clone()))?;
        Ok(metrics)
    }
}
