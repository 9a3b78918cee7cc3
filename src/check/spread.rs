//! One large batch spread over threads. Imports the checker's verdicts and error alone.

use super::{CheckError, Verdict};
use std::ops::Range;

/// A thread's checker, and its verdicts.
pub(super) struct Worker<C> {
    pub checker: C,
    verdicts: Vec<Verdict>,
}

impl<C> Worker<C> {
    pub(super) fn new(checker: C) -> Self {
        Self { checker, verdicts: Vec::new() }
    }
}

/// Has workers check the parts of a batch of `count`, this thread the first of them: as many as there are,
/// but none with fewer than `least`. Verdicts are appended in order.
pub(super) fn spread<C: Send>(
    workers: &mut [Worker<C>],
    count: usize,
    least: usize,
    verdicts: &mut Vec<Verdict>,
    check: impl Fn(&mut C, Range<usize>, &mut Vec<Verdict>) -> Result<(), CheckError> + Sync,
) -> Result<(), CheckError> {
    let parts = (count / least).clamp(1, workers.len().max(1));
    let part = |i: usize| count * i / parts..count * (i + 1) / parts;
    let Some((first, others)) = workers.split_first_mut() else { return Ok(()) };
    let others = &mut others[..parts - 1];
    let check = &check;
    std::thread::scope(|scope| {
        let work = |(i, worker): (usize, _)| {
            let Worker { checker, verdicts }: &mut Worker<C> = worker;
            let part = part(i + 1);
            scope.spawn(move || {
                verdicts.clear();
                check(checker, part, verdicts)
            })
        };
        let threads: Vec<_> = others.iter_mut().enumerate().map(work).collect();
        let mine = check(&mut first.checker, part(0), verdicts);
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).fold(mine, Result::and)
    })?;
    others.iter().for_each(|worker| verdicts.extend_from_slice(&worker.verdicts));
    Ok(())
}
