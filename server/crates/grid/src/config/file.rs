//! One file of the configuration.

use std::path::Path;
use std::sync::Arc;

use config_load::yaml::{self, Mark, Node, NodeKind};
use config_load::{Diagnostic, Severity};

use super::read::{Field, Fields, Reader};
use crate::proto::config::{Dashboard, DashboardGroup, DefaultConfiguration, TestGroup};

/// The rule of texts that are not YAML.
const YAML_RULE: &str = "yaml";
/// The rule of files with default values that lack a part.
const DEFAULTS_RULE: &str = "testgrid-defaults";

/// The keys of a file.
const TOP_KEYS: [&str; 3] = ["test_groups", "dashboards", "dashboard_groups"];

/// A configuration file, read but not yet given its defaults.
///
/// It can be kept while the file does not change: the same files assemble to the same
/// configuration.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The file, as findings name it.
    pub path: Arc<Path>,
    /// Its text, in which findings look up lines; nothing once it was forgotten.
    text: Option<Arc<str>>,
    pub(crate) content: Content,
    /// What is wrong with its values. Groups, dashboards and tabs with an error are left out.
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Entities, each with its position in the file's list.
    Entities {
        test_groups: Vec<(usize, TestGroup)>,
        /// A dashboard, and for each of its tabs the position in the dashboard's list.
        dashboards: Vec<(usize, Dashboard, Vec<usize>)>,
        dashboard_groups: Vec<(usize, DashboardGroup)>,
    },
    /// Default values for the files of its folder.
    Defaults(Option<Box<DefaultConfiguration>>),
}

impl ConfigFile {
    /// Reads a file. `default.yaml` and `default.yml` hold default values for the files of their
    /// folder, all others hold entities. With `strict`, unknown fields are errors and not warnings.
    ///
    /// Never fails as a whole: what is wrong stands in [`ConfigFile::diagnostics`].
    pub fn read(path: Arc<Path>, text: Arc<str>, strict: bool) -> ConfigFile {
        let mut diagnostics = Vec::new();
        let content = if is_default_file(&path) {
            Content::Defaults(read_defaults(&path, &text, &mut diagnostics).map(Box::new))
        } else {
            read_entities(&path, &text, strict, &mut diagnostics)
        };
        ConfigFile { path, text: Some(text), content, diagnostics }
    }

    /// Forgets the text, for whoever can give it again: see [`super::Inputs::texts`].
    #[must_use]
    pub fn without_text(self) -> ConfigFile {
        ConfigFile { text: None, ..self }
    }

    /// Reads a file with default values whatever its name is, such as the one that `--default` names.
    pub fn read_as_defaults(path: Arc<Path>, text: Arc<str>) -> ConfigFile {
        let mut diagnostics = Vec::new();
        let content =
            Content::Defaults(read_defaults(&path, &text, &mut diagnostics).map(Box::new));
        ConfigFile { path, text: Some(text), content, diagnostics }
    }

    /// The default values, if the file holds some and they are usable.
    pub fn defaults(&self) -> Option<&DefaultConfiguration> {
        match &self.content {
            Content::Defaults(defaults) => defaults.as_deref(),
            Content::Entities { .. } => None,
        }
    }

    /// Takes the entities out if nobody else holds the file. What is left is the text that findings
    /// look up lines in, and default values.
    pub(crate) fn take(file: &mut Arc<ConfigFile>) -> Option<Content> {
        let file = Arc::get_mut(file)?;
        match &mut file.content {
            Content::Defaults(_) => None,
            entities @ Content::Entities { .. } => {
                Some(std::mem::replace(entities, Content::Defaults(None)))
            }
        }
    }

    /// Whether something in the file is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|found| found.severity == Severity::Error)
    }

    /// The text, to look lines up in, if it was not forgotten.
    pub(crate) fn text(&self) -> Option<Arc<str>> {
        self.text.clone()
    }
}

/// The place of the deepest key or element that the steps lead to.
pub(crate) fn locate(tree: &Node<'_>, steps: &[Step]) -> Mark {
    let mut node = tree;
    let mut mark = tree.mark;
    for step in steps {
        let next = match *step {
            Step::Key(key) => node.entry(key).map(|entry| (entry.mark, &entry.value)),
            Step::Index(index) => node.elements().get(index).map(|found| (found.mark, found)),
        };
        let Some((at, value)) = next else { break };
        mark = at;
        node = value;
    }
    mark
}

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value of a key.
    Key(&'static str),
    /// An element of a list.
    Index(usize),
}

/// Whether a file of this name holds default values for its folder.
pub fn is_default_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    matches!(name, Some("default.yaml" | "default.yml"))
}

