//! The oracle: one state after the other in plain `f64`, from the mechanism and the world
//! themselves, without early exits, bounds or any other cleverness. Fast backends must agree with it.

mod vehicle;

use super::packed::{Edge, LIMIT_SLACK, Packed, RAKE, RakeOrder};
use super::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Status, Verdict};
use crate::base::MAX_ORDER;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::{DynamicsScratch, OutputLimits, Sphere};
use glam::DVec3;

/// The `f64` oracle as a checker.
pub struct ScalarChecker {
    problem: Problem,
    /// Only says where edges are sampled, and whether efforts are checked.
    packed: Packed,
    padding: f64,
    poses: Vec<Pose>,
    centers: Vec<DVec3>,
    dynamics: DynamicsScratch,
    efforts: Vec<f64>,
    states_checked: u64,
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
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        Self {
            packed: Packed::new(problem, resolution),
            problem: problem.clone(),
            padding: 0.0,
            poses: Vec::new(),
            centers: Vec::new(),
            dynamics: DynamicsScratch::default(),
            efforts: vec![0.0; problem.mechanism.dof()],
            states_checked: 0,
        }
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
        let flat = derivatives(edge, t, self.problem.mechanism.flat_dof());
        match vehicle::unflatten(&self.problem.mechanism, &flat) {
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
        let rakes = self.packed.rakes(edge);
        RakeOrder::new(rakes)
            .flat_map(|rake| (0..RAKE).map(move |tooth| (rake, tooth)))
            .map(|(rake, tooth)| edge.sample_time(rake, tooth, rakes))
            .collect()
    }

    /// How much an edge could move at time `t` within the efforts: see [`EdgeChecker::effort_shares`].
    fn effort_share(&mut self, edge: &Edge<'_>, t: f32) -> f64 {
        self.states_checked += 1;
        let m = &self.problem.mechanism;
        let [y, yd, ydd, ..] = derivatives(edge, t, m.flat_dof());
        let still = vec![0.0; m.dof()];
        let mut efforts = |yd: &[f64], ydd: &[f64]| {
            let mut efforts = vec![0.0; m.dof()];
            m.inverse_dynamics(&y, yd, ydd, self.problem.gravity, &mut self.dynamics, &mut efforts);
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
        let m = &self.problem.mechanism;
        m.place(y, &mut self.poses);
        self.centers.clear();
        for link in &m.links {
            let pose = &self.poses[link.body];
            self.centers.extend(m.spheres[link.spheres.clone()].iter().map(|s| pose.point(s.center)));
        }
    }

    fn collide(&self, margins: &mut Margins) {
        let m = &self.problem.mechanism;
        let sphere = |i: usize| Sphere { center: self.centers[i], radius: m.spheres[i].radius };
        for (l, link) in m.links.iter().enumerate().filter(|(_, link)| link.body != 0) {
            for s in link.spheres.clone().map(sphere) {
                for (o, obstacle) in self.problem.world.obstacles.iter().enumerate() {
                    let clearance = obstacle.signed_distance(s.center) - s.radius - self.padding;
                    margins.lower(Status::World, clearance, l, o);
                }
            }
        }
        for &[a, b] in &m.pairs {
            for s in m.links[a].spheres.clone().map(sphere) {
                for o in m.links[b].spheres.clone().map(sphere) {
                    let clearance = s.center.distance(o.center) - s.radius - o.radius - self.padding;
                    margins.lower(Status::SelfCollision, clearance, a, b);
                }
            }
        }
    }

    fn limits(&mut self, y: &[f64], yd: &[f64], ydd: &[f64], margins: &mut Margins) {
        let slack = f64::from(LIMIT_SLACK);
        let share = |value: f64, limit: f64| 1.0 + slack - value.abs() / limit;
        for (j, l) in self.problem.mechanism.limits.iter().enumerate() {
            margins.lower(Status::Position, (y[j] - l.lower).min(l.upper - y[j]) + slack, j, 0);
            margins.lower(Status::Velocity, share(yd[j], l.velocity), j, 0);
            margins.lower(Status::Acceleration, share(ydd[j], l.acceleration), j, 0);
        }
        if self.packed.torque {
            let m = &self.problem.mechanism;
            m.inverse_dynamics(y, yd, ydd, self.problem.gravity, &mut self.dynamics, &mut self.efforts);
            for (j, l) in m.limits.iter().enumerate() {
                margins.lower(Status::Effort, share(self.efforts[j], l.effort), j, 0);
            }
        }
    }
}

/// Derivatives 0 to 4 of all flat outputs of an edge at time `t`: `[order][output]`.
fn derivatives(edge: &Edge<'_>, t: f32, dof: usize) -> [Vec<f64>; MAX_ORDER + 1] {
    let (segment, local) = edge.locate(t);
    std::array::from_fn(|order| {
        let derivative = |output: usize| {
            let c: Vec<f64> = edge.polynomial(segment, output, dof).iter().map(|&c| c.into()).collect();
            crate::trajectory::derivative(&c, order, f64::from(local))
        };
        (0..dof).map(derivative).collect()
    })
}

impl EdgeChecker for ScalarChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        for edge in (0..edges.len()).map(|i| edges.get(i)) {
            let failed = self
                .sample_times(&edge)
                .into_iter()
                .map(|t| self.margins_at(&edge, t).verdict(t))
                .find(|verdict| !verdict.is_valid());
            verdicts.push(failed.unwrap_or(Verdict::VALID));
        }
        Ok(())
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        for i in 0..states.len() {
            let [y, yd, ydd] =
                [0, 1, 2].map(|d| states.get(i, d).iter().map(|&x| f64::from(x)).collect::<Vec<_>>());
            verdicts.push(self.margins(&y, &yd, &ydd).verdict(0.0));
        }
        Ok(())
    }

    fn effort_shares(&mut self, edges: &EdgeBatch, shares: &mut Vec<f32>) -> Result<(), CheckError> {
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

    fn set_resolution(&mut self, metres: f64) {
        self.packed.resolution = metres as f32;
    }

    fn states_checked(&self) -> u64 {
        self.states_checked
    }

    fn name(&self) -> String {
        "scalar".to_owned()
    }
}
