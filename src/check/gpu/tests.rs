//! What only the inside of the backend can test.

use super::super::packed::PackedBase;
use super::super::{AdapterChoice, AutoChecker, ScalarChecker, Status, simd};
use super::layout::BatchHeader;
use super::shaders::{Memory, Module, Vote};
use super::*;
use crate::robot::random;
use crate::stop::CancelToken;
use naga::TypeInner;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use std::io::Write;
use std::mem::offset_of;
use std::sync::OnceLock;

/// The device that tests run on, or `None` (said aloud) where there is none; with
/// `FLATOUT_REQUIRE_GPU` set that is a failure.
pub(crate) fn device() -> Option<&'static Gpu> {
    static DEVICE: OnceLock<Option<Gpu>> = OnceLock::new();
    DEVICE.get_or_init(|| opened(Gpu::open(&AdapterChoice::Best))).as_ref()
}

/// The same adapter, held to the least limits: larger robots then keep their words in a buffer.
fn limited_device() -> Option<&'static Gpu> {
    static DEVICE: OnceLock<Option<Gpu>> = OnceLock::new();
    DEVICE.get_or_init(|| opened(Gpu::open_limited(&AdapterChoice::Best))).as_ref()
}

fn opened(gpu: Result<Gpu, CheckError>) -> Option<Gpu> {
    let required = std::env::var_os("FLATOUT_REQUIRE_GPU").is_some();
    let say = |what: String| writeln!(std::io::stderr(), "{what}");
    match gpu {
        Ok(gpu) => {
            let _ = say(format!("GPU tests run on {}", gpu.name()));
            Some(gpu)
        }
        Err(e) => {
            assert!(!required, "{e}");
            let _ = say(format!("GPU tests are skipped: {e}"));
            None
        }
    }
}

/// A device of its own, for tests that lose it.
fn own_device() -> Option<Gpu> {
    device().map(|_| Gpu::open(&AdapterChoice::Best).expect("the adapter opens again"))
}

/// A problem and edges of it, some valid and some not.
pub(crate) fn problem() -> Problem {
    probe::problem()
}

pub(crate) fn edges(count: usize) -> EdgeBatch {
    let mut batch = EdgeBatch::new(2, 3);
    for i in 0..count {
        let turn = 0.01 * (i % 628) as f64;
        batch.push_at_rest(&[turn, 0.0], &[turn + 0.1, 0.3], 2.0);
    }
    batch
}

#[test]
fn the_probe_knows_what_the_oracle_says() {
    let mut oracle = ScalarChecker::new(&probe::problem(), 0.02);
    let mut verdicts = Vec::new();
    oracle.check_states(&probe::states(), &mut verdicts).expect("the oracle does not fail");
    for (i, (case, verdict)) in probe::cases().iter().zip(&verdicts).enumerate() {
        assert_eq!(verdict.status(), case.status, "state {i}");
        if verdict.status() == Status::World {
            assert_eq!(verdict.other, case.obstacle, "state {i}");
        }
    }
    let mut seen: Vec<Status> = probe::cases().iter().map(|case| case.status).collect();
    for vehicle in probe::vehicles::vehicles().expect("vehicles") {
        let mut lanes = simd::SimdChecker::new(&vehicle.problem, 0.02);
        let mut oracle = ScalarChecker::new(&vehicle.problem, 0.02);
        for checker in [&mut lanes as &mut dyn EdgeChecker, &mut oracle] {
            checker.check(&vehicle.edges(), &mut verdicts).expect("a checker that works");
            let said: Vec<_> = verdicts.iter().map(|v| (v.status(), probe::vehicles::index(v))).collect();
            assert_eq!(said, known(&vehicle), "{}", checker.name());
        }
        seen.extend(vehicle.cases.iter().map(|case| case.status));
    }
    assert!(Status::ALL.iter().all(|status| seen.contains(status)), "every status occurs");
}

fn known(vehicle: &probe::vehicles::ProbeVehicle) -> Vec<(Status, u32)> {
    vehicle.cases.iter().map(|case| (case.status, case.index)).collect()
}

#[test]
fn the_device_passes_the_probe() {
    let Some(gpu) = device() else { return };
    probe(gpu).expect("an honest device");
    probe(limited_device().expect("the same adapter")).expect("an honest device");
}

