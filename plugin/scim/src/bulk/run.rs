//! Carries operations out: prepares one after the other, commits many at once.
//!
//! A commit stops at its first failure, so that what comes after it has not happened
//! yet. The operation that failed is then carried out alone, as a request of its own
//! would be, with all that belongs to it (a lost race is run again, a user who is back
//! is reactivated), and the rest is prepared again. So the outcome is that of one
//! operation after the other, whatever fails.
//!
//! This module must not know what an operation looks like.

use super::births::{Birth, Births};
use super::order::Step;
use super::parse::Job;
use super::report::Report;
use super::task::Task;
use super::window::{Changed, within};
use crate::directory::{Change, DirectoryError, Outcome, Unit};
use crate::error::ScimError;
use crate::response::Failure;
use crate::service::{Call, unavailable};
use crate::write::{self, Pending, Written};

/// The most units of one commit: what hosts take.
const MOST_UNITS: usize = 1000;

/// Units wait for their commit until they have about so many bytes: many commits cost
/// time, few of them the memory of an instance.
const MOST_BYTES: usize = 4 << 20;

/// A step that was prepared.
enum Prepared {
    Refused(ScimError),
    Nothing(Written),
    Unit(Unit, Pending),
}

/// Why a step could not be prepared.
enum Halt {
    /// What waits has to be committed first.
    Blocked,
    Trouble(DirectoryError),
}

pub(super) struct Run<'r, 'a> {
    call: &'r mut Call<'a>,
    job: &'r Job<'r>,
    steps: Vec<Step>,
    births: Births,
    reports: Vec<Option<Report>>,
    /// Prepared and not carried out: the place in `steps`, what it came to.
    waiting: Vec<(usize, Prepared)>,
    changed: Changed,
    /// Bytes of units that wait.
    bytes: usize,
    /// Units that may wait. After a failure no more than went well before it, then twice
    /// as many each time: what has to be prepared again stays in proportion to what is
    /// done.
    most: usize,
    errors: u64,
    /// Failures among what waits.
    refused: u64,
    /// Has anything been committed.
    committed: bool,
    /// The first step that is not over.
    reached: usize,
}

impl<'r, 'a> Run<'r, 'a> {
    pub fn new(call: &'r mut Call<'a>, job: &'r Job<'r>) -> Self {
        Self {
            births: Births::new(call, job),
            call,
            job,
            steps: job.steps(),
            reports: vec![None; job.operations.len()],
            waiting: Vec::new(),
            changed: Changed::default(),
            bytes: 0,
            most: MOST_UNITS,
            errors: 0,
            refused: 0,
            committed: false,
            reached: 0,
        }
    }

    /// What became of each operation; none of those that were not tried.
    ///
    /// # Errors
    /// Trouble with the directory before anything was committed.
    pub fn finish(mut self) -> Result<Vec<Option<Report>>, Failure> {
        match self.all() {
            Ok(()) => {}
            Err(error) if !self.committed => return Err(error.into()),
            // What was done has to be told, so the rest is told one by one.
            Err(error) => self.give_up(&error),
        }
        let tried = self.reports.iter().flatten();
        let failed = tried
            .clone()
            .filter(|report| report.error.is_some())
            .count();
        let done = tried.count() - failed;
        let all = self.reports.len();
        self.call.headline(
            "bulk",
            format!("{done} of {all} operations were carried out, {failed} failed"),
        );
        Ok(self.reports)
    }

    fn all(&mut self) -> Result<(), DirectoryError> {
        let mut next = 0;
        while !self.is_over(0) {
            let full = self.is_over(self.refused)
                || self.waiting.len() >= self.most
                || self.bytes >= MOST_BYTES;
            let prepared = match self.steps.get(next).cloned() {
                Some(step) if !full => self.prepare(&step),
                None if self.waiting.is_empty() => return Ok(()),
                Some(_) | None => Err(Halt::Blocked),
            };
            match prepared {
                Ok(prepared) => {
                    if let Some(prepared) = prepared {
                        self.wait(next, prepared);
                    }
                    next += 1;
                }
                Err(Halt::Trouble(error)) if self.waiting.is_empty() => return Err(error),
                Err(Halt::Trouble(_) | Halt::Blocked) => {
                    next = self.flush()?.unwrap_or(next);
                }
            }
        }
        Ok(())
    }

