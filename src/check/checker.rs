//! What every backend can do.

use super::OnDevice;
use super::packed::{EdgeBatch, StateBatch};
use super::verdict::{CheckError, Verdict};
use crate::stop::Stop;

/// Checks batches of edges and states of one problem. A planner sees no more of a backend than this.
pub trait EdgeChecker: Send {
    /// One verdict per edge, in order: valid, or why and at which sample it fails. Samples are taken
    /// so that no sphere moves farther than the resolution between two of them.
    ///
    /// # Errors
    /// When the backend itself fails (a device is lost); never for an invalid edge.
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError>;

    /// One verdict per state, in order.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError>;

    /// For each edge, in order, how much it could move within the efforts: the greatest share of what moving it
    /// takes that is left, at every sample, by what holding the robot there takes. An edge of half that share is
    /// from rest to rest the same edge in the root of twice the time. Zero or less where the weight alone is
    /// more than a joint can hold: then no time is long enough. Collisions and other limits are not looked at;
    /// efforts must be checked.
    ///
    /// Who has no use for an edge that takes more than `longest` seconds need not know how much more it would:
    /// of an edge whose share is at most the square of its duration by `longest`, any share that is so too may be
    /// told. A backend may find one at the first samples.
    ///
    /// A backend that cannot tell says one half, and is asked again for the slower edge.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        _longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        shares.clear();
        shares.resize(edges.len(), 0.5);
        Ok(())
    }

    /// Tells which states are free of collision, in order, cheaper than an edge to each would be: what
    /// is not free need not be steered to. A backend may let pass what it likes; this one all.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        free.clear();
        free.resize(states.len(), true);
        Ok(())
    }

    /// How many states are screened at the price of one; 0 where it is not worth asking.
    fn screened_at_once(&self) -> usize {
        0
    }

    /// Grows every sphere by `metres` from now on: the clearance that is asked for.
    fn set_padding(&mut self, metres: f64);

    /// Grows every sphere by so much more where it is held against obstacles: a distance to be kept from them, metres.
    fn set_clearance(&mut self, metres: f64);

    /// From now on no sphere moves farther than `metres` between two samples of an edge.
    fn set_resolution(&mut self, metres: f64);

    /// Gives up from now on when `stop` is due, inside a batch and inside an edge too: what is not checked to
    /// its end then is [`Status::Unchecked`](super::Status::Unchecked), and all that is screened passes. A planner sets it for its
    /// call, and takes it back after it.
    ///
    /// A backend need not: this one is asked to no avail, and its batches are checked to their ends.
    fn set_stop(&mut self, _stop: &Stop) {}

    /// Number of states examined so far.
    fn states_checked(&self) -> u64;

    /// How many edges at a time keep this backend busy. A search that has no other wish submits so many.
    fn preferred_batch(&self) -> usize {
        1
    }

    /// Name of the backend, with its level: `scalar`, `simd/avx512`.
    fn name(&self) -> String;

    /// The device that all of its batches go to, for work that is to be done wholly there; `None` of a backend that works
    /// without one, or by turns.
    fn on_device(&self) -> Option<OnDevice> {
        None
    }

    /// What the user should know about the backend since this was last asked: that a device was
    /// lost, say, and that the work goes on without it.
    fn take_warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// With so little left for moving, or less, an edge takes more than `longest` once it is slow enough.
pub(super) fn useless_share(duration: f64, longest: f64) -> f32 {
    (duration / longest).powi(2) as f32
}
