//! The planner to call, as a developer of a robot stack uses it: ten tasks, each a test.

use flatout::exchange::{Export, Format};
use flatout::glam::DVec3;
use flatout::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const URDF: &str = include_str!("../examples/two_link.urdf");

fn robot() -> Robot {
    Robot::parse(URDF, None, None, &LoadOptions::default()).expect("two links")
}

fn planner() -> Planner {
    Planner::builder(robot()).acceleration(6.0).build().expect("a planner")
}

fn ball_at(x: f64, y: f64) -> Pose {
    Pose::from_translation(DVec3::new(x, y, 0.05))
}

/// 1. A robot and a world in code, and set-points on an exact grid.
#[test]
fn set_points_stand_on_an_exact_grid() {
    let mut planner = planner();
    let motion = planner.plan(&Query::from([-1.0, 0.5]).to([1.0, 0.5])).expect("a plan");
    assert_eq!(motion.joints(), ["shoulder", "elbow"]);
    for hertz in [1000.0, 250.0, 333.0] {
        let points: Vec<Setpoint> = motion.setpoints(Rate::hz(hertz)).collect();
        assert_eq!(points.len(), motion.setpoints(Rate::hz(hertz)).len());
        for (i, point) in points.iter().enumerate() {
            assert_eq!(point.time, i as f64 / hertz);
        }
        let (first, last) = (&points[0], &points[points.len() - 1]);
        assert_eq!(first.position, [-1.0, 0.5]);
        assert!(last.time >= motion.duration() && last.time < motion.duration() + 1.0 / hertz);
        assert!(last.position.iter().zip([1.0, 0.5]).all(|(p, q)| (p - q).abs() < 1e-9), "{last:?}");
        assert!(last.velocity.iter().chain(&last.acceleration).all(|v| v.abs() < 1e-9), "{last:?}");
        // What is told is the trajectory.
        for pair in points.windows(2) {
            let speed = (pair[1].position[0] - pair[0].position[0]) * hertz;
            assert!(speed.abs() <= 2.0 + 1e-9, "within the limit of speed: {speed}");
        }
    }
    // A vehicle is told its controls.
    let scene = Scene::load("scenes/car_parking.yaml".as_ref()).expect("a scene");
    let (start, goal) = (scene.problem.start.clone(), scene.problem.goals[0].clone());
    let mut car = Planner::of(scene.problem, scene.options);
    let motion = car.plan(&Query::from(start).to(goal)).expect("a way into the bay");
    let point = motion.setpoints(Rate::hz(100.0)).nth(50).expect("half a second");
    assert_eq!(point.control.len(), 2);
}

/// 2. A thousand queries with edits between: the answers are those of the world as it is.
#[test]
fn edits_between_queries_are_seen() {
    let mut planner = planner();
    planner.world_mut().add("ball", Shape::sphere(0.1), ball_at(5.0, 0.0)).expect("a new name");
    let query = Query::from([-1.0, 0.3]).to([1.0, 0.3]);
    let free = planner.plan(&query).expect("nothing is in the way").trajectory.clone();
    let (mut around, mut blocked) = (0, 0);
    for i in 0..1000 {
        let angle = 0.006 * f64::from(i);
        let pose = ball_at(0.85 * angle.cos(), 0.85 * angle.sin());
        planner.world_mut().set_pose("ball", pose).expect("it is there");
        match planner.plan(&query.clone().seed(i as u64)) {
            Ok(motion) => {
                around += u32::from(motion.trajectory != free);
                // Held against the world by hand.
                for k in 0..=50 {
                    let state = motion.state(motion.duration() * f64::from(k) / 50.0);
                    let [a, b] = [state.position[0], state.position[0] + state.position[1]];
                    let hand = DVec3::new(0.5 * a.cos() + 0.4 * b.cos(), 0.5 * a.sin() + 0.4 * b.sin(), 0.1);
                    assert!(hand.distance(pose.translation) > 0.1, "{i}: the hand is inside");
                }
            }
            Err(PlanError::Start(_) | PlanError::Goal(_)) => blocked += 1,
            Err(other) => panic!("{i}: {other}"),
        }
    }
    assert!(around > 100 && blocked > 10 && blocked < 900, "{around} around, {blocked} blocked");
    planner.world_mut().remove("ball").expect("it is there");
    assert_eq!(planner.plan(&query).expect("free again").trajectory, free);
}