    /// Do the errors so far, and these, end the request.
    fn is_over(&self, more: u64) -> bool {
        let most = self.job.fail_on_errors.unwrap_or(u64::MAX);
        self.errors.saturating_add(more) >= most
    }

    /// Reads what a step rests on. None if nothing is to be done.
    fn prepare(&mut self, step: &Step) -> Result<Option<Prepared>, Halt> {
        if self.is_needless(step) {
            return Ok(None);
        }
        let task = match self.task(step) {
            Ok(task) => task,
            Err(error) => return Ok(Some(Prepared::Refused(error))),
        };
        let (result, blocked) = within(self.call, &task.request, &self.changed, |call| {
            let mut write = write::read(call, &task.wish())?;
            write.prepare(call, None)
        });
        match result {
            _ if blocked => Err(Halt::Blocked),
            // What waits may change its version still.
            Ok(write::Step::Nothing(written)) if self.changed.may_touch(&written.document) => {
                Err(Halt::Blocked)
            }
            Ok(write::Step::Nothing(written)) => Ok(Some(Prepared::Nothing(written))),
            Ok(write::Step::Commit(unit, pending)) => Ok(Some(Prepared::Unit(unit, pending))),
            Err(Failure::Scim(error)) => Ok(Some(Prepared::Refused(error))),
            Err(Failure::Directory(error)) => Err(Halt::Trouble(error)),
        }
    }

    fn task(&self, step: &Step) -> Result<Task, ScimError> {
        let base_url = &self.call.request.base_url;
        Task::new(self.job, step, &self.births, self.call.config, base_url)
    }

    /// Is it a second time for what failed the first, or whose references all failed.
    fn is_needless(&mut self, step: &Step) -> bool {
        let births = &self.births;
        if step.late.is_empty() {
            return false;
        }
        if !births.is_there(step.index) {
            return true;
        }
        let late = step
            .late
            .iter()
            .filter(|index| births.is_there(**index))
            .count();
        if late < step.late.len() {
            // RFC 7644 3.7.1 lets an attempt fail. We take the stance that a resource
            // that is there is not answered with an error.
            self.call.notes.warning(
                "bulk-reference-left-out",
                "a resource of a circular reference was not created: what refers to it \
                 is there without the reference",
            );
        }
        late == 0
    }

    /// Takes what was prepared into line. What is to be committed waits, and so does
    /// whatever comes after it, for what comes before may still fail.
    fn wait(&mut self, place: usize, prepared: Prepared) {
        let birth = match &prepared {
            Prepared::Refused(_) => Birth::Failed,
            Prepared::Nothing(_) | Prepared::Unit(..) => Birth::Waiting,
        };
        self.bear(place, birth);
        match prepared {
            Prepared::Unit(unit, mut pending) => {
                self.bytes += size(&unit);
                self.changed.note(&unit);
                pending.forget_content();
                self.waiting.push((place, Prepared::Unit(unit, pending)));
            }
            Prepared::Refused(error) if self.waiting.is_empty() => {
                self.settle(place, Err(error));
            }
            Prepared::Nothing(written) if self.waiting.is_empty() => {
                self.settle(place, Ok(&written));
            }
            Prepared::Refused(error) => {
                self.refused += 1;
                self.waiting.push((place, Prepared::Refused(error)));
            }
            Prepared::Nothing(mut written) => {
                written.forget_content();
                self.waiting.push((place, Prepared::Nothing(written)));
            }
        }
    }

    /// Commits what waits. The step to go on with if not all of it could be.
    fn flush(&mut self) -> Result<Option<usize>, DirectoryError> {
        self.changed = Changed::default();
        (self.bytes, self.refused) = (0, 0);
        let mut units = Vec::new();
        let mut line = Vec::new();
        for (place, prepared) in std::mem::take(&mut self.waiting) {
            line.push((
                place,
                match prepared {
                    Prepared::Refused(error) => Err(Err(error)),
                    Prepared::Nothing(written) => Err(Ok(written)),
                    Prepared::Unit(unit, pending) => {
                        units.push(unit);
                        Ok(pending)
                    }
                },
            ));
        }
        let mut outcomes = write::commit(self.call, units, Some(1))?.into_iter();
        let mut done = 0;
        let mut line = line.into_iter();
        while let Some((place, prepared)) = line.next() {
            let pending = match prepared {
                Err(settled) => {
                    self.settle(place, settled.as_ref().map_err(Clone::clone));
                    continue;
                }
                Ok(pending) => pending,
            };
            match outcomes.next() {
                Some(Outcome::Committed { results, .. }) => {
                    self.committed = true;
                    done += 1;
                    let written = write::finish(self.call, pending, &results);
                    self.settle(place, Ok(&written));
                }
                Some(failed) => {
                    self.most = done.max(1);
                    for (place, _) in line {
                        self.bear(place, Birth::Unborn);
                    }
                    self.alone(place, failed)?;
                    return Ok(Some(place + 1));
                }
                None => return Err(write::no_outcome()),
            }
        }
        self.most = (self.most * 2).min(MOST_UNITS);
        Ok(None)
    }