/// A checker with kernels of which one module has a fault.
fn with_fault(gpu: &Gpu, problem: &Problem, module: &str, from: &str, to: &str) -> GpuChecker {
    let packed = Packed::new(problem, 0.02);
    let seed = |modules: &mut [Module]| {
        let module = modules.iter_mut().find(|m| m.name == module).expect("a module");
        assert!(module.source.contains(from), "the fault has a place");
        module.source = module.source.replace(from, to).leak();
    };
    let pipelines = gpu
        .pipelines_of(layout::Needs::of(std::slice::from_ref(&packed)), seed)
        .expect("a module that compiles");
    GpuPool::with(gpu, vec![packed], pipelines).expect("a pool").checker(0)
}

/// What is then said of the probe's states.
fn probe_with_fault(gpu: &Gpu, module: &str, from: &str, to: &str) -> Vec<(Status, u32)> {
    let mut checker = with_fault(gpu, &probe::problem(), module, from, to);
    let mut verdicts = Vec::new();
    checker.check_states(&probe::states(), &mut verdicts).expect("a device that works");
    verdicts.iter().map(|v| (v.status(), obstacle(v))).collect()
}

/// The obstacle, where a verdict names one.
fn obstacle(verdict: &Verdict) -> u32 {
    if verdict.status() == Status::World { verdict.other } else { 0 }
}

/// Each stage has a fault in turn, and the known answers show it.
#[test]
fn a_fault_in_any_stage_is_caught() {
    let Some(gpu) = device() else { return };
    let known: Vec<_> = probe::cases().iter().map(|case| (case.status, case.obstacle)).collect();
    assert_eq!(probe_with_fault(gpu, "collide", "reach * reach", "reach * reach"), known, "no fault at all");
    let faults = [
        ("unflatten", "2.0 * c.z", "c.z"),
        ("place", "quadrant == 1u ||", ""),
        ("collide", "beyond.z = max(abs(p.z) - size.y, 0.0);", ""),
        ("collide", "return p.z < reach;", "return p.z > reach;"),
        ("limits", "flat.value > most.upper", "flat.value > 2.0 * most.upper"),
        ("limits", "w += spin;", "dw = vec3f();"),
    ];
    for (module, from, to) in faults {
        assert_ne!(probe_with_fault(gpu, module, from, to), known, "{module}: {to} instead of {from}");
    }
}

/// So does the map of a base.
#[test]
fn a_fault_in_the_map_of_a_base_is_caught() {
    let Some(gpu) = device() else { return };
    let [trailer, quadrotor, omnidirectional] = probe::vehicles::vehicles().expect("vehicles");
    let faults = [
        (&trailer, "base/ground", "fma(-turns, PI, off)", "off"),
        (&trailer, "base/ground", "let along = x.y * x.z + y.y * y.z;", "let along = 1.0;"),
        (&trailer, "base/ground", "y.y * x.w", "y.y * x.z"),
        (&quadrotor, "base", "angle = select(angle, PI - angle, x < 0.0);", ""),
        (&quadrotor, "base", "d.fourth * 24.0", "d.fourth * 6.0"),
        (&quadrotor, "base/quadrotor", "dot(base_row(MIXER_ROW + i), vec4f(thrust, moments))", "thrust"),
        (&quadrotor, "base/quadrotor", "let facing = sin_cos(yaw.x);", "let facing = vec2f(0.0, 1.0);"),
        (&omnidirectional, "base/omnidirectional", "let facing = sin_cos(theta.x);", "let facing = vec2f(0.0, 1.0);"),
        (&omnidirectional, "base/omnidirectional", "let change = turned_back(facing, vec2f(x.z, y.z));", "let change = vec2f(x.z, y.z);"),
        (&omnidirectional, "base/omnidirectional", "bound(5u, theta.z, true);", "bound(5u, theta.y, true);"),
        (&omnidirectional, "base/omnidirectional", "MIXER_ROW + i - 6u", "MIXER_ROW"),
    ];
    let said = |vehicle: &probe::vehicles::ProbeVehicle, module: &str, from: &str, to: &str| {
        let mut checker = with_fault(gpu, &vehicle.problem, module, from, to);
        let mut verdicts = Vec::new();
        checker.check(&vehicle.edges(), &mut verdicts).expect("a device that works");
        verdicts.iter().map(|v| (v.status(), probe::vehicles::index(v))).collect::<Vec<_>>()
    };
    for vehicle in [&trailer, &quadrotor, &omnidirectional] {
        assert_eq!(said(vehicle, "base", "d.fourth", "d.fourth"), known(vehicle), "no fault at all");
    }
    for (vehicle, module, from, to) in faults {
        assert_ne!(said(vehicle, module, from, to), known(vehicle), "{to} instead of {from}");
    }
}

