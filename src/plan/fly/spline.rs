//! Flights as uniform quartic B-splines: a thrust that turns as the state at either end says, however
//! strong it is there, and control points that are free between.

use crate::trajectory::Trajectory;

/// Degree of the splines: torques, which follow from the fourth derivative, may jump.
const DEGREE: usize = 4;

/// Control points that a segment depends on.
pub(super) const SUPPORT: usize = DEGREE + 1;

/// Orders of derivatives, from none on, that the state at an end concerns.
const ORDERS: usize = 4;

/// Coefficients of the basis functions on a segment, `[power][function]`, times 24.
const BASIS: [[f64; SUPPORT]; SUPPORT] = [
    [1.0, 11.0, 11.0, 1.0, 0.0],
    [-4.0, -12.0, 12.0, 4.0, 0.0],
    [6.0, -6.0, -6.0, 6.0, 0.0],
    [-4.0, 12.0, -12.0, 4.0, 0.0],
    [1.0, -4.0, 6.0, -4.0, 1.0],
];

/// The control points about a knot from the derivatives there, a segment being the unit of time: blossoms
/// of the polynomial at four knots in a row, of which the knot is one.
const ABOUT_KNOT: [[f64; ORDERS]; ORDERS] = [
    [1.0, -1.5, 11.0 / 12.0, -0.25],
    [1.0, -0.5, -1.0 / 12.0, 1.0 / 12.0],
    [1.0, 0.5, -1.0 / 12.0, -1.0 / 12.0],
    [1.0, 1.5, 11.0 / 12.0, 0.25],
];

/// The control point in whose middle a function is, less the function: this times its second derivative.
const BULGE: f64 = 5.0 / 24.0;

/// Unknowns of an end: by how much the thrust is scaled, and how fast that changes.
const OF_END: usize = 2;

/// What an end asks of the derivatives of an output: those that are given, and what the unknowns of the
/// end add to them.
#[derive(Clone, Copy, Debug, Default)]
struct SplineEnd {
    given: [f64; ORDERS],
    by: [[f64; ORDERS]; OF_END],
}

/// All splines of so many segments between two ends.
#[derive(Clone, Debug)]
pub(super) struct Splines {
    segments: usize,
    /// Outputs that move; the others keep the values that they have.
    moving: usize,
    resting: Vec<f64>,
    /// `[end][output]`.
    ends: [Vec<SplineEnd>; 2],
}

impl Splines {
    /// Those that begin and end as a flight does, and the unknowns and duration that are near it; `up` is
    /// the output that points up, against this `gravity`.
    pub(super) fn about(flight: &Trajectory, up: usize, gravity: f64, segments: usize) -> (Self, Vec<f64>) {
        assert!(segments > 2 * ORDERS, "the ends have control points of their own");
        let still =
            |output: usize| flight.segments().all(|s| s.polynomial(output)[1..].iter().all(|&c| c == 0.0));
        let moving =
            (0..flight.dof()).rev().find(|&output| output <= up || !still(output)).map_or(0, |i| i + 1);
        let resting = (moving..flight.dof()).map(|output| flight.segment(0).polynomial(output)[0]).collect();
        let ends = [0.0, flight.duration()].map(|t| ends_of(flight, t, [up, moving], gravity));
        let h = flight.duration() / segments as f64;
        let mut unknowns = vec![1.0, 0.0];
        let [mut value, mut bend] = [vec![0.0; flight.dof()], vec![0.0; flight.dof()]];
        for point in ORDERS..segments {
            let t = (point as f64 - 1.5) * h;
            flight.evaluate(t, 0, &mut value);
            flight.evaluate(t, 2, &mut bend);
            unknowns.extend((0..moving).map(|i| value[i] - BULGE * h * h * bend[i]));
        }
        unknowns.extend([1.0, 0.0]);
        (Self { segments, moving, resting, ends }, unknowns)
    }

    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    pub(super) fn moving(&self) -> usize {
        self.moving
    }

    /// The most unknowns that a segment depends on.
    pub(super) fn width(&self) -> usize {
        SUPPORT * self.moving.max(OF_END)
    }

    pub(super) fn resting(&self) -> &[f64] {
        &self.resting
    }

