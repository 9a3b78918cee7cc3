//! Loading a robot from its files. Imports `error`, `stop` and its sibling readers.

use super::options::{LoadOptions, MissingGeometry};
use super::{JointKind, LinkSolid, Robot, joint_limits, pairs, srdf, urdf};
use crate::error::{InputError, Warnings};
use crate::stop::Stop;
use std::path::Path;

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
    /// All pairs of links are judged against each other, but those that the SRDF disables or, without an
    /// SRDF, neighbours; and those that are proved never to touch, and single spheres that are proved to
    /// touch always ([`Robot::skipped`], [`Robot::always`]). Without an SRDF there are no groups.
    ///
    /// # Errors
    /// Says which file, line and key is wrong, and what was expected there; which links have no collision
    /// geometry, unless that is allowed; or that it was broken off.
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
    let warnings = Warnings::default();
    let mut robot = urdf.with(|text| urdf::read(text, urdf.folder(), &options.cover, &stop, &warnings))?;
    robot.warnings = warnings.take_of(urdf.path);
    let sensible = |robot: &Robot| robot.validate().map_err(InputError::of_value);
    urdf.with(|_| sensible(&robot))?;
    if let Some(limits) = limits {
        limits.with(|text| joint_limits::apply(text, &mut robot, &warnings).and_then(|()| sensible(&robot)))?;
        robot.warnings.extend(warnings.take_of(limits.path));
    }
    match srdf {
        Some(srdf) => {
            srdf.with(|text| srdf::apply(text, &mut robot, &warnings))?;
            robot.warnings.extend(warnings.take_of(srdf.path));
        }
        None => pairs::of_tree(&mut robot),
    }
    robot.prove_pairs(options);
    if options.missing_geometry == MissingGeometry::Refuse {
        urdf.with(|_| require_geometry(&robot))?;
    }
    Ok(robot)
}

/// Refuses a robot of which something that moves would pass through anything.
///
/// Links that are joined rigidly are one piece: often all geometry of a piece is described on one of its
/// links, which holds the others. So only a piece without any is refused; of other links without geometry
/// that can be seen, certificates tell.
fn require_geometry(robot: &Robot) -> Result<(), InputError> {
    let pieces = robot.pieces();
    let (mut moves, mut has_geometry) = (vec![false; robot.links.len()], vec![false; robot.links.len()]);
    for (j, joint) in robot.joints.iter().enumerate() {
        moves[j + 1] = joint.kind != JointKind::Fixed || moves[joint.parent];
    }
    for (link, &piece) in robot.links.iter().zip(&pieces) {
        has_geometry[piece] |= !link.spheres.is_empty();
    }
    let moving = || (0..robot.links.len()).filter(|&l| moves[l]);
    let names = |links: &mut dyn Iterator<Item = usize>| -> Vec<String> {
        links.map(|l| format!("\"{}\"", robot.links[l].name)).collect()
    };
    let bare = names(&mut moving().filter(|&l| robot.links[l].visible && !has_geometry[pieces[l]]));
    let what = if !bare.is_empty() {
        format!("visible links that move have no collision geometry: {}", bare.join(", "))
    } else if moving().next().is_some() && !moving().any(|l| has_geometry[pieces[l]]) {
        format!("no link that moves has collision geometry: {}", names(&mut moving()).join(", "))
    } else {
        return Ok(());
    };
    Err(InputError::new(format!(
        "{what}; they would pass through anything. Describe it by <collision>, or allow it by \
         missing_geometry: allow in a scene, --missing-geometry allow on the command line"
    )))
}
