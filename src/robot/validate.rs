//! Which robots and mechanisms make sense: whoever fills in their fields may put anything there.
//! Imports its siblings, `base` and `error`.

use super::{
    AlwaysTouching, Body, CollisionLink, Inertia, Joint, JointLimits, JointMotion, Mechanism, Robot, Sphere,
};
use crate::base::Base;
use crate::error::{Checked, InvalidValue, finite, magnitude, positive_or_endless};
use glam::{DMat3, DVec3};

/// How far a sphere may reach out of the one that bounds its link, as a share of its reach: rounding.
const ROUNDING: f64 = 1e-9;

impl Mechanism {
    /// Checks that all indices point somewhere, that lists are as long as they must be, and that all numbers
    /// make sense. Takes about as long as it takes to look at everything once.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        self.validate_outputs()?;
        self.validate_bodies()?;
        self.validate_links()?;
        let Some(base) = &self.base else { return Ok(()) };
        base.validate().map_err(|e| e.under("base"))?;
        self.validate_chain(base)
    }

    fn validate_outputs(&self) -> Checked {
        if self.outputs.is_empty() {
            return Err(InvalidValue::new("outputs", "none", "at least one output"));
        }
        counted("limits", self.limits.len(), self.outputs.len(), "one for each output")?;
        let limits = |(i, limits): (usize, &JointLimits)| {
            limits.validate().map_err(|e| e.under(format_args!("limits[{i}] (\"{}\")", self.outputs[i])))
        };
        self.limits.iter().enumerate().try_for_each(limits)
    }

    fn validate_bodies(&self) -> Checked {
        let Some(root) = self.bodies.first() else {
            return Err(InvalidValue::new("bodies", "none", "at least the body that does not move"));
        };
        if root.motion != JointMotion::Fixed {
            return Err(InvalidValue::new("bodies[0].motion", format!("{:?}", root.motion), "Fixed"));
        }
        let body = |(i, body): (usize, &Body)| {
            body.validate(i, self.outputs.len())
                .map_err(|e| e.under(format_args!("bodies[{i}] (\"{}\")", body.name)))
        };
        self.bodies.iter().enumerate().try_for_each(body)
    }

    fn validate_links(&self) -> Checked {
        for (i, sphere) in self.spheres.iter().enumerate() {
            sphere.validate().map_err(|e| e.under(format_args!("spheres[{i}]")))?;
        }
        let mut last = 0;
        for (i, link) in self.links.iter().enumerate() {
            let checked = link.validate(last, self);
            checked.map_err(|e| e.under(format_args!("links[{i}] (\"{}\")", link.name)))?;
            last = link.body;
        }
        for (i, pair) in self.pairs.iter().enumerate() {
            let [a, b] = *pair;
            let names_two = a != b && a.max(b) < self.links.len();
            if !names_two || self.links[a].body == self.links[b].body {
                let expected = format!("two of {} links, of different bodies", self.links.len());
                return Err(InvalidValue::new(format!("pairs[{i}]"), format!("{pair:?}"), expected));
            }
        }
        let spheres: Vec<usize> = self.links.iter().map(|link| link.spheres.len()).collect();
        validate_always(&self.always, &spheres)?;
        if let Some(i) = self.always.iter().position(|always| !self.pairs.contains(&always.links)) {
            let found = format!("{:?}", self.always[i].links);
            return Err(InvalidValue::new(format!("always[{i}].links"), found, "one of the pairs"));
        }
        validate_ranges(&self.proved_within, self.outputs.len(), "none, or one for each output")
    }

    /// Whether the first bodies after the root are those that the base's coordinates move.
    fn validate_chain(&self, base: &Base) -> Checked {
        let coordinates = base.coordinates();
        if coordinates.len() > self.outputs.len() {
            let expected = format!("the {} coordinates of a {} among them", coordinates.len(), base.name());
            return Err(InvalidValue::new("outputs", self.outputs.len(), expected));
        }
        for (i, coordinate) in coordinates.iter().enumerate() {
            let motion = if coordinate.turns { JointMotion::Revolute } else { JointMotion::Prismatic };
            let carries = |b: &Body| {
                let drives = (b.parent, b.output, b.motion) == (i, i, motion);
                drives && b.ratio == 1.0 && b.offset == 0.0
            };
            if !self.bodies.get(i + 1).is_some_and(carries) {
                let found = self.bodies.get(i + 1).map_or("none", |b| &b.name);
                let expected = format!("the body that \"{}\" of a {} moves", coordinate.name, base.name());
                return Err(InvalidValue::new(
                    format!("bodies[{}]", i + 1),
                    format!("\"{found}\""),
                    expected,
                ));
            }
        }
        Ok(())
    }
}