#[test]
fn poisoned_reports_are_overwritten() {
    let Some(gpu) = device() else { return };
    let mut checker = GpuChecker::new(gpu, &probe::problem(), 0.02).expect("a checker");
    let (mut fresh, mut again) = (Vec::new(), Vec::new());
    for count in [1, 7, 33, 1000] {
        let batch = edges(count);
        checker.check(&batch, &mut fresh).expect("a device that works");
        checker.packer().pool.poison();
        checker.check(&batch, &mut again).expect("no poison left");
        assert_eq!(fresh, again);
        assert_eq!(fresh.len(), count);
    }
    let states = probe::states();
    checker.check_states(&states, &mut fresh).expect("a device that works");
    checker.packer().pool.poison();
    checker.check_states(&states, &mut again).expect("no poison left");
    assert_eq!(fresh, again);
}

/// What no stage writes is no verdict, whether zeros or poison.
#[test]
fn unwritten_verdicts_are_an_error() {
    let Some(gpu) = device() else { return };
    let packed = Packed::new(&probe::problem(), 0.02);
    let idle = |modules: &mut [Module]| {
        let check = modules.last_mut().expect("a module");
        check.source = check.source.replace("verdicts[edge] = edge_verdict(ALL_VALID, 0.0, samples);", "").leak();
    };
    let pipelines = gpu
        .pipelines_of(layout::Needs::of(std::slice::from_ref(&packed)), idle)
        .expect("a module that compiles");
    let mut checker = GpuPool::with(gpu, vec![packed], pipelines).expect("a pool").checker(0);
    let mut verdicts = Vec::new();
    for _ in 0..2 {
        let error = checker.check(&edges(100), &mut verdicts).expect_err("nothing there is no verdict");
        assert!(error.to_string().contains("no stage gives"), "{error}");
        checker.packer().pool.poison();
    }
}

#[test]
fn a_lost_device_is_an_error() {
    let Some(gpu) = own_device() else { return };
    let mut checker = GpuChecker::new(&gpu, &probe::problem(), 0.02).expect("a checker");
    let mut verdicts = Vec::new();
    checker.check(&edges(10), &mut verdicts).expect("a device that works");
    let under_way = checker.submit(&edges(10), 0..10).expect("a device that works");
    gpu.destroy();
    // What was under way may still have landed; nothing after it can.
    let _ = checker.collect(under_way, &mut verdicts);
    let error = checker.check(&edges(10), &mut verdicts).expect_err("the device is lost");
    assert!(error.to_string().contains("lost"), "{error}");
    assert!(gpu.health().is_err());
    assert!(GpuChecker::new(&gpu, &probe::problem(), 0.02).is_err());
}

#[test]
fn lanes_go_on_where_a_device_is_lost() {
    let Some(gpu) = own_device() else { return };
    let mut checker = AutoChecker::always(&gpu, &probe::problem(), 0.02).expect("a checker");
    let (mut before, mut after) = (Vec::new(), Vec::new());
    checker.check(&edges(600), &mut before).expect("a device that works");
    assert!(checker.take_warnings().is_empty());
    let states = checker.states_checked();
    assert!(states > 0 && checker.name().starts_with("gpu/"));
    gpu.destroy();
    checker.check(&edges(600), &mut after).expect("lanes do not fail");
    let statuses = |verdicts: &[Verdict]| verdicts.iter().map(Verdict::status).collect::<Vec<_>>();
    assert_eq!(statuses(&before), statuses(&after));
    let warnings = checker.take_warnings();
    let told = matches!(&warnings[..], [one] if one.contains("lost") && one.contains(simd::levels()[0]));
    assert!(told, "{warnings:?}");
    assert!(checker.states_checked() > states && checker.name().starts_with("simd/"));
    checker.check(&edges(600), &mut after).expect("lanes do not fail");
    assert!(checker.take_warnings().is_empty(), "one warning is enough");
}

