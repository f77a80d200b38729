//! Files as pages, and folders as one zip.

use std::io::{Cursor, Read as _, Write as _};

use blob::{BlobUri, WriteOptions};
use tests::world::{Setup, World};

const RUN: &str = "/file/artifacts/logs/nightly/17";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00";

async fn world_with(files: &[(&str, &[u8])]) -> World {
    let world = World::new().await;
    world.store_run("nightly-1", "nightly", "17", "success", files).await;
    world
}

/// Puts a packed file into the run's folder.
async fn put_packed(world: &World, name: &str, content: &[u8]) {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(content).expect("packed");
    let packed = packer.finish().expect("packed");
    let uri = BlobUri::parse(&format!("file://artifacts/logs/nightly/17/{name}")).expect("a place");
    let options =
        WriteOptions { content_encoding: Some("gzip".to_owned()), ..WriteOptions::default() };
    world.process.web.blobs.write(&uri, packed, &options).await.expect("written");
}

#[tokio::test]
async fn files_are_shown_as_what_they_are_and_lead_to_their_bytes() {
    let files: &[(&str, &[u8])] = &[
        ("finished.json", br#"{"passed":true,"metadata":{"a":[1,2]}}"#),
        ("artifacts/junit.xml", b"<a><b x=\"1\"/></a>"),
        ("artifacts/notes.md", b"# Notes\n\n<script>hurt()</script>"),
        ("artifacts/log.txt", b"\x1b[31mred\x1b[0m <script>hurt()</script>"),
        ("artifacts/shot.png", PNG),
        ("artifacts/page.html", b"<script>hurt()</script>"),
        ("artifacts/core", b"\x7fELF\x00\x00"),
        ("artifacts/it's here.txt", b"x"),
    ];
    let world = world_with(files).await;
    let page = |file: &str| {
        let address = format!("{RUN}/{file}?preview");
        let world = &world;
        async move { world.get(&address).await.expect(200).text() }
    };
    assert!(
        page("finished.json").await.contains("\n    &quot;a&quot;: [\n")
            || page("finished.json").await.contains("\n    \"a\": [\n")
    );
    assert!(
        page("artifacts/junit.xml").await.contains("&lt;a&gt;\n  &lt;b")
            || page("artifacts/junit.xml").await.contains("&lt;a>\n  &lt;b")
    );
    let notes = page("artifacts/notes.md").await;
    assert!(notes.contains("<h1>Notes</h1>") && !notes.contains("<script>hurt"));
    let log = page("artifacts/log.txt").await;
    assert!(log.contains("red &lt;script") && !log.contains("\u{1b}"), "colours are no text");
    assert!(
        page("artifacts/shot.png").await.contains(&format!("src=\"{RUN}/artifacts/shot.png\""))
    );
    let html = page("artifacts/page.html").await;
    assert!(html.contains("sandbox=\"allow-scripts\"") && !html.contains("<script>hurt"));
    assert!(page("artifacts/core").await.contains("no text"));
    let quoted = page("artifacts/it%27s%20here.txt").await;
    assert!(quoted.contains("curl -fLO") && quoted.contains(&world.address.to_string()));
    assert!(quoted.contains("?download"));
    // The folder and the run's page lead there.
    let folder = world.get(&format!("{RUN}/artifacts/")).await.expect(200).text();
    assert!(folder.contains("artifacts/notes.md?preview"));
    let run = world.get("/run/nightly-1?tab=artifacts").await.expect(200).text();
    assert!(run.contains("artifacts/notes.md?preview") && run.contains("17/?zip"));
    for (address, status) in [
        (format!("{RUN}/nothing.txt?preview"), 404),
        ("/file/other-bucket/a.txt?preview".to_owned(), 404),
        (format!("{RUN}/..%2f..%2f..%2fsecret?preview"), 404),
        (format!("{RUN}/%00?preview"), 404),
    ] {
        let answer = world.get(&address).await;
        assert!(answer.status == status || answer.status == 400, "{address}: {}", answer.status);
    }
}

#[tokio::test]
async fn files_and_folders_come_with_the_commands_that_copy_them_from_their_bucket() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("logs/nightly/17");
    std::fs::create_dir_all(&run).expect("a folder");
    std::fs::write(run.join("it is.txt"), "x").expect("a file");
    let world = Setup::default().local_bucket("away", folder.path()).start().await;
    for (address, commands) in [
        (
            "/gcs/away/logs/nightly/17/it%20is.txt?preview",
            vec![
                "gcloud storage cp 'gs://away/logs/nightly/17/it is.txt' .".to_owned(),
                "gsutil cp 'gs://away/logs/nightly/17/it is.txt' .".to_owned(),
                format!("curl -fLO '{}/gcs/away/logs/nightly/17/it%20is.txt'", world.url("")),
            ],
        ),
        (
            "/s3/away/logs/nightly/17/it%20is.txt?preview",
            vec![
                "aws s3 cp 's3://away/logs/nightly/17/it is.txt' .".to_owned(),
                format!("curl -fLO '{}/s3/away/logs/nightly/17/it%20is.txt'", world.url("")),
            ],
        ),
        (
            "/gcs/away/logs/nightly/17/",
            vec![
                "gcloud storage cp -r gs://away/logs/nightly/17 .".to_owned(),
                "gsutil -m cp -r gs://away/logs/nightly/17 .".to_owned(),
            ],
        ),
        (
            "/s3/away/logs/nightly/17/",
            vec!["aws s3 cp --recursive s3://away/logs/nightly/17 .".to_owned()],
        ),
    ] {
        let page = world.get(address).await.expect(200).text();
        let page = page.replace("&#x27;", "'").replace("&#39;", "'");
        for command in commands {
            assert!(page.contains(&command), "{address} has no `{command}`: {page}");
        }
    }
}