/// 3. A replan joins the running motion, never longer than driving on; a stop and a slow-down too.
#[test]
fn replans_stops_and_slow_downs_join() {
    let mut planner = planner();
    let first = planner.plan(&Query::from([-1.2, 0.5]).to([1.2, 0.5])).expect("a plan");
    let (now, at) = (0.30, 0.312);
    let joined = |motion: &Motion, at: f64| {
        let (left, begun) = (first.state(at), motion.state(0.0));
        let gap = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(p, q)| (p - q).abs() < 1e-9);
        assert!(gap(&left.position, &begun.position) && gap(&left.velocity, &begun.velocity));
    };
    let same = planner.plan(&Query::leaving(&first, at).to([1.2, 0.5])).expect("driving on");
    joined(&same, at);
    assert!(same.duration() <= first.duration() - at + 1e-9);
    let other = Query::leaving(&first, at).driven_since(now).to([0.0, -1.0]);
    let other = planner.plan(&other).expect("another goal");
    joined(&other, now);
    assert!((other.state(at - now).position[0] - first.state(at).position[0]).abs() < 1e-9);

    let stop = planner.stop(&first, at).expect("it can stop");
    joined(&stop, at);
    let end = stop.state(stop.duration());
    assert!(end.velocity.iter().all(|v| v.abs() < 1e-9));
    // The speed is at most 2 rad/s, and braking about 6 rad/s^2.
    let speed = first.state(at).velocity[0];
    assert!(stop.duration() >= speed / 6.0 - 1e-6, "{} from {speed}", stop.duration());
    assert!(stop.duration() <= 1.2 * speed / 6.0 + 1e-6, "{} from {speed}", stop.duration());

    for pace in [1.0, 0.7, 0.3] {
        let slow = planner.slow_down(&first, at, pace).expect("a gentler pace");
        joined(&slow, at);
        let left = first.duration() - at;
        let duration = slow.duration();
        assert!(duration >= left - 1e-9 && duration <= left / pace + 1e-9, "{pace}: {duration} of {left}");
        let end = slow.state(duration).position;
        assert!(end.iter().zip([1.2, 0.5]).all(|(p, q)| (p - q).abs() < 1e-8));
        // On the path of the first, at another time.
        let halfway = slow.state(0.5 * duration);
        let near = |k: u32| {
            let state = first.state(at + left * f64::from(k) / 5000.0);
            let off = state.position.iter().zip(&halfway.position).map(|(p, q)| (p - q).abs());
            off.fold(0.0, f64::max)
        };
        assert!((0..=5000).map(near).fold(f64::INFINITY, f64::min) < 1e-3, "{pace}: off the path");
    }
    for pace in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(matches!(planner.slow_down(&first, at, pace), Err(PlanError::Invalid(_))), "{pace}");
    }
}

/// 4. Two threads, a token from another one, a deadline of 5 ms, and an observer.
#[test]
fn queries_end_when_they_are_told_to() {
    // Of a cost of one's own nothing tells that an answer is the best that there is.
    let options = PlanOptions { cost: Cost::new("time", Trajectory::duration), ..PlanOptions::default() };
    let builder = Planner::builder(robot()).acceleration(6.0).threads(2).options(options);
    let mut planner = builder.build().expect("a planner");
    let query = Query::from([-1.0, 0.5]).to([1.0, 0.5]);
    let bettered = Arc::new(AtomicU32::new(0));
    let seen = bettered.clone();
    let timed =
        query.clone().deadline(Duration::from_millis(300)).improve(Duration::MAX).observe(move |progress| {
            assert!(progress.duration > 0.0 && progress.cost == progress.duration);
            seen.fetch_add(1, Ordering::Relaxed);
        });
    let motion = planner.plan(&timed).expect("an answer long before that");
    assert_eq!(motion.cut_short, Some(Budget::Time));
    assert!(bettered.load(Ordering::Relaxed) > motion.improvements, "every answer is told");

    let token = CancelToken::new();
    let theirs = token.clone();
    let node = std::thread::spawn(move || planner.plan(&query.improve(Duration::MAX).cancel(&theirs)));
    std::thread::sleep(Duration::from_millis(300));
    let cancelled = Instant::now();
    token.cancel();
    let motion = node.join().expect("no panic").expect("the best so far");
    assert!(cancelled.elapsed() < Duration::from_secs(5), "it ends");
    assert_eq!(motion.cut_short, Some(Budget::Cancelled));
}

