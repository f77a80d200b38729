//! The time from a touched file to the new configuration.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use config_load::{LoadOptions, Loader};
use go_compat::time::Timestamp;

/// Loads a configuration (`prow/`, `jobs/`), then changes one job file again
/// and again and measures each load after it.
pub fn measure(folder: &Path, runs: usize) -> anyhow::Result<Vec<Duration>> {
    let options = LoadOptions {
        job_config_path: Some(folder.join("jobs")),
        ..LoadOptions::new(folder.join("prow/config.yaml"))
    };
    let mut loader = Loader::new(options);
    let now = Timestamp::from_seconds(1_795_000_000);
    let load = |loader: &mut Loader| {
        loader
            .load(now)
            .map_err(|errors| anyhow::anyhow!("the configuration does not load: {errors}"))
    };
    load(&mut loader)?;
    let file = largest_job_file(&folder.join("jobs")).context("a job file")?;
    let original = std::fs::read_to_string(&file)?;
    let mut times = Vec::new();
    for run in 0..runs {
        std::fs::write(&file, format!("{original}\n# touched {run}\n"))?;
        let started = Instant::now();
        load(&mut loader)?;
        times.push(started.elapsed());
    }
    Ok(times)
}

fn largest_job_file(folder: &Path) -> Option<PathBuf> {
    let mut largest: Option<(u64, PathBuf)> = None;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml")
                && largest.as_ref().is_none_or(|(most, _)| size > *most)
            {
                largest = Some((size, path));
            }
        }
    }
    largest.map(|(_, path)| path)
}
