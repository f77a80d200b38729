use std::io::Write;
use std::path::Path;

use super::*;

/// The same behaviour is asked of a folder and of a remote store.
fn both() -> (tempfile::TempDir, Vec<(Blobs, &'static str)>) {
    let folder = tempfile::tempdir().unwrap();
    let local = Blobs::new(BlobConfig {
        local_root: Some(folder.path().to_owned()),
        ..BlobConfig::default()
    });
    let remote = Blobs::new(BlobConfig::default());
    remote
        .inner
        .remote
        .lock()
        .unwrap()
        .insert((Provider::Gs, "b".to_owned()), RemoteBucket::in_memory());
    (folder, vec![(local, "file://b"), (remote, "gs://b")])
}

fn at(base: &str, key: &str) -> BlobUri {
    BlobUri::parse(base).unwrap().join(key).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn local(folder: &Path) -> Blobs {
    Blobs::new(BlobConfig { local_root: Some(folder.to_owned()), ..BlobConfig::default() })
}

const TEXT: &str = "Oh wow\nlogs\nthis is\ncrazy";

#[tokio::test]
async fn what_is_written_is_read_whole_in_ranges_and_from_the_end() {
    let (_folder, stores) = both();
    for (blobs, base) in stores {
        let uri = at(base, "logs/job/1/build-log.txt");
        blobs.write(&uri, TEXT, &WriteOptions::default()).await.unwrap();
        assert_eq!(blobs.read(&uri, 25).await.unwrap(), TEXT);
        assert_eq!(blobs.read_tail(&uri, 4).await.unwrap(), "razy");
        assert_eq!(blobs.read_tail(&uri, 2222).await.unwrap(), TEXT);
        assert_eq!(blobs.read_range(&uri, 0, 4).await.unwrap(), "Oh w");
        assert_eq!(blobs.read_range(&uri, 6, 4).await.unwrap(), "\nlog");
        assert_eq!(blobs.read_range(&uri, 20, 400).await.unwrap(), "crazy");
        assert_eq!(blobs.read_range(&uri, 25, 4).await.unwrap(), "");
        let far = blobs.read_range(&uri, 400, 4).await.unwrap_err();
        assert!(matches!(far, BlobError::OutOfRange { size: 25, .. }), "{far}");
        let large = blobs.read(&uri, 24).await.unwrap_err();
        assert!(matches!(large, BlobError::TooLarge { limit: 24, .. }), "{large}");
        let meta = blobs.head(&uri).await.unwrap();
        assert_eq!((meta.size, meta.content_type.as_str()), (25, "text/plain; charset=utf-8"));
    }
}

#[tokio::test]
async fn packed_content_is_read_as_the_text_that_a_person_sees() {
    let (_folder, stores) = both();
    for (blobs, base) in stores {
        let uri = at(base, "logs/job/1/build-log.txt");
        let options =
            WriteOptions { content_encoding: Some("gzip".to_owned()), ..WriteOptions::default() };
        blobs.write(&uri, gzip(TEXT.as_bytes()), &options).await.unwrap();
        assert!(blobs.head(&uri).await.unwrap().is_gzip());
        assert_eq!(blobs.read(&uri, 25).await.unwrap(), TEXT);
        assert!(blobs.read(&uri, 24).await.is_err());
        assert_eq!(blobs.read_tail(&uri, 4).await.unwrap(), "razy");
        assert_eq!(blobs.read_range(&uri, 6, 4).await.unwrap(), "\nlog");
        assert!(blobs.read_range(&uri, 26, 4).await.is_err());
        // Replaced by plain content, it is no longer taken for packed.
        blobs.write(&uri, TEXT, &WriteOptions::default()).await.unwrap();
        assert_eq!(blobs.read(&uri, 25).await.unwrap(), TEXT);
    }
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_off_at_the_limit() {
    let (_folder, stores) = both();
    let bomb = gzip(&vec![0; 64 << 20]);
    for (blobs, base) in stores {
        let uri = at(base, "bomb");
        let options =
            WriteOptions { content_encoding: Some("gzip".to_owned()), ..WriteOptions::default() };
        blobs.write(&uri, bomb.clone(), &options).await.unwrap();
        assert!(matches!(blobs.read(&uri, 1 << 20).await.unwrap_err(), BlobError::TooLarge { .. }));
    }
}

#[tokio::test]
async fn metadata_is_kept_and_does_not_disturb_the_layout() {
    let (folder, stores) = both();
    for (blobs, base) in stores {
        let uri = at(base, "pr-logs/directory/job/1.txt");
        let options = WriteOptions {
            metadata: BTreeMap::from([("link".to_owned(), "gs://b/x".to_owned())]),
            content_type: Some("text/x-link".to_owned()),
            ..WriteOptions::default()
        };
        blobs.write(&uri, "gs://b/x", &options).await.unwrap();
        let meta = blobs.head(&uri).await.unwrap();
        assert_eq!(meta.metadata, options.metadata);
        assert_eq!(meta.content_type, "text/x-link");
        let all = blobs.list(&at(base, ""), "", 10).await.unwrap();
        let keys: Vec<_> = all.entries.iter().map(|e| e.key.as_str()).collect();
        assert_eq!(keys, ["pr-logs/directory/job/1.txt"]);
        blobs.delete(&uri).await.unwrap();
        blobs.delete(&uri).await.unwrap();
        assert!(blobs.head(&uri).await.unwrap_err().is_not_found());
        blobs.write(&uri, "x", &WriteOptions::default()).await.unwrap();
        assert!(blobs.head(&uri).await.unwrap().metadata.is_empty());
    }
    let left = std::fs::read_dir(folder.path().join("b/.bowsprit-meta/tmp")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn only_the_first_conditional_write_wins() {
    let (_folder, stores) = both();
    for (blobs, base) in stores {
        let uri = at(base, "logs/job/1/finished.json");
        let options = WriteOptions::default();
        assert!(blobs.write_if_absent(&uri, "first", &options).await.unwrap());
        assert!(!blobs.write_if_absent(&uri, "second", &options).await.unwrap());
        assert_eq!(blobs.read(&uri, 100).await.unwrap(), "first");
    }
}

#[tokio::test]
async fn listings_are_ordered_by_key_and_come_in_pages() {
    let (_folder, stores) = both();
    // `-` and `.` sort before `/`, so folder order and key order differ here.
    let keys = ["a-b/1", "a.txt", "a/1", "a/10/x", "b"];
    for (blobs, base) in stores {
        for key in keys.iter().rev() {
            blobs.write(&at(base, key), *key, &WriteOptions::default()).await.unwrap();
        }
        for page in 1..=6 {
            let mut got = Vec::new();
            let mut after = String::new();
            loop {
                let listing = blobs.list(&at(base, ""), &after, page).await.unwrap();
                got.extend(listing.entries.into_iter().map(|e| e.key));
                match listing.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            assert_eq!(got, keys, "{base} in pages of {page}");
        }
        let below = blobs.list(&at(base, "a/1"), "", 10).await.unwrap();
        let below: Vec<_> = below.entries.into_iter().map(|e| e.key).collect();
        assert_eq!(below, ["a/1", "a/10/x"]);
        let nothing = blobs.list(&at(base, "zzz/y"), "", 10).await.unwrap();
        assert_eq!(nothing, Listing::default());
    }
}

#[tokio::test]
async fn a_folder_lists_what_lies_directly_in_it() {
    let (_folder, stores) = both();
    for (blobs, base) in stores {
        for key in ["l/j/1/started.json", "l/j/2/started.json", "l/j/latest-build.txt", "l/k/3/x"] {
            blobs.write(&at(base, key), key, &WriteOptions::default()).await.unwrap();
        }
        let listing = blobs.list_dir(&at(base, "l/j"), "", 10).await.unwrap();
        assert_eq!(listing.dirs, ["l/j/1/", "l/j/2/"]);
        assert_eq!(listing.entries[0].key, "l/j/latest-build.txt");
        assert_eq!((listing.entries[0].size, listing.next), (20, None));
        let first = blobs.list_dir(&at(base, "l/j/"), "", 2).await.unwrap();
        assert_eq!(first.next.as_deref(), Some("l/j/2/"));
        let rest = blobs.list_dir(&at(base, "l/j/"), "l/j/2/", 2).await.unwrap();
        assert_eq!((rest.dirs.len(), rest.entries.len()), (0, 1));
        let none = blobs.list_dir(&at(base, "nowhere"), "", 10).await.unwrap();
        assert_eq!(none, DirListing::default());
    }
}

#[tokio::test]
async fn files_are_streamed_in_and_out() {
    let (_folder, stores) = both();
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join("large");
    // Larger than one part, so that the remote store gets a multipart upload.
    let bytes: Vec<u8> = (0..11_000_000u32).map(|i| (i % 253) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    for (blobs, base) in stores {
        let uri = at(base, "artifacts/large");
        blobs.write(&uri, path.clone(), &WriteOptions::default()).await.unwrap();
        assert_eq!(blobs.read(&uri, 11_000_000).await.unwrap(), bytes);
        let gone = source.path().join("gone");
        assert!(blobs.write(&uri, gone, &WriteOptions::default()).await.is_err());
        assert_eq!(blobs.head(&uri).await.unwrap().size, 11_000_000);
    }
}

#[tokio::test]
async fn links_out_of_the_bucket_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let bucket = folder.path().join("b");
    std::fs::create_dir_all(bucket.join("real")).unwrap();
    std::os::unix::fs::symlink(outside.path(), bucket.join("out")).unwrap();
    std::os::unix::fs::symlink(bucket.join("real"), bucket.join("in")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), bucket.join("file")).unwrap();
    let blobs = local(folder.path());
    let options = WriteOptions::default();

    for key in ["out/secret", "file"] {
        let error = blobs.read(&at("file://b", key), 100).await.unwrap_err();
        assert!(matches!(error, BlobError::BadPath { .. }), "{error}");
    }
    let error = blobs.write(&at("file://b", "out/new"), "x", &options).await.unwrap_err();
    assert!(error.to_string().contains("leads out of the bucket"), "{error}");
    assert!(!outside.path().join("new").exists());
    blobs.write(&at("file://b", "in/new"), "x", &options).await.unwrap();
    // Writing over a link replaces the link.
    blobs.write(&at("file://b", "file"), "mine", &options).await.unwrap();
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"s");
    let listing = blobs.list(&at("file://b", ""), "", 10).await.unwrap();
    let keys: Vec<_> = listing.entries.into_iter().map(|e| e.key).collect();
    assert_eq!(keys, ["file", "in/new", "real/new"]);
}

#[tokio::test]
async fn an_object_cannot_lie_below_another_in_a_folder_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = local(folder.path());
    let options = WriteOptions::default();
    blobs.write(&at("file://b", "a"), "x", &options).await.unwrap();
    let error = blobs.write(&at("file://b", "a/b"), "x", &options).await.unwrap_err();
    assert!(error.to_string().contains("already an object"), "{error}");
    blobs.write(&at("file://b", "c/d"), "x", &options).await.unwrap();
    let error = blobs.write(&at("file://b", "c"), "x", &options).await.unwrap_err();
    assert!(error.to_string().contains("other objects lie below"), "{error}");
    assert!(blobs.read(&at("file://b", "a/b"), 9).await.unwrap_err().is_not_found());
    assert!(blobs.read(&at("file://b", "c"), 9).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_bucket_may_be_any_folder_and_a_missing_folder_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::new(BlobConfig {
        local_buckets: BTreeMap::from([("sample-ci".to_owned(), folder.path().to_owned())]),
        ..BlobConfig::default()
    });
    let uri = BlobUri::parse("gs://sample-ci/logs/x").unwrap();
    blobs.write(&uri, "x", &WriteOptions::default()).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("logs/x")).unwrap(), b"x");
    assert_eq!(blobs.signed_url(&uri, Duration::from_secs(60)).await.unwrap(), None);
    let error = blobs.read(&BlobUri::parse("file://other/x").unwrap(), 9).await.unwrap_err();
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_full_disk_is_named_in_the_error() {
    let uri = at("file://b", "logs/x");
    let full = std::io::Error::from_raw_os_error(28);
    let error = BlobError::from_io(&uri, "writing", Path::new("/data/b/logs/x"), full);
    assert!(matches!(error, BlobError::NoSpace { .. }), "{error}");
    assert!(error.is_transient());
    assert!(error.to_string().contains("no space is left for /data/b/logs/x"), "{error}");
}

/// Speaks enough of S3 for reading and writing: objects in memory, one failure before the first
/// success of every write, and content that is cut where the name says so.
mod s3 {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    #[derive(Default)]
    pub(super) struct State {
        /// Path to content type, encoding, user metadata and bytes.
        objects: HashMap<String, (String, Vec<u8>)>,
        pub(super) refused: usize,
        pub(super) signed: usize,
    }

    pub(super) async fn start() -> (String, Arc<Mutex<State>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // A client that goes away in the middle is no concern of the others.
                tokio::spawn(serve(connection, shared.clone()));
            }
        });
        (address, state)
    }

    async fn serve(connection: TcpStream, state: Arc<Mutex<State>>) -> std::io::Result<()> {
        let mut connection = BufReader::new(connection);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let found = lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
        connection.read_exact(&mut body).await?;
        let answer = {
            let mut state = state.lock().unwrap();
            state.signed += usize::from(header("authorization").contains("Credential=key/"));
            match method {
                "PUT" if !state.objects.contains_key(&path) && path.ends_with("flaky") => {
                    state.refused += 1;
                    state.objects.insert(path, Default::default());
                    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        .to_vec()
                }
                "PUT" => {
                    let kept = ["content-type", "content-encoding", "x-amz-meta-link"]
                        .map(|name| (name, header(name)));
                    let kept: String = kept
                        .iter()
                        .filter(|(_, value)| !value.is_empty())
                        .map(|(name, value)| format!("{name}: {value}\r\n"))
                        .collect();
                    state.objects.insert(path, (kept, body));
                    b"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
                }
                _ => match state.objects.get(&path) {
                    Some((kept, bytes)) => {
                        let mut answer = format!(
                            "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nLast-Modified: Fri, 20 Nov 2026 \
                             00:00:00 GMT\r\nContent-Length: {}\r\n{kept}Connection: close\r\n\r\n",
                            bytes.len()
                        )
                        .into_bytes();
                        let shown =
                            if path.ends_with("cut") { bytes.len() / 2 } else { bytes.len() };
                        if method == "GET" {
                            answer.extend_from_slice(&bytes[..shown]);
                        }
                        answer
                    }
                    None => {
                        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                            .to_vec()
                    }
                },
            }
        };
        connection.get_mut().write_all(&answer).await
    }
}

