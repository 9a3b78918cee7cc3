//! What of a robot is not judged for collisions, and why: what a certificate is silent about. Imports nothing
//! but its siblings.

use super::{AlwaysTouching, Robot, SkipReason};
use serde::Serialize;
use std::fmt;

/// What of a robot is not judged for collisions, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// Pairs of links.
    pub pairs: Vec<UnjudgedPair>,
    /// Single spheres of pairs of links: they are proved to touch always.
    pub always_touching: Vec<UnjudgedSpheres>,
    /// Links that are visible and have no collision geometry.
    pub without_geometry: Vec<String>,
}

/// Two links that are not judged against each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnjudgedPair {
    /// Their names.
    pub links: [String; 2],
    /// Why.
    pub reason: SkipReason,
}

/// Spheres of two links that are not judged against each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnjudgedSpheres {
    /// Names of the links.
    pub links: [String; 2],
    /// Which sphere of the one, and which of the other, counted within each.
    pub spheres: Vec<[usize; 2]>,
}

impl Unjudged {
    /// Of a robot, as far as what was proved of its pairs holds.
    pub(super) fn of(robot: &Robot, hold: impl Fn([usize; 2]) -> bool) -> Self {
        let names = |links: [usize; 2]| links.map(|l| robot.links[l].name.clone());
        let counts = |links, reason| reason != SkipReason::NeverTouch || hold(links);
        let skipped = robot.skipped.iter().filter(|s| counts(s.links, s.reason));
        let always = robot.always.iter().filter(|a| hold(a.links));
        let spheres = |AlwaysTouching { links, spheres }: &AlwaysTouching| UnjudgedSpheres {
            links: names(*links),
            spheres: spheres.clone(),
        };
        Self {
            pairs: skipped.map(|s| UnjudgedPair { links: names(s.links), reason: s.reason }).collect(),
            always_touching: always.map(spheres).collect(),
            without_geometry: robot.links_without_geometry().map(|link| link.name.clone()).collect(),
        }
    }

    /// Whether everything is judged.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.always_touching.is_empty() && self.without_geometry.is_empty()
    }

    fn pairs_for(&self, is: impl Fn(SkipReason) -> bool) -> usize {
        self.pairs.iter().filter(|pair| is(pair.reason)).count()
    }
}

/// One line, with the number of each kind and the names of links without geometry.
impl fmt::Display for Unjudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spheres = self.always_touching.iter().map(|a| a.spheres.len()).sum();
        let counted = [
            (self.pairs_for(|r| r == SkipReason::Adjacent), "adjacent"),
            (self.pairs_for(|r| r == SkipReason::Rigid), "rigidly joined"),
            (self.pairs_for(|r| matches!(r, SkipReason::Disabled(_))), "disabled by the SRDF"),
            (self.pairs_for(|r| r == SkipReason::NeverTouch), "proved never to touch"),
            (spheres, "of spheres that always touch"),
        ];
        let mut said = Vec::new();
        for (count, what) in counted.into_iter().filter(|(count, _)| *count > 0) {
            said.push(format!("{count} {} {what}", if count == 1 { "pair" } else { "pairs" }));
        }
        if !self.without_geometry.is_empty() {
            said.push(format!(
                "visible links without collision geometry: {}",
                self.without_geometry.join(", ")
            ));
        }
        if said.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&said.join(", "))
    }
}
