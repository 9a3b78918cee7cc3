//! Spheres that do not touch where solids do not: in the named states and the neutral one, and then in random ones,
//! too, balls that touch although their solids do not are chosen anew, so that they evade each other, until next to
//! no state that the solids are free in is lost to the balls. Balls go on holding all of their solids whatever
//! happens here: which states are looked at decides only how many there are, and where.

use super::piece::{Foe, Piece};
use crate::pose::Pose;
use crate::robot::spherize::Ball;
use crate::robot::sphere::bounding_sphere;
use crate::robot::{Robot, Sphere};
use crate::stop::Stop;
use crate::threads::in_parallel;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::{BTreeMap, BTreeSet};

/// Random states, at most.
const STATES: usize = 1000;

/// Pairs of links looked at in all random states together, at most.
const PAIRS: usize = 50_000_000;

/// Seed of those states.
const SEED: u64 = 0;

/// The share of the states that spheres may take, of those free of contact and of the others alike. What is seen in random states is about 0.6 of
/// what is lost in others.
const LOSS: f64 = 0.024;

/// What each round aims at is this share of that.
const AIM: f64 = 0.75;

/// A ball gives way alone where its solid stays as far from the other as this share of its excess.
const ENOUGH: f64 = 0.25;

/// Balls that reach less than this share of the solid's size beyond it are good enough.
const FINEST: f64 = 3e-4;

/// Gaps narrower than this share of the solid's size are given up: no budget would do, and others need it.
const NARROWEST: f64 = 3e-5;

/// Where fewer random states than this share are free of contact, they tell too little: the others are looked at, too.
/// Links that are free in no more of them tell nothing of where others are, and are left alone.
const FEW: f64 = 0.05;

/// Balls that touch are looked at this often in a round, at most, shared among the states: what is left shows
/// in the next.
const LOOKS: usize = 40_000;

/// Rounds of choosing anew; the first few do nearly all.
const ROUNDS: usize = 16;

/// The share of the budget that is kept for named states when balls have been chosen for random ones.
const RESERVE: f64 = 0.05;

/// Where the budget is too small for this portion of what is lost, it is used up.
const LEAST_PORTION: f64 = 0.05;

/// The cells that balls are chosen by are made for the gap that this share of all gaps are narrower than.
const NARROW: f64 = 0.25;

/// A state of the robot.
struct PosedState {
    poses: Vec<Pose>,
    /// Whether people expect to plan from it: then it is not to be lost.
    is_named: bool,
    /// Pairs of links that touch here, their solids, too, or whatever was done about their balls.
    passed: Vec<usize>,
    /// Pairs of links whose gap here is too narrow for any balls.
    given_up: Vec<usize>,
}

/// What it is worth to part two links in a state. Each pair counts for itself: whoever plans for other links, or keeps
/// those that touch elsewhere, is left the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Others touch there: counts where there are few states that are free.
    InContact,
    Free,
    Named,
}

/// A ball of a piece, in its link's frame.
#[derive(Clone, Copy)]
struct PlacedBall {
    sphere: Sphere,
    piece: usize,
    ball: usize,
}

/// The balls of a link, and one that holds them all.
struct LinkBalls {
    balls: Vec<PlacedBall>,
    bound: Sphere,
}

/// Two links whose balls touch in a state.
struct TouchingLinks {
    /// Which of the robot's pairs of links they are.
    pair: usize,
    balls: Vec<[PlacedBall; 2]>,
}

/// Two links that touch by their balls and not by their solids in a state.
struct Loss {
    pair: usize,
    /// The least of the gaps that balls would have to keep to, metres.
    gap: f64,
    /// Whether the balls are fine enough, or the gap is too narrow for any.
    is_given_up: bool,
    /// Which ball of which piece is to evade what, and the gap that is left for it.
    orders: Vec<(usize, usize, Foe, f64)>,
}

/// Balls of a piece that are in the way of others, the others, and how near to the piece these come.
#[derive(Default)]
struct Evasion {
    marked: BTreeSet<usize>,
    foes: Vec<Foe>,
    gaps: Vec<f64>,
    /// By whose losses, by their numbers.
    losses: BTreeSet<usize>,
}