#[tokio::test]
async fn an_s3_bucket_is_reached_with_prows_credentials_file() {
    let (address, state) = s3::start().await;
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("service-account.json");
    let text = serde_json::json!({
        "region": "us-east-1", "endpoint": address, "insecure": true,
        "s3_force_path_style": true, "access_key": "key", "secret_key": "secret",
    });
    std::fs::write(&credentials, text.to_string()).unwrap();
    let blobs = Blobs::new(BlobConfig {
        s3_credentials_file: Some(credentials.clone()),
        ..BlobConfig::default()
    });
    let options = WriteOptions {
        content_type: Some("text/x-link".to_owned()),
        metadata: BTreeMap::from([("link".to_owned(), "s3://b/x".to_owned())]),
        ..WriteOptions::default()
    };
    let uri = at("s3://b", "logs/1.txt");
    blobs.write(&uri, TEXT, &options).await.unwrap();
    assert_eq!(blobs.read(&uri, 100).await.unwrap(), TEXT);
    let meta = blobs.head(&uri).await.unwrap();
    assert_eq!((meta.size, meta.content_type.as_str()), (25, "text/x-link"));
    assert_eq!(meta.metadata, options.metadata);
    assert!(blobs.read(&at("s3://b", "none"), 9).await.unwrap_err().is_not_found());

    // A busy storage is asked again, with the whole body.
    let flaky = at("s3://b", "flaky");
    blobs.write(&flaky, TEXT, &WriteOptions::default()).await.unwrap();
    assert_eq!(blobs.read(&flaky, 100).await.unwrap(), TEXT);
    // An answer that ends too early is no short object.
    let cut = at("s3://b", "cut");
    blobs.write(&cut, TEXT, &WriteOptions::default()).await.unwrap();
    assert!(blobs.read(&cut, 100).await.unwrap_err().is_transient());
    let link = blobs.signed_url(&uri, Duration::from_secs(600)).await.unwrap().unwrap();
    assert!(link.starts_with(&format!("http://{address}/b/logs/1.txt?")), "{link}");
    let (refused, signed) = {
        let state = state.lock().unwrap();
        (state.refused, state.signed)
    };
    assert!(refused == 1 && signed > 5);

    std::fs::write(&credentials, "{\"secret_key\": 8675309}").unwrap();
    let config = BlobConfig { s3_credentials_file: Some(credentials), ..BlobConfig::default() };
    let error = Blobs::new(config).read(&uri, 9).await.unwrap_err().to_string();
    assert!(error.contains("S3 credentials file") && !error.contains("8675309"), "{error}");
}
