//! Covers that were made before, in files: what a robot's geometry and joints, and the choices in covering them,
//! lead to is stored under a number that all of these make, so that whatever changes is covered anew.
//! Imports the robot's geometry.
//!
//! A cache is only ever a gain: what cannot be read, is not whole or does not fit is made anew, and what cannot
//! be written is not. Files appear whole or not at all, so programs may run side by side.

use super::geometry::Geometry;
use super::mesh::named_files;
use super::spherize::CoverOptions;
use super::{Joint, Robot, Sphere};
use crate::digest::Digest;
use crate::error::{InputError, write_file};
use crate::pose::Pose;
use crate::world::Shape;
use glam::DVec3;
use std::fs;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The sources that covers come from: whoever changes how they are made need not remember to say so.
const SOURCES: &[(&str, &str)] = &[
    ("cache.rs", include_str!("cache.rs")),
    ("cover.rs", include_str!("cover.rs")),
    ("cover/piece.rs", include_str!("cover/piece.rs")),
    ("cover/separate.rs", include_str!("cover/separate.rs")),
    ("geometry.rs", include_str!("geometry.rs")),
    ("mesh.rs", include_str!("mesh.rs")),
    ("mesh/close.rs", include_str!("mesh/close.rs")),
    ("mesh/collada.rs", include_str!("mesh/collada.rs")),
    ("mesh/gltf.rs", include_str!("mesh/gltf.rs")),
    ("mesh/gltf/buffers.rs", include_str!("mesh/gltf/buffers.rs")),
    ("mesh/gltf/schema.rs", include_str!("mesh/gltf/schema.rs")),
    ("mesh/inside.rs", include_str!("mesh/inside.rs")),
    ("mesh/surface.rs", include_str!("mesh/surface.rs")),
    ("mesh/touch.rs", include_str!("mesh/touch.rs")),
    ("spherize.rs", include_str!("spherize.rs")),
    ("spherize/body.rs", include_str!("spherize/body.rs")),
    ("spherize/cells.rs", include_str!("spherize/cells.rs")),
    ("spherize/chain.rs", include_str!("spherize/chain.rs")),
    ("spherize/covering.rs", include_str!("spherize/covering.rs")),
    ("spherize/fit.rs", include_str!("spherize/fit.rs")),
    ("spherize/report.rs", include_str!("spherize/report.rs")),
    ("spherize/select.rs", include_str!("spherize/select.rs")),
    ("spherize/set_cover.rs", include_str!("spherize/set_cover.rs")),
    ("spherize/solid.rs", include_str!("spherize/solid.rs")),
    ("sphere.rs", include_str!("sphere.rs")),
    ("states.rs", include_str!("states.rs")),
    ("mod.rs", include_str!("mod.rs")),
    ("pose.rs", include_str!("../pose.rs")),
];

/// The first bytes of a file; another version is another format.
const MAGIC: &[u8; 16] = b"flatout covers 1";

/// Files kept, at most; the oldest go first.
const MOST_FILES: usize = 512;

/// Where covers are kept from one run to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CoverCache {
    /// In the folder that the environment variable `FLATOUT_CACHE` names, or nowhere where that is `off`; else in
    /// the user's cache directory (`$XDG_CACHE_HOME/flatout` or `~/.cache/flatout`, `~/Library/Caches/flatout`,
    /// `%LOCALAPPDATA%\flatout`).
    #[default]
    User,
    /// In this folder.
    Folder(PathBuf),
    /// Nowhere: covers are made at every load.
    Off,
}

