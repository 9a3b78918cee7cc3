//! The CPU backend: samples of an edge in lanes, at the level in use: the best that this CPU has, unless another is chosen.
//! Imports `vector`, `check::packed` and the trait; `problem` and below only to pack.

mod base;
mod collide;
mod limits;
mod moment;
mod place;
mod scratch;
mod unflatten;

use super::checker::useless_share;
use super::packed::{Edge, EdgeBatch, Packed, PackedBase, RAKE, RakeOrder, StateBatch};
use super::{CheckError, EdgeChecker, Verdict};
use crate::problem::Problem;
use crate::stop::{Stop, Watch};
use crate::vector::{Kernel, Level, Row32, Simd, Simd32};
use scratch::Scratch;

/// A stop is asked once in so many states: in a few microseconds' work, against which an ask, some 30 ns, is
/// nothing, and among ten thousand obstacles in some hundred.
const STATES_PER_ASK: u32 = 256;

/// Names of the levels that this CPU has, the best first; the last is plain Rust and always there.
pub fn levels() -> Vec<&'static str> {
    Level::available().map(Level::name).collect()
}

/// Checks in CPU lanes.
pub struct SimdChecker {
    packed: Packed,
    level: Level,
    scratch: Scratch,
    states_checked: u64,
    watch: Watch,
}

impl SimdChecker {
    /// A checker of `problem` at the level in use ([`Level::in_use`]), sampling edges so that no sphere moves
    /// farther than `resolution` metres between two samples.
    ///
    /// # Panics
    /// May, where the problem makes no sense: [`Problem::validate`] and [`Backend::checker`](super::Backend) say so.
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        Self::with(problem, resolution, Level::in_use())
    }

    /// The same at a named level (see [`levels`]); `None` where this CPU does not have it.
    pub fn at_level(problem: &Problem, resolution: f64, level: &str) -> Option<Self> {
        let level = Level::available().find(|l| l.name() == level)?;
        Some(Self::with(problem, resolution, level))
    }

    /// The same as [`SimdChecker::new`], of a problem that is packed already.
    #[cfg(feature = "gpu")]
    pub(super) fn of(packed: Packed) -> Self {
        Self::packed_at(packed, Level::in_use())
    }

    fn with(problem: &Problem, resolution: f64, level: Level) -> Self {
        Self::packed_at(Packed::new(problem, resolution), level)
    }

    fn packed_at(packed: Packed, level: Level) -> Self {
        let mut scratch = Scratch::new(&packed);
        level.run(PlaceBase { packed: &packed, scratch: &mut scratch });
        Self { scratch, packed, level, states_checked: 0, watch: Watch::default() }
    }
}

impl SimdChecker {
    /// The problem as it checks it.
    #[cfg(feature = "gpu")]
    pub(super) fn packed(&self) -> &Packed {
        &self.packed
    }
}

impl EdgeChecker for SimdChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed.admit_edges(edges)?;
        let Self { packed, level, scratch, states_checked, watch } = self;
        level.run(CheckEdges { packed, scratch, edges, verdicts, states_checked, watch });
        Ok(())
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed.admit_states(states)?;
        let Self { packed, level, scratch, states_checked, watch } = self;
        level.run(CheckStates { packed, scratch, states, verdicts, states_checked, watch });
        Ok(())
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        let Self { packed, level, scratch, states_checked, .. } = self;
        level.run(EffortShares { packed, scratch, edges, longest, shares, states_checked });
        Ok(())
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.packed.admit_states(states)?;
        let Self { packed, level, scratch, states_checked, watch } = self;
        level.run(ScreenScratch { packed, scratch, states, free, states_checked, watch });
        Ok(())
    }

    fn screened_at_once(&self) -> usize {
        self.level.lanes()
    }

    fn set_padding(&mut self, metres: f64) {
        self.packed.padding = metres as f32;
    }

    fn set_clearance(&mut self, metres: f64) {
        self.packed.clearance = metres as f32;
    }

    fn set_resolution(&mut self, metres: f64) {
        self.packed.resolution = metres as f32;
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.watch = Watch::new(stop, STATES_PER_ASK);
    }

    fn states_checked(&self) -> u64 {
        self.states_checked
    }

    fn name(&self) -> String {
        format!("simd/{}", self.level.name())
    }
}

/// A stage of the check of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Polynomials to joint values and their derivatives.
    Unflatten,
    /// Forward kinematics.
    Place,
    /// Spheres against the world, then against each other.
    Collide,
    /// Position, velocity, acceleration, effort, limits of the base.
    Limits,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Unflatten, Self::Place, Self::Collide, Self::Limits];
}

