//! What the model of a robot says of joint states: where its links are, what efforts a motion takes there, and which
//! links touch, so that it can be held against other implementations. Imports `base`, `error` and `pose`.

use super::states::range_to_draw_from;
use super::{AlwaysTouching, DynamicsScratch, Link, Mechanism, Robot, SkipReason};
use crate::base::GRAVITY;
use crate::error::InputError;
use crate::pose::Pose;
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

/// Version of what an [`Evaluation`] is written as.
const FORMAT: &str = "flatout-evaluation/1";

/// What to evaluate a robot at.
#[derive(Clone, Debug)]
pub struct EvaluationOptions {
    /// Names of the joints that random states differ in, the others being neutral and at rest; all, where left out.
    pub joints: Option<Vec<String>>,
    /// Number of random states.
    pub states: usize,
    /// Seed that they are drawn by.
    pub seed: u64,
    /// Acceleration of free fall in the root link's frame, m/s^2.
    pub gravity: DVec3,
    /// Velocities and accelerations of random states are drawn up to this, either way, in rad or m, per s and s^2.
    pub greatest_rate: f64,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self { joints: None, states: 100, seed: 0, gravity: DVec3::NEG_Z * GRAVITY, greatest_rate: 1.0 }
    }
}

/// A robot in some states.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// `flatout-evaluation/1`.
    pub format: &'static str,
    /// Name in the URDF.
    pub robot: String,
    /// Joints that have a position of their own, in the order of all states.
    pub joints: Vec<String>,
    /// Where states were drawn from, by joint: the joint's range, as far as those that mimic it allow it; a turn about
    /// zero where there is none. Rad or m.
    pub ranges: Vec<[f64; 2]>,
    /// Links, in the order of all poses.
    pub links: Vec<EvaluatedLink>,
    /// Pairs of links that are judged against each other.
    pub pairs: Vec<[String; 2]>,
    /// Pairs of links with collision geometry that are not, and why.
    pub skipped: Vec<EvaluatedSkip>,
    /// Acceleration of free fall, m/s^2.
    pub gravity: [f64; 3],
    /// The neutral state at rest, named states of the SRDF at rest, each with all other joints neutral, and the
    /// random ones.
    pub states: Vec<EvaluatedState>,
}

/// A link of an [`Evaluation`].
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatedLink {
    /// Name in the URDF.
    pub name: String,
    /// Number of its spheres.
    pub spheres: usize,
}

/// A pair of links that is not judged.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatedSkip {
    /// Names of the links.
    pub links: [String; 2],
    /// Why.
    pub reason: SkipReason,
}

/// A robot in one state.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatedState {
    /// `neutral`, `group/name` of the SRDF, or nothing for a random one.
    pub name: Option<String>,
    /// Positions of the joints, rad or m.
    pub position: Vec<f64>,
    /// Their velocities.
    pub velocity: Vec<f64>,
    /// Their accelerations.
    pub acceleration: Vec<f64>,
    /// Frames of all links in the root link's: the upper three rows of homogeneous matrices, metres.
    pub poses: Vec<[[f64; 4]; 3]>,
    /// What drives must supply, N m or N by joint; nothing where a body that moves carries no mass.
    pub efforts: Option<Vec<f64>>,
    /// Which of the pairs have spheres that touch, by their place in [`Evaluation::pairs`], but for those that always
    /// do ([`Robot::always`]).
    pub touching: Vec<usize>,
}

