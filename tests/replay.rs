//! The controls in a trajectory's file, integrated, lead through its states: for every kind of base.

mod common;

use common::replay::replay;
use flatout::base::Base;
use flatout::problem::Problem;
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use proptest::prelude::*;
use std::path::Path;

fn problem(scene: &str) -> Problem {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(scene);
    Scene::load(&file).unwrap_or_else(|e| panic!("{e}")).problem
}

/// A trajectory of these polynomials, one segment each as long as `duration`; the outputs of what a base
/// carries stand still.
fn trajectory(problem: &Problem, segments: &[(f64, Vec<Vec<f64>>)]) -> Trajectory {
    let most = segments.iter().flat_map(|(_, polynomials)| polynomials.iter().map(Vec::len)).max();
    let degree = most.expect("a polynomial") - 1;
    let mut trajectory = Trajectory::new(problem.mechanism.flat_dof(), degree);
    for (duration, polynomials) in segments {
        let mut coefficients = vec![0.0; (degree + 1) * trajectory.dof()];
        for (row, polynomial) in coefficients.chunks_exact_mut(degree + 1).zip(polynomials) {
            row[..polynomial.len()].copy_from_slice(polynomial);
        }
        trajectory.push(*duration, &coefficients);
    }
    trajectory
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Curves ahead, about the direction of a guide that stands still: the faster, the farther they bend.
    #[test]
    fn wheels(bend in -0.15..0.15, twist in -0.05..0.05, push in -0.1..0.1, duration in 0.5..4.0) {
        for scene in ["drive_boxes.yaml", "drive_dock.yaml", "car_parking.yaml", "car_trailer.yaml", "manipulator_doorway.yaml", "manipulator_car.yaml"] {
            let problem = problem(scene);
            let curve = vec![vec![0.5, 1.0, push], vec![0.2, 0.1, bend, twist], vec![0.0]];
            replay(&problem, &trajectory(&problem, &[(duration, curve)]));
        }
    }

    /// In every direction, turning meanwhile.
    #[test]
    fn mecanum(
        curve in prop::collection::vec(prop::collection::vec(-0.3..0.3, 5), 3), duration in 0.5..4.0,
    ) {
        for scene in ["omni_shelves.yaml", "manipulator_omni.yaml"] {
            let problem = problem(scene);
            replay(&problem, &trajectory(&problem, &[(duration, curve.clone())]));
        }
    }

    /// Speeds that jump, and turns where it stands, between curves of a drive whose controls they are: that takes
    /// no more samples than elsewhere.
    #[test]
    fn jumps(speed in 0.2..1.0, other in -1.0..-0.2, turn in -1.5..1.5, duration in 0.3..2.0) {
        let problem = problem("drive_boxes.yaml");
        let line = |from: f64, speed: f64, heading: f64| {
            let (sin, cos) = heading.sin_cos();
            vec![vec![from, speed * cos], vec![0.0, speed * sin], vec![heading]]
        };
        let end = speed * duration;
        let on_the_spot = vec![vec![end], vec![0.0], vec![0.0, turn / 0.7]];
        let mut back = line(end, other, turn);
        back[2] = vec![turn];
        let trajectory = trajectory(&problem, &[
            (duration, line(0.0, speed, 0.0)), (0.7, on_the_spot), (0.5 * duration, back),
        ]);
        let samples = replay(&problem, &trajectory);
        prop_assert!(samples as f64 <= 2.0 * (trajectory.duration() / 0.01 + 3.0) + 1.0, "{samples}");
    }

    /// Round and round: the yaw of an airplane does not jump where it comes around.
    #[test]
    fn wings(rate in 0.3..0.6, climb in -0.5..0.5) {
        let problem = problem("airplane_gate.yaml");
        // Polynomials through a sixteenth of a circle each: through an eighth, they miss each other by a micrometre.
        let (radius, turn) = (20.0, std::f64::consts::FRAC_PI_8);
        let taylor = |phase: f64| -> Vec<f64> {
            let factorial = [1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0, 40320.0, 362_880.0];
            let term = |(k, f): (usize, f64)| {
                let derivative = (phase + k as f64 * std::f64::consts::FRAC_PI_2).cos();
                radius * derivative * f64::powi(rate, k as i32) / f
            };
            factorial.into_iter().enumerate().map(term).collect()
        };
        let piece = |i: usize| {
            let (phase, duration) = (turn * i as f64, turn / rate);
            let start = climb * duration * i as f64;
            let y = taylor(phase - std::f64::consts::FRAC_PI_2);
            (duration, vec![taylor(phase), y, vec![30.0 + start, climb]])
        };
        replay(&problem, &trajectory(&problem, &(0..32).map(piece).collect::<Vec<_>>()));
    }

    /// From hover to hover, as fast as it goes.
    #[test]
    fn rotors(along in 0.5..2.0, up in -0.5..0.5, turn in -1.0..1.0, duration in 1.2..3.0_f64) {
        let smooth = |by: f64| {
            let scaled = |(k, c): (i32, f64)| by * c / duration.powi(k);
            let tail = [(4, 35.0), (5, -84.0), (6, 70.0), (7, -20.0)].map(scaled);
            [&[0.0; 4][..], &tail].concat()
        };
        let planar = problem("planar_quadrotor_gap.yaml");
        replay(&planar, &trajectory(&planar, &[(duration, vec![smooth(along), smooth(up)])]));
        let spatial = problem("quadrotor_window.yaml");
        let outputs = vec![smooth(along), smooth(-along), smooth(up), smooth(turn)];
        replay(&spatial, &trajectory(&spatial, &[(duration, outputs)]));
    }
}

/// A light quadrotor that tumbles: rolled right over, as dynobench's recovery starts are, by an output that
/// falls faster than free.
#[test]
fn attitudes_upside_down_do_not_jump() {
    let problem = problem("quadrotor_window.yaml");
    assert!(matches!(problem.mechanism.base, Some(Base::Quadrotor(_))));
    let curve =
        vec![vec![0.0, 0.0, 0.0, 4.0, -2.0], vec![0.0, 0.0, 8.0, -6.0], vec![0.0, 4.0, -9.0, 4.0], vec![0.2]];
    replay(&problem, &trajectory(&problem, &[(1.0, curve)]));
}

/// Sixty metres while it turns round ten times: one closer sampling is not enough.
#[test]
fn long_ways_of_a_spinning_base_are_repaired() {
    let curve = vec![
        vec![0.0, 0.0, 0.0, 0.0, -0.197_581_328_251_457_5],
        vec![0.0, 0.0, 0.0, 0.0, 0.274_212_457_663_316_64],
        vec![0.0, 0.0, 0.0, 0.187_530_422_017_740_06, 0.252_704_277_939_169_8],
    ];
    let problem = problem("omni_shelves.yaml");
    replay(&problem, &trajectory(&problem, &[(3.874_892_322_016_646, curve)]));
}
