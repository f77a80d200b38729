//! Documents that are made from the program and lie in the repository for those who read it.
//! `make generate` writes them; the tests compare.

use std::fs;
use std::path::Path;

/// Set by `make generate`.
const GENERATE: &str = "BOWSPRIT_GENERATE";

/// Compares a document with the file in the repository, or writes the file.
fn same(file: &str, document: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let path = root.join(file);
    if std::env::var_os(GENERATE).is_some_and(|value| value == "1") {
        return fs::write(&path, document).expect("a file that can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let first = document.lines().zip(written.lines()).position(|(made, kept)| made != kept);
    let line = first.unwrap_or_else(|| document.lines().count().min(written.lines().count())) + 1;
    assert!(
        written == document,
        "{file} is not what the program says from line {line} on: run `make generate`"
    );
}

#[test]
fn the_description_of_the_api_is_that_of_the_program() {
    same("server/openapi.json", &server::web::api::openapi::document());
}

#[test]
fn the_document_of_the_command_line_is_that_of_the_program() {
    same("server/cli.md", &server::cli::document::document());
}

#[test]
fn generated_documents_can_be_found_from_where_people_look() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    for (page, link) in [
        ("README.md", "(server/cli.md)"),
        ("CONTRIBUTING.md", "(server/cli.md)"),
        ("CONTRIBUTING.md", "(server/openapi.json)"),
    ] {
        let text = fs::read_to_string(root.join(page)).expect(page);
        assert!(text.contains(link), "{page} does not link {link}");
    }
}
