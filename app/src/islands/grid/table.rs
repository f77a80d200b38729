//! The table for those who listen: the rows and columns in sight, as a table of elements.

use super::sheet::Grid;
use super::status;

/// More columns than this are not read out; scrolling brings the others.
const COLUMNS: usize = 40;

/// Writes what is in sight.
pub(super) fn write(grid: &Grid) {
    let layout = grid.layout.get();
    let sight = grid.frame.sight(&layout);
    let data = grid.data.borrow();
    let columns: Vec<u32> = layout.columns_in(&sight).take(COLUMNS).collect();
    let mut html =
        String::from("<caption>Test results in sight, newest build first</caption><thead>");
    html.push_str("<tr aria-rowindex=1><th scope=col>Test</th>");
    for column in &columns {
        html.push_str(&["<th scope=col aria-colindex=", &(column + 2).to_string(), ">"].concat());
        escape(data.grid.builds.get(*column), &mut html);
        html.push_str(", ");
        escape(&data.started(*column), &mut html);
        for value in data.headers(*column) {
            html.push_str(", ");
            escape(value, &mut html);
        }
        html.push_str("</th>");
    }
    html.push_str("</tr></thead><tbody>");
    for line in layout.lines_in(&sight) {
        let Some(row) = data.cells(line) else { continue };
        html.push_str(&["<tr aria-rowindex=", &(line + 2).to_string(), "><th scope=row>"].concat());
        escape(data.name(line), &mut html);
        html.push_str("</th>");
        for column in &columns {
            let (status, icon, message) = row.cell(*column);
            let index = (column + 2).to_string();
            html.push_str(&["<td aria-colindex=", &index, ">", status::words(status)].concat());
            for text in [icon, message] {
                let text = data.grid.texts.get(text);
                if !text.is_empty() {
                    html.push_str(", ");
                    escape(text, &mut html);
                }
            }
            html.push_str("</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody>");
    let table = &grid.frame.table;
    for (name, value) in [
        ("role", "grid".to_owned()),
        ("aria-rowcount", (layout.lines + 1).to_string()),
        ("aria-colcount", (layout.columns + 1).to_string()),
        ("aria-readonly", "true".to_owned()),
    ] {
        let _ = table.set_attribute(name, &value);
    }
    table.set_inner_html(&html);
}

/// Text that came from tests is text here, whatever it holds.
fn escape(text: &str, out: &mut String) {
    for part in text.split_inclusive(['&', '<', '>', '"']) {
        let last = part.as_bytes().last().copied().unwrap_or_default();
        let word = match last {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => {
                out.push_str(part);
                continue;
            }
        };
        out.push_str(&part[..part.len() - 1]);
        out.push_str(word);
    }
}
