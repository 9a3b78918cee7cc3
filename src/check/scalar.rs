//! The oracle: one state after the other in plain `f64`, from the mechanism and the world
//! themselves, without early exits, bounds or any other cleverness. Fast backends must agree with it.

mod vehicle;

use super::packed::{Edge, LIMIT_SLACK, Packed, RAKE, RakeOrder, position_slack};
use super::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Status, Verdict};
use crate::base::MAX_ORDER;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::{DynamicsScratch, Mechanism, OutputLimits, Sphere};
use crate::stop::{Stop, Watch};
use glam::DVec3;
use std::borrow::Borrow;
use std::cell::OnceCell;

/// A stop is asked once in so many distances that are measured, some 10 ns each; a state counts as
/// `STATE` more.
const DISTANCES_PER_ASK: u32 = 4096;
const STATE: u32 = 512;

/// The `f64` oracle as a checker, of a problem of its own or one that it borrows.
pub struct ScalarChecker<P: Borrow<Problem> = Problem> {
    problem: P,
    /// Only says where edges are sampled; made when that is first asked for.
    packed: OnceCell<Packed>,
    /// Farthest a sphere may move between two samples, metres.
    resolution: f64,
    /// Whether efforts are checked.
    torque: bool,
    padding: f64,
    /// Distance to be kept from obstacles beside that.
    clearance: f64,
    poses: Vec<Pose>,
    centers: Vec<DVec3>,
    dynamics: DynamicsScratch,
    efforts: Vec<f64>,
    states_checked: u64,
    watch: Watch,
}

/// How far one state is from failing each stage, negative where it fails; in the order of
/// [`Status`] (entry `i` belongs to number `i + 1`). Distances in metres, positions in rad or m,
/// the others as a share of the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// One margin per stage that can fail.
    pub values: [f64; 7],
    /// What attains it: link, output or limit of the base, and the obstacle or other link.
    pub subjects: [(usize, usize); 7],
}

impl Margins {
    const NONE: Self = Self { values: [f64::INFINITY; 7], subjects: [(0, 0); 7] };

    fn lower(&mut self, status: Status, value: f64, subject: usize, other: usize) {
        let i = status as usize - 1;
        // A NaN margin must count as a failure, whatever came before.
        if value < self.values[i] || value.is_nan() {
            self.values[i] = if value.is_nan() { f64::NEG_INFINITY } else { value };
            self.subjects[i] = (subject, other);
        }
    }

    /// The margin of one stage.
    pub fn of(&self, status: Status) -> f64 {
        self.values[status as usize - 1]
    }

    /// What attains the margin of one stage: link or output, and obstacle or other link (indices).
    /// `None` for a valid state.
    pub fn subject(&self, status: Status) -> Option<(usize, usize)> {
        self.subjects.get((status as usize).checked_sub(1)?).copied()
    }

    /// The first stage that fails, or valid.
    pub fn status(&self) -> Status {
        self.values.iter().position(|&v| v < 0.0).map_or(Status::Valid, |i| Status::ALL[i + 1])
    }

    fn verdict(&self, time: f32) -> Verdict {
        let status = self.status();
        self.subject(status)
            .map_or(Verdict::VALID, |(subject, other)| Verdict::invalid(status, time, subject, other))
    }
}

impl ScalarChecker {
    /// An oracle for `problem`, sampling edges at a spacing of `resolution` metres.
    ///
    /// # Panics
    /// May, where the problem makes no sense: [`Problem::validate`] and [`Backend::checker`](super::Backend) say so.
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        Self::of(problem.clone(), resolution)
    }
}

impl<P: Borrow<Problem>> ScalarChecker<P> {
    fn of(problem: P, resolution: f64) -> Self {
        let Problem { mechanism, torque, .. } = problem.borrow();
        let (dof, torque) = (mechanism.dof(), *torque && mechanism.vehicle().is_none());
        Self {
            problem,
            packed: OnceCell::new(),
            resolution,
            torque,
            padding: 0.0,
            clearance: 0.0,
            poses: Vec::new(),
            centers: Vec::new(),
            dynamics: DynamicsScratch::default(),
            efforts: vec![0.0; dof],
            states_checked: 0,
            watch: Watch::default(),
        }
    }

    fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| Packed::new(self.problem.borrow(), self.resolution))
    }

    /// All margins of one state.
    pub fn margins(&mut self, y: &[f64], yd: &[f64], ydd: &[f64]) -> Margins {
        self.states_checked += 1;
        let mut margins = Margins::NONE;
        self.place(y);
        self.collide(&mut margins);
        self.limits(y, yd, ydd, &mut margins);
        margins
    }

    /// All margins of an edge at time `t`. Where a vehicle's flat outputs have no coordinates, that of the
    /// base is minus infinity and no other is known.
    pub fn margins_at(&mut self, edge: &Edge<'_>, t: f32) -> Margins {
        let flat = derivatives(edge, t, self.problem.borrow().mechanism.flat_dof());
        match vehicle::unflatten(&self.problem.borrow().mechanism, &flat) {
            None => self.margins(&flat[0], &flat[1], &flat[2]),
            Some(Ok(sample)) => {
                let [y, yd, ydd] = sample.joints;
                let mut margins = self.margins(&y, &yd, &ydd);
                for (limit, margin) in sample.margins {
                    margins.lower(Status::Base, margin, limit, 0);
                }
                margins
            }
            Some(Err(_)) => {
                self.states_checked += 1;
                let mut margins = Margins::NONE;
                margins.lower(Status::Base, f64::NEG_INFINITY, 0, 0);
                margins
            }
        }
    }

    /// The times at which an edge is sampled, seconds, in the order of the samples.
    pub fn sample_times(&self, edge: &Edge<'_>) -> Vec<f32> {
        times(edge, self.packed().rakes(edge)).collect()
    }

    /// The first sample of an edge that fails.
    fn verdict(&mut self, edge: &Edge<'_>) -> Verdict {
        for t in times(edge, self.packed().rakes(edge)) {
            let verdict = self.margins_at(edge, t).verdict(t);
            if self.watch.was_due() {
                return Verdict::UNCHECKED;
            }
            if !verdict.is_valid() {
                return verdict;
            }
        }
        Verdict::VALID
    }

    /// How much an edge could move at time `t` within the efforts: see [`EdgeChecker::effort_shares`].
    fn effort_share(&mut self, edge: &Edge<'_>, t: f32) -> f64 {
        self.states_checked += 1;
        let Problem { mechanism: m, gravity, .. } = self.problem.borrow();
        let [y, yd, ydd, ..] = derivatives(edge, t, m.flat_dof());
        let still = vec![0.0; m.dof()];
        let mut efforts = |yd: &[f64], ydd: &[f64]| {
            let mut efforts = vec![0.0; m.dof()];
            m.inverse_dynamics(&y, yd, ydd, *gravity, &mut self.dynamics, &mut efforts);
            efforts
        };
        let (all, weight) = (efforts(&yd, &ydd), efforts(&still, &still));
        let joints = all.iter().zip(&weight).zip(&m.limits);
        let share = |((all, weight), l): ((&f64, &f64), &OutputLimits)| {
            let moving = all - weight;
            let room = l.effort - weight * moving.signum();
            if weight.abs() > l.effort { -1.0 } else { room / moving.abs() }
        };
        // Where nothing is left and nothing taken, NaN is passed over.
        joints.map(share).fold(f64::INFINITY, f64::min)
    }

    fn place(&mut self, y: &[f64]) {
        let m = &self.problem.borrow().mechanism;
        m.place(y, &mut self.poses);
        self.centers.clear();
        for link in &m.links {
            let pose = &self.poses[link.body];
            self.centers.extend(m.spheres[link.spheres.clone()].iter().map(|s| pose.point(s.center)));
        }
    }

    /// Stops half-way when it is due: then the margins tell nothing.
    fn collide(&mut self, margins: &mut Margins) {
        let Problem { mechanism: m, world, .. } = self.problem.borrow();
        let sphere = |i: usize| Sphere { center: self.centers[i], radius: m.spheres[i].radius };
        let obstacles = &world.obstacles;
        if self.watch.is_due(STATE) {
            return;
        }
        for (l, link) in m.links.iter().enumerate().filter(|(_, link)| link.body != 0) {
            let grown = self.padding + self.clearance + link.padding;
            for s in link.spheres.clone().map(sphere) {
                if self.watch.is_due(obstacles.len() as u32) {
                    return;
                }
                for (o, obstacle) in obstacles.iter().enumerate() {
                    let clearance = obstacle.signed_distance(s.center) - s.radius - grown;
                    margins.lower(Status::World, clearance, l, o);
                }
            }
        }
        for &[a, b] in &m.pairs {
            let always = m.always_touching([a, b]);
            for (i, s) in m.links[a].spheres.clone().map(sphere).enumerate() {
                for (j, o) in m.links[b].spheres.clone().map(sphere).enumerate() {
                    if always.contains(&[i, j]) {
                        continue;
                    }
                    let clearance = s.center.distance(o.center) - s.radius - o.radius - self.padding;
                    margins.lower(Status::SelfCollision, clearance, a, b);
                }
            }
        }
    }

    fn limits(&mut self, y: &[f64], yd: &[f64], ydd: &[f64], margins: &mut Margins) {
        let slack = f64::from(LIMIT_SLACK);
        let share = |value: f64, limit: f64| 1.0 + slack - value.abs() / limit;
        let Problem { mechanism: m, gravity, .. } = self.problem.borrow();
        for (j, l) in m.limits.iter().enumerate() {
            let position_slack = f64::from(position_slack(l));
            margins.lower(Status::Position, (y[j] - l.lower).min(l.upper - y[j]) + position_slack, j, 0);
            margins.lower(Status::Velocity, share(yd[j], l.velocity), j, 0);
            margins.lower(Status::Acceleration, share(ydd[j], l.acceleration), j, 0);
        }
        if self.torque {
            m.inverse_dynamics(y, yd, ydd, *gravity, &mut self.dynamics, &mut self.efforts);
            for (j, l) in m.limits.iter().enumerate() {
                margins.lower(Status::Effort, share(self.efforts[j], l.effort), j, 0);
            }
        }
    }
}