impl Robot {
    /// Evaluates the robot in its neutral state, in its named states and in random ones; the same options give the
    /// same states again.
    ///
    /// # Errors
    /// Where nothing moves, a joint that is named has no position of its own, the robot makes no sense ([`Robot::validate`]), or a joint and those that mimic it have no
    /// position in common.
    pub fn evaluate(&self, options: &EvaluationOptions) -> Result<Evaluation, InputError> {
        let joints = self.independent_joints();
        let mechanism = Mechanism::new(self, &joints, &self.neutral(), Pose::IDENTITY)?;
        let ranges = mechanism.ranges_to_draw_from()?;
        let named = |&[a, b]: &[usize; 2]| [a, b].map(|l| self.links[l].name.clone());
        let link = |l: &Link| EvaluatedLink { name: l.name.clone(), spheres: l.spheres.len() };
        let mut evaluator =
            Evaluator { robot: self, joints: &joints, mechanism: &mechanism, gravity: options.gravity, scratch: DynamicsScratch::default() };
        let at_rest = |(name, values): (String, Vec<f64>)| evaluator.at_rest(name, &values);
        let mut states: Vec<EvaluatedState> = self.known_states().into_iter().map(at_rest).collect();
        let moves = self.moving(options.joints.as_deref(), &joints)?;
        let neutral = self.neutral();
        let mut rng = Pcg64Mcg::seed_from_u64(options.seed);
        for _ in 0..options.states {
            // What stands still is drawn too, so that a seed gives the others the same values whatever they are.
            let mut draw = |ranges: &[[f64; 2]], still: &dyn Fn(usize) -> f64| -> Vec<f64> {
                let drawn = ranges.iter().map(|&[lower, upper]| rng.random_range(lower..=upper));
                drawn.enumerate().map(|(i, value)| if moves[i] { value } else { still(i) }).collect()
            };
            let rates = vec![[-options.greatest_rate, options.greatest_rate]; joints.len()];
            let position = draw(&ranges, &|i| neutral[joints[i]]);
            let [velocity, acceleration] = [(); 2].map(|()| draw(&rates, &|_| 0.0));
            states.push(evaluator.evaluate(None, position, velocity, acceleration));
        }
        Ok(Evaluation {
            format: FORMAT,
            robot: self.name.clone(),
            joints: mechanism.outputs.clone(),
            ranges,
            links: self.links.iter().map(link).collect(),
            pairs: self.pairs.iter().map(named).collect(),
            skipped: self.skipped.iter().map(|s| EvaluatedSkip { links: named(&s.links), reason: s.reason }).collect(),
            gravity: options.gravity.to_array(),
            states,
        })
    }

    /// Which of these joints are among those of these names; all without any.
    fn moving(&self, names: Option<&[String]>, joints: &[usize]) -> Result<Vec<bool>, InputError> {
        let Some(names) = names else { return Ok(vec![true; joints.len()]) };
        let is_independent = |name: &String| self.joint(name).is_some_and(|j| joints.contains(&j));
        if let Some(name) = names.iter().find(|name| !is_independent(name)) {
            let message = format!("\"{name}\" is no joint with a position of its own; expected names of such joints");
            return Err(InputError::new(message));
        }
        Ok(joints.iter().map(|&j| names.contains(&self.joints[j].name)).collect())
    }

    /// Which of [`Robot::pairs`] have spheres that touch where the links have these poses, but for those that always
    /// do.
    pub fn touching(&self, poses: &[Pose]) -> Vec<usize> {
        let placed = |link: usize| -> Vec<(DVec3, f64)> {
            self.links[link].spheres.iter().map(|s| (poses[link].point(s.center), s.radius)).collect()
        };
        let spheres: Vec<_> = (0..self.links.len()).map(placed).collect();
        let touch = |&links: &[usize; 2]| {
            let found = self.always.binary_search_by_key(&links, |a: &AlwaysTouching| a.links);
            let always = found.map_or(&[][..], |at| &self.always[at].spheres);
            let [first, second] = links.map(|l| &spheres[l]);
            first.iter().enumerate().any(|(i, a)| {
                second.iter().enumerate().any(|(j, b)| {
                    a.0.distance_squared(b.0) < (a.1 + b.1).powi(2) && always.binary_search(&[i, j]).is_err()
                })
            })
        };
        (0..self.pairs.len()).filter(|&pair| touch(&self.pairs[pair])).collect()
    }
}

