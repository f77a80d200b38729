//! Warnings about where supplemental files lie.

use std::path::{Component, Path};

use job_spec::go_struct::GoFields;

use super::VALIDATE_SUPPLEMENTAL_HIERARCHY;
use crate::config::LoadOptions;
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::plugin_config::{self, PluginConfig};
use crate::prow::{self, ProwConfig};
use crate::yaml::{self, de};

/// What a file is about: everybody, organisations, repositories.
type Scope = (bool, Vec<String>, Vec<String>);

/// Supplemental files must lie in a folder named like the organisation that they are about, or in one
/// named like the repository below that. Files at the top may be about anything.
pub fn hierarchy(options: &LoadOptions, out: &mut Vec<Diagnostic>) {
    for root in &options.supplemental_prow_config_dirs {
        let suffix = &options.supplemental_prow_configs_filename_suffix;
        check_folder::<ProwConfig>(root, suffix, prow::merge::scope, out);
    }
    for root in &options.supplemental_plugin_config_dirs {
        let suffix = &options.supplemental_plugin_configs_filename_suffix;
        check_folder::<PluginConfig>(root, suffix, plugin_config::merge::scope, out);
    }
}

fn check_folder<T: GoFields + serde::de::DeserializeOwned>(
    root: &Path,
    suffix: &str,
    scope: fn(&T) -> Scope,
    out: &mut Vec<Diagnostic>,
) {
    let walk = match files::files_with_suffix(root, suffix) {
        Ok(walk) => walk,
        Err(diagnostic) => {
            out.push(diagnostic);
            return;
        }
    };
    for file in walk.files {
        let below = file.strip_prefix(root).unwrap_or(&file);
        let parts: Vec<String> = below
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        let shown = file.display();
        let message = match &parts[..] {
            [] | [_] => None,
            [folders @ .., _] if folders.len() <= 2 => {
                let settings = files::read(&file).and_then(|source| {
                    let unreadable = |message: String| {
                        Diagnostic::warning(VALIDATE_SUPPLEMENTAL_HIERARCHY, message).in_file(&file)
                    };
                    let root = yaml::read(&source.text)
                        .map_err(|err| unreadable(err.message).at(err.mark))?;
                    de::from_node::<T>(&root)
                        .map_err(|err| unreadable(err.to_string()).at(err.mark))
                });
                match settings {
                    Ok(settings) => misplaced(&shown.to_string(), folders, scope(&settings)),
                    Err(diagnostic) => {
                        out.push(diagnostic);
                        None
                    }
                }
            }
            _ => Some(format!(
                "config {shown} is at an invalid location. All configs must be below {}. If they are org-specific, they must be in a folder named like the org. If they are repo-specific, they must be in a folder named like the repo below a folder named like the org.",
                root.display()
            )),
        };
        if let Some(message) = message {
            out.push(Diagnostic::warning(VALIDATE_SUPPLEMENTAL_HIERARCHY, message).in_file(&file));
        }
    }
}

/// What a file in these folders holds that it should not. None if all is well.
fn misplaced(shown: &str, folders: &[String], scope: Scope) -> Option<String> {
    let (global, mut orgs, mut repos) = scope;
    let expected = folders.join("/");
    let (of_org, own) = if folders.len() == 1 { (true, &mut orgs) } else { (false, &mut repos) };
    let has_own = own.contains(&expected);
    own.retain(|name| *name != expected);
    if !global && has_own && orgs.is_empty() && repos.is_empty() {
        return None;
    }
    let contents = global
        .then(|| " contains global config".to_owned())
        .into_iter()
        .chain(orgs.iter().map(|org| format!(" contains config for org {org}")))
        .chain(repos.iter().map(|repo| format!(" contains config for repo {repo}")))
        .collect::<Vec<_>>()
        .join(" and");
    Some(if of_org {
        format!(
            "config {shown} is invalid: Must contain only config for org {expected}, but{contents}"
        )
    } else {
        format!(
            "config {shown} is invalid: Must only contain config for repo {expected}, but{contents}"
        )
    })
}
