//! The keys of a scene file: what its reader takes and its JSON Schema is made of. A new key is a line here.

use crate::document::Form::{
    Either, Format, Map, Named, Natural, Number, Numbers, Positive, Text, Truth, Word,
};
use crate::document::{Form, Key, json_schema};
use serde_json::Value;

/// Name of the format of scene files, and the version that is written.
pub(super) const FORMAT: (&str, u32) = ("flatout-scene", 1);

/// A list of any number of numbers.
const NUMBERS: Form = Numbers(0, usize::MAX);
const THREE: Form = Numbers(3, 3);

pub(super) const SCENE: &[Key] = &[
    Key::new("format", Format(FORMAT.0, FORMAT.1)),
    Key::required("robot", Either(ROBOT)),
    Key::new("link_padding", Either(&[Number, Named(&Number)])),
    Key::new("world", Form::List(&Either(SHAPES_OF_OBSTACLES))),
    Key::required("start", Either(STATE)),
    Key::new("goal", Either(STATE)),
    Key::new("goals", Form::List(&Either(STATE))),
    Key::new("limits", Map(LIMITS)),
    Key::new("smoothness", Word(&["acceleration", "jerk"])),
    Key::new("planner", Map(PLANNER)),
    Key::new("gravity", THREE),
];

/// A scene of a linear system in place of a robot.
pub(super) const LINEAR_SCENE: &[Key] = &[
    Key::new("format", Format(FORMAT.0, FORMAT.1)),
    Key::required("linear", Map(LINEAR)),
    Key::new("world", Form::List(&Either(SHAPES_OF_OBSTACLES))),
    Key::required("start", Either(LINEAR_STATE)),
    Key::new("goal", Either(LINEAR_STATE)),
    Key::new("goals", Form::List(&Either(LINEAR_STATE))),
    Key::new("planner", Map(LINEAR_PLANNER)),
];

pub(super) const LINEAR: &[Key] = &[
    Key::required("A", MATRIX),
    Key::required("B", MATRIX),
    Key::new("c", NUMBERS),
    Key::required("R", Either(&[NUMBERS, MATRIX])),
    Key::required("states", Map(LINEAR_STATES)),
    Key::required("controls", Map(LINEAR_CONTROLS)),
    Key::required("place", Form::List(&Text)),
    Key::required("radius", Positive),
];

/// A list of rows.
const MATRIX: Form = Form::List(&NUMBERS);

pub(super) const LINEAR_STATES: &[Key] = &[
    Key::required("names", Form::List(&Text)),
    Key::required("lower", NUMBERS),
    Key::required("upper", NUMBERS),
];

pub(super) const LINEAR_CONTROLS: &[Key] = &[
    Key::required("names", Form::List(&Text)),
    Key::new("lower", NUMBERS_OR_NONE),
    Key::new("upper", NUMBERS_OR_NONE),
];

/// What stands for a bound or a limit that is none.
pub(super) const NONE: &str = "none";

/// A list of numbers, or none in place of some.
const NUMBERS_OR_NONE: Form = Form::List(&Either(&[Number, Word(&[NONE])]));

/// All numbers in their order, or each by its name.
const LINEAR_STATE: &[Form] = &[NUMBERS, Named(&Number)];

pub(super) const LINEAR_PLANNER: &[Key] = &[
    Key::new("seed", Natural),
    Key::new("time_limit", Either(&[Positive, Word(&["none"])])),
    Key::new("neighbours", Text),
    Key::new("samples", Natural),
    Key::new("max_samples", Natural),
    Key::new("improve", Positive),
];

/// A robot of files, or one of the kinds of [`KINDS`].
const ROBOT: &[Form] = &[
    Map(ROBOT_FILES),
    Map(&[KINDS[0]]),
    Map(&[KINDS[1]]),
    Map(&[KINDS[2]]),
    Map(&[KINDS[3]]),
    Map(&[KINDS[4]]),
    Map(&[KINDS[5]]),
    Map(&[KINDS[6]]),
];

/// Robots that a scene describes itself.
pub(super) const KINDS: [Key; 7] = [
    Key::required("point", Map(POINT)),
    Key::required("differential_drive", Map(DIFFERENTIAL_DRIVE)),
    Key::required("car", Map(CAR)),
    Key::required("omnidirectional", Map(OMNIDIRECTIONAL)),
    Key::required("airplane", Map(AIRPLANE)),
    Key::required("planar_quadrotor", Map(PLANAR_QUADROTOR)),
    Key::required("quadrotor", Map(QUADROTOR)),
];

