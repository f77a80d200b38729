//! Where a tab, a column and a cell lead to, by the templates of the tab.

use grid::links::{self, Parameters, expand};
use grid::proto::config::{DashboardTab, LinkTemplate, TestGroup};
use grid::updater::naming::prefixes;

/// A cell, as links need it.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellOf<'a> {
    /// The row's name.
    pub row: &'a str,
    /// The row's id.
    pub row_id: &'a str,
    /// The cell's id; empty if it has none.
    pub cell_id: &'a str,
    /// The status in words.
    pub status: &'a str,
    /// The value of the group's user property; empty if there is none.
    pub user_property: &'a str,
}

/// A column, as links need it.
#[derive(Clone, Debug, Default)]
pub struct ColumnOf<'a> {
    /// The build's id.
    pub build: &'a str,
    /// The values of its headers.
    pub headers: Vec<&'a str>,
}

/// The links of one tab.
#[derive(Clone, Copy, Debug)]
pub struct TabLinks<'c> {
    /// The tab.
    pub tab: &'c DashboardTab,
    /// Its group.
    pub group: &'c TestGroup,
}

/// A link with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLink {
    /// What kind of link it is: `open`, `bug`, `attach`, `custom`, `results`, `diff`.
    pub kind: &'static str,
    /// Its words.
    pub text: String,
    /// Where it leads.
    pub href: String,
}