/// The times at which an edge of so many rakes is sampled, in the order of the samples.
pub(super) fn times(edge: &Edge<'_>, rakes: usize) -> impl Iterator<Item = f32> {
    RakeOrder::new(rakes)
        .flat_map(|rake| (0..RAKE).map(move |sample| (rake, sample)))
        .map(move |(rake, sample)| edge.sample_time(rake, sample, rakes))
}

/// Derivatives 0 to 4 of all flat outputs of an edge at time `t`: `[order][output]`.
pub(super) fn derivatives(edge: &Edge<'_>, t: f32, dof: usize) -> [Vec<f64>; MAX_ORDER + 1] {
    let (segment, local) = edge.locate(t);
    std::array::from_fn(|order| {
        let derivative = |output: usize| {
            let c: Vec<f64> = edge.polynomial(segment, output, dof).iter().map(|&c| c.into()).collect();
            crate::trajectory::derivative(&c, order, f64::from(local))
        };
        (0..dof).map(derivative).collect()
    })
}

/// Positions and derivatives of the joints where the flat outputs have these derivatives; `None` where a vehicle's
/// tell no coordinates.
pub(super) fn states_of(mechanism: &Mechanism, flat: [Vec<f64>; MAX_ORDER + 1]) -> Option<[Vec<f64>; 3]> {
    match vehicle::unflatten(mechanism, &flat) {
        None => {
            let [y, yd, ydd, ..] = flat;
            Some([y, yd, ydd])
        }
        Some(sample) => sample.ok().map(|sample| sample.joints),
    }
}

impl<'p> ScalarChecker<&'p Problem> {
    /// An oracle for states of `problem`, which are not asked for their efforts, until `stop` is due.
    pub(super) fn of_states(problem: &'p Problem, stop: &Stop) -> Self {
        let watch = Watch::new(stop, DISTANCES_PER_ASK);
        Self { torque: false, watch, ..Self::of(problem, 1.0) }
    }

    /// All margins of one state, unless it is time to stop before they are known.
    pub(super) fn margins_in_time(&mut self, y: &[f64], yd: &[f64], ydd: &[f64]) -> Option<Margins> {
        let margins = self.margins(y, yd, ydd);
        (!self.watch.was_due()).then_some(margins)
    }
}

impl EdgeChecker for ScalarChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed().admit_edges(edges)?;
        verdicts.clear();
        for i in 0..edges.len() {
            if self.watch.was_due() {
                break;
            }
            verdicts.push(self.verdict(&edges.get(i)));
        }
        verdicts.resize(edges.len(), Verdict::UNCHECKED);
        Ok(())
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed().admit_states(states)?;
        verdicts.clear();
        for i in 0..states.len() {
            let [y, yd, ydd] =
                [0, 1, 2].map(|d| states.get(i, d).iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
            let verdict = self.margins(&y, &yd, &ydd).verdict(0.0);
            if self.watch.was_due() {
                break;
            }
            verdicts.push(verdict);
        }
        verdicts.resize(states.len(), Verdict::UNCHECKED);
        Ok(())
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        _longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        shares.clear();
        for edge in (0..edges.len()).map(|i| edges.get(i)) {
            let times = self.sample_times(&edge);
            let at = |t| self.effort_share(&edge, t);
            let all = times.into_iter().map(at).fold(f64::INFINITY, f64::min);
            shares.push(all as f32);
        }
        Ok(())
    }

    fn set_padding(&mut self, metres: f64) {
        self.padding = metres;
    }

    fn set_clearance(&mut self, metres: f64) {
        self.clearance = metres;
    }

    fn set_resolution(&mut self, metres: f64) {
        self.resolution = metres;
        if let Some(packed) = self.packed.get_mut() {
            packed.resolution = metres as f32;
        }
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.watch = Watch::new(stop, DISTANCES_PER_ASK);
    }

    fn states_checked(&self) -> u64 {
        self.states_checked
    }

    fn name(&self) -> String {
        "scalar".to_owned()
    }
}
