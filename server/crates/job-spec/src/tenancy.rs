//! Tenant and ResultStore settings.

use crate::go_struct::go_struct;

/// The tenant of jobs that name none.
pub const DEFAULT_TENANT_ID: &str = "GlobalDefaultID";

go_struct! {
    /// Settings that `prowjob_default_entries` of the configuration can give to jobs.
    pub struct ProwJobDefaults {
        /// Where ResultStore uploads go.
        pub resultstore_config: Option<ResultStoreConfig> => "resultstore_config",
        /// The tenant that the job belongs to.
        pub tenant_id: String => "tenant_id",
    }
}

go_struct! {
    /// Where ResultStore uploads go.
    pub struct ResultStoreConfig {
        /// Cloud project that the ResultStore invocations belong to; empty uploads none.
        pub project_id: String => "project_id",
    }
}

impl ProwJobDefaults {
    /// Fills what is not set from `default`.
    pub fn apply_default(&self, default: &ProwJobDefaults) -> ProwJobDefaults {
        ProwJobDefaults {
            resultstore_config: self
                .resultstore_config
                .clone()
                .or_else(|| default.resultstore_config.clone()),
            tenant_id: if self.tenant_id.is_empty() {
                default.tenant_id.clone()
            } else {
                self.tenant_id.clone()
            },
        }
    }
}
