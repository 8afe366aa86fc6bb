//! What an instance carries: the call it works on, what the call left behind, and
//! what it has used up.

use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::engine::TICK;
use crate::limits::Limits;
use crate::plugin::{Call, Note, PluginError, Report, Usage};

/// Notes kept of one call; a guest that writes more is not worth reading.
const MAX_NOTES: usize = 64;

/// Bytes of one note's text.
const MAX_NOTE_TEXT: usize = 1024;

/// The data of one wasmtime store.
pub(super) struct GuestState {
    /// Absent between calls: a guest that runs without one can reach nothing.
    call: Option<Call>,
    report: Report,
    pub(super) meter: Meter,
    pub(super) memory: MemoryLimit,
}

impl GuestState {
    /// For an instance that is made for a tenant of these limits.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            call: None,
            report: Report::default(),
            meter: Meter::new(limits),
            memory: MemoryLimit {
                bound: limits.memory,
                used: 0,
                exceeded: false,
            },
        }
    }

    /// Binds the next call and its limits: they may have changed since the last one.
    pub(super) fn begin(&mut self, call: Call) {
        self.meter = Meter::new(&call.limits);
        self.memory.bound = call.limits.memory;
        self.report = Report::default();
        self.call = Some(call);
    }

    /// Unbinds the call and hands out what it left behind and what it cost.
    pub(super) fn end(&mut self) -> Report {
        self.call = None;
        self.meter.charge();
        let mut report = std::mem::take(&mut self.report);
        report.usage = Usage {
            guest: self.meter.guest_time,
            host_calls: self.meter.host_calls,
            memory: self.memory.used,
        };
        report
    }

    /// The bound call.
    pub(super) fn call(&self) -> wasmtime::Result<&Call> {
        self.call
            .as_ref()
            .ok_or_else(|| wasmtime::Error::msg("the host bound no call"))
    }

    pub(super) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Keeps a remark, bounded.
    pub(super) fn add_note(&mut self, mut note: Note) {
        if self.report.notes.len() >= MAX_NOTES {
            return;
        }
        truncate(&mut note.text, MAX_NOTE_TEXT);
        truncate(&mut note.code, 64);
        // One remark is one line, whatever the guest wrote.
        if note.text.contains(char::is_control) {
            note.text = note.text.replace(char::is_control, " ");
        }
        self.report.notes.push(note);
    }

    /// Called when the guest has run into the next tick.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.meter.charge();
        if self.meter.is_over_time() {
            return Ok(UpdateDeadline::Interrupt);
        }
        // Tokio's own yield puts the task behind the sockets too. With wasmtime's the
        // task is ready again at once, sockets are polled every 61st turn, and guests
        // that compute on every thread cost each neighbour's step 120 ms.
        Ok(UpdateDeadline::YieldCustom(
            1,
            Box::pin(tokio::task::yield_now()),
        ))
    }

    /// Which limit ended the call, if one did.
    pub(super) fn exceeded(&self) -> Option<PluginError> {
        if self.memory.exceeded {
            Some(PluginError::Memory(self.memory.bound))
        } else if self.meter.is_over_calls() {
            Some(PluginError::HostCalls(self.meter.max_host_calls))
        } else if self.meter.is_over_time() {
            Some(PluginError::GuestTime(millis(self.meter.max_guest_time)))
        } else {
            None
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Cuts at a character boundary.
fn truncate(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
}

/// Computing time and host calls of the current call.
pub(super) struct Meter {
    max_guest_time: Duration,
    max_host_calls: u64,
    guest_time: Duration,
    host_calls: u64,
    /// Since when the guest has been computing, as far as we know.
    since: Instant,
}

impl Meter {
    fn new(limits: &Limits) -> Self {
        Self {
            max_guest_time: Duration::from_millis(limits.guest_time_ms),
            max_host_calls: limits.host_calls,
            guest_time: Duration::ZERO,
            host_calls: 0,
            since: Instant::now(),
        }
    }

    /// Charges what the guest has computed since the last mark. A guest yields at
    /// each tick, so it never computes longer than one in a row: what is more was
    /// other guests' time on this thread.
    fn charge(&mut self) {
        let now = Instant::now();
        self.guest_time += now.duration_since(self.since).min(TICK);
        self.since = now;
    }

    /// The guest calls the host: its clock stops.
    pub(super) fn pause(&mut self) -> wasmtime::Result<()> {
        self.charge();
        self.host_calls += 1;
        if self.is_over_calls() {
            return Err(wasmtime::Error::msg("too many calls to the host"));
        }
        Ok(())
    }

    /// The host has answered: the guest's clock goes on.
    pub(super) fn resume(&mut self) {
        self.since = Instant::now();
    }

    fn is_over_time(&self) -> bool {
        self.guest_time > self.max_guest_time
    }

    fn is_over_calls(&self) -> bool {
        self.host_calls > self.max_host_calls
    }
}

/// Bounds an instance's linear memory.
pub(super) struct MemoryLimit {
    bound: usize,
    /// Bytes the instance has now; memory never shrinks.
    pub(super) used: usize,
    exceeded: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.bound {
            // Refused growth makes the guest's allocator give up, which traps.
            self.exceeded = true;
            return Ok(false);
        }
        self.used = desired;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The pool's own bound; a Rust guest never grows its table.
        Ok(desired <= 20_000)
    }
}
