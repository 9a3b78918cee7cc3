//! No collision at any instant, by refinement of intervals of time.
//!
//! On an interval, the robot stands as at one instant m, and every sphere gets a bound on how far
//! it comes from there. A pair whose distance at m exceeds the bound is proved for the whole
//! interval and dropped; the others go on to its parts. Far pairs so leave at the top, and only
//! near misses are followed down. Eight pairs are tested at a time (`vector`), and a hierarchy over
//! the obstacles (`solids`) gives a link those that it may come near to.
//!
//! Links' bounding spheres are tested first, then their spheres. How both move: see `motion`. Since
//! distance to a convex set is a convex function, it stays above its tangent at m: what slides past
//! an obstacle, however fast, costs third order only.

use super::findings::Findings;
use super::interval::Variation;
use super::motion::{Ball, Balls, Mover, Moves, Rigid};
use super::options::{CertifyOptions, INTERVAL, MAX_INTERVALS, ask};
use super::report::{Clearance, Nearest, Violation};
use super::solids::{Shaped, Solids};
use super::span::Span;
use crate::base::Singular;
use crate::pose::Pose;
use crate::robot::{AlwaysTouching, CollisionLink, JointMotion, Mechanism, Overlap};
use crate::stop::Watch;
use crate::trajectory::Trajectory;
use crate::vector::{Doubles, F64_LANES, Kernel, Level, Simd, Simd64, Vector};
use crate::world::{Obstacle, Shape, World};
use std::ops::Range;

/// Placing a body and measuring a distance in `f64` errs by some 1e-15 per joint of how far from the origin all
/// that happens; with this share of that taken off every distance, bounds are proofs.
pub(super) const ROUNDING: f64 = 1.0 / (1_u64 << 36) as f64;

/// The same of how far a vehicle's links are from its base, whose heading is less exact where it rests.
const HEADING: f64 = 1e-9;

/// Parts of equal duration, about, that a proof begins with. Between reach and clearance, an arm among
/// obstacles is hardly ever proved on longer ones, which cost the most: all pairs are listed on them.
const FIRST_PARTS: usize = 16;

/// Where something all but touches and the proof goes on nevertheless, parts of this share of the duration are
/// halved no more.
const COARSE: f64 = 1e-3;

/// What tells where joints are and how they move.
pub(super) trait JointVariations {
    /// Writes where the joints stand at an instant of `span` and how they vary about that, and returns
    /// the instant.
    ///
    /// # Errors
    /// Why nothing is known over so long a span.
    fn stand(
        &mut self,
        trajectory: &Trajectory,
        span: &Span,
        positions: &mut Vec<f64>,
        variations: &mut Vec<Variation>,
    ) -> Result<f64, Singular>;

    /// The greatest magnitude that a joint's position has along the trajectory, as far as anything is known of it.
    fn farthest(&self, joint: usize) -> f64;
}

/// The greatest magnitude of values within ranges, as far as there are any.
pub(super) fn magnitude(ranges: impl Iterator<Item = [f64; 2]>) -> f64 {
    ranges.flatten().map(f64::abs).filter(|size| size.is_finite()).fold(0.0, f64::max)
}

/// The proof for one mechanism in one world.
pub(super) struct Collisions<'a> {
    mechanism: &'a Mechanism,
    world: &'a World,
    sizes: Sizes,
    solids: Solids,
    moves: Moves,
    /// The movers that can meet obstacles.
    free: Vec<usize>,
    /// All pairs of links.
    pairs: Vec<OpenPairs>,
    /// Those of which some spheres are not judged, sorted by links.
    left_out: Vec<LeftOut>,
    /// What stands still and collides.
    fixed: Option<Violation>,
    scratch: CollisionScratch,
    pub(super) level: Level,
}

/// Lengths that distances are made of, metres: what rounding is a share of.
struct Sizes {
    /// From the world's origin to the robot's tip or past the farthest obstacle, but for joints that slide.
    all: f64,
    /// From a vehicle's base to the tip; of other mechanisms nothing.
    vehicle: f64,
}

