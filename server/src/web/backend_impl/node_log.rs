//! What the logs of a cluster's nodes say about one Pod, as Gubernator's page shows it.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::model::{
    Link, NodeLogField, NodeLogFile, NodeLogLine, NodeLogPage, NodeLogPart, NodeLogPiece,
    PageError, RunKey, query_pairs,
};
use artifacts::node_log::{
    Digested, Fields, Filter, NEIGHBOURS, ObjectReference, Piece, ShownLine, found,
};
use blob::BlobUri;

use super::run::find;
use crate::node_logs::{Answer, Part, Question};
use crate::web::browse::{address, folder_href};
use crate::web::state::Web;
use crate::web::view::run_row::run_row;

/// Logs that one may choose from.
const OFFERED: usize = 500;
/// Lines on each side of a line that one may ask for.
const MOST_AROUND: usize = 100;
/// Words besides the Pod, and bytes of each word.
const MOST_WORDS: usize = 10;
const LONGEST_WORD: usize = 253;

/// The page for a run and the query of its address.
pub(super) async fn page(web: &Web, key: &RunKey, query: &str) -> Result<NodeLogPage, PageError> {
    let run = find(web, key).await?;
    let asked = Asked::of(query)?;
    let folder = run.folder();
    let mut page = NodeLogPage {
        run: run_row(&run, &web.code_host()),
        folder_href: folder.as_ref().map(folder_href).unwrap_or_default(),
        missing: true,
        pod: asked.pod.clone(),
        junit: asked.junit.clone(),
        ..NodeLogPage::default()
    };
    let Some(folder) = folder else { return Ok(page) };
    let (config, visibility) = (web.config.get(), web.visibility());
    if folder.key().split('/').any(visibility.concealed(&config.jobs)) {
        return Err(PageError::NotFound { message: format!("There is nothing in {folder}.") });
    }
    let away = |message: String| PageError::Unavailable { message, since_ms: None };
    let listed = web.files.of(&folder).await.ok_or_else(|| {
        away(format!("The files in {folder} have not been listed yet. Try again in a moment."))
    })?;
    if let (Some(problem), true) = (&listed.problem, listed.files.is_empty()) {
        return Err(away(problem.clone()));
    }
    page.notes.extend(listed.problem.clone());
    if listed.cut {
        let files = listed.files.len();
        page.notes.push(format!("The run left more than {files} files; only those were listed."));
    }
    let names: HashSet<&str> = listed.files.iter().map(|file| file.name.as_str()).collect();
    let found = found(listed.files.iter().map(|file| file.name.as_str()), &asked.junit);
    let mut chosen = Vec::new();
    for log in &asked.logs {
        match below(&folder, log).filter(|name| names.contains(name)) {
            Some(name) if chosen.iter().any(|chosen| chosen == name) => {}
            Some(name) => chosen.push(name.to_owned()),
            None => page.notes.push(format!("The run has no file {log}.")),
        }
    }
    if found.is_empty() && chosen.is_empty() {
        return Ok(page);
    }
    let owned = |logs: &[&str]| logs.iter().map(|log| (*log).to_owned()).collect();
    let question = Question {
        kubelets: owned(&found.kubelets),
        apiservers: owned(&found.apiservers),
        chosen,
        pod: asked.pod.clone(),
        known: asked.known.clone(),
        fields: asked.fields,
        others: asked.others.clone(),
        weave: asked.weave,
        neighbours: asked.around,
        near_ms: run.started.millis(),
        folder,
    };
    let answer = web.node_logs.of(&question).await.ok_or_else(|| {
        away("The logs are long and are being read. Try again in a moment.".to_owned())
    })?;
    page.missing = false;
    page.fields = fields(&asked, &answer.reference);
    page.others = asked.others;
    page.around = asked.around as u64;
    page.wrap = asked.wrap;
    page.weave = asked.weave;
    page.words = answer.words.clone();
    page.notes.extend(answer.notes.iter().cloned());
    if found.all.len() > OFFERED {
        page.notes.push(format!("{OFFERED} of {} logs are offered below.", found.all.len()));
    }
    page.files = offered(&found.all, &answer);
    page.parts = answer.parts.iter().map(|p| part(&question.folder, p, &answer.filter)).collect();
    Ok(page)
}

/// What a query asks for, in Gubernator's words.
struct Asked {
    pod: String,
    junit: String,
    logs: Vec<String>,
    known: ObjectReference,
    fields: Fields,
    others: Vec<String>,
    wrap: bool,
    weave: bool,
    around: usize,
}