/// Whether a file in a configuration folder is read at all, as configurator decides it.
pub fn is_config_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml"))
}

fn parse<'t>(file: &Arc<Path>, text: &'t str, out: &mut Vec<Diagnostic>) -> Option<Node<'t>> {
    match yaml::read(text) {
        Ok(node) => Some(node),
        Err(error) => {
            out.push(Diagnostic::error(YAML_RULE, error.message).in_file(file).at(error.mark));
            None
        }
    }
}

fn read_defaults(
    file: &Arc<Path>,
    text: &str,
    out: &mut Vec<Diagnostic>,
) -> Option<DefaultConfiguration> {
    let node = parse(file, text, out)?;
    let mut defaults = DefaultConfiguration::default();
    let mut reader = Reader::new(file, false, out);
    defaults.read_nullable(&node, &mut reader);
    for (key, missing) in [
        ("default_test_group", defaults.default_test_group.is_none()),
        ("default_dashboard_tab", defaults.default_dashboard_tab.is_none()),
    ] {
        if missing {
            let message = format!("field missing or unset: {key}; default values need both parts");
            reader.error(node.mark, DEFAULTS_RULE, &message);
        }
    }
    (reader.errors() == 0).then_some(defaults)
}

fn read_entities(file: &Arc<Path>, text: &str, strict: bool, out: &mut Vec<Diagnostic>) -> Content {
    let mut test_groups = Vec::new();
    let mut dashboards = Vec::new();
    let mut dashboard_groups = Vec::new();
    if let Some(node) = parse(file, text, out) {
        let mut reader = Reader::new(file, strict, out);
        if !matches!(node.kind, NodeKind::Mapping(_)) && !node.is_null() {
            reader.mismatch(&node, "a mapping with test_groups, dashboards or dashboard_groups");
        }
        for entry in node.entries() {
            let key = TOP_KEYS.iter().find(|key| key.eq_ignore_ascii_case(&entry.key));
            let value = &entry.value;
            match key {
                Some(key @ &"test_groups") => list(key, value, &mut reader, |index, node, at| {
                    test_groups.extend(whole(node, at).map(|group| (index, group)));
                }),
                Some(key @ &"dashboards") => list(key, value, &mut reader, |index, node, at| {
                    dashboards.extend(dashboard(node, at).map(|(d, tabs)| (index, d, tabs)));
                }),
                Some(key) => list(key, value, &mut reader, |index, node, at| {
                    dashboard_groups.extend(whole(node, at).map(|group| (index, group)));
                }),
                None => reader.unknown(&entry.key, entry.mark, &TOP_KEYS),
            }
        }
    }
    Content::Entities { test_groups, dashboards, dashboard_groups }
}

fn list(
    key: &'static str,
    node: &Node<'_>,
    at: &mut Reader<'_>,
    mut each: impl FnMut(usize, &Node<'_>, &mut Reader<'_>),
) {
    at.under(key, |at| {
        if !matches!(node.kind, NodeKind::Sequence(_)) && !node.is_null() {
            at.mismatch(node, "a list");
        }
        for (index, element) in node.elements().iter().enumerate() {
            at.at_index(index, |at| each(index, element, at));
        }
    });
}

/// An entity, if nothing in it is an error.
fn whole<T: Field + Default>(node: &Node<'_>, at: &mut Reader<'_>) -> Option<T> {
    let before = at.errors();
    let mut value = T::default();
    value.read(node, at);
    (at.errors() == before).then_some(value)
}

/// A dashboard with those of its tabs in which nothing is an error.
fn dashboard(node: &Node<'_>, at: &mut Reader<'_>) -> Option<(Dashboard, Vec<usize>)> {
    const TABS: &str = "dashboard_tab";
    let mut tabs = Vec::new();
    let mut positions = Vec::new();
    let Some(entry) = node.entry(TABS) else {
        return whole(node, at).map(|dashboard| (dashboard, positions));
    };
    at.under(TABS, |at| {
        if !matches!(entry.value.kind, NodeKind::Sequence(_)) && !entry.value.is_null() {
            at.mismatch(&entry.value, "a list");
        }
        for (index, element) in entry.value.elements().iter().enumerate() {
            if let Some(tab) = at.at_index(index, |at| whole(element, at)) {
                positions.push(index);
                tabs.push(tab);
            }
        }
    });
    let before = at.errors();
    let mut dashboard = Dashboard::default();
    for other in node.entries().iter().filter(|entry| entry.key != TABS) {
        dashboard.read_entry(other, at);
    }
    dashboard.dashboard_tab = tabs;
    (at.errors() == before).then_some((dashboard, positions))
}
