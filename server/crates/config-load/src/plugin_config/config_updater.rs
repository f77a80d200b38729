//! `config_updater`: which files become which ConfigMaps.

use std::collections::BTreeMap;

use job_spec::go_struct;

/// ConfigMaps that the keys of one glob can be spread over, at most.
const MAX_PARTITIONS: usize = 256;

go_struct! {
    /// The config-updater plugin.
    pub struct ConfigUpdater {
        /// Clusters and namespaces by a name.
        pub cluster_groups: BTreeMap<String, ClusterGroup> => "cluster_groups",
        /// Glob of files → the ConfigMap that they become.
        pub maps: BTreeMap<String, ConfigMapSpec> => "maps",
        /// Values are compressed.
        pub gzip: bool => "gzip" always,
    }
}

go_struct! {
    /// Clusters and namespaces.
    pub struct ClusterGroup {
        /// The clusters.
        pub clusters: Vec<String> => "clusters",
        /// Namespaces in each of them.
        pub namespaces: Vec<String> => "namespaces",
    }
}

go_struct! {
    /// A ConfigMap that files become.
    pub struct ConfigMapSpec {
        /// Its name.
        pub name: String => "name" always,
        /// Names of several that the keys are spread over. Not together with the name.
        pub partitioned_names: Vec<String> => "partitioned_names",
        /// The key; the file's base name unless set.
        pub key: String => "key",
        /// Whether the value is compressed; the general setting unless set.
        pub gzip: Option<bool> => "gzip",
        /// Cluster → namespaces.
        pub clusters: BTreeMap<String, Vec<String>> => "clusters",
        /// Names of cluster groups. Not together with clusters.
        pub cluster_groups: Vec<String> => "cluster_groups",
        /// The key is the file's whole path with dashes for slashes.
        pub use_full_path_as_key: bool => "use_full_path_as_key",
        /// Organisations and repositories that may update it; empty means all.
        pub allowed_repos: Vec<String> => "allowed_repos",
        /// Organisations and repositories that may not.
        pub denied_repos: Vec<String> => "denied_repos",
    }
}

impl ConfigMapSpec {
    /// Whether a pull request of `org/repo` may update it.
    pub fn is_allowed(&self, repo: &str) -> bool {
        let org = repo.split('/').next().unwrap_or_default();
        let names = |list: &[String]| list.iter().any(|entry| entry == repo || entry == org);
        !names(&self.denied_repos) && (self.allowed_repos.is_empty() || names(&self.allowed_repos))
    }
}

impl ConfigUpdater {
    /// Fills in the default maps and the default cluster.
    pub fn set_defaults(&mut self) {
        if self.maps.is_empty() {
            for (file, name) in
                [("config/prow/config.yaml", "config"), ("config/prow/plugins.yaml", "plugins")]
            {
                let spec = ConfigMapSpec { name: name.to_owned(), ..ConfigMapSpec::default() };
                self.maps.insert(file.to_owned(), spec);
            }
        }
        for spec in self.maps.values_mut() {
            if spec.clusters.is_empty() && spec.cluster_groups.is_empty() {
                // An empty namespace is the one that the updater runs in.
                spec.clusters = BTreeMap::from([("default".to_owned(), vec![String::new()])]);
            }
        }
    }

    /// Every rule that the maps break, in Prow's words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        for (file, spec) in &self.maps {
            if !spec.name.is_empty() && !spec.partitioned_names.is_empty() {
                problems.push(
                    "'name' and 'partitioned_names' are mutually exclusive in the config_updater plugin configuration"
                        .to_owned(),
                );
            }
            let count = spec.partitioned_names.len();
            if count > MAX_PARTITIONS {
                problems.push(format!(
                    "the PartitionedNames field in config_updater plugin config currently supports a maximum of {MAX_PARTITIONS} partitions, but you have {count} defined"
                ));
            }
            let name = if spec.name.is_empty() {
                spec.partitioned_names.join(",")
            } else {
                spec.name.clone()
            };
            let key = if spec.key.is_empty() {
                file.rsplit('/').next().unwrap_or(file)
            } else {
                &spec.key
            };
            for (cluster, namespaces) in &spec.clusters {
                for namespace in namespaces {
                    if !keys.insert((name.clone(), namespace, cluster, key)) {
                        problems.push(format!(
                            "key {key} in configmap {name} updated with more than one file"
                        ));
                    }
                }
            }
            if !spec.clusters.is_empty() && !spec.cluster_groups.is_empty() {
                problems
                    .push(format!("item maps.{file} contains both clusters and cluster_groups"));
                continue;
            }
            for (index, group) in spec.cluster_groups.iter().enumerate() {
                if !self.cluster_groups.contains_key(group) {
                    problems.push(format!(
                        "item maps.{file}.cluster_groups.{index} references inexistent cluster group named {group}"
                    ));
                }
            }
        }
        problems
    }

    /// Replaces cluster groups by the clusters that they stand for.
    pub fn resolve_groups(&mut self) {
        for spec in self.maps.values_mut() {
            if !spec.clusters.is_empty() {
                continue;
            }
            for name in std::mem::take(&mut spec.cluster_groups) {
                let Some(group) = self.cluster_groups.get(&name) else {
                    continue;
                };
                for cluster in &group.clusters {
                    spec.clusters
                        .entry(cluster.clone())
                        .or_default()
                        .extend(group.namespaces.iter().cloned());
                }
            }
        }
        self.cluster_groups.clear();
    }
}