/// Spheres of a pair of links that are not judged, because they always touch.
struct LeftOut {
    links: [usize; 2],
    /// Blocks of the second link's spheres.
    blocks: usize,
    /// For each sphere of the first, bits by lane of each block.
    lanes: Vec<u8>,
}

/// A mover against a block of others: pairs that are not proved yet.
#[derive(Clone, Copy, Debug)]
struct OpenPairs {
    mover: usize,
    against: Against,
    /// Bit by lane of the block.
    open: u8,
}

#[derive(Clone, Copy, Debug)]
enum Against {
    /// A block of obstacles.
    World(usize),
    /// A block of movers.
    Links(usize),
}

/// Two things that could meet: a link, and an obstacle or another link.
#[derive(Clone, Copy)]
struct MeetingPair {
    link: usize,
    other: Other,
}

#[derive(Clone, Copy)]
enum Other {
    Obstacle(usize),
    Link(usize),
}

/// Working memory of one proof.
#[derive(Default)]
struct CollisionScratch {
    /// Intervals to prove, the earliest last.
    spans: Vec<(Span, Range<usize>)>,
    /// Pairs not proved yet: stacked lists, one per level of refinement.
    items: Vec<OpenPairs>,
    /// All bodies at the instant m.
    poses: Vec<Pose>,
    /// How each joint moves over the interval.
    joints: Vec<Variation>,
    /// Where the joints stand at m.
    y: Vec<f64>,
}

impl<'a> Collisions<'a> {
    /// The tables, as far as they are made before it is time to stop.
    pub(super) fn new(mechanism: &'a Mechanism, world: &'a World, watch: &mut Watch) -> Self {
        let links = &mechanism.links;
        let solid = |link: &usize| !links[*link].spheres.is_empty();
        let meets = |pair: &&[usize; 2]| pair.iter().all(solid);
        let ancestor = |&[a, b]: &[usize; 2]| common_ancestor(mechanism, [links[a].body, links[b].body]);
        let mut movers: Vec<Mover> = (0..links.len())
            .filter(|link| links[*link].body != 0 && solid(link))
            .map(|link| Mover { ancestor: 0, link })
            .collect();
        for pair in mechanism.pairs.iter().filter(meets) {
            let ancestor = ancestor(pair);
            movers.extend(pair.map(|link| Mover { ancestor, link }));
        }
        movers.sort_unstable();
        movers.dedup();
        let is_free = |&i: &usize| movers[i].ancestor == 0 && links[movers[i].link].body != 0;
        let free = (0..movers.len()).filter(is_free).collect();
        let place = |ancestor, link| movers.partition_point(|mover| *mover < Mover { ancestor, link });
        let mut pairs: Vec<(usize, usize)> = mechanism
            .pairs
            .iter()
            .filter(meets)
            .map(|pair| (place(ancestor(pair), pair[0]), place(ancestor(pair), pair[1])))
            .collect();
        pairs.sort_unstable();
        let same_block =
            |a: &(usize, usize), b: &(usize, usize)| (a.0, a.1 / F64_LANES) == (b.0, b.1 / F64_LANES);
        let item = |pairs: &[(usize, usize)]| OpenPairs {
            mover: pairs[0].0,
            against: Against::Links(pairs[0].1 / F64_LANES),
            open: pairs.iter().fold(0, |open, pair| open | 1 << (pair.1 % F64_LANES)),
        };
        Self {
            mechanism,
            world,
            sizes: Sizes::new(mechanism, world),
            solids: Solids::new(&world.obstacles, watch),
            free,
            pairs: pairs.chunk_by(same_block).map(item).collect(),
            left_out: mechanism.always.iter().map(|always| LeftOut::new(mechanism, always)).collect(),
            moves: Moves::new(mechanism, movers),
            fixed: standing_collision(mechanism, world, watch).or_else(|| standing_overlap(mechanism)),
            scratch: CollisionScratch::default(),
            level: Level::in_use(),
        }
    }

