//! Where the test's output goes: the process log and this program's standard output.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clock::SharedClock;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;

/// Both destinations; clones share them.
pub(crate) struct Output<W> {
    inner: Arc<Mutex<Inner<W>>>,
    clock: SharedClock,
}

struct Inner<W> {
    out: W,
    log: Option<(File, PathBuf)>,
}

impl<W> Clone for Output<W> {
    fn clone(&self) -> Self {
        Output { inner: self.inner.clone(), clock: self.clock.clone() }
    }
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(crate) fn new(out: W, clock: SharedClock) -> Output<W> {
        Output { inner: Arc::new(Mutex::new(Inner { out, log: None })), clock }
    }

    /// Begins the process log.
    pub(crate) async fn open_log(&self, path: &Path) -> io::Result<()> {
        let file = File::create(path)?;
        self.inner.lock().await.log = Some((file, path.to_owned()));
        Ok(())
    }

    /// What follows goes to standard output only.
    pub(crate) async fn close_log(&self) {
        self.inner.lock().await.log = None;
    }

    /// Passes on what the test printed. A destination that fails does not take the other with it,
    /// nor the test: a full disk ends the log, and the container's log says so.
    pub(crate) async fn write(&self, bytes: &[u8]) {
        let mut inner = self.inner.lock().await;
        let Inner { out, log } = &mut *inner;
        let failed = match log {
            Some((file, path)) => file.write_all(bytes).err().map(|error| (path.clone(), error)),
            None => None,
        };
        let _ = out.write_all(bytes).await;
        let _ = out.flush().await;
        if let Some((path, error)) = failed {
            *log = None;
            let path = path.display();
            let line =
                self.line(&format!("The process log {path} ends here"), Some(&error.to_string()));
            let _ = out.write_all(line.as_bytes()).await;
            let _ = out.flush().await;
        }
    }

    /// Says something of this program's own, as one line of JSON such as Prow's entrypoint writes.
    pub(crate) async fn say(&self, message: &str, error: Option<&str>) {
        let line = self.line(message, error);
        self.write(line.as_bytes()).await;
    }

    fn line(&self, message: &str, error: Option<&str>) -> String {
        let mut fields = serde_json::Map::new();
        let mut set = |key: &str, value: &str| fields.insert(key.to_owned(), value.into());
        set("component", "entrypoint");
        set("level", "error");
        set("msg", message);
        set("severity", "error");
        set("time", &self.clock.now().rfc3339());
        if let Some(error) = error {
            set("error", error);
        }
        format!("{}\n", serde_json::Value::Object(fields))
    }
}