/// 5. Two hundred queries at once are each what they are alone.
#[test]
fn a_batch_is_each_of_its_queries() {
    let mut planner = Planner::builder(robot()).acceleration(6.0).threads(2).build().expect("a planner");
    let query = |i: u32| Query::from([-1.0, 0.01 * f64::from(i)]).to([0.5, 0.5]).seed(i.into());
    let mut queries: Vec<Query> = (0..200).map(query).collect();
    queries[7] = Query::from([-1.0]).to([0.5, 0.5]);
    let motions = planner.plan_batch(&queries);
    assert!(matches!(&motions[7], Err(PlanError::Invalid(_))), "{:?}", motions[7]);
    let mut alone = planner_alone();
    for (i, (query, motion)) in queries.iter().zip(&motions).enumerate().filter(|(i, _)| *i != 7) {
        let motion = motion.as_ref().expect("a plan");
        assert_eq!(motion.trajectory, alone.plan(query).expect("a plan").trajectory, "{i}");
    }
}

fn planner_alone() -> Planner {
    planner()
}

/// 6. An occupancy grid and a forest in code, with a clearance that is kept and proved.
#[test]
fn clearance_is_kept_from_what_is_made_in_code() {
    let mut world = World::default();
    for i in 0..40 {
        let angle = 2.4 * f64::from(i);
        world
            .add(
                &format!("trunk {i}"),
                Shape::cylinder(0.03, 2.0),
                ball_at(1.2 * angle.cos(), 1.2 * angle.sin()),
            )
            .expect("a new name");
    }
    let occupied = (0..100).map(|cell| cell / 10 == 9).collect();
    let corner = Pose::from_translation(DVec3::new(0.3, 0.5, -0.1));
    let grid = OccupancyGrid { size: [10, 10, 1], cell: 0.05, corner, occupied };
    world.add_grid("map", &grid).expect("a new name");
    assert_eq!(world.named("map").count(), 1, "a row of cells is a box");
    assert!(world.add("map", Shape::sphere(0.1), Pose::IDENTITY).is_err(), "the name is taken");
    for clearance in [0.0, 0.02, 0.05] {
        let mut planner = Planner::builder(robot())
            .acceleration(6.0)
            .world(world.clone())
            .clearance(clearance)
            .build()
            .expect("a planner");
        let motion = planner.plan(&Query::from([-1.0, 0.5]).to([0.6, -0.8])).expect("a plan");
        assert!(motion.certificate.world.at_least >= clearance, "{}", motion.certificate);
    }
    // A goal nearer than that is told, with numbers.
    let mut planner =
        Planner::builder(robot()).acceleration(6.0).world(world).clearance(0.4).build().expect("a planner");
    let told = planner.plan(&Query::from([-1.0, 0.5]).to([0.0, 0.0])).expect_err("trunks are near");
    let (PlanError::Start(why) | PlanError::Goal(why)) = &told else { panic!("{told}") };
    assert!(matches!(why, EndFault::TooNear { distance, clearance, .. } if distance < clearance), "{told}");
}

