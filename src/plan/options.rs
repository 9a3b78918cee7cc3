//! What a caller may choose about a search.

use super::{Cost, Observer, Sampling};
use crate::certify::CertifyOptions;
use crate::check::Lengths;
use crate::error::{InvalidValue, magnitude, positive};
use crate::problem::{Constraint, Problem};
use crate::stop::CancelToken;
use std::fmt;
use std::time::Duration;

/// Choices of a caller; every field has a sensible default.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanOptions {
    /// Seed of everything random. The same seed, backend and options give the same trajectory.
    pub seed: u64,
    /// Wall-clock budget of the whole call, tables and proofs included; `None` for no limit, as is one beyond what
    /// the clock can tell. A certified answer that is there when it ends is given, and says that it was cut short
    /// ([`Solution::cut_short`](super::Solution::cut_short)).
    pub time_limit: Option<Duration>,
    /// Breaks the call off from another thread, as if its time were up.
    pub cancel: Option<CancelToken>,
    /// Is told of the first answer, and of every better one.
    pub observer: Option<Observer>,
    /// What the best of several answers is judged by.
    pub cost: Cost,
    /// Distance that is kept from obstacles at every instant, proved, metres; between links of the robot it is enough
    /// that they do not touch.
    pub clearance: f64,
    /// The caller's own constraints: asked at samples of edges, and of the answer, which says so in its certificate.
    pub constraints: Vec<Constraint>,
    /// The caller's own way to draw samples; `None`: evenly within the bounds. Of arms and points alone.
    pub sampling: Option<Sampling>,
    /// Which search; `None`: AORRTC for arms and points, and for vehicles the one that is made for them.
    pub algorithm: Option<Algorithm>,
    /// Budget of samples drawn by the search.
    pub max_samples: u64,
    /// Longest edge of the search, in the flat output space: root of the sum of squares, each times the root of how
    /// far it moves the robot at most, against the mean of all; in rad, of a robot that only slides in metres, and
    /// of a vehicle in metres of its path. `None`: [`PlanOptions::RANGE`] radians, or as many metres as that is worth
    /// ([`Lengths::radian`](crate::check::Lengths::radian)).
    pub range: Option<f64>,
    /// Share of the samples that carry a velocity, 0 to 1. The others are at rest.
    pub moving_share: f64,
    /// Edges that the search has checked at once; 0 leaves it to the backend (CPUs: 1). The more, the
    /// less each knows of the others' outcome, but devices are only fast with many.
    pub batch: usize,
    /// Farthest any sphere may move between two checked samples of an edge, metres: by a bound that adds up what
    /// every joint could do to a stretched arm, mostly two to five times as much as it does. `None`: what follows
    /// from the sizes of the robot and of the obstacles ([`Lengths::spacing`](crate::check::Lengths::spacing)).
    pub resolution: Option<f64>,
    /// Shortcuts tried when an answer is refined; 0 returns the raw path. Of nonholonomic bases, a
    /// measure of the moves tried, which go on while they gain; a quadrotor's flight is then shortened as a whole.
    pub shortcut_tries: u32,
    /// Searches, each of its own seed, the shortest of whose refined answers is kept (at least 1).
    pub searches: u32,
    /// Tries to shorten that answer further, by the moves of [`crate::refine::polish`]; of bases that go where
    /// they point, further moves of the same kinds.
    pub polish_tries: u32,
    /// Searches and polishes on until so long after the call began, however many `searches` and
    /// `polish_tries` there are; the first answer is waited for even if it is later than that, up to the
    /// time limit. What comes out then depends on the clock. With [`Duration::MAX`] it goes on until the time limit,
    /// or until it is cancelled: with neither, without end.
    pub improve: Option<Duration>,
}

/// The largest [`PlanOptions::batch`]: more edges at once would only fill the memory.
pub const MAX_BATCH: usize = 1 << 20;

impl PlanOptions {
    /// Longest edge of the search where nobody says otherwise, rad.
    pub const RANGE: f64 = 0.8;

    /// Farthest any sphere may move between two checked samples of an edge of `problem`, metres.
    pub fn spacing(&self, problem: &Problem) -> f64 {
        self.resolution.unwrap_or_else(|| Lengths::of(problem).spacing)
    }