/// Checks spheres that always touch, of links with so many spheres each.
fn validate_always(always: &[AlwaysTouching], spheres: &[usize]) -> Checked {
    for (i, AlwaysTouching { links, spheres: pairs }) in always.iter().enumerate() {
        let error = |field: &str, found: String, expected: &str| {
            Err(InvalidValue::new(format!("always[{i}].{field}"), found, expected))
        };
        let [a, b] = *links;
        if a >= b || b >= spheres.len() || i > 0 && always[i - 1].links >= *links {
            return error("links", format!("{links:?}"), "two links, the first first, after those before");
        }
        let fits = |&[s, t]: &[usize; 2]| s < spheres[a] && t < spheres[b];
        if let Some(wrong) = pairs.iter().find(|pair| !fits(pair)) {
            return error("spheres", format!("{wrong:?}"), "a sphere of each link");
        }
        if !pairs.is_sorted() {
            return error("spheres", format!("{pairs:?}"), "pairs of spheres in order");
        }
    }
    Ok(())
}

/// Checks the ranges that proofs are about.
fn validate_ranges(ranges: &[[f64; 2]], count: usize, what: &str) -> Checked {
    if !ranges.is_empty() {
        counted("proved_within", ranges.len(), count, what)?;
    }
    match ranges.iter().position(|[lower, upper]| lower.is_nan() || upper.is_nan() || lower > upper) {
        None => Ok(()),
        Some(i) => {
            let field = format!("proved_within[{i}]");
            Err(InvalidValue::new(field, format!("{:?}", ranges[i]), "two numbers, the lesser first"))
        }
    }
}

/// So many of something as there must be.
fn counted(field: &str, found: usize, wanted: usize, what: &str) -> Checked {
    if found == wanted {
        return Ok(());
    }
    Err(InvalidValue::new(field, found, format!("{wanted}, {what}")))
}

/// An index below `end`.
fn below(field: &str, index: usize, end: usize) -> Checked {
    if index < end {
        return Ok(());
    }
    Err(InvalidValue::new(field, index, format!("an index below {end}")))
}

fn vector(field: &str, vector: DVec3) -> Checked {
    let axes = ["x", "y", "z"].into_iter().zip(vector.to_array());
    axes.into_iter().try_for_each(|(axis, x)| finite(axis, x)).map_err(|e| e.under(field))
}

impl JointLimits {
    /// Checks that they leave something: a position that is allowed, and speeds above zero. What is infinite is
    /// not limited.
    ///
    /// # Errors
    /// The first limit that makes no sense.
    pub fn validate(&self) -> Checked {
        let &Self { lower, upper, velocity, acceleration, jerk, effort } = self;
        if lower != f64::NEG_INFINITY {
            finite("lower", lower)?;
        }
        if upper != f64::INFINITY {
            finite("upper", upper)?;
        }
        if lower > upper {
            return Err(InvalidValue::new("upper", upper, format!("at least the lower limit, {lower}")));
        }
        positive_or_endless("velocity", velocity)?;
        positive_or_endless("acceleration", acceleration)?;
        positive_or_endless("jerk", jerk)?;
        positive_or_endless("effort", effort)
    }
}

impl Body {
    /// Of a mechanism with so many outputs, where it has this index.
    fn validate(&self, index: usize, outputs: usize) -> Checked {
        let &Self { name: _, parent, placement, motion: _, output, ratio, offset, inertia } = self;
        // Parents stand first; the root hangs on itself.
        below("parent", parent, index.max(1))?;
        below("output", output, outputs)?;
        placement.validate().map_err(|e| e.under("placement"))?;
        finite("ratio", ratio)?;
        finite("offset", offset)?;
        inertia.validate().map_err(|e| e.under("inertia"))
    }
}

impl Inertia {
    /// Checks that it is a mass distribution made of numbers, of no mass below zero.
    ///
    /// # Errors
    /// The first number that makes no sense.
    pub fn validate(&self) -> Checked {
        magnitude("mass", self.mass)?;
        vector("com", self.com)?;
        let DMat3 { x_axis, y_axis, z_axis } = self.matrix;
        vector("matrix.x_axis", x_axis)?;
        vector("matrix.y_axis", y_axis)?;
        vector("matrix.z_axis", z_axis)?;
        // Single moments of identified parameters may look like no matter's, but not their sum.
        let sum = x_axis.x + y_axis.y + z_axis.z;
        magnitude("", sum).map_err(|e| e.under("matrix (its trace)"))
    }
}

