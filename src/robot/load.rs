//! Loading a robot from its files. Imports `error`, `stop` and its sibling readers.

use super::options::{LoadOptions, MissingGeometry};
use super::cache::CacheEntry;
use super::cover::Piece;
use super::geometry::Geometry;
use super::spherize::{LinkCover, Solid, by_link};
use super::{JointKind, Robot, Sphere, cover, joint_limits, pairs, srdf, urdf};
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

    /// A robot without limits, and how its spheres cover its collision geometry, made anew, element by element;
    /// links need not have any.
    ///
    /// # Errors
    /// As [`Robot::load`].
    pub fn load_covers(
        urdf: &Path,
        srdf: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<(Self, Vec<LinkCover>), InputError> {
        let (urdf, srdf) = (Source::read(urdf)?, srdf.map(Source::read).transpose()?);
        let (mut robot, geometry) = described(&urdf, srdf.as_ref(), None, options)?;
        let stop = Stop::new(None, options.cancel.clone());
        let solids = solids(&geometry)?;
        let pieces = urdf.with(|_| cover::cover(&robot, &solids, &options.cover, &stop))?;
        let elements = robot.links.iter().zip(solids.iter().zip(&pieces)).flat_map(|(link, (solids, pieces))| {
            solids.iter().zip(pieces).map(|(s, piece)| (link.name.as_str(), s.to_string(), piece.cover()))
        });
        let covers = by_link(elements);
        for (link, pieces) in robot.links.iter_mut().zip(&pieces) {
            link.spheres = pieces.iter().flat_map(Piece::spheres).collect();
        }
        robot.prove_pairs(options);
        Ok((robot, covers))
    }
}

fn assemble(
    urdf: &Source,
    srdf: Option<&Source>,
    limits: Option<&Source>,
    options: &LoadOptions,
) -> Result<Robot, InputError> {
    let stop = Stop::new(None, options.cancel.clone());
    let (mut robot, geometry) = described(urdf, srdf, limits, options)?;
    if options.missing_geometry == MissingGeometry::Refuse {
        urdf.with(|_| require_geometry(&robot))?;
    }
    // What takes long comes last, when all that is small has been found right.
    let spheres = urdf.with(|_| spheres(&robot, &geometry, options, &stop))?;
    robot.links.iter_mut().zip(spheres).for_each(|(link, spheres)| link.spheres = spheres);
    robot.prove_pairs(options);
    Ok(robot)
}

/// A robot but for its spheres, and the geometry that they are to cover.
fn described(
    urdf: &Source,
    srdf: Option<&Source>,
    limits: Option<&Source>,
    options: &LoadOptions,
) -> Result<(Robot, Vec<Vec<Geometry>>), InputError> {
    let warnings = Warnings::default();
    let (mut robot, geometry) = urdf.with(|text| urdf::read(text, urdf.folder(), &options.package_path, &warnings))?;
    robot.warnings = warnings.take_of(urdf.path);
    if let Some(path) = urdf.path {
        robot.losses = robot.losses.into_iter().map(|(joint, place)| (joint, place.in_file(path))).collect();
    }
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
    Ok((robot, geometry))
}

/// The spheres of each link, from the cache where they are there.
fn spheres(
    robot: &Robot,
    geometry: &[Vec<Geometry>],
    options: &LoadOptions,
    stop: &Stop,
) -> Result<Vec<Vec<Sphere>>, InputError> {
    let entry = options.cache.entry(robot, geometry, &options.cover);
    if let Some(known) = entry.as_ref().and_then(CacheEntry::read) {
        return Ok(known);
    }
    let solids = solids(geometry)?;
    let pieces = cover::cover(robot, &solids, &options.cover, stop)?;
    let of_link = |pieces: &Vec<Piece>| pieces.iter().flat_map(Piece::spheres).collect();
    let spheres: Vec<Vec<Sphere>> = pieces.iter().map(of_link).collect();
    // A mesh that changed meanwhile would be kept under the number of what it was before.
    let after = options.cache.entry(robot, geometry, &options.cover);
    if let (Some(entry), Some(after)) = (entry, after)
        && entry.is_same(&after)
    {
        entry.write(&spheres);
    }
    Ok(spheres)
}

/// The geometry with its meshes read.
fn solids(geometry: &[Vec<Geometry>]) -> Result<Vec<Vec<Solid>>, InputError> {
    geometry.iter().map(|pieces| pieces.iter().map(Geometry::load).collect()).collect()
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