#[test]
fn an_absent_adapter_is_an_error_that_says_why() {
    let absent = AdapterChoice::Name("no such adapter".into());
    let Err(error) = Gpu::open(&absent) else { panic!("there is no such adapter") };
    assert!(
        error.to_string().contains("no such adapter") || error.to_string().contains("no adapter"),
        "{error}"
    );
    let mut checker = AutoChecker::new(&absent, &probe::problem(), 0.02);
    let mut verdicts = Vec::new();
    checker.check(&edges(10), &mut verdicts).expect("lanes do not fail");
    assert!(checker.take_warnings().is_empty(), "nobody needed a device");
    checker.check(&edges(1000), &mut verdicts).expect("lanes do not fail");
    assert_eq!(verdicts.len(), 1000);
    assert_eq!(checker.take_warnings().len(), 1);
}

/// Batches of all sizes share their buffers, tickets may be collected in any order, and what comes
/// back does not depend on how a batch is cut.
#[test]
fn batches_in_any_order_and_size_give_the_same_verdicts() {
    let Some(gpu) = device() else { return };
    let mut checker = GpuChecker::new(gpu, &probe::problem(), 0.02).expect("a checker");
    let batch = edges(700);
    let (mut whole, mut first, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    checker.check(&batch, &mut whole).expect("a device that works");
    let one = checker.submit(&batch, 0..200).expect("a device that works");
    let two = checker.submit(&batch, 200..700).expect("a device that works");
    checker.collect(two, &mut rest).expect("a device that works");
    checker.collect(one, &mut first).expect("a device that works");
    first.extend(rest);
    assert_eq!(whole, first);
    assert!(whole.iter().any(Verdict::is_valid) && whole.iter().any(|v| !v.is_valid()));
    let empty = checker.submit(&batch, 700..700).expect("a device that works");
    checker.collect(empty, &mut first).expect("a device that works");
    assert_eq!(first.len(), 700);
}

/// Nothing is sent once it is time to stop, and what is under way is waited for.
#[test]
fn a_stop_ends_a_batch_between_submissions() {
    let Some(gpu) = device() else { return };
    let mut checker = GpuChecker::new(gpu, &probe::problem(), 0.02).expect("a checker");
    let batch = edges(3 * CHUNK);
    let mut verdicts = Vec::new();
    let mut after = |asks: usize| {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let count = move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 >= asks;
        checker.set_stop(&Stop::new(None, Some(CancelToken::when(count))));
        let before = checker.traffic().submissions;
        checker.check(&batch, &mut verdicts).expect("a device that works");
        let checked = verdicts.iter().take_while(|verdict| verdict.status() != Status::Unchecked).count();
        assert!(
            verdicts.len() == batch.len() && verdicts[checked..].iter().all(|v| *v == Verdict::UNCHECKED)
        );
        (checker.traffic().submissions - before, checked)
    };
    assert_eq!([after(1), after(2), after(3)], [(0, 0), (1, CHUNK), (2, 2 * CHUNK)]);
    assert_eq!(after(usize::MAX), (3, 3 * CHUNK));
}

/// Edges of many samples travel a few at a time, and say the same.
#[test]
fn long_edges_travel_in_small_submissions() {
    let Some(gpu) = device() else { return };
    let mut checker = GpuChecker::new(gpu, &probe::problem(), 0.02).expect("a checker");
    let batch = edges(40);
    let (mut few, mut many) = (Vec::new(), Vec::new());
    checker.check(&batch, &mut many).expect("a device that works");
    let samples = |i: usize| checker.packed().rakes(&batch.get(i)) * RAKE;
    let most = samples(0) + samples(1);
    assert!(samples(0) + samples(1) + samples(2) > most);
    let packer = &mut checker.packers[0].checker;
    let (end, first) = packer.submit(&batch, 0..40, most).expect("a device that works");
    let (last, rest) = packer.submit(&batch, end..40, usize::MAX).expect("a device that works");
    assert_eq!((end, last), (2, 40));
    packer.collect(first, &mut few).expect("a device that works");
    packer.collect(rest, &mut few).expect("a device that works");
    assert_eq!(few, many);
    // A single one goes however long it is.
    let (end, alone) = packer.submit(&batch, 0..40, 0).expect("a device that works");
    assert_eq!(end, 1);
    packer.collect(alone, &mut few).expect("a device that works");
}

#[test]
fn a_peak_is_measured() {
    let Some(gpu) = device() else { return };
    let rate = peak(gpu).expect("a device that works");
    assert!(rate > 1e6 && rate < 1e18, "{rate}");
    let checker = GpuChecker::new(gpu, &probe::problem(), 0.02).expect("a checker");
    assert_eq!(checker.least_work(), Some((61 * 2 + 2 * (15 + 12 * 5) + 3 + 8 * 2) as f64));
}

#[test]
fn bare_trips_arrive() {
    let Some(gpu) = own_device() else { return };
    let mut trip = BareTrip::new(&gpu).expect("a device that works");
    assert_eq!([1, 2, 3].map(|_| trip.make().expect("a device that works")), [1, 2, 3]);
}

/// Robots far too large for a thread's own memory are checked like any other.
#[test]
fn a_robot_of_many_bodies_agrees_with_the_lanes() {
    let Some(gpu) = device() else { return };
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let mut problem = probe::problem();
    problem.mechanism = random::mechanism(&mut rng, 90);
    problem.mechanism.pairs.truncate(40);
    let dof = problem.mechanism.dof();
    let mut batch = EdgeBatch::new(dof, 3);
    for i in 0..300 {
        let position: Vec<f64> = (0..dof).map(|j| ((i * 7 + j * 13) % 60) as f64 * 0.1 - 3.0).collect();
        let further: Vec<f64> = position.iter().map(|y| y + 0.002).collect();
        batch.push_at_rest(&position, &further, 1.0);
    }
    problem.world.obstacles.iter_mut().for_each(|o| o.pose.translation *= 3.0);
    let mut checker = GpuChecker::new(gpu, &problem, 0.1).expect("a checker");
    assert_eq!(checker.packer().pool.pipelines.memory, Memory::Storage);
    let mut lanes = super::super::SimdChecker::new(&problem, 0.1);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    checker.check(&batch, &mut ours).expect("a device that works");
    lanes.check(&batch, &mut theirs).expect("lanes do not fail");
    let agree = ours.iter().zip(&theirs).filter(|(a, b)| a.is_valid() == b.is_valid()).count();
    assert!(agree >= 298, "{agree} of 300 agree");
    assert!(ours.iter().any(Verdict::is_valid) && ours.iter().any(|v| !v.is_valid()));
}

fn module(memory: Memory, vote: Vote) -> naga::Module {
    let source = shaders::join(&shaders::modules(memory, vote), 96);
    naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)))
}