impl Sphere {
    /// Checks that it stands somewhere and has no radius below zero.
    ///
    /// # Errors
    /// The first number that makes no sense.
    pub fn validate(&self) -> Checked {
        vector("center", self.center)?;
        magnitude("radius", self.radius)
    }
}

impl CollisionLink {
    /// Of `mechanism`, after a link on the body `last`.
    fn validate(&self, last: usize, mechanism: &Mechanism) -> Checked {
        below("body", self.body, mechanism.bodies.len())?;
        if self.body < last {
            let expected = format!("at least {last}: links stand in the order of their bodies");
            return Err(InvalidValue::new("body", self.body, expected));
        }
        let count = mechanism.spheres.len();
        let Some(spheres) = mechanism.spheres.get(self.spheres.clone()).filter(|s| !s.is_empty()) else {
            let expected = format!("at least one of the {count} spheres");
            return Err(InvalidValue::new("spheres", format!("{:?}", self.spheres), expected));
        };
        self.bound.validate().map_err(|e| e.under("bound"))?;
        magnitude("padding", self.padding)?;
        let reach = |s: &Sphere| s.center.distance(self.bound.center) + s.radius;
        let most = self.bound.radius * (1.0 + ROUNDING);
        match spheres.iter().position(|s| reach(s) > most) {
            None => Ok(()),
            Some(i) => {
                let sphere = self.spheres.start + i;
                let expected = format!("at least {}, to hold spheres[{sphere}]", reach(&spheres[i]));
                Err(InvalidValue::new("bound.radius", self.bound.radius, expected))
            }
        }
    }
}

impl Robot {
    /// Checks that all indices point somewhere and lists are as long as they must be, and that positions,
    /// limits and masses are numbers.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        counted("links", self.links.len(), self.joints.len() + 1, "one more than joints")?;
        for (i, link) in self.links.iter().enumerate() {
            let spheres = link.spheres.iter().enumerate();
            let mut spheres = spheres
                .map(|(s, sphere)| sphere.validate().map_err(|e| e.under(format_args!("spheres[{s}]"))));
            let inertia = link.inertia.validate().map_err(|e| e.under("inertia"));
            inertia
                .and_then(|()| spheres.try_for_each(|checked| checked))
                .map_err(|e| e.under(format_args!("links[{i}] (\"{}\")", link.name)))?;
        }
        for (i, joint) in self.joints.iter().enumerate() {
            let checked = joint.validate(i, self);
            checked.map_err(|e| e.under(format_args!("joints[{i}] (\"{}\")", joint.name)))?;
        }
        for (i, &[a, b]) in self.pairs.iter().enumerate() {
            below("", a.max(b), self.links.len()).map_err(|e| e.under(format_args!("pairs[{i}]")))?;
        }
        for (i, skipped) in self.skipped.iter().enumerate() {
            let [a, b] = skipped.links;
            below("", a.max(b), self.links.len()).map_err(|e| e.under(format_args!("skipped[{i}].links")))?;
        }
        let spheres: Vec<usize> = self.links.iter().map(|link| link.spheres.len()).collect();
        validate_always(&self.always, &spheres)?;
        validate_ranges(&self.proved_within, self.joints.len(), "none, or one for each joint")?;
        self.base.as_ref().map_or(Ok(()), |base| base.validate().map_err(|e| e.under("base")))
    }
}

impl Joint {
    /// Of `robot`, where it has this index.
    fn validate(&self, index: usize, robot: &Robot) -> Checked {
        below("parent", self.parent, index + 1)?;
        self.origin.validate().map_err(|e| e.under("origin"))?;
        vector("axis", self.axis)?;
        if !self.axis.is_normalized() {
            return Err(InvalidValue::new("axis", self.axis, "a vector of length 1"));
        }
        self.limits.validate().map_err(|e| e.under("limits"))?;
        let Some(mimic) = &self.mimic else { return Ok(()) };
        below("mimic.joint", mimic.joint, robot.joints.len())?;
        if !robot.joints[mimic.joint].is_independent() {
            return Err(InvalidValue::new("mimic.joint", mimic.joint, "a joint that moves by itself"));
        }
        finite("mimic.multiplier", mimic.multiplier)?;
        finite("mimic.offset", mimic.offset)
    }
}
