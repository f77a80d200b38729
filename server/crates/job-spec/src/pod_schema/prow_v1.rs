//! The types of the ProwJob resource in the notation of `core_v1`, for the CRD. Here `!` marks a field that the
//! resource must have.

pub(super) static TYPES: &[(&str, &str)] = &[
    (
        "ProwJobSpec",
        "type! agent cluster namespace job! refs:Refs extra_refs:[]Refs report:bool context \
         rerun_command max_concurrency:int error_on_eviction:bool pod_spec:PodSpec \
         jenkins_spec:JenkinsSpec pipeline_run_spec:any \
         tekton_pipeline_run_spec:TektonPipelineRunSpec decoration_config:DecorationConfig \
         reporter_config:ReporterConfig rerun_auth_config:RerunAuthConfig hidden:bool \
         prowjob_defaults:ProwJobDefaults job_queue_name",
    ),
    (
        "ProwJobStatus",
        "startTime:time pendingTime:*time completionTime:*time state! description url \
         pod_revival_count:int pod_name build_id jenkins_build_id prev_report_states:{}string",
    ),
    (
        "Refs",
        "org! repo! repo_link base_ref base_sha base_link pulls:[]Pull path_alias workdir:bool \
         auxiliary:bool clone_uri skip_submodules:bool clone_depth:int skip_fetch_head:bool \
         blobless_fetch:*bool sparse_checkout_files:[]string",
    ),
    ("Pull", "number!:int author! sha! title ref head_ref link commit_link author_link"),
    ("JenkinsSpec", "github_branch_source_job:bool"),
    ("TektonPipelineRunSpec", "v1beta1:any"),
    (
        "DecorationConfig",
        "timeout:*string grace_period:*string utility_images:UtilityImages resources:Resources \
         gcs_configuration:GcsConfiguration gcs_credentials_secret:*string \
         s3_credentials_secret:*string default_service_account_name:*string \
         ssh_key_secrets:[]string ssh_host_fingerprints:[]string blobless_fetch:*bool \
         sparse_checkout_files:[]string skip_cloning:*bool cookiefile_secret:*string \
         oauth_token_secret:SecretKey github_api_endpoints:[]string github_app_id \
         github_app_private_key_secret:SecretKey censor_secrets:*bool \
         censoring_options:CensoringOptions upload_ignores_interrupts:*bool \
         set_limit_equals_memory_request:*bool default_memory_request:*quantity \
         scheduling_options:SchedulingOptions pod_pending_timeout:*string \
         pod_running_timeout:*string pod_unscheduled_timeout:*string run_as_user:*int \
         run_as_group:*int fs_group:*int",
    ),
    ("UtilityImages", "clonerefs initupload entrypoint sidecar"),
    (
        "Resources",
        "clonerefs:ResourceRequirements initupload:ResourceRequirements \
         place_entrypoint:ResourceRequirements sidecar:ResourceRequirements",
    ),
    (
        "GcsConfiguration",
        "bucket path_prefix path_strategy default_org default_repo mediaTypes:{}string \
         job_url_prefix local_output_dir compress_file_types:[]string",
    ),
    ("SecretKey", "name key"),
    (
        "CensoringOptions",
        "censoring_concurrency:*int censoring_buffer_size:*int include_directories:[]string \
         exclude_directories:[]string minimum_secret_length:*int",
    ),
    ("SchedulingOptions", "affinity:Affinity tolerations:[]Toleration"),
    ("ReporterConfig", "slack:SlackReporterConfig"),
    (
        "SlackReporterConfig",
        "host channel job_states_to_report:[]string report_template report:*bool",
    ),
    (
        "RerunAuthConfig",
        "allow_anyone:bool github_team_ids:[]int github_team_slugs:[]GitHubTeamSlug \
         github_users:[]string github_orgs:[]string",
    ),
    ("GitHubTeamSlug", "slug! org!"),
    ("ProwJobDefaults", "resultstore_config:ResultStoreConfig tenant_id"),
    ("ResultStoreConfig", "project_id"),
];