/// Chooses balls anew, `link_of[p]` being the link of piece `p`, by no more than `most` in all.
pub(super) fn separate(robot: &Robot, pieces: &mut [Piece], link_of: &[usize], most: usize, stop: &Stop) {
    // Spheres are what they are.
    if robot.pairs.is_empty() || pieces.iter().all(|p| p.covering.excess() == 0.0) {
        return;
    }
    let mut of_link = vec![Vec::new(); robot.links.len()];
    link_of.iter().enumerate().for_each(|(piece, &link)| of_link[link].push(piece));
    let mut separation = Separation::new(robot, of_link);
    separation.part(pieces, Aim::Named, most, stop);
    separation.part(pieces, Aim::All, most - (RESERVE * most as f64) as usize, stop);
    // What was chosen for random states may touch in named ones.
    separation.part(pieces, Aim::Named, most, stop);
}

/// Which states are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Aim {
    /// The named ones and the neutral one: they come first, as long as there is a budget.
    Named,
    /// The random ones, too.
    All,
}

/// What is known of a robot's states.
struct Separation<'a> {
    robot: &'a Robot,
    /// The pieces of each link.
    of_link: Vec<Vec<usize>>,
    states: Vec<PosedState>,
    /// Pairs of links that touch nearly wherever the joints stand. None before anybody has looked.
    is_hopeless: Option<Vec<bool>>,
}

impl<'a> Separation<'a> {
    fn new(robot: &'a Robot, of_link: Vec<Vec<usize>>) -> Self {
        Self { robot, of_link, states: states(robot), is_hopeless: None }
    }

    /// Chooses balls anew round by round, by no more than `most` in all, until as many pairs of links are apart as are to
    /// be; in the end those are kept that lost the fewest.
    fn part(&mut self, pieces: &mut [Piece], aim: Aim, most: usize, stop: &Stop) {
        // How much of what is lost is looked at: less where there is no budget for all of it.
        let mut portion = 1.0;
        let (mut fewest, mut best) = ([usize::MAX; 2], Vec::new());
        for round in 0..=ROUNDS {
            let losses = self.losses(pieces, aim, stop);
            let named = losses.iter().filter(|(worth, _)| *worth == Worth::Named).count();
            let lost = [losses.len() - named, named];
            if lost < fewest {
                (fewest, best) = (lost, pieces.to_vec());
            }
            if self.is_enough(&losses) || stop.is_due() || portion < LEAST_PORTION || round == ROUNDS {
                break;
            }
            let works = self.worthwhile(losses, portion);
            // Where nothing can give way, another round would find the same.
            if works.is_empty() {
                break;
            }
            if !evade(pieces, works, most) {
                portion /= 2.0;
            }
        }
        pieces.clone_from_slice(&best);
        if aim == Aim::Named {
            self.pass_over_what_is_lost(pieces, stop);
        }
    }

    /// Leaves what could not be parted in named states alone from now on.
    fn pass_over_what_is_lost(&mut self, pieces: &[Piece], stop: &Stop) {
        let links = self.placed_balls(pieces);
        let lost = in_parallel(&self.states, |state| {
            let is_left = stop.is_due() || !state.is_named;
            let touching = if is_left { Vec::new() } else { self.touching(&links, state) };
            touching.iter().map(|links| links.pair).collect::<Vec<usize>>()
        });
        self.states.iter_mut().zip(lost).for_each(|(state, lost)| state.passed.extend(lost));
    }

    fn placed_balls(&self, pieces: &[Piece]) -> Vec<LinkBalls> {
        self.of_link.iter().map(|of_link| LinkBalls::new(pieces, of_link)).collect()
    }

    /// How many pairs of links may be lost in states of some worth.
    fn allowed(&self, worth: Worth) -> f64 {
        if worth == Worth::Named { 0.0 } else { LOSS * self.count(worth) as f64 }
    }

    fn count(&self, worth: Worth) -> usize {
        self.states.iter().filter(|state| self.worth(state) == worth).count()
    }

    fn worth(&self, state: &PosedState) -> Worth {
        match state.is_named {
            true => Worth::Named,
            false if state.passed.iter().all(|&pair| self.is_hopeless(pair)) => Worth::Free,
            false => Worth::InContact,
        }
    }

    fn is_hopeless(&self, pair: usize) -> bool {
        self.is_hopeless.as_ref().is_some_and(|hopeless| hopeless[pair])
    }

    fn is_enough(&self, losses: &[(Worth, Loss)]) -> bool {
        let lost = |worth: Worth| losses.iter().filter(|(w, _)| *w == worth).count() as f64;
        [Worth::InContact, Worth::Free, Worth::Named].iter().all(|&worth| lost(worth) <= self.allowed(worth))
    }