#[tokio::test]
async fn of_a_large_file_the_beginning_is_shown_and_a_packed_bomb_is_one() {
    let long = "word\n".repeat(200_000);
    let world = world_with(&[("artifacts/long.txt", long.as_bytes())]).await;
    let page = world.get(&format!("{RUN}/artifacts/long.txt?preview")).await.expect(200).text();
    assert!(page.contains("Here are the first") && page.len() < 600_000, "{}", page.len());
    // 300 MB of nothing are 300 kB in the bucket.
    let bomb = vec![b' '; 300 << 20];
    for name in
        ["artifacts/bomb.json", "artifacts/junit_bomb.xml", "artifacts/bomb.md", "started.json"]
    {
        put_packed(&world, name, &bomb).await;
    }
    let page = world.get(&format!("{RUN}/artifacts/bomb.json?preview")).await.expect(200).text();
    assert!(page.contains("Here are the first") && page.contains("packed"));
    let page = world.get("/run/nightly-1?tab=metadata").await.expect(200).text();
    assert!(page.contains("started.json is larger than"), "it says what is missing");
    let page = world.get("/run/nightly-1?tab=tests").await.expect(200).text();
    assert!(page.contains("artifacts/junit_bomb.xml could not be read"));
    world.get("/run/nightly-1?tab=lens-markdown").await.expect(200);
}

#[tokio::test]
async fn a_folder_is_one_zip_without_what_is_hidden() {
    let jobs = "\
periodics:
- {name: secret, interval: 1h, hidden: true, spec: {containers: [{image: i}]}}
";
    let world = Setup::default().jobs(jobs).start().await;
    let large = vec![b'x'; 3 << 20];
    let files: &[(&str, &[u8])] =
        &[("build-log.txt", b"log"), ("artifacts/deep/er/large.txt", &large), ("empty", b"")];
    world.store_run("nightly-1", "nightly", "17", "success", files).await;
    put_packed(&world, "packed.txt", b"unpacked").await;
    world.store_run("secret-1", "secret", "1", "success", &[("build-log.txt", b"secret")]).await;
    let answer = world.get("/file/artifacts/logs/?zip").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"logs.zip\"");
    let mut zip = zip::ZipArchive::new(Cursor::new(answer.body.to_vec())).expect("a zip");
    let mut names: Vec<String> =
        zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "nightly/17/artifacts/deep/er/large.txt",
            "nightly/17/build-log.txt",
            "nightly/17/empty",
            "nightly/17/packed.txt",
        ]
    );
    for (name, content) in [
        ("nightly/17/artifacts/deep/er/large.txt", large.as_slice()),
        ("nightly/17/packed.txt", b"unpacked"),
    ] {
        let mut found = Vec::new();
        zip.by_name(name).expect(name).read_to_end(&mut found).expect(name);
        assert!(found == content, "{name}");
    }
    world.get("/file/artifacts/logs/secret/?zip").await.expect(404);
    world.get("/file/artifacts/logs/nothing/?zip").await.expect(404);
    world.get("/file/other-bucket/?zip").await.expect(404);
}

#[tokio::test]
async fn a_folder_with_too_many_files_is_refused_in_words() {
    let world = World::new().await;
    let folder = world.stored_file("nightly", "17", "many");
    std::fs::create_dir_all(&folder).expect("a folder");
    for at in 0..10_001 {
        std::fs::write(folder.join(format!("{at}")), b"").expect("a file");
    }
    let answer = world.get(&format!("{RUN}/?zip")).await.expect(413);
    assert!(answer.text().contains("more than 10000 files"), "{}", answer.text());
}

#[tokio::test]
async fn names_and_values_of_strangers_are_text_wherever_they_stand() {
    let attack = "\"><script>hurt()</script>\u{2028}\u{202e}";
    let started = serde_json::json!({
        "timestamp": 1_795_219_200, "node": attack,
        "metadata": {attack: attack, "links": {attack: {"url": "https://x/\"><script>hurt()</script>", "description": attack}}},
    });
    let name = "artifacts/a\"><script>hurt()<.md";
    let started = started.to_string();
    let files: &[(&str, &[u8])] = &[
        ("started.json", started.as_bytes()),
        (name, b"x"),
        ("artifacts/junit.xml", b"<testsuite name='&lt;/script&gt;&lt;script&gt;hurt()'><testcase name='&quot;&gt;&lt;script&gt;hurt()'><failure>&lt;/pre&gt;&lt;script&gt;hurt()</failure></testcase></testsuite>"),
        ("artifacts/a.link.json", br#"{"title": "<script>hurt()", "links": [{"name": "<script>hurt()", "url": "https://x/\"onclick=\"hurt()"}]}"#),
    ];
    let world = world_with(files).await;
    let mut pages =
        vec![format!("{RUN}/"), format!("{RUN}/artifacts/"), format!("{RUN}/started.json?preview")];
    for tab in ["metadata", "artifacts", "tests", "lens-links", "lens-markdown"] {
        pages.push(format!("/run/nightly-1?tab={tab}"));
    }
    for address in pages {
        let page = world.get(&address).await.expect(200).text();
        assert!(
            !page.contains("<script>hurt") && !page.contains("href=\"https://x/\"o"),
            "{address}"
        );
    }
}
