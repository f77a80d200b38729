//! Which lines of a node's log are wanted, and what a Pod is called there.

use std::ops::Range;

use regex::RegexBuilder;
use regex::bytes::RegexBuilder as BytesRegexBuilder;

/// The words that stand out where nothing is asked for, as Gubernator has them.
pub const ERROR_WORDS: [&str; 7] =
    ["build timed out", "error", "fail", "failed", "fatal", "undefined", "panic:"];

/// What a Pod is called in the logs of its node; what is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectReference {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its UID.
    pub uid: String,
    /// The id of one of its containers.
    pub container_id: String,
}

/// Which fields of an [`ObjectReference`] lines may name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fields {
    /// The UID.
    pub uid: bool,
    /// The namespace.
    pub namespace: bool,
    /// The container's id.
    pub container_id: bool,
}

/// The words of which a line must hold one: the Pod, those fields that are asked for and known, and
/// `others`. Where that is nothing, the words for errors.
pub fn words(pod: &str, of: &ObjectReference, on: Fields, others: &[String]) -> Vec<String> {
    let fields =
        [(on.namespace, &of.namespace), (on.uid, &of.uid), (on.container_id, &of.container_id)];
    let fields = fields.into_iter().filter(|(on, _)| *on).map(|(_, value)| value.as_str());
    let all = std::iter::once(pod).chain(fields).chain(others.iter().map(String::as_str));
    let words: Vec<String> = all.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    match words.is_empty() {
        true => ERROR_WORDS.map(str::to_owned).to_vec(),
        false => words,
    }
}

/// Finds words in lines, whatever their case.
#[derive(Clone, Debug)]
pub struct Filter {
    lines: regex::bytes::Regex,
    text: regex::Regex,
}

impl Filter {
    /// Lines that hold one of these words as a word: `abc` is in `/abc/` and not in `abcdef`.
    ///
    /// # Errors
    /// The words are too long together.
    pub fn new(words: &[String]) -> Result<Filter, regex::Error> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let parts: Vec<String> = words
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| {
                let start = if word.starts_with(is_word) { r"\b" } else { "" };
                let end = if word.ends_with(is_word) { r"\b" } else { "" };
                format!("{start}{}{end}", regex::escape(word))
            })
            .collect();
        // Without words no line is wanted.
        let pattern = if parts.is_empty() { r"[^\s\S]".to_owned() } else { parts.join("|") };
        Ok(Filter {
            lines: BytesRegexBuilder::new(&pattern).case_insensitive(true).build()?,
            text: RegexBuilder::new(&pattern).case_insensitive(true).build()?,
        })
    }

    /// Whether a line is wanted.
    pub fn matches(&self, line: &[u8]) -> bool {
        self.lines.is_match(line)
    }

    /// Where the words stand in a line.
    pub fn marks(&self, line: &str) -> Vec<Range<usize>> {
        self.text.find_iter(line).map(|found| found.range()).collect()
    }
}

/// Looks for what a Pod is called, line by line: in the first `ObjectReference{…}` on a line that
/// names the Pod, as events have it, in the fields of newer kubelets (`pod="namespace/name"
/// podUID="…"`), and behind `ContainerID:`.
#[derive(Clone, Debug)]
pub struct ReferenceSearch {
    pod: Filter,
    name: String,
    found: ObjectReference,
    is_named: bool,
}

impl ReferenceSearch {
    /// For this Pod. What is `known` already stays.
    ///
    /// # Errors
    /// The name is too long.
    pub fn new(pod: &str, known: ObjectReference) -> Result<ReferenceSearch, regex::Error> {
        let name = pod.to_owned();
        let pod = Filter::new(std::slice::from_ref(&name))?;
        Ok(ReferenceSearch { pod, name, found: known, is_named: false })
    }