    /// Carries out a step whose unit failed, as a request of its own.
    fn alone(&mut self, place: usize, failed: Outcome) -> Result<(), DirectoryError> {
        let Some(step) = self.steps.get(place).cloned() else {
            return Ok(());
        };
        let result = self.task(&step).map_err(Failure::from).and_then(|task| {
            let (result, _) = within(self.call, &task.request, &Changed::default(), |call| {
                let mut write = write::read(call, &task.wish())?;
                write::run(call, &mut *write, Some(failed))
            });
            result
        });
        match result {
            Ok(written) => {
                self.committed = true;
                self.settle(place, Ok(&written));
            }
            Err(Failure::Scim(error)) => self.settle(place, Err(error)),
            Err(Failure::Directory(error)) => return Err(error),
        }
        Ok(())
    }

    /// Takes note of what becomes of what a step creates.
    fn bear(&mut self, place: usize, birth: Birth) {
        if let Some(step) = self.steps.get(place)
            && step.late.is_empty()
        {
            self.births.set(step.index, birth);
        }
    }

    /// A step is over.
    fn settle(&mut self, place: usize, result: Result<&Written, ScimError>) {
        let Some(Step { index, late }) = self.steps.get(place).cloned() else {
            return;
        };
        self.reached = place + 1;
        match &result {
            Ok(written) => self.births.born(index, &written.document.id),
            Err(_) => {
                self.errors += 1;
                self.bear(place, Birth::Failed);
            }
        }
        let report = self.report(index, result);
        if let Some(known) = self.reports.get_mut(index) {
            *known = Some(match known.take() {
                // The second time changes the version at most.
                Some(first) if !late.is_empty() && report.error.is_none() => Report {
                    version: report.version,
                    ..first
                },
                _ => report,
            });
        }
    }

    fn report(&self, index: usize, result: Result<&Written, ScimError>) -> Report {
        let base_url = &self.call.request.base_url;
        match result {
            Ok(written) => Report::done(written, self.call.config, base_url),
            Err(error) => Report::failed(self.job, index, &self.births, error, base_url),
        }
    }

    /// The directory is in trouble: what has not been carried out is not tried.
    fn give_up(&mut self, error: &DirectoryError) {
        self.call
            .notes
            .warning("directory-error", error.to_string());
        let steps = self.steps.split_off(self.reached.min(self.steps.len()));
        for step in steps {
            if self.is_needless(&step) {
                continue;
            }
            let report = self.report(step.index, Err(unavailable()));
            if let Some(known) = self.reports.get_mut(step.index) {
                *known = Some(report);
            }
        }
    }
}

/// About how many bytes a unit has in memory.
fn size(unit: &Unit) -> usize {
    /// What an entry of a list has besides its text.
    const ENTRY: usize = 64;
    let changes = unit.changes.iter().map(|change| match change {
        Change::Put(put) => {
            let keys = put.keys.iter().map(|key| key.value.len() + ENTRY);
            put.json.len() + put.label.len() + keys.sum::<usize>()
        }
        Change::Members(delta) => {
            let added = delta.add.iter().map(|member| {
                let login = member.login.as_ref().map_or(0, Vec::len);
                let display = member.display.as_ref().map_or(0, String::len);
                member.id.len() + login + display + ENTRY
            });
            let removed = delta.remove.iter().map(|id| id.len() + ENTRY);
            added.sum::<usize>() + removed.sum::<usize>()
        }
        Change::Delete(_) | Change::Rekey(_) => 0,
    });
    changes.sum::<usize>() + ENTRY
}
