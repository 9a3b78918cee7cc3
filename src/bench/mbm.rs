//! MotionBenchMaker's problems in one file per robot, format `mbm-json/1`.
//!
//! Chamzas et al., *MotionBenchMaker: A Tool to Generate and Benchmark Motion Planning Datasets*,
//! RA-L 2022. Lengths are in metres, angles in radians, quaternions x y z w; obstacles have the
//! keys of those in scene files.

use crate::document::{self, Map, Node};
use crate::error::InputError;
use crate::pose::Pose;
use crate::problem::{JointState, GRAVITY, Problem, Smoothness};
use crate::robot::{Mechanism, Robot};
use crate::scene;
use crate::world::World;
use std::path::Path;

/// The only format there is so far.
const FORMAT: &str = "mbm-json/1";

/// Problems for one robot.
#[derive(Clone, Debug)]
pub struct MbmSuite {
    /// Name of the robot.
    pub robot: String,
    /// Names of the joints, in the order of the values in starts and goals.
    pub joints: Vec<String>,
    /// The problems, in the order of the file.
    pub problems: Vec<MbmProblem>,
}

/// One problem of a suite.
#[derive(Clone, Debug)]
pub struct MbmProblem {
    /// Name of the set it belongs to, such as `bookshelf_tall`.
    pub set: String,
    /// Its number in the set.
    pub index: u64,
    /// Where each joint starts, rad or m.
    pub start: Vec<f64>,
    /// Where each joint shall end, rad or m.
    pub goal: Vec<f64>,
    /// The obstacles.
    pub world: World,
}

impl MbmSuite {
    /// Reads a suite.
    ///
    /// # Errors
    /// Where the file is missing, malformed or of another format.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        let text = InputError::read_text(file)?;
        Self::parse(&text).map_err(|e| e.in_file(file))
    }

    /// Reads a suite from the text of its file.
    ///
    /// # Errors
    /// As [`MbmSuite::load`].
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let root = document::parse(text)?;
        let known = ["format", "source", "robot", "joints", "note", "problems"];
        let map = root.map_of("a suite of problems: a map", &known)?;
        let format = map.require("format")?;
        if format.text(FORMAT)? != FORMAT {
            return Err(format.expected(FORMAT));
        }
        let list = map.require("joints")?.list("a list of names of joints")?;
        let name = |n: &Node| n.text("the name of a joint").map(str::to_owned);
        let joints: Vec<String> = list.iter().map(name).collect::<Result<_, _>>()?;
        let list = map.require("problems")?.list("a list of problems")?;
        let problems =
            list.iter().map(|node| MbmProblem::read(node, joints.len())).collect::<Result<_, _>>()?;
        Ok(Self { robot: map.require("robot")?.text("the name of a robot")?.to_owned(), joints, problems })
    }

    /// `robot` reduced to the joints of this suite, all others in their neutral positions;
    /// `base` is its root link's frame in the world.
    ///
    /// # Errors
    /// Where the robot lacks a joint, or limits of velocity or acceleration.
    pub fn mechanism(&self, robot: &Robot, base: Pose) -> Result<Mechanism, InputError> {
        let joints = scene::Planned::Joints(self.joints.clone()).resolve(robot)?;
        let mechanism = Mechanism::new(robot, &joints, &robot.neutral(), base)?;
        scene::require_limits(&mechanism, Smoothness::Acceleration, false)?;
        Ok(mechanism)
    }
}

impl MbmProblem {
    fn read(node: &Node, dof: usize) -> Result<Self, InputError> {
        let map = node.map_of("a problem: a map", &["set", "index", "start", "goal", "obstacles"])?;
        let obstacles = map.require("obstacles")?.list("a list of obstacles")?;
        let obstacles = obstacles.iter().enumerate().map(|(i, node)| scene::obstacle(node, i));
        Ok(Self {
            set: map.require("set")?.text("the name of a set")?.to_owned(),
            index: map.require("index")?.natural()?,
            start: values(&map, "start", dof)?,
            goal: values(&map, "goal", dof)?,
            world: World { obstacles: obstacles.collect::<Result<_, _>>()? },
        })
    }

    /// The problem for a `mechanism` made by [`MbmSuite::mechanism`]. Torques are not checked: the
    /// suite is about geometry, and its rivals do not know torques. Whether start and goal lie within the limits is
    /// for a planner to say.
    pub fn problem(&self, mechanism: &Mechanism) -> Problem {
        let mut problem = Problem {
            mechanism: mechanism.clone(),
            world: self.world.clone(),
            start: JointState::at_rest(self.start.clone()),
            goals: vec![JointState::at_rest(self.goal.clone())],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        };
        problem.admit_ends();
        problem
    }
}

fn values(map: &Map, key: &str, dof: usize) -> Result<Vec<f64>, InputError> {
    let node = map.require(key)?;
    let what = format!("{dof} numbers, one for each joint");
    let values = node.numbers(&what)?;
    if values.len() == dof { Ok(values) } else { Err(node.expected(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = r#"{"format": "mbm-json/1", "source": "by hand", "robot": "two", "joints": ["a", "b"], "problems": [
{"set": "box", "index": 2, "start": [0.0, 1e-1], "goal": [1, 2], "obstacles": [
 {"name": "can", "shape": "capsule", "radius": 0.5, "length": 2, "position": [1, 0, 0], "quaternion_xyzw": [0, 0, 0, 1]}]}
]}"#;

    fn error(from: &str, to: &str) -> String {
        assert!(SUITE.contains(from));
        MbmSuite::parse(&SUITE.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn reads_a_suite() {
        let suite = MbmSuite::parse(SUITE).unwrap();
        assert_eq!(
            (suite.robot.as_str(), suite.joints.as_slice()),
            ("two", &["a".to_owned(), "b".to_owned()][..])
        );
        let problem = &suite.problems[0];
        assert_eq!((problem.set.as_str(), problem.index), ("box", 2));
        assert_eq!((problem.start.as_slice(), problem.goal.as_slice()), (&[0.0, 0.1][..], &[1.0, 2.0][..]));
        let distance = problem.world.obstacles[0].signed_distance(glam::DVec3::new(1.0, 0.0, 2.0));
        assert!((distance - 0.5).abs() < 1e-12);
    }

    #[test]
    fn says_what_is_wrong_where() {
        assert_eq!(
            error("mbm-json/1", "mbm-json/2"),
            "line 1: format: expected mbm-json/1, found \"mbm-json/2\""
        );
        assert_eq!(
            error("[1, 2]", "[1]"),
            "line 2: problems[0].goal: expected 2 numbers, one for each joint, found a list of 1"
        );
        assert_eq!(
            error("0.5", "-0.5"),
            "line 3: problems[0].obstacles[0].radius: expected a length from 1e-6 to 1e6 m, found -0.5"
        );
        assert_eq!(
            error("\"radius\"", "\"radios\""),
            "line 3: problems[0].obstacles[0].radios: unknown key \"radios\"; did you mean \"radius\"?"
        );
        let broken = error("1e-1]", "1e-1");
        assert!(broken.starts_with("line 2: "), "{broken}");
    }
}