    /// What is lost in the states that are looked at.
    fn losses(&mut self, pieces: &[Piece], aim: Aim, stop: &Stop) -> Vec<(Worth, Loss)> {
        let links = self.placed_balls(pieces);
        let is_looked_at = |state: &PosedState| !stop.is_due() && (aim == Aim::All || state.is_named);
        let looks = LOOKS / self.states.iter().filter(|state| is_looked_at(state)).count().max(1);
        let found = in_parallel(&self.states, |state| {
            if is_looked_at(state) { self.look(pieces, &links, state, looks) } else { Default::default() }
        });
        let mut open = Vec::new();
        for (state, (in_contact, found)) in self.states.iter_mut().zip(found) {
            let (given_up, left): (Vec<Loss>, Vec<Loss>) = found.into_iter().partition(|loss| loss.is_given_up);
            // Solids that touch in a state always will, and gaps stay what they are.
            state.passed.extend(in_contact);
            state.given_up.extend(given_up.iter().map(|loss| loss.pair));
            open.push(left);
        }
        if aim == Aim::All && self.is_hopeless.is_none() {
            self.is_hopeless = Some(self.hopeless());
        }
        let left_alone = |loss: &Loss, worth: Worth| worth != Worth::Named && self.is_hopeless(loss.pair);
        let of_state = |(state, losses): (&PosedState, Vec<Loss>)| {
            let worth = self.worth(state);
            losses.into_iter().filter(move |loss| !left_alone(loss, worth)).map(move |loss| (worth, loss)).collect::<Vec<_>>()
        };
        let mut losses: Vec<(Worth, Loss)> = self.states.iter().zip(open).flat_map(of_state).collect();
        if self.count(Worth::Free) as f64 >= FEW * (self.count(Worth::Free) + self.count(Worth::InContact)) as f64 {
            self.drop_states_in_contact();
            losses.retain(|(worth, _)| *worth != Worth::InContact);
        }
        losses
    }

    /// Which pairs of links touch in nearly all random states.
    fn hopeless(&self) -> Vec<bool> {
        let mut touch = vec![0_usize; self.robot.pairs.len()];
        let random: Vec<&PosedState> = self.states.iter().filter(|state| !state.is_named).collect();
        random.iter().flat_map(|state| &state.passed).for_each(|&pair| touch[pair] += 1);
        touch.into_iter().map(|count| count as f64 > (1.0 - FEW) * random.len() as f64).collect()
    }

    fn drop_states_in_contact(&mut self) {
        let states = std::mem::take(&mut self.states);
        self.states = states.into_iter().filter(|state| self.worth(state) != Worth::InContact).collect();
    }

    /// Which pairs of links touch in a state, and which only their balls make touch.
    fn look(&self, pieces: &[Piece], links: &[LinkBalls], state: &PosedState, looks: usize) -> (Vec<usize>, Vec<Loss>) {
        let (in_contact, apart): (Vec<_>, Vec<_>) =
            self.touching(links, state).into_iter().partition(|links| self.solids_touch(pieces, links.pair, state));
        let each = looks / apart.len().max(1);
        let losses = apart.iter().map(|links| self.loss(pieces, links, state, each)).collect();
        (in_contact.into_iter().map(|links| links.pair).collect(), losses)
    }

    /// What to do by piece about a portion of what is lost beyond what may be: in named states first, then where gaps are
    /// wide, which takes fewer balls.
    fn worthwhile(&self, mut losses: Vec<(Worth, Loss)>, portion: f64) -> Vec<(usize, Evasion)> {
        losses.sort_by(|(a, first), (b, second)| b.cmp(a).then(second.gap.total_cmp(&first.gap)));
        let wanted = losses.chunk_by(|(a, _), (b, _)| a == b).flat_map(|alike| {
            let left = (AIM * self.allowed(alike[0].0)) as usize;
            alike[..alike.len().saturating_sub(left)].iter().map(|(_, loss)| loss)
        });
        let wanted: Vec<&Loss> = wanted.collect();
        let count = (wanted.len() as f64 * portion).ceil() as usize;
        let mut works: BTreeMap<usize, Evasion> = BTreeMap::new();
        let numbered = wanted[..count].iter().enumerate();
        for (loss, &(piece, ball, foe, gap)) in numbered.flat_map(|(i, loss)| loss.orders.iter().map(move |order| (i, order))) {
            let work = works.entry(piece).or_default();
            work.marked.insert(ball);
            work.foes.push(foe);
            work.gaps.push(gap);
            work.losses.insert(loss);
        }
        works.into_iter().collect()
    }