/// The shaders' own layout of each structure is the one that Rust writes.
#[test]
fn layouts_are_those_of_the_shaders() {
    macro_rules! offsets {
        ($type:ident, $($field:ident),+) => {
            (stringify!($type), size_of::<layout::$type>(), vec![$((stringify!($field), offset_of!(layout::$type, $field))),+])
        };
    }
    let ours = [
        offsets!(
            Problem,
            outputs,
            bodies,
            links,
            moving_links,
            pairs,
            torque,
            nodes,
            first_body,
            first_link,
            pair_rows,
            limit_rows,
            node_rows,
            gravity,
            first_obstacle,
            spheres_end,
            cuboids_end,
            capsules_end,
            cylinders_end,
            half_spaces_end,
            flat_outputs,
            base_row
        ),
        offsets!(Body, placement, com, mass, moments, ratio, products, offset, parent, motion, output),
        offsets!(Link, bound, body, first, end, index, padding, clusters),
        offsets!(Obstacle, to_local, size, index),
    ];
    let kinds = [(Memory::Private, Vote::Subgroup), (Memory::Storage, Vote::Workgroup)];
    for (memory, vote) in kinds {
        let module = module(memory, vote);
        let members = |name: &str| {
            let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
            match found.map(|(_, ty)| &ty.inner) {
                Some(TypeInner::Struct { members, span }) => (members.clone(), *span as usize),
                _ => panic!("{name} is no structure"),
            }
        };
        let offset = |name: &str, field: &str| {
            let member = members(name).0.into_iter().find(|m| m.name.as_deref() == Some(field));
            member.unwrap_or_else(|| panic!("{name} has no {field}")).offset as usize
        };
        for (name, size, fields) in &ours {
            for (field, at) in fields {
                assert_eq!(offset(name, field), *at, "{name}.{field}");
            }
            let (theirs, span) = members(name);
            assert_eq!(span, *size, "{name}");
            assert_eq!(theirs.len(), fields.len(), "{name}");
        }
        // A head is read from two rows, number by number.
        let (head, _) = members("Head");
        let names = ["row", "segments", "duration", "rakes", "problem", "padding", "durations", "clearance"];
        assert_eq!(head.iter().filter_map(|m| m.name.as_deref()).collect::<Vec<_>>(), names);
        assert_eq!(names.map(|name| offset("Head", name)), [0, 4, 8, 12, 16, 20, 24, 28]);
        assert_eq!([offset_of!(Head, problem), offset_of!(Head, clearance)], [16, 28]);
        assert_eq!(offset("Batch", "rows"), size_of::<BatchHeader>());
        assert_eq!(offset("Batch", "count"), offset_of!(BatchHeader, count));
        assert_eq!(members("Verdict").1, size_of::<Verdict>());
        let names = ["status", "time", "subject", "other"];
        assert_eq!(names.map(|name| offset("Verdict", name)), [0, 4, 8, 12]);
        // Limits and nodes are rows of the tables, which other tests see through.
        assert_eq!(offset("Node", "obstacle"), offset_of!(super::super::packed::PackedNode, obstacle));
    }
}

