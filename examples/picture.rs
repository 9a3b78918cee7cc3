//! Draws a planned motion: an arm from the side at a dozen instants, and its joint velocities; or what
//! drives or flies from above.
//!
//! `cargo run --release --example picture [SCENE] [OUT.svg]` makes the pictures in the README.

use flatout::base::{Base, Singular};
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::error::write_file;
use flatout::plan::plan;
use flatout::problem::{JointState, Problem};
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape};
use glam::{DVec2, DVec3};
use std::error::Error;
use std::f64::consts::TAU;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Size of the picture, pixels.
const SIZE: DVec2 = DVec2::new(960.0, 560.0);
/// How an arm is seen: from the side.
const SIDE: View = View {
    corner: DVec2::new(24.0, 24.0),
    size: DVec2::new(540.0, 512.0),
    origin: DVec2::new(-0.36, -0.12),
    scale: 410.0,
    along: [DVec3::X, DVec3::Z],
};
/// The plots: left and right, top and height of the first, distance from one to the next, pixels.
const PLOT: [f64; 2] = [640.0, 880.0];
const ROW: [f64; 3] = [70.0, 46.0, 62.0];
/// Width of the picture of a vehicle, and what is left free around what moves, pixels.
const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
/// Instants at which the robot is drawn: an arm, a vehicle.
const INSTANTS: usize = 12;
const VEHICLE_INSTANTS: usize = 28;
/// Colour behind everything.
const BACKGROUND: &str = "#11161f";
/// Colours along time, from start to end.
const COLORS: [[f64; 3]; 4] =
    [[64.0, 196.0, 255.0], [128.0, 110.0, 255.0], [255.0, 70.0, 140.0], [255.0, 190.0, 60.0]];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let scene = arguments.next().unwrap_or_else(|| "scenes/panda_shelf.yaml".into());
    let out = arguments.next().unwrap_or_else(|| "docs/panda_shelf.svg".into());
    let Scene { problem, options, .. } = Scene::load(&scene)?;
    let mut checker = Backend::Auto.checker(&problem, options.resolution)?;
    let trajectory = plan(&problem, &mut *checker, &options)?.trajectory;
    write_file(&out, picture(&problem, &trajectory)?)?;
    Ok(())
}

fn picture(problem: &Problem, trajectory: &Trajectory) -> Result<String, Box<dyn Error>> {
    let is_vehicle = problem.mechanism.vehicle().is_some();
    let view = if is_vehicle { View::of_vehicle(problem, trajectory)? } else { SIDE };
    let DVec2 { x: width, y: height } = if is_vehicle { view.size + 2.0 * view.corner } else { SIZE };
    let View { corner, size, .. } = view;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
         <defs><clipPath id=\"view\"><rect x=\"{}\" y=\"{}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"8\"/></clipPath></defs>\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"14\" fill=\"{BACKGROUND}\"/>\n<g clip-path=\"url(#view)\">\n",
        corner.x, corner.y, size.x, size.y
    );
    for obstacle in &problem.world.obstacles {
        // A floor seen from above would hide everything.
        if !(is_vehicle && matches!(obstacle.shape, Shape::HalfSpace)) {
            outline(&mut svg, &view, obstacle)?;
        }
    }
    if is_vehicle {
        vehicle(&mut svg, &view, problem, trajectory)?;
    } else {
        arm(&mut svg, &view, problem, trajectory)?;
    }
    trail(&mut svg, &view, problem, trajectory)?;
    svg += "</g>\n";
    if !is_vehicle {
        plots(&mut svg, problem, trajectory)?;
    }
    caption(&mut svg, &view, problem, trajectory)?;
    svg += "</svg>\n";
    Ok(svg)
}

/// How the world is seen.
#[derive(Clone, Copy)]
struct View {
    /// Corner and size in the picture, pixels.
    corner: DVec2,
    size: DVec2,
    /// What of the world is at the lower left corner, metres, and pixels per metre.
    origin: DVec2,
    scale: f64,
    /// Directions to the right and up.
    along: [DVec3; 2],
}

