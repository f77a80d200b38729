//! Crier's metrics, under Prow's names.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Prow's buckets: 1 s to 2 h.
const BUCKETS: [f64; 15] = [
    1.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 2700.0, 3600.0,
    5400.0, 7200.0,
];

/// Crier's metrics.
#[derive(Clone)]
pub struct Metrics {
    /// `crier_report_latency{reporter}`: from a run's completion to its report.
    pub latency: HistogramVec,
    /// `crier_reporting_results{reporter, result}`
    pub results: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let latency = HistogramOpts::new(
            "crier_report_latency",
            "Histogram of time spent reporting, calculated by the time difference between job \
             completion and end of reporting.",
        );
        let metrics = Metrics {
            latency: HistogramVec::new(latency.buckets(BUCKETS.to_vec()), &["reporter"])?,
            results: IntCounterVec::new(
                Opts::new(
                    "crier_reporting_results",
                    "Count of successful and failed reporting attempts by reporter.",
                ),
                &["reporter", "result"],
            )?,
        };
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.results.clone()))?;
        Ok(metrics)
    }
}
