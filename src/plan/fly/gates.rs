//! Narrow places on the way of a flight, and how the body fits through them: where, which way, and how it leans
//! (Falanga, Mueggler, Faessler and Scaramuzza, *Aggressive quadrotor flight through narrow gaps with onboard sensing
//! and computing*, ICRA 2017; Liu, Mohta, Atanasov and Kumar, *Search-based motion planning for aggressive flight in
//! SE(3)*, RA-L 2018).
//!
//! A guide for the largest ball that the body holds finds the way. Where that leaves less room than the body reaches,
//! place, way and lean are looked for with which the body, as it moves straight on without turning, has most room: by
//! an evolution strategy with one parent and one child, whose steps grow and shrink by the rule of one success in five
//! (Rechenberg, *Evolutionsstrategie*, 1973).

use super::Flight;
use crate::base::{Flat, Moved};
use crate::search::{CellGuide, GuidePath};
use crate::stop::Stop;
use crate::world::{NearObstacles, Obstacle};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// How gates are looked for.
struct GateSettings {
    /// The guide's largest cells, about so many, in a plane and in space.
    cells: [usize; 2],
    /// Its smallest cells, as a share of the body's reach.
    finest: f64,
    /// The same of a guide for a ball that holds the body.
    finest_wide: f64,
    /// Places of the path that are looked at within the body's reach.
    samples: f64,
    /// Paths that are tried, each of which avoids what the body cannot pass on those before.
    paths: u32,
    /// Gates, at most: where there are more, the way is no matter of a few openings.
    most: usize,
    /// Places before and behind the middle of a gate at which the body is looked at.
    sweep: i32,
    /// Room that is as good as any, and what a lean of one radian is worth, as shares of the body's reach.
    roomy: f64,
    upright: f64,
    /// The greatest lean, rad: beyond it the thrust can't soon carry the weight.
    most_lean: f64,
    /// Leans that are begun with, rad, each towards so many sides.
    leans: [f64; 5],
    sides: usize,
    /// How many of the best are gone on from, and by how many steps each, round by round.
    rounds: [(usize, u32); 3],
    /// What a step is multiplied by after a success and after a failure.
    longer: f64,
    shorter: f64,
    /// The first step, in the body's reach and in radians.
    step: f64,
}

const SETTINGS: GateSettings = GateSettings {
    cells: [2000, 6000],
    finest: 0.05,
    finest_wide: 2.0,
    samples: 6.0,
    paths: 4,
    most: 3,
    sweep: 4,
    roomy: 0.2,
    upright: 0.02,
    most_lean: 1.3,
    leans: [0.0, 0.35, 0.7, 1.05, 1.3],
    sides: 8,
    rounds: [(33, 15), (6, 40), (2, 100)],
    longer: 1.5,
    shorter: 0.9,
    step: 0.15,
};

/// A narrow place, and how the body fits through it.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    /// The middle, in the world.
    pub(super) place: DVec3,
    /// Which way through, a unit vector.
    pub(super) way: DVec3,
    /// Where the thrust points, a unit vector.
    pub(super) thrust: DVec3,
    /// Yaw, rad, where there is any.
    pub(super) yaw: f64,
    /// What is left between the body and the world, metres.
    pub(super) room: f64,
    /// How far along the way from the middle the body has to keep its lean, metres.
    pub(super) length: f64,
}

/// What is known of a body and the world around it.
struct Surveyor<'f> {
    flight: &'f Flight<'f>,
    yaw: f64,
    /// Radius of the largest ball about its place that the body holds however it leans, and of the least that holds
    /// the body, metres.
    ball: f64,
    reach: f64,
}

/// The narrow places on a way from the start to a goal, in their order; none where there is no way.
pub(super) fn gates(flight: &Flight<'_>, clearance: f64, seed: u64, stop: &Stop) -> Vec<Gate> {
    let surveyor = Surveyor::new(flight);
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let Some(mut guide) = surveyor.guide(stop) else { return Vec::new() };
    let goals: Vec<DVec3> = flight.goals.iter().map(|goal| surveyor.guided(&goal.level.position)).collect();
    for _ in 0..SETTINGS.paths {
        let path = guide.path_by_smaller(&goals, SETTINGS.finest * surveyor.reach, stop);
        let Some(path) = path.filter(|_| !stop.is_due()) else { break };
        match surveyor.along(&guide, &path, clearance, &mut rng) {
            Ok(gates) => return gates,
            Err(impassable) => guide.avoid(impassable, surveyor.reach),
        }
    }
    Vec::new()
}