/// The files of a robot and what of it moves, whether it stands or is carried.
const FILES: &[Key] = &[
    Key::required("urdf", Text),
    Key::new("srdf", Text),
    Key::new("joint_limits", Text),
    Key::new("missing_geometry", Word(&["refuse", "allow"])),
    Key::new("cover", Map(COVER)),
    Key::new("package_path", Form::List(&Text)),
    Key::new("group", Text),
    Key::new("joints", Form::List(&Text)),
    Key::new("locked", Named(&Number)),
];

/// How closely spheres cover a robot of files.
pub(super) const COVER: &[Key] = &[Key::new("max_spheres", Natural), Key::new("tolerance", Positive)];

const fn with<const N: usize>(keys: &[Key], more: Key) -> [Key; N] {
    let mut all = [more; N];
    let mut i = 0;
    while i < keys.len() {
        all[i] = keys[i];
        i += 1;
    }
    all
}

pub(super) const ROBOT_FILES: &[Key] = &with::<{ FILES.len() + 1 }>(FILES, Key::new("base", Map(FRAME)));

/// A robot that a vehicle carries.
pub(super) const CARRIED: &[Key] = &with::<{ FILES.len() + 1 }>(FILES, Key::new("mount", Map(FRAME)));

pub(super) const FRAME: &[Key] =
    &[Key::new("position", THREE), Key::new("rpy", THREE), Key::new("quaternion_xyzw", Numbers(4, 4))];

pub(super) const POINT: &[Key] = &[
    Key::required("dimensions", Natural),
    Key::required("velocity", Positive),
    Key::required("acceleration", Positive),
    Key::new("lower", NUMBERS),
    Key::new("upper", NUMBERS),
    Key::new("radius", Positive),
    Key::new("spheres", Form::List(&Map(SPHERE))),
];

pub(super) const SPHERE: &[Key] = &[Key::required("center", THREE), Key::required("radius", Positive)];

/// What every kind of vehicle has, beside what its motion depends on.
const LOWER: Key = Key::new("lower", NUMBERS);
const UPPER: Key = Key::new("upper", NUMBERS);
const BODY: Key = Key::required("body", Either(&[Map(PART), Form::List(&Map(PART))]));

/// A part of a body.
pub(super) const PART: &[Key] = &[
    Key::new("radius", Positive),
    Key::new("size", Numbers(2, 3)),
    Key::new("center", Numbers(2, 3)),
    Key::new("excess", Positive),
];

/// Least and greatest.
const RANGE: Form = Numbers(2, 2);