impl Asked {
    fn of(query: &str) -> Result<Asked, PageError> {
        let pairs = query_pairs(query);
        let all = |name: &str| -> Vec<String> {
            let found = pairs.iter().filter(|(key, value)| key == name && !value.trim().is_empty());
            found.map(|(_, value)| value.trim().to_owned()).collect()
        };
        let one = |name: &str| all(name).pop().unwrap_or_default();
        let is_on = |name: &str| !all(name).is_empty();
        let asked = Asked {
            pod: one("pod"),
            junit: one("junit"),
            logs: all("logfiles"),
            known: ObjectReference {
                name: String::new(),
                namespace: one("ns"),
                uid: one("poduid"),
                container_id: one("cID"),
            },
            fields: Fields {
                uid: is_on("UID"),
                namespace: is_on("Namespace"),
                container_id: is_on("ContainerID"),
            },
            others: all("others"),
            wrap: is_on("wrap"),
            weave: is_on("weave"),
            around: one("around").parse().unwrap_or(NEIGHBOURS).min(MOST_AROUND),
        };
        let ObjectReference { namespace, uid, container_id, .. } = &asked.known;
        let words = asked.others.iter().chain([&asked.pod, namespace, uid, container_id]);
        let longest = words.map(String::len).max().unwrap_or_default();
        if asked.others.len() > MOST_WORDS || longest > LONGEST_WORD {
            return Err(PageError::BadRequest {
                message: format!(
                    "Logs are searched for at most {MOST_WORDS} further words, each of at most \
                     {LONGEST_WORD} bytes."
                ),
            });
        }
        Ok(asked)
    }
}

/// A file below a run's folder; Gubernator names it by bucket and path.
fn below<'f>(folder: &BlobUri, file: &'f str) -> Option<&'f str> {
    let place = format!("{}/{}", folder.bucket(), folder.key().trim_matches('/'));
    let file = file.trim_start_matches('/');
    match file.strip_prefix(&place) {
        Some(rest) => rest.strip_prefix('/'),
        None => Some(file),
    }
}

fn fields(asked: &Asked, found: &ObjectReference) -> Vec<NodeLogField> {
    let (on, known) = (asked.fields, &asked.known);
    [
        ("UID", "UID", "poduid", on.uid, &known.uid, &found.uid),
        ("Namespace", "Namespace", "ns", on.namespace, &known.namespace, &found.namespace),
        (
            "Container id",
            "ContainerID",
            "cID",
            on.container_id,
            &known.container_id,
            &found.container_id,
        ),
    ]
    .map(|(label, on_name, value_name, on, value, found)| NodeLogField {
        label: label.to_owned(),
        on_name: on_name.to_owned(),
        on,
        value_name: value_name.to_owned(),
        value: value.clone(),
        found: found.clone(),
    })
    .to_vec()
}

/// The logs that one may choose, by folder; those that are shown are always among them.
fn offered(all: &[&str], answer: &Answer) -> Vec<(String, Vec<NodeLogFile>)> {
    let mut folders: BTreeMap<String, Vec<NodeLogFile>> = BTreeMap::new();
    let shown: HashSet<&str> = answer.chosen.iter().map(String::as_str).collect();
    let others = all.iter().copied().filter(|log| !shown.contains(log)).take(OFFERED);
    for path in answer.chosen.iter().map(String::as_str).chain(others) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        folders.entry(folder.to_owned()).or_default().push(NodeLogFile {
            path: path.to_owned(),
            name: name.to_owned(),
            chosen: shown.contains(path),
        });
    }
    for files in folders.values_mut() {
        files.sort_by(|a, b| a.name.cmp(&b.name));
    }
    folders.into_iter().collect()
}

fn part(folder: &BlobUri, part: &Part, filter: &Filter) -> NodeLogPart {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut named: HashMap<String, usize> = HashMap::new();
    part.logs.iter().for_each(|path| *named.entry(name(path)).or_default() += 1);
    let logs = part.logs.iter().map(|path| {
        let own = name(path);
        // Nodes have logs of the same names.
        let text = match named.get(&own) {
            Some(1) => own,
            _ => path
                .rsplitn(3, '/')
                .take(2)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<Vec<_>>()
                .join("/"),
        };
        let uri = folder.join(path);
        let href = uri.map(|uri| format!("{}?preview", address(&uri))).unwrap_or_default();
        Link { text, href, title: path.clone() }
    });
    let Digested { pieces, wanted, left_out, lines } = &part.digested;
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Skipped(lines) => NodeLogPiece::Skipped(*lines),
        Piece::Line(shown) => NodeLogPiece::Line(line(shown, filter)),
    });
    NodeLogPart {
        logs: logs.collect(),
        pieces: pieces.collect(),
        wanted: *wanted,
        left_out: *left_out,
        lines: *lines,
    }
}

fn line(shown: &ShownLine, filter: &Filter) -> NodeLogLine {
    let ShownLine { log, number, text, cut, wanted } = shown;
    let mut spans = Vec::new();
    let mut at = 0;
    let marks = if *wanted { filter.marks(text) } else { Vec::new() };
    for mark in marks {
        spans.push((text[at..mark.start].to_owned(), false));
        spans.push((text[mark.clone()].to_owned(), true));
        at = mark.end;
    }
    spans.push((text[at..].to_owned(), false));
    spans.retain(|(text, _)| !text.is_empty());
    NodeLogLine { log: *log as u64, n: *number, spans, wanted: *wanted, cut_bytes: *cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_path_or_as_gubernator_does() {
        let folder = BlobUri::parse("gs://bucket/logs/job/1").unwrap();
        for (file, expected) in [
            ("artifacts/a/kubelet.log", Some("artifacts/a/kubelet.log")),
            ("/bucket/logs/job/1/artifacts/kubelet.log", Some("artifacts/kubelet.log")),
            ("bucket/logs/job/1/artifacts/kubelet.log", Some("artifacts/kubelet.log")),
            ("/bucket/logs/job/12/kubelet.log", None),
        ] {
            assert_eq!(below(&folder, file), expected, "{file}");
        }
    }
}
