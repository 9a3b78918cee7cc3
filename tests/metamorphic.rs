//! What must not matter to a search or a certificate: the unit of length, the unit of time, where the world
//! stands, in which order obstacles are listed, what joints are called. Problems are those of the random families.

use flatout::base::Base;
use flatout::bench::search_families::SearchFamily;
use flatout::certify::{Certificate, CertifyOptions, Clearance, Peak, certify};
use flatout::check::Backend;
use flatout::plan::{PlanOptions, Solution, plan};
use flatout::pose::Pose;
use flatout::problem::Problem;
use flatout::trajectory::Trajectory;
use glam::{DMat3, DVec3};

/// Debug builds are slow; what is tested here is not how fast.
fn options(seed: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples: 200_000, ..PlanOptions::default() }
}

fn solve(problem: &Problem, seed: u64) -> Solution {
    let options = options(seed);
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    plan(problem, &mut *checker, &options).unwrap_or_else(|why| panic!("{why}"))
}

/// Counts that tell whether two searches did the same.
fn work(solution: &Solution) -> [u64; 3] {
    let statistics = &solution.statistics;
    [statistics.iterations, statistics.edges, statistics.states]
}

const MEMBERS: u64 = 6;

/// Multiplying all lengths by a power of two changes no bit of any significand: neither the search, nor the
/// refinement, nor the duration of the answer may notice.
#[test]
fn the_unit_of_length_does_not_matter() {
    for kind in [SearchFamily::Maze2d, SearchFamily::Arm] {
        for index in 0..MEMBERS {
            let one = solve(&kind.problem(index, 1.0).expect("a problem"), index);
            for scale in [1.0 / 128.0, 128.0] {
                let scaled = solve(&kind.problem(index, scale).expect("a problem"), index);
                assert_eq!(work(&scaled), work(&one), "{} {index} at {scale}", kind.name());
                assert_eq!(scaled.trajectory.duration(), one.trajectory.duration());
            }
        }
    }
}

/// The same for time: everything happens so many times as fast.
#[test]
fn the_unit_of_time_does_not_matter() {
    for kind in [SearchFamily::Maze2d, SearchFamily::Arm] {
        for index in 0..MEMBERS {
            let problem = kind.problem(index, 1.0).expect("a problem");
            let one = solve(&problem, index);
            for faster in [1.0 / 64.0, 64.0] {
                let mut problem = problem.clone();
                for limits in &mut problem.mechanism.limits {
                    limits.velocity *= faster;
                    limits.acceleration *= faster * faster;
                }
                let other = solve(&problem, index);
                assert_eq!(work(&other), work(&one), "{} {index} {faster} times as fast", kind.name());
                assert_eq!(other.trajectory.duration() * faster, one.trajectory.duration());
            }
        }
    }
}

/// All lengths times `length`, unless outputs are angles, and everything so many times as `fast`.
fn rescaled(trajectory: &Trajectory, length: f64, fast: f64) -> Trajectory {
    let mut other = Trajectory::new(trajectory.dof(), trajectory.degree());
    for segment in trajectory.segments() {
        let powers = trajectory.degree() + 1;
        let scaled = |(k, c): (usize, &f64)| c * length * fast.powi((k % powers) as i32);
        let coefficients: Vec<f64> = segment.coefficients.iter().enumerate().map(scaled).collect();
        other.push(segment.duration / fast, &coefficients);
    }
    other
}

/// A certificate without anything that has a unit, but for lengths and times that are measured in those given.
fn without_units(certificate: &Certificate, length: f64, fast: f64) -> String {
    let clearance = |Clearance { at_least, nearest }: &Clearance| {
        let near = nearest.as_ref().map(|n| (n.between.clone(), n.distance / length, n.time * fast));
        (at_least / length, near)
    };
    let used = |peak: &Peak| (peak.used, peak.time * fast);
    let joints: Vec<_> = certificate
        .peaks
        .iter()
        .map(|p| [p.position, p.velocity, p.acceleration].map(|p| used(&p)))
        .collect();
    let base: Vec<_> = certificate.base.iter().map(|base| used(&base.peak)).collect();
    let both = [&certificate.world, &certificate.links].map(clearance);
    format!("{both:?} in {} intervals; {joints:?} {base:?}", certificate.intervals)
}

