//! What stands against a trajectory as a proof goes on: the first violation ends it, or all are kept, of each
//! kind the worst.

use super::report::Violation;

/// A quantity that was found beyond its limit is looked for beyond that by this share alone: so near to the
/// worst the worst is told.
pub(super) const WORSE: f64 = 1e-3;

/// The violations that are kept.
#[derive(Default)]
pub(super) struct Findings {
    /// Whether they are, or the first ends the proof.
    keeps: bool,
    kept: Vec<Violation>,
}

impl Findings {
    /// That keeps all.
    pub(super) fn all() -> Self {
        Self { keeps: true, kept: Vec::new() }
    }

    /// Whether violations are kept.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Takes a violation in.
    ///
    /// # Errors
    /// The violation itself, where the first ends the proof.
    pub(super) fn add(&mut self, violation: Violation) -> Result<(), Violation> {
        if !self.keeps {
            return Err(violation);
        }
        let kind = violation.kind();
        match self.kept.iter_mut().find(|kept| kept.kind() == kind) {
            Some(kept) if violation.badness() > kept.badness() => *kept = violation,
            Some(_) => {}
            None => self.kept.push(violation),
        }
        Ok(())
    }

    /// What was kept.
    pub(super) fn into_kept(self) -> Vec<Violation> {
        self.kept
    }
}