impl TabLinks<'_> {
    /// Where the build of a column is shown; nothing if the tab has no template for it.
    pub fn column(&self, column: &ColumnOf<'_>) -> Option<String> {
        self.link(self.tab.open_test_template.as_ref(), &self.of_column(column, ""))
    }

    /// Where a click on a cell leads.
    pub fn cell(&self, column: &ColumnOf<'_>, cell: &CellOf<'_>) -> Option<String> {
        self.link(self.tab.open_test_template.as_ref(), &self.of_cell(column, cell))
    }

    /// The folder of the run that a cell is of, as `gs://bucket/path/build/`; nothing if the group
    /// reads no bucket.
    pub fn folder(&self, column: &ColumnOf<'_>, cell: &CellOf<'_>) -> Option<String> {
        let (job, build) = own_build(column, cell);
        let prefix = self.prefix(job).trim_end_matches('/');
        let scheme = if prefix.contains("://") { "" } else { "gs://" };
        let is_known = !prefix.is_empty() && !build.is_empty();
        is_known.then(|| format!("{scheme}{prefix}/{build}/"))
    }

    /// All that the menu of a cell offers. `here` is the address of the tab with its host, for what is
    /// filed elsewhere.
    pub fn menu(&self, column: &ColumnOf<'_>, cell: &CellOf<'_>, here: &str) -> Vec<NamedLink> {
        let mut parameters = self.of_cell(column, cell);
        let open = self.link(self.tab.open_test_template.as_ref(), &parameters);
        let url = match open {
            // A path of this server means nothing in somebody else's bug.
            Some(path) if path.starts_with('/') => format!("{}{path}", origin(here)),
            Some(url) => url,
            None => here.to_owned(),
        };
        for token in ["<test-url>", "<link>"] {
            parameters.insert(token.to_owned(), url.clone());
        }
        parameters.insert("<results-explorer>".to_owned(), here.to_owned());
        let custom = self.tab.context_menu_template.as_ref();
        let custom_name =
            custom.map(|t| t.name.clone()).filter(|name| !name.is_empty()).unwrap_or("More".into());
        let templates = [
            ("open", "Open run".to_owned(), self.tab.open_test_template.as_ref()),
            ("bug", "File a bug".to_owned(), self.tab.file_bug_template.as_ref()),
            ("attach", "Attach to a bug".to_owned(), self.tab.attach_bug_template.as_ref()),
            ("custom", custom_name, custom),
            ("results", self.results_text(), self.tab.results_url_template.as_ref()),
        ];
        let links = templates.into_iter().filter_map(|(kind, text, template)| {
            Some(NamedLink { kind, text, href: self.link(template, &parameters)? })
        });
        links.collect()
    }

    /// What shows the changes between two columns.
    pub fn between(&self, earlier: &ColumnOf<'_>, later: &ColumnOf<'_>) -> Vec<NamedLink> {
        let mut parameters = self.of_column(later, "");
        for (word, column) in [("start", earlier), ("end", later)] {
            parameters.insert(format!("<{word}-cl>"), column.build.to_owned());
            for (at, value) in column.headers.iter().enumerate() {
                parameters.insert(format!("<{word}-custom-{at}>"), (*value).to_owned());
            }
        }
        let search = self.tab.code_search_url_template.iter().map(|t| ("Search for changes", t));
        let others = self.tab.column_diff_link_templates.iter().map(|template| {
            (if template.name.is_empty() { "Compare" } else { &template.name }, template)
        });
        let links = search.chain(others).filter_map(|(text, template)| {
            let href = self.link(Some(template), &parameters)?;
            Some(NamedLink { kind: "diff", text: text.to_owned(), href })
        });
        links.collect()
    }

    /// Where all results of the tab are shown.
    pub fn results(&self) -> Option<NamedLink> {
        let href = self.link(self.tab.results_url_template.as_ref(), &self.of_tab(""))?;
        Some(NamedLink { kind: "results", text: self.results_text(), href })
    }

    /// Where an issue is shown.
    pub fn issue(&self, issue: &str) -> Option<String> {
        let base = self.tab.open_bug_template.as_ref().map(|template| template.url.as_str())?;
        (!base.is_empty()).then(|| format!("{base}{issue}"))
    }

    fn results_text(&self) -> String {
        match self.tab.results_text.as_str() {
            "" => "All results".to_owned(),
            text => text.to_owned(),
        }
    }

    /// The link; nothing for an empty template. One that makes no URL is told once per look.
    fn link(&self, template: Option<&LinkTemplate>, parameters: &Parameters) -> Option<String> {
        let template = template.filter(|template| !template.url.is_empty())?;
        match expand(template, parameters) {
            Ok(link) => safe(link),
            Err(error) => {
                tracing::debug!(tab = self.tab.name, "{error}");
                None
            }
        }
    }

    /// The prefix of a job, or else the first of the group.
    fn prefix(&self, job: &str) -> &str {
        prefixes(self.group)
            .find(|prefix| !job.is_empty() && prefix.rsplit('/').next() == Some(job))
            .or_else(|| prefixes(self.group).next())
            .unwrap_or_default()
    }

    fn of_tab(&self, job: &str) -> Parameters {
        let prefix = self.prefix(job);
        let cs_path = match self.tab.code_search_path.as_str() {
            "" => self.group.code_search_path.as_str(),
            path => path,
        };
        Parameters::from([
            (links::GCS_PREFIX.to_owned(), prefix.to_owned()),
            (links::GCS_PREFIX_HYPHEN.to_owned(), prefix.to_owned()),
            ("<environment>".to_owned(), self.tab.name.clone()),
            ("<cs-path>".to_owned(), cs_path.to_owned()),
            ("<bug-component>".to_owned(), self.tab.bug_component.to_string()),
        ])
    }

    fn of_column(&self, column: &ColumnOf<'_>, job: &str) -> Parameters {
        let mut parameters = self.of_tab(job);
        parameters.insert(links::CHANGELIST.to_owned(), column.build.to_owned());
        parameters.insert(links::BUILD_ID.to_owned(), column.build.to_owned());
        for (at, value) in column.headers.iter().enumerate() {
            parameters.insert(format!("<custom-{at}>"), (*value).to_owned());
        }
        parameters
    }

    fn of_cell(&self, column: &ColumnOf<'_>, cell: &CellOf<'_>) -> Parameters {
        let (job, build) = own_build(column, cell);
        let column = ColumnOf { build, headers: column.headers.clone() };
        let mut parameters = self.of_column(&column, job);
        let method = cell.row.rsplit_once("@TESTGRID@").map_or("", |(_, method)| method);
        let values = [
            (links::TEST_NAME, if cell.row_id.is_empty() { cell.row } else { cell.row_id }),
            ("<display-name>", cell.row),
            (links::TEST_ID, cell.cell_id),
            ("<test-status>", cell.status),
            ("<method-name>", method),
        ];
        for (token, value) in values {
            parameters.insert(token.to_owned(), value.to_owned());
        }
        if !self.group.user_property.is_empty() {
            let token = format!("<{}>", self.group.user_property);
            parameters.insert(token, cell.user_property.to_owned());
        }
        parameters
    }
}