/// Corners of a way from the first start to a goal for a ball that holds the body however it leans, in the flat outputs of
/// place; none where there is no such way.
pub(super) fn wide_way(flight: &Flight<'_>, clearance: f64, stop: &Stop) -> Vec<DVec3> {
    let mut surveyor = Surveyor::new(flight);
    surveyor.ball = surveyor.reach + clearance;
    let Some(mut guide) = surveyor.guide(stop) else { return Vec::new() };
    let goals: Vec<DVec3> = flight.goals.iter().map(|goal| surveyor.guided(&goal.level.position)).collect();
    let path = guide.path_by_smaller(&goals, SETTINGS.finest_wide * surveyor.reach, stop);
    path.map_or(Vec::new(), |path| path.points().to_vec())
}

impl<'f> Surveyor<'f> {
    fn new(flight: &'f Flight<'f>) -> Self {
        let yaw = flight.starts[0].level.position.get(flight.envelope.up() + 1).copied().unwrap_or(0.0);
        let mut surveyor = Self { flight, yaw, ball: 0.0, reach: 0.0 };
        for (center, radius) in surveyor.outline(DVec3::Z).unwrap_or_default() {
            surveyor.ball = surveyor.ball.max(radius - center.length());
            surveyor.reach = surveyor.reach.max(radius + center.length());
        }
        surveyor
    }

    /// A place in the world, along as many axes as there are.
    fn guided(&self, outputs: &[f64]) -> DVec3 {
        let mut place = DVec3::ZERO;
        (0..self.flight.axes().len()).for_each(|i| place[i] = outputs[i]);
        place
    }

    /// The place in the world of one in the guide.
    fn in_world(&self, guided: DVec3) -> DVec3 {
        let axes = self.flight.axes().iter();
        axes.zip(guided.to_array()).map(|(axis, x)| *axis * x).sum()
    }

    /// A guide for the largest ball that the body holds, within the bounds of places, as far as these matter.
    fn guide(&self, stop: &Stop) -> Option<CellGuide<'f>> {
        let Self { flight, ball, reach, .. } = *self;
        let obstacles = &flight.problem.world.obstacles;
        let (first, goals) = (&flight.starts[0].level.position, &flight.goals);
        let mut bounds = Vec::new();
        for (i, axis) in flight.axes().iter().enumerate() {
            let ends = goals.iter().map(|goal| goal.level.position[i]).chain([first[i]]).map(|x| [x, x]);
            let worlds = obstacles.iter().map(|o| o.bounds().map(|corner| corner.dot(*axis)));
            let [least, most] = ends.chain(worlds).fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], [c, d]| {
                [a.min(c), b.max(d)]
            });
            let limits = &flight.problem.mechanism.limits[i];
            bounds.push((limits.lower.max(least - 4.0 * reach), limits.upper.min(most + 4.0 * reach)));
        }
        if bounds.iter().any(|(lower, upper)| !(upper - lower).is_finite() || lower >= upper) {
            return None;
        }
        let cells = SETTINGS.cells[bounds.len() - 2];
        let far = reach.max(CellGuide::size_for(&bounds, cells));
        let axes = flight.axes();
        let corners = [0, 1].map(|end| -> DVec3 {
            let along = |(axis, bound): (&DVec3, &(f64, f64))| *axis * if end == 0 { bound.0 } else { bound.1 };
            axes.iter().zip(&bounds).map(along).sum()
        });
        let world = [0, 1, 2].map(|i| (corners[0][i], corners[1][i]));
        let near = NearObstacles::new(obstacles, world, far + ball, stop);
        let clearance = move |place: DVec3| {
            let place = axes.iter().zip(place.to_array()).map(|(axis, x)| *axis * x).sum();
            near.distance(place) - ball
        };
        let start = self.guided(first);
        Some(CellGuide::new(start, &bounds, cells, (reach - ball).max(0.0), Box::new(clearance)))
    }

    /// The gates along a path, or a place of the guide where the body does not fit.
    fn along(
        &self,
        guide: &CellGuide<'_>,
        path: &GuidePath,
        clearance: f64,
        rng: &mut Pcg64Mcg,
    ) -> Result<Vec<Gate>, DVec3> {
        let step = self.reach / SETTINGS.samples;
        let window = (2.0 * SETTINGS.samples) as usize;
        let mut gates = Vec::new();
        for along in guide.narrow_places(path, step, window, self.reach - self.ball) {
            let middle = path.at(along);
            let way = path.at(along + self.reach) - path.at(along - self.reach);
            let tries = GateTries::new(self, self.in_world(middle), self.in_world(way).normalize_or(DVec3::X));
            // Where the body passes level, and easily, nothing is to be done.
            if tries.room(&[0.0; 6], 0.0) >= SETTINGS.roomy * self.reach {
                continue;
            }
            if gates.len() == SETTINGS.most {
                return Ok(Vec::new());
            }
            let fitted = tries.fit(rng);
            gates.push(fitted.filter(|gate| gate.room > 2.0 * clearance).ok_or(middle)?);
        }
        Ok(gates)
    }

    /// The spheres of the body, their centres relative to its place, where its thrust points this way.
    fn outline(&self, thrust: DVec3) -> Option<Vec<(DVec3, f64)>> {
        let coordinates = self.flight.coordinates(DVec3::ZERO, thrust, self.yaw)?;
        let mechanism = &self.flight.problem.mechanism;
        let mut poses = Vec::new();
        mechanism.place(&coordinates, &mut poses);
        let links = mechanism.links.iter().filter(|link| link.body > 0);
        let spheres = links.flat_map(|link| {
            let spheres = &mechanism.spheres[link.spheres.clone()];
            spheres.iter().map(|s| (poses[link.body].point(s.center), s.radius + link.padding))
        });
        Some(spheres.collect())
    }
}

