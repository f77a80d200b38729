//! How a job's Pod is wrapped with the pod utilities.

use go_compat::duration::GoDuration;

use crate::gcs::GcsConfiguration;
use crate::go_struct::go_struct;
use crate::pod_spec::{Affinity, ResourceRequirements, Toleration};
use crate::quantity::Quantity;

go_struct! {
    /// How a job's Pod is wrapped with the pod utilities: what clones, uploads and supervises it, and with
    /// which credentials and limits.
    pub struct DecorationConfig {
        /// How long the test may run; the entrypoint reads zero as two hours.
        pub timeout: Option<GoDuration> => "timeout",
        /// How long the test may take to stop before it is killed; the entrypoint reads zero as 15 seconds.
        pub grace_period: Option<GoDuration> => "grace_period",
        /// Images of the utilities; all four are required.
        pub utility_images: Option<UtilityImages> => "utility_images",
        /// Resources of the utilities.
        pub resources: Option<Resources> => "resources",
        /// Where logs and artifacts go.
        pub gcs_configuration: Option<GcsConfiguration> => "gcs_configuration",
        /// Secret with the GCS credentials; unset uses the ambient identity, empty uses none on purpose.
        pub gcs_credentials_secret: Option<String> => "gcs_credentials_secret",
        /// Secret with the S3 credentials.
        pub s3_credentials_secret: Option<String> => "s3_credentials_secret",
        /// Service account of Pods that name none.
        pub default_service_account_name: Option<String> => "default_service_account_name",
        /// Secrets with SSH keys for cloning.
        pub ssh_key_secrets: Vec<String> => "ssh_key_secrets",
        /// Lines for known_hosts.
        pub ssh_host_fingerprints: Vec<String> => "ssh_host_fingerprints",
        /// Fetch without file contents; refs may say otherwise.
        pub blobless_fetch: Option<bool> => "blobless_fetch",
        /// Check out only these paths of the repository under test.
        pub sparse_checkout_files: Vec<String> => "sparse_checkout_files",
        /// Clone nothing.
        pub skip_cloning: Option<bool> => "skip_cloning",
        /// Secret with a git cookie file, as `secret` or `secret/key`.
        pub cookiefile_secret: Option<String> => "cookiefile_secret",
        /// Secret with an OAuth token for cloning; not together with SSH keys.
        pub oauth_token_secret: Option<SecretKey> => "oauth_token_secret",
        /// Endpoints at which an App's token is had.
        pub github_api_endpoints: Vec<String> => "github_api_endpoints",
        /// The GitHub App that clones.
        pub github_app_id: String => "github_app_id",
        /// Secret with the App's private key.
        pub github_app_private_key_secret: Option<SecretKey> => "github_app_private_key_secret",
        /// Remove the contents of mounted secrets from logs and artifacts before upload.
        pub censor_secrets: Option<bool> => "censor_secrets",
        /// How to remove them.
        pub censoring_options: Option<CensoringOptions> => "censoring_options",
        /// The sidecar does not upload early when the Pod is told to stop.
        pub upload_ignores_interrupts: Option<bool> => "upload_ignores_interrupts",
        /// Each container's memory limit becomes its memory request.
        pub set_limit_equals_memory_request: Option<bool> => "set_limit_equals_memory_request",
        /// Memory request of containers that have none.
        pub default_memory_request: Option<Quantity> => "default_memory_request",
        /// Affinity and tolerations of Pods that have none.
        pub scheduling_options: Option<SchedulingOptions> => "scheduling_options",
        /// Instead of plank's limit on pending.
        pub pod_pending_timeout: Option<GoDuration> => "pod_pending_timeout",
        /// Instead of plank's limit on running.
        pub pod_running_timeout: Option<GoDuration> => "pod_running_timeout",
        /// Instead of plank's limit on waiting for a node.
        pub pod_unscheduled_timeout: Option<GoDuration> => "pod_unscheduled_timeout",
        /// User that containers run as, unless the Pod says.
        pub run_as_user: Option<i64> => "run_as_user",
        /// Group that containers run as, unless the Pod says.
        pub run_as_group: Option<i64> => "run_as_group",
        /// Group that volumes belong to, unless the Pod says.
        pub fs_group: Option<i64> => "fs_group",
    }
}

go_struct! {
    /// Images of the pod utilities.
    pub struct UtilityImages {
        /// Clones the refs.
        pub clonerefs: String => "clonerefs",
        /// Uploads started.json.
        pub initupload: String => "initupload",
        /// Brings the entrypoint that supervises the test.
        pub entrypoint: String => "entrypoint",
        /// Uploads logs and artifacts at the end.
        pub sidecar: String => "sidecar",
    }
}