    /// Takes the next line.
    pub fn line(&mut self, line: &[u8]) {
        if !self.pod.matches(line) {
            return;
        }
        self.is_named = true;
        let line = String::from_utf8_lossy(line);
        if let Some((_, rest)) = line.split_once("ObjectReference{") {
            let fields = &rest[..rest.find('}').unwrap_or(rest.len())];
            for (name, value) in [
                ("Name", &mut self.found.name),
                ("Namespace", &mut self.found.namespace),
                ("UID", &mut self.found.uid),
            ] {
                learn(value, field(fields, name));
            }
        }
        let of_pod = quoted_after(&line, " pod=\"").and_then(|pod| pod.split_once('/'));
        if let Some((namespace, name)) = of_pod
            && name.eq_ignore_ascii_case(&self.name)
        {
            learn(&mut self.found.namespace, Some(namespace));
            learn(&mut self.found.uid, quoted_after(&line, " podUID=\""));
            learn(&mut self.found.uid, line.split_once(" podUID=").map(|(_, rest)| id(rest)));
        }
        let container = quoted_after(&line, " containerID=\"")
            .map(|value| value.rsplit('/').next().unwrap_or(value))
            .or_else(|| line.split_once("ContainerID:").map(|(_, rest)| rest));
        learn(&mut self.found.container_id, container.map(id));
    }

    /// Whether everything is known.
    pub fn is_complete(&self) -> bool {
        let ObjectReference { name: _, namespace, uid, container_id } = &self.found;
        self.is_named && ![namespace, uid, container_id].iter().any(|value| value.is_empty())
    }

    /// Whether a line names the Pod at all.
    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// What was found.
    pub fn found(self) -> ObjectReference {
        self.found
    }
}

/// What is known already stays: the first line that says something is the one that counts.
fn learn(known: &mut String, value: Option<&str>) {
    if let Some(value) = value.filter(|value| known.is_empty() && !value.is_empty()) {
        value.clone_into(known);
    }
}

/// The value of `name:"…"` among the fields of a reference.
fn field<'f>(fields: &'f str, name: &str) -> Option<&'f str> {
    fields.split("\", ").chain(fields.split("\",")).find_map(|field| {
        let (key, value) = field.trim_start().split_once(":\"")?;
        (key == name).then(|| value.trim_end_matches('"'))
    })
}

