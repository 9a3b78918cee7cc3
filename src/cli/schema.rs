//! `flatout schema`: JSON Schemas of the files that are read and written.

use super::failure::Failure;
use super::output::say;
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(super) struct SchemaArgs {
    /// Of which files
    #[arg(value_enum)]
    of: Schema,
}

#[derive(Clone, Copy, ValueEnum)]
enum Schema {
    /// Scene files, as YAML or JSON
    Scene,
    /// Trajectories as JSON (flatout-trajectory/1)
    Trajectory,
}

pub(super) fn run(args: &SchemaArgs) -> Result<(), Failure> {
    let schema = match args.of {
        Schema::Scene => crate::scene::schema(),
        Schema::Trajectory => crate::exchange::schema(),
    };
    say(&format!("{schema:#}\n"))
}
