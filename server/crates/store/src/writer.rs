//! One writer per database: it takes whatever is queued, runs it in one transaction, and answers
//! everybody after the commit. Up to sixty-four writes share one flush to disk.
//!
//! Clients that were answered together come back together, but not at the same microsecond. So
//! the writer keeps a transaction open until as many writes have come as the last time, or for
//! [`GATHER`] at most; otherwise the first one back would have a flush for itself alone and all
//! others would wait for it. A single client never waits.
//!
//! The queue is bounded in number and in bytes, so a burst of large webhooks waits in the sockets
//! of its senders and not in our memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::StoreError;
use crate::db::{Conn, Dialect};
use crate::open::Connector;

/// The most writes that one transaction holds. More would only lengthen the wait of the first.
const MAX_BATCH: usize = 64;

/// The longest that an open transaction waits for writers who were there the last time.
const GATHER: Duration = Duration::from_millis(2);

/// The most writes that wait in the queue; further writers wait before it.
const MAX_QUEUED: usize = 1_024;

/// The most payload bytes that wait in the queue. A single larger write still passes, alone.
const MAX_QUEUED_BYTES: u32 = 64 << 20;

/// The longest that a write waits for its turn and its commit. GitHub gives up after 10 s.
const WRITE_DEADLINE: Duration = Duration::from_secs(9);

/// Work for the writer: runs in the open transaction.
type Run<T> = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>> + Send>;

/// A write, without its answer's type.
trait Job: Send {
    /// Whether the caller has gone away, so that the work would be for nobody.
    fn abandoned(&self) -> bool;
    /// Runs it and keeps the answer. An error is for the whole batch.
    fn run<'c>(&'c mut self, conn: &'c mut Conn) -> BoxFuture<'c, Result<(), StoreError>>;
    /// Sends the answer: the kept one, or the batch's error.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Write<T> {
    work: Option<Run<T>>,
    /// Whether it may fail after it has written something, so that it needs a savepoint.
    guarded: bool,
    answer: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Job for Write<T> {
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'c>(&'c mut self, conn: &'c mut Conn) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Ok(());
            };
            if self.guarded {
                conn.execute("SAVEPOINT one", vec![]).await?;
            }
            let answer = work(conn).await;
            let fatal = answer.as_ref().err().filter(|error| !error.is_about_the_request());
            if let Some(error) = fatal {
                return Err(error.clone());
            }
            if self.guarded {
                if answer.is_err() {
                    conn.execute("ROLLBACK TO SAVEPOINT one", vec![]).await?;
                }
                conn.execute("RELEASE SAVEPOINT one", vec![]).await?;
            }
            self.answer = Some(answer);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.answer) {
            (Ok(()), Some(answer)) => answer,
            (Ok(()), None) => Err(StoreError::Closed),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone away; the write happened nevertheless.
        self.reply.send(answer).ok();
    }
}

struct Queued {
    job: Box<dyn Job>,
    /// Gives its share of the queue's bytes back when the write is done.
    _bytes: OwnedSemaphorePermit,
}

enum Message {
    Write(Queued),
    /// Everything before this is committed; then the writer ends and says so.
    Stop(oneshot::Sender<()>),
}

/// Hands work to the writer task of one database.
#[derive(Clone)]
pub(crate) struct Writer {
    place: String,
    queue: mpsc::Sender<Message>,
    bytes: Arc<Semaphore>,
}

impl Writer {
    /// Starts the writer task. It ends, and closes its connection, when all handles are gone.
    pub(crate) fn start(connector: Connector, conn: Conn) -> Writer {
        let (queue, messages) = mpsc::channel(MAX_QUEUED);
        let place = conn.place.clone();
        tokio::spawn(write_loop(connector, conn, messages));
        Writer { place, queue, bytes: Arc::new(Semaphore::new(MAX_QUEUED_BYTES as usize)) }
    }

    /// Runs `work` in the next transaction and returns after its commit. `work` must write
    /// nothing before it fails with an error that is about the request only.
    pub(crate) async fn run<T, F>(&self, bytes: usize, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.submit(bytes, false, Box::new(work)).await
    }

    /// As [`Writer::run`], for work that may fail half way: what it wrote is taken back. It waits
    /// as long as it takes, since its caller keeps a copy of what is on disk and must know whether
    /// the write happened.
    pub(crate) async fn run_guarded<T, F>(&self, bytes: usize, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        self.submit(bytes, true, Box::new(work)).await
    }

    /// Commits what is queued, closes the connection and ends the writer. Later writes answer
    /// [`StoreError::Closed`].
    pub(crate) async fn close(&self) {
        self.bytes.close();
        let (reply, stopped) = oneshot::channel();
        if self.queue.send(Message::Stop(reply)).await.is_ok() {
            stopped.await.ok();
        }
    }