/// Numbers that both sides write down are the same, and no stage binds more than eight buffers.
#[test]
fn constants_are_those_of_the_shaders() {
    use super::super::packed::{MOTION_FIXED, MOTION_PRISMATIC, MOTION_REVOLUTE};
    let module = module(Memory::Storage, Vote::Workgroup);
    let constant = |name: &str| {
        let (_, found) =
            module.constants.iter().find(|(_, c)| c.name.as_deref() == Some(name)).expect("a constant");
        match module.global_expressions[found.init] {
            naga::Expression::Literal(naga::Literal::U32(value)) => value,
            ref other => panic!("{name} is {other:?}"),
        }
    };
    let statuses =
        ["VALID", "WORLD", "SELF_COLLISION", "POSITION", "VELOCITY", "ACCELERATION", "EFFORT", "BASE"];
    assert_eq!(statuses.map(constant), Status::ALL.map(|status| status as u32));
    let motions = ["FIXED", "REVOLUTE", "PRISMATIC"].map(constant);
    assert_eq!(motions, [MOTION_FIXED, MOTION_REVOLUTE, MOTION_PRISMATIC]);
    assert_eq!(constant("INNER"), super::super::packed::INNER);
    assert_eq!(constant("POSE_WORDS") as usize, layout::POSE_WORDS);
    assert_eq!(constant("MOTION_WORDS") as usize, layout::MOTION_WORDS);
    assert_eq!(constant("EVEN_ROWS") as usize, layout::EVEN_ROWS);
    use super::super::packed::base;
    let kinds =
        ["GROUND", "TRAILER", "AIRPLANE", "PLANAR_QUADROTOR", "QUADROTOR", "OMNIDIRECTIONAL"].map(constant);
    let [ground, trailer, airplane] = [base::BASE_GROUND, base::BASE_TRAILER, base::BASE_AIRPLANE];
    let [planar, quadrotor] = [base::BASE_PLANAR_QUADROTOR, base::BASE_QUADROTOR];
    assert_eq!(kinds, [ground, trailer, airplane, planar, quadrotor, base::BASE_OMNIDIRECTIONAL]);
    let rows = ["CURVATURE_ROW", "GROUND_ROW", "INERTIA_ROW", "MIXER_ROW", "BOUNDS_ROW"].map(constant);
    let offsets = [
        offset_of!(PackedBase, curvature),
        offset_of!(PackedBase, standing),
        offset_of!(PackedBase, inertia),
        offset_of!(PackedBase, mixer),
        offset_of!(PackedBase, bounds),
    ];
    assert_eq!(rows.map(|row| row as usize * ROW), offsets);
    let bindings = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
    assert_eq!(bindings, 8);
}