    /// The balls by which a pair of links touches in a state.
    fn touching_balls(&self, links: &[LinkBalls], pair: usize, state: &PosedState) -> Vec<[PlacedBall; 2]> {
        let [a, b] = self.robot.pairs[pair];
        let bounds = [a, b].map(|l| state.poses[l].point(links[l].bound.center));
        let reach = links[a].bound.radius + links[b].bound.radius;
        if bounds[0].distance_squared(bounds[1]) > reach * reach {
            return Vec::new();
        }
        links[a].touching(&links[b], &(state.poses[a].inverse() * state.poses[b]))
    }

    /// The pairs of links whose balls touch in a state.
    fn touching(&self, links: &[LinkBalls], state: &PosedState) -> Vec<TouchingLinks> {
        let is_known = |pair: usize| state.passed.contains(&pair) || state.given_up.contains(&pair);
        let is_passed = |pair: usize| (self.is_hopeless(pair) && !state.is_named) || is_known(pair);
        let judged = (0..self.robot.pairs.len()).filter(|&pair| !is_passed(pair));
        let of_pair = |pair| TouchingLinks { pair, balls: self.touching_balls(links, pair, state) };
        judged.map(of_pair).filter(|found| !found.balls.is_empty()).collect()
    }

    fn solids_touch(&self, pieces: &[Piece], pair: usize, state: &PosedState) -> bool {
        let [a, b] = self.robot.pairs[pair];
        let relative = state.poses[a].inverse() * state.poses[b];
        self.of_link[a].iter().any(|&i| {
            self.of_link[b].iter().any(|&j| {
                let (first, second) = (&pieces[i], &pieces[j]);
                first.covering.touches(&second.covering, &(first.pose.inverse() * relative * second.pose))
            })
        })
    }

    /// Why the balls of two links touch in a state, as far as so many looks at them tell.
    fn loss(&self, pieces: &[Piece], links: &TouchingLinks, state: &PosedState, looks: usize) -> Loss {
        let mut loss = Loss { pair: links.pair, gap: f64::INFINITY, is_given_up: false, orders: Vec::new() };
        let [a, b] = self.robot.pairs[links.pair];
        let relative = state.poses[a].inverse() * state.poses[b];
        let step = links.balls.len().div_ceil(looks.max(1));
        links.balls.iter().step_by(step).for_each(|pair| loss.blame(pieces, pair, &relative));
        loss.is_given_up |= loss.orders.is_empty();
        loss
    }
}

impl LinkBalls {
    fn new(pieces: &[Piece], of_link: &[usize]) -> Self {
        let of_piece = |&piece: &usize| {
            let spheres = pieces[piece].spheres().into_iter().enumerate();
            spheres.map(move |(ball, sphere)| PlacedBall { sphere, piece, ball })
        };
        let balls: Vec<PlacedBall> = of_link.iter().flat_map(of_piece).collect();
        let spheres: Vec<Sphere> = balls.iter().map(|b| b.sphere).collect();
        let nothing = Sphere { center: glam::DVec3::ZERO, radius: f64::NEG_INFINITY };
        let bound = if spheres.is_empty() { nothing } else { bounding_sphere(&spheres) };
        Self { balls, bound }
    }

    /// The balls that touch another link's, which `pose` places in this one's frame.
    fn touching(&self, other: &Self, pose: &Pose) -> Vec<[PlacedBall; 2]> {
        let mut found = Vec::new();
        for second in &other.balls {
            let center = pose.point(second.sphere.center);
            for first in &self.balls {
                let reach = first.sphere.radius + second.sphere.radius;
                if center.distance_squared(first.sphere.center) < reach * reach {
                    found.push([*first, *second]);
                }
            }
        }
        found
    }
}

