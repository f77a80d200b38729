//! `gangway`: clients of the gRPC API and what they may start.

use std::collections::BTreeSet;

use job_spec::go_struct;

go_struct! {
    /// Clients of the gRPC API.
    pub struct Gangway {
        /// The clients that may start jobs.
        pub allowed_api_clients: Vec<AllowedApiClient> => "allowed_api_clients",
    }
}

go_struct! {
    /// One client of the gRPC API.
    pub struct AllowedApiClient {
        /// How it is known.
        pub gcp: Option<ApiClientGcp> => "gcp",
        /// Which jobs it may start.
        pub allowed_jobs_filters: Vec<AllowedJobsFilter> => "allowed_jobs_filters",
    }
}

go_struct! {
    /// A client known by the headers that Cloud Endpoints adds.
    pub struct ApiClientGcp {
        /// `PROJECT`.
        pub endpoint_api_consumer_type: String => "endpoint_api_consumer_type",
        /// The project's number.
        pub endpoint_api_consumer_number: String => "endpoint_api_consumer_number",
    }
}

go_struct! {
    /// Jobs that a client may start.
    pub struct AllowedJobsFilter {
        /// Jobs of this tenant.
        pub tenant_id: String => "tenant_id",
    }
}

impl Gangway {
    /// Every rule that the clients break, in Prow's words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut declared = BTreeSet::new();
        for client in &self.allowed_api_clients {
            let Some(gcp) = &client.gcp else {
                problems.push("allowedApiClient did not have a cloud vendor set".to_owned());
                continue;
            };
            let kind = &gcp.endpoint_api_consumer_type;
            let number = &gcp.endpoint_api_consumer_number;
            if kind != "PROJECT" {
                problems.push(format!("unsupported GCP API consumer type: {kind:?}"));
            }
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                problems.push(format!("invalid EndpointApiConsumerNumber: {number:?}"));
            }
            let id = format!("gcp-{kind}-{number}");
            if !declared.insert(id.clone()) {
                problems.push(format!("AllowedApiClient {id:?} declared multiple times"));
            }
            if client.allowed_jobs_filters.is_empty() {
                problems.push("allowed_jobs_filters field cannot be empty".to_owned());
            }
            if client.allowed_jobs_filters.iter().any(|filter| filter.tenant_id.is_empty()) {
                problems.push("AllowedJobsFilters entry has an empty tenant_id".to_owned());
            }
        }
        problems
    }
}
