//! Memory over many batches, in a process of its own, where nothing else allocates.
#![cfg(feature = "gpu")]

mod common;

use flatout::bench::edges::standard_problem;
use flatout::check::EdgeBatch;
use flatout::check::gpu::GpuChecker;

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
    if let (Some(pages), Some(more_pages)) = (pages, more_pages) {
        // A hundredth of a page for each of the last 10,000 batches: an allocator's whims.
        assert!(more_pages < pages + 100, "{pages} pages became {more_pages}");
    }
}