/// What evaluates state after state.
struct Evaluator<'a> {
    robot: &'a Robot,
    joints: &'a [usize],
    mechanism: &'a Mechanism,
    gravity: DVec3,
    scratch: DynamicsScratch,
}

impl Evaluator<'_> {
    /// Evaluates one value per joint of the robot, at rest.
    fn at_rest(&mut self, name: String, values: &[f64]) -> EvaluatedState {
        let position = self.joints.iter().map(|&j| values[j]).collect();
        let still = vec![0.0; self.joints.len()];
        self.evaluate(Some(name), position, still.clone(), still)
    }

    fn evaluate(
        &mut self,
        name: Option<String>,
        position: Vec<f64>,
        velocity: Vec<f64>,
        acceleration: Vec<f64>,
    ) -> EvaluatedState {
        let mut values = vec![0.0; self.robot.joints.len()];
        self.joints.iter().zip(&position).for_each(|(&j, &value)| values[j] = value);
        let poses = self.robot.link_poses(&values);
        let efforts = self.mechanism.has_masses().then(|| {
            let mut efforts = vec![0.0; position.len()];
            let (m, scratch) = (self.mechanism, &mut self.scratch);
            m.inverse_dynamics(&position, &velocity, &acceleration, self.gravity, scratch, &mut efforts);
            efforts
        });
        let touching = self.robot.touching(&poses);
        let poses = poses.iter().map(rows).collect();
        EvaluatedState { name, position, velocity, acceleration, poses, efforts, touching }
    }
}

/// The upper three rows of a homogeneous matrix.
fn rows(pose: &Pose) -> [[f64; 4]; 3] {
    let columns = pose.rotation.to_cols_array_2d();
    let at = pose.translation.to_array();
    std::array::from_fn(|r| [columns[0][r], columns[1][r], columns[2][r], at[r]])
}

