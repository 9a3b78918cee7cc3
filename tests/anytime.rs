//! Answers that get better: AORRTC, the costs to choose from, and the least that an answer can cost.

use flatout::bench::search_families::SearchFamily;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::plan::{Algorithm, Cost, Observer, PlanOptions, Progress, Quality, Solution, plan};
use flatout::problem::Problem;
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use flatout::world::World;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn scene(name: &str) -> Problem {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    Scene::load(&folder.join(format!("{name}.yaml"))).expect("a scene of ours").problem
}

fn solve(problem: &Problem, options: &PlanOptions) -> Solution {
    let options = PlanOptions { time_limit: None, ..options.clone() };
    let mut checker = Backend::Simd.checker(problem, None).expect("a backend");
    let solution = plan(problem, &mut *checker, &options).unwrap_or_else(|why| panic!("{why}"));
    certify(problem, &solution.trajectory, &CertifyOptions::default()).unwrap_or_else(|why| panic!("{why}"));
    let s = &solution.statistics;
    assert_eq!(s.cost, options.cost.of(problem, &solution.trajectory));
    assert!(s.least_cost <= s.cost * (1.0 + 1e-9), "{} of {}: {}", s.cost, options.cost, s.least_cost);
    solution
}

/// The same, and what it was told of on the way.
fn watched(problem: &Problem, options: &PlanOptions) -> (Solution, Vec<Progress>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = told.clone();
    let observer = Observer::of_answers(move |progress, answer| {
        teller.lock().unwrap().push((*progress, answer.clone()));
    });
    let solution = solve(problem, &PlanOptions { observer: Some(observer), ..options.clone() });
    let told = told.lock().unwrap().clone();
    for (progress, answer) in &told {
        assert_eq!(progress.cost, options.cost.of(problem, answer));
        certify(problem, answer, &CertifyOptions::default()).unwrap_or_else(|why| panic!("{why}"));
    }
    assert_eq!(told.last().map(|(_, answer)| answer), Some(&solution.trajectory));
    (solution, told.into_iter().map(|(progress, _)| progress).collect())
}

fn of_quality(quality: Quality) -> PlanOptions {
    let mut options = PlanOptions::default();
    quality.apply(&mut options);
    options
}

/// Random arms and mazes: the first answer is that of RRT-Connect, every later one costs less and is certified, the same
/// seed gives the same, and over the arms searches below a bound find more than searches anew.
#[test]
fn searches_below_a_bound_better_the_answer() {
    let (mut sums, arms) = ([0.0; 2], 16);
    for (kind, count) in [(SearchFamily::Maze2d, 4), (SearchFamily::Arm, arms)] {
        for index in 0..count {
            let problem = kind.problem(index, 1.0).unwrap();
            let fast = solve(&problem, &of_quality(Quality::Fast));
            let anew =
                PlanOptions { algorithm: Some(Algorithm::RrtConnect), ..of_quality(Quality::Balanced) };
            let below = PlanOptions { algorithm: Some(Algorithm::Aorrtc), ..anew.clone() };
            let (better, told) = watched(&problem, &below);
            assert_eq!(told[0].cost, fast.trajectory.duration(), "{kind:?} {index}");
            assert!(told.windows(2).all(|pair| pair[1].cost < pair[0].cost), "{kind:?} {index}: {told:?}");
            assert_eq!(told[told.len() - 1].cost, better.trajectory.duration());
            assert_eq!(solve(&problem, &below).trajectory, better.trajectory, "{kind:?} {index}");
            if kind != SearchFamily::Arm {
                continue;
            }
            sums[0] += solve(&problem, &anew).trajectory.duration() / fast.trajectory.duration();
            sums[1] += better.trajectory.duration() / fast.trajectory.duration();
        }
    }
    assert!(sums[1] < sums[0] && sums[1] < arms as f64, "{sums:?}");
}

/// Jerks, torques, several goals and ends that move.
#[test]
fn searches_below_a_bound_keep_what_is_asked() {
    for name in
        ["panda_smooth", "panda_lift", "panda_bins", "panda_moving_start", "panda_throw", "point_yard"]
    {
        let problem = scene(name);
        let options = PlanOptions { algorithm: Some(Algorithm::Aorrtc), ..of_quality(Quality::Balanced) };
        let fast = solve(&problem, &of_quality(Quality::Fast));
        let better = solve(&problem, &options);
        assert!(better.trajectory.duration() <= fast.trajectory.duration(), "{name}");
    }
}

/// Where the least is reached, there is nothing more to do, however long may be looked.
#[test]
fn what_costs_the_least_is_not_searched_for_again() {
    let free = Problem { world: World::default(), ..scene("point_yard") };
    let options =
        PlanOptions { improve: Some(std::time::Duration::from_secs(3600)), ..PlanOptions::default() };
    let solution = solve(&free, &options);
    assert!(solution.statistics.gap().is_some_and(|gap| gap < 1e-9) && solution.statistics.searches == 1);
    assert_eq!(solve(&free, &of_quality(Quality::Best)).statistics.searches, 1);
}

