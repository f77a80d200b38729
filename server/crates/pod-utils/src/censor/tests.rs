use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::testing::World;

const SECRET: &str = "correct horse battery staple";

/// A world with one secret, a log and artifacts.
fn world() -> World {
    let world = World::new();
    world.write("secrets/a/word", format!("{SECRET}\n"));
    world.write("logs/process-log.txt", format!("the word is {SECRET}.\n"));
    world
}

fn options(world: &World) -> SidecarCensoringOptions {
    SidecarCensoringOptions {
        secret_directories: vec![world.text("secrets")],
        ..SidecarCensoringOptions::default()
    }
}

fn subjects(world: &World) -> Subjects {
    Subjects {
        files: vec![world.path("logs/process-log.txt")],
        items: vec![world.path("logs/artifacts")],
        still_written: false,
    }
}

/// What would be uploaded: the content, or the reason to withhold it.
fn outcome(censored: &Censored, path: &Path) -> Result<Vec<u8>, String> {
    match censored.fate(path) {
        Fate::Unchanged => Ok(fs::read(path).unwrap()),
        Fate::Replaced(copy) => Ok(fs::read(copy).unwrap()),
        Fate::Withheld(reason) => Err(reason.to_owned()),
    }
}

fn text(censored: &Censored, path: &Path) -> String {
    String::from_utf8(outcome(censored, path).unwrap()).unwrap()
}

fn mask(text: &str) -> String {
    "X".repeat(text.len())
}

#[tokio::test]
async fn logs_and_artifacts_lose_their_secrets_and_the_originals_stay() {
    let world = world();
    let clean = world.write("logs/artifacts/clean.txt", "nothing here");
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, SECRET);
    let deep = world.write("logs/artifacts/a/b/c.json", format!("{{\"k\":\"{encoded}\"}}"));
    let censored = censor(options(&world), subjects(&world)).await;
    let log = world.path("logs/process-log.txt");
    assert_eq!(text(&censored, &log), format!("the word is {}.\n", mask(SECRET)));
    assert_eq!(censored.fate(&clean), Fate::Unchanged);
    assert_eq!(text(&censored, &deep), format!("{{\"k\":\"{}\"}}", mask(&encoded)));
    assert!(fs::read_to_string(&log).unwrap().contains(SECRET));
    assert!(censored.withheld().is_empty());
    assert_eq!(censored.clean_name(&format!("{SECRET}.txt")), format!("{}.txt", mask(SECRET)));
    drop(censored);
    let left = crate::testing::files_below(&world.path("logs"));
    assert_eq!(left, ["artifacts/a/b/c.json", "artifacts/clean.txt", "process-log.txt"]);
}

#[tokio::test]
async fn a_secret_is_found_in_every_form_in_which_programs_print_it() {
    let world = World::new();
    let secret = "pa\"ss/w+rd\\x y";
    world.write("secrets/word", secret);
    let header = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("me:{secret}"));
    let quoted = serde_json::to_string(secret).unwrap();
    let forms = [
        secret.to_owned(),
        header,
        quoted,
        hex::encode(secret),
        "pa%22ss%2Fw%2Brd%5Cx%20y".to_owned(),
    ];
    for (number, form) in forms.iter().enumerate() {
        world.write(&format!("logs/artifacts/{number}"), form);
    }
    let censored = censor(options(&world), subjects(&world)).await;
    for (number, form) in forms.iter().enumerate() {
        let shown = text(&censored, &world.path(&format!("logs/artifacts/{number}")));
        assert_eq!(shown.len(), form.len());
        let masked = shown.bytes().filter(|b| *b == b'X').count();
        assert!(masked + 8 >= form.len(), "{form} became {shown}");
    }
}

#[tokio::test]
async fn an_unreadable_secret_withholds_everything() {
    let world = world();
    // Readable to nobody, root included.
    symlink(world.path("gone"), world.path("secrets/broken")).unwrap();
    let artifact = world.write("logs/artifacts/clean.txt", "nothing here");
    let censored = censor(options(&world), subjects(&world)).await;
    for path in [world.path("logs/process-log.txt"), artifact] {
        let reason = outcome(&censored, &path).unwrap_err();
        assert!(reason.contains("secrets/broken cannot be read"), "{reason}");
    }
    assert_eq!(censored.withheld().len(), 2);
}

