//! Where vehicles are, and what they can do to turn.

use glam::DVec2;

/// Where a vehicle is: position of its frame in the plane, m, its heading and that of its trailer, rad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Position of its frame, metres.
    pub position: DVec2,
    /// Its heading, rad; of no meaning for what has none.
    pub heading: f64,
    /// Heading of its trailer, rad; its own where it has none.
    pub trailer: f64,
}

impl Placement {
    /// With a trailer straight behind.
    pub(super) fn new(x: f64, y: f64, heading: f64) -> Self {
        Self { position: DVec2::new(x, y), heading, trailer: heading }
    }

    /// So far straight ahead.
    pub(super) fn moved(self, by: f64) -> Self {
        Self { position: self.position + by * DVec2::from_angle(self.heading), ..self }
    }
}

/// What a vehicle can do to turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Steering {
    /// It goes anywhere, whatever its heading.
    Any,
    /// It turns on the spot.
    Spot {
        /// Whether it drives backwards.
        reverses: bool,
    },
    /// It turns along circles of this radius and wider ones, metres.
    Radius {
        /// The radius.
        radius: f64,
        /// Whether it drives backwards.
        reverses: bool,
    },
}

impl Steering {
    pub(super) fn radius(radius: f64, reverses: bool) -> Self {
        Self::Radius { radius, reverses }
    }

    /// The radius of the tightest circle that it goes along, metres.
    pub(super) fn tightest(self) -> f64 {
        if let Self::Radius { radius, .. } = self { radius } else { 0.0 }
    }

    /// Whether it can drive backwards, or into any direction.
    pub(super) fn reverses(self) -> bool {
        match self {
            Self::Any => true,
            Self::Spot { reverses } | Self::Radius { reverses, .. } => reverses,
        }
    }
}