impl SimdChecker {
    /// Runs one stage on the first block of samples of the first of `edges`, whatever the stages before it
    /// have left; for benches. Returns how many samples that are.
    #[inline(never)]
    pub fn run_stage(&mut self, stage: Stage, edges: &EdgeBatch) -> usize {
        let Self { packed, level, scratch, .. } = self;
        level.run(OneStage { packed, scratch, edge: edges.get(0), stage })
    }
}

struct OneStage<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
    edge: Edge<'a>,
    stage: Stage,
}

impl Kernel for OneStage<'_> {
    type Output = usize;

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> usize {
        let Self { packed, scratch, edge, stage } = self;
        match stage {
            Stage::Unflatten => {
                unflatten::times(s, &edge, 0, 0, packed.rakes(&edge), scratch);
                unflatten::edge(s, packed, &edge, scratch);
            }
            Stage::Place => place::bodies(s, packed, scratch),
            Stage::Collide => {
                // Spheres are placed where they are needed, which is part of this stage.
                scratch.forget(packed);
                collide::world(s, packed, scratch, &mut collide::First::of(S::LANES));
                collide::itself(s, packed, scratch, &mut collide::First::of(S::LANES));
            }
            Stage::Limits => {
                limits::block(s, packed, packed.base.as_ref(), scratch, S::LANES);
            }
        }
        S::LANES
    }
}

struct PlaceBase<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
}

impl Kernel for PlaceBase<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        place::base(s, self.packed, self.scratch);
    }
}

struct CheckEdges<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
    edges: &'a EdgeBatch,
    verdicts: &'a mut Vec<Verdict>,
    states_checked: &'a mut u64,
    watch: &'a mut Watch,
}

impl Kernel for CheckEdges<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        self.verdicts.clear();
        for i in 0..self.edges.len() {
            let edge = self.edges.get(i);
            let verdict = check_edge(s, self.packed, self.scratch, &edge, self.states_checked, self.watch);
            self.verdicts.push(verdict);
            if self.watch.was_due() {
                // Of no further edge is a sample taken.
                self.verdicts.resize(self.edges.len(), Verdict::UNCHECKED);
                return;
            }
        }
    }
}

/// Rake by rake, each in blocks of as many samples as there are lanes, until a sample fails.
#[inline(always)]
fn check_edge<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    edge: &Edge<'_>,
    states_checked: &mut u64,
    watch: &mut Watch,
) -> Verdict {
    let rakes = packed.rakes(edge);
    for rake in RakeOrder::new(rakes) {
        for first_sample in (0..RAKE).step_by(S::LANES) {
            if watch.is_due(S::LANES as u32) {
                return Verdict::UNCHECKED;
            }
            unflatten::times(s, edge, rake, first_sample, rakes, scratch);
            unflatten::edge(s, packed, edge, scratch);
            *states_checked += S::LANES as u64;
            let verdict = check_block(s, packed, packed.base.as_ref(), scratch, S::LANES);
            if !verdict.is_valid() {
                return verdict;
            }
        }
    }
    Verdict::VALID
}

struct EffortShares<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
    edges: &'a EdgeBatch,
    longest: f64,
    shares: &'a mut Vec<f32>,
    states_checked: &'a mut u64,
}

impl Kernel for EffortShares<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { packed, scratch, edges, longest, shares, states_checked } = self;
        shares.clear();
        for i in 0..edges.len() {
            let edge = edges.get(i);
            shares.push(effort_share(s, packed, scratch, &edge, longest, states_checked));
        }
    }
}

/// The least share of an edge, or of its samples up to the first that makes it useless.
#[inline(always)]
fn effort_share<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    edge: &Edge<'_>,
    longest: f64,
    states_checked: &mut u64,
) -> f32 {
    let useless = useless_share(edge.duration.into(), longest);
    let rakes = packed.rakes(edge);
    let mut least = f32::INFINITY;
    for rake in RakeOrder::new(rakes) {
        for first_sample in (0..RAKE).step_by(S::LANES) {
            unflatten::times(s, edge, rake, first_sample, rakes, scratch);
            unflatten::edge(s, packed, edge, scratch);
            place::bodies(s, packed, scratch);
            *states_checked += S::LANES as u64;
            least = least.min(limits::share(s, packed, scratch));
            if least <= useless {
                return least;
            }
        }
    }
    least
}

struct CheckStates<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
    states: &'a StateBatch,
    verdicts: &'a mut Vec<Verdict>,
    states_checked: &'a mut u64,
    watch: &'a mut Watch,
}

