//! The JSON documents by which decoration tells the pod utilities what to do, one environment variable
//! each.

use go_compat::duration::GoDuration;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::gcs::GcsConfiguration;
use crate::go_struct::{GoEmpty, HasShape, go_struct};
use crate::refs::Refs;
use crate::shape::Shape;

/// Environment variable of [`ClonerefsOptions`].
pub const CLONEREFS_OPTIONS: &str = "CLONEREFS_OPTIONS";
/// Environment variable of [`InituploadOptions`].
pub const INITUPLOAD_OPTIONS: &str = "INITUPLOAD_OPTIONS";
/// Environment variable of [`EntrypointOptions`].
pub const ENTRYPOINT_OPTIONS: &str = "ENTRYPOINT_OPTIONS";
/// Environment variable of [`SidecarOptions`].
pub const SIDECAR_OPTIONS: &str = "SIDECAR_OPTIONS";
/// Environment variable of [`GcsUploadOptions`] alone.
pub const GCSUPLOAD_OPTIONS: &str = "GCSUPLOAD_OPTIONS";

/// The committer that clonerefs merges pull requests as.
pub const DEFAULT_GIT_USER_NAME: &str = "ci-robot";
/// That committer's address.
pub const DEFAULT_GIT_USER_EMAIL: &str = "ci-robot@k8s.io";
/// Where an App's token is had unless the decoration says otherwise.
pub const DEFAULT_GITHUB_API_ENDPOINT: &str = "https://api.github.com";

/// A duration written as a whole number of nanoseconds, as Go writes its plain durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nanos(pub GoDuration);

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.0)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        GoDuration::deserialize(deserializer).map(Nanos)
    }
}

impl GoEmpty for Nanos {
    fn is_go_empty(&self) -> bool {
        self.0.0 == 0
    }
}

impl HasShape for Nanos {
    fn shape() -> Shape {
        Shape::Scalar
    }
}

go_struct! {
    /// What clonerefs clones and how.
    pub struct ClonerefsOptions {
        /// Folder below whose `src` the clones lie.
        pub src_root: String => "src_root" always,
        /// File that the clone records are written to.
        pub log: String => "log" always,
        /// Committer of merges.
        pub git_user_name: String => "git_user_name",
        /// Address of that committer.
        pub git_user_email: String => "git_user_email",
        /// What to clone.
        pub refs: Vec<Refs> => "refs" always,
        /// Folders or files with SSH keys.
        pub key_files: Vec<String> => "key_files",
        /// File with an OAuth token.
        pub oauth_token_file: String => "oauth_token_file",
        /// Lines for known_hosts.
        pub host_fingerprints: Vec<String> => "host_fingerprints",
        /// How many repositories are cloned at once; 0 is all.
        pub max_parallel_workers: i64 => "max_parallel_workers",
        /// Exit with an error if a clone fails.
        pub fail: bool => "fail",
        /// File with git cookies.
        pub cookie_path: String => "cookie_path",
        /// Endpoints at which an App's token is had.
        pub github_api_endpoints: Vec<String> => "github_api_endpoints",
        /// The GitHub App that clones.
        pub github_app_id: String => "github_app_id",
        /// File with the App's private key.
        pub github_app_private_key_file: String => "github_app_private_key_file",
    }
}

go_struct! {
    /// What is uploaded where.
    pub struct GcsUploadOptions {
        /// Files and folders to upload.
        pub items: Vec<String> => "items",
        /// Folder below the run's directory.
        pub sub_dir: String => "sub_dir",
    }
    embed {
        /// The bucket and the layout in it.
        pub gcs: GcsConfiguration,
        /// Credentials for the bucket.
        pub credentials: StorageCredentials,
    }
    then {
        /// Say what would be uploaded, and upload nothing.
        pub dry_run: bool => "dry_run" always,
    }
}

go_struct! {
    /// Files with credentials for storage; empty means the ambient identity.
    pub struct StorageCredentials {
        /// For `gs://`.
        pub gcs_credentials_file: String => "gcs_credentials_file",
        /// For `s3://`.
        pub s3_credentials_file: String => "s3_credentials_file",
    }
}

