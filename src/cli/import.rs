//! `flatout import`: MoveIt files to a scene file.

use super::arguments::{DefaultArgs, MoveItArgs};
use super::failure::Failure;
use super::output::{say, write_file};
use crate::error::InputError;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    moveit: MoveItArgs,
    #[command(flatten)]
    default: DefaultArgs,
    /// Scene file to write; standard output where it is left out
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let scene = args.moveit.load(args.default.limits())?;
    match &args.output {
        Some(file) => {
            let directory = file.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let directory = std::fs::canonicalize(directory)
                .map_err(|e| InputError::new(format!("cannot write the file: {e}")).in_file(file))
                .map_err(|e| Failure::Broken(e.to_string()))?;
            write_file(file, &scene.to_yaml(&directory))?;
        }
        None => say(&scene.to_yaml(Path::new(".")))?,
    }
    Ok(())
}