impl View {
    /// All that moves and some of what is around it: from above, or from the side where it moves upright.
    fn of_vehicle(problem: &Problem, trajectory: &Trajectory) -> Result<Self, Box<dyn Error>> {
        let is_upright = matches!(problem.mechanism.base, Some(Base::PlanarQuadrotor(_)));
        let along = [DVec3::X, if is_upright { DVec3::Z } else { DVec3::Y }];
        let (mut least, mut most) = (DVec2::INFINITY, DVec2::NEG_INFINITY);
        for i in 0..=100 {
            for ball in balls(problem, trajectory, f64::from(i) / 100.0)? {
                let center = DVec2::from(along.map(|axis| axis.dot(ball.center)));
                least = least.min(center - ball.radius);
                most = most.max(center + ball.radius);
            }
        }
        let around = 0.08 * (most - least).max_element();
        let (least, most) = (least - around, most + around);
        let scale = (WIDTH - 2.0 * MARGIN) / (most.x - least.x);
        Ok(Self { corner: DVec2::splat(MARGIN), size: (most - least) * scale, origin: least, scale, along })
    }

    /// Where a point of the world is in the picture.
    fn project(&self, p: DVec3) -> DVec2 {
        let seen = (DVec2::from(self.along.map(|axis| axis.dot(p))) - self.origin) * self.scale;
        DVec2::new(self.corner.x + seen.x, self.corner.y + self.size.y - seen.y)
    }
}

/// Colour at a share of the duration.
fn color(share: f64) -> String {
    let at = share.clamp(0.0, 1.0) * (COLORS.len() - 1) as f64;
    let i = (at as usize).min(COLORS.len() - 2);
    let mix = |c: usize| COLORS[i][c] + (COLORS[i + 1][c] - COLORS[i][c]) * (at - i as f64);
    format!("#{:02x}{:02x}{:02x}", mix(0) as u8, mix(1) as u8, mix(2) as u8)
}

/// An obstacle as the hull of its shadow.
fn outline(svg: &mut String, view: &View, obstacle: &Obstacle) -> std::fmt::Result {
    let of_box = |half: DVec3| {
        let sign = |i: usize, bit: usize| if i >> bit & 1 == 0 { -1.0 } else { 1.0 };
        (0..8).map(move |i| half * DVec3::new(sign(i, 0), sign(i, 1), sign(i, 2))).collect::<Vec<_>>()
    };
    // Circles at several heights: (radius, height).
    let rings = |rings: &[(f64, f64)]| -> Vec<DVec3> {
        let ring = |&(r, z): &(f64, f64)| {
            (0..48).map(move |i| {
                let (sin, cos) = (TAU * f64::from(i) / 48.0).sin_cos();
                DVec3::new(r * cos, r * sin, z)
            })
        };
        rings.iter().flat_map(ring).collect()
    };
    let dome = |radius: f64, half: f64| -> Vec<DVec3> {
        let at = |i: i32| {
            let (sin, cos) = (TAU * f64::from(i) / 48.0).sin_cos();
            (radius * cos, half.copysign(sin) + radius * sin)
        };
        rings(&(-12..=12).map(at).collect::<Vec<_>>())
    };
    let points = match obstacle.shape {
        Shape::Sphere { radius } => dome(radius, 0.0),
        Shape::Cuboid { half_extents } => of_box(half_extents),
        Shape::Capsule { radius, half_length } => dome(radius, half_length),
        Shape::Cylinder { radius, half_length } => rings(&[(radius, -half_length), (radius, half_length)]),
        Shape::HalfSpace => {
            of_box(DVec3::new(5.0, 5.0, 2.5)).into_iter().map(|p| p - DVec3::new(0.0, 0.0, 2.5)).collect()
        }
    };
    let shadow = hull(points.into_iter().map(|p| view.project(obstacle.pose.point(p))).collect());
    write!(
        svg,
        "<polygon fill=\"#93a4b8\" fill-opacity=\"0.14\" stroke=\"#93a4b8\" stroke-opacity=\"0.55\" points=\""
    )?;
    corners(svg, &shadow)
}

/// The corners of a polygon, and its end.
fn corners(svg: &mut String, polygon: &[DVec2]) -> std::fmt::Result {
    for p in polygon {
        write!(svg, "{:.1},{:.1} ", p.x, p.y)?;
    }
    writeln!(svg, "\"/>")
}

