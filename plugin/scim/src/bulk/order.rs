//! In which order operations can be carried out, so that what an operation refers to is
//! there before it.
//!
//! RFC 7644 3.7: a service provider may order operations if the client's intent is
//! preserved. We take the stance that the order is the client's, but that an operation
//! another one refers to goes before that one: the reference says that this is meant.
//!
//! This module must not know what an operation does.

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The operation.
    pub index: usize,
    /// Empty the first time. Operations can refer to each other in a circle (RFC 7644
    /// 3.7.1); then this is a second time, to add what the operations listed here have
    /// created since.
    pub late: Vec<usize>,
}

/// The steps, given for each operation which others it refers to. Those others all
/// create something.
pub(super) fn order(references: &[Vec<usize>]) -> Vec<Step> {
    let mut walk = Walk {
        references,
        marks: vec![Mark::New; references.len()],
        again: vec![Vec::new(); references.len()],
        path: Vec::new(),
        steps: Vec::with_capacity(references.len()),
    };
    for index in 0..references.len() {
        walk.from(index);
    }
    walk.steps
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    /// On the path, this deep.
    Open(usize),
    Done,
}

/// A depth-first walk over references, without recursion: a chain may be as long as the
/// request.
struct Walk<'r> {
    references: &'r [Vec<usize>],
    marks: Vec<Mark>,
    /// The second steps to take once an operation is done.
    again: Vec<Vec<Step>>,
    path: Vec<Visit>,
    steps: Vec<Step>,
}

struct Visit {
    index: usize,
    /// References looked at.
    seen: usize,
    /// Operations referred to that are on the path themselves, with their depth.
    late: Vec<(usize, usize)>,
}

impl Walk<'_> {
    fn from(&mut self, index: usize) {
        self.enter(index);
        while let Some(visit) = self.path.last_mut() {
            let list = self.references.get(visit.index);
            let Some(&next) = list.and_then(|list| list.get(visit.seen)) else {
                self.leave();
                continue;
            };
            visit.seen += 1;
            match self.marks.get(next) {
                Some(Mark::New) => self.enter(next),
                Some(Mark::Open(depth)) => visit.late.push((*depth, next)),
                Some(Mark::Done) | None => {}
            }
        }
    }

    fn enter(&mut self, index: usize) {
        if let Some(mark @ Mark::New) = self.marks.get_mut(index) {
            *mark = Mark::Open(self.path.len());
            self.path.push(Visit {
                index,
                seen: 0,
                late: Vec::new(),
            });
        }
    }

    fn leave(&mut self) {
        let Some(Visit { index, late, .. }) = self.path.pop() else {
            return;
        };
        if let Some(mark) = self.marks.get_mut(index) {
            *mark = Mark::Done;
        }
        self.steps.push(Step {
            index,
            late: Vec::new(),
        });
        // The one nearest to the start of the path is done last.
        if let Some((_, last)) = late.iter().min()
            && let Some(again) = self.again.get_mut(*last)
        {
            let late = late.into_iter().map(|(_, index)| index).collect();
            again.push(Step { index, late });
        }
        if let Some(again) = self.again.get_mut(index) {
            self.steps.append(again);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn steps(references: &[Vec<usize>]) -> Vec<(usize, Vec<usize>)> {
        order(references)
            .into_iter()
            .map(|step| (step.index, step.late))
            .collect()
    }

    #[test]
    fn without_references_ahead_the_order_is_the_clients() {
        let done = steps(&[vec![], vec![0], vec![0, 1], vec![]]);
        assert_eq!(done, [0, 1, 2, 3].map(|index| (index, vec![])));
    }

    #[test]
    fn what_is_referred_to_goes_first() {
        let done = steps(&[vec![2], vec![], vec![3], vec![]]);
        assert_eq!(done, [3, 2, 0, 1].map(|index| (index, vec![])));
    }

    #[test]
    fn a_circle_is_completed_once_all_of_it_is_there() {
        assert_eq!(
            steps(&[vec![1], vec![2], vec![0, 1]]),
            [(2, vec![]), (1, vec![]), (0, vec![]), (2, vec![0, 1]),]
        );
        assert_eq!(steps(&[vec![0]]), [(0, vec![]), (0, vec![0])]);
    }

    #[test]
    fn a_chain_may_be_as_long_as_a_request() {
        let ahead: Vec<Vec<usize>> = (1..=100_000).map(|next| vec![next]).collect();
        assert_eq!(order(&ahead).len(), 100_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn each_reference_is_resolved_when_it_is_needed(
            references in prop::collection::vec(prop::collection::vec(0..8_usize, 0..4), 8),
        ) {
            let steps = order(&references);
            let mut done = [false; 8];
            let mut open: Vec<Vec<usize>> = vec![Vec::new(); 8];
            for step in steps {
                let Step { index, late } = step;
                if late.is_empty() {
                    prop_assert!(!std::mem::replace(&mut done[index], true), "twice");
                    let missing = references[index].iter().filter(|to| !done[**to] || **to == index);
                    open[index] = missing.copied().collect();
                } else {
                    prop_assert!(late.iter().all(|to| done[*to]));
                    prop_assert_eq!(&late, &std::mem::take(&mut open[index]));
                }
            }
            prop_assert!(done.iter().all(|done| *done));
            prop_assert!(open.iter().all(Vec::is_empty));
        }
    }
}