/// A proof takes the same steps and proves the same, whatever the units of length and time.
#[test]
fn units_do_not_matter_to_certificates() {
    let options = |tolerance: Option<f64>| CertifyOptions {
        world_tolerance: tolerance,
        links_tolerance: tolerance,
        ..CertifyOptions::default()
    };
    for kind in [SearchFamily::Maze2d, SearchFamily::Arm] {
        for index in 0..MEMBERS {
            let problem = kind.problem(index, 1.0).expect("a problem");
            let trajectory = solve(&problem, index).trajectory;
            for tolerance in [None, Some(1e-4)] {
                let one = certify(&problem, &trajectory, &options(tolerance)).expect("a certificate");
                let one = without_units(&one, 1.0, 1.0);
                for [length, fast] in
                    [[1.0 / 1024.0, 1.0], [1024.0, 1.0], [1.0, 1.0 / 1024.0], [1.0, 1024.0], [1024.0, 1024.0]]
                {
                    let mut problem = kind.problem(index, length).expect("a problem");
                    for limits in &mut problem.mechanism.limits {
                        limits.velocity *= fast;
                        limits.acceleration *= fast * fast;
                    }
                    if let Some(Base::Point(point)) = &mut problem.mechanism.base {
                        point.velocity *= fast;
                        point.acceleration *= fast * fast;
                    }
                    let outputs = if kind == SearchFamily::Arm { 1.0 } else { length };
                    let trajectory = rescaled(&trajectory, outputs, fast);
                    let other = certify(&problem, &trajectory, &options(tolerance.map(|t| t * length)));
                    let other = other.unwrap_or_else(|v| panic!("{} {index}: {v}", kind.name()));
                    assert_eq!(
                        without_units(&other, length, fast),
                        one,
                        "{} {index}: {length}, {fast}",
                        kind.name()
                    );
                }
            }
        }
    }
}

/// Obstacles are a set, and names are only names.
#[test]
fn orders_and_names_do_not_matter() {
    for kind in SearchFamily::ALL {
        let index = 1;
        let problem = kind.problem(index, 1.0).expect("a problem");
        let one = solve(&problem, index);
        let mut other = problem.clone();
        other.world.obstacles.reverse();
        other.mechanism.outputs.iter_mut().for_each(|name| name.insert_str(0, "another "));
        let other = solve(&other, index);
        assert_eq!(work(&other), work(&one), "{}", kind.name());
        assert_eq!(other.trajectory.duration(), one.trajectory.duration());
    }
}

/// An arm and its world moved and turned together: quarter turns only swap and negate numbers, but the boxes of
/// a hierarchy are cut otherwise and sums rounded otherwise, so that two searches may part. They are as long.
#[test]
fn where_the_world_stands_does_not_matter() {
    let turns = [
        Pose {
            rotation: DMat3::from_cols(DVec3::Y, -DVec3::X, DVec3::Z),
            translation: DVec3::new(2.0, -1.0, 0.5),
        },
        Pose { rotation: DMat3::from_cols(DVec3::X, DVec3::Z, -DVec3::Y), translation: DVec3::ZERO },
        Pose { rotation: DMat3::from_axis_angle(DVec3::new(0.6, 0.0, 0.8), 1.0), translation: DVec3::X },
    ];
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for index in 0..MEMBERS {
        let problem = SearchFamily::Arm.problem(index, 1.0).expect("a problem");
        for turn in &turns {
            let mut other = problem.clone();
            other.gravity = turn.rotation * problem.gravity;
            other.mechanism.bodies[0].placement = *turn * other.mechanism.bodies[0].placement;
            for obstacle in &mut other.world.obstacles {
                obstacle.pose = *turn * obstacle.pose;
            }
            for seed in 0..5 {
                before.push(solve(&problem, seed).statistics.iterations);
                after.push(solve(&other, seed).statistics.iterations);
            }
        }
    }
    let mean = |samples: &[u64]| samples.iter().sum::<u64>() as f64 / samples.len() as f64;
    let (before, after) = (mean(&before), mean(&after));
    assert!((before / after).ln().abs() < 0.5, "{before} samples against {after}");
}
