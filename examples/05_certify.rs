//! A trajectory of somebody else's, certified: here a message `trajectory_msgs/JointTrajectory`.
//!
//! `cargo run --release --example 05_certify`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::exchange::Format;
use flatout::prelude::*;

const URDF: &str = include_str!("two_link.urdf");

/// Half a turn of the shoulder in a second and a half, by cubics between three points.
const MESSAGE: &str = "
joint_names: [shoulder, elbow]
points:
- {positions: [0.0, 0.0], velocities: [0.0, 0.0], time_from_start: {sec: 0, nanosec: 0}}
- {positions: [0.5, 0.1], velocities: [1.0, 0.2], time_from_start: {sec: 0, nanosec: 750000000}}
- {positions: [1.0, 0.2], velocities: [0.0, 0.0], time_from_start: {sec: 1, nanosec: 500000000}}
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let robot = Robot::parse(URDF, None, None, &LoadOptions::default())?;
    let planner = Planner::builder(robot).acceleration(6.0).build()?;
    let named = NamedTrajectory::parse(MESSAGE, Format::JointTrajectory)?;
    let trajectory = named.ordered(&planner.mechanism().outputs)?;

    let options = CertifyOptions { world_tolerance: Some(1e-3), ..Format::JointTrajectory.tolerances() };
    let certificate = planner.certify(&trajectory, &options)?;
    println!("valid at every instant: {certificate}");

    // Twice as fast it is not.
    match planner.certify(&trajectory.stretched(0.5), &options) {
        Ok(_) => println!("valid twice as fast too"),
        Err(why) => println!("twice as fast: {why}"),
    }
    Ok(())
}
