//! Memory over many batches, in a process of its own, where nothing else allocates.
#![cfg(feature = "gpu")]

mod common;

use flatout::bench::edges::standard_problem;
use flatout::check::gpu::{GpuChecker, GpuPool};
use flatout::check::{EdgeBatch, EdgeChecker};
use flatout::scene::Scene;
use flatout::stop::Stop;
use flatout::wide::{DeviceExplorer, Explorer, WideAnswer, WideOutput, WideTask};

/// Pages in memory, where the system says so.
fn resident_pages() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse().ok()
}

#[test]
fn memory_does_not_grow_with_batches() {
    let Some(gpu) = common::gpu() else { return };
    let problem = standard_problem(10).expect("flatout's own robot");
    let mut checker = GpuChecker::new(gpu, &problem, 0.5).expect("a checker");
    let mut batch = EdgeBatch::new(problem.mechanism.dof(), 3);
    for i in 0..4 {
        let from: Vec<f64> = problem.mechanism.limits.iter().map(|l| 0.5 * (l.lower + l.upper)).collect();
        let to: Vec<f64> = from.iter().map(|y| y + 0.05 * f64::from(i)).collect();
        batch.push_at_rest(&from, &to, 1.0);
    }
    let mut verdicts = Vec::new();
    let mut run = |pairs: usize| {
        for i in 0..pairs {
            let range = 0..1 + i % batch.len();
            let [one, two] =
                [(); 2].map(|()| checker.submit(&batch, range.clone()).expect("a device that works"));
            verdicts.clear();
            for ticket in [one, two] {
                checker.collect(ticket, &mut verdicts).expect("a device that works");
            }
        }
        (checker.traffic(), resident_pages())
    };
    let (settled, pages) = run(1000);
    let (after, more_pages) = run(5000);
    assert_eq!(settled.buffers, 2, "two flights, for two batches under way");
    assert_eq!(after.buffers, settled.buffers);
    assert_eq!(after.submissions, 12_000);
    assert_even(pages, more_pages, 100);

    // The same for threads that share a device.
    let pool = GpuPool::new(gpu, [(); 4].map(|()| (&problem, 0.5))).expect("a pool");
    let run = |batches: usize| {
        std::thread::scope(|scope| {
            for i in 0..4 {
                let (mut checker, batch) = (pool.checker(i), &batch);
                scope.spawn(move || {
                    let mut verdicts = Vec::new();
                    for _ in 0..batches / 4 {
                        checker.check(batch, &mut verdicts).expect("a device that works");
                    }
                });
            }
        });
        (pool.traffic(), resident_pages())
    };
    let (_, pages) = run(2000);
    let (after, more_pages) = run(10_000);
    assert_eq!(after.batches, 12_000);
    // Two under way, one that is loading, and those that not all have left: a few.
    assert!(after.buffers <= 8, "{after:?}");
    assert_even(pages, more_pages, 300);
}

/// Nor with searches.
#[test]
fn memory_does_not_grow_with_searches() {
    let Some(gpu) = common::gpu() else { return };
    let Scene { mut problem, options, .. } = Scene::load("scenes/point_yard.yaml".as_ref()).expect("a scene");
    problem.world.obstacles.clear();
    let pool = GpuPool::new(gpu, [(&problem, 10.0)]).expect("a pool");
    let mut explorer = DeviceExplorer::new(&pool).expect("a device that works");
    let output = WideOutput { bounds: (0.0, 1.0), weight: 1.0, reach: 1.0, seconds: [100.0, 0.0, 0.0] };
    let near = |by: f64| problem.start.position.iter().map(|x| x + by).collect::<Vec<_>>();
    let task = WideTask {
        problem: 0,
        outputs: vec![output; problem.mechanism.dof()],
        degree: 3,
        roots: [vec![near(0.0)], vec![near(0.01)]],
        seed: options.seed,
        range: 1.0,
        padding: 0.0,
        clearance: 0.0,
        resolution: 10.0,
        most_samples: 1000,
        time_limit: None,
        cancel: None,
    };
    let mut run = |batches: usize| {
        for i in 0..batches {
            let mut tasks = vec![task.clone(); 1 + i % 2];
            // Now and then one that is searched again with more room, to no avail: its goal is out of bounds.
            let is_hard = i % 50 == 0;
            if is_hard {
                tasks.push(WideTask {
                    roots: [vec![near(0.0)], vec![near(50.0)]],
                    most_samples: 8000,
                    ..task.clone()
                });
            }
            let mut found = 0;
            let mut tell = |_, answer: WideAnswer| found += usize::from(answer.path.is_some());
            explorer.explore(&tasks, &Stop::NEVER, &mut tell).expect("a device that works");
            assert_eq!(found, tasks.len() - usize::from(is_hard));
        }
        (explorer.traffic().buffers, resident_pages())
    };
    let (settled, pages) = run(300);
    let (after, more_pages) = run(1200);
    assert_eq!(after, settled);
    assert_even(pages, more_pages, 300);
}

/// A hundredth of a page for each of 10,000 batches are an allocator's whims; more are a leak.
fn assert_even(before: Option<usize>, after: Option<usize>, whims: usize) {
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + whims, "{before} pages became {after}");
    }
}
