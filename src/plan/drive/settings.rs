//! The numbers that the search for routes goes by, and where they come from: sweeps over random families
//! (`flatout bench families`, docs/families.md), by the samples and the time that they took.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// How samples, the lattice and joints take turns.
pub(super) struct SearchSettings {
    /// Searches for the first answer: the shortest of a few costs little, and paths of one tree each are far longer.
    /// Where the first took more samples than `easy`, it is not the only one that would: with 1,000 in place of 100 the
    /// others took up to four times the samples of the first, for routes that were 0.3 % shorter.
    pub(super) searches: u32,
    pub(super) easy: u64,
    /// Samples without a lattice, which find a way where that is easy: with none cars in corridors and dead ends take
    /// half as long again, with 64 the slowest bays twice as long.
    pub(super) without_lattice: u64,
    /// Of so many samples one goes to the lattice, on the ground and in space, where it has far more stances to look at.
    pub(super) every: [u64; 2],
    /// A node of the lattice is joined to the other tree when its last motions took this share of the way there.
    pub(super) joins_per_way: f64,
    /// Nodes of the other tree that a new one is joined to, the nearest by estimated time.
    pub(super) partners: usize,
    /// A step is at least this share of the diagonal of the place's bounds long: what is far in one world is near in
    /// another.
    pub(super) step: f64,
    /// Steps that the other tree takes towards a new node.
    pub(super) steps: usize,
    /// A node whose extensions have failed takes samples only from nearer by: each failure makes its times seem longer
    /// by this share.
    pub(super) failing: f64,
    /// Share of the samples that are drawn along the guide's path, and of these waypoints the share that is come to in the
    /// direction of that path.
    pub(super) guided: f64,
    pub(super) headed: f64,
}

impl SearchSettings {
    pub(super) const DEFAULT: Self = Self {
        searches: 3,
        easy: 100,
        without_lattice: 24,
        every: [2, 4],
        joins_per_way: 0.5,
        partners: 3,
        step: 0.2,
        steps: 3,
        failing: 0.2,
        guided: 0.7,
        headed: 0.7,
    };
}

/// How the lattice grows.
pub(super) struct LatticeSettings {
    /// Lengths of primitives, each a share of the one before, and how many there are.
    pub(super) layers: usize,
    pub(super) finer: f64,
    /// The longest primitive, as a share of the diagonal of the place's bounds, in the body's reach, and in the turn
    /// along its tightest circle, rad, whichever is least.
    pub(super) longest_share: f64,
    pub(super) longest_reach: f64,
    pub(super) longest_turn: f64,
    /// How much what is left counts beside what it took to come to a stance: the more, the fewer stances are looked at.
    pub(super) eagerness: f64,
    /// Stances whose places are closer together than this share of a primitive's length, and whose headings differ by
    /// less than this share of what it can turn, are one.
    pub(super) cell: f64,
    /// Short paths without obstacles are tried from one stance in so many, the more often the nearer it is.
    pub(super) tries_per_way: f64,
    /// A short path is rounded off where curvatures must not jump: its turns are wider by this factor. A quintic that
    /// begins and ends straight bends up to 1.5 times as much as the arc of its length, by a right angle 1.58 times.
    pub(super) rounded: f64,
    /// An arc of a short path is one curve up to this turn, rad, on the ground, and in space, where it is a cubic.
    pub(super) arc: [f64; 2],
    /// Pieces of a short path below this share of its radius are none.
    pub(super) shortest: f64,
    /// Primitives that are looked at in vain in one go, because their stances are known.
    pub(super) in_vain: usize,
    /// Roots of the other tree that are headed for, the first.
    pub(super) targets: usize,
    /// A place is narrow that leaves less room than this share of the tightest turn's radius.
    pub(super) narrow: f64,
    /// How far to either side of a narrow place it is passed straight on, in the body's reach, as far as there is room.
    pub(super) passed: [f64; 3],
    /// Narrow places ahead that are headed for, the nearest.
    pub(super) next: usize,
}

impl LatticeSettings {
    pub(super) const DEFAULT: Self = Self {
        layers: 6,
        finer: 0.5,
        longest_share: 0.1,
        longest_reach: 8.0,
        longest_turn: FRAC_PI_4,
        eagerness: 2.0,
        cell: 0.5,
        tries_per_way: 0.5,
        rounded: 1.6,
        arc: [FRAC_PI_2, FRAC_PI_4],
        shortest: 1e-6,
        in_vain: 64,
        targets: 4,
        narrow: 0.5,
        passed: [0.25, 0.5, 1.0],
        next: 4,
    };
}
