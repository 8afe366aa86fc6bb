//! How far a long command is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where nobody watches a bar.
const PERIOD: Duration = Duration::from_secs(5);

/// Progress towards a total, on standard error.
pub(super) struct Progress {
    what: &'static str,
    total: u64,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Progress {
    /// Of `total` of something, e.g. `hosts`.
    pub fn of(total: u64, what: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = format!("{{wide_bar}} {{percent}}% of {{len}} {what}, {{eta}} left");
            match ProgressStyle::with_template(&style) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            what,
            total,
            bar,
            told: Instant::now(),
        }
    }

    /// So many are done.
    pub fn at(&mut self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done.min(self.total));
        } else if self.told.elapsed() >= PERIOD {
            self.told = Instant::now();
            eprintln!("{done} of {} {}", self.total, self.what);
        }
    }

    /// The end: takes the bar away.
    pub fn done(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
