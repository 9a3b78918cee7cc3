//! A node that lives long: a thousand queries with edits of the world between them, on a thread of its own, each with
//! a deadline of 5 ms, and one that is broken off from outside.
//!
//! `cargo run --release --example 02_long_running_node`

#![expect(clippy::print_stdout, reason = "an example tells what it does")]

use flatout::glam::DVec3;
use flatout::prelude::*;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const URDF: &str = include_str!("two_link.urdf");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut planner = Planner::builder(Robot::parse(URDF, None, None, &LoadOptions::default())?)
        .acceleration(6.0)
        .build()?;
    let at = |angle: f64| Pose::from_translation(DVec3::new(0.8 * angle.cos(), 0.8 * angle.sin(), 0.0));
    planner.world_mut().add("ball", Shape::sphere(0.1), at(0.0))?;

    // The planner moves into the thread that serves queries; whoever asks sends a query and waits for its answer.
    let (ask, queries) = mpsc::channel::<(f64, Query)>();
    let (tell, answers) = mpsc::channel::<Result<Motion, PlanError>>();
    let node = std::thread::spawn(move || {
        for (angle, query) in queries {
            let edited = planner.world_mut().set_pose("ball", at(angle)).map(|_| ());
            let answer = edited.map_err(PlanError::from).and_then(|()| planner.plan(&query));
            if tell.send(answer).is_err() {
                break;
            }
        }
    });

    let (mut solved, mut slowest) = (0, Duration::ZERO);
    for i in 0..1000 {
        let turn = f64::from(i) * 0.61;
        let [from, to] = [[turn.sin(), 0.4], [-turn.cos(), 0.8]];
        let begun = Instant::now();
        ask.send((2.5 + 0.3 * turn.sin(), Query::from(from).to(to).deadline(Duration::from_millis(5))))?;
        solved += usize::from(answers.recv()?.is_ok());
        slowest = slowest.max(begun.elapsed());
    }
    println!("{solved} of 1000 queries solved, the slowest in {:.2} ms", slowest.as_secs_f64() * 1e3);

    // A query that goes on for as long as it may, broken off by another thread: it gives the best so far.
    let token = CancelToken::new();
    ask.send((2.5, Query::from([-1.0, 0.5]).to([1.0, 0.5]).improve(Duration::MAX).cancel(&token)))?;
    std::thread::sleep(Duration::from_millis(200));
    token.cancel();
    let motion = answers.recv()??;
    println!(
        "broken off at {:.3} s, bettered {} times: {:?}",
        motion.duration(),
        motion.improvements,
        motion.cut_short
    );
    drop(ask);
    node.join().map_err(|_| "the node panicked")?;
    Ok(())
}