/// 7. Files and messages: what is written is read back and certified.
#[test]
fn files_are_read_back_and_certified() {
    let mut planner = planner();
    let motion = planner.plan(&Query::from([-1.0, 0.5]).to([1.0, 0.5])).expect("a plan");
    let problem = Problem {
        start: motion.state(0.0),
        goals: vec![motion.state(motion.duration())],
        ..Scene::load("scenes/panda_table.yaml".as_ref()).expect("a scene").problem
    };
    let problem = Problem { mechanism: planner.mechanism().clone(), world: World::default(), ..problem };
    for format in [Format::Json, Format::Csv, Format::JointTrajectory] {
        let text = Export::new(&problem, &motion.trajectory).text(format).expect("a file");
        let read = NamedTrajectory::parse(&text, format).expect("what we wrote");
        let trajectory = read.ordered(motion.joints()).expect("the same joints");
        let certificate = planner.certify(&trajectory, &format.tolerances());
        assert!(certificate.is_ok(), "{format:?}: {certificate:?}");
    }
}

/// 8. A foreign trajectory is certified, or it is told what is wrong.
#[test]
fn foreign_trajectories_are_judged() {
    let mut planner = planner();
    let mut foreign = Trajectory::new(2, 3);
    // From rest to rest in a second: 3 t^2 - 2 t^3, at most 1.5 rad/s and 6 rad/s^2.
    foreign.push(1.0, &[0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.3, -0.2]);
    let options = CertifyOptions { world_tolerance: Some(1e-4), links_tolerance: None, ..Default::default() };
    let certificate = planner.certify(&foreign, &options).expect("it is valid");
    assert_eq!(certificate.peaks[0].velocity.value, 1.5);
    planner.world_mut().add("ball", Shape::sphere(0.05), ball_at(0.45, 0.45)).expect("a new name");
    let why = planner.certify(&foreign, &options).expect_err("the ball is in the way");
    assert!(matches!(&why, Violation::Collision { obstacle, .. } if obstacle == "ball"), "{why}");
    let why = planner.certify(&foreign.stretched(0.7), &options).expect_err("too fast");
    assert!(matches!(why, Violation::Limit { .. }), "{why}");
    let mut other = Trajectory::new(3, 3);
    other.push(1.0, &[0.0; 12]);
    assert!(matches!(planner.certify(&other, &options), Err(Violation::Malformed { .. })));
}

/// 9. Wrong use is refused, by what is wrong and what was expected.
#[test]
fn wrong_use_is_refused() {
    let refused = |build: PlannerBuilder, part: &str| {
        let why = build.build().err().expect("it is refused").to_string();
        assert!(why.contains(part), "{why}: not about {part}");
    };
    refused(Planner::builder(robot()).acceleration(6.0).group("arm"), "group");
    refused(Planner::builder(robot()).acceleration(6.0).joints(["shoulde"]), "did you mean \"shoulder\"");
    refused(Planner::builder(robot()).acceleration(6.0).clearance(-1.0), "clearance");
    refused(Planner::builder(robot()).acceleration(f64::NAN), "acceleration");
    let mut planner = planner();
    let there = [1.0, 0.5];
    let cases: [(Query, &str); 9] = [
        (Query::from([0.0]).to(there), "start"),
        (Query::from([0.0, f64::NAN]).to(there), "start"),
        (Query::from([0.0, 0.5]), "goals"),
        (Query::from("home").to(there), "home"),
        (Query::from([("shoulder", 0.0)]).to(there), "elbow"),
        (Query::from([("shoulder", 0.0), ("wrist", 0.0)]).to(there), "wrist"),
        (Query::from([("shoulder", 0.0), ("shoulder", 0.1), ("elbow", 0.0)]).to(there), "shoulder"),
        (Query::from([0.0, 0.5]).to([0.0, 0.5]).or([1.0]), "goals[1]"),
        (Query::from([0.0, 9.0]).to(there), "elbow"),
    ];
    for (query, part) in cases {
        let why = planner.plan(&query).expect_err(part).to_string();
        assert!(why.contains(part), "{why}: not about {part}");
    }
    // An error of planning goes through `?`, and says which kind it is.
    let through = |planner: &mut Planner| -> Result<Motion, Box<dyn std::error::Error>> {
        Ok(planner.plan(&Query::from([0.0, 9.0]).to([1.0, 0.5]))?)
    };
    let error = through(&mut planner).expect_err("beyond the limit");
    assert!(
        matches!(error.downcast_ref::<PlanError>(), Some(PlanError::Start(EndFault::Invalid(_)))),
        "{error}"
    );
}