impl Mechanism {
    /// By output: where to draw it from.
    fn ranges_to_draw_from(&self) -> Result<Vec<[f64; 2]>, InputError> {
        let range = |(name, limits): (&String, &super::OutputLimits)| {
            if limits.lower > limits.upper {
                let message = "no position of this joint keeps all that mimic it within their limits";
                return Err(InputError::new(message).for_key(name));
            }
            Ok(range_to_draw_from([limits.lower, limits.upper]))
        };
        self.outputs.iter().zip(&self.limits).map(range).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::LoadOptions;
    use super::*;
    use std::f64::consts::PI;

    /// A pendulum about y, of 2 kg at 0.5 m; a finger on it that turns twice as far as another. The first two links
    /// have spheres at the axis, which always touch, and one each half a metre off.
    const URDF: &str = r#"<robot name="pendulum">
<link name="base">
  <collision><geometry><sphere radius="0.1"/></geometry></collision>
  <collision><origin xyz="-0.5 0 0"/><geometry><sphere radius="0.2"/></geometry></collision>
</link>
<link name="bob">
  <inertial><origin xyz="0.5 0 0"/><mass value="2"/>
    <inertia ixx="0" ixy="0" ixz="0" iyy="0.1" iyz="0" izz="0"/></inertial>
  <collision><geometry><sphere radius="0.1"/></geometry></collision>
  <collision><origin xyz="0.5 0 0"/><geometry><sphere radius="0.2"/></geometry></collision>
</link>
<link name="thumb"><inertial><mass value="MASS"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial></link>
<link name="finger"><inertial><mass value="MASS"/><inertia ixx="0" ixy="0" ixz="0" iyy="0" iyz="0" izz="0"/></inertial></link>
<joint name="swing" type="continuous"><parent link="base"/><child link="bob"/><axis xyz="0 1 0"/></joint>
<joint name="grip" type="revolute"><parent link="bob"/><child link="thumb"/><axis xyz="1 0 0"/>
  <limit lower="-1" upper="1" velocity="1" effort="1"/></joint>
<joint name="follow" type="revolute"><parent link="bob"/><child link="finger"/><axis xyz="1 0 0"/>
  <limit lower="0" upper="UPPER" velocity="1" effort="1"/><mimic joint="grip" multiplier="2" offset="1"/></joint>
</robot>"#;
    const SRDF: &str = r#"<robot name="pendulum"><group name="all"><joint name="swing"/></group>
<group_state name="up" group="all"><joint name="swing" value="-1.5"/></group_state></robot>"#;

    fn robot(mass: f64, upper: f64) -> Robot {
        let urdf = URDF.replace("MASS", &mass.to_string()).replace("UPPER", &upper.to_string());
        Robot::parse(&urdf, Some(SRDF), None, &LoadOptions::default()).unwrap()
    }

    #[test]
    fn states_are_evaluated_in_closed_form() {
        let robot = robot(1e-12, 2.0);
        let evaluation = robot.evaluate(&EvaluationOptions { states: 200, ..Default::default() }).unwrap();
        assert_eq!(evaluation.joints, ["swing", "grip"]);
        assert_eq!(evaluation.ranges, [[-PI, PI], [-0.5, 0.5]]);
        assert_eq!(evaluation.pairs, [["base", "bob"].map(str::to_owned)]);
        let names: Vec<Option<&str>> = evaluation.states.iter().map(|s| s.name.as_deref()).collect();
        assert_eq!(names[..3], [Some("neutral"), Some("all/up"), None]);
        assert_eq!((names.len(), evaluation.states[1].position[0]), (202, -1.5));
        let mut touching = 0;
        for state in &evaluation.states {
            let (q, a) = (state.position[0], state.acceleration[0]);
            let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9, "{got} instead of {want} at {q}");
            near(state.efforts.as_ref().unwrap()[0], (0.1 + 2.0 * 0.25) * a - 2.0 * 9.81 * 0.5 * q.cos());
            let frame = state.poses[1];
            near(frame[0][0], q.cos());
            near(frame[0][2], q.sin());
            near(frame[2][0], -q.sin());
            let follow = state.poses[3];
            near(follow[2][1] * q.cos() + follow[0][1] * q.sin(), (2.0 * state.position[1] + 1.0).sin());
            // The spheres half a metre off are opposite where the pendulum has turned half around.
            let touch = (PI - q.abs()) < 2.0 * 0.4_f64.asin();
            assert_eq!(state.touching, if touch { vec![0] } else { vec![] }, "at {q}");
            touching += usize::from(touch);
        }
        assert!((20..100).contains(&touching), "{touching}");
    }

    #[test]
    fn a_seed_gives_the_same_states_again_whatever_stands_still() {
        let robot = robot(1.0, 2.0);
        let swing = Some(vec!["swing".to_owned()]);
        let [all, some] = [None, swing].map(|joints| {
            robot.evaluate(&EvaluationOptions { joints, states: 5, seed: 3, ..Default::default() }).unwrap()
        });
        for (all, some) in all.states.iter().zip(&some.states).skip(2) {
            assert_eq!((all.position[0], all.velocity[0]), (some.position[0], some.velocity[0]));
            assert_eq!((some.position[1], some.velocity[1], some.acceleration[1]), (0.0, 0.0, 0.0));
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        let massless = robot(0.0, 2.0).evaluate(&EvaluationOptions::default()).unwrap();
        assert!(massless.states.iter().all(|s| s.efforts.is_none()));
        let unknown = EvaluationOptions { joints: Some(vec!["follow".to_owned()]), ..Default::default() };
        let error = robot(1.0, 2.0).evaluate(&unknown).unwrap_err().to_string();
        assert!(error.contains("\"follow\""), "{error}");
        let mut apart = robot(1.0, 2.0);
        apart.joints[2].mimic.as_mut().unwrap().offset = 9.0;
        let error = apart.evaluate(&EvaluationOptions::default()).unwrap_err().to_string();
        assert!(error.contains("grip") && error.contains("mimic"), "{error}");
    }
}