    /// Control points, output by output of each, of a spline whose segments are `h` seconds long.
    pub(super) fn control(&self, unknowns: &[f64], h: f64) -> Vec<f64> {
        let (begin, rest) = unknowns.split_at(OF_END);
        let (middle, end) = rest.split_at(rest.len() - OF_END);
        let of_end = |end: &[SplineEnd], unknowns: &[f64]| -> Vec<f64> {
            let point = |weights: &[f64; ORDERS]| {
                let weights = at_scale(weights, h);
                end.iter()
                    .map(move |e| {
                        dot(&weights, &e.given)
                            + unknowns.iter().zip(&e.by).map(|(u, by)| u * dot(&weights, by)).sum::<f64>()
                    })
                    .collect::<Vec<_>>()
            };
            ABOUT_KNOT.iter().flat_map(point).collect()
        };
        [&of_end(&self.ends[0], begin)[..], middle, &of_end(&self.ends[1], end)].concat()
    }

    /// How the derivative of some order of an output at a place of a segment, `weights` of its control
    /// points, depends on the unknowns: those from which on, and the slopes are added to `form`.
    pub(super) fn add_slopes(
        &self,
        segment: usize,
        output: usize,
        weights: &[f64; SUPPORT],
        h: f64,
        form: &mut [f64],
    ) {
        let first = self.first(segment);
        let all = 2 * OF_END + (self.segments - ORDERS) * self.moving;
        for (point, &weight) in (segment..).zip(weights) {
            let (end, about, unknown) = if point < ORDERS {
                (0, point, 0)
            } else if point < self.segments {
                form[OF_END + (point - ORDERS) * self.moving + output - first] += weight;
                continue;
            } else {
                (1, point - self.segments, all - OF_END)
            };
            let scaled = at_scale(&ABOUT_KNOT[about], h);
            for (i, by) in self.ends[end][output].by.iter().enumerate() {
                form[unknown + i - first] += weight * dot(&scaled, by);
            }
        }
    }

    /// The first of the unknowns that a segment depends on.
    pub(super) fn first(&self, segment: usize) -> usize {
        if segment < ORDERS { 0 } else { OF_END + (segment - ORDERS) * self.moving }
    }

    /// Sets a linear form of the unknowns that a segment depends on to none of each.
    pub(super) fn clear(&self, segment: usize, form: &mut Vec<f64>) {
        form.clear();
        form.resize(self.count(segment), 0.0);
    }

    /// How many unknowns a segment depends on.
    fn count(&self, segment: usize) -> usize {
        let beyond = segment + SUPPORT;
        let end = OF_END + (beyond.min(self.segments) - ORDERS) * self.moving;
        let end = if beyond > self.segments { end + OF_END } else { end };
        end - self.first(segment)
    }

    /// The spline as a trajectory.
    pub(super) fn trajectory(&self, control: &[f64], h: f64) -> Trajectory {
        let mut trajectory = Trajectory::new(self.moving + self.resting.len(), DEGREE);
        let mut coefficients = Vec::new();
        for segment in 0..self.segments {
            coefficients.clear();
            for output in 0..self.moving {
                let mut scale = 1.0 / 24.0;
                for weights in &BASIS {
                    coefficients.push(scale * self.sum(control, segment, output, weights));
                    scale /= h;
                }
            }
            for &value in &self.resting {
                coefficients.extend([value, 0.0, 0.0, 0.0, 0.0]);
            }
            trajectory.push(h, &coefficients);
        }
        trajectory
    }

    /// The sum of a segment's control points with weights.
    pub(super) fn sum(
        &self,
        control: &[f64],
        segment: usize,
        output: usize,
        weights: &[f64; SUPPORT],
    ) -> f64 {
        weights.iter().enumerate().map(|(i, w)| w * control[(segment + i) * self.moving + output]).sum()
    }
}

/// Weights of the control points in each derivative, `[order][function]`, at a share of a segment, which
/// is the unit of time.
pub(super) fn weights(share: f64) -> [[f64; SUPPORT]; SUPPORT] {
    std::array::from_fn(|order| {
        std::array::from_fn(|function| {
            let polynomial = BASIS.map(|row| row[function] / 24.0);
            crate::trajectory::derivative(&polynomial, order, share)
        })
    })
}

fn ends_of(flight: &Trajectory, t: f64, [up, moving]: [usize; 2], gravity: f64) -> Vec<SplineEnd> {
    let mut derivatives = vec![vec![0.0; flight.dof()]; ORDERS];
    derivatives.iter_mut().enumerate().for_each(|(order, values)| flight.evaluate(t, order, values));
    let [p, v, a, j] = [0, 1, 2, 3].map(|order| &derivatives[order]);
    let weight = |i: usize| if i == up { gravity } else { 0.0 };
    let thrust: Vec<f64> = (0..=up).map(|i| a[i] + weight(i)).collect();
    // What of its derivative is along the thrust is free.
    let along = (0..=up).map(|i| thrust[i] * j[i]).sum::<f64>() / thrust.iter().map(|f| f * f).sum::<f64>();
    let end = |i: usize| match i <= up {
        true => {
            let turning = j[i] - along * thrust[i];
            SplineEnd {
                given: [p[i], v[i], -weight(i), 0.0],
                by: [[0.0, 0.0, thrust[i], turning], [0.0, 0.0, 0.0, thrust[i]]],
            }
        }
        false => SplineEnd { given: [p[i], v[i], a[i], j[i]], ..SplineEnd::default() },
    };
    (0..moving).map(end).collect()
}

