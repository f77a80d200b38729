//! What `/plugin-help` answers: the commands of every plugin, and who has them on.
//!
//! The keys are those that Prow's command-help page and its scripts read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a command is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Command {
    /// The command with its arguments.
    pub usage: String,
    /// Whether it is one of those that people need every day.
    pub featured: bool,
    /// What it does.
    pub description: String,
    /// Ways to write it.
    pub examples: Vec<String>,
    /// Who may.
    pub who_can_use: String,
}

/// The help of one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PluginHelp {
    /// What it does, as HTML.
    pub description: String,
    /// What its configuration means for a repository (`""`: for all), as HTML.
    pub config: BTreeMap<String, String>,
    /// A sample of its configuration, as YAML with comments.
    pub snippet: String,
    /// The events that it handles, as people call them.
    pub events: Vec<String>,
    /// Its commands.
    pub commands: Vec<Command>,
}

/// The help of all plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Help {
    /// Every repository that has a plugin.
    pub all_repos: Vec<String>,
    /// The plugins of each repository; `""` lists every plugin there is.
    pub repo_plugins: BTreeMap<String, Vec<String>>,
    /// The external plugins of each repository.
    pub repo_external_plugins: BTreeMap<String, Vec<String>>,
    /// The help of each plugin.
    pub plugin_help: BTreeMap<String, PluginHelp>,
    /// The help of each external plugin that answered.
    pub external_plugin_help: BTreeMap<String, PluginHelp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_prows() {
        let mut help = Help::default();
        let plugin = PluginHelp { commands: vec![Command::default()], ..PluginHelp::default() };
        help.plugin_help.insert("trigger".to_owned(), plugin);
        let value = serde_json::to_value(&help).unwrap();
        for key in
            ["AllRepos", "RepoPlugins", "RepoExternalPlugins", "PluginHelp", "ExternalPluginHelp"]
        {
            assert!(value.get(key).is_some(), "{key}");
        }
        let plugin = &value["PluginHelp"]["trigger"];
        for key in ["Description", "Config", "Snippet", "Events", "Commands"] {
            assert!(plugin.get(key).is_some(), "{key}");
        }
        for key in ["Usage", "Featured", "Description", "Examples", "WhoCanUse"] {
            assert!(plugin["Commands"][0].get(key).is_some(), "{key}");
        }
    }
}