    /// Proves that nothing meets at any instant, or comes nearer than is asked for. `motion` is what is known of
    /// the joints along the trajectory.
    pub(super) fn prove<J: JointVariations>(
        &mut self,
        trajectory: &Trajectory,
        motion: &mut J,
        options: &CertifyOptions,
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<KeptClearances, Violation> {
        if let Some(fixed) = &self.fixed {
            findings.add(fixed.clone())?;
        }
        let rounding = self.rounding(motion);
        let proof = CollisionProof {
            mechanism: self.mechanism,
            world: self.world,
            solids: &self.solids,
            free: &self.free,
            pairs: &self.pairs,
            left_out: &self.left_out,
            moves: &mut self.moves,
            scratch: &mut self.scratch,
            trajectory,
            motion,
            watch,
            findings,
            coarse: 0.0,
            of_world: Distances::new(options.least_world_clearance, options.world_tolerance, rounding),
            of_links: Distances::new(0.0, options.links_tolerance, rounding),
            intervals: 0,
        };
        self.level.run(proof)
    }

    /// By how much distances may be wrong along a trajectory, metres.
    fn rounding<J: JointVariations>(&self, motion: &J) -> f64 {
        let slides = self.mechanism.bodies.iter().filter(|body| body.motion == JointMotion::Prismatic);
        let slid: f64 = slides.map(|body| body.ratio.abs() * motion.farthest(body.output)).sum();
        ROUNDING * (self.sizes.all + slid) + HEADING * self.sizes.vehicle
    }
}

impl Sizes {
    fn new(mechanism: &Mechanism, world: &World) -> Self {
        let mut reach: Vec<f64> = Vec::with_capacity(mechanism.bodies.len());
        for (index, body) in mechanism.bodies.iter().enumerate() {
            // Parents stand before their children; the base, by itself, in the world.
            let parent = if index == 0 { 0.0 } else { reach[body.parent] };
            let offset = if body.motion == JointMotion::Prismatic { body.offset.abs() } else { 0.0 };
            reach.push(parent + body.placement.translation.length() + offset);
        }
        let tip = |link: &CollisionLink| {
            reach[link.body] + link.bound.center.length() + link.bound.radius + link.padding
        };
        let robot = mechanism.links.iter().map(tip).fold(0.0, f64::max);
        let farthest = world.obstacles.iter().map(far_end).fold(0.0, f64::max);
        let vehicle = if mechanism.vehicle().is_some() { robot } else { 0.0 };
        Self { all: robot.max(farthest), vehicle }
    }
}

/// How far from the origin an obstacle reaches, at most, metres; of one without bounds, where it stands.
pub(super) fn far_end(obstacle: &Obstacle) -> f64 {
    let size = match obstacle.shape {
        Shape::Sphere { radius } => radius,
        Shape::Cuboid { half_extents } => half_extents.length(),
        Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
            radius + half_length
        }
        Shape::HalfSpace => 0.0,
    };
    obstacle.pose.translation.length() + size
}

/// What came of a proof.
pub(super) struct KeptClearances {
    /// Distance kept from obstacles.
    pub(super) world: Clearance,
    /// Distance kept between links.
    pub(super) links: Clearance,
    /// Intervals of time that it took.
    pub(super) intervals: usize,
}

/// What is known of the distances between things of two kinds, metres.
struct Distances {
    /// That is asked for.
    asked: f64,
    /// To within this the least is to be told.
    tolerance: f64,
    /// By how much they may be wrong.
    rounding: f64,
    /// The smallest bound, and the nearest that two spheres were seen, and when.
    at_least: f64,
    nearest: Option<(MeetingPair, f64, f64)>,
}

impl Distances {
    fn new(asked: f64, tolerance: Option<f64>, rounding: f64) -> Self {
        let tolerance = tolerance.unwrap_or(f64::INFINITY);
        Self { asked, tolerance, rounding, at_least: f64::INFINITY, nearest: None }
    }

    /// The least that was seen.
    #[inline(always)]
    fn near(&self) -> f64 {
        self.nearest.map_or(f64::INFINITY, |(_, distance, _)| distance)
    }

