//! flatout plans motions of robots that are ready to be driven: collision-free, within the limits
//! of position, velocity, acceleration and torque (and of jerk, with continuous acceleration, where
//! that is asked for), from any velocity to any other. It searches in the space of *flat outputs*,
//! where every motion between two states is a polynomial in time, and checks batches of such edges in
//! SIMD lanes. Whatever it returns carries a certificate, computed apart from the search in `f64`, that
//! it is valid at every instant and not only at samples.
//!
//! # The road
//!
//! Data goes down it once; nothing flows back up.
//!
//! ```text
//! scene file ─► scene ─► Problem { mechanism, world, start, goals }
//!                           │  packed once per problem
//!                           ▼
//!    plan:  sample ─► nearest ─► steer ─► check (a batch) ─► connect ─► …
//!                           │
//!                           ▼
//!    Trajectory ─► refine (shorter) ─► certify (f64, all times) ─► exchange
//! ```
//!
//! ```
//! use flatout::prelude::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let Scene { problem, options, .. } = Scene::load("scenes/panda_shelf.yaml".as_ref())?;
//! let query = Query::from(&problem.start).to(problem.goals[0].clone());
//! let motion = Planner::of(problem, options).plan(&query)?;
//! println!("{:.3} s; {}", motion.duration(), motion.certificate);
//! # assert!(motion.certificate.clearance().at_least > 0.0);
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! From the ground up. A room imports only from rooms above it in this list (a test reads the list
//! and holds the code to it).
//!
//! 1. [`error`]: what is wrong with a user's file, and where.
//! 2. [`digest`]: a number that tells whether bytes are the same.
//! 3. [`stop`]: when to give up: deadlines and cancel tokens.
//! 4. [`threads`]: work for as many threads as the machine gives.
//! 5. [`pose`]: rigid transforms.
//! 6. [`vector`]: vectors of `f32` and `f64` per instruction set, chosen at run time.
//! 7. [`trajectory`]: piecewise polynomials: values, derivatives, extrema, cut, join.
//! 8. [`base`]: base kinds: flat outputs to coordinates, state and control, and back.
//! 9. [`search`]: seeded samplers, trees, nearest neighbours, guides.
//! 10. [`document`]: YAML and JSON that know their lines and keys.
//! 11. [`world`]: obstacles and exact signed distances.
//! 12. [`robot`]: links, joints, limits, spheres, dynamics; readers of URDF, SRDF, joint limits.
//! 13. [`problem`]: a mechanism in a world, from a start to its goals.
//! 14. [`steer`]: the edge that joins two flat states.
//! 15. [`certify`]: proof in `f64` that a trajectory is valid at all times. It imports no checker
//!     and no steering, so that it cannot share a bug with one.
//! 16. [`exchange`]: trajectory files.
//! 17. [`check`]: states and edges in batches, by the oracle, in lanes, or on a GPU.
//! 18. [`local_planner`]: joins two states by a valid edge.
//! 19. [`wide`]: searches of many problems in rounds of many edges, in lanes or wholly on a GPU.
//! 20. [`refine`]: shortens a path in time.
//! 21. [`plan`]: the planners.
//! 22. [`scene`]: scene files, and MoveIt's.
//! 23. [`planner`]: the planner to call: a robot, its world and a backend.
//! 24. [`prelude`]: what most callers need, under one name.
//! 25. [`bench`](mod@bench): problem suites, runner, tables.
//! 26. [`cli`]: the command line, the only place that prints or exits.
//!
//! # What is promised to stay
//!
//! The [`prelude`], and the rooms in front: [`planner`], [`world`], [`scene`], [`exchange`], [`pose`], [`stop`],
//! [`error`]. Those behind them are there for our own command line, tests and benches, under the feature `internals`,
//! and change as they like; what callers need of them is in the prelude.

// Without the feature, the documentation names rooms that it does not show.
#![cfg_attr(not(feature = "internals"), allow(rustdoc::private_intra_doc_links))]

/// Declares rooms behind the front ones: public for our own tests and benches alone.
macro_rules! internal {
    ($($(#[$attribute:meta])* $room:ident),+ $(,)?) => {
        $(
            $(#[$attribute])*
            #[cfg(feature = "internals")]
            pub mod $room;
            $(#[$attribute])*
            #[cfg(not(feature = "internals"))]
            #[allow(dead_code, unused_imports)]
            mod $room;
        )+
    };
}

pub mod error;
pub mod exchange;
pub mod planner;
pub mod pose;
pub mod prelude;
pub mod scene;
pub mod stop;
pub mod world;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

internal! {
    base,
    #[cfg(feature = "cli")]
    bench,
    certify,
    check,
    digest,
    document,
    local_planner,
    plan,
    problem,
    refine,
    robot,
    search,
    steer,
    threads,
    trajectory,
    vector,
    wide,
}

pub use glam;
#[cfg(feature = "gpu")]
pub use wgpu;

/// The README's examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