impl CoverCache {
    /// The folder, if there is one to be used.
    pub fn folder(&self) -> Option<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        match self {
            Self::Off => None,
            Self::Folder(folder) => Some(folder.clone()),
            Self::User => match variable("FLATOUT_CACHE") {
                Some(off) if off == "off" => None,
                Some(folder) => Some(folder.into()),
                None if cfg!(windows) => Some(PathBuf::from(variable("LOCALAPPDATA")?).join("flatout")),
                None if cfg!(target_os = "macos") => {
                    Some(PathBuf::from(variable("HOME")?).join("Library/Caches/flatout"))
                }
                None => {
                    let home = || Some(PathBuf::from(variable("HOME")?).join(".cache"));
                    Some(variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?.join("flatout"))
                }
            },
        }
    }

    /// Where the spheres of a robot's links are kept that its geometry and `options` lead to; nowhere where
    /// there is no folder, a mesh cannot be read, or spheres are all there is.
    pub(super) fn entry(&self, robot: &Robot, geometry: &[Vec<Geometry>], options: &CoverOptions) -> Option<CacheEntry> {
        let is_sphere = |g: &Geometry| matches!(g, Geometry::Primitive(Shape::Sphere { .. }, _));
        if geometry.iter().flatten().all(is_sphere) {
            return None;
        }
        let folder = self.folder()?;
        let mut key = Key::default();
        SOURCES.iter().for_each(|(_, text)| key.add(text));
        key.add(&(robot.joints.len(), robot.states.len(), geometry.len()));
        key.add(&(options.max_spheres, options.tolerance.to_bits()));
        robot.joints.iter().for_each(|joint| key.add_joint(joint));
        key.add(&robot.pairs);
        for state in &robot.states {
            key.add(&state.values.iter().map(|&(joint, value)| (joint, value.to_bits())).collect::<Vec<_>>());
        }
        for pieces in geometry {
            key.add(&pieces.len());
            pieces.iter().try_for_each(|piece| key.add_geometry(piece))?;
        }
        Some(CacheEntry { path: folder.join(format!("{}.covers", key.0)), links: geometry.len() })
    }
}

/// A file of the cache.
pub(super) struct CacheEntry {
    path: PathBuf,
    links: usize,
}

impl CacheEntry {
    /// The spheres of each link, if they are there.
    pub(super) fn read(&self) -> Option<Vec<Vec<Sphere>>> {
        let bytes = fs::read(&self.path).ok()?;
        let (body, sum) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        if sum != Digest::of(body).to_bytes() {
            return None;
        }
        let mut words = body.strip_prefix(MAGIC)?.chunks_exact(8).map(|w| w.try_into().map_or(0, u64::from_le_bytes));
        let mut links = Vec::with_capacity(self.links);
        for _ in 0..self.links {
            let count = words.next()?;
            let sphere = |_| {
                let [x, y, z, radius] = [words.next()?, words.next()?, words.next()?, words.next()?].map(f64::from_bits);
                Some(Sphere { center: DVec3::new(x, y, z), radius })
            };
            links.push((0..count).map(sphere).collect::<Option<Vec<_>>>()?);
        }
        Some(links)
    }

    /// Keeps the spheres of each link, as far as that can be done.
    pub(super) fn write(&self, links: &[Vec<Sphere>]) {
        let mut bytes = MAGIC.to_vec();
        for spheres in links {
            bytes.extend((spheres.len() as u64).to_le_bytes());
            let numbers = spheres.iter().flat_map(|s| [s.center.x, s.center.y, s.center.z, s.radius]);
            bytes.extend(numbers.flat_map(f64::to_le_bytes));
        }
        bytes.extend(Digest::of(&bytes).to_bytes());
        let Some(folder) = self.path.parent() else { return };
        // Loading goes on without it.
        let folder_is_there = fs::create_dir_all(folder).is_ok();
        if folder_is_there && write_file(&self.path, &bytes).is_ok() {
            drop_oldest(folder);
        }
    }

    /// Whether it is the place of the same covers as another.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

/// Takes the oldest files away where there are too many; no others than those of covers.
fn drop_oldest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_ours = |path: &Path| {
        let is_key = |name: &str| name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit());
        path.extension().is_some_and(|e| e == "covers") && path.file_stem().and_then(|s| s.to_str()).is_some_and(is_key)
    };
    let age = |path: PathBuf| {
        let changed = fs::metadata(&path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        (changed, path)
    };
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| is_ours(p)).map(age).collect();
    files.sort();
    for (_, path) in files.iter().take(files.len().saturating_sub(MOST_FILES)) {
        // Another program may have been faster.
        drop(fs::remove_file(path));
    }
}

/// The number of all that was added, in its order.
#[derive(Default)]
struct Key(Digest);

impl Key {
    fn add(&mut self, value: &(impl Hash + ?Sized)) {
        value.hash(&mut self.0);
    }