    /// What is still to be kept: what is asked for, or, once it was seen to be missed, no more than that nothing
    /// meets; nothing once there is a collision.
    #[inline(always)]
    fn wanted(&self) -> f64 {
        match self.near() {
            near if near < 0.0 => f64::NEG_INFINITY,
            near if near < self.asked => 0.0,
            _ => self.asked,
        }
    }

    /// A distance that proves a pair. At the floor any that is wanted will do; above it, the clearance is to be
    /// told to a tolerance. Once there is a collision, worse ones alone are looked for.
    #[inline(always)]
    fn enough(&self, floor: bool) -> f64 {
        let enough = self.wanted() + self.rounding;
        if floor { enough } else { enough.max(self.near() - self.tolerance) }
    }

    /// Takes note of a bound.
    #[inline(always)]
    fn prove(&mut self, bound: f64) {
        self.at_least = self.at_least.min(bound - self.rounding);
    }

    /// Takes note of what was seen of a pair.
    #[inline(always)]
    fn see(&mut self, pair: MeetingPair, distance: f64, time: f64) {
        if distance < self.near() {
            self.nearest = Some((pair, distance, time));
        }
    }
}

/// A proof under way.
struct CollisionProof<'p, J> {
    mechanism: &'p Mechanism,
    world: &'p World,
    solids: &'p Solids,
    free: &'p [usize],
    pairs: &'p [OpenPairs],
    left_out: &'p [LeftOut],
    moves: &'p mut Moves,
    scratch: &'p mut CollisionScratch,
    trajectory: &'p Trajectory,
    motion: &'p mut J,
    watch: &'p mut Watch,
    findings: &'p mut Findings,
    /// No part of a segment is halved below this, seconds: nothing, until something all but touches.
    coarse: f64,
    of_world: Distances,
    of_links: Distances,
    intervals: usize,
}

/// What an interval says of a pair, or of several.
#[derive(Clone, Copy)]
struct PairBound {
    /// Proved to be kept.
    proved: f64,
    /// The least that was seen between two spheres at the middle of the interval.
    seen: f64,
    /// Whether all of it is proved.
    apart: bool,
}

impl PairBound {
    /// The same of spheres that are greater by a padding.
    #[inline(always)]
    fn padded(self, padding: f64) -> Self {
        Self { proved: self.proved - padding, seen: self.seen - padding, ..self }
    }
}

impl<J: JointVariations> Kernel for CollisionProof<'_, J> {
    type Output = Result<KeptClearances, Violation>;

    #[inline(always)]
    fn call<S: Simd>(mut self, level: S) -> Self::Output {
        self.scratch.items.clear();
        self.scratch.spans.clear();
        let all = Span::of(self.trajectory, 0..self.trajectory.len());
        all.divide(self.trajectory, FIRST_PARTS, &(0..0), &mut self.scratch.spans);
        while let Some((span, list)) = self.scratch.spans.pop() {
            self.refine(level, &span, list)?;
        }
        for (pair, distance, time) in [self.of_world.nearest, self.of_links.nearest].into_iter().flatten() {
            if let Some(violation) = self.violation(pair, distance, time) {
                self.findings.add(violation)?;
            }
        }
        let clearance = |of: &Distances| Clearance {
            // Whatever is above what is asked for by less than rounding was proved to be above it.
            at_least: of.at_least.max(of.asked),
            nearest: of.nearest.map(|(pair, distance, time)| Nearest {
                between: names(self.mechanism, self.world, &pair),
                distance,
                time,
            }),
        };
        let (world, links) = (clearance(&self.of_world), clearance(&self.of_links));
        Ok(KeptClearances { world, links, intervals: self.intervals })
    }
}

