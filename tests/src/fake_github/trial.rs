//! A configuration to try the program with against a fake that was started by hand.

use std::{io, path::Path};

/// What a person needs to serve one repository of the fake.
#[derive(Debug, Clone)]
pub struct Trial {
    /// `config.yaml`.
    pub config: String,
    /// One presubmit of the repository.
    pub jobs: String,
    /// `plugins.yaml`, with trigger alone.
    pub plugins: String,
}

impl Trial {
    /// A configuration in which `sh check.sh` is the only check of a repository.
    pub fn new(org: &str, repo: &str, clone_url: &str) -> Trial {
        Trial {
            config: CONFIG.to_owned(),
            jobs: JOBS
                .replace("{org}", org)
                .replace("{repo}", repo)
                .replace("{clone_url}", clone_url),
            plugins: PLUGINS.replace("{org}", org).replace("{repo}", repo),
        }
    }

    /// Writes `config.yaml`, `jobs.yaml` and `plugins.yaml` into a folder.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        for (name, content) in [
            ("config.yaml", &self.config),
            ("jobs.yaml", &self.jobs),
            ("plugins.yaml", &self.plugins),
        ] {
            std::fs::write(dir.join(name), content)?;
        }
        Ok(())
    }
}

const CONFIG: &str = "\
prowjob_namespace: default
pod_namespace: default
plank:
  default_decoration_config_entries:
  - config:
      timeout: 10m
      grace_period: 15s
      utility_images:
        clonerefs: clonerefs:latest
        initupload: initupload:latest
        entrypoint: entrypoint:latest
        sidecar: sidecar:latest
      gcs_configuration:
        bucket: file://artifacts
        path_strategy: explicit
";

const JOBS: &str = "\
presubmits:
  {org}/{repo}:
  - name: pull-{repo}-check
    always_run: true
    decorate: true
    clone_uri: {clone_url}
    spec:
      containers:
      - image: local
        command: [sh, check.sh]
";

const PLUGINS: &str = "\
plugins:
  {org}/{repo}:
    plugins: [trigger]
";