/// What stands between a mark that ends in a quote and the next quote.
fn quoted_after<'l>(line: &'l str, mark: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(mark)?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The hexadecimal id that a text begins with, with dashes as in a UID.
fn id(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 7] = [
        "line 0",
        "pod 2 3",
        "abcd podName",
        "line 3",
        "failed",
        "Event(api.ObjectReference{Namespace:\"podName\", Name:\"abc\", UID:\"uid\"}",
        "uid",
    ];

    fn matching(words: &[String], lines: &[&str]) -> Vec<usize> {
        let filter = Filter::new(words).unwrap();
        let wanted = |at: &usize| filter.matches(lines[*at].as_bytes());
        (0..lines.len()).filter(wanted).collect()
    }

    fn reference(namespace: &str, uid: &str) -> ObjectReference {
        let [namespace, uid] = [namespace, uid].map(str::to_owned);
        ObjectReference { namespace, uid, ..ObjectReference::default() }
    }

    #[test]
    fn lines_are_chosen_as_gubernator_chooses_them() {
        let errors = ["error", "fatal", "failed", "build timed out"].map(str::to_owned);
        assert_eq!(matching(&errors, &LINES), [4]);
        assert_eq!(matching(&errors, &[]), [0_usize; 0]);
        let both = Fields { uid: true, namespace: true, container_id: false };
        for (name, pod, known, on, expected_words, expected) in [
            ("a Pod alone", "pod", reference("", ""), Fields::default(), vec!["pod"], vec![1]),
            (
                "a Pod with its UID and namespace",
                "pod",
                reference("podName", "uid"),
                both,
                vec!["pod", "podName", "uid"],
                vec![1, 2, 5, 6],
            ),
            (
                "fields that are not asked for",
                "pod",
                reference("podName", "uid"),
                Fields::default(),
                vec!["pod"],
                vec![1],
            ),
            ("no Pod", "", reference("", "uid"), both, vec!["uid"], vec![5, 6]),
            ("nothing at all", "", reference("", ""), both, ERROR_WORDS.to_vec(), vec![4]),
        ] {
            let words = words(pod, &known, on, &[]);
            assert_eq!(words, expected_words, "{name}");
            assert_eq!(matching(&words, &LINES), expected, "{name}");
        }
        let others = words("pod", &reference("", ""), Fields::default(), &["line 3".to_owned()]);
        assert_eq!(matching(&others, &LINES), [1, 3]);
    }

    #[test]
    fn a_word_is_no_part_of_another_one() {
        for (text, expected) in [
            ("/abcdef/", true),
            ("Pod abcdef failed", true),
            ("abcdef", true),
            ("Podname(ABCDEF)", true),
            ("cdabcdef", false),
            ("abc def", false),
        ] {
            assert_eq!(!matching(&["abcdef".to_owned()], &[text]).is_empty(), expected, "{text}");
        }
        // What people type is no pattern.
        assert_eq!(matching(&["a.c".to_owned()], &["abc", "a.c"]), [1]);
        assert_eq!(matching(&["(".to_owned()], &["x", "a(b"]), [1]);
        assert_eq!(Filter::new(&["pod".to_owned()]).unwrap().marks("a pod, a Pod"), [2..5, 9..12]);
    }

    #[test]
    fn words_for_errors_are_those_of_gubernator() {
        let words = ERROR_WORDS.map(str::to_owned);
        for (text, expected) in [
            ("ERROR: woops", true),
            ("errno blah", false),
            ("Build timed out", true),
            ("something timed out", false),
            ("misc. fatality", false),
            ("there was a FaTaL error", true),
            ("we failed to read logs", true),
            ("undefined: x", true),
            ("panic: oh", true),
        ] {
            assert_eq!(!matching(&words, &[text]).is_empty(), expected, "{text}");
        }
    }

    #[test]
    fn a_pod_is_called_what_the_first_reference_beside_its_name_says() {
        let search = |lines: &[&str]| {
            let mut search = ReferenceSearch::new("abc", ObjectReference::default()).unwrap();
            lines.iter().for_each(|line| search.line(line.as_bytes()));
            let named = search.is_named();
            let ObjectReference { name, namespace, uid, container_id } = search.found();
            ([name, namespace, uid, container_id], named)
        };
        for (lines, expected, named) in [
            (LINES.to_vec(), ["abc", "podName", "uid", ""], true),
            (vec!["pod failed"], ["", "", "", ""], false),
            (
                vec![
                    r#"Event(v1.ObjectReference{Kind:"Pod", Namespace:"ns", Name:"abc", UID:"1-2", FieldPath:""}): x"#,
                ],
                ["abc", "ns", "1-2", ""],
                true,
            ),
            (
                vec!["abc {ContainerID:12ab34 x", "abc ContainerID:99", "zzz ContainerID:77"],
                ["", "", "", "12ab34"],
                true,
            ),
            (
                vec![
                    r#"I0101 00:00:00.1 1 k.go:1] "SyncLoop" pod="ns/abc" podUID="4f-5" containerID="containerd://ab12""#,
                ],
                ["", "ns", "4f-5", "ab12"],
                true,
            ),
            (vec![r#""x" pod="ns/abc-2" podUID=77 other="abc""#], ["", "", "", ""], true),
            (vec!["abc ObjectReference{", "abc ObjectReference{UID:\""], ["", "", "", ""], true),
        ] {
            assert_eq!(search(&lines), (expected.map(str::to_owned), named), "{lines:?}");
        }
        let mut search = ReferenceSearch::new("abc", reference("", "mine")).unwrap();
        LINES.iter().for_each(|line| search.line(line.as_bytes()));
        assert!(!search.is_complete());
        assert_eq!(search.found().uid, "mine", "what a person said stays");
    }
}
