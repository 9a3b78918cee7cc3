//! A robot in motion: its goal changes, something comes into its way, and it is stopped and slowed down.
//!
//! `cargo run --release --example 03_replan`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::glam::DVec3;
use flatout::prelude::*;
use std::time::Duration;

const URDF: &str = include_str!("two_link.urdf");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let robot = Robot::parse(URDF, None, None, &LoadOptions::default())?;
    let mut planner = Planner::builder(robot).acceleration(6.0).build()?;
    let first = planner.plan(&Query::from([-1.2, 0.5]).to([1.2, 0.5]))?;
    println!("first: {:.3} s", first.duration());

    // At 0.30 s another goal is asked for. The answer may take 10 ms, and 2 ms on the wire: leave at 0.312 s.
    let another = Query::leaving(&first, 0.312).driven_since(0.30).to([0.2, -1.0]);
    match planner.plan(&another.deadline(Duration::from_millis(10))) {
        Ok(next) => println!("from now on, to another goal: {:.3} s", next.duration()),
        // On a machine that is busy with something else.
        Err(PlanError::Budget(why)) => println!("{}: it drives on as before", why.budget),
        Err(why) => return Err(why.into()),
    }

    // Something appears on the way; the rest of the first motion is no longer valid.
    let ball = Pose::from_translation(DVec3::new(0.75, 0.55, 0.05));
    planner.world_mut().add("ball", Shape::sphere(0.08), ball)?;
    let around = planner.plan(&Query::leaving(&first, 0.312).to([1.2, 0.5]))?;
    println!("around the ball: {:.3} s", around.duration());

    // Or the robot is to stand as soon as it can, or to go on at half its speed.
    let stop = planner.stop(&first, 0.312)?;
    println!("a standstill after {:.3} s more", stop.duration());
    planner.world_mut().remove("ball")?;
    let slowly = planner.slow_down(&first, 0.312, 0.5)?;
    println!("at half the speed: {:.3} s in place of {:.3} s", slowly.duration(), first.duration() - 0.312);
    Ok(())
}
