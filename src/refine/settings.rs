//! The numbers that shortcuts and polishing go by. All are shares, so that no unit is preferred.

/// How shortcuts are chosen, and when one is worth its while.
pub(super) struct ShortcutSettings {
    /// No shortcut replaces less than this share of the duration at first: there is nothing to gain, and the
    /// accelerations of ever shorter pieces are all rounding.
    pub(super) shortest: f64,
    /// No cut leaves less than this share of the duration at first.
    pub(super) splinter: f64,
    /// A shortcut must save at least this share of what it replaces, or it only adds knots, ...
    pub(super) least_gain: f64,
    /// ... and this much while only few are tried, or it is not worth its check.
    pub(super) worthwhile: f64,
    /// A corner is cut as far from it as to its neighbours first, then closer by these shares: where the farthest is
    /// valid, it saves the most.
    pub(super) corner_shares: [f64; 4],
    /// Windows of further shortcuts begin with this share of the duration, ...
    pub(super) widest: f64,
    /// ... end with this one, below which a window mostly holds a single corner, which has been cut already, ...
    pub(super) narrowest: f64,
    /// ... and come from the one to the other in so many steps, as many as `fast` takes in all.
    pub(super) round: u32,
}

impl ShortcutSettings {
    pub(super) const DEFAULT: Self = Self {
        shortest: 1.0 / 1024.0,
        splinter: 1.0 / 65536.0,
        least_gain: 1e-3,
        worthwhile: 1e-2,
        corner_shares: [1.0, 0.7, 0.4, 0.15],
        widest: 0.7,
        narrowest: 0.14,
        round: 16,
    };
}

/// How polishing draws its moves, and clears what is in the way of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct PolishSettings {
    /// Least share of the duration that a move replaces: late gains are small and local.
    pub(super) least_share: f64,
    /// A motion that is checked counts as so many tries, beside one for each piece that is looked at: what is known to have
    /// nothing to gain takes hardly any time. Over random arms 3 are ahead of 8 after any time: rounds of polishing are longer.
    pub(super) tries_per_check: u32,
    /// How often a shortcut is cleared of what it touches before it is given up.
    pub(super) clearings: u32,
    /// States that it passes through between its ends, at most.
    pub(super) most_vias: usize,
    /// Contacts nearer to such a state than this share of the shortcut's duration are cleared by moving that state.
    pub(super) near: f64,
    /// It is moved by so many times the depth of the contact, ...
    pub(super) reach: f64,
    /// ... and by this share of the greatest spacing of samples more, as between two of them it may be deeper.
    pub(super) margin: f64,
    /// Outputs move by how much acceleration they leave unused, and by this share of the limit, so that those which
    /// decide the duration may move too.
    pub(super) least_room: f64,
    /// By up to this share an output may move more, or less, drawn anew each time: no shortcut fails twice the same way.
    pub(super) jitter: f64,
    /// Where a contact is the deepest is looked for in steps of this share of the shortcut's duration.
    pub(super) step: f64,
}

impl PolishSettings {
    pub(super) const DEFAULT: Self = Self {
        least_share: 0.03,
        tries_per_check: 3,
        clearings: 5,
        most_vias: 3,
        near: 0.2,
        reach: 1.5,
        margin: 0.1,
        least_room: 0.05,
        jitter: 0.5,
        step: 1.0 / 32.0,
    };
}

/// How moves are drawn that make a trajectory cost less.
pub(super) struct ReduceSettings {
    /// However seldom a kind of move wins, it is drawn as if it won this share of the times.
    pub(super) least_share: f64,
    /// Pieces are made up to so many times slower, or faster, at once; so is the whole at first, ...
    pub(super) slowest: f64,
    /// ... and then by the root of that, so often.
    pub(super) halvings: u32,
    /// A move must save at least this share of the whole, or it only adds knots.
    pub(super) least_gain: f64,
    /// Least share of the duration that a move replaces: late gains are small and local.
    pub(super) shortest: f64,
    /// A detour's least size, as a share of the greatest.
    pub(super) least_detour: f64,
}

impl ReduceSettings {
    pub(super) const DEFAULT: Self = Self {
        least_share: 0.02,
        slowest: 2.0,
        halvings: 12,
        least_gain: 1e-5,
        shortest: 0.03,
        least_detour: 0.01,
    };
}