/// Places, ways and leans near a place of the path: how far aside, in the body's reach, how far the way is turned,
/// and the lean, rad; each along as many axes as there are across the way.
struct GateTries<'s, 'f> {
    surveyor: &'s Surveyor<'f>,
    place: DVec3,
    way: DVec3,
    across: Vec<DVec3>,
    near: Vec<&'s Obstacle>,
}

/// One of them, what it is worth, metres, and how far its children are from it.
#[derive(Clone, Debug)]
struct Fit {
    value: f64,
    x: [f64; 6],
    step: f64,
}

impl<'s, 'f> GateTries<'s, 'f> {
    fn new(surveyor: &'s Surveyor<'f>, place: DVec3, way: DVec3) -> Self {
        let far = 4.0 * surveyor.reach;
        let obstacles = surveyor.flight.problem.world.obstacles.iter();
        let near = obstacles.filter(|o| o.signed_distance(place) < far).collect();
        let across = match surveyor.flight.envelope.up() {
            1 => vec![DVec3::Y.cross(way)],
            _ => <[DVec3; 2]>::from(way.any_orthonormal_pair()).to_vec(),
        };
        Self { surveyor, place, way, across, near }
    }

    /// How the body fits best.
    fn fit(&self, rng: &mut Pcg64Mcg) -> Option<Gate> {
        let valued = |x: [f64; 6]| Some(Fit { value: self.value(&x, f64::NEG_INFINITY)?, x, step: SETTINGS.step });
        let mut fits: Vec<Fit> = self.leans().into_iter().filter_map(valued).collect();
        for (kept, steps) in SETTINGS.rounds {
            fits.sort_by(|a, b| b.value.total_cmp(&a.value));
            fits.truncate(kept);
            fits.iter_mut().for_each(|fit| self.better(fit, steps, rng));
        }
        let best = fits.into_iter().max_by(|a, b| a.value.total_cmp(&b.value))?.x;
        self.gate(&best)
    }

    /// Leans to begin with.
    fn leans(&self) -> Vec<[f64; 6]> {
        let sides = if self.across.len() == 1 { 2 } else { SETTINGS.sides };
        let side = |i: usize| (std::f64::consts::TAU * i as f64 / sides as f64).sin_cos();
        let mut leans = Vec::new();
        for lean in SETTINGS.leans {
            for (sin, cos) in (0..if lean == 0.0 { 1 } else { sides }).map(side) {
                let mut x = [0.0; 6];
                (x[4], x[5]) = (lean * cos, lean * sin);
                leans.push(x);
            }
        }
        leans
    }

    /// Makes a fit better by so many steps of chance.
    fn better(&self, fit: &mut Fit, steps: u32, rng: &mut Pcg64Mcg) {
        let plane = self.across.len() == 1;
        for _ in 0..steps {
            let mut tried = fit.x;
            for (i, x) in tried.iter_mut().enumerate() {
                // In a plane there is one axis of each.
                if !plane || i % 2 == 0 {
                    *x += fit.step * (rng.random::<f64>() + rng.random::<f64>() + rng.random::<f64>() - 1.5);
                }
            }
            fit.step *= match self.value(&tried, fit.value) {
                Some(found) => {
                    (fit.value, fit.x) = (found, tried);
                    SETTINGS.longer
                }
                None => SETTINGS.shorter,
            };
        }
    }

