use go_compat::template::{ExtraFunction, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

fn data() -> Value {
    json!({
        "Spec": {"Job": "unit", "Type": "presubmit", "Refs": {"Org": "o", "Repo": "r", "Pulls": [
            {"Number": 7, "Author": "x"},
            {"Number": 8, "Author": "y\"<"},
        ]}},
        "L": [1, 2, 3], "E": [], "N": 0, "F": 1.5, "B": true, "S": "<a href=\"x\">",
        "Labels": {"k": "v", "a": "b"},
    })
}

/// What a template gives over [`data`], or the message of its error.
fn render(text: &str) -> String {
    match Template::parse("t", text).and_then(|template| template.render(&data())) {
        Ok(out) => out,
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(render(text), *expected, "{text}");
    }
}

#[test]
fn texts_and_trim_markers() {
    check(&[
        ("", ""),
        ("plain } {text", "plain } {text"),
        ("a {{- \" b \" -}} c", "a b c"),
        ("a\n{{- /* comment */ -}}\n b", "ab"),
        ("a {{/* comment */}} b", "a  b"),
        ("{{- 3}} {{-3}}", "3 -3"),
        ("a{{ .N }}\n\n{{- .N -}}\t\n b", "a00b"),
    ]);
}

#[test]
fn constants_of_every_kind() {
    check(&[
        (r#"{{`raw\n`}}{{"\u00e9\x41\101\t\""}}"#, "raw\\néAA\t\""),
        ("{{'a'}} {{'\\n'}} {{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_0}}", "97 10 31 3 15 15 10"),
        ("{{1e3}} {{-0}} {{.5}} {{1.0}} {{1e21}} {{1e-5}}", "1000 0 0.5 1 1e+21 1e-05"),
        ("{{true}} {{false}} {{$}}{{/* the document */}}", &render("true false {{.}}")),
    ]);
}

#[test]
fn fields_variables_and_pipelines() {
    check(&[
        ("{{.Spec.Job}}/{{.Spec.Refs.Org}}", "unit/o"),
        ("{{(index .Spec.Refs.Pulls 1).Number}}", "8"),
        ("{{$x := .Spec}}{{$x.Refs.Repo}}{{$.Spec.Job}}", "runit"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{end}}{{$x}}", "2"),
        ("{{.Spec.Refs.Pulls | len}}", "2"),
        ("{{\"x\" | printf \"%s-%s\" \"y\"}}", "y-x"),
        ("{{(.Spec.Refs).Org | printf \"%q\" | len}}", "3"),
    ]);
}

#[test]
fn conditions_and_loops() {
    check(&[
        ("{{if .Spec.Refs}}{{.Spec.Refs.Org}}{{end}}", "o"),
        ("{{if .N}}a{{else if .B}}b{{else}}c{{end}}", "b"),
        ("{{if eq .Spec.Type \"batch\" \"presubmit\"}}pull{{end}}", "pull"),
        ("{{with $x := .Spec.Refs}}{{$x.Org}}/{{.Repo}}{{end}}", "o/r"),
        ("{{with .N}}a{{else with .L}}{{len .}}{{else}}c{{end}}", "3"),
        ("{{range $i, $x := .L}}{{$i}}={{$x}},{{end}}", "0=1,1=2,2=3,"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "a=b,k=v,"),
        ("{{range .E}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range .L}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}", "13"),
        ("{{range .L}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}", "1"),
        ("{{range .Spec.Refs.Pulls}}#{{.Number}} {{end}}", "#7 #8 "),
    ]);
}

#[test]
fn templates_within_templates() {
    check(&[
        ("{{template \"a\" .}}{{define \"a\"}}[{{.N}}]{{end}}", "[0]"),
        ("{{block \"b\" .L}}{{len .}}{{end}}", "3"),
        ("{{define \"c\"}}{{.}}{{end}}{{template \"c\"}}", "<no value>"),
        (
            "{{define \"d\"}}{{template \"d\"}}{{end}}{{template \"d\"}}",
            "template: t:1:25: executing \"d\" at <{{template \"d\"}}>: exceeded maximum template depth (200)",
        ),
    ]);
}

#[test]
fn comparisons_and_logic() {
    check(&[
        ("{{and 1 0 2}} {{or 0 \"\" \"x\"}} {{not 1}} {{and true (or .N .F)}}", "0 x false 1.5"),
        (
            "{{eq \"a\" \"b\" \"a\"}} {{ne 1 2}} {{lt 1 2}} {{le 1 1}} {{gt 1.5 1.0}} {{ge \"a\" \"b\"}}",
            "true true true true true false",
        ),
        ("{{or (eq .N 0) (index .E 9)}}", "true"),
        (
            "{{eq .Nope \"\"}} {{eq .Nope 0}} {{eq .Nope nil}} {{eq .Nope \"x\"}} {{ne .Spec.Refs nil}}",
            "true true true false true",
        ),
    ]);
}

#[test]
fn functions_on_texts_and_lists() {
    check(&[
        ("{{len .L}} {{len \"é\"}} {{len .Labels}} {{len .Nope}}", "3 2 2 0"),
        (
            "{{index .L 1}} {{index .Labels \"k\"}} [{{index .Labels \"no\"}}] {{index \"abc\" 1}}",
            "2 v [] 98",
        ),
        ("{{slice \"abcdef\" 1 3}} {{slice .L 1}} {{slice .L 1 2}}", "bc [2 3] [2]"),
        ("{{html .S}}", "&lt;a href=&#34;x&#34;&gt;"),
        ("{{js \"it's <b>\\n é\"}}", "it\\'s \\u003Cb\\u003E\\u000A é"),
        ("{{urlquery \"a b&c=d/é\"}}", "a+b%26c%3Dd%2F%C3%A9"),
        ("{{print 1 2 \"x\" 3 4}}|{{println 1 \"x\"}}", "1 2x3 4|1 x\n"),
        ("{{.L}} {{.Labels}} {{.F}} {{.B}}", "[1 2 3] map[a:b k:v] 1.5 true"),
    ]);
}

#[test]
fn printf_has_gos_verbs_flags_and_complaints() {
    check(&[
        (
            "{{printf \"%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U\" 42 42 42 42 42 42 42 42 65 65 65}}",
            "   42|42   |00042|+42|2a|2A|52|101010|A|'A'|U+0041",
        ),
        (
            "{{printf \"%s|%10s|%-10s|%.2s|%q|%x\" \"text\" \"text\" \"text\" \"text\" \"te\\\"xt\" \"text\"}}",
            "text|      text|text      |te|\"te\\\"xt\"|74657874",
        ),
        (
            "{{printf \"%f|%.2f|%8.3f|%e|%g|%v|%08.3f\" 1.5 1.5 1.5 1.5 1.5 1e21 -1.5}}",
            "1.500000|1.50|   1.500|1.500000e+00|1.5|1e+21|-001.500",
        ),
        ("{{printf \"%t %v %T %T\" true false 1 \"x\"}}", "true false int string"),
        ("{{printf \"%[2]d %[1]d|%*d|%%\" 1 2}}", "2 1|%!d(BADINDEX)|%"),
        ("{{printf \"%*d|%-*d|\" 5 1 5 1}}", "    1|1    |"),
        (
            "{{printf \"%s %v %d\" .L .Labels .L}}",
            "[%!s(int=1) %!s(int=2) %!s(int=3)] map[a:b k:v] [1 2 3]",
        ),
        ("{{printf \"%d %s\" 1}}", "1 %!s(MISSING)"),
        ("{{printf \"%d\" 1 2 \"x\"}}", "1%!(EXTRA int=2, string=x)"),
        ("{{printf \"%d %z\" \"x\" 1}}", "%!d(string=x) %!z(int=1)"),
        ("{{printf \"%\"}}", "%!(NOVERB)"),
        ("{{printf \"[%s] [%d]\" .Nope .Nope}}", "[] [0]"),
    ]);
}

#[test]
fn parse_errors_name_template_and_line() {
    check(&[
        ("{{nope}}", "template: t:1: function \"nope\" not defined"),
        ("\n{{$x}}", "template: t:2: undefined variable \"$x\""),
        ("{{if}}{{end}}", "template: t:1: missing value for if"),
        ("{{if .B}}", "template: t:1: unexpected EOF"),
        ("{{end}}", "template: t:1: unexpected {{end}}"),
        ("{{.Spec.}}", "template: t:1: unexpected <.> in operand"),
        ("{{\"abc}}", "template: t:1: unterminated quoted string"),
        ("{{/* x }}", "template: t:1: unclosed comment"),
        ("{{break}}", "template: t:1: {{break}} outside {{range}}"),
        ("{{1 | 2}}", "template: t:1: non executable command in pipeline stage 2"),
        ("{{(1}}", "template: t:1: unclosed left paren"),
        ("{{1)}}", "template: t:1: unexpected right paren"),
        ("{{.N", "template: t:1: unclosed action"),
        ("{{$x, $y := 1}}", "template: t:1: too many declarations in command"),
        ("{{replace \"a\" \"b\" \"c\"}}", "template: t:1: function \"replace\" not defined"),
    ]);
    let deep = format!("{{{{{}1{}}}}}", "(".repeat(300), ")".repeat(300));
    assert_eq!(render(&deep), "template: t:1: max expression depth exceeded");
}

#[test]
fn run_time_errors_name_line_column_and_expression() {
    check(&[
        (
            "{{index .L 5}}",
            "template: t:1:2: executing \"t\" at <index .L 5>: error calling index: index out of range: 5",
        ),
        (
            "a\n {{len 3}}",
            "template: t:2:3: executing \"t\" at <len 3>: error calling len: len of type int",
        ),
        (
            "{{eq 1 \"x\"}}",
            "template: t:1:2: executing \"t\" at <eq 1 \"x\">: error calling eq: incompatible types for comparison: int and string",
        ),
        (
            "{{.Spec.Job.X}}",
            "template: t:1:7: executing \"t\" at <.Spec.Job.X>: can't evaluate field X in type string",
        ),
        (
            "{{template \"x\"}}",
            "template: t:1:11: executing \"t\" at <{{template \"x\"}}>: template \"x\" not defined",
        ),
        (
            "{{1 2}}",
            "template: t:1:2: executing \"t\" at <1>: can't give argument to non-function 1",
        ),
        ("{{nil}}", "template: t:1:2: executing \"t\" at <nil>: nil is not a command"),
        (
            "{{.Status.URL.Host}}",
            "template: t:1:9: executing \"t\" at <.Status.URL.Host>: nil pointer evaluating interface {}.URL",
        ),
    ]);
}

#[test]
fn go_names_find_json_names() {
    let job = json!({
        "kind": "ProwJob",
        "metadata": {"name": "abc", "labels": {"created-by-prow": "true"}},
        "spec": {
            "job": "unit",
            "refs": {"org": "o", "base_ref": "main", "base_sha": "d00f", "repo_link": "https://x",
                     "pulls": [{"number": 7, "sha": "f00d", "commit_link": "https://y"}]},
            "rerun_auth_configs": {},
        },
        "status": {"build_id": "17", "prev_report_states": {"github-reporter": "success"}, "jenkins_build_id": "4"},
    });
    let table = [
        (
            "{{.Spec.Refs.BaseRef}} {{.Spec.Refs.BaseSHA}} {{.Spec.Refs.RepoLink}}",
            "main d00f https://x",
        ),
        ("{{.Status.BuildID}} {{.Status.JenkinsBuildID}}", "17 4"),
        ("{{with index .Spec.Refs.Pulls 0}}{{.SHA}} {{.CommitLink}}{{end}}", "f00d https://y"),
        ("{{.Name}} {{.ObjectMeta.Name}} {{.Kind}} {{.TypeMeta.Kind}}", "abc abc ProwJob ProwJob"),
        ("{{index .Labels \"created-by-prow\"}} {{index .ObjectMeta.Labels \"no\"}}|", "true |"),
        ("{{index .Status.PrevReportStates \"github-reporter\"}}", "success"),
        ("{{.Labels.nope}} {{len .Annotations}} {{.Annotations.x}}", "<no value> 0 <no value>"),
        (
            "[{{.Spec.Cluster}}{{.Status.URL}}] {{if .Spec.DecorationConfig}}a{{else}}b{{end}}",
            "[] b",
        ),
        ("{{range .Spec.ExtraRefs}}x{{end}}{{len .Spec.ExtraRefs}}", "0"),
    ];
    for (text, expected) in table {
        let rendered = Template::parse("t", text).unwrap().render(&job);
        assert_eq!(rendered.as_deref(), Ok(expected), "{text}");
    }
    let refs = Template::parse("t", "{{.Spec.ExtraRefs.Org}}").unwrap();
    assert!(refs.render(&job).is_err(), "there is nothing below a field that was left out");
}

#[test]
fn extra_functions_are_there_when_asked_for() {
    let text = "{{.S | replace \"a\" \"b\"}} {{replace \" \" \"%20\" \"x y\"}}";
    let template = Template::parse_with("t", text, &[ExtraFunction::Replace]).unwrap();
    assert_eq!(template.render(&json!({"S": "aha"})).as_deref(), Ok("bhb x%20y"));
    assert_eq!(template.as_str(), text);
}

#[test]
fn rendering_is_bounded() {
    let error = render("{{range 1000000000}}{{end}}");
    assert!(error.contains("takes more than 1000000 steps"), "{error}");
    let error =
        render("{{define \"x\"}}{{.}}{{.}}{{end}}{{range 100000}}{{printf \"%10000d\" 1}}{{end}}");
    assert!(error.contains("the output is larger than 4 MiB"), "{error}");
}

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "if ",
    "range ",
    "with ",
    "else",
    "end",
    "{{end}}",
    "{{else}}",
    ".",
    ".L",
    ".Spec.Job",
    "$x",
    " := ",
    " = ",
    ", ",
    "|",
    " ",
    "(",
    ")",
    "\"a\"",
    "'b'",
    "1",
    "-2.5",
    "len ",
    "index ",
    "eq ",
    "printf ",
    "\"%d\"",
    "nil",
    "true",
    "/*",
    "*/",
    "text",
    "\n",
    "define \"x\"",
    "template \"x\"",
    "break",
    "$",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_template_makes_the_parser_or_the_renderer_panic(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..14),
    ) {
        render(&pieces.concat());
    }

    #[test]
    fn text_without_actions_stays_as_it_is(text in "[^{]{0,20}") {
        prop_assert_eq!(render(&text), text);
    }

    #[test]
    fn a_quoted_text_reads_back(text in "\\PC{0,12}") {
        let template = Template::parse("t", "{{printf \"%q\" .}}").unwrap();
        let quoted = template.render(&json!(text)).unwrap();
        prop_assert_eq!(render(&format!("{{{{{quoted}}}}}")), text);
    }
}