    fn add_numbers(&mut self, numbers: &[f64]) {
        numbers.iter().for_each(|x| self.add(&x.to_bits()));
    }

    fn add_pose(&mut self, pose: &Pose) {
        self.add_numbers(&pose.rotation.to_cols_array());
        self.add_numbers(&pose.translation.to_array());
    }

    fn add_joint(&mut self, joint: &Joint) {
        self.add(&(joint.kind as u8, joint.parent));
        self.add_pose(&joint.origin);
        self.add_numbers(&joint.axis.to_array());
        self.add_numbers(&[joint.limits.lower, joint.limits.upper]);
        self.add(&joint.mimic.map(|m| (m.joint, m.multiplier.to_bits(), m.offset.to_bits())));
    }

    /// None where a mesh cannot be read; whoever covers it will say so.
    fn add_geometry(&mut self, geometry: &Geometry) -> Option<()> {
        self.add_pose(geometry.pose());
        match geometry {
            Geometry::Primitive(shape, _) => {
                self.add(shape.kind());
                match *shape {
                    Shape::Sphere { radius } => self.add_numbers(&[radius]),
                    Shape::Cuboid { half_extents } => self.add_numbers(&half_extents.to_array()),
                    Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
                        self.add_numbers(&[radius, half_length]);
                    }
                    Shape::HalfSpace => {}
                }
            }
            Geometry::Mesh { path, scale, .. } => {
                self.add_numbers(&scale.to_array());
                self.add(&path.extension());
                let bytes = InputError::read_bytes(path).ok()?;
                for file in named_files(path, &bytes) {
                    self.add(&InputError::read_bytes(&file).ok()?);
                }
                self.add(&bytes);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("flatout-cache-{}-{name}", std::process::id()))
    }

    fn spheres() -> Vec<Vec<Sphere>> {
        let sphere = |i: usize| Sphere { center: DVec3::new(i as f64, 1.0 / 3.0, -0.1), radius: 0.1 * i as f64 };
        vec![vec![], (1..5).map(sphere).collect(), (5..7).map(sphere).collect()]
    }

    #[test]
    fn what_is_kept_is_found_again_to_the_bit() {
        let folder = folder("kept");
        let entry = CacheEntry { path: folder.join("a.covers"), links: 3 };
        assert_eq!(entry.read(), None);
        entry.write(&spheres());
        assert_eq!(entry.read(), Some(spheres()));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_whole_is_not_there() {
        let folder = folder("whole");
        let entry = CacheEntry { path: folder.join("a.covers"), links: 3 };
        entry.write(&spheres());
        let bytes = fs::read(&entry.path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            fs::write(&entry.path, &damaged).unwrap();
            assert_eq!(entry.read(), None, "byte {at}");
            fs::write(&entry.path, &bytes[..at]).unwrap();
            assert_eq!(entry.read(), None, "the first {at} bytes");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// What changes covers changes their number.
    #[test]
    fn all_sources_count() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/robot");
        for folder in ["cover", "mesh", "mesh/gltf", "spherize"] {
            let entries = fs::read_dir(here.join(folder)).unwrap().map(Result::unwrap);
            for file in entries.filter(|entry| entry.path().is_file()) {
                let name = format!("{folder}/{}", file.file_name().to_string_lossy());
                assert!(SOURCES.iter().any(|(known, _)| *known == name), "{name}");
            }
        }
    }

    #[test]
    fn old_files_go() {
        let folder = folder("old");
        fs::create_dir_all(&folder).unwrap();
        let others = ["mine.covers", "notes.tmp", "0123456789abcdef0123456789abcdef.txt"];
        others.iter().for_each(|name| fs::write(folder.join(name), "").unwrap());
        for i in 0..MOST_FILES + 20 {
            fs::write(folder.join(format!("{i:032x}.covers")), "").unwrap();
        }
        CacheEntry { path: folder.join(format!("{:032x}.covers", u32::MAX)), links: 0 }.write(&[]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), MOST_FILES + others.len());
        assert!(others.iter().all(|name| folder.join(name).exists()), "others' files stay");
        fs::remove_dir_all(folder).unwrap();
    }
}
