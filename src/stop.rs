//! When to give up: a deadline, and a token by which the caller breaks work off. Imports nothing of
//! flatout.
//!
//! Whatever takes long is handed a [`Stop`] and asks it now and then: often enough that little is done after it
//! is due, and seldom enough that asking costs nothing ([`Watch`] counts).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Breaks work off, from any thread; clones are the same token.
///
/// ```
/// use flatout::stop::CancelToken;
///
/// let token = CancelToken::new();
/// let theirs = token.clone();
/// std::thread::spawn(move || theirs.cancel()).join().unwrap();
/// assert!(token.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Token>);

type Condition = Box<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
struct Token {
    is_cancelled: AtomicBool,
    condition: Option<Condition>,
}

impl CancelToken {
    /// A token that is not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that cancels itself when it is asked and `condition` holds: for budgets of another kind than
    /// time on the wall, such as processor time. The condition is asked every few microseconds, and
    /// from every thread that works on the query.
    pub fn when(condition: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Token { condition: Some(Box::new(condition)), ..Token::default() }))
    }

    /// Cancels: whoever works for the token's holders gives up as soon as it asks. Never undone.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        let Token { is_cancelled, condition } = &*self.0;
        if !is_cancelled.load(Ordering::Relaxed) && condition.as_ref().is_some_and(|holds| holds()) {
            self.cancel();
        }
        is_cancelled.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_cancelled = self.0.is_cancelled.load(Ordering::Relaxed);
        f.debug_struct("CancelToken").field("is_cancelled", &is_cancelled).finish_non_exhaustive()
    }
}

/// Whether they are the same token.
impl PartialEq for CancelToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CancelToken {}

/// Why work was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The deadline has passed.
    Late,
    /// The token was cancelled.
    Cancelled,
}

/// When work is to be given up: at a deadline, by a token, or never. Once due it stays due.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    deadline: Option<Instant>,
    token: Option<CancelToken>,
}

impl Stop {
    /// Never.
    pub const NEVER: Self = Self { deadline: None, token: None };

    /// At a deadline, if there is one, or when a token is cancelled, if there is one.
    pub fn new(deadline: Option<Instant>, token: Option<CancelToken>) -> Self {
        Self { deadline, token }
    }

    /// So long after `begun`; never where that is beyond what the clock can tell.
    pub fn after(begun: Instant, limit: Duration) -> Self {
        Self { deadline: begun.checked_add(limit), token: None }
    }

    /// Whether it is due, and by what.
    pub fn reason(&self) -> Option<Stopped> {
        if self.is_cancelled() {
            return Some(Stopped::Cancelled);
        }
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        is_late.then_some(Stopped::Late)
    }

    /// Whether it is due.
    pub fn is_due(&self) -> bool {
        self.reason().is_some()
    }

    /// Whether less than `needed` is left until it is due, as far as can be known.
    pub fn is_due_in(&self, needed: Duration) -> bool {
        self.is_cancelled() || self.left().is_some_and(|left| left <= needed)
    }

    /// How long until the deadline, if there is one.
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The same, but no later than `deadline`.
    #[must_use]
    pub fn by(&self, deadline: Option<Instant>) -> Self {
        let deadline = [self.deadline, deadline].into_iter().flatten().min();
        Self { deadline, token: self.token.clone() }
    }

    /// The same, but with a share (up to 1) of the time that is left.
    #[must_use]
    pub fn share(&self, share: f64) -> Self {
        let now = Instant::now();
        let part = |deadline: Instant| now + deadline.saturating_duration_since(now).mul_f64(share);
        Self { deadline: self.deadline.map(part), token: self.token.clone() }
    }

    fn is_cancelled(&self) -> bool {
        self.token.as_ref().is_some_and(CancelToken::is_cancelled)
    }
}

/// Asks a stop once in so much work, and remembers that it was due.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    stop: Stop,
    every: u32,
    /// Work until it is asked.
    left: u32,
    is_due: bool,
}

impl Watch {
    /// Asks `stop` at once, and then once in `every` units of work; what a unit is, is up to the caller.
    pub fn new(stop: &Stop, every: u32) -> Self {
        Self { stop: stop.clone(), every, left: 0, is_due: false }
    }

    /// Whether to give up before `work` more units are done.
    #[inline(always)]
    pub fn is_due(&mut self, work: u32) -> bool {
        if self.left >= work {
            self.left -= work;
            return self.is_due;
        }
        self.ask()
    }

    /// Whether it was due when it was last asked.
    pub fn was_due(&self) -> bool {
        self.is_due
    }

    #[cold]
    #[inline(never)]
    fn ask(&mut self) -> bool {
        self.left = self.every;
        self.is_due = self.is_due || self.stop.is_due();
        self.is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    /// Begun so long ago, or as early as the clock can tell.
    fn ago(seconds: u64) -> Instant {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(seconds)).unwrap_or(now)
    }

    #[test]
    fn a_token_cancels_all_its_clones_and_stays_cancelled() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert_eq!(token, clone);
        assert_ne!(token, CancelToken::new());
        assert!(!token.is_cancelled());
        clone.cancel();
        assert!(token.is_cancelled() && format!("{token:?}").contains("true"));
    }

    #[test]
    fn a_condition_need_hold_but_once() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let token = CancelToken::when(move || count.fetch_add(1, Ordering::Relaxed) == 2);
        assert_eq!([0; 5].map(|_| token.is_cancelled()), [false, false, true, true, true]);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_stop_is_due_by_what_comes_first() {
        let token = CancelToken::new();
        let stop = Stop::new(Some(Instant::now() + Duration::from_secs(3600)), Some(token.clone()));
        assert_eq!((stop.reason(), Stop::NEVER.reason(), Stop::NEVER.left()), (None, None, None));
        assert!(stop.is_due_in(Duration::from_secs(3601)) && !stop.is_due_in(Duration::from_secs(3000)));
        assert!(!Stop::NEVER.is_due_in(Duration::MAX));
        let half = stop.share(0.5);
        assert!(half.is_due_in(Duration::from_secs(1801)) && !half.is_due());
        assert_eq!(stop.by(Some(ago(0))).reason(), Some(Stopped::Late));
        assert_eq!(Stop::NEVER.by(Some(ago(0))).share(0.5).reason(), Some(Stopped::Late));
        assert_eq!(stop.by(None).reason(), None);
        token.cancel();
        assert_eq!([stop.reason(), half.reason()], [Some(Stopped::Cancelled); 2]);
        assert!(stop.is_due_in(Duration::ZERO));
    }

    #[test]
    fn limits_beyond_the_clock_are_none() {
        assert_eq!(Stop::after(Instant::now(), Duration::MAX).reason(), None);
        assert_eq!(Stop::after(Instant::now(), Duration::ZERO).reason(), Some(Stopped::Late));
    }

    #[test]
    fn a_watch_asks_once_in_so_much_work() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let token = CancelToken::when(move || count.fetch_add(1, Ordering::Relaxed) == 3);
        let mut watch = Watch::new(&Stop::new(None, Some(token)), 10);
        // At once, and then after ten units each: the fourth time it is due.
        let due = (0..40).filter(|_| !watch.is_due(1)).count();
        assert_eq!((due, asked.load(Ordering::Relaxed), watch.was_due()), (33, 4, true));
        assert!(!Watch::default().is_due(1));
    }
}
