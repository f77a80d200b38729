//! `/badge.svg?jobs=glob[,glob]`: the state of some jobs for a README.
//!
//! Text, colours and measures are Deck's, since READMEs and scripts that read
//! the label depend on them.

use super::view::markup::escape;

/// What the badge says: its right half's text and fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `passing`, `no results` or `failing a, b, c`.
    pub text: String,
    /// The fill of the right half.
    pub colour: &'static str,
}

/// At most so many failing jobs are named; the rest becomes `...`.
const NAMED_JOBS: usize = 3;

/// The verdict over the newest run of each job: only a `failure` counts as
/// failing, as Deck does, so that an aborted run does not turn a badge red.
///
/// `latest` holds each selected job's name and whether its newest run failed.
pub fn verdict(latest: &[(String, bool)]) -> Verdict {
    if latest.is_empty() {
        return Verdict { text: "no results".to_owned(), colour: "darkgrey" };
    }
    let mut failing: Vec<&str> =
        latest.iter().filter(|(_, failed)| *failed).map(|(job, _)| job.as_str()).collect();
    if failing.is_empty() {
        return Verdict { text: "passing".to_owned(), colour: "#4c1" };
    }
    failing.sort_unstable();
    let mut text = format!("failing {}", failing[..failing.len().min(NAMED_JOBS)].join(", "));
    if failing.len() > NAMED_JOBS {
        text.push_str(", ...");
    }
    Verdict { text, colour: "#e05d44" }
}

/// The SVG document of a verdict over jobs.
pub fn svg(verdict: &Verdict) -> String {
    svg_of("build", verdict)
}

/// The SVG document of a verdict over something of this name.
pub fn svg_of(subject: &str, verdict: &Verdict) -> String {
    let width = |text: &str| 13 + 6 * text.chars().count();
    let left = width(subject);
    let right = width(&verdict.text);
    let total = left + right;
    let (left_middle, right_middle) = (left / 2, left + right / 2);
    let text = escape(&verdict.text);
    let subject = escape(subject);
    let colour = verdict.colour;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{subject}: {text}">
<title>{subject}: {text}</title>
<linearGradient id="a" x2="0" y2="100%"><stop offset="0" stop-color="#bbb" stop-opacity=".1"/><stop offset="1" stop-opacity=".1"/></linearGradient>
<rect rx="3" width="{total}" height="20" fill="#555"/>
<rect rx="3" x="{left}" width="{right}" height="20" fill="{colour}"/>
<path fill="{colour}" d="M{left} 0h4v20h-4z"/>
<rect rx="3" width="{total}" height="20" fill="url(#a)"/>
<g fill="#fff" text-anchor="middle" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="11">
<g fill="#010101" opacity=".3"><text x="{left_middle}" y="15">{subject}</text><text x="{right_middle}" y="15">{text}</text></g>
<text x="{left_middle}" y="14">{subject}</text><text x="{right_middle}" y="14">{text}</text>
</g></svg>
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(jobs: &[(&str, bool)]) -> Vec<(String, bool)> {
        jobs.iter().map(|(job, failed)| ((*job).to_owned(), *failed)).collect()
    }

    #[test]
    fn no_runs_say_no_results() {
        assert_eq!(verdict(&[]).text, "no results");
    }

    #[test]
    fn all_green_says_passing() {
        assert_eq!(
            verdict(&latest(&[("a", false), ("b", false)])),
            Verdict { text: "passing".into(), colour: "#4c1" }
        );
    }

    #[test]
    fn failing_jobs_are_named_in_order_and_cut_after_three() {
        let jobs = latest(&[("d", true), ("b", true), ("a", true), ("c", true), ("e", false)]);
        assert_eq!(verdict(&jobs).text, "failing a, b, c, ...");
    }

    #[test]
    fn a_job_name_cannot_break_out_of_the_document() {
        let svg = svg(&verdict(&latest(&[("</text><script>", true)])));
        assert!(!svg.contains("<script>"));
    }
}
