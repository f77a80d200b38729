//! The status page.

use app::model::{
    ComponentState, ComponentStatus, ConfigFinding, ConfigState, DataAge, PastError, Severity,
    StatusPage,
};

use crate::supervisor::Phase;
use crate::web::state::Web;

/// Findings that are shown; the rest is counted.
const SHOWN_FINDINGS: usize = 40;
/// Data that was not confirmed for so long is called stale.
const STALE_AFTER_MS: i64 = 60_000;

/// Components, configuration, age of the data.
pub(super) async fn page(web: &Web) -> StatusPage {
    let now = web.clock.now();
    let mut components: Vec<ComponentStatus> = web
        .supervisor
        .status()
        .into_iter()
        .map(|component| ComponentStatus {
            name: component.name.to_owned(),
            does: does(component.name).to_owned(),
            state: match component.phase {
                Phase::Running => ComponentState::Running,
                Phase::Waiting(_) => ComponentState::Retrying,
                Phase::Stopped => ComponentState::Stopped,
            },
            since_ms: Some(component.since.millis()),
            last_ok_ms: component.last_pass.map(|at| at.millis()),
            last_error: component
                .last_error
                .map(|(at, text)| PastError { at_ms: at.millis(), text }),
            restarts: u64::from(component.restarts),
            note: match component.phase {
                Phase::Waiting(until) => format!("starts again at {}", until.rfc3339()),
                _ => String::new(),
            },
        })
        .collect();
    components.sort_by_key(|component| {
        (component.state == ComponentState::Running, component.name.clone())
    });
    let ready = web.supervisor.not_ready().is_empty();
    StatusPage {
        now_ms: now.millis(),
        started_ms: web.settings.started.map_or(0, |at| at.millis()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready,
        metrics: web.settings.metrics_port.is_none(),
        components,
        configs: std::iter::once(config(web)).chain(grid_config(web)).collect(),
        data: data(web).await,
        notes: web.settings.notes.clone(),
    }
}

/// What a component does, in a few words.
fn does(name: &str) -> &'static str {
    match name {
        "hook" => "handles webhook deliveries",
        "scheduler" => "chooses build clusters for runs that wait for one",
        "plank" => "turns ProwJobs into Pods and Pods into results",
        "sinker" => "collects old ProwJobs and Pods",
        "horologium" => "starts periodic jobs",
        "crier" => "reports results",
        "config" => "follows the configuration files",
        crate::feed::NAME => "follows the ProwJobs for the pages",
        "testgrid-alerts" => "tells of failing tests and stale tabs by mail",
        "testgrid-config" => "follows the configuration of the test grid",
        "testgrid-updater" => "reads results into the test grid",
        "retention" => "removes old deliveries, runs and audit rows",
        _ => "",
    }
}

fn config(web: &Web) -> ConfigState {
    let status = web.config.status();
    let config = web.config.get();
    let mut findings: Vec<ConfigFinding> = status
        .last_error
        .iter()
        .flat_map(|errors| &errors.0)
        .chain(&*status.warnings)
        .map(finding)
        .collect();
    let more_findings = findings.len().saturating_sub(SHOWN_FINDINGS) as u64;
    findings.truncate(SHOWN_FINDINGS);
    ConfigState {
        name: "Prow configuration".to_owned(),
        path: web.settings.config_paths.join(", "),
        loaded_ms: Some(status.loaded_at.millis()),
        holds: format!("{} jobs", config.jobs.len()),
        failing_since_ms: status.failed_at.map(|at| at.millis()),
        failures: u64::from(status.failures),
        findings,
        more_findings,
    }
}

/// The configuration of the test grid.
fn grid_config(web: &Web) -> Option<ConfigState> {
    let live = &web.grids.as_ref()?.config;
    let config = live.get();
    let refused = live.refused();
    let all = refused.iter().map(|refused| &refused.finding).chain(&config.findings);
    let mut findings: Vec<ConfigFinding> = all.map(finding).collect();
    findings.sort_by_key(|finding| finding.severity != Severity::Error);
    let more_findings = findings.len().saturating_sub(SHOWN_FINDINGS) as u64;
    findings.truncate(SHOWN_FINDINGS);
    Some(ConfigState {
        name: "Test grid".to_owned(),
        path: web.settings.grid_paths.join(", "),
        loaded_ms: Some(config.loaded_at.millis()),
        holds: format!(
            "{} groups, {} dashboards, {} tabs",
            config.configuration.test_groups.len(),
            config.configuration.dashboards.len(),
            config.tab_count()
        ),
        failing_since_ms: refused.as_ref().map(|refused| refused.since.millis()),
        failures: u64::from(refused.is_some()),
        findings,
        more_findings,
    })
}

fn finding(diagnostic: &config_load::Diagnostic) -> ConfigFinding {
    ConfigFinding {
        severity: match diagnostic.severity {
            config_load::Severity::Error => Severity::Error,
            config_load::Severity::Warning => Severity::Warning,
        },
        file: diagnostic.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default(),
        line: u64::from(diagnostic.line),
        message: diagnostic.message.clone(),
        rule: diagnostic.rule.to_string(),
    }
}

async fn data(web: &Web) -> Vec<DataAge> {
    let now = web.clock.now().millis();
    let snapshot = web.runs.snapshot();
    let live = snapshot.runs.iter().filter(|run| run.live.is_some()).count();
    let feed = web
        .supervisor
        .status()
        .into_iter()
        .find(|component| component.name == crate::feed::NAME)
        .and_then(|feed| feed.last_pass)
        .map(|at| at.millis());
    let mut data = vec![
        DataAge {
            name: "ProwJobs".to_owned(),
            holds: format!("{live} in the cluster"),
            updated_ms: feed,
            stale: feed.is_none_or(|at| now - at > STALE_AFTER_MS),
        },
        DataAge {
            name: "run table".to_owned(),
            holds: format!("{} runs in memory", snapshot.runs.len()),
            updated_ms: feed,
            stale: false,
        },
    ];
    let Some(store) = &web.store else { return data };
    let (history, failed) = match store.runs().count().await {
        Ok(count) => (format!("{count} runs in the database"), false),
        Err(error) => (format!("not readable: {error}"), true),
    };
    data.push(DataAge {
        name: "run history".to_owned(),
        holds: history,
        updated_ms: Some(now),
        stale: failed,
    });
    let (journal, stale) = match store.deliveries().counts().await {
        Ok(counts) => (
            format!("{} deliveries pending, {} given up", counts.pending, counts.failed),
            counts.oldest_pending.is_some_and(|at| now - at.millis() > STALE_AFTER_MS),
        ),
        Err(error) => (format!("not readable: {error}"), true),
    };
    data.push(DataAge {
        name: "webhook journal".to_owned(),
        holds: journal,
        updated_ms: Some(now),
        stale,
    });
    data
}