/// Problems of different robots, worlds and degrees for one pool, and edges for each.
fn mixture() -> Vec<(Problem, EdgeBatch)> {
    (0..6)
        .map(|seed| {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let mut problem = probe::problem();
            if seed % 3 > 0 {
                problem.mechanism = random::mechanism(&mut rng, 3 + seed as usize);
            }
            // Enough obstacles for a hierarchy, in some.
            if seed % 2 == 1 {
                let world = problem.world.obstacles.clone();
                problem.world.obstacles = (0..10).flat_map(|_| world.clone()).collect();
            }
            problem.torque = seed % 2 == 0;
            let dof = problem.mechanism.dof();
            let degree = [3, 5, 7][seed as usize % 3];
            let mut batch = EdgeBatch::new(dof, degree);
            for i in 0..40 + 20 * seed {
                let from: Vec<f64> =
                    (0..dof as u64).map(|j| ((i * 7 + j * 13) % 60) as f64 * 0.05 - 1.5).collect();
                let to: Vec<f64> = from.iter().map(|y| y + 0.1).collect();
                batch.push_at_rest(&from, &to, 1.0);
            }
            (problem, batch)
        })
        .collect()
}

/// What each checks by itself, and how many samples that takes.
fn alone(gpu: &Gpu, mixture: &[(Problem, EdgeBatch)]) -> Vec<(Vec<Verdict>, u64)> {
    let check = |(problem, batch): &(_, EdgeBatch)| {
        let mut checker = GpuChecker::new(gpu, problem, 0.05).expect("a checker");
        let mut verdicts = Vec::new();
        checker.check(batch, &mut verdicts).expect("a device that works");
        (verdicts, checker.states_checked())
    };
    mixture.iter().map(check).collect()
}

fn pool(gpu: &Gpu, mixture: &[(Problem, EdgeBatch)]) -> GpuPool {
    GpuPool::new(gpu, mixture.iter().map(|(problem, _)| (problem, 0.05))).expect("a pool")
}

/// Batches of many problems in one submission: the first two leave at once, and the others together.
#[test]
fn batches_of_many_problems_travel_together() {
    for gpu in device().into_iter().chain(limited_device()) {
        let mixture = mixture();
        let alone = alone(gpu, &mixture);
        assert!(alone.iter().flat_map(|(v, _)| v).any(Verdict::is_valid));
        assert!(alone.iter().flat_map(|(v, _)| v).any(|v| !v.is_valid()));
        let pool = pool(gpu, &mixture);
        let mut checkers: Vec<_> = (0..mixture.len()).map(|i| pool.checker(i)).collect();
        for round in 0..3 {
            let before = pool.traffic();
            let tickets: Vec<_> = checkers
                .iter_mut()
                .zip(&mixture)
                .map(|(checker, (_, batch))| {
                    checker.submit(batch, 0..batch.len()).expect("a device that works")
                })
                .collect();
            for ((checker, ticket), (known, _)) in checkers.iter_mut().zip(tickets).zip(&alone).rev() {
                let mut verdicts = Vec::new();
                checker.collect(ticket, &mut verdicts).expect("a device that works");
                assert_eq!(&verdicts, known);
            }
            let after = pool.traffic();
            assert_eq!(after.batches - before.batches, 6);
            // The first time there is no room yet for all of them.
            assert!(round == 0 || after.submissions - before.submissions == 3, "{after:?}");
        }
        let buffers = pool.traffic().buffers;
        for (checker, (_, examined)) in checkers.iter().zip(&alone) {
            assert_eq!(checker.states_checked(), 3 * examined);
        }
        // A ticket that nobody collects is waited for, and its submission used again.
        drop(checkers[0].submit(&mixture[0].1, 0..1).expect("a device that works"));
        drop(checkers[0].submit(&mixture[0].1, 0..1).expect("a device that works"));
        assert_eq!(pool.traffic().buffers, buffers);
    }
}