#[tokio::test]
async fn a_missing_secret_folder_withholds_everything() {
    let world = world();
    let mut options = options(&world);
    options.secret_directories.push(world.text("not-mounted"));
    let censored = censor(options, subjects(&world)).await;
    assert!(outcome(&censored, &world.path("logs/process-log.txt")).is_err());
}

#[tokio::test]
async fn the_folders_of_kubernetes_own_making_are_not_read() {
    let world = world();
    world.write("secrets/..2026_11_21/word", "the");
    let censored = censor(options(&world), subjects(&world)).await;
    let log = text(&censored, &world.path("logs/process-log.txt"));
    assert!(log.starts_with("the word is XXX"), "{log}");
}

#[tokio::test]
async fn globs_choose_and_exclusion_wins() {
    let world = world();
    let path = |name: &str| world.write(&format!("logs/artifacts/{name}"), SECRET);
    let (one, two, three) = (path("first/a.txt"), path("first/skip/b.txt"), path("second/c.txt"));
    let mut options = options(&world);
    options.include_directories = vec!["first/**".to_owned()];
    options.exclude_directories = vec!["**/skip/*".to_owned()];
    let censored = censor(options.clone(), subjects(&world)).await;
    assert_eq!(text(&censored, &one), mask(SECRET));
    assert_eq!(text(&censored, &two), SECRET);
    assert_eq!(text(&censored, &three), SECRET);
    // The process log is looked through whatever the globs say.
    assert!(!text(&censored, &world.path("logs/process-log.txt")).contains(SECRET));
    options.exclude_directories = vec!["a{".to_owned()];
    let censored = censor(options, subjects(&world)).await;
    assert!(outcome(&censored, &one).unwrap_err().contains("glob"));
}

#[tokio::test]
async fn what_appears_later_is_withheld() {
    let world = world();
    let censored = censor(options(&world), subjects(&world)).await;
    let late = world.write("logs/artifacts/late.txt", SECRET);
    assert!(outcome(&censored, &late).unwrap_err().contains("appeared"));
}

#[tokio::test]
async fn files_that_are_still_written_are_uploaded_as_they_were_looked_through() {
    let world = world();
    let artifact = world.write("logs/artifacts/growing.txt", "clean so far\n");
    let subjects = Subjects { still_written: true, ..subjects(&world) };
    let censored = censor(options(&world), subjects).await;
    fs::OpenOptions::new()
        .append(true)
        .open(&artifact)
        .unwrap()
        .write_all(SECRET.as_bytes())
        .unwrap();
    assert_eq!(text(&censored, &artifact), "clean so far\n");
}

#[tokio::test]
async fn short_secrets_are_left_alone_where_the_options_say_so() {
    let world = world();
    world.write("secrets/short", "is");
    let options = SidecarCensoringOptions { minimum_secret_length: Some(3), ..options(&world) };
    let censored = censor(options, subjects(&world)).await;
    assert!(text(&censored, &world.path("logs/process-log.txt")).starts_with("the word is XXX"));
}

#[tokio::test]
async fn values_of_listed_ini_files_are_secrets() {
    let world = world();
    world.write("secrets/aws/.awscred", "[default]\n# key\naws_secret_access_key = wJalrXUtn\n");
    world.write("logs/process-log.txt", "key wJalrXUtn in [default]\n");
    let mut options = options(&world);
    options.ini_filenames = vec![".awscred".to_owned()];
    let censored = censor(options, subjects(&world)).await;
    let log = text(&censored, &world.path("logs/process-log.txt"));
    assert_eq!(log, "key XXXXXXXXX in [default]\n");
}

#[tokio::test]
async fn nothing_is_censored_without_secrets_to_look_for() {
    let world = World::new();
    fs::create_dir_all(world.path("secrets")).unwrap();
    let log = world.write("logs/process-log.txt", SECRET);
    let censored = censor(options(&world), subjects(&world)).await;
    assert_eq!(text(&censored, &log), SECRET);
    assert_eq!(text(&Censored::nothing(), &log), SECRET);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packer = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o640);
        packer.append_data(&mut header, name, *content).unwrap();
    }
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    link.set_mode(0o777);
    packer.append_link(&mut link, "link", "target").unwrap();
    packer.into_inner().unwrap()
}

