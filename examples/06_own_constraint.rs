//! A constraint and a cost of the caller's own: the hand stays on one side of a line, and the way is to be short rather
//! than quick.
//!
//! `cargo run --release --example 06_own_constraint`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::glam::DVec3;
use flatout::prelude::*;

const URDF: &str = include_str!("two_link.urdf");

/// The end of the forearm stays at y above a line.
struct AboveTheLine(f64);

impl StateConstraint for AboveTheLine {
    fn name(&self) -> &str {
        "the hand above the line"
    }

    fn margin(&self, sample: &StateSample<'_>) -> f64 {
        sample.body("fore").map_or(-1.0, |pose| pose.point(DVec3::new(0.4, 0.0, 0.0)).y - self.0)
    }
}

/// The way of all joints, added up, rad.
fn travel(trajectory: &Trajectory) -> f64 {
    let at = |sample: usize| {
        let mut position = vec![0.0; trajectory.dof()];
        trajectory.evaluate(sample as f64 / 200.0 * trajectory.duration(), 0, &mut position);
        position
    };
    let step = |i: usize| at(i).iter().zip(at(i + 1)).map(|(p, q)| (q - p).abs()).sum::<f64>();
    (0..200).map(step).sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let robot = Robot::parse(URDF, None, None, &LoadOptions::default())?;
    let options = PlanOptions {
        constraints: vec![Constraint::new(AboveTheLine(0.1))],
        cost: Cost::new("travel", travel),
        ..PlanOptions::default()
    };
    let mut planner = Planner::builder(robot).acceleration(6.0).options(options).build()?;
    let motion = planner.plan(&Query::from([0.3, 0.4]).to([2.6, 0.2]).quality(Quality::Balanced))?;
    println!("{:.3} s, {:.3} rad of travel", motion.duration(), travel(&motion.trajectory));
    for sampled in &motion.certificate.sampled {
        println!("{sampled}");
    }
    match planner.plan(&Query::from([0.3, 0.4]).to([-0.5, 0.2])) {
        Ok(_) => println!("the goal is above the line"),
        Err(why) => println!("{why}"),
    }
    Ok(())
}