/// Checkers on threads of their own, some of which end early or panic; and one that keeps others
/// waiting with tickets that it does not collect.
#[test]
fn threads_share_a_device_in_any_order() {
    let Some(gpu) = device() else { return };
    let mixture = mixture();
    let alone = alone(gpu, &mixture);
    let pool = pool(gpu, &mixture);
    let mut lazy = pool.checker(0);
    let tickets: Vec<_> =
        (0..3).map(|_| lazy.submit(&mixture[0].1, 0..10).expect("a device that works")).collect();
    let ended = std::thread::scope(|scope| {
        let work = |i: usize| {
            let (problem, rounds) = (i % mixture.len(), 5 + i);
            let mut checker = pool.checker(problem);
            let mut verdicts = Vec::new();
            for round in 0..rounds {
                checker.check(&mixture[problem].1, &mut verdicts).expect("a device that works");
                assert_eq!(verdicts, alone[problem].0);
                assert!(i != 7 || round < 3, "thread {i} panics on purpose");
            }
        };
        let threads: Vec<_> = (0..12).map(|i| scope.spawn(move || work(i))).collect();
        threads.into_iter().map(|thread| thread.join().is_ok()).collect::<Vec<_>>()
    });
    assert_eq!(ended.iter().filter(|&&well| well).count(), 11);
    for ticket in tickets {
        let mut verdicts = Vec::new();
        lazy.collect(ticket, &mut verdicts).expect("a device that works");
        assert_eq!(verdicts, alone[0].0[..10]);
    }
}

/// Batches of more edges than a submission takes, and states beside edges, from several threads.
#[test]
fn large_batches_travel_with_small_ones() {
    let Some(gpu) = device() else { return };
    let problem = probe::problem();
    let pool = GpuPool::new(gpu, [(&problem, 0.5), (&problem, 0.5)]).expect("a pool");
    let large = edges(2 * LEAST_PACKED + 1000);
    let (mut whole, mut small, mut states) = (Vec::new(), Vec::new(), Vec::new());
    let mut packing = pool.checker(0);
    std::thread::scope(|scope| {
        scope.spawn(|| packing.check(&large, &mut whole).expect("a device that works"));
        let mut checker = pool.checker(1);
        for count in [1, 30, 300, 3000] {
            checker.check(&edges(count), &mut small).expect("a device that works");
            checker.check_states(&probe::states(), &mut states).expect("a device that works");
            let known: Vec<_> = probe::cases().iter().map(|case| case.status).collect();
            assert_eq!(states.iter().map(Verdict::status).collect::<Vec<_>>(), known);
        }
    });
    assert_eq!(packing.threads() > 1, std::thread::available_parallelism().map_or(1, usize::from) > 1);
    assert_eq!(whole.len(), large.len());
    assert_eq!(whole[..3000], small);
    // The edges repeat themselves, and other threads pack the last of them.
    assert_eq!(whole[..1000], whole[628 * 200..][..1000]);
}

#[test]
fn all_lanes_go_on_where_a_shared_device_is_lost() {
    let Some(gpu) = own_device() else { return };
    let mixture = mixture();
    let pool = pool(&gpu, &mixture);
    std::thread::scope(|scope| {
        for (i, (_, batch)) in mixture.iter().enumerate() {
            let (pool, gpu) = (&pool, &gpu);
            scope.spawn(move || {
                let mut checker = AutoChecker::in_pool(pool, i);
                let (mut before, mut after) = (Vec::new(), Vec::new());
                checker.check(batch, &mut before).expect("a device or lanes");
                if i == 0 {
                    gpu.destroy();
                }
                while checker.name().starts_with("gpu/") {
                    checker.check(batch, &mut after).expect("a device or lanes");
                }
                checker.check(batch, &mut after).expect("lanes do not fail");
                let agree = before.iter().zip(&after).filter(|(a, b)| a.is_valid() == b.is_valid()).count();
                assert!(agree + 1 >= batch.len(), "{agree} of {} agree", batch.len());
                assert_eq!(checker.take_warnings().len(), 1);
            });
        }
    });
}