    /// What is to be proved of an answer.
    pub fn certify(&self) -> CertifyOptions {
        CertifyOptions { least_world_clearance: self.clearance, ..CertifyOptions::default() }
    }

    /// Checks that they make sense.
    ///
    /// # Errors
    /// The first field whose value does not.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        let Self { clearance, range, moving_share, batch, resolution, searches, .. } = *self;
        range.map_or(Ok(()), |range| positive("range", range))?;
        resolution.map_or(Ok(()), |resolution| positive("resolution", resolution))?;
        magnitude("clearance", clearance)?;
        if let Some(what) = self.cost.fault() {
            return Err(InvalidValue::new("cost", &self.cost, what));
        }
        if !(0.0..=1.0).contains(&moving_share) {
            return Err(InvalidValue::new("moving_share", moving_share, "a share from 0 to 1"));
        }
        if batch > MAX_BATCH {
            return Err(InvalidValue::new("batch", batch, format!("at most {MAX_BATCH} edges, or 0")));
        }
        if searches == 0 {
            return Err(InvalidValue::new("searches", searches, "at least 1"));
        }
        Ok(())
    }
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            time_limit: Some(Duration::from_secs(5)),
            cancel: None,
            observer: None,
            cost: Cost::duration(),
            clearance: 0.0,
            constraints: Vec::new(),
            sampling: None,
            algorithm: None,
            max_samples: 100_000_000,
            range: None,
            moving_share: 0.0,
            batch: 0,
            resolution: None,
            shortcut_tries: 16,
            searches: 1,
            polish_tries: 0,
            improve: None,
        }
    }
}

/// Which search finds the paths of arms and points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RRT-Connect (Kuffner and LaValle, ICRA 2000): the first answer soonest; better ones by searches anew, which know
    /// nothing of the answers before them.
    RrtConnect,
    /// AORRTC (Wilson, Thomason, Kingston and Gammell, RA-L 2025): the first answer as of RRT-Connect; then searches for
    /// better ones alone, each below the duration of the best so far. As time goes on, it converges to the best motion.
    Aorrtc,
    /// Kinodynamic RRT* (Webb and van den Berg, ICRA 2013): one tree that converges to the best motion of its kind, as
    /// more samples are drawn. Its first answer takes longer, the more so the more outputs there are.
    RrtStar,
    /// RRT-Connect in rounds of many edges at a time ([`crate::wide`]): what a device does wholly by itself for many
    /// queries at once, or for a hard one.
    Wide,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::RrtConnect, Self::Aorrtc, Self::RrtStar, Self::Wide];

    /// Its name, as on the command line and in scenes.
    pub fn name(self) -> &'static str {
        match self {
            Self::RrtConnect => "rrt-connect",
            Self::Aorrtc => "aorrtc",
            Self::RrtStar => "rrt-star",
            Self::Wide => "wide",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Algorithm {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|algorithm| algorithm.name() == s);
        named.ok_or_else(|| format!("unknown planner \"{s}\"; expected rrt-connect, aorrtc, rrt-star or wide"))
    }
}

/// A point on the curve between the time that planning takes and the time that driving takes: names
/// for sets of the options that decide it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// The first answer, refined a little: a fraction of a millisecond for an arm.
    #[default]
    Fast,
    /// The shortest of a few answers, polished: some milliseconds.
    Balanced,
    /// The shortest of many answers, polished until hardly anything is gained.
    Best,
}

impl Quality {
    /// All of them, the quickest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Best];

    /// Sets the options that this is a name for.
    pub fn apply(self, options: &mut PlanOptions) {
        options.shortcut_tries = 16;
        (options.searches, options.polish_tries) = self.work();
    }

    /// Searches and moves of polishing.
    pub(super) fn work(self) -> (u32, u32) {
        match self {
            Self::Fast => (1, 0),
            Self::Balanced => (4, 150),
            Self::Best => (16, 1500),
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Best => "best",
        })
    }
}

impl std::str::FromStr for Quality {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|quality| quality.to_string() == s);
        named.ok_or_else(|| format!("unknown quality \"{s}\"; expected fast, balanced or best"))
    }
}
