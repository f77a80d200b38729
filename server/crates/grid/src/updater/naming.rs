//! How rows are named.

use std::collections::{BTreeMap, HashMap};

use crate::name_format::{NameFormat, NameFormatError};
use crate::proto::config::{ResultSourceConfig, TestGroup};

/// The element that stands for the test's name.
pub const TESTS_NAME: &str = "Tests name";
/// The element that stands for the job's name.
pub const JOB_NAME: &str = "Job name";

/// The prefixes under which a group's builds are, separated by commas.
pub fn gcs_prefix(group: &TestGroup) -> &str {
    match group.result_source.as_ref().and_then(|source| source.result_source_config.as_ref()) {
        Some(ResultSourceConfig::GcsConfig(gcs)) => &gcs.gcs_prefix,
        _ => &group.gcs_prefix,
    }
}

/// The prefixes one by one, without a slash at the end.
pub fn prefixes(group: &TestGroup) -> impl Iterator<Item = &str> {
    let prefixes = gcs_prefix(group).split(',').map(|prefix| prefix.trim().trim_end_matches('/'));
    prefixes.filter(|prefix| !prefix.is_empty())
}

/// Whether a group's results are artifacts in a bucket; its builds are then named by commit.
pub fn is_bucket_source(group: &TestGroup) -> bool {
    let source = group.result_source.as_ref().and_then(|s| s.result_source_config.as_ref());
    group.use_kubernetes_client || matches!(source, Some(ResultSourceConfig::GcsConfig(_)))
}

/// The template of row names.
#[derive(Clone, Debug, PartialEq)]
pub struct Naming {
    format: NameFormat,
    parts: Vec<String>,
    /// Whether the group holds the builds of several jobs.
    pub multi_job: bool,
}

impl Naming {
    /// The template of a group. With several jobs the job's name comes first, unless the group's own
    /// format has it.
    ///
    /// # Errors
    /// The group's format is none.
    pub fn of(group: &TestGroup) -> Result<Naming, NameFormatError> {
        let (mut format, mut parts) = match &group.test_name_config {
            None => ("%s".to_owned(), vec![TESTS_NAME.to_owned()]),
            Some(config) => {
                let parts = config.name_elements.iter().map(|element| {
                    let key = [&element.target_config, &element.test_property];
                    key.into_iter().find(|key| !key.is_empty()).cloned().unwrap_or_default()
                });
                (config.name_format.clone(), parts.collect())
            }
        };
        let multi_job = gcs_prefix(group).contains(',');
        if multi_job && !parts.iter().any(|part| part == JOB_NAME) {
            format.insert_str(0, "%s.");
            parts.insert(0, JOB_NAME.to_owned());
        }
        Ok(Naming { format: NameFormat::parse(&format)?, parts, multi_job })
    }

    /// The name of a row: each element is looked up in the properties, then in what the file's name
    /// says, then in the build's metadata.
    pub fn render(
        &self,
        job: &str,
        test: &str,
        properties: &HashMap<&str, &str>,
        of_file: &BTreeMap<&str, String>,
        of_build: &BTreeMap<String, String>,
    ) -> String {
        if self.parts.len() == 1 && self.parts[0] == TESTS_NAME {
            return self.format.render([test]);
        }
        self.format.render(self.parts.iter().map(|part| {
            match part.as_str() {
                JOB_NAME => job,
                TESTS_NAME => test,
                key => properties
                    .get(key)
                    .copied()
                    .or_else(|| of_file.get(key).map(String::as_str))
                    .or_else(|| of_build.get(key).map(String::as_str))
                    .unwrap_or_default(),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::config::{NameElement, TestNameConfig};

    fn group(prefix: &str, config: Option<(&str, &[&str])>) -> TestGroup {
        TestGroup {
            gcs_prefix: prefix.to_owned(),
            test_name_config: config.map(|(format, keys)| TestNameConfig {
                name_format: format.to_owned(),
                name_elements: keys
                    .iter()
                    .map(|key| NameElement {
                        target_config: (*key).to_owned(),
                        ..Default::default()
                    })
                    .collect(),
            }),
            ..TestGroup::default()
        }
    }

    fn name(prefix: &str, config: Option<(&str, &[&str])>) -> String {
        let properties = HashMap::from([("both", "property")]);
        let of_file = BTreeMap::from([("both", "file".to_owned()), ("Context", "ctx".to_owned())]);
        let of_build = BTreeMap::from([
            ("both".to_owned(), "build".to_owned()),
            ("os".to_owned(), "linux".to_owned()),
        ]);
        Naming::of(&group(prefix, config)).unwrap().render(
            "this",
            "hi",
            &properties,
            &of_file,
            &of_build,
        )
    }

    #[test]
    fn names_follow_the_format() {
        assert_eq!(name("b/x", None), "hi");
        assert_eq!(
            name("b/x", Some(("%s -(%s)- %s", &["Tests name", "something", "Job name"]))),
            "hi -()- this"
        );
        assert_eq!(
            name("b/x", Some(("%s %s %s", &["both", "Context", "os"]))),
            "property ctx linux"
        );
    }

    #[test]
    fn names_of_several_jobs_begin_with_the_job() {
        assert_eq!(name("b/x,b/y", None), "this.hi");
        assert_eq!(name("b/x,b/y", Some(("%s!", &["Tests name"]))), "this.hi!");
        assert_eq!(name("b/x,b/y", Some(("%s@%s", &["Tests name", "Job name"]))), "hi@this");
    }
}
