//! `flatout bench rrt-star`: trees of Kinodynamic RRT* for published robots.

use super::arguments::{count, positive};
use super::failure::Failure;
use super::output::{say, write_file, write_results};
use super::progress::ProgressLine;
use crate::bench::rrt_star::{TreeReport, TreeRobot, grow};
use crate::plan::rrt_star::Neighbours;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(super) struct RrtStarArgs {
    /// Robot: double-integrator, quadrotor or car; or a double integrator on a way whose least cost is known: corner or
    /// slalom
    #[arg(long, default_value_t = TreeRobot::DoubleIntegrator)]
    robot: TreeRobot,
    /// States of a tree that a sample is joined to: all; within:X, of a radius that shrinks as theory asks, X times; or
    /// cost:X, within a cost
    #[arg(long, value_name = "WHICH", default_value_t = Neighbours::All)]
    neighbours: Neighbours,
    /// States to grow a tree to
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = count)]
    nodes: usize,
    /// Seeds, from 0 on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    seeds: usize,
    /// Time limit per tree, seconds
    #[arg(long, value_name = "S", default_value_t = 600.0, allow_negative_numbers = true, value_parser = positive)]
    time_limit: f64,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Write the curves as CSV
    #[arg(long, value_name = "OUT")]
    csv: Option<PathBuf>,
    /// Draw cost against states: median and quartiles
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
}

pub(super) fn run(args: &RrtStarArgs) -> Result<(), Failure> {
    let &RrtStarArgs { robot, neighbours, nodes, .. } = args;
    let progress = ProgressLine::bar(args.seeds, "trees");
    let limit = Duration::from_secs_f64(args.time_limit);
    let tree = |seed: usize| {
        let run = grow(robot, neighbours, nodes, limit, seed as u64);
        progress.advance();
        run
    };
    let runs = (0..args.seeds).map(tree).collect();
    drop(progress);
    let report = TreeReport::new(robot, neighbours, nodes, runs);
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    args.csv.as_deref().map_or(Ok(()), |file| write_file(file, &report.csv()))?;
    args.svg.as_deref().map_or(Ok(()), |file| write_file(file, &report.svg()))
}