go_struct! {
    /// Resources of the pod utilities' containers.
    pub struct Resources {
        /// Of clonerefs.
        pub clonerefs: Option<ResourceRequirements> => "clonerefs",
        /// Of initupload.
        pub initupload: Option<ResourceRequirements> => "initupload",
        /// Of the container that copies the entrypoint.
        pub place_entrypoint: Option<ResourceRequirements> => "place_entrypoint",
        /// Of the sidecar.
        pub sidecar: Option<ResourceRequirements> => "sidecar",
    }
}

go_struct! {
    /// One key of a secret.
    pub struct SecretKey {
        /// Name of the secret.
        pub name: String => "name",
        /// Key within it.
        pub key: String => "key",
    }
}

go_struct! {
    /// How secrets are removed from logs and artifacts.
    pub struct CensoringOptions {
        /// How many files are worked on at once; 10 if unset.
        pub censoring_concurrency: Option<i64> => "censoring_concurrency",
        /// Bytes held of each file; 10 MiB if unset.
        pub censoring_buffer_size: Option<i64> => "censoring_buffer_size",
        /// Globs, relative to the artifacts, of what is looked through; empty means everything.
        pub include_directories: Option<Vec<String>> => "include_directories" slice,
        /// Globs of what is not looked through; wins over the former.
        pub exclude_directories: Option<Vec<String>> => "exclude_directories" slice,
        /// Secrets shorter than this stay.
        pub minimum_secret_length: Option<i64> => "minimum_secret_length",
    }
}

go_struct! {
    /// Where Pods may run that do not say.
    pub struct SchedulingOptions {
        /// Affinity of Pods that have none.
        pub affinity: Option<Affinity> => "affinity",
        /// Tolerations of Pods that have none.
        pub tolerations: Option<Vec<Toleration>> => "tolerations" slice,
    }
}