    async fn submit<T: Send + 'static>(
        &self,
        bytes: usize,
        guarded: bool,
        work: Run<T>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let wait = async {
            let weight = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1, MAX_QUEUED_BYTES);
            let permit = self.bytes.clone().acquire_many_owned(weight).await;
            let permit = permit.map_err(|_| StoreError::Closed)?;
            let (reply, answer) = oneshot::channel();
            let job = Box::new(Write { work: Some(work), guarded, answer: None, reply });
            let queued = Queued { job, _bytes: permit };
            self.queue.send(Message::Write(queued)).await.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        };
        if guarded {
            return wait.await;
        }
        match timeout(WRITE_DEADLINE, wait).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Busy {
                place: self.place.clone(),
                waited_ms: started.elapsed().as_millis() as u64,
            }),
        }
    }
}

async fn write_loop(connector: Connector, conn: Conn, messages: mpsc::Receiver<Message>) {
    let mut conn = Some(conn);
    let mut failing = false;
    let mut queue = Queue { messages, stop: None };
    let mut expected = 1;
    while let Some(first) = queue.next().await {
        let mut batch = vec![first];
        let committed = commit(&connector, &mut conn, &mut queue, expected, &mut batch).await;
        expected = batch.len();
        match &committed {
            Err(error) if !failing => {
                failing = true;
                tracing::error!(store.place = %connector.place(), "{error}");
            }
            Ok(()) if failing => {
                failing = false;
                tracing::info!(
                    store.place = %connector.place(),
                    "the database `{}` can be written again", connector.place()
                );
            }
            _ => {}
        }
        for queued in batch {
            queued.job.finish(committed.clone());
        }
    }
    let stop = queue.stop.take();
    drop(queue);
    if let Some(conn) = conn {
        conn.close().await;
    }
    if let Some(reply) = stop {
        reply.send(()).ok();
    }
}

/// What waits for the writer.
struct Queue {
    messages: mpsc::Receiver<Message>,
    /// Set when the end was asked for: nothing comes after it.
    stop: Option<oneshot::Sender<()>>,
}

impl Queue {
    /// The next write that somebody still waits for; `None` at the end.
    async fn next(&mut self) -> Option<Queued> {
        while self.stop.is_none() {
            match self.messages.recv().await? {
                Message::Write(queued) if queued.job.abandoned() => {}
                Message::Write(queued) => return Some(queued),
                Message::Stop(reply) => self.stop = Some(reply),
            }
        }
        None
    }

    /// The next write that is here already.
    fn here(&mut self) -> Option<Queued> {
        while self.stop.is_none() {
            match self.messages.try_recv().ok()? {
                Message::Write(queued) if queued.job.abandoned() => {}
                Message::Write(queued) => return Some(queued),
                Message::Stop(reply) => self.stop = Some(reply),
            }
        }
        None
    }
}

/// Runs a batch in one transaction, to which those who come meanwhile are added. After an error
/// the connection is thrown away: a page whose flush failed must be read again from disk, never
/// trusted from memory.
async fn commit(
    connector: &Connector,
    slot: &mut Option<Conn>,
    queue: &mut Queue,
    expected: usize,
    batch: &mut Vec<Queued>,
) -> Result<(), StoreError> {
    let mut conn = begun(connector, slot.take()).await?;
    let result = transaction(&mut conn, queue, expected, batch).await;
    match result {
        Ok(()) => *slot = Some(conn),
        Err(_) => {
            conn.execute("ROLLBACK", vec![]).await.ok();
            conn.close().await;
        }
    }
    result
}

/// A connection with an open transaction. One that was lost since the last time is made again:
/// nothing was done on it yet, so nobody needs to know.
async fn begun(connector: &Connector, idle: Option<Conn>) -> Result<Conn, StoreError> {
    if let Some(mut conn) = idle {
        match conn.execute(begin(&conn), vec![]).await {
            Ok(_) => return Ok(conn),
            Err(_) => conn.close().await,
        }
    }
    let mut conn = connector.connect_writer().await?;
    conn.execute(begin(&conn), vec![]).await?;
    Ok(conn)
}

fn begin(conn: &Conn) -> &'static str {
    match conn.dialect() {
        Dialect::Sqlite => "BEGIN IMMEDIATE",
        Dialect::Postgres => "BEGIN",
    }
}

async fn transaction(
    conn: &mut Conn,
    queue: &mut Queue,
    expected: usize,
    batch: &mut Vec<Queued>,
) -> Result<(), StoreError> {
    let patience = tokio::time::Instant::now() + GATHER;
    let mut done = 0;
    loop {
        while let Some(queued) = batch.get_mut(done) {
            done += 1;
            queued.job.run(conn).await?;
        }
        if batch.len() >= MAX_BATCH {
            break;
        }
        if let Some(next) = queue.here() {
            batch.push(next);
        } else if batch.len() >= expected {
            break;
        } else {
            match tokio::time::timeout_at(patience, queue.next()).await {
                Ok(Some(next)) => batch.push(next),
                Ok(None) | Err(_) => break,
            }
        }
    }
    conn.execute("COMMIT", vec![]).await?;
    Ok(())
}
