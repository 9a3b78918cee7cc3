//! Threads, as many as the system gives. Imports nothing of flatout.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Threads that the system has refused to this process.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// How many threads the system has refused to this process so far: the work was done by fewer.
pub fn refused() -> usize {
    REFUSED.load(Ordering::Relaxed)
}

/// Starts `work` on a thread of its own; `None` where the system gives none, and somebody else has to do it.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    count(Builder::new().spawn_scoped(scope, work))
}

/// Counts a thread that was refused.
fn count<T>(thread: std::io::Result<T>) -> Option<T> {
    let thread = thread.ok();
    REFUSED.fetch_add(usize::from(thread.is_none()), Ordering::Relaxed);
    thread
}

/// What a thread comes to; where it has panicked, so does this one.
pub(crate) fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_counted() {
        let before = refused();
        assert_eq!(count(Ok(1)), Some(1));
        let none: Option<u32> = count(Err(std::io::ErrorKind::WouldBlock.into()));
        assert_eq!((none, refused() - before), (None, 1));
        let done = std::thread::scope(|scope| spawn(scope, || 2).map(join));
        assert_eq!(done, Some(2));
    }
}
