//! Two hundred queries at once, in a forest and beside an occupancy grid that are made in code.
//!
//! `cargo run --release --example 04_batch`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::glam::DVec3;
use flatout::prelude::*;

const URDF: &str = include_str!("two_link.urdf");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::default();
    for i in 0..60 {
        let (angle, radius) = (f64::from(i) * 2.4, 1.1 + 0.05 * f64::from(i % 7));
        let place = Pose::from_translation(DVec3::new(radius * angle.cos(), radius * angle.sin(), 0.0));
        world.add(&format!("trunk {i}"), Shape::cylinder(0.03, 2.0), place)?;
    }
    // A map of 20 x 20 cells of 5 cm: a wall with a gap.
    let size = [20, 20, 1];
    let occupied = (0..400).map(|cell| cell / 20 == 12 && !(8..11).contains(&(cell % 20))).collect();
    let corner = Pose::from_translation(DVec3::new(-0.5, 0.1, -0.5));
    world.add_grid("map", &OccupancyGrid { size, cell: 0.05, corner, occupied })?;

    let robot = Robot::parse(URDF, None, None, &LoadOptions::default())?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut planner = Planner::builder(robot).acceleration(6.0).world(world).threads(threads).build()?;
    let query = |i: i32| {
        let turn = f64::from(i) * 0.37;
        Query::from([-1.5 + 0.1 * turn.sin(), 0.5]).to([-0.3 + 0.1 * turn.cos(), -0.6 * turn.sin()])
    };
    let motions = planner.plan_batch(&(0..200).map(query).collect::<Vec<_>>());
    let (mut solved, mut duration) = (0, 0.0);
    for motion in &motions {
        match motion {
            Ok(motion) => (solved, duration) = (solved + 1, duration + motion.duration()),
            Err(why) => println!("{why}"),
        }
    }
    println!("{solved} of {} solved, {:.3} s long at the mean", motions.len(), duration / f64::from(solved));
    Ok(())
}
