//! Signals to the process.

#[cfg(unix)]
use anyhow::Context;
use anyhow::Result;
use tokio::signal;

/// Something the operating system tells the process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Stop,
    /// Read the settings again.
    Hangup,
}

/// What the operating system tells the process. From [`Self::listen`] on, not only from
/// when it is first asked: a signal that comes with the first connection would end the
/// process on the spot.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
    hangup: signal::unix::Signal,
}

impl Signals {
    /// Done when the process is told to stop, once for each time.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        use signal::unix::SignalKind;
        let listen = |kind| signal::unix::signal(kind).context("cannot wait for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}

/// What the operating system tells the process.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        Ok(Self)
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        if let Err(error) = signal::ctrl_c().await {
            tracing::error!(%error, "cannot wait for an interrupt");
            std::future::pending::<()>().await;
        }
        Signal::Stop
    }
}