/// How many connections of a tree of Kinodynamic RRT* are checked at once changes no answer.
#[test]
fn trees_are_the_same_however_many_connections_are_checked_at_once() {
    for (kind, index) in [(SearchFamily::Maze2d, 0), (SearchFamily::Maze2d, 1), (SearchFamily::Arm, 3)] {
        let problem = kind.problem(index, 1.0).unwrap();
        let of_batch = |batch| {
            let algorithm = Some(Algorithm::RrtStar);
            solve(&problem, &PlanOptions { algorithm, batch, searches: 4, ..PlanOptions::default() })
        };
        let one_by_one = of_batch(1);
        for batch in [3, 64] {
            let at_once = of_batch(batch);
            assert_eq!(at_once.trajectory, one_by_one.trajectory, "{kind:?} {index}, {batch} at once");
            assert!(at_once.statistics.edges >= one_by_one.statistics.edges, "{kind:?} {index}");
        }
    }
}

const COSTS: [&str; 4] = ["effort:1", "effort:30", "length", "clearance:0.1:3"];

/// Whatever is asked for costs less where it is asked for than where durations are, and never less than can be.
#[test]
fn what_is_asked_for_costs_less() {
    let names = ["point_yard", "panda_shelf", "panda_smooth", "ur5_shelf"];
    let mut shares = [0.0; COSTS.len()];
    for name in names {
        let problem = scene(name);
        let first = solve(&problem, &of_quality(Quality::Fast));
        let work = PlanOptions { searches: 4, polish_tries: 900, ..PlanOptions::default() };
        let short = solve(&problem, &work);
        for (share, cost) in shares.iter_mut().zip(COSTS.map(|cost| cost.parse::<Cost>().unwrap())) {
            let (solution, told) = watched(&problem, &PlanOptions { cost: cost.clone(), ..work.clone() });
            let asked = solution.statistics.cost;
            assert!(asked <= cost.of(&problem, &first.trajectory) * (1.0 + 1e-9), "{name}, {cost}: {asked}");
            *share += asked / cost.of(&problem, &short.trajectory);
            assert!(told.windows(2).all(|pair| pair[1].cost < pair[0].cost), "{name}, {cost}: {told:?}");
        }
    }
    assert!(shares.iter().all(|share| *share < names.len() as f64), "{shares:?}");
}

/// Where nothing stands in the way: the optimum of closed form, and the straight line.
#[test]
fn in_empty_space_costs_are_the_least() {
    let mut free = Problem { world: World::default(), ..scene("point_yard") };
    free.start.velocity.fill(0.0);
    for cost in ["duration", "effort:0.05", "length"].map(|cost| cost.parse::<Cost>().unwrap()) {
        let options = PlanOptions { cost: cost.clone(), ..of_quality(Quality::Balanced) };
        let s = solve(&free, &options).statistics;
        assert!(s.cost <= s.least_cost * (1.0 + 1e-6), "{cost}: {} of {}", s.cost, s.least_cost);
    }
}

/// A cost of the caller's own is reduced too, and nothing is known of its least.
#[test]
fn a_cost_of_ones_own_is_reduced() {
    // The greatest height that the point comes to above its start.
    let rise = |trajectory: &Trajectory| {
        let at = |k: u32| {
            let mut y = vec![0.0; trajectory.dof()];
            trajectory.evaluate(trajectory.duration() * f64::from(k) / 100.0, 0, &mut y);
            y[1]
        };
        trajectory.duration() + (0..=100).map(|k| at(k).abs()).fold(0.0, f64::max)
    };
    let problem = scene("point_yard");
    let options = PlanOptions { cost: Cost::new("rise", rise), ..of_quality(Quality::Balanced) };
    let (solution, told) = watched(&problem, &options);
    assert!(told.len() > 1 && told[told.len() - 1].cost < told[0].cost, "{told:?}");
    assert_eq!((solution.statistics.gap(), told[0].gap()), (None, None));
}

/// Numbers that make no sense are refused by name.
#[test]
fn costs_make_sense() {
    let problem = scene("point_yard");
    let mut checker = Backend::Simd.checker(&problem, None).unwrap();
    for cost in [
        Cost::effort(0.0),
        Cost::effort(f64::NAN),
        Cost::clearance(-1.0, 1.0),
        Cost::clearance(1.0, f64::INFINITY),
    ] {
        let why = plan(&problem, &mut *checker, &PlanOptions { cost, ..PlanOptions::default() })
            .unwrap_err()
            .to_string();
        assert!(why.contains("cost") && why.contains("above 0"), "{why}");
    }
}