go_struct! {
    /// What initupload uploads before the test.
    pub struct InituploadOptions {}
    embed {
        /// Where to.
        pub upload: GcsUploadOptions,
    }
    then {
        /// File with the clone records; empty if nothing was cloned.
        pub log: String => "log",
    }
}

go_struct! {
    /// The test process of one container, as entrypoint and sidecar both know it.
    pub struct WrapperOptions {
        /// Program and arguments.
        pub args: Vec<String> => "args",
        /// Name of the container.
        pub container_name: String => "container_name",
        /// File with what the process printed.
        pub process_log: String => "process_log" always,
        /// File that gets the exit code when the process has ended.
        pub marker_file: String => "marker_file" always,
        /// File in which the test may leave metadata for finished.json.
        pub metadata_file: String => "metadata_file" always,
    }
}

go_struct! {
    /// How entrypoint runs the test.
    pub struct EntrypointOptions {
        /// How long the test may run; 0 means two hours.
        pub timeout: Nanos => "timeout" always,
        /// How long it may take to stop; 0 means 15 seconds.
        pub grace_period: Nanos => "grace_period" always,
        /// Folder for artifacts, made before the test starts.
        pub artifact_dir: String => "artifact_dir",
        /// Marker of an earlier step, whose failure means not running at all.
        pub previous_marker: String => "previous_marker",
        /// Exit with 0 whatever the test did.
        pub always_zero: bool => "always_zero",
        /// Write the test's own exit code also where it was stopped.
        pub propagate_error_code: bool => "propagate_error_code",
        /// Only copy this program to `copy_dst`.
        pub copy_mode_only: bool => "copy_mode_only",
        /// Where to; empty means `/tools/entrypoint`.
        pub copy_dst: String => "copy_dst",
    }
    embed {
        /// The test process.
        pub wrapper: WrapperOptions,
    }
}

go_struct! {
    /// What the sidecar waits for and uploads.
    pub struct SidecarOptions {
        /// What is uploaded where.
        pub gcs_options: Option<GcsUploadOptions> => "gcs_options" always,
        /// A single process to wait for; superseded by `entries`.
        pub wrapper_options: Option<WrapperOptions> => "wrapper_options",
        /// The processes to wait for.
        pub entries: Vec<WrapperOptions> => "entries",
        /// Exit with an error unless all of them passed.
        pub entry_error: bool => "entry_error",
        /// Do not upload early when told to stop.
        pub ignore_interrupts: bool => "ignore_interrupts",
        /// Accepted for Prow's sake; this implementation writes no profiles.
        pub write_memory_profile: bool => "write_memory_profile",
        /// How secrets are removed before upload.
        pub censoring_options: Option<SidecarCensoringOptions> => "censoring_options",
        /// Superseded by the censoring options' own.
        pub secret_directories: Vec<String> => "secret_directories",
        /// Superseded by the censoring options' own.
        pub censoring_concurrency: Option<i64> => "censoring_concurrency",
        /// Superseded by the censoring options' own.
        pub censoring_buffer_size: Option<i64> => "censoring_buffer_size",
    }
}

go_struct! {
    /// How the sidecar removes secrets from what it uploads.
    pub struct SidecarCensoringOptions {
        /// Folders whose files are secrets.
        pub secret_directories: Vec<String> => "secret_directories",
        /// How many files are worked on at once; 10 if unset.
        pub censoring_concurrency: Option<i64> => "censoring_concurrency",
        /// Bytes held of each file; 10 MiB if unset.
        pub censoring_buffer_size: Option<i64> => "censoring_buffer_size",
        /// Globs, relative to the artifacts, of what is looked through; empty means everything.
        pub include_directories: Vec<String> => "include_directories",
        /// Globs of what is not looked through; wins over the former.
        pub exclude_directories: Vec<String> => "exclude_directories",
        /// Secret files whose values as INI files are secrets too.
        pub ini_filenames: Vec<String> => "ini_filenames",
        /// Secrets shorter than this stay.
        pub minimum_secret_length: Option<i64> => "minimum_secret_length",
    }
}
