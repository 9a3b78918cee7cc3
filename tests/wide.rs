//! The wide search as callers see it: batches and single queries, in lanes and wholly on a device.

mod common;

use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::plan::{Algorithm, PlanOptions, plan};
use flatout::scene::Scene;

/// Scenes whose robots move from rest to rest along straight lines of their outputs: arms, with torques, with jerks, in
/// narrow places; a point; and omnidirectional bases, with wheels and with an arm.
const SCENES: [&str; 7] = [
    "panda_shelf",
    "panda_lift",
    "panda_smooth",
    "ur5_shelf",
    "point_yard",
    "omni_shelves",
    "manipulator_omni",
];

fn scenes() -> Vec<Scene> {
    let load =
        |name: &&str| Scene::load(format!("scenes/{name}.yaml").as_ref()).unwrap_or_else(|e| panic!("{e}"));
    SCENES.iter().map(load).collect()
}

fn options(scene: &Scene) -> PlanOptions {
    PlanOptions { algorithm: Some(Algorithm::Wide), time_limit: None, ..scene.options.clone() }
}

#[test]
fn lanes_solve_every_kind_of_robot() {
    for (scene, name) in scenes().iter().zip(SCENES) {
        for batch in [0, 1, 300] {
            let options = PlanOptions { batch, ..options(scene) };
            let answer = || {
                let mut checker = Backend::Simd.checker(&scene.problem, None).unwrap();
                plan(&scene.problem, &mut *checker, &options).unwrap_or_else(|e| panic!("{name}: {e}"))
            };
            let solution = answer();
            certify(&scene.problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(
                solution.trajectory,
                answer().trajectory,
                "{name}: the same seed, the same trajectory"
            );
        }
    }
}

#[test]
fn what_it_cannot_do_is_refused() {
    let refused = |name: &str, change: fn(&mut PlanOptions)| {
        let scene = Scene::load(format!("scenes/{name}.yaml").as_ref()).unwrap();
        let mut options = options(&scene);
        change(&mut options);
        let mut checker = Backend::Simd.checker(&scene.problem, None).unwrap();
        plan(&scene.problem, &mut *checker, &options).unwrap_err().to_string()
    };
    assert!(refused("drive_boxes", |_| ()).contains("omnidirectional"));
    assert!(refused("quadrotor_window", |_| ()).contains("omnidirectional"));
    assert!(refused("panda_shelf", |options| options.moving_share = 0.3).contains("moving_share"));
    let sampling =
        |options: &mut PlanOptions| options.sampling = Some(flatout::plan::Sampling::new(|_, _| ()));
    assert!(refused("panda_shelf", sampling).contains("draws its own"));
}

/// Ends in motion: the trees grow from where these come to rest.
#[test]
fn ends_that_move_are_joined() {
    let scene = Scene::load("scenes/panda_moving_start.yaml".as_ref()).unwrap();
    let options = PlanOptions { moving_share: 0.0, ..options(&scene) };
    let mut checker = Backend::Simd.checker(&scene.problem, None).unwrap();
    let solution = plan(&scene.problem, &mut *checker, &options).unwrap();
    certify(&scene.problem, &solution.trajectory, &CertifyOptions::default()).unwrap();
}

#[cfg(feature = "gpu")]
mod on_a_device {
    use super::*;
    use flatout::check::AdapterChoice;
    use flatout::plan::{PlanError, Solution, Task, plan_batch_wide};
    use flatout::problem::Problem;
    use flatout::stop::CancelToken;
    use flatout::wide::explorer;
    use std::time::Duration;

    /// The answers to a batch that is searched on the device.
    fn planned(problems: &[Problem], options: &[PlanOptions]) -> Vec<Result<Solution, PlanError>> {
        let spaced = problems.iter().zip(options).map(|(problem, options)| (problem, options.resolution));
        let checkers = Backend::Gpu.checkers(&AdapterChoice::Best, spaced).expect("a device");
        let mut explorer = explorer(&checkers).unwrap().expect("a device that searches");
        let tasks: Vec<_> =
            problems.iter().zip(options).map(|(problem, options)| Task { problem, options }).collect();
        let checker = |i, is_searched| checkers.beside(i, is_searched);
        let (answers, failure) = plan_batch_wide(&tasks, &mut *explorer, checker, 2, |_, _| ());
        assert_eq!(failure, None);
        answers
    }

    /// Different robots, worlds and degrees in one batch; what is not for the device is planned beside it.
    #[test]
    fn a_batch_of_all_kinds_is_solved() {
        if common::gpu().is_none() {
            return;
        }
        let (mut problems, mut choices) = (Vec::new(), Vec::new());
        for scene in scenes() {
            choices.push(PlanOptions { algorithm: None, ..options(&scene) });
            problems.push(scene.problem);
        }
        let car = Scene::load("scenes/drive_boxes.yaml".as_ref()).unwrap();
        choices.push(PlanOptions { time_limit: None, ..car.options });
        problems.push(car.problem);
        let [first, second] = [(); 2].map(|()| planned(&problems, &choices));
        for (i, (one, other)) in first.iter().zip(&second).enumerate() {
            let one = one.as_ref().unwrap_or_else(|e| panic!("{i}: {e}"));
            certify(&problems[i], &one.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|e| panic!("{i}: {e}"));
            let other = other.as_ref().unwrap();
            assert_eq!(one.trajectory, other.trajectory, "{i}: the same seed, the same trajectory");
        }
    }

    /// A query that nobody waits for any more ends the search, and says so.
    #[test]
    fn a_cancelled_batch_ends() {
        if common::gpu().is_none() {
            return;
        }
        let scene = Scene::load("scenes/panda_cage.yaml".as_ref()).unwrap();
        let token = CancelToken::new();
        token.cancel();
        let options = PlanOptions { cancel: Some(token), ..options(&scene) };
        let answers = planned(&[scene.problem.clone(), scene.problem], &[options.clone(), options]);
        assert!(answers.iter().all(|answer| matches!(answer, Err(PlanError::Cancelled(_)))), "{answers:?}");
    }

    #[test]
    fn one_query_is_searched_on_the_device() {
        if common::gpu().is_none() {
            return;
        }
        let scene = Scene::load("scenes/panda_shelf.yaml".as_ref()).unwrap();
        let options = PlanOptions { time_limit: Some(Duration::from_secs(60)), ..options(&scene) };
        let answer = || {
            let mut checker = Backend::Gpu.checker(&scene.problem, None).unwrap();
            plan(&scene.problem, &mut *checker, &options).unwrap()
        };
        let solution = answer();
        certify(&scene.problem, &solution.trajectory, &CertifyOptions::default()).unwrap();
        assert_eq!(solution.trajectory, answer().trajectory);
    }

    /// The library's batches go to the device too.
    #[test]
    fn planners_search_batches_on_the_device() {
        use flatout::prelude::{Planner, Query};
        if common::gpu().is_none() {
            return;
        }
        let Scene { problem, options, .. } = Scene::load("scenes/panda_shelf.yaml".as_ref()).unwrap();
        let (start, goal) = (problem.start.clone(), problem.goals[0].clone());
        let there = Query::from(start.clone()).to(goal.clone()).deadline(Duration::from_secs(60));
        let back = Query::from(goal).to(start).deadline(Duration::from_secs(60));
        let mut planner = Planner::of(problem, options).on_backend(Backend::Gpu, AdapterChoice::Best);
        for motion in planner.plan_batch(&[there, back]) {
            assert!(motion.unwrap().certificate.clearance().at_least > 0.0);
        }
    }

    /// A program that has a device already shares it, and goes on using it.
    #[test]
    fn planners_work_on_a_device_of_the_callers() {
        use flatout::prelude::{Planner, Query};
        use flatout::wgpu;
        if common::gpu().is_none() {
            return;
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let opened = pollster::block_on(async {
            let adapter = instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await.ok()?;
            let limits = adapter.limits();
            let asked =
                wgpu::DeviceDescriptor { required_limits: limits, ..wgpu::DeviceDescriptor::default() };
            adapter.request_device(&asked).await.ok()
        });
        let (device, queue) = opened.expect("the adapter opens");
        flatout::planner::share_device(device.clone(), queue.clone()).unwrap();
        let Scene { problem, options, .. } = Scene::load("scenes/point_yard.yaml".as_ref()).unwrap();
        let query = Query::from(problem.start.clone()).to(problem.goals[0].clone());
        let mut planner = Planner::of(problem, PlanOptions { time_limit: None, ..options })
            .on_backend(Backend::Gpu, AdapterChoice::Best);
        for motion in planner.plan_batch(&[query.clone(), query]) {
            motion.unwrap();
        }
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 64,
            usage: wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        queue.write_buffer(&buffer, 0, &[1; 64]);
        queue.submit([]);
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }
}

/// Which of lanes and a device plans a batch, told by a small share of it.
mod by_trial {
    use super::*;
    use flatout::check::CheckError;
    use flatout::plan::{BatchChoice, PlanError, Solution, Task, TrialSettings, plan_batch_by_trial};
    use flatout::problem::JointState;
    use flatout::stop::Stop;
    use flatout::wide::{Explorer, WideAnswer, WideTask};
    use std::cell::RefCell;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    /// A device that takes its time, finds nothing, and tells which problems it was given.
    struct Fake {
        pause: Duration,
        fails_after: usize,
        asked: Arc<Mutex<Vec<usize>>>,
    }

    impl Explorer for Fake {
        fn explore(
            &mut self,
            tasks: &[WideTask],
            _: &Stop,
            answered: &mut dyn FnMut(usize, WideAnswer),
        ) -> Result<(), CheckError> {
            for (i, task) in tasks.iter().enumerate() {
                std::thread::sleep(self.pause);
                let mut asked = self.asked.lock().unwrap();
                if asked.len() == self.fails_after {
                    return Err(CheckError::Backend { backend: "fake".into(), message: "lost".into() });
                }
                asked.push(task.problem);
                answered(i, WideAnswer { path: None, samples: 0, nodes: [1, 1], is_full: false });
            }
            Ok(())
        }
    }

    /// Which problems a device was given of forty, of which eight are a trial, and what was chosen.
    fn chosen(pause: Duration, slow_lanes: Duration, fails_after: usize) -> (Vec<usize>, BatchChoice) {
        let mut scene = Scene::load("scenes/point_yard.yaml".as_ref()).unwrap();
        scene.problem.start = JointState::at_rest(scene.problem.start.position);
        let options = PlanOptions { time_limit: None, ..scene.options };
        let tasks = vec![Task { problem: &scene.problem, options: &options }; 40];
        let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
        let told = Mutex::new(Vec::new());
        let settings = TrialSettings { share: 0.2, least: 4, worth: Duration::ZERO };
        let first = RefCell::new(None);
        let explorer = |from: usize| -> Option<Box<dyn Explorer>> {
            *first.borrow_mut() = Some(from);
            Some(Box::new(Fake { pause, fails_after, asked: asked.clone() }))
        };
        // Lanes that plan by themselves are slow; those beside a device are not asked for until it has answered.
        let (seen, problem) = (asked.clone(), scene.problem.clone());
        let checker = move |_| {
            if seen.lock().unwrap().is_empty() {
                std::thread::sleep(slow_lanes);
            }
            Backend::Simd.checker(&problem, None)
        };
        let tell =
            |i: usize, answer: &Result<Solution, PlanError>| told.lock().unwrap().push((i, answer.is_ok()));
        let (answers, choice) = plan_batch_by_trial(&tasks, settings, explorer, checker, 2, tell);
        assert_eq!(answers.len(), 40);
        assert!(answers.iter().all(Result::is_ok));
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        assert_eq!(told, (0..40).map(|i| (i, true)).collect::<Vec<_>>(), "everyone is told once");
        assert_eq!(first.into_inner(), Some(8));
        (
            Arc::try_unwrap(asked)
                .map_or_else(|shared| shared.lock().unwrap().clone(), |all| all.into_inner().unwrap()),
            choice,
        )
    }

    #[test]
    fn the_faster_plans_the_rest() {
        let slow = Duration::from_millis(60);
        let (asked, choice) = chosen(slow, Duration::ZERO, usize::MAX);
        assert_eq!((asked.len(), choice), (8, BatchChoice::Lanes));
        let (asked, choice) = chosen(Duration::ZERO, slow, usize::MAX);
        assert_eq!((asked, choice), ((0..32).collect(), BatchChoice::Device), "numbers on the device");
        let (asked, choice) = chosen(Duration::ZERO, slow, 20);
        assert_eq!(asked.len(), 20);
        assert!(matches!(choice, BatchChoice::Failed(_)));
        let (_, choice) = chosen(Duration::ZERO, slow, 3);
        assert!(matches!(choice, BatchChoice::Failed(_)));
    }
}
