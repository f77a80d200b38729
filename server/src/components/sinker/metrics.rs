//! Sinker's metrics, under Prow's names: gauges of the last pass.

use std::collections::BTreeMap;

use prometheus::{Gauge, IntGauge, IntGaugeVec, Opts, Registry};

/// Sinker's metrics.
#[derive(Clone)]
pub struct Metrics {
    pub(super) pods_existing: IntGauge,
    pub(super) loop_duration: Gauge,
    pub(super) pods_removed: IntGaugeVec,
    pub(super) pod_errors: IntGaugeVec,
    pub(super) jobs_existing: IntGauge,
    pub(super) jobs_cleaned: IntGaugeVec,
    pub(super) job_errors: IntGaugeVec,
    pub(super) refusals: IntGauge,
    pub(super) configmap_size: IntGaugeVec,
}

impl Metrics {
    /// Registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Metrics> {
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let by_reason = |name: &str, help: &str| -> prometheus::Result<IntGaugeVec> {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["reason"])?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let configmap_size = IntGaugeVec::new(
            Opts::new(
                "job_configmap_size",
                "Size of ConfigMap storing central job configuration files (gzipped) in bytes.",
            ),
            &["name"],
        )?;
        registry.register(Box::new(configmap_size.clone()))?;
        let loop_duration =
            Gauge::new("sinker_loop_duration_seconds", "Time used in each sinker cleaning.")?;
        registry.register(Box::new(loop_duration.clone()))?;
        Ok(Metrics {
            pods_existing: gauge(
                "sinker_pods_existing",
                "Number of the existing pods in each sinker cleaning.",
            )?,
            loop_duration,
            configmap_size,
            pods_removed: by_reason(
                "sinker_pods_removed",
                "Number of pods removed in each sinker cleaning.",
            )?,
            pod_errors: by_reason(
                "sinker_pod_removal_errors",
                "Number of errors which occurred in each sinker pod cleaning.",
            )?,
            jobs_existing: gauge(
                "sinker_prow_jobs_existing",
                "Number of the existing prow jobs in each sinker cleaning.",
            )?,
            jobs_cleaned: by_reason(
                "sinker_prow_jobs_cleaned",
                "Number of prow jobs cleaned in each sinker cleaning.",
            )?,
            job_errors: by_reason(
                "sinker_prow_jobs_cleaning_errors",
                "Number of errors which occurred in each sinker prow job cleaning.",
            )?,
            refusals: gauge(
                "bowsprit_sinker_refusals",
                "Removals that the last sinker pass refused because they were too many.",
            )?,
        })
    }
}

/// Sets a gauge per reason; a reason of an earlier pass does not keep its old value.
pub(super) fn set(gauge: &IntGaugeVec, counts: &BTreeMap<String, i64>) {
    gauge.reset();
    for (reason, count) in counts {
        gauge.with_label_values(&[reason]).set(*count);
    }
}
