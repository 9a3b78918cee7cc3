#![doc = "flatout"]
pub mod error;
pub mod plan;
pub mod pose;
pub mod problem;
pub mod robot;
pub mod trajectory;
pub mod world;