/// What is missing from or wrong with a decoration config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecorationError {
    /// No images at all.
    #[error("utility image config is not specified")]
    NoUtilityImages,
    /// Some images are missing.
    #[error("the following utility images are not specified: {0:?}")]
    MissingUtilityImages(Vec<&'static str>),
    /// Nowhere to upload to.
    #[error("GCS upload configuration is not specified")]
    NoGcsConfiguration,
    /// The place to upload to is not well described.
    #[error("GCS configuration is invalid: {0}")]
    Gcs(#[from] crate::gcs::GcsConfigurationError),
    /// Two ways to clone that exclude each other.
    #[error("both OAuth token and SSH key secrets are specified")]
    OauthAndSsh,
}

impl DecorationConfig {
    /// The config with what it does not set taken from `default`.
    ///
    /// Scalars and structs are filled where unset, lists where empty, the nested groups field by field.
    /// One exception, as in Prow: entries of the default's `mediaTypes` *replace* entries of the same
    /// extension.
    pub fn apply_default(&self, default: &DecorationConfig) -> DecorationConfig {
        let list = |own: &Vec<String>, default: &Vec<String>| {
            if own.is_empty() { default.clone() } else { own.clone() }
        };
        DecorationConfig {
            timeout: self.timeout.or(default.timeout),
            grace_period: self.grace_period.or(default.grace_period),
            utility_images: merge(&self.utility_images, &default.utility_images, |a, b| {
                a.apply_default(b)
            }),
            resources: merge(&self.resources, &default.resources, |a, b| a.apply_default(b)),
            gcs_configuration: merge(
                &self.gcs_configuration,
                &default.gcs_configuration,
                |a, b| a.apply_default(b),
            ),
            gcs_credentials_secret: or(
                &self.gcs_credentials_secret,
                &default.gcs_credentials_secret,
            ),
            s3_credentials_secret: or(&self.s3_credentials_secret, &default.s3_credentials_secret),
            default_service_account_name: or(
                &self.default_service_account_name,
                &default.default_service_account_name,
            ),
            ssh_key_secrets: list(&self.ssh_key_secrets, &default.ssh_key_secrets),
            ssh_host_fingerprints: list(
                &self.ssh_host_fingerprints,
                &default.ssh_host_fingerprints,
            ),
            blobless_fetch: self.blobless_fetch.or(default.blobless_fetch),
            sparse_checkout_files: list(
                &self.sparse_checkout_files,
                &default.sparse_checkout_files,
            ),
            skip_cloning: self.skip_cloning.or(default.skip_cloning),
            cookiefile_secret: or(&self.cookiefile_secret, &default.cookiefile_secret),
            oauth_token_secret: or(&self.oauth_token_secret, &default.oauth_token_secret),
            github_api_endpoints: list(&self.github_api_endpoints, &default.github_api_endpoints),
            github_app_id: if self.github_app_id.is_empty() {
                default.github_app_id.clone()
            } else {
                self.github_app_id.clone()
            },
            github_app_private_key_secret: or(
                &self.github_app_private_key_secret,
                &default.github_app_private_key_secret,
            ),
            censor_secrets: self.censor_secrets.or(default.censor_secrets),
            censoring_options: merge(
                &self.censoring_options,
                &default.censoring_options,
                |a, b| a.apply_default(b),
            ),
            upload_ignores_interrupts: self
                .upload_ignores_interrupts
                .or(default.upload_ignores_interrupts),
            set_limit_equals_memory_request: self
                .set_limit_equals_memory_request
                .or(default.set_limit_equals_memory_request),
            default_memory_request: or(
                &self.default_memory_request,
                &default.default_memory_request,
            ),
            scheduling_options: merge(
                &self.scheduling_options,
                &default.scheduling_options,
                |a, b| a.apply_default(b),
            ),
            pod_pending_timeout: self.pod_pending_timeout.or(default.pod_pending_timeout),
            pod_running_timeout: self.pod_running_timeout.or(default.pod_running_timeout),
            pod_unscheduled_timeout: self
                .pod_unscheduled_timeout
                .or(default.pod_unscheduled_timeout),
            run_as_user: self.run_as_user.or(default.run_as_user),
            run_as_group: self.run_as_group.or(default.run_as_group),
            fs_group: self.fs_group.or(default.fs_group),
        }
    }

    /// Checks that everything decoration needs is there, as Prow's configuration check does.
    pub fn validate(&self) -> Result<(), DecorationError> {
        let images = self.utility_images.as_ref().ok_or(DecorationError::NoUtilityImages)?;
        let missing: Vec<_> = [
            ("clonerefs", &images.clonerefs),
            ("initupload", &images.initupload),
            ("entrypoint", &images.entrypoint),
            ("sidecar", &images.sidecar),
        ]
        .into_iter()
        .filter(|(_, image)| image.is_empty())
        .map(|(name, _)| name)
        .collect();
        if !missing.is_empty() {
            return Err(DecorationError::MissingUtilityImages(missing));
        }
        self.gcs_configuration.as_ref().ok_or(DecorationError::NoGcsConfiguration)?.validate()?;
        if self.oauth_token_secret.is_some() && !self.ssh_key_secrets.is_empty() {
            return Err(DecorationError::OauthAndSsh);
        }
        Ok(())
    }
}

fn or<T: Clone>(own: &Option<T>, default: &Option<T>) -> Option<T> {
    own.as_ref().or(default.as_ref()).cloned()
}

/// Takes whichever of two groups is there, and merges them if both are.
fn merge<T: Clone>(
    own: &Option<T>,
    default: &Option<T>,
    both: impl FnOnce(&T, &T) -> T,
) -> Option<T> {
    match (own, default) {
        (Some(own), Some(default)) => Some(both(own, default)),
        _ => or(own, default),
    }
}

impl UtilityImages {
    fn apply_default(&self, default: &UtilityImages) -> UtilityImages {
        let image = |own: &String, default: &String| {
            if own.is_empty() { default.clone() } else { own.clone() }
        };
        UtilityImages {
            clonerefs: image(&self.clonerefs, &default.clonerefs),
            initupload: image(&self.initupload, &default.initupload),
            entrypoint: image(&self.entrypoint, &default.entrypoint),
            sidecar: image(&self.sidecar, &default.sidecar),
        }
    }
}

impl Resources {
    fn apply_default(&self, default: &Resources) -> Resources {
        Resources {
            clonerefs: or(&self.clonerefs, &default.clonerefs),
            initupload: or(&self.initupload, &default.initupload),
            place_entrypoint: or(&self.place_entrypoint, &default.place_entrypoint),
            sidecar: or(&self.sidecar, &default.sidecar),
        }
    }
}

impl CensoringOptions {
    fn apply_default(&self, default: &CensoringOptions) -> CensoringOptions {
        CensoringOptions {
            censoring_concurrency: self.censoring_concurrency.or(default.censoring_concurrency),
            censoring_buffer_size: self.censoring_buffer_size.or(default.censoring_buffer_size),
            include_directories: or(&self.include_directories, &default.include_directories),
            exclude_directories: or(&self.exclude_directories, &default.exclude_directories),
            minimum_secret_length: self.minimum_secret_length.or(default.minimum_secret_length),
        }
    }
}

impl SchedulingOptions {
    fn apply_default(&self, default: &SchedulingOptions) -> SchedulingOptions {
        SchedulingOptions {
            affinity: or(&self.affinity, &default.affinity),
            tolerations: or(&self.tolerations, &default.tolerations),
        }
    }
}
