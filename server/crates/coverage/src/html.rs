//! Profiles side by side as one HTML page: no script, nothing loaded from elsewhere. Each
//! directory is a section that its address after `#` shows.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::lines::{line_states, uncovered};
use crate::{Entry, Profile, Ratio, entries};

/// A column of the page.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// The path that the profile came from; its last part without the last extension is the
    /// heading.
    pub path: &'a str,
    /// The profile.
    pub profile: &'a Profile,
}

impl Column<'_> {
    fn heading(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        match name.rfind('.') {
            Some(at) if at + 1 < name.len() => &name[..at],
            _ => name,
        }
    }
}

/// Of a file at most so many runs of uncovered lines are listed.
const MAX_RANGES: usize = 500;

/// Directories nested deeper have no section of their own.
const MAX_DEPTH: usize = 64;

/// A column's files with their ratios, by name.
type Files<'a> = Vec<(&'a str, Ratio)>;

const HEAD: &str = include_str!("page_head.html");

/// The page. Columns are in the order given, the newest first; ▲ and ▼ compare exactly with the
/// column to the right.
pub fn to_html(columns: &[Column<'_>]) -> String {
    let mut page = HEAD.to_owned();
    let files: Vec<Files<'_>> =
        columns.iter().map(|column| column.profile.ratios().collect()).collect();
    let mut directories: BTreeSet<&str> = BTreeSet::from([""]);
    for (name, _) in files.iter().flatten() {
        directories.extend(name.match_indices('/').take(MAX_DEPTH).map(|(at, _)| &name[..=at]));
    }
    // The one that is shown when the address names none comes last, for the style sheet's sake.
    for directory in directories.into_iter().rev() {
        push_directory(&mut page, columns, &files, directory);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn push_directory(page: &mut String, columns: &[Column<'_>], files: &[Files<'_>], directory: &str) {
    let rows = rows_of(files, directory);
    let id = if directory.is_empty() { "/".to_owned() } else { escaped(directory) };
    let _ = write!(page, "<section id=\"{id}\">\n<h2><a href=\"#/\">all</a>");
    let mut end = 0;
    for (at, _) in directory.match_indices('/') {
        let (part, path) = (escaped(&directory[end..=at]), address(&directory[..=at]));
        let _ = write!(page, " <a href=\"#{path}\">{part}</a>");
        end = at + 1;
    }
    page.push_str("</h2>\n<table>\n<thead><tr><th scope=\"col\">File</th>");
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(column.heading()));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for (entry, ratios) in &rows {
        let name = escaped(&entry.name);
        page.push_str("<tr><th scope=\"row\">");
        if entry.is_directory() {
            let path = address(&format!("{directory}{}", entry.name));
            let _ = write!(page, "<a href=\"#{path}\">{name}</a>");
        } else {
            push_file(page, columns, &format!("{directory}{}", entry.name), &name);
        }
        page.push_str("</th>");
        for (index, ratio) in ratios.iter().enumerate() {
            push_cell(page, *ratio, ratios.get(index + 1).copied().flatten());
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

type Row = (Entry, Vec<Option<Ratio>>);

fn rows_of(files: &[Files<'_>], directory: &str) -> Vec<Row> {
    let mut rows: BTreeMap<(bool, String), Vec<Option<Ratio>>> = BTreeMap::new();
    let count = files.len();
    for (index, files) in files.iter().enumerate() {
        // The files are sorted, so those below a directory stand together.
        let first = files.partition_point(|(name, _)| *name < directory);
        let below = files.iter().skip(first).take_while(|(name, _)| name.starts_with(directory));
        for (entry, ratio) in entries(below.copied(), directory) {
            let row = rows
                .entry((!entry.is_directory(), entry.name))
                .or_insert_with(|| vec![None; count]);
            if let Some(cell) = row.get_mut(index) {
                *cell = Some(ratio);
            }
        }
    }
    rows.into_iter().map(|((_, name), ratios)| (Entry { name }, ratios)).collect()
}

/// A file's name, and what did not run of it in the first column that has it.
fn push_file(page: &mut String, columns: &[Column<'_>], path: &str, name: &str) {
    let Some(file) = columns.iter().find_map(|column| column.profile.file(path)) else {
        page.push_str(name);
        return;
    };
    let ranges = uncovered(&line_states(file));
    if ranges.is_empty() {
        page.push_str(name);
        return;
    }
    let _ = write!(page, "<details><summary>{name}</summary>lines not covered:");
    for range in ranges.iter().take(MAX_RANGES) {
        let _ = match range.first == range.last {
            true => write!(page, " {}", range.first),
            false => write!(page, " {}–{}", range.first, range.last),
        };
    }
    if let Some(more) = ranges.len().checked_sub(MAX_RANGES).filter(|more| *more > 0) {
        let _ = write!(page, " and {more} more");
    }
    page.push_str("</details>");
}

fn push_cell(page: &mut String, ratio: Option<Ratio>, right: Option<Ratio>) {
    let Some(ratio) = ratio else {
        page.push_str("<td></td>");
        return;
    };
    let arrow = match right.map(|right| ratio.compare(right)) {
        Some(Ordering::Greater) => "<i>▲</i>",
        Some(Ordering::Less) => "<i>▼</i>",
        _ => "",
    };
    // Eleven steps of one scale.
    let step = (ratio.share().clamp(0.0, 1.0) * 10.0) as u32;
    let _ = write!(
        page,
        "<td class=\"s{step}\" title=\"{} of {} statements\">{arrow}{}%</td>",
        ratio.covered,
        ratio.total,
        ratio.percent()
    );
}

fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '"' => plain.push_str("&quot;"),
            '\'' => plain.push_str("&#39;"),
            _ => plain.push(letter),
        }
    }
    plain
}

/// A path as the part of an address behind `#`; the browser takes the escapes back before it looks
/// for the section.
fn address(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
