//! A robot and its world in code, a plan, and set-points for a controller that runs at 1 kHz.
//!
//! `cargo run --release --example 01_plan_in_code`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::glam::DVec3;
use flatout::prelude::*;
use std::path::Path;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots/panda");
    let [urdf, srdf, limits] =
        ["panda.urdf", "panda.srdf", "joint_limits.yaml"].map(|file| folder.join(file));
    let robot = Robot::load(&urdf, Some(&srdf), Some(&limits), &LoadOptions::default())?;

    let mut world = World::default();
    world
        .add(
            "table",
            Shape::cuboid(DVec3::new(1.0, 1.6, 0.05)),
            Pose::from_translation(DVec3::new(0.9, 0.0, 0.2)),
        )?
        .add("pillar", Shape::cylinder(0.08, 1.2), Pose::from_translation(DVec3::new(0.45, 0.0, 0.8)))?;

    let mut planner = Planner::builder(robot).group("panda_arm").world(world).clearance(0.01).build()?;
    let start = [0.9, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8];
    let goal = [-0.9, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8];
    let query = Query::from(start).to(goal).quality(Quality::Balanced).deadline(Duration::from_millis(500));
    let motion = planner.plan(&query)?;
    println!(
        "{:.3} s, found in {:.2} ms; {:.1} mm from obstacles at least",
        motion.duration(),
        motion.statistics.total().as_secs_f64() * 1e3,
        motion.certificate.world.at_least * 1e3
    );

    let setpoints = motion.setpoints(Rate::hz(1000.0));
    println!("{} set-points of {}", setpoints.len(), motion.joints().join(", "));
    for point in setpoints.step_by(250) {
        let position: Vec<String> = point.position.iter().map(|p| format!("{p:6.3}")).collect();
        println!("{:5.3} s  {}", point.time, position.join(" "));
    }
    Ok(())
}
