//! Where edges are sampled.

use super::polynomial::{greatest_speed, speeds};
use super::*;
use crate::problem::JointState;
use crate::trajectory::Trajectory;
use proptest::prelude::*;
use rand::SeedableRng;

/// A polynomial in a batch, its terms above `degree` being zeros.
fn polynomial() -> impl Strategy<Value = (usize, Vec<f32>)> {
    (prop_oneof![Just(2), Just(3), Just(5), Just(7)], prop::collection::vec(-2.0_f32..2.0, 8)).prop_map(
        |(degree, mut c)| {
            c.truncate(coefficient_stride(degree));
            c[degree + 1..].fill(0.0);
            (degree, c)
        },
    )
}

proptest! {
    /// No sample is faster than the bound, which is not far above the fastest.
    #[test]
    fn speeds_are_bounded((degree, c) in polynomial(), duration in 0.1_f32..2.0) {
        let wide: Vec<f64> = c.iter().map(|&c| c.into()).collect();
        let speed = |k: i32| {
            crate::trajectory::derivative(&wide, 1, f64::from(duration) * f64::from(k) / 500.0).abs()
        };
        let fastest = (0..=500).map(speed).fold(0.0, f64::max);
        let bound = f64::from(greatest_speed(&c, duration));
        let [first, last] = speeds(&c, duration).map(f64::from);
        for k in 0..=500 {
            let share = f64::from(k) / 500.0;
            let chord = first + share * (last - first);
            prop_assert!(chord >= speed(k) * (1.0 - 1e-5) - 1e-6, "{} below {}", chord, speed(k));
        }
        prop_assert!(bound >= fastest * (1.0 - 1e-5) - 1e-6, "{} below {}", bound, fastest);
        let size: f64 = (1..=degree).map(|k| k as f64 * wide[k].abs() * f64::from(duration).powi(k as i32 - 1)).sum();
        prop_assert!(bound <= size * (1.0 + 1e-5) + 1e-6, "{} above {}", bound, size);
    }

    /// From rest to rest the samples of every degree are spread evenly along the way, which they cover.
    #[test]
    fn rest_to_rest_is_sampled_evenly(degree in prop_oneof![Just(3), Just(5), Just(7)], way in 0.1..3.0_f64, duration in 0.2..3.0) {
        let mut batch = EdgeBatch::new(1, degree);
        batch.push_at_rest(&[0.3], &[0.3 + way], duration);
        let edge = batch.get(0);
        prop_assert!((f64::from(edge.travel(&[2.0])) - 2.0 * way).abs() < 1e-4);
        let c: Vec<f64> = edge.polynomial(0, 0, 1).iter().map(|&c| c.into()).collect();
        let at = |sample| crate::trajectory::derivative(&c, 0, f64::from(edge.sample_time(0, sample, 1)));
        for sample in 0..RAKE {
            let expected = 0.3 + way * sample as f64 / (RAKE - 1) as f64;
            prop_assert!((at(sample) - expected).abs() < 2e-3 * way, "{} {}", at(sample), expected);
        }
    }
}

/// However long an edge is, devices can count its rakes.
#[test]
fn rakes_are_counted_in_sixteen_bits() {
    let mechanism = crate::robot::random::mechanism(&mut SeedableRng::seed_from_u64(3), 2);
    let still = JointState::at_rest(vec![0.0; mechanism.dof()]);
    let problem = Problem {
        mechanism,
        world: crate::world::World { obstacles: Vec::new() },
        goals: vec![still.clone()],
        start: still,
        smoothness: crate::problem::Smoothness::Acceleration,
        torque: false,
        gravity: crate::problem::GRAVITY,
    };
    let packed = Packed::new(&problem, 0.05);
    let dof = packed.dof();
    let rakes = |way: f64| {
        let mut batch = EdgeBatch::new(dof, 3);
        batch.push_at_rest(&vec![0.0; dof], &vec![way; dof], 1.0);
        packed.rakes(&batch.get(0))
    };
    assert!(rakes(1e2) < rakes(1e4));
    assert_eq!(rakes(1e9), 62_501);
    assert_eq!(rakes(1e30), 62_501);
}

#[test]
fn lower_degrees_are_filled_up() {
    let mut line = Trajectory::new(2, 1);
    line.push(1.0, &[1.0, 2.0, 3.0, 4.0]);
    for degree in [3, 5, 7] {
        let mut batch = EdgeBatch::new(2, degree);
        batch.push_trajectory(&line);
        let edge = batch.get(0);
        assert_eq!(edge.polynomial(0, 1, 2)[..4], [3.0, 4.0, 0.0, 0.0]);
        assert_eq!(edge.polynomial(0, 1, 2).len(), coefficient_stride(degree));
    }
}