/// The convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<DVec2>) -> Vec<DVec2> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let mut chain = Vec::new();
    for _ in 0..2 {
        let first: usize = chain.len();
        for &p in &points {
            while chain.len() > first + 1 {
                let (a, b): (DVec2, DVec2) = (chain[chain.len() - 2], chain[chain.len() - 1]);
                if (b - a).perp_dot(p - a) > 1e-9 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        points.reverse();
    }
    chain
}

/// A sphere of the robot in the world, and whether it ever moves.
struct Ball {
    center: DVec3,
    radius: f64,
    moves: bool,
    link: usize,
}

/// The robot's spheres at a share of the duration, link by link.
fn balls(problem: &Problem, trajectory: &Trajectory, share: f64) -> Result<Vec<Ball>, Singular> {
    let robot = &problem.mechanism;
    let t = share * trajectory.duration();
    let state = JointState::of(robot, trajectory, t, problem.smoothness)?;
    let mut poses = Vec::new();
    robot.place(&state.position, &mut poses);
    let mut balls = Vec::new();
    for (number, link) in robot.links.iter().enumerate() {
        balls.extend(robot.spheres[link.spheres.clone()].iter().map(|sphere| Ball {
            center: poses[link.body].point(sphere.center),
            radius: sphere.radius,
            moves: link.body > 0,
            link: number,
        }));
    }
    Ok(balls)
}

/// The arm at all instants: those between start and end as shadows, so that the ends stand out.
fn arm(
    svg: &mut String,
    view: &View,
    problem: &Problem,
    trajectory: &Trajectory,
) -> Result<(), Box<dyn Error>> {
    let last = INSTANTS - 1;
    for instant in (1..last).chain([0, last]) {
        let share = instant as f64 / last as f64;
        let mut balls = balls(problem, trajectory, share)?;
        balls.sort_by(|a, b| b.center.y.total_cmp(&a.center.y));
        let is_end = instant % last == 0;
        let (opacity, edge) = if is_end { (0.8, 0.4) } else { (0.2, 0.0) };
        let color = color(share);
        write!(
            svg,
            "<g fill=\"{color}\" opacity=\"{opacity}\" stroke=\"{BACKGROUND}\" stroke-opacity=\"{edge}\">"
        )?;
        circles(svg, view, balls.iter().filter(|b| b.moves))?;
        if instant == last {
            writeln!(svg, "</g>\n<g fill=\"#5d6b7e\" stroke=\"{BACKGROUND}\" stroke-opacity=\"0.4\">")?;
            circles(svg, view, balls.iter().filter(|b| !b.moves))?;
        }
        writeln!(svg, "</g>")?;
    }
    Ok(())
}

/// A vehicle at all instants, and what it carries: the hull of each link's spheres.
fn vehicle(
    svg: &mut String,
    view: &View,
    problem: &Problem,
    trajectory: &Trajectory,
) -> Result<(), Box<dyn Error>> {
    let last = VEHICLE_INSTANTS - 1;
    for instant in (1..last).chain([0, last]) {
        let share = instant as f64 / last as f64;
        let (opacity, edge) = if instant % last == 0 { (0.85, 0.9) } else { (0.13, 0.5) };
        let color = color(share);
        writeln!(
            svg,
            "<g fill=\"{color}\" fill-opacity=\"{opacity}\" stroke=\"{color}\" stroke-opacity=\"{edge}\">"
        )?;
        let balls = balls(problem, trajectory, share)?;
        for link in balls.chunk_by(|a, b| a.link == b.link) {
            let around = |ball: &Ball| {
                let (center, radius) = (view.project(ball.center), ball.radius * view.scale);
                (0..24).map(move |i| center + radius * DVec2::from_angle(TAU * f64::from(i) / 24.0))
            };
            write!(svg, "<polygon points=\"")?;
            corners(svg, &hull(link.iter().flat_map(around).collect()))?;
        }
        writeln!(svg, "</g>")?;
    }
    Ok(())
}

fn circles<'a>(svg: &mut String, view: &View, balls: impl Iterator<Item = &'a Ball>) -> std::fmt::Result {
    for Ball { center, radius, .. } in balls {
        let p = view.project(*center);
        write!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\"/>", p.x, p.y, radius * view.scale)?;
    }
    Ok(())
}

/// The way of the last link's last sphere, or of a vehicle's own frame.
fn trail(
    svg: &mut String,
    view: &View,
    problem: &Problem,
    trajectory: &Trajectory,
) -> Result<(), Box<dyn Error>> {
    const PIECES: u32 = 240;
    let tip = |i: u32| -> Result<Option<DVec2>, Singular> {
        let share = f64::from(i) / f64::from(PIECES);
        if problem.mechanism.vehicle().is_none() {
            return Ok(balls(problem, trajectory, share)?.pop().map(|ball| view.project(ball.center)));
        }
        let mut outputs = vec![0.0; trajectory.dof()];
        trajectory.evaluate(share * trajectory.duration(), 0, &mut outputs);
        Ok(Some(view.project(outputs[0] * view.along[0] + outputs[1] * view.along[1])))
    };
    writeln!(svg, "<g stroke-width=\"2.5\" stroke-linecap=\"round\">")?;
    for i in 0..PIECES {
        if let (Some(a), Some(b)) = (tip(i)?, tip(i + 1)?) {
            let color = color((f64::from(i) + 0.5) / f64::from(PIECES));
            write!(svg, "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"{color}\"/>", a.x, a.y, b.x, b.y)?;
        }
    }
    writeln!(svg, "</g>")?;
    Ok(())
}

