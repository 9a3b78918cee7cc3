//! What the stages read and write, as words: the same in lanes and on a device. See `shaders/wide/search.wgsl`, with
//! which a test compares it.

use bytemuck::{Pod, Zeroable};
use std::mem::size_of;

/// What becomes of a search.
pub(super) const RUNNING: u32 = 0;
pub(super) const SOLVED: u32 = 1;
pub(super) const FULL: u32 = 2;
pub(super) const SPENT: u32 = 3;

/// What a slot is about: it is to draw a sample, ...
pub(super) const FREE: u32 = 0;
/// ... extends a tree towards one, ...
pub(super) const EXTEND: u32 = 1;
/// ... is to find the node of a tree that is to connect to a new one of the other, ...
pub(super) const BEGIN: u32 = 2;
/// ... is on that way, ...
pub(super) const STEP: u32 = 3;
/// ... or has no edge in this round.
pub(super) const NOTHING: u32 = 4;

/// Which tree.
pub(super) const START: u32 = 0;
pub(super) const GOAL: u32 = 1;

/// Words of an output in the tables.
pub(super) const OUTPUT_WORDS: u32 = 8;

/// Numbers of rakes whose steps stand in the tables; more are looked at in order.
pub(super) const STEPS: u32 = 512;

/// `Search`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Search {
    pub(super) problem: u32,
    pub(super) outputs: u32,
    pub(super) degree: u32,
    pub(super) slots: u32,
    pub(super) capacity: u32,
    pub(super) table: u32,
    pub(super) roots: u32,
    pub(super) trees: u32,
    pub(super) failures: u32,
    pub(super) first_slot: u32,
    pub(super) seed_low: u32,
    pub(super) seed_high: u32,
    pub(super) range: f32,
    pub(super) padding: f32,
    pub(super) clearance: f32,
    pub(super) resolution: f32,
    pub(super) most_samples: u32,
    pub(super) status: u32,
    pub(super) round: u32,
    pub(super) samples: u32,
    pub(super) sizes: [u32; 2],
    pub(super) near: [u32; 2],
    pub(super) closing: f32,
    pub(super) running: u32,
    pub(super) edge_rows: u32,
    pub(super) path_words: u32,
}

/// `Slot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    pub(super) phase: u32,
    pub(super) side: u32,
    pub(super) near: u32,
    pub(super) goal: u32,
    pub(super) distance: f32,
    pub(super) duration: f32,
    pub(super) tries: u32,
    pub(super) pad: u32,
}

const _: () = assert!(size_of::<Search>() == 112 && size_of::<Slot>() == 32);

impl Slot {
    /// A slot that goes in one edge from a goal to the start's first root.
    pub(super) fn straight(goal: u32) -> Self {
        Self { phase: STEP, side: GOAL, near: goal, ..Self::default() }
    }

    /// The node that its edge has in a tree.
    pub(super) fn near_in(&self, side: u32) -> u32 {
        if self.side == side { self.near } else { self.goal }
    }

    /// Whether it looks for a node.
    pub(super) fn looks(&self) -> bool {
        self.tries == 0 && matches!(self.phase, EXTEND | BEGIN)
    }
}

impl Search {
    pub(super) fn tree_words(&self) -> usize {
        self.capacity as usize * (self.outputs as usize + 2)
    }

    /// First word of output `j` of a tree's positions.
    pub(super) fn positions(&self, side: u32, j: usize) -> usize {
        self.trees as usize + side as usize * self.tree_words() + j * self.capacity as usize
    }

    /// Parents of a tree's nodes.
    pub(super) fn parents(&self, side: u32) -> usize {
        self.positions(side, self.outputs as usize)
    }

    /// How long the way from each to its root takes.
    pub(super) fn costs(&self, side: u32) -> usize {
        self.positions(side, self.outputs as usize + 1)
    }

    /// Where a slot's edge leads to.
    pub(super) fn ends(&self, slot: usize) -> usize {
        self.trees as usize + 2 * self.tree_words() + slot * self.outputs as usize
    }

    pub(super) fn failures_of(&self, side: u32, node: u32) -> usize {
        self.failures as usize + side as usize * self.capacity as usize + node as usize
    }
}