impl<J: JointVariations> CollisionProof<'_, J> {
    /// Proves the listed pairs over `span` (all pairs, where none is listed), or leaves its parts
    /// to be proved.
    #[inline(always)]
    fn refine<S: Simd64>(&mut self, level: S, span: &Span, list: Range<usize>) -> Result<(), Violation> {
        ask(self.watch, INTERVAL, self.intervals)?;
        self.intervals += 1;
        self.scratch.items.truncate(list.end);
        let is_short = span.segments.len() == 1 && span.to - span.from <= self.coarse;
        let floor = is_short || span.is_floor(self.trajectory) || self.intervals > MAX_INTERVALS;
        let instant = match self.stand(span) {
            Ok(instant) => instant,
            Err(reason) if floor => {
                self.findings.add(Violation::singular(reason, span.begin(self.trajectory)))?;
                // Of the rest of this segment, little would be known.
                self.scratch.spans.retain(|(other, _)| other.segments != span.segments);
                return Ok(());
            }
            Err(_) => {
                span.divide(self.trajectory, 2, &list, &mut self.scratch.spans);
                return Ok(());
            }
        };
        let mut list = list;
        if list.is_empty() {
            self.list_all(level);
            list = 0..self.scratch.items.len();
        }
        let first = self.scratch.items.len();
        for k in list {
            ask(self.watch, 1, self.intervals)?;
            let mut item = self.scratch.items[k];
            self.moves.follow(level, item.mover / F64_LANES, &self.scratch.poses, &self.scratch.joints);
            item.open = match item.against {
                Against::World(block) => self.pass_obstacles(level, &item, block, instant, floor)?,
                Against::Links(block) => self.pass_links(level, &item, block, instant, floor)?,
            };
            if item.open != 0 {
                self.scratch.items.push(item);
            }
        }
        let open = first..self.scratch.items.len();
        if !open.is_empty() {
            span.divide(self.trajectory, 2, &open, &mut self.scratch.spans);
        }
        Ok(())
    }

    /// Places the bodies as at an instant of `span`, bounds the motion of their joints, and returns
    /// that instant.
    #[inline(always)]
    fn stand(&mut self, span: &Span) -> Result<f64, Singular> {
        let CollisionScratch { poses, joints, y, .. } = &mut *self.scratch;
        let instant = self.motion.stand(self.trajectory, span, y, joints)?;
        self.mechanism.place(y, poses);
        self.moves.forget();
        Ok(instant)
    }

    /// Lists all pairs but those of obstacles that are too far away to matter.
    #[inline(always)]
    fn list_all<S: Simd64>(&mut self, level: S) {
        for &mover in self.free {
            self.moves.follow(level, mover / F64_LANES, &self.scratch.poses, &self.scratch.joints);
            let (center, reach) = self.moves.reach(mover);
            let reach = reach + self.padding(mover);
            let (enough, items) = (self.of_world.enough(false), &mut self.scratch.items);
            let others = self.solids.near(center, reach, enough, |block| {
                let open = self.solids.blocks[block].lanes;
                items.push(OpenPairs { mover, against: Against::World(block), open });
            });
            self.of_world.prove(others);
        }
        self.scratch.items.extend_from_slice(self.pairs);
    }

    /// How far a mover stays from obstacles beside what is asked for, metres.
    #[inline(always)]
    fn padding(&self, mover: usize) -> f64 {
        self.mechanism.links[self.moves.link(mover)].padding
    }

    /// Tests a mover against a block of obstacles, and returns which are open still.
    #[inline(always)]
    fn pass_obstacles<S: Simd64>(
        &mut self,
        level: S,
        item: &OpenPairs,
        block: usize,
        instant: f64,
        floor: bool,
    ) -> Result<u8, Violation> {
        let rigid = self.moves.rigid(level, item.mover, &self.scratch.poses);
        let block = &self.solids.blocks[block];
        // Distances are those of padded links.
        let padding = self.padding(item.mover);
        let enough = level.splat(self.of_world.enough(floor) + padding);
        let (proved, _) = gap_to_solid(&rigid.bound, &block.load(level), enough);
        let far = proved.gt(enough) & item.open;
        note(level, &mut self.of_world, proved - level.splat(padding), far);
        let mut open = item.open & !far;
        let mut untested = open;
        while untested != 0 {
            let lane = untested.trailing_zeros() as usize;
            untested &= untested - 1;
            let obstacle = block.obstacles[lane];
            let solid = self.solids.splat(level, obstacle);
            let (spheres, enough) = (self.moves.spheres(item.mover), self.of_world.enough(floor));
            let bound = spheres_to_solid(level, &rigid, spheres, &solid, enough + padding).padded(padding);
            let pair = MeetingPair { link: self.moves.link(item.mover), other: Other::Obstacle(obstacle) };
            if self.judge(pair, &bound, instant, floor)? {
                open &= !(1 << lane);
            }
        }
        Ok(open)
    }

    /// Tests a mover against a block of movers, and returns which are open still.
    #[inline(always)]
    fn pass_links<S: Simd64>(
        &mut self,
        level: S,
        item: &OpenPairs,
        block: usize,
        instant: f64,
        floor: bool,
    ) -> Result<u8, Violation> {
        self.moves.follow(level, block, &self.scratch.poses, &self.scratch.joints);
        let rigid = self.moves.rigid(level, item.mover, &self.scratch.poses);
        let enough = level.splat(self.of_links.enough(floor));
        let (proved, _) = gap_to_ball(&rigid.bound, &self.moves.bounds(level, block), enough);
        let far = proved.gt(enough) & item.open;
        note(level, &mut self.of_links, proved, far);
        let mut open = item.open & !far;
        let mut untested = open;
        while untested != 0 {
            let lane = untested.trailing_zeros() as usize;
            untested &= untested - 1;
            let other = block * F64_LANES + lane;
            let theirs = self.moves.rigid(level, other, &self.scratch.poses);
            let spheres = [item.mover, other].map(|mover| self.moves.spheres(mover));
            let links = [item.mover, other].map(|mover| self.moves.link(mover));
            let found = self.left_out.binary_search_by_key(&links, |l| l.links);
            let left_out = found.ok().map(|at| &self.left_out[at]);
            let enough = self.of_links.enough(floor);
            let bound = spheres_to_spheres(level, &rigid, &theirs, spheres, left_out, enough);
            let pair = MeetingPair { link: links[0], other: Other::Link(links[1]) };
            if self.judge(pair, &bound, instant, floor)? {
                open &= !(1 << lane);
            }
        }
        Ok(open)
    }

    /// Takes note of what was found out about the spheres of a pair: whether it is settled.
    #[inline(always)]
    fn judge(
        &mut self,
        pair: MeetingPair,
        bound: &PairBound,
        instant: f64,
        floor: bool,
    ) -> Result<bool, Violation> {
        let of = match pair.other {
            Other::Obstacle(_) => &mut self.of_world,
            Other::Link(_) => &mut self.of_links,
        };
        let misses = bound.seen < of.asked;
        of.see(pair, bound.seen, instant);
        if bound.apart {
            of.prove(bound.proved);
        }
        if misses && !self.findings.keeps() {
            return self.violation(pair, bound.seen, instant).map_or(Ok(true), Err);
        }
        if bound.apart || !floor {
            return Ok(bound.apart);
        }
        if !misses {
            let (between, asked) = (names(self.mechanism, self.world, &pair), of.wanted());
            let violation = Violation::ClearanceNotProved { between, gap: bound.seen, asked, time: instant };
            self.findings.add(violation)?;
            self.coarse = COARSE * self.trajectory.duration();
        }
        Ok(true)
    }

    /// What stands against a pair that was seen at some distance.
    #[cold]
    fn violation(&self, pair: MeetingPair, distance: f64, time: f64) -> Option<Violation> {
        let (depth, asked) = (-distance, self.of_world.asked);
        let [link, other] = names(self.mechanism, self.world, &pair);
        match pair.other {
            Other::Obstacle(_) if distance < 0.0 => {
                Some(Violation::Collision { link, obstacle: other, depth, time })
            }
            Other::Obstacle(_) if distance < asked => {
                Some(Violation::TooNear { link, obstacle: other, distance, asked, time })
            }
            Other::Link(_) if distance < 0.0 => {
                Some(Violation::SelfCollision { links: [link, other], depth, time })
            }
            _ => None,
        }
    }
}

