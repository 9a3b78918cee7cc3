//! The files that names of meshes stand for, with ROS and without. Imports nothing of the robot.

use std::path::{Path, PathBuf};

/// Environment variables whose folders hold packages, and what of them does.
const VARIABLES: [(&str, &str); 5] = [
    ("ROS_PACKAGE_PATH", ""),
    ("AMENT_PREFIX_PATH", "share"),
    ("CMAKE_PREFIX_PATH", "share"),
    ("GZ_SIM_RESOURCE_PATH", ""),
    ("GAZEBO_MODEL_PATH", ""),
];

/// Folders within a folder that are looked at for a package of another name than theirs, at most.
const MOST_SIBLINGS: usize = 256;

/// Where meshes are looked for.
pub(super) struct MeshSearch<'a> {
    /// That of the URDF.
    folder: &'a Path,
    /// Folders of packages, or of folders of packages, that the user names.
    packages: &'a [PathBuf],
}

/// A file that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FoundMesh {
    pub(super) path: PathBuf,
    /// Whether it lies where the package would, if it had the right name.
    pub(super) is_guess: bool,
}

impl<'a> MeshSearch<'a> {
    pub(super) fn new(folder: &'a Path, packages: &'a [PathBuf]) -> Self {
        Self { folder, packages }
    }

    /// The file that a name stands for: a path from the folder of the URDF, `file://PATH`, or
    /// `package://NAME/PATH` (Gazebo's `model://` too).
    ///
    /// A package is a folder of that name, or one whose `package.xml` says so. It is looked for in the folders
    /// that the user names, in those of the environment, and from the folder of the URDF upwards. Where there is
    /// none, PATH itself is, within the package that holds the URDF: people rename packages. So is a path that
    /// does not lead anywhere from the folder of the URDF. Elsewhere it might be another robot's.
    pub(super) fn find(&self, name: &str) -> Result<FoundMesh, String> {
        let sure = |path: PathBuf| Ok(FoundMesh { path, is_guess: false });
        let is_file = |candidate: &PathBuf| candidate.is_file();
        // Whoever reads it says what is wrong with a pipe.
        let is_there = |path: &Path| path.exists() && !path.is_dir();
        let guess = |path: &str, above: &[PathBuf]| {
            let mut candidates = within_package(above).iter().map(|root| root.join(path));
            candidates.find(is_file).map(|path| FoundMesh { path, is_guess: true })
        };
        if let Some(path) = name.strip_prefix("file://") {
            let path = self.folder.join(path);
            return if is_there(&path) { sure(path) } else { Err(format!("there is no file {}", path.display())) };
        }
        let Some(rest) = name.strip_prefix("package://").or_else(|| name.strip_prefix("model://")) else {
            return match name.split_once("://") {
                Some((scheme, _)) => {
                    Err(format!("a mesh at \"{scheme}://\"; expected a path, file://, package:// or model://"))
                }
                None if is_there(&self.folder.join(name)) => sure(self.folder.join(name)),
                None => guess(name, &self.above()).ok_or_else(|| {
                    format!("there is no file {}, nor elsewhere in its package", self.folder.join(name).display())
                }),
            };
        };
        let (package, path) = rest.split_once('/').unwrap_or((rest, ""));
        let above: Vec<PathBuf> = self.above();
        let roots = || self.packages.iter().cloned().chain(from_environment()).chain(above.iter().cloned());
        let by_folder = roots().flat_map(|root| {
            let itself = root.file_name().is_some_and(|n| n == package).then(|| root.join(path));
            [Some(root.join(package).join(path)), itself].into_iter().flatten()
        });
        let mut by_manifest = roots().flat_map(|root| with_manifest(&root, package)).map(|root| root.join(path));
        if let Some(path) = by_folder.into_iter().find(is_file).or_else(|| by_manifest.find(is_file)) {
            return sure(path);
        }
        guess(path, &above).ok_or_else(|| {
            format!(
                "there is no \"{name}\" in the folders of packages that are named (--package-path, or package_path \
                 in a scene), in those of {}, nor upwards from {}",
                VARIABLES.map(|(name, _)| name).join(", "),
                self.folder.display()
            )
        })
    }

