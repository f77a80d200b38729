//! House rules that a compiler does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No source file is longer; a longer one has a second room inside.
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// Every file below `dir` with the extension, build output left out.
fn files(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            let skipped = name.starts_with('.') || name == "target" || name == "node_modules";
            if !skipped {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn rust_files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join(below), "rs", &mut found);
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// The dependencies that a manifest names, dev-dependencies left out.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).expect(manifest);
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if let Some(section) = line.strip_prefix('[') {
            inside = section.starts_with("dependencies");
        } else if inside && let Some((name, _)) = line.split_once(['.', '=']) {
            names.insert(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn only_its_room_names_a_foreign_client() {
    for (client, room) in [
        ("kube", "server/crates/cluster"),
        ("k8s_openapi", "server/crates/cluster"),
        ("octocrab", "server/crates/forge"),
        ("object_store", "server/crates/blob"),
        ("sqlx", "server/crates/store"),
        ("lettre", "server/src/components/testgrid_alerts"),
    ] {
        let path = format!("{client}::");
        for file in rust_files("") {
            let name = relative(&file);
            if name.starts_with(room) || name == "tests/it/tidy.rs" {
                continue;
            }
            let text = fs::read_to_string(&file).expect("readable source");
            let named = text.lines().any(|line| {
                !line.trim_start().starts_with("//")
                    && line.match_indices(&path).any(|(at, _)| {
                        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
            });
            assert!(!named, "{name} names {client}; only {room} may");
        }
    }
}

#[test]
fn the_app_never_depends_on_the_server() {
    let ours = ["server", "cluster", "store", "forge", "blob", "config-load", "job-spec", "git"];
    let app = dependencies("app/Cargo.toml");
    for name in ours {
        assert!(!app.contains(name), "app depends on {name}");
    }
}

#[test]
fn pure_crates_have_no_runtime_and_no_io() {
    for room in ["go-compat", "job-spec", "artifacts", "grid", "coverage"] {
        let manifest = format!("server/crates/{room}/Cargo.toml");
        let banned = ["tokio", "futures", "reqwest", "clock", "store", "blob", "cluster", "forge"];
        let named = dependencies(&manifest);
        for name in banned {
            assert!(!named.contains(name), "{room} is pure and must not depend on {name}");
        }
        for file in rust_files(&format!("server/crates/{room}/src")) {
            let text = fs::read_to_string(&file).expect("readable source");
            for banned in ["std::fs", "SystemTime::now", "Instant::now", "async fn"] {
                assert!(!text.contains(banned), "{} uses {banned}", relative(&file));
            }
        }
    }
}

#[test]
fn crates_below_the_server_know_neither_pages_nor_routes() {
    for entry in fs::read_dir(root().join("server/crates")).expect("crates").flatten() {
        let manifest = format!("server/crates/{}/Cargo.toml", entry.file_name().to_string_lossy());
        let named = dependencies(&manifest);
        for banned in ["leptos", "axum", "app", "server"] {
            assert!(!named.contains(banned), "{manifest} depends on {banned}");
        }
    }
}

#[test]
fn the_wall_clock_is_read_in_one_place() {
    // Durations on the monotonic clock are free; dates are not.
    for file in rust_files("server").into_iter().chain(rust_files("app")) {
        let name = relative(&file);
        if name.starts_with("server/crates/clock") || name.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable source");
        for call in ["SystemTime::now", "Utc::now", "Timestamp::now", "Zoned::now"] {
            assert!(!text.contains(call), "{name} calls {call}; take a clock::Clock instead");
        }
    }
}

#[test]
fn every_source_file_is_declared_by_its_parent() {
    for file in rust_files("") {
        let name = relative(&file);
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        let dir = file.parent().expect("a folder");
        let is_root = ["main", "lib", "build"].contains(&stem.as_str())
            || ["/bin/", "/examples/", "/benches/", "/fuzz/"].iter().any(|d| name.contains(d))
            || (dir.ends_with("tests") && dir.join("../Cargo.toml").exists());
        if is_root {
            continue;
        }
        let (module, owner) = if stem == "mod" {
            let module = dir.file_name().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
            (module, dir.parent().expect("a folder").to_owned())
        } else {
            (stem, dir.to_owned())
        };
        let sibling = owner.with_extension("rs");
        let parents = [owner.join("mod.rs"), owner.join("lib.rs"), owner.join("main.rs"), sibling];
        let declared = parents.iter().filter_map(|p| fs::read_to_string(p).ok()).any(|text| {
            text.lines().any(|line| {
                line.trim_end().ends_with(&format!("mod {module};"))
                    || line.contains(&format!("mod {module} {{"))
            })
        });
        assert!(declared, "{name} is not declared by any `mod {module};`: it never compiles");
    }
}

#[test]
fn no_source_file_hides_a_second_room() {
    for file in rust_files("") {
        let lines = fs::read_to_string(&file).expect("readable source").lines().count();
        assert!(
            lines <= MAX_LINES,
            "{} has {lines} lines; {MAX_LINES} is the most",
            relative(&file)
        );
    }
}

#[test]
fn the_top_level_holds_only_what_was_agreed() {
    let agreed = [
        "Cargo.toml",
        "Cargo.lock",
        "app",
        "server",
        "style",
        "public",
        "testgrid-config",
        "end2end",
        "tests",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "Makefile",
        "rust-toolchain.toml",
        "rustfmt.toml",
        "clippy.toml",
        "deny.toml",
        // Build output and installed tools, none of it committed.
        "target",
        "node_modules",
        "bowsprit-data",
    ];
    for entry in fs::read_dir(root()).expect("the repository").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || agreed.contains(&name.as_str()),
            "{name} stands at the top level, outside the agreed layout"
        );
    }
}

/// The keys of cargo-leptos' metadata in the root Cargo.toml, with their texts.
fn leptos_metadata() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let (_, section) = text.split_once("[[workspace.metadata.leptos]]").expect("the metadata");
    let lines = section.lines().skip(1).take_while(|line| !line.starts_with('['));
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
}

#[test]
fn what_cargo_leptos_is_told_is_what_the_server_serves() {
    let told = leptos_metadata();
    let plain = format!("{}/{}", told["site-pkg-dir"], told["output-name"]);
    assert_eq!(plain, server::web::site::PLAIN);
    assert_eq!(told["site-root"], server::options::DEFAULT_SITE_ROOT);
    assert_eq!(told["site-addr"], server::options::DEFAULT_ADDR);
    for (key, what) in
        [("style-file", "a file"), ("assets-dir", "a folder"), ("end2end-dir", "a folder")]
    {
        let path = root().join(&told[key]);
        assert!(path.exists(), "{key} is {}, which is not {what} here", told[key]);
    }
    let manifest = |package: &str| fs::read_to_string(root().join(package).join("Cargo.toml"));
    let (bin, lib) = (manifest(&told["bin-package"]), manifest(&told["lib-package"]));
    let (bin, lib) = (bin.expect("the program's manifest"), lib.expect("the pages' manifest"));
    assert!(bin.contains(&format!("name = \"{}\"", told["bin-target"])));
    assert!(lib.contains("cdylib") && lib.contains("\nhydrate = "), "the pages make no islands");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    assert!(workspace.contains(&format!("[profile.{}]", told["lib-profile-release"])));
}

#[test]
fn every_fuzz_target_is_tried_with_every_test_run() {
    let read = |file: &str| fs::read_to_string(root().join(file)).expect(file);
    let (held, tried) = (read("tests/fuzz/src/lib.rs"), read("tests/it/properties.rs"));
    let manifest = read("tests/fuzz/Cargo.toml");
    let names = held.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next());
    let names: BTreeSet<&str> = names.collect();
    let mut targets = Vec::new();
    files(&root().join("tests/fuzz/fuzz_targets"), "rs", &mut targets);
    let targets: BTreeSet<&str> =
        targets.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    assert_eq!(names, targets);
    for name in names {
        assert!(tried.contains(&format!("held::{name}(")), "{name} is not tried");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
    }
    // That workspace cannot inherit versions from this one.
    let versions = read("Cargo.toml");
    let own = manifest.lines().find_map(|line| line.strip_prefix("serde_json = \"="));
    let version = own.and_then(|rest| rest.split('"').next()).expect("a version of serde_json");
    assert!(versions.contains(&format!("serde_json = {{ version = \"={version}\"")));
}
