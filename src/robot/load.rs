//! Loading a robot from its files. Imports `error`, `stop` and its sibling readers.

use super::spherize::CoverOptions;
use super::{LinkSolid, Robot, joint_limits, pairs, srdf, urdf};
use crate::error::InputError;
use crate::stop::{CancelToken, Stop};
use std::path::Path;

/// Choices in loading a robot.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// How closely spheres cover boxes, cylinders, capsules and meshes.
    pub cover: CoverOptions,
    /// How many joint states are sampled to find pairs of links that need no check.
    pub pair_samples: usize,
    /// Seed of that sampling.
    pub seed: u64,
    /// Breaks the loading off, which may take seconds where there are meshes: it then fails.
    pub cancel: Option<CancelToken>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { cover: CoverOptions::default(), pair_samples: 4096, seed: 0, cancel: None }
    }
}

/// The text of a file, and where it came from.
struct Source<'a> {
    text: String,
    path: Option<&'a Path>,
}

impl<'a> Source<'a> {
    fn read(path: &'a Path) -> Result<Self, InputError> {
        Ok(Self { text: InputError::read_text(path)?, path: Some(path) })
    }

    /// Where the file lies.
    fn folder(&self) -> Option<&Path> {
        self.path.and_then(Path::parent)
    }

    /// Runs a reader over the text; its errors then name the file.
    fn with<T>(&self, reader: impl FnOnce(&str) -> Result<T, InputError>) -> Result<T, InputError> {
        reader(&self.text).map_err(|e| match self.path {
            Some(path) => e.in_file(path),
            None => e,
        })
    }
}

impl Robot {
    /// Loads a robot from its URDF, its SRDF (groups, named states, disabled collisions) and
    /// MoveIt's `joint_limits.yaml`.
    ///
    /// Pairs of links whose spheres touch in every state are left out, whatever the SRDF says.
    /// Without an SRDF there are no groups, and pairs of links that touch always or never, or are
    /// neighbours, are found by sampling and left out, as MoveIt's setup assistant does.
    ///
    /// # Errors
    /// Says which file, line and key is wrong, and what was expected there; or that it was broken off.
    pub fn load(
        urdf: &Path,
        srdf: Option<&Path>,
        limits: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<Self, InputError> {
        assemble(
            &Source::read(urdf)?,
            srdf.map(Source::read).transpose()?.as_ref(),
            limits.map(Source::read).transpose()?.as_ref(),
            options,
        )
    }

    /// The same as [`Robot::load`] from the texts of the files.
    ///
    /// # Errors
    /// As [`Robot::load`], without the names of the files; meshes cannot be found.
    pub fn parse(
        urdf: &str,
        srdf: Option<&str>,
        limits: Option<&str>,
        options: &LoadOptions,
    ) -> Result<Self, InputError> {
        let source = |text: &str| Source { text: text.to_owned(), path: None };
        assemble(&source(urdf), srdf.map(source).as_ref(), limits.map(source).as_ref(), options)
    }

    /// The collision geometry of all links as a URDF file has it, before spheres cover it.
    ///
    /// # Errors
    /// As [`Robot::load`].
    pub fn load_solids(urdf: &Path) -> Result<Vec<LinkSolid>, InputError> {
        let urdf = Source::read(urdf)?;
        urdf.with(|text| urdf::read_solids(text, urdf.folder()))
    }
}

fn assemble(
    urdf: &Source,
    srdf: Option<&Source>,
    limits: Option<&Source>,
    options: &LoadOptions,
) -> Result<Robot, InputError> {
    let stop = Stop::new(None, options.cancel.clone());
    let mut robot = urdf.with(|text| urdf::read(text, urdf.folder(), &options.cover, &stop))?;
    if let Some(limits) = limits {
        limits.with(|text| joint_limits::apply(text, &mut robot))?;
    }
    match srdf {
        Some(srdf) => {
            srdf.with(|text| srdf::apply(text, &mut robot))?;
            pairs::leave_out_always(&mut robot, options.pair_samples, options.seed);
        }
        None => pairs::find(&mut robot, options.pair_samples, options.seed),
    }
    Ok(robot)
}