    /// The folder of the URDF, and all above.
    fn above(&self) -> Vec<PathBuf> {
        let folder = self.folder.canonicalize().unwrap_or_else(|_| self.folder.to_path_buf());
        folder.ancestors().map(Path::to_path_buf).collect()
    }
}

/// Of a folder and those above it, what belongs to one package: up to the first that holds a `package.xml`, or else
/// one folder up, where URDFs that lie in a folder of their own have their meshes.
fn within_package(above: &[PathBuf]) -> &[PathBuf] {
    let top = above.iter().position(|folder| folder.join("package.xml").is_file()).unwrap_or(1);
    &above[..above.len().min(top + 1)]
}

/// The folders that environment variables name.
fn from_environment() -> impl Iterator<Item = PathBuf> {
    VARIABLES.into_iter().flat_map(|(variable, below)| {
        let paths = std::env::var_os(variable).unwrap_or_default();
        std::env::split_paths(&paths).map(|path| path.join(below)).collect::<Vec<_>>()
    })
}

/// The folder itself and those within it that hold a `package.xml` of a package of that name.
fn with_manifest(root: &Path, package: &str) -> Vec<PathBuf> {
    let is_package = |folder: &Path| {
        let manifest = std::fs::read_to_string(folder.join("package.xml"));
        manifest.is_ok_and(|text| name_in(&text) == Some(package))
    };
    let within = std::fs::read_dir(root).into_iter().flatten().flatten().map(|e| e.path());
    let mut folders: Vec<PathBuf> = within.collect();
    // The order in which folders are listed is nobody's choice.
    folders.sort();
    folders.truncate(MOST_SIBLINGS);
    std::iter::once(root.to_path_buf()).chain(folders).filter(|folder| is_package(folder)).collect()
}

/// The name that a manifest gives.
fn name_in(manifest: &str) -> Option<&str> {
    let (_, rest) = manifest.split_once("<name>")?;
    Some(rest.split_once("</name>")?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_found_by_name_manifest_and_place() {
        let top = std::env::temp_dir().join(format!("flatout-find-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("ws/arm_description/meshes/a.stl", "");
        write("ws/arm_description/urdf/arm.urdf", "");
        // A clone under a name of its own.
        write("ws/tools-main/package.xml", "<package>\n <name> tools </name></package>");
        write("ws/tools-main/meshes/b.stl", "");
        write("elsewhere/far/c.stl", "");
        let urdf = top.join("ws/arm_description/urdf");
        let real = top.canonicalize().unwrap();
        let find = |name: &str, packages: &[PathBuf]| MeshSearch::new(&urdf, packages).find(name);
        let found = |path: &str, is_guess| Ok(FoundMesh { path: real.join(path), is_guess });
        let a = "ws/arm_description/meshes/a.stl";
        assert_eq!(find("package://arm_description/meshes/a.stl", &[]), found(a, false));
        assert_eq!(find("package://tools/meshes/b.stl", &[]), found("ws/tools-main/meshes/b.stl", false));
        assert_eq!(find("model://tools/meshes/b.stl", &[]), found("ws/tools-main/meshes/b.stl", false));
        // The package was renamed since.
        assert_eq!(find("package://ARM_V2/meshes/a.stl", &[]), found(a, true));
        assert_eq!(find("../meshes/a.stl", &[]).unwrap().path, urdf.join("../meshes/a.stl"));
        let absolute = real.join(a);
        assert_eq!(find(&format!("file://{}", absolute.display()), &[]).unwrap().path, absolute);
        assert!(find("file:///x/y.stl", &[]).unwrap_err().contains("there is no file /x/y.stl"));
        // The file is there, but in a folder that belongs to something else.
        write("ws/stray.stl", "");
        assert!(find("package://other/stray.stl", &[real.join("ws")]).is_err());
        // Written for another folder.
        assert_eq!(find("meshes/a.stl", &[]), found(a, true));
        assert!(find("none.stl", &[]).unwrap_err().contains("none.stl, nor elsewhere"));
        assert!(find("package://far/c.stl", &[]).unwrap_err().contains("--package-path"));
        for packages in [real.join("elsewhere"), real.join("elsewhere/far")] {
            assert_eq!(find("package://far/c.stl", &[packages]), found("elsewhere/far/c.stl", false));
        }
        assert!(find("http://x/y.stl", &[]).unwrap_err().contains("http"));
        std::fs::remove_dir_all(top).unwrap();
    }
}