/// Takes note of bounds that hold for all spheres of links, in the lanes that prove a pair.
#[inline(always)]
fn note<S: Simd64>(level: S, of: &mut Distances, proved: S::F, lanes: u8) {
    let less = level.splat(of.at_least).gt(proved) & lanes;
    if less != 0 {
        of.prove(proved.pick(less, proved.like(f64::INFINITY)).least());
    }
}

impl LeftOut {
    fn new(mechanism: &Mechanism, always: &AlwaysTouching) -> Self {
        let [count, others] = always.links.map(|link| mechanism.links[link].spheres.len());
        let blocks = others.div_ceil(F64_LANES);
        let mut lanes = vec![0; count * blocks];
        for &[sphere, other] in &always.spheres {
            let block = &mut lanes[sphere * blocks + other / F64_LANES];
            *block |= 1 << (other % F64_LANES);
            // Lanes that are left over repeat the last sphere.
            if other + 1 == others {
                *block |= u8::MAX << (other % F64_LANES);
            }
        }
        Self { links: always.links, blocks, lanes }
    }

    /// The lanes of a block of the second link's spheres that are not judged against a sphere of the first.
    fn lanes(&self, sphere: usize, block: usize) -> u8 {
        self.lanes[sphere * self.blocks + block]
    }
}