    /// Middle, way and direction of the thrust.
    fn vectors(&self, x: &[f64; 6]) -> [DVec3; 3] {
        let aside = |of: &[f64]| -> DVec3 { self.across.iter().zip(of).map(|(axis, x)| *axis * *x).sum() };
        let place = self.place + self.surveyor.reach * aside(&x[0..2]);
        let way = (self.way + aside(&x[2..4])).normalize();
        let lean = DVec3::new(x[4], x[5], 0.0);
        let angle = lean.length();
        let thrust = DVec3::Z * angle.cos() + lean.normalize_or_zero() * angle.sin();
        [place, way, thrust]
    }

    /// The more room the better, and where that is enough, the less lean; `None` where it is no more than `least`.
    fn value(&self, x: &[f64; 6], least: f64) -> Option<f64> {
        let (lean, reach) = (x[4].hypot(x[5]), self.surveyor.reach);
        let cost = SETTINGS.upright * reach * (lean * lean + x[2] * x[2] + x[3] * x[3]);
        if lean > SETTINGS.most_lean || SETTINGS.roomy * reach - cost <= least {
            return None;
        }
        let room = self.room(x, least + cost);
        (room > least + cost).then(|| room.min(SETTINGS.roomy * reach) - cost)
    }

    /// Distance of the body from the world as it moves through, metres; where it is no more than `least`, something
    /// that is not either.
    fn room(&self, x: &[f64; 6], least: f64) -> f64 {
        let [place, way, thrust] = self.vectors(x);
        let Some(outline) = self.surveyor.outline(thrust) else { return f64::NEG_INFINITY };
        let mut room = f64::INFINITY;
        for at in self.sweep(place, way) {
            for obstacle in &self.near {
                // None of its spheres is nearer than that.
                if obstacle.signed_distance(at) - self.surveyor.reach >= room {
                    continue;
                }
                for (center, radius) in &outline {
                    room = room.min(obstacle.signed_distance(at + *center) - radius);
                    if room <= least {
                        return room;
                    }
                }
            }
        }
        room
    }

    /// Places along the way, the middle first.
    fn sweep(&self, place: DVec3, way: DVec3) -> impl Iterator<Item = DVec3> {
        let step = self.surveyor.reach / f64::from(SETTINGS.sweep) * way;
        (0..=SETTINGS.sweep).flat_map(move |i| {
            let aside = f64::from(i) * step;
            [Some(place + aside), (i > 0).then_some(place - aside)].into_iter().flatten()
        })
    }

    fn gate(&self, x: &[f64; 6]) -> Option<Gate> {
        let [place, way, thrust] = self.vectors(x);
        let reach = self.surveyor.reach;
        let clear = |along: f64| {
            let at = place + along * way;
            self.near.iter().all(|obstacle| obstacle.signed_distance(at) >= reach)
        };
        let step = reach / SETTINGS.samples;
        let mut lengths = (1..).map(|i| step * f64::from(i)).take_while(|&along| along <= 4.0 * reach);
        let length = lengths.find(|&along| clear(along) && clear(-along)).unwrap_or(2.0 * reach);
        let room = self.room(x, 0.0).min(reach);
        (room > 0.0).then_some(Gate { place, way, thrust, yaw: self.surveyor.yaw, room, length })
    }
}

impl Flight<'_> {
    /// Coordinates of the base at a place, where the thrust points this way, if there are any.
    pub(super) fn coordinates(&self, place: DVec3, thrust: DVec3, yaw: f64) -> Option<Vec<f64>> {
        let gravity = self.envelope.hovering();
        let mut flat = Flat::default();
        for (i, axis) in self.axes().iter().enumerate() {
            flat.derivatives[0][i] = place.dot(*axis);
            flat.derivatives[2][i] = gravity * (thrust - DVec3::Z).dot(*axis);
        }
        if self.envelope.outputs() > self.axes().len() {
            flat.derivatives[0][self.axes().len()] = yaw;
        }
        let mut moved = Moved::default();
        self.base.map(&flat, &mut moved).ok()?;
        Some(moved.coordinates.iter().map(|c| c.value()).collect())
    }
}