/// Weights of derivatives where a segment takes `h` seconds.
fn at_scale(weights: &[f64; ORDERS], h: f64) -> [f64; ORDERS] {
    let mut scale = 1.0;
    weights.map(|weight| {
        let scaled = scale * weight;
        scale *= h;
        scaled
    })
}

fn dot(a: &[f64; ORDERS], b: &[f64; ORDERS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::GRAVITY;
    use glam::DVec3;
    use proptest::prelude::*;

    /// A quintic in three outputs of place, and a yaw that turns or not.
    fn flight() -> impl Strategy<Value = Trajectory> {
        (prop::collection::vec(-1.0..1.0_f64, 24), 1.0..3.0_f64, any::<bool>()).prop_map(
            |(mut c, duration, turns)| {
                if !turns {
                    c[19..].fill(0.0);
                }
                let mut flight = Trajectory::new(4, 5);
                flight.push(duration, &c);
                flight
            },
        )
    }

    fn at(trajectory: &Trajectory, t: f64, order: usize) -> Vec<f64> {
        let mut values = vec![0.0; trajectory.dof()];
        trajectory.evaluate(t, order, &mut values);
        values
    }

    /// Direction of the thrust, and its derivative.
    fn turning(trajectory: &Trajectory, t: f64) -> [DVec3; 2] {
        let [f, j] = [2, 3].map(|order| DVec3::from_slice(&at(trajectory, t, order)));
        let f = f + GRAVITY * DVec3::Z;
        [f.normalize(), (j - f * f.dot(j) / f.length_squared()) / f.length()]
    }

    proptest! {
        /// Whatever the unknowns and the duration, states at the ends are kept: places, velocities, the
        /// direction of the thrust and how it turns.
        #[test]
        fn states_at_the_ends_are_kept(
            flight in flight(), longer in 0.5..2.0_f64, shaken in prop::collection::vec(-0.3..0.3_f64, 80),
        ) {
            // The thrust points somewhere.
            prop_assume!([0.0, flight.duration()].iter().all(|&t| at(&flight, t, 2)[2] > -GRAVITY + 1.0));
            let (splines, mut unknowns) = Splines::about(&flight, 2, GRAVITY, 14);
            unknowns.iter_mut().zip(&shaken).for_each(|(u, s)| *u += s);
            let h = longer * flight.duration() / 14.0;
            let spline = splines.trajectory(&splines.control(&unknowns, h), h);
            for order in 0..4 {
                let jump = spline.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                prop_assert!(jump < 1e-13 / h.powi(4), "order {} jumps by {}", order, jump);
            }
            for [t, u] in [[0.0, 0.0], [flight.duration(), spline.duration()]] {
                for order in 0..2 {
                    let (a, b) = (at(&flight, t, order), at(&spline, u, order));
                    prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-8), "{a:?} {b:?}");
                }
                let (a, b) = (turning(&flight, t), turning(&spline, u));
                prop_assert!(a[0].distance(b[0]) < 1e-7 && a[1].distance(b[1]) < 1e-5, "{a:?} {b:?}");
            }
        }

        /// Slopes are those of differences: all is linear in the unknowns.
        #[test]
        fn slopes_are_those_of_differences(flight in flight(), segment in 0..14_usize, share in 0.0..=1.0_f64) {
            let (splines, unknowns) = Splines::about(&flight, 2, GRAVITY, 14);
            let h = flight.duration() / 14.0;
            let weights = weights(share)[2];
            let value = |unknowns: &[f64]| splines.sum(&splines.control(unknowns, h), segment, 1, &weights);
            let mut form = vec![0.0; splines.count(segment)];
            splines.add_slopes(segment, 1, &weights, h, &mut form);
            for unknown in 0..unknowns.len() {
                let mut moved = unknowns.clone();
                moved[unknown] += 1.0;
                let slope = value(&moved) - value(&unknowns);
                let told = unknown.checked_sub(splines.first(segment)).and_then(|i| form.get(i)).copied();
                prop_assert!((slope - told.unwrap_or(0.0)).abs() < 1e-9, "{unknown}: {slope} {told:?}");
            }
        }
    }
}