/// The last joint may not turn beyond a value.
struct AtMost(f64);

impl StateConstraint for AtMost {
    fn name(&self) -> &str {
        "the elbow held back"
    }

    fn margin(&self, sample: &StateSample<'_>) -> f64 {
        assert!(sample.body("fore").is_some() && sample.body("nobody").is_none());
        self.0 - sample.position[1]
    }
}

/// 10. A constraint and a cost of the caller's own hold, and are named as sampled.
#[test]
fn own_constraints_and_costs_hold() {
    let options = |constraints: Vec<Constraint>| PlanOptions { constraints, ..PlanOptions::default() };
    let mut world = World::default();
    world.add("post", Shape::cylinder(0.05, 1.0), ball_at(0.75, 0.1)).expect("a new name");
    let build = |options: PlanOptions| {
        let builder = Planner::builder(robot()).acceleration(6.0).world(world.clone()).options(options);
        builder.build().expect("a planner")
    };
    let query = Query::from([-0.9, 0.3]).to([1.0, 0.3]);
    let most = |motion: &Motion| {
        (0..=1000)
            .map(|k| motion.state(motion.duration() * f64::from(k) / 1000.0).position[1])
            .fold(-9.0, f64::max)
    };
    let (mut bent, mut kept) = (0, 0);
    for seed in 0..20 {
        let free = build(options(Vec::new())).plan(&query.clone().seed(seed)).expect("around the post");
        bent += u32::from(most(&free) > 0.5);
        let held = Constraint::new(AtMost(0.5));
        let motion =
            build(options(vec![held])).plan(&query.clone().seed(seed)).expect("the other way around");
        assert!(most(&motion) <= 0.5 + 1e-6, "{seed}: {}", most(&motion));
        let [sampled] = &motion.certificate.sampled[..] else { panic!("it is named") };
        assert!(sampled.name == "the elbow held back" && sampled.margin >= 0.0 && sampled.samples > 1000);
        assert!(motion.certificate.to_string().contains("not proved"), "{}", motion.certificate);
        kept += 1;
    }
    assert!(bent > 0 && kept == 20, "{bent} would bend farther");
    let held = options(vec![Constraint::new(AtMost(0.5))]);
    let why = build(held.clone()).plan(&Query::from([0.0, 1.0]).to([1.0, 0.3])).expect_err("bent too far");
    assert!(
        matches!(&why, PlanError::Start(EndFault::Constraint { margin, .. }) if *margin == -0.5),
        "{why}"
    );
    let mut foreign = Trajectory::new(2, 3);
    foreign.push(1.0, &[-0.9, 0.0, 0.0, 0.0, 0.3, 0.0, 1.2, -0.8]);
    let judged = build(held).certify(&foreign, &CertifyOptions::default());
    assert!(matches!(&judged, Err(Violation::Constraint { .. })), "{judged:?}");

    // The way of the shoulder back and forth, in place of the time.
    let asked = Arc::new(Mutex::new(0));
    let counter = asked.clone();
    let cost = Cost::new("the most that the elbow bends", move |trajectory| {
        *counter.lock().expect("nobody panics") += 1;
        let at = |k: u32| {
            let mut position = [0.0; 2];
            trajectory.evaluate(trajectory.duration() * f64::from(k) / 200.0, 0, &mut position);
            position[1].abs()
        };
        (0..=200).map(at).fold(0.0, f64::max)
    });
    // The same searches for both.
    let algorithm = Some(Algorithm::RrtConnect);
    let by = |cost: Cost| PlanOptions { cost, searches: 12, algorithm, ..PlanOptions::default() };
    let bend = |motion: &Motion| {
        let at = |k: u32| motion.state(motion.duration() * f64::from(k) / 200.0).position[1].abs();
        (0..=200).map(at).fold(0.0, f64::max)
    };
    let quick = build(by(Cost::duration())).plan(&query).expect("a plan");
    let straight = build(by(cost)).plan(&query).expect("a plan");
    assert!(*asked.lock().expect("nobody panics") >= 12, "it is asked of every answer");
    assert!(bend(&straight) <= bend(&quick) + 1e-9, "{} against {}", bend(&straight), bend(&quick));
    assert!(straight.duration() >= quick.duration() - 1e-9);
}