/// The spheres of a link against an obstacle, until one is open.
#[inline(always)]
fn spheres_to_solid<S: Simd64>(
    level: S,
    rigid: &Rigid<S::F>,
    spheres: &[Balls],
    solid: &Shaped<S::F>,
    enough: f64,
) -> PairBound {
    let enough = level.splat(enough);
    let (mut proved, mut seen) = (level.splat(f64::INFINITY), level.splat(f64::INFINITY));
    let mut apart = true;
    for balls in spheres {
        let (kept, at_m) = gap_to_solid(&rigid.carry(level, balls), solid, enough);
        apart &= kept.gt(enough) == u8::MAX;
        proved = proved.min(kept);
        seen = seen.min(at_m);
        if !apart {
            break;
        }
    }
    PairBound { proved: proved.least(), seen: seen.least(), apart }
}

/// The spheres of two links against each other, but for those that are left out, until a pair is open.
#[inline(always)]
fn spheres_to_spheres<S: Simd64>(
    level: S,
    ours: &Rigid<S::F>,
    theirs: &Rigid<S::F>,
    [our_spheres, their_spheres]: [&[Balls]; 2],
    left_out: Option<&LeftOut>,
    enough: f64,
) -> PairBound {
    let enough = level.splat(enough);
    let (mut proved, mut seen) = (level.splat(f64::INFINITY), level.splat(f64::INFINITY));
    for (chunk, balls) in our_spheres.iter().enumerate() {
        let some = ours.carry(level, balls);
        let (kept, _) = gap_to_ball(&some, &theirs.bound, enough);
        let far = kept.gt(enough);
        proved = proved.min(kept.pick(far, proved));
        let mut near = !far & balls.lanes;
        while near != 0 {
            let lane = near.trailing_zeros() as usize;
            let one = some.lane(lane);
            near &= near - 1;
            for (block, balls) in their_spheres.iter().enumerate() {
                let (mut kept, mut at_m) = gap_to_ball(&one, &theirs.carry(level, balls), enough);
                let out = left_out.map_or(0, |l| l.lanes(chunk * F64_LANES + lane, block));
                if out != 0 {
                    let far = enough.like(f64::INFINITY);
                    (kept, at_m) = (far.pick(out, kept), far.pick(out, at_m));
                }
                proved = proved.min(kept);
                seen = seen.min(at_m);
                // What is left out is settled, even where nothing is far enough yet.
                if kept.gt(enough) | out != u8::MAX {
                    return PairBound { proved: proved.least(), seen: seen.least(), apart: false };
                }
            }
        }
    }
    PairBound { proved: proved.least(), seen: seen.least(), apart: true }
}

