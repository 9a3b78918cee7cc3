//! How far links stay from obstacles.

use super::Mechanism;

/// How far links stay from obstacles, metres, beside what is asked of all of them; links need not stay so far from
/// each other.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkPadding {
    /// All links by this much.
    All(f64),
    /// These links by this much each, by name, and by the greatest of what is given to one of them; all others by
    /// nothing.
    Links(Vec<(String, f64)>),
}

impl Default for LinkPadding {
    fn default() -> Self {
        Self::Links(Vec::new())
    }
}

impl LinkPadding {
    /// Of a link, metres.
    pub fn of(&self, link: &str) -> f64 {
        match self {
            Self::All(metres) => *metres,
            Self::Links(links) => {
                let given = links.iter().filter(|(name, _)| name == link).map(|(_, metres)| *metres);
                // What is no number is not to be hidden behind another: who checks it shall find it.
                given.reduce(|a, b| if b > a || b.is_nan() { b } else { a }).unwrap_or_default()
            }
        }
    }
}

impl Mechanism {
    /// Has links stay so far from obstacles: their padding ([`CollisionLink::padding`](super::CollisionLink)), in
    /// place of any that they had. Names of links without collision geometry say nothing.
    pub fn pad(&mut self, padding: &LinkPadding) {
        for link in &mut self.links {
            link.padding = padding.of(&link.name);
        }
    }
}
