//! Threads, as many as the machine gives: where it gives no more, the work is done by those that there are, and
//! whoever asks is told. Imports nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::panic::resume_unwind;
use std::thread::{self, Builder, Scope, ScopedJoinHandle};

/// More threads than this share no work: a machine with more processors would not be kept busy by one query, and
/// every thread takes memory.
pub const MAX_THREADS: usize = 1024;

/// How often a thread could not be started since somebody last asked, in this process.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// Starts `work` on another thread; `None` where the machine gives no more of them, when nothing was done.
pub(crate) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    #[cfg(test)]
    if tests::is_out_of_threads() {
        REFUSED.fetch_add(1, Ordering::Relaxed);
        return None;
    }
    let started = Builder::new().spawn_scoped(scope, work);
    if started.is_err() {
        REFUSED.fetch_add(1, Ordering::Relaxed);
    }
    started.ok()
}

/// What `f` makes of each item, in order, by as many threads as there are processors, this one among them.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(i) else { return done };
            done.push((i, f(item)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map_while(|_| start(scope, work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|&(i, _)| i);
    done.into_iter().map(|(_, result)| result).collect()
}

/// What the user should know since this was last asked: that threads could not be started, if so.
pub fn take_warning() -> Option<String> {
    match REFUSED.swap(0, Ordering::Relaxed) {
        0 => None,
        times => Some(format!(
            "a thread could not be started ({times} times): the machine gives no more, so fewer did the work"
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// How many more threads this one may start in a test.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    pub(super) fn is_out_of_threads() -> bool {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(usize::from(left < usize::MAX)));
        left == 0
    }

    /// Does `work` on a machine that gives this thread only so many more.
    pub(crate) fn with_threads<T>(count: usize, work: impl FnOnce() -> T) -> T {
        LEFT.set(count);
        let done = work();
        LEFT.set(usize::MAX);
        done
    }

    #[test]
    fn work_is_done_in_order_however_few_threads_there_are() {
        let items: Vec<usize> = (0..1000).collect();
        let squares: Vec<usize> = items.iter().map(|i| i * i).collect();
        for count in [usize::MAX, 1, 0] {
            assert_eq!(with_threads(count, || in_parallel(&items, |i| i * i)), squares);
        }
        assert!(in_parallel(&[] as &[usize], |i| i * i).is_empty());
    }

    #[test]
    fn threads_run_out_and_somebody_is_told() {
        let sum = |count| {
            with_threads(count, || {
                thread::scope(|scope| {
                    let started: Vec<_> = (0..3).map(|i| start(scope, move || i)).collect();
                    started.into_iter().flatten().map(|thread| thread.join().unwrap()).sum::<i32>()
                })
            })
        };
        assert_eq!((sum(usize::MAX), sum(2), sum(0)), (3, 1, 0));
        let told = take_warning().expect("a warning");
        assert!(told.contains("could not be started"), "{told}");
    }
}