/// Distances of balls from obstacles: proved for the interval, and at its middle. The costlier bound
/// only where the cheap one is not enough.
#[inline(always)]
fn gap_to_solid<F: Doubles>(ball: &Ball<F>, solid: &Shaped<F>, enough: F) -> (F, F) {
    let distance = solid.distance(ball.center);
    let seen = distance.value - ball.radius;
    let proved = seen - ball.travel;
    if proved.gt(enough) == u8::MAX {
        return (proved, seen);
    }
    let gradient = solid.gradient(&distance);
    let change = least_change(gradient.dot(ball.line), gradient.dot(ball.square));
    // Where the centre is inside there is no gradient: of a collision it is asked how deep it becomes.
    let is_outside = distance.outside.gt(seen.like(0.0));
    ((seen + change - ball.rest).pick(is_outside, proved).max(proved), seen)
}

/// The same of balls from each other, all of them moving relative to the same body.
#[inline(always)]
fn gap_to_ball<F: Doubles>(ball: &Ball<F>, other: &Ball<F>, enough: F) -> (F, F) {
    let apart = ball.center - other.center;
    let distance = apart.length();
    let seen = distance - ball.radius - other.radius;
    let proved = seen - ball.travel - other.travel;
    if proved.gt(enough) == u8::MAX {
        return (proved, seen);
    }
    let gradient = apart * (distance.like(1.0) / distance.max(distance.like(f64::MIN_POSITIVE)));
    let (line, square) = (ball.line - other.line, ball.square - other.square);
    let change = least_change(gradient.dot(line), gradient.dot(square));
    ((seen + change - ball.rest - other.rest).max(proved), seen)
}

/// The least of slope s + square s^2 for -1 <= s <= 1.
#[inline(always)]
fn least_change<F: Doubles>(slope: F, square: F) -> F {
    let steep = slope.abs();
    let twice = square + square;
    let within = -(steep * steep / (twice + twice));
    within.pick(twice.gt(steep), square - steep)
}

/// The last body on the way from the base to both.
fn common_ancestor(mechanism: &Mechanism, [mut a, mut b]: [usize; 2]) -> usize {
    // Parents stand before their children: whichever stands later can't be the other's ancestor.
    while a != b {
        if a > b {
            a = mechanism.bodies[a].parent;
        } else {
            b = mechanism.bodies[b].parent;
        }
    }
    a
}

/// A link of the base that is inside an obstacle.
fn standing_collision(mechanism: &Mechanism, world: &World, watch: &mut Watch) -> Option<Violation> {
    let base = mechanism.bodies[0].placement;
    for link in mechanism.links.iter().filter(|link| link.body == 0) {
        for obstacle in &world.obstacles {
            if watch.is_due(link.spheres.len() as u32) {
                return None;
            }
            for sphere in &mechanism.spheres[link.spheres.clone()] {
                let depth = sphere.radius + link.padding - obstacle.signed_distance(base.point(sphere.center));
                if depth > 0.0 {
                    let (link, obstacle) = (link.name.clone(), obstacle.name.clone());
                    return Some(Violation::Collision { link, obstacle, depth, time: 0.0 });
                }
            }
        }
    }
    None
}

/// Links that stand still relative to each other and overlap.
fn standing_overlap(mechanism: &Mechanism) -> Option<Violation> {
    let deepest = mechanism.overlaps.iter().max_by(|a, b| a.depth.total_cmp(&b.depth))?;
    let Overlap { links, depth } = deepest.clone();
    Some(Violation::SelfCollision { links, depth, time: 0.0 })
}

fn names(mechanism: &Mechanism, world: &World, pair: &MeetingPair) -> [String; 2] {
    let other = match pair.other {
        Other::Obstacle(o) => &world.obstacles[o].name,
        Other::Link(l) => &mechanism.links[l].name,
    };
    [mechanism.links[pair.link].name.clone(), other.clone()]
}
