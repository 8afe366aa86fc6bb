//! A stream whose other end has to read what it asked for.
//!
//! An answer that nobody takes off the wire holds its memory and a place for a
//! connection. Bytes that flow slowly are fine; bytes that hardly flow are not.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::metrics::{Connections, Refusal};

/// Within this, [`ENOUGH`] has to be taken off the wire once it is full.
pub const STALL: Duration = Duration::from_secs(30);
/// A kilobyte a second: nobody synchronises a directory over less.
const ENOUGH: usize = 32 << 10;

/// The stream.
pub struct Paced<S> {
    inner: S,
    connections: Connections,
    /// Goes up while a slow reader takes what it asked for.
    progress: Arc<AtomicU64>,
    /// Rings when the client has taken too little since it was set; set while the wire
    /// is full.
    alarm: Pin<Box<Sleep>>,
    set: bool,
    taken: usize,
}

impl<S> Paced<S> {
    /// Over a stream; `progress` goes up while a full wire moves.
    pub fn new(inner: S, connections: Connections, progress: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            connections,
            progress,
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            set: false,
            taken: 0,
        }
    }

    /// What became of an attempt to write, and whether the client has been too slow.
    fn paced<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let Poll::Pending = written else {
            if let (true, Poll::Ready(Ok(value))) = (self.set, &written) {
                self.progress.fetch_add(1, Ordering::Relaxed);
                self.taken += bytes(value);
                self.set = self.taken < ENOUGH;
            }
            return written;
        };
        if !self.set {
            self.alarm.as_mut().reset(Instant::now() + STALL);
            self.set = true;
            self.taken = 0;
        }
        ready!(self.alarm.as_mut().poll(cx));
        self.connections.refused(Refusal::Stalled);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read what it asked for",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.paced(cx, written, |count| *count)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.paced(cx, written, |count| *count)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        // Everything is on the wire: that is enough.
        self.paced(cx, flushed, |()| ENOUGH)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.paced(cx, ended, |()| ENOUGH)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn pair() -> (Paced<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(1024);
        (
            Paced::new(ours, Connections::default(), Arc::default()),
            theirs,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up() {
        let (mut ours, _theirs) = pair();
        let began = Instant::now();
        let error = ours.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), STALL);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_byte_now_and_then_is_given_up_too() {
        let (mut ours, mut theirs) = pair();
        let trickle = tokio::spawn(async move {
            loop {
                tokio::time::sleep(STALL / 3).await;
                theirs.read_u8().await.unwrap();
            }
        });
        let error = ours.write_all(&[0; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        trickle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all_of_a_long_answer() {
        let (mut ours, mut theirs) = pair();
        let slow = tokio::spawn(async move {
            let mut seen = 0;
            let mut piece = [0; 1024];
            while seen < 256 << 10 {
                // Two kilobytes a second, so it takes four times as long as a stall.
                tokio::time::sleep(Duration::from_millis(500)).await;
                seen += theirs.read(&mut piece).await.unwrap();
            }
        });
        ours.write_all(&vec![0; 256 << 10]).await.unwrap();
        slow.await.unwrap();
    }
}
