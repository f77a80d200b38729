//! How a Kubernetes cluster is reached, for command lines written for Prow.

use std::path::PathBuf;

use clap::Args;

/// Prow's flags for Kubernetes. The commands that take them reach no cluster.
#[derive(Args, Clone, Debug, Default)]
pub struct KubeOptions {
    /// Taken for Prow's sake and without effect: this command reaches no Kubernetes cluster.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Taken for Prow's sake and without effect, as --kubeconfig.
    #[arg(long, value_name = "DIR")]
    pub kubeconfig_dir: Option<PathBuf>,
    /// Taken for Prow's sake and without effect, as --kubeconfig.
    #[arg(long, value_name = "SUFFIX")]
    pub kubeconfig_suffix: Option<String>,
    /// Taken for Prow's sake and without effect, as --kubeconfig.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub no_in_cluster_config: bool,
    /// Taken for Prow's sake and without effect, as --kubeconfig.
    #[arg(long, value_name = "FILE")]
    pub projected_token_file: Option<PathBuf>,
}
