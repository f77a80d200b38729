//! The body of a heatmap as text: twelve thousand cells are too many for components.

use crate::model::{CoverageRow, CoverageShare};

/// The rows as the inside of a `tbody`.
pub(super) fn body(all: &CoverageRow, rows: &[CoverageRow]) -> String {
    let cells: usize = rows.iter().map(|row| row.cells.len() + 4).sum();
    let mut html = String::with_capacity(cells * 48 + 4_096);
    push_row(&mut html, all, true);
    for row in rows {
        push_row(&mut html, row, false);
    }
    html
}

fn push_row(html: &mut String, row: &CoverageRow, is_whole: bool) {
    html.push_str(if is_whole { "<tr class=\"whole\">" } else { "<tr>" });
    html.push_str("<th scope=\"row\">");
    if row.href.is_empty() {
        push_escaped(html, &row.name);
    } else {
        html.push_str("<a href=\"");
        push_escaped(html, &row.href);
        html.push_str("\">");
        push_escaped(html, &row.name);
        html.push_str("</a>");
    }
    html.push_str("</th>");
    for cell in &row.cells {
        match cell {
            Some(share) => push_cell(html, share),
            None => html.push_str("<td></td>"),
        }
    }
    html.push_str("<td class=\"trend\" aria-hidden=\"true\">");
    push_escaped(html, &row.trend);
    html.push_str("</td></tr>");
}

fn push_cell(html: &mut String, share: &CoverageShare) {
    html.push_str("<td class=\"s");
    push_number(html, u64::from(share.step));
    if share.below {
        html.push_str(" below");
    }
    html.push_str("\" title=\"");
    push_number(html, share.covered);
    html.push_str(" of ");
    push_number(html, share.total);
    html.push_str("\">");
    match share.change {
        0 => {}
        1.. => html.push_str("▲ "),
        _ => html.push_str("▼ "),
    }
    html.push_str(&share.percent);
    html.push_str("</td>");
}

fn push_number(html: &mut String, number: u64) {
    html.push_str(&number.to_string());
}

fn push_escaped(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_shares_are_cells_of_their_colour() {
        let share = CoverageShare {
            covered: 1,
            total: 3,
            percent: "33.3".to_owned(),
            step: 3,
            change: -1,
            below: true,
        };
        let row = CoverageRow {
            name: "<b>\"/".to_owned(),
            href: "/coverage/x?dir=a&b".to_owned(),
            cells: vec![Some(share), None],
            trend: "▁█".to_owned(),
        };
        assert_eq!(
            body(&CoverageRow::default(), &[row]),
            "<tr class=\"whole\"><th scope=\"row\"></th><td class=\"trend\" aria-hidden=\"true\">\
             </td></tr><tr><th scope=\"row\"><a href=\"/coverage/x?dir=a&amp;b\">\
             &lt;b&gt;&quot;/</a></th><td class=\"s3 below\" title=\"1 of 3\">▼ 33.3</td><td></td>\
             <td class=\"trend\" aria-hidden=\"true\">▁█</td></tr>"
        );
    }
}
