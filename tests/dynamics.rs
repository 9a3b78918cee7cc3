//! Inverse dynamics of real robots against torques of Pinocchio, an independent implementation.

mod common;

use flatout::pose::Pose;
use flatout::problem::GRAVITY;
use flatout::robot::{DynamicsScratch, LoadOptions, Mechanism, Robot};

/// Joint positions, velocities, accelerations, and the efforts they take.
type Row<'a> = [&'a [f64]; 4];

/// Efforts from the same URDF by `pinocchio.rnea` of Pinocchio 4.1.0 (the PyPI package `pin`), in
/// `f64`, with gravity (0, 0, -9.81); they print with 16 digits, and two implementations in `f64`
/// agree to some 1e-13 of the largest.
fn compare(urdf: &str, joints: &[&str], rows: &[Row<'_>]) {
    let Some(path) = common::shared(urdf) else { return };
    let robot = Robot::load(&path, None, None, &LoadOptions { comparisons: 1, ..LoadOptions::default() })
        .expect("a robot");
    let chosen: Vec<usize> = joints.iter().map(|name| robot.joint(name).expect("a joint")).collect();
    let mechanism = Mechanism::new(&robot, &chosen, &robot.neutral(), Pose::IDENTITY).expect("a mechanism");
    let mut scratch = DynamicsScratch::default();
    let mut efforts = vec![0.0; joints.len()];
    for [y, yd, ydd, want] in rows {
        mechanism.inverse_dynamics(y, yd, ydd, GRAVITY, &mut scratch, &mut efforts);
        let size = want.iter().fold(0.0_f64, |size, w| size.max(w.abs()));
        for (got, want) in efforts.iter().zip(*want) {
            assert!((got - want).abs() < 1e-12 * size, "{urdf} at {y:?}: {got} instead of {want}");
        }
    }
}

#[test]
fn ur5_agrees_with_pinocchio() {
    let joints = [
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    ];
    compare(
        "robots/ur5_spherized.urdf",
        &joints,
        &[
            [
                &[0.76, 0.38, -0.86, -0.16, 0.9, -0.07],
                &[-0.42, -1.0, -0.49, 0.55, 0.99, 0.35],
                &[0.0, 0.96, -1.86, 2.65, -3.29, 3.74],
                &[
                    2.3694313786777896,
                    -60.787235877973146,
                    -19.547029363220304,
                    -1.0835457792427106,
                    -0.623189522573322,
                    0.0737020093596944,
                ],
            ],
            [
                &[-0.14, -0.86, 0.36, 0.77, -0.56, -0.62],
                &[-0.99, -0.57, 0.47, 1.0, 0.44, -0.6],
                &[3.37, -2.75, 1.98, -1.09, 0.13, 0.83],
                &[
                    13.152576239070717,
                    -59.72450111895303,
                    -19.837368757370804,
                    0.9043990869888714,
                    -1.3117280021209539,
                    -0.05238645897724293,
                ],
            ],
        ],
    );
}

#[test]
fn panda_agrees_with_pinocchio() {
    let joints = [1, 2, 3, 4, 5, 6, 7].map(|i| format!("panda_joint{i}"));
    compare(
        "robots/panda_spherized.urdf",
        &joints.each_ref().map(String::as_str),
        &[
            [
                &[0.76, 0.38, -0.86, -0.16, 0.9, -0.07, -0.88],
                &[-0.42, -1.0, -0.49, 0.55, 0.99, 0.35, -0.68],
                &[0.0, 0.96, -1.86, 2.65, -3.29, 3.74, -3.97],
                &[
                    0.5837880530221833,
                    -21.51468860320551,
                    -3.0461413933008044,
                    7.478446512760375,
                    -1.5049411466862204,
                    3.1852402325528737,
                    1.2642059928393858,
                ],
            ],
            [
                &[-0.57, 0.77, 0.37, -0.86, -0.15, 0.9, -0.08],
                &[-0.65, 0.38, 1.0, 0.53, -0.52, -1.0, -0.39],
                &[3.64, -3.93, 3.99, -3.83, 3.44, -2.85, 2.09],
                &[
                    19.807804519617964,
                    -50.546042986835666,
                    19.14022488433738,
                    16.69356793342448,
                    6.236775712254402,
                    -1.6412584080761026,
                    -4.030760946876824,
                ],
            ],
        ],
    );
}