/// The job and the build of a cell. Where columns are merged builds, a cell knows its own:
/// `job/build`.
fn own_build<'a>(column: &ColumnOf<'a>, cell: &CellOf<'a>) -> (&'a str, &'a str) {
    cell.cell_id.split_once('/').unwrap_or(("", column.build))
}

/// Scheme and host of an address; nothing of a path.
fn origin(address: &str) -> &str {
    let Some((scheme, rest)) = address.split_once("://") else { return "" };
    let host = rest.find('/').unwrap_or(rest.len());
    &address[..scheme.len() + 3 + host]
}

/// A link that a browser may follow: a path of this server, or the web.
fn safe(link: String) -> Option<String> {
    let lower = link.to_ascii_lowercase();
    let is_path = link.starts_with('/') && !link.starts_with("//");
    let is_web = ["http://", "https://", "mailto:"].iter().any(|start| lower.starts_with(start));
    (is_path || is_web).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(url: &str, options: &[(&str, &str)]) -> Option<LinkTemplate> {
        let options = options.iter().map(|(key, value)| grid::proto::config::LinkOptionsTemplate {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        });
        Some(LinkTemplate { url: url.to_owned(), options: options.collect(), ..Default::default() })
    }

    #[test]
    fn templates_give_the_links_of_columns_and_cells() {
        let group =
            TestGroup { gcs_prefix: "b/logs/one, b/logs/two".to_owned(), ..Default::default() };
        let tab = DashboardTab {
            name: "both".to_owned(),
            open_test_template: template("/view/gs/<gcs_prefix>/<changelist>", &[]),
            file_bug_template: template(
                "https://github.com/o/r/issues/new",
                &[("title", "<test-name> fails"), ("body", "<test-url>")],
            ),
            code_search_url_template: template(
                "https://github.com/o/r/compare/<start-custom-0>...<end-custom-0>",
                &[],
            ),
            context_menu_template: template("javascript:alert(1)", &[]),
            ..Default::default()
        };
        let links = TabLinks { tab: &tab, group: &group };
        let column = |build, commit| ColumnOf { build, headers: vec![commit] };
        let later = column("17", "v2");
        assert_eq!(links.column(&later).as_deref(), Some("/view/gs/b/logs/one/17"));
        let cell = CellOf { row: "Test A", cell_id: "two/9", ..Default::default() };
        assert_eq!(links.cell(&later, &cell).as_deref(), Some("/view/gs/b/logs/two/9"));
        assert_eq!(links.folder(&later, &cell).as_deref(), Some("gs://b/logs/two/9/"));
        let menu = links.menu(&later, &cell, "https://ci.example.com/testgrid/d/both");
        let found: Vec<_> = menu.iter().map(|link| (link.kind, link.href.as_str())).collect();
        assert_eq!(
            found,
            [
                ("open", "/view/gs/b/logs/two/9"),
                (
                    "bug",
                    "https://github.com/o/r/issues/new?body=https%3A%2F%2Fci.example.com%2Fview%2Fgs%2Fb%2Flogs%2Ftwo%2F9&title=Test+A+fails"
                ),
            ],
            "a link that is no address of the web is none"
        );
        let between = links.between(&column("16", "v1"), &later);
        assert_eq!(between[0].href, "https://github.com/o/r/compare/v1...v2");
    }
}
