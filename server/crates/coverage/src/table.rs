//! What a change did to the coverage of files, as the coverage robot posts it.

use std::collections::BTreeMap;

use crate::{Profile, Ratio};

/// A share that moved by less does not count as changed: the text has one digit.
pub const SENSITIVITY: f32 = 0.001;

/// A file whose coverage changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: String,
    /// Before; `None`: the file is new.
    pub old: Option<Ratio>,
    /// After; `None`: the file is gone.
    pub new: Option<Ratio>,
}

impl Change {
    /// `5.0%`, or `Does not exist`.
    pub fn old_text(&self) -> String {
        shown(self.old)
    }

    /// The same of the share after.
    pub fn new_text(&self) -> String {
        shown(self.new)
    }

    /// The difference in points with one digit; empty if the file is new or gone.
    pub fn delta_text(&self) -> String {
        match (self.old, self.new) {
            (Some(old), Some(new)) => {
                format!("{:.1}", (new.share_f32() - old.share_f32()) * 100.0)
            }
            _ => String::new(),
        }
    }

    /// Whether what is there after the change is below the threshold.
    pub fn is_below(&self, threshold: f32) -> bool {
        self.new.is_some_and(|new| new.share_f32() < threshold)
    }
}

fn shown(ratio: Option<Ratio>) -> String {
    match ratio {
        Some(ratio) => ratio.percent() + "%",
        None => "Does not exist".to_owned(),
    }
}

/// Files whose share differs by more than [`SENSITIVITY`], new ones included, by name; and after
/// them files that are gone.
pub fn changes<'a>(
    base: impl IntoIterator<Item = (&'a str, Ratio)>,
    new: impl IntoIterator<Item = (&'a str, Ratio)>,
) -> Vec<Change> {
    let mut gone: BTreeMap<&str, Ratio> = base.into_iter().collect();
    let mut changes = Vec::new();
    for (file, ratio) in new {
        let old = gone.remove(file);
        // A new file counts as −1, so that it always has changed.
        let before = old.map_or(-1.0, Ratio::share_f32);
        if (ratio.share_f32() - before).abs() > SENSITIVITY {
            changes.push(Change { file: file.to_owned(), old, new: Some(ratio) });
        }
    }
    let gone = gone.into_iter();
    changes.extend(gone.map(|(file, old)| Change {
        file: file.to_owned(),
        old: Some(old),
        new: None,
    }));
    changes
}

/// The text for a pull request, and whether a changed file is below the threshold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Post {
    /// Markdown; empty if nothing changed.
    pub content: String,
    /// Whether the share of a changed file is below the threshold.
    pub is_low: bool,
}

/// What the coverage robot posts: a table of changed files. Files that are gone, which the robot
/// does not report, follow after the others.
pub fn post(base: &Profile, new: &Profile, job: &str, threshold: f32) -> Post {
    let changes = changes(base.ratios(), new.ratios());
    if changes.is_empty() {
        return Post::default();
    }
    let mut content = format!(
        "The following is the code coverage report\nSay `/test {job}` to re-run this coverage \
         report\n\nFile | Old Coverage | New Coverage | Delta\n\
         ---- |:------------:|:------------:|:-----:\n"
    );
    for change in &changes {
        let file = change.file.replace(['\n', '\r'], " ").replace('|', "\\|");
        let (old, new, delta) = (change.old_text(), change.new_text(), change.delta_text());
        content.push_str(&format!("{file} | {old} | {new} | {delta}\n"));
    }
    Post { content, is_low: changes.iter().any(|change| change.is_below(threshold)) }
}

impl Post {
    /// The robot's document: the verdict in the first line, then the text.
    pub fn document(&self) -> String {
        format!("isCoverageLow = {}\nPost content:\n{}", self.is_low, self.content)
    }
}
