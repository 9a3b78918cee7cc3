//! One large batch spread over threads. Imports the checker's verdicts and error alone.

use crate::threads::start;
use super::{CheckError, Verdict};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// A thread's checker, and its verdicts.
pub(super) struct SpreadWorker<C> {
    pub checker: C,
    verdicts: Vec<Verdict>,
}

impl<C> SpreadWorker<C> {
    pub(super) fn new(checker: C) -> Self {
        Self { checker, verdicts: Vec::new() }
    }
}

/// Has workers check the parts of a batch of `count`, this thread the first of them: as many as there are,
/// but none with fewer than `least`. Verdicts are appended in order.
pub(super) fn spread<C: Send>(
    workers: &mut [SpreadWorker<C>],
    count: usize,
    least: usize,
    verdicts: &mut Vec<Verdict>,
    check: impl Fn(&mut C, Range<usize>, &mut Vec<Verdict>) -> Result<(), CheckError> + Sync,
) -> Result<(), CheckError> {
    let parts = (count / least).clamp(1, workers.len().max(1));
    let part = |i: usize| count * i / parts..count * (i + 1) / parts;
    let Some((first, others)) = workers.split_first_mut() else { return Ok(()) };
    let others = &mut others[..parts - 1];
    // Threads take workers from here, and this one those that are left: all, where no thread can be started.
    let waiting = Mutex::new(others.iter_mut().zip(1..).collect::<Vec<_>>());
    let take = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = |(worker, i): (&mut SpreadWorker<C>, usize)| {
        worker.verdicts.clear();
        check(&mut worker.checker, part(i), &mut worker.verdicts)
    };
    let (take, work) = (&take, &work);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (1..parts).map_while(|_| start(scope, move || take().map_or(Ok(()), work))).collect();
        let mut mine = check(&mut first.checker, part(0), verdicts);
        while let Some(left) = take() {
            mine = mine.and(work(left));
        }
        let join = |thread: ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).fold(mine, Result::and)
    })?;
    others.iter().for_each(|worker| verdicts.extend_from_slice(&worker.verdicts));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use crate::threads::tests::with_threads;
    use super::*;

    /// Workers check parts in order, as many as are worth it; the failure of any is that of all.
    #[test]
    fn parts_are_checked_in_order() {
        let mut workers: Vec<_> = (0..3).map(|_| SpreadWorker::new(0)).collect();
        let mut parts = |count: usize, failing: usize| {
            let mut verdicts = Vec::new();
            let checked = spread(&mut workers, count, 10, &mut verdicts, |seen, part, verdicts| {
                *seen += part.len();
                verdicts.extend(part.clone().map(|i| Verdict::invalid(Status::World, i as f32, 0, 0)));
                if part.contains(&failing) {
                    let (backend, message) = (String::new(), String::new());
                    return Err(CheckError::Backend { backend, message });
                }
                Ok(())
            });
            checked.map(|()| verdicts.iter().map(|v| v.time as usize).collect::<Vec<_>>())
        };
        assert_eq!(parts(9, 9), Ok((0..9).collect()));
        for threads in 0..2 {
            assert_eq!(with_threads(threads, || parts(35, 35)), Ok((0..35).collect()), "{threads} threads");
        }
        assert_eq!(parts(35, 35), Ok((0..35).collect()));
        assert!(parts(35, 0).is_err() && parts(35, 34).is_err());
        assert_eq!(workers.iter().map(|worker| worker.checker).collect::<Vec<_>>(), [64, 60, 60]);
    }
}
