//! What a search promises beside its answer: no region is withheld from a tree, several goals are no worse than
//! one of them, and where nothing is found it says what is in the way.

use flatout::bench::search_families::SearchFamily;
use flatout::check::Backend;
use flatout::plan::{FailureHint, PlanError, PlanOptions, Quality, Solution, plan};
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::JointLimits;
use flatout::world::Shape;

/// Debug builds are slow; what is tested here is not how fast.
fn options(seed: u64, max_samples: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples, ..PlanOptions::default() }
}

fn answer(problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    plan(problem, &mut *checker, options)
}

fn solve(problem: &Problem, options: &PlanOptions) -> Solution {
    answer(problem, options).unwrap_or_else(|why| panic!("{why}"))
}

/// Random mazes: all seeds, with tails that are no multiple of the median. (Trees that shared one even sequence
/// were never offered the samples that lead through some doors.)
#[test]
fn mazes_are_solved_by_every_seed() {
    let mut samples: Vec<u64> = Vec::new();
    for index in 0..25 {
        let problem = SearchFamily::Maze2d.problem(index, 1.0).expect("a maze");
        for seed in 0..4 {
            samples.push(solve(&problem, &options(seed, 50_000)).statistics.iterations);
        }
    }
    samples.sort_unstable();
    let (median, last) = (samples[samples.len() / 2], samples[samples.len() - 1]);
    assert!(last < 20 * median, "{last} samples at worst, {median} at the median");
}

/// Narrow doors in space as well.
#[test]
fn a_maze_in_space_is_solved_by_every_seed() {
    let problem = SearchFamily::Maze3d.problem(2, 1.0).expect("a maze");
    for seed in 0..3 {
        solve(&problem, &options(seed, 1_000_000));
    }
}

/// More goals to choose from give no longer a trajectory than the nearest of them alone, but for the search's chance.
#[test]
fn several_goals_are_no_worse_than_the_best_of_them() {
    let mut ratios: Vec<f64> = Vec::new();
    for index in 0..6 {
        let problem = SearchFamily::Arm.problem(index, 1.0).expect("an arm");
        let mut options = options(3, 200_000);
        Quality::Best.apply(&mut options);
        options.polish_tries = 300;
        let alone = solve(&problem, &options).trajectory.duration();
        let mut several = problem.clone();
        // Others that are farther away, the nearest last.
        let near = &problem.goals[0];
        several.goals = (0..12)
            .map(|k| {
                let share = 1.0 + 0.02 * f64::from(12 - k);
                let way = problem.start.position.iter().zip(&near.position);
                JointState::at_rest(way.map(|(from, to)| from + (to - from) * share).collect())
            })
            .collect();
        several.goals.push(near.clone());
        ratios.push(solve(&several, &options).trajectory.duration() / alone);
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[3] < 1.02 && ratios[5] < 1.25, "{ratios:?}");
}

/// A sealed goal: the failure names the wall, how far apart the trees are, and how many states they have.
#[test]
fn a_sealed_goal_is_told_with_what_seals_it() {
    let mut problem = SearchFamily::Maze2d.problem(0, 1.0).expect("a maze");
    // All doors are closed.
    for obstacle in &mut problem.world.obstacles {
        if let Shape::Cuboid { half_extents } = &mut obstacle.shape {
            let along =
                if half_extents.x > half_extents.y { &mut half_extents.x } else { &mut half_extents.y };
            *along += 0.06;
        }
    }
    let failure = answer(&problem, &options(0, 3000)).expect_err("the goal is sealed");
    let Some(FailureHint::Apart(gap)) = failure.unsolved().and_then(|unsolved| unsolved.hint.as_ref()) else {
        panic!("{failure}")
    };
    assert!(gap.distance > 0.0 && gap.nodes.iter().all(|&nodes| nodes > 1), "{failure}");
    assert!(gap.between.as_ref().is_some_and(|fault| fault.other.starts_with("wall")), "{failure}");
    let text = failure.to_string();
    assert!(
        text.contains("came no nearer than") && text.contains(" m in \"") && text.contains("\"wall"),
        "{text}"
    );
}

/// Durations of the answers to some random problems, after all limits have been changed in the same way.
fn durations(change: impl Fn(&mut JointLimits), smoothness: Smoothness) -> Vec<f64> {
    let mut durations: Vec<f64> = Vec::new();
    for index in 0..6 {
        let mut problem = SearchFamily::Arm.problem(index, 1.0).expect("an arm");
        problem.mechanism.limits.iter_mut().for_each(&change);
        problem.smoothness = smoothness;
        for seed in 0..3 {
            durations.push(solve(&problem, &options(seed, 200_000)).trajectory.duration());
        }
    }
    durations
}

/// Whether more room makes nobody slower but by the search's chance, which the mean of the ratios evens out.
#[track_caller]
fn assert_no_slower(loose: &[f64], tight: &[f64], what: &str) {
    let ratios = loose.iter().zip(tight).map(|(loose, tight)| (loose / tight).ln());
    let mean = (ratios.sum::<f64>() / loose.len() as f64).exp();
    assert!(mean < 1.02, "{what}: {mean} times as long");
}

/// Looser limits of any kind give no slower answers: of velocity and acceleration, and of jerk from careful drives to
/// none to speak of.
#[test]
fn looser_limits_are_not_slower() {
    let plain = durations(|_| {}, Smoothness::Acceleration);
    let faster = durations(|l| l.velocity *= 2.0, Smoothness::Acceleration);
    assert_no_slower(&faster, &plain, "twice the velocity");
    let harder = durations(|l| l.acceleration *= 4.0, Smoothness::Acceleration);
    assert_no_slower(&harder, &plain, "four times the acceleration");
    let mut before: Option<Vec<f64>> = None;
    for ramp in [0.3, 0.03, 3e-3, 3e-5, 3e-8] {
        let now = durations(|l| l.jerk = l.acceleration / ramp, Smoothness::Jerk);
        if let Some(before) = &before {
            assert_no_slower(&now, before, &format!("jerk by a ramp of {ramp} s"));
        }
        before = Some(now);
    }
    // And at last it is as if there were no limit of jerk.
    let last = before.expect("ramps");
    assert_no_slower(
        &last,
        &plain.iter().map(|duration| 1.05 * duration).collect::<Vec<_>>(),
        "hardly any limit",
    );
}

/// Polishing only ever shortens, whatever is limited last, and the same seed gives the same; answers are certified.
#[test]
fn polished_answers_are_never_longer() {
    for (index, smoothness) in
        [(0, Smoothness::Acceleration), (1, Smoothness::Jerk), (2, Smoothness::Acceleration)]
    {
        let mut problem = SearchFamily::Arm.problem(index, 1.0).expect("an arm");
        problem.smoothness = smoothness;
        problem.mechanism.limits.iter_mut().for_each(|l| l.jerk = 100.0);
        let duration = |polish_tries: u32| {
            let options = PlanOptions { polish_tries, ..options(1, 200_000) };
            solve(&problem, &options).trajectory.duration()
        };
        let [fast, polished, again, longer] = [0, 450, 450, 900].map(duration);
        assert_eq!(polished, again, "arm {index}");
        assert!(polished <= fast && longer <= polished, "arm {index}: {fast}, {polished}, {longer} s");
    }
}