pub(super) const DIFFERENTIAL_DRIVE: &[Key] = &[
    Key::required("speed", RANGE),
    Key::required("turn_rate", RANGE),
    Key::new("acceleration", Positive),
    Key::new("turn_acceleration", Positive),
    Key::new("carries", Map(CARRIED)),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const CAR: &[Key] = &[
    Key::required("wheelbase", Positive),
    Key::required("speed", RANGE),
    Key::required("steering", Positive),
    Key::new("steering_rate", Positive),
    Key::new("acceleration", Positive),
    Key::new("trailer", Map(TRAILER)),
    Key::new("carries", Map(CARRIED)),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const TRAILER: &[Key] =
    &[Key::required("hitch_length", Positive), Key::required("angle", Positive), BODY];

pub(super) const OMNIDIRECTIONAL: &[Key] = &[
    Key::required("velocity", THREE),
    Key::required("acceleration", THREE),
    Key::new("wheels", Map(MECANUM_WHEELS)),
    Key::new("carries", Map(CARRIED)),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const MECANUM_WHEELS: &[Key] = &[
    Key::required("radius", Positive),
    Key::required("half_length", Positive),
    Key::required("half_width", Positive),
    Key::required("rate", Positive),
];

pub(super) const AIRPLANE: &[Key] = &[
    Key::required("speed", RANGE),
    Key::required("acceleration", Positive),
    Key::required("yaw_rate", Positive),
    Key::required("pitch_rate", Positive),
    Key::required("pitch", Positive),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const PLANAR_QUADROTOR: &[Key] = &[
    Key::required("mass", Positive),
    Key::required("inertia", Positive),
    Key::required("arm", Positive),
    Key::required("thrust_to_weight", Positive),
    Key::required("velocity", Positive),
    Key::required("body_rate", Positive),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const QUADROTOR: &[Key] = &[
    Key::required("mass", Positive),
    Key::required("inertia", THREE),
    Key::new("rotors", Map(ROTORS)),
    Key::new("wrench", Map(WRENCH)),
    Key::required("velocity", Positive),
    Key::required("body_rate", Positive),
    LOWER,
    UPPER,
    BODY,
];

pub(super) const ROTORS: &[Key] = &[
    Key::required("arm", Positive),
    Key::required("torque_by_thrust", Positive),
    Key::required("thrust_to_weight", Positive),
];

pub(super) const WRENCH: &[Key] = &[Key::required("thrust", RANGE), Key::required("moments", THREE)];

pub(super) const LIMITS: &[Key] = &[
    Key::new("velocity_scaling", Positive),
    Key::new("acceleration_scaling", Positive),
    Key::new("ramp_time", Positive),
    Key::new("torque", Truth),
    Key::new("default_acceleration", Positive),
    Key::new("default_jerk", Positive),
    Key::new("joints", Named(&Map(JOINT_LIMITS))),
];

pub(super) const JOINT_LIMITS: &[Key] = &[
    Key::new("lower", Number),
    Key::new("upper", Number),
    Key::new("velocity", Positive),
    Key::new("acceleration", Positive),
    Key::new("jerk", Positive),
    Key::new("effort", Positive),
];

pub(super) const PLANNER: &[Key] = &[
    Key::new("seed", Natural),
    Key::new("time_limit", Either(&[Positive, Word(&["none"])])),
    Key::new("algorithm", Word(&["rrt-connect", "aorrtc", "rrt-star"])),
    Key::new("cost", Text),
    Key::new("max_samples", Natural),
    Key::new("range", Positive),
    Key::new("moving_share", Number),
    Key::new("batch", Natural),
    Key::new("resolution", Positive),
    Key::new("quality", Word(&["fast", "balanced", "best"])),
    Key::new("shortcut_tries", Natural),
    Key::new("searches", Natural),
    Key::new("polish_tries", Natural),
    Key::new("improve", Positive),
];

/// What every obstacle has beside its dimensions; under `shape` stands the name of its [`SHAPES`].
const NAME: Key = Key::new("name", Text);
const SIZE: Key = Key::new("size", THREE);
const HALF_EXTENTS: Key = Key::new("half_extents", THREE);
const RADIUS: Key = Key::required("radius", Positive);
const LENGTH: Key = Key::required("length", Positive);

const fn shape(name: &'static [&'static str; 1]) -> Key {
    Key::required("shape", Word(name))
}

/// Kinds of shapes, and the keys of obstacles of that shape.
pub(super) const SHAPES: [(&str, &[Key]); 5] = [
    ("sphere", &[shape(&["sphere"]), NAME, FRAME[0], FRAME[1], FRAME[2], RADIUS]),
    ("cuboid", &[shape(&["cuboid"]), NAME, FRAME[0], FRAME[1], FRAME[2], SIZE, HALF_EXTENTS]),
    ("capsule", &[shape(&["capsule"]), NAME, FRAME[0], FRAME[1], FRAME[2], RADIUS, LENGTH]),
    ("cylinder", &[shape(&["cylinder"]), NAME, FRAME[0], FRAME[1], FRAME[2], RADIUS, LENGTH]),
    ("half_space", &[shape(&["half_space"]), NAME, FRAME[0], FRAME[1], FRAME[2], Key::new("normal", THREE)]),
];

const SHAPES_OF_OBSTACLES: &[Form] =
    &[Map(SHAPES[0].1), Map(SHAPES[1].1), Map(SHAPES[2].1), Map(SHAPES[3].1), Map(SHAPES[4].1)];

/// A state of joints, or of a vehicle.
const STATE: &[Form] = &[Text, NUMBERS, Map(JOINT_STATE), Map(VEHICLE_STATE)];

pub(super) const JOINT_STATE: &[Key] = &[
    Key::required("position", Either(&[Text, NUMBERS, Named(&Number)])),
    Key::new("velocity", Either(&[NUMBERS, Named(&Number)])),
    Key::new("acceleration", Either(&[NUMBERS, Named(&Number)])),
];

/// The keys of all kinds together; which of them a kind has is for the reader to say.
pub(super) const VEHICLE_STATE: &[Key] = &[
    Key::required("position", Numbers(2, 3)),
    Key::new("heading", Number),
    Key::new("rpy", THREE),
    Key::new("quaternion_xyzw", Numbers(4, 4)),
    Key::new("trailer_heading", Number),
    Key::new("pitch", Number),
    Key::new("tilt", Number),
    Key::new("speed", Number),
    Key::new("turn_rate", Number),
    Key::new("velocity", Numbers(2, 3)),
    Key::new("body_rate", Number),
    Key::new("body_rates", THREE),
    Key::new("joints", Either(&[Text, NUMBERS, Map(JOINT_STATE)])),
];

/// The JSON Schema of scene files.
pub fn schema() -> Value {
    json_schema("A scene of flatout", &[SCENE, LINEAR_SCENE])
}