fn untar(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, entry.header().mode().unwrap(), content)
    });
    entries.collect()
}

#[tokio::test]
async fn archives_are_opened_cleaned_and_closed_again() {
    let world = world();
    let long_name = format!("{}/quote.log", "d".repeat(180));
    let inner = gzip(SECRET.as_bytes());
    let packed = tar(&[
        ("quote.txt", SECRET.as_bytes()),
        (long_name.as_str(), b"clean"),
        ("inner.gz", &inner),
    ]);
    let archive = world.write("logs/artifacts/archive.tar.gz", gzip(&packed));
    let plain = world.write("logs/artifacts/log.gz", gzip(format!("a {SECRET} b").as_bytes()));
    let untouched = gzip(b"clean");
    let clean = world.write("logs/artifacts/clean.gz", &untouched);
    let censored = censor(options(&world), subjects(&world)).await;

    let entries = untar(&gunzip(&outcome(&censored, &archive).unwrap()));
    assert_eq!(entries[0], ("quote.txt".to_owned(), 0o640, mask(SECRET).into_bytes()));
    assert_eq!(entries[1], (long_name, 0o640, b"clean".to_vec()));
    assert_eq!(gunzip(&entries[2].2), mask(SECRET).into_bytes());
    assert_eq!(entries[3].0, "link");
    let shown = gunzip(&outcome(&censored, &plain).unwrap());
    assert_eq!(shown, format!("a {} b", mask(SECRET)).into_bytes());
    assert_eq!(outcome(&censored, &clean).unwrap(), untouched);
}

#[tokio::test]
async fn zip_files_are_cleaned_too() {
    let world = world();
    let mut packer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    packer.add_directory("trace", stored).unwrap();
    packer.start_file("trace/log.txt", stored).unwrap();
    packer.write_all(SECRET.as_bytes()).unwrap();
    packer.start_file("trace/page.html", zip::write::SimpleFileOptions::default()).unwrap();
    packer.write_all(format!("<p>{SECRET}</p>").as_bytes()).unwrap();
    let bytes = packer.finish().unwrap().into_inner();
    let file = world.write("logs/artifacts/trace.zip", bytes);
    let censored = censor(options(&world), subjects(&world)).await;
    let shown = outcome(&censored, &file).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(shown)).unwrap();
    let mut content = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    assert_eq!(content("trace/log.txt"), mask(SECRET));
    assert_eq!(content("trace/page.html"), format!("<p>{}</p>", mask(SECRET)));
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_withheld_alone() {
    let world = world();
    let zstd = world.write("logs/artifacts/a.zst", [0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0]);
    let cut = gzip(&[7; 5000]);
    let cut = world.write("logs/artifacts/cut.gz", &cut[..cut.len() - 9]);
    let fake = world.write("logs/artifacts/fake.zip", b"PK\x03\x04 and nothing more");
    let mut nested = SECRET.as_bytes().to_vec();
    for _ in 0..8 {
        nested = gzip(&nested);
    }
    let nested = world.write("logs/artifacts/nested.gz", nested);
    let clean = world.write("logs/artifacts/clean.txt", "fine");
    let censored = censor(options(&world), subjects(&world)).await;
    assert!(outcome(&censored, &zstd).unwrap_err().contains("zstd"));
    assert!(outcome(&censored, &nested).unwrap_err().contains("nested too deeply"));
    assert!(outcome(&censored, &cut).is_err() && outcome(&censored, &fake).is_err());
    assert_eq!(text(&censored, &clean), "fine");
    assert_eq!(censored.withheld().len(), 4);
}

#[tokio::test]
async fn an_artifact_that_nobody_may_read_is_withheld() {
    let world = world();
    let file = world.write("logs/artifacts/locked.txt", SECRET);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let censored = censor(options(&world), subjects(&world)).await;
    // Root may read everything, and then it is cleaned like any other.
    match outcome_kind(censored.fate(&file)) {
        "withheld" | "replaced" => {}
        other => panic!("{other}"),
    }
}

fn outcome_kind(fate: Fate<'_>) -> &'static str {
    match fate {
        Fate::Unchanged => "unchanged",
        Fate::Replaced(_) => "replaced",
        Fate::Withheld(_) => "withheld",
    }
}