/// Several goals: the one that is reached is named; states by names of joints and of the SRDF.
#[test]
fn goals_and_states_have_names() {
    let mut planner = planner();
    let near = Goal::from([0.2, 0.5]).named("near");
    let motion = planner.plan(&Query::from([0.0, 0.5]).to([2.5, -1.0]).or(near)).expect("a plan");
    assert_eq!((motion.goal(), motion.certificate.goal), ("near", 1));
    let by_name = Query::from([("elbow", 0.5), ("shoulder", 0.0)]).to([1.0, 0.5]);
    let motion = planner.plan(&by_name).expect("a plan");
    assert_eq!((motion.state(0.0).position, motion.goal()), (vec![0.0, 0.5], "0"));

    let folder = std::path::Path::new("robots/panda");
    let [urdf, srdf, limits] =
        ["panda.urdf", "panda.srdf", "joint_limits.yaml"].map(|file| folder.join(file));
    let panda = Robot::load(&urdf, Some(&srdf), Some(&limits), &LoadOptions::default()).expect("a Panda");
    let named =
        panda.states.iter().find(|state| state.group == "panda_arm").expect("a named state").name.clone();
    let mut planner = Planner::builder(panda).group("panda_arm").build().expect("a planner");
    let start = [0.9, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8];
    let motion = planner.plan(&Query::from(start).to(named.as_str())).expect("a plan");
    assert_eq!(motion.goal(), named);
}

/// A planner goes to another thread, with all that it owns.
#[test]
fn planners_are_sent() {
    fn is_send<T: Send>(_: &T) {}
    let mut planner = planner();
    planner.plan(&Query::from([0.0, 0.5]).to([1.0, 0.5])).expect("a plan");
    is_send(&planner);
    let there = std::thread::spawn(move || planner.plan(&Query::from([0.0, 0.5]).to([1.0, 0.5])).is_ok());
    assert!(there.join().expect("no panic"));
}

/// A load on a rope of two metres below a trolley, which is ahead of it by as much as it is pulled.
struct Crane {
    drawn: Arc<AtomicU32>,
}

impl Crane {
    fn trolley(sample: &FlatSample<'_>) -> DVec3 {
        let [load, pull] = [sample.position, sample.acceleration].map(|v| DVec3::new(v[0], v[1], 0.0));
        load + DVec3::Z * 2.0 + pull * (2.0 / 9.81)
    }
}

impl FlatSystem for Crane {
    fn name(&self) -> &str {
        "crane"
    }

    fn outputs(&self) -> Vec<(String, JointLimits)> {
        let limits =
            JointLimits { lower: -3.0, upper: 3.0, velocity: 1.0, acceleration: 1.0, ..JointLimits::NONE };
        ["load x", "load y"].map(|name| (name.to_owned(), limits)).into()
    }

    fn bodies(&self, sample: &FlatSample<'_>, bodies: &mut Vec<Sphere>) {
        let load = DVec3::new(sample.position[0], sample.position[1], 0.0);
        bodies.extend([load, Self::trolley(sample)].map(|center| Sphere { center, radius: 0.2 }));
    }

    fn margin(&self, sample: &FlatSample<'_>) -> f64 {
        1.2 - sample.acceleration.iter().map(|a| a * a).sum::<f64>().sqrt()
    }

    fn sample(&self, unit: &mut dyn FnMut() -> f64, position: &mut [f64]) {
        self.drawn.fetch_add(1, Ordering::Relaxed);
        if unit() < 0.3 {
            position[1] = 2.8 * position[1].signum();
        }
    }
}