/// Lets pieces evade as long as there are no more than `most` balls in all; says whether all could.
fn evade(pieces: &mut [Piece], works: Vec<(usize, Evasion)>, most: usize) -> bool {
    let keys = pieces.iter().enumerate().flat_map(|(p, piece)| piece.covering.balls.iter().map(move |b| (p, key(b))));
    let there: BTreeSet<(usize, [u64; 3])> = keys.collect();
    let found = in_parallel(&works, |(piece, work)| {
        let mut covering = pieces[*piece].covering.clone();
        let marked: Vec<usize> = work.marked.iter().copied().collect();
        let mut gaps = work.gaps.clone();
        gaps.sort_by(f64::total_cmp);
        let gap = gaps[(NARROW * gaps.len() as f64) as usize];
        let known = pieces[*piece].foes.iter().filter(|foe| foe.ball.is_none_or(|ball| there.contains(&ball)));
        let foes: Vec<Sphere> = known.chain(&work.foes).map(|foe| foe.sphere).collect();
        covering.evade(&marked, &foes, gap).then_some(covering)
    });
    let mut count: usize = pieces.iter().map(|p| p.covering.balls.len()).sum();
    let mut have_all = true;
    let mut offers = Vec::new();
    for ((piece, work), found) in works.into_iter().zip(found) {
        pieces[piece].foes.extend(work.foes);
        let Some(covering) = found else { continue };
        let more = covering.balls.len() as f64 - pieces[piece].covering.balls.len() as f64;
        offers.push((more / work.losses.len() as f64, piece, covering));
    }
    // What costs the least for each loss comes first.
    offers.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    for (_, piece, covering) in offers {
        let piece = &mut pieces[piece];
        let after = count - piece.covering.balls.len() + covering.balls.len();
        if after <= most {
            (count, piece.covering) = (after, covering);
        } else {
            have_all = false;
        }
    }
    have_all
}

/// What tells a ball from the others of its piece.
fn key(ball: &Ball) -> [u64; 3] {
    ball.sphere.center.to_array().map(f64::to_bits)
}

impl Loss {
    /// Which of two balls that touch, of solids that do not, is to give way, and to what: the one whose solid is
    /// farther from the other ball, or both, each to half of what there is between its solid and the inner part
    /// of the other ball.
    fn blame(&mut self, pieces: &[Piece], pair: &[PlacedBall; 2], relative: &Pose) {
        let of_pair = pair.map(|b| (&pieces[b.piece], &pieces[b.piece].covering.balls[b.ball]));
        let to_first = of_pair[0].0.pose.inverse() * *relative * of_pair[1].0.pose;
        // The centre of the other ball in the frame of each, how far that is from its solid, and the ball.
        let centers = [
            to_first.point(of_pair[1].1.sphere.center),
            to_first.inverse().point(of_pair[0].1.sphere.center),
        ];
        let distances = [0, 1].map(|i| of_pair[i].0.covering.signed_distance(centers[i]));
        let others = [of_pair[1].1, of_pair[0].1];
        let spare = [0, 1].map(|i| distances[i] - others[i].sphere.radius);
        let farther = usize::from(spare[1] > spare[0]);
        let both = spare[farther] < ENOUGH * of_pair[farther].1.excess;
        for i in 0..2 {
            let is_chosen = both || i == farther;
            let finest = FINEST * of_pair[i].0.covering.scale();
            if !is_chosen || of_pair[i].1.excess < finest {
                continue;
            }
            let (radius, gap) = if both {
                let inner = (others[i].sphere.radius - others[i].excess).max(0.0);
                let half = (distances[i] - inner) / 2.0;
                (inner + half, half)
            } else {
                (others[i].sphere.radius, spare[i])
            };
            self.gap = self.gap.min(gap);
            self.is_given_up |= gap < NARROWEST * of_pair[i].0.covering.scale();
            let ball = (!both).then(|| (pair[1 - i].piece, key(others[i])));
            let foe = Foe { sphere: Sphere { center: centers[i], radius }, ball };
            self.orders.push((pair[i].piece, pair[i].ball, foe, gap));
        }
    }
}

/// Random states within the joints' ranges, the neutral one and the named ones.
fn states(robot: &Robot) -> Vec<PosedState> {
    let mut rng = Pcg64Mcg::seed_from_u64(SEED);
    let ranges = robot.ranges_to_draw_from();
    let posed = |values: &[f64], is_named| PosedState { poses: robot.link_poses(values), is_named, passed: Vec::new(), given_up: Vec::new() };
    let mut random = |_| {
        let drawn = ranges.iter().map(|&[low, high]| if low < high { rng.random_range(low..=high) } else { low });
        posed(&drawn.collect::<Vec<f64>>(), false)
    };
    let count = STATES.min(PAIRS / robot.pairs.len().max(1));
    let mut states: Vec<PosedState> = (0..count).map(&mut random).collect();
    states.extend(robot.known_states().iter().map(|(_, values)| posed(values, true)));
    states
}