impl Kernel for CheckStates<'_> {
    type Output = ();

    /// A block of states at a time; where one fails, the block's states are told apart one by one.
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        self.verdicts.clear();
        let Self { packed, scratch, states, verdicts, states_checked, watch } = self;
        scratch.time = Row32::ZERO;
        for first in (0..states.len()).step_by(S::LANES) {
            let count = S::LANES.min(states.len() - first);
            if watch.is_due(count as u32) {
                verdicts.resize(states.len(), Verdict::UNCHECKED);
                return;
            }
            *states_checked += count as u64;
            unflatten::states::<S>(states, first, count, scratch);
            if check_block(s, packed, None, scratch, count).is_valid() {
                verdicts.extend(std::iter::repeat_n(Verdict::VALID, count));
                continue;
            }
            for i in first..first + count {
                unflatten::states::<S>(states, i, 1, scratch);
                verdicts.push(check_block(s, packed, None, scratch, 1));
            }
        }
    }
}

struct ScreenScratch<'a> {
    packed: &'a Packed,
    scratch: &'a mut Scratch,
    states: &'a StateBatch,
    free: &'a mut Vec<bool>,
    states_checked: &'a mut u64,
    watch: &'a mut Watch,
}

impl Kernel for ScreenScratch<'_> {
    type Output = ();

    /// A block of states at a time, each of them for itself.
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { packed, scratch, states, free, states_checked, watch } = self;
        free.clear();
        for first in (0..states.len()).step_by(S::LANES) {
            let count = S::LANES.min(states.len() - first);
            if watch.is_due(count as u32) {
                free.resize(states.len(), true);
                return;
            }
            *states_checked += count as u64;
            unflatten::states::<S>(states, first, count, scratch);
            place::bodies(s, packed, scratch);
            let mut lanes = collide::Free::of(count);
            if !collide::world(s, packed, scratch, &mut lanes) {
                collide::itself(s, packed, scratch, &mut lanes);
            }
            for lane in 0..count {
                free.push(lanes.has(lane));
            }
        }
    }
}

/// The stages after `unflatten`, for the first `count` lanes of a block; `base` on an edge of a vehicle.
#[inline(always)]
fn check_block<S: Simd32>(
    s: S,
    packed: &Packed,
    base: Option<&PackedBase>,
    scratch: &mut Scratch,
    count: usize,
) -> Verdict {
    place::bodies(s, packed, scratch);
    let mut first = collide::First::of(count);
    if collide::world(s, packed, scratch, &mut first) || collide::itself(s, packed, scratch, &mut first) {
        return first.verdict(&scratch.time);
    }
    limits::block(s, packed, base, scratch, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{GRAVITY, JointState, Smoothness};
    use crate::robot::{JointLimits, random};
    use crate::world::World;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    /// No comparison with what is not a number may come out as valid, nor a position that is not finite.
    #[test]
    fn nothing_that_is_not_a_number_passes() {
        let mut mechanism = random::mechanism(&mut Pcg64Mcg::seed_from_u64(5), 4);
        mechanism.pairs.clear();
        mechanism.limits.fill(JointLimits { effort: 1e9, ..JointLimits::NONE });
        let still = vec![0.0; mechanism.dof()];
        let (start, world) = (JointState::at_rest(still.clone()), World { obstacles: Vec::new() });
        let mut problem = Problem {
            mechanism,
            world,
            goals: vec![start.clone()],
            start,
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        };
        let mut batch = StateBatch::new(still.len());
        batch.push(&still, &still, &still);
        let wrong = [(0, f64::INFINITY), (0, f64::NEG_INFINITY), (0, f64::NAN), (1, f64::NAN), (2, f64::NAN)];
        for (derivative, number) in wrong {
            for output in 0..still.len() {
                let mut state = [still.clone(), still.clone(), still.clone()];
                state[derivative][output] = number;
                batch.push(&state[0], &state[1], &state[2]);
            }
        }
        for (torque, level) in
            [false, true].into_iter().flat_map(|t| levels().into_iter().map(move |l| (t, l)))
        {
            problem.torque = torque;
            let mut lanes = SimdChecker::at_level(&problem, 0.05, level).expect("an available level");
            let mut verdicts = Vec::new();
            lanes.check_states(&batch, &mut verdicts).expect("lanes do not fail");
            let valid: Vec<bool> = verdicts.iter().map(Verdict::is_valid).collect();
            assert!(valid[0] && !valid[1..].contains(&true), "{level}, torque {torque}: {valid:?}");
        }
    }
}