/// Velocity of every output over time, between its limits.
fn plots(svg: &mut String, problem: &Problem, trajectory: &Trajectory) -> std::fmt::Result {
    let [left, right] = PLOT;
    let [top, height, pitch] = ROW;
    let duration = trajectory.duration();
    let x = |t: f64| left + (right - left) * t / duration;
    writeln!(
        svg,
        "<text x=\"{left}\" y=\"44\" fill=\"#e8edf4\" font-size=\"15\">joint velocities and their limits</text>"
    )?;
    for (output, limits) in problem.mechanism.limits.iter().enumerate() {
        let middle = top + pitch * output as f64 + 0.5 * height;
        let level = |v: f64| middle - 0.5 * height * v / limits.velocity;
        writeln!(
            svg,
            "<path d=\"M{left} {:.1}H{right}M{left} {:.1}H{right}\" stroke=\"#ff6b6b\" stroke-opacity=\"0.75\" stroke-dasharray=\"4 4\"/>\
             <path d=\"M{left} {middle}H{right}\" stroke=\"#93a4b8\" stroke-opacity=\"0.3\"/>\
             <text x=\"{}\" y=\"{:.1}\" fill=\"#93a4b8\" text-anchor=\"end\">{}</text>\
             <text x=\"{}\" y=\"{:.1}\" fill=\"#93a4b8\" font-size=\"10\">{:.2}</text>",
            level(limits.velocity),
            level(-limits.velocity),
            left - 10.0,
            middle + 4.0,
            output + 1,
            right + 6.0,
            level(limits.velocity) + 4.0,
            limits.velocity,
        )?;
        let mut velocity = vec![0.0; trajectory.dof()];
        let mut curve = String::new();
        for t in trajectory.sample_times(duration / 240.0) {
            trajectory.evaluate(t, 1, &mut velocity);
            write!(curve, "{:.1},{:.1} ", x(t), level(velocity[output]))?;
        }
        writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"url(#time)\" stroke-width=\"1.8\" stroke-linejoin=\"round\" points=\"{curve}\"/>"
        )?;
    }
    let stop = |i: usize| {
        let share = i as f64 / (COLORS.len() - 1) as f64;
        format!("<stop offset=\"{share:.3}\" stop-color=\"{}\"/>", color(share))
    };
    let stops: String = (0..COLORS.len()).map(stop).collect();
    writeln!(
        svg,
        "<defs><linearGradient id=\"time\" gradientUnits=\"userSpaceOnUse\" x1=\"{left}\" x2=\"{right}\">{stops}</linearGradient></defs>"
    )?;
    // The instants at which the arm is drawn.
    let axis = top + pitch * problem.mechanism.dof() as f64 + 4.0;
    for i in 0..INSTANTS {
        let share = i as f64 / (INSTANTS - 1) as f64;
        write!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{axis}\" r=\"4\" fill=\"{}\"/>",
            x(share * duration),
            color(share)
        )?;
    }
    writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" fill=\"#93a4b8\" text-anchor=\"middle\">0</text>\
         <text x=\"{right}\" y=\"{}\" fill=\"#93a4b8\" text-anchor=\"middle\">{duration:.2} s</text>\
         <text x=\"{}\" y=\"{}\" fill=\"#93a4b8\" font-size=\"10\">rad/s</text>",
        axis + 20.0,
        axis + 20.0,
        right + 6.0,
        top - 12.0
    )
}

/// What is certified.
fn caption(
    svg: &mut String,
    view: &View,
    problem: &Problem,
    trajectory: &Trajectory,
) -> Result<(), Box<dyn Error>> {
    let tolerance = Some(1e-4);
    let options =
        CertifyOptions { world_tolerance: tolerance, links_tolerance: tolerance, ..Default::default() };
    let clearance = certify(problem, trajectory, &options)?.clearance().at_least * 1e3;
    let (x, y) = (view.corner.x + 14.0, view.corner.y + 20.0);
    writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" fill=\"#e8edf4\" font-size=\"15\">at least {clearance:.1} mm from everything, at every instant</text>"
    )?;
    Ok(())
}