/// A caller's own flat system: map, limits and sampling are its own, and the answer holds them.
#[test]
fn own_flat_systems_are_planned_for() {
    let drawn = Arc::new(AtomicU32::new(0));
    let mut world = World::default();
    let at = |x: f64, y: f64| Pose::from_translation(DVec3::new(x, y, 0.0));
    world.add("stack", Shape::cuboid(DVec3::new(0.5, 4.0, 1.0)), at(0.0, 0.0)).expect("a new name");
    world.add("mast", Shape::cylinder(0.2, 6.0), at(1.2, 2.0)).expect("a new name");
    let mut planner = Planner::of_system(Crane { drawn: drawn.clone() }, world.clone()).expect("a planner");
    for seed in 0..10 {
        let motion =
            planner.plan(&Query::from([-2.0, 0.0]).to([2.0, 0.0]).seed(seed)).expect("around the stack");
        assert_eq!(
            (motion.joints(), motion.certificate.sampled.len()),
            (&["load x", "load y"].map(str::to_owned)[..], 1)
        );
        for point in motion.setpoints(Rate::hz(500.0)) {
            let Setpoint { position, velocity, acceleration, .. } = &point;
            assert!(velocity.iter().chain(acceleration).all(|v| v.abs() <= 1.0 + 1e-6), "{point:?}");
            assert!(acceleration.iter().map(|a| a * a).sum::<f64>().sqrt() <= 1.2 + 1e-6, "{point:?}");
            let sample = FlatSample { position, velocity, acceleration };
            let load = DVec3::new(position[0], position[1], 0.0);
            for center in [load, Crane::trolley(&sample)] {
                let far =
                    world.obstacles.iter().map(|o| o.signed_distance(center)).fold(f64::INFINITY, f64::min);
                assert!(far >= 0.2 - 1e-3, "{far} at {point:?}");
            }
        }
    }
    assert!(drawn.load(Ordering::Relaxed) > 10, "it draws its own samples");
    let told = planner.plan(&Query::from([0.0, 0.0]).to([2.0, 0.0])).expect_err("inside the stack");
    assert!(
        matches!(&told, PlanError::Start(EndFault::Constraint { name, .. }) if name == "crane"),
        "{told}"
    );
    struct Boundless;
    impl FlatSystem for Boundless {
        fn name(&self) -> &str {
            "boundless"
        }
        fn outputs(&self) -> Vec<(String, JointLimits)> {
            vec![("x".to_owned(), JointLimits::NONE)]
        }
        fn bodies(&self, _: &FlatSample<'_>, _: &mut Vec<Sphere>) {}
    }
    let why = Planner::of_system(Boundless, World::default()).err().expect("nothing to look in").to_string();
    assert!(why.contains("\"x\".lower"), "{why}");
}

/// What options, joins, stops and foreign proofs are asked for is held there too.
#[test]
fn nothing_is_forgotten_on_the_way() {
    let mut world = World::default();
    world.add("post", Shape::cylinder(0.05, 1.0), ball_at(1.3, 0.1)).expect("a new name");
    // A clearance of the options counts as the builder's own does.
    let options = PlanOptions { clearance: 0.4, ..PlanOptions::default() };
    let build = |options: PlanOptions| {
        let builder = Planner::builder(robot()).acceleration(6.0).world(world.clone()).options(options);
        builder.build().expect("a planner")
    };
    let told = build(options).plan(&Query::from([-1.0, 0.5]).to([0.1, 0.0])).expect_err("the post is near");
    assert!(matches!(&told, PlanError::Goal(EndFault::TooNear { .. })), "{told}");
    // A caller's own demand on a proof is not weakened.
    let mut planner = build(PlanOptions::default());
    let motion = planner.plan(&Query::from([-1.0, 0.5]).to([0.1, 0.0])).expect("a plan");
    let strict = CertifyOptions { least_world_clearance: 0.4, ..CertifyOptions::default() };
    assert!(matches!(planner.certify(&motion.trajectory, &strict), Err(Violation::TooNear { .. })));

    // Joins and slow-downs ask constraints.
    let options = PlanOptions { constraints: vec![Constraint::new(AtMost(2.0))], ..PlanOptions::default() };
    let mut held = Planner::builder(robot()).acceleration(6.0).options(options).build().expect("a planner");
    let first = held.plan(&Query::from([-1.2, 0.5]).to([1.2, 0.5])).expect("a plan");
    let joined =
        held.plan(&Query::leaving(&first, 0.3).driven_since(0.1).to([0.0, -0.5])).expect("another goal");
    let slow = held.slow_down(&first, 0.3, 0.5).expect("a gentler pace");
    let stop = held.stop(&first, 0.3).expect("it can stop");
    for motion in [&joined, &slow, &stop] {
        assert_eq!(motion.certificate.sampled.len(), 1, "{}", motion.certificate);
    }
    assert_eq!((stop.goal(), slow.goal()), ("standstill", "0"));
    // At the end there is nothing left to stop.
    assert!(held.stop(&first, first.duration() + 1.0).expect("it stands").duration() < 1e-9);
    let refused = |answer: Result<Motion, PlanError>| matches!(answer, Err(PlanError::Invalid(_)));
    let at = f64::NAN;
    assert!(refused(held.stop(&first, at)) && refused(held.slow_down(&first, at, 0.5)));
    assert!(refused(held.plan(&Query::leaving(&first, at).to([0.0, 0.0]))));
    assert!(refused(held.plan(&Query::leaving(&first, 0.3).driven_since(at).to([0.0, 0.0]))));
    // A motion of another robot is not left, and one that has become invalid is not driven on.
    let scene = Scene::load("scenes/car_parking.yaml".as_ref()).expect("a scene");
    let (start, goal) = (scene.problem.start.clone(), scene.problem.goals[0].clone());
    let mut car = Planner::of(scene.problem, scene.options);
    let drive = car.plan(&Query::from(start).to(goal)).expect("a way into the bay");
    assert!(refused(held.stop(&drive, 0.1)));
    held.world_mut().add("ball", Shape::sphere(0.2), ball_at(0.8, 0.0)).expect("a new name");
    let told = held.slow_down(&first, 0.05, 0.5).expect_err("the ball is in the way");
    assert!(
        matches!(&told, PlanError::Uncertified(why) if matches!(**why, Violation::Collision { .. })),
        "{told}"
    );

    // A vehicle that drives is told its rates.
    let mut fastest = 0.0_f64;
    for point in drive.setpoints(Rate::hz(50.0)).step_by(7) {
        let speed = point.velocity[0].hypot(point.velocity[1]);
        assert!((point.control[0].abs() - speed).abs() < 0.05, "{speed} at {point:?}");
        fastest = fastest.max(speed);
    }
    assert!(fastest > 0.2, "{fastest}");
}

/// The world of a caller's own system is edited as any other, and its clearance is kept.
#[test]
fn own_systems_follow_their_world() {
    let drawn = Arc::new(AtomicU32::new(0));
    let mut planner =
        Planner::of_system(Crane { drawn: drawn.clone() }, World::default()).expect("a planner");
    let query = Query::from([-2.0, 0.0]).to([2.0, 0.0]);
    let free = planner.plan(&query).expect("nothing is in the way");
    assert!(free.certificate.to_string().contains("crane"), "what was not judged: {}", free.certificate);
    let stack = Shape::cuboid(DVec3::new(0.5, 4.0, 1.0));
    planner.world_mut().add("stack", stack, Pose::IDENTITY).expect("a new name");
    let around = planner.plan(&query).expect("around the stack");
    assert!(around.duration() > free.duration());
    let judged = planner.certify(&free.trajectory, &CertifyOptions::default());
    assert!(matches!(&judged, Err(Violation::Constraint { .. })), "{judged:?}");
    let options = PlanOptions { clearance: 0.3, ..PlanOptions::default() };
    let mut wide =
        Planner::of_system_with(Crane { drawn }, planner.world().clone(), options).expect("a planner");
    let motion = wide.plan(&query).expect("wide around");
    let nearest = motion.setpoints(Rate::hz(200.0)).map(|point| {
        let load = DVec3::new(point.position[0], point.position[1], 0.0);
        wide.world().obstacles[0].signed_distance(load) - 0.2
    });
    assert!(nearest.fold(f64::INFINITY, f64::min) >= 0.3 - 1e-2);
}
