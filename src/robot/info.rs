//! A report on a robot, for people to read. Imports nothing but its siblings.

use super::{AlwaysTouching, DisableReason, Joint, JointKind, JointLimits, Robot, SkipReason};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// Prints as a report on a robot: its tree, limits, spheres, pairs, groups and named states.
pub struct Info<'r>(&'r Robot);

impl Robot {
    /// A report on this robot, for people to read.
    pub fn info(&self) -> Info<'_> {
        Info(self)
    }
}

impl Display for Info<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.summary(f)?;
        self.tree(f)?;
        self.limits(f)?;
        self.pairs(f)?;
        self.groups(f)
    }
}

impl Info<'_> {
    fn summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let robot = self.0;
        let spheres: usize = robot.links.iter().map(|l| l.spheres.len()).sum();
        let mass: f64 = robot.links.iter().map(|l| l.inertia.mass).sum();
        writeln!(
            f,
            "{}: {} links, {} joints ({} independent), {spheres} spheres, {} kg",
            robot.name,
            robot.links.len(),
            robot.joints.len(),
            robot.independent_joints().len(),
            Figure(mass),
        )
    }

    fn tree(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let robot = self.0;
        let mut depth = vec![0; robot.links.len()];
        writeln!(f, "\nTree (link: spheres, mass)")?;
        self.link(f, 0, 1)?;
        writeln!(f)?;
        for (j, joint) in robot.joints.iter().enumerate() {
            depth[j + 1] = depth[joint.parent] + 1;
            self.link(f, j + 1, depth[j + 1] + 1)?;
            writeln!(f, "  <- {}, {}", joint.name, InfoMotion(robot, joint))?;
        }
        Ok(())
    }

    fn link(&self, f: &mut Formatter<'_>, l: usize, indent: usize) -> fmt::Result {
        let link = &self.0.links[l];
        let (name, spheres, mass) = (&link.name, link.spheres.len(), Figure(link.inertia.mass));
        write!(f, "{:indent$}{name}: {spheres}, {mass} kg", "", indent = 2 * indent)
    }

    fn limits(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let moving = self.0.joints.iter().filter(|j| j.kind != JointKind::Fixed);
        let mut table = vec![InfoRow::from(
            ["joint", "", "lower", "upper", "velocity", "acceleration", "jerk", "effort"].map(str::to_owned),
        )];
        table.extend(moving.map(limits_row));
        writeln!(f, "\nLimits (rad or m, per s, s^2, s^3; N m or N; - where there is none)")?;
        write_table(f, &table)
    }

    fn pairs(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let robot = self.0;
        let names = |&[a, b]: &[usize; 2]| format!("{} - {}", robot.links[a].name, robot.links[b].name);
        writeln!(f, "\nPairs of links that are judged: {}", robot.pairs.len())?;
        for pair in &robot.pairs {
            writeln!(f, "  {}", names(pair))?;
        }
        let mut skipped: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in &robot.skipped {
            skipped.entry(why(pair.reason)).or_default().push(names(&pair.links));
        }
        writeln!(f, "Pairs that are left out: {}", robot.skipped.len())?;
        for (reason, pairs) in &skipped {
            writeln!(f, "  {reason}: {}", pairs.len())?;
            for pair in pairs {
                writeln!(f, "    {pair}")?;
            }
        }
        let spheres: usize = robot.always.iter().map(|a| a.spheres.len()).sum();
        writeln!(f, "Pairs of spheres that always touch, and so are left out: {spheres}")?;
        for AlwaysTouching { links, spheres } in &robot.always {
            writeln!(f, "  {}: {}", names(links), spheres.len())?;
        }
        let bare: Vec<&str> = robot.links_without_geometry().map(|link| link.name.as_str()).collect();
        if !bare.is_empty() {
            writeln!(f, "Visible links without collision geometry: {}", bare.join(", "))?;
        }
        Ok(())
    }

    fn groups(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let robot = self.0;
        let joint = |&j: &usize| robot.joints[j].name.as_str();
        writeln!(f, "\nGroups: {}", robot.groups.len())?;
        for group in &robot.groups {
            let joints: Vec<&str> = group.joints.iter().map(joint).collect();
            writeln!(f, "  {}: {}", group.name, joints.join(", "))?;
        }
        writeln!(f, "Named states: {}", robot.states.len())?;
        for state in &robot.states {
            let value = |(j, v): &(usize, f64)| format!("{} = {v}", joint(j));
            let values: Vec<String> = state.values.iter().map(value).collect();
            writeln!(f, "  {} / {}: {}", state.group, state.name, values.join(", "))?;
        }
        Ok(())
    }
}

/// A joint's kind, axis, and whom it follows.
struct InfoMotion<'r>(&'r Robot, &'r Joint);

impl Display for InfoMotion<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(robot, joint) = *self;
        f.write_str(kind(joint.kind))?;
        if joint.kind != JointKind::Fixed {
            let a = joint.axis;
            let how = if joint.kind == JointKind::Prismatic { "along" } else { "about" };
            write!(f, " {how} ({}, {}, {})", Figure(a.x), Figure(a.y), Figure(a.z))?;
        }
        if let Some(mimic) = joint.mimic {
            let leader = &robot.joints[mimic.joint].name;
            write!(f, " = {} * {leader} + {}", Figure(mimic.multiplier), Figure(mimic.offset))?;
        }
        Ok(())
    }
}

/// A number with at most four decimals, or a dash where it is infinite.
struct Figure(f64);

impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() {
            return f.write_str("-");
        }
        // Adding zero turns minus zero into zero.
        let rounded = (self.0 * 1e4).round() / 1e4 + 0.0;
        write!(f, "{}", if rounded.is_finite() { rounded } else { self.0 })
    }
}

type InfoRow = [String; 8];

fn limits_row(joint: &Joint) -> InfoRow {
    let JointLimits { lower, upper, velocity, acceleration, jerk, effort } = joint.limits;
    let figures = [lower, upper, velocity, acceleration, jerk, effort].map(|x| Figure(x).to_string());
    let [lower, upper, velocity, acceleration, jerk, effort] = figures;
    [joint.name.clone(), kind(joint.kind).to_owned(), lower, upper, velocity, acceleration, jerk, effort]
}

fn write_table(f: &mut Formatter<'_>, table: &[InfoRow]) -> fmt::Result {
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    for row in table {
        write!(f, "  {:<w$}  {:<k$}", row[0], row[1], w = widths[0], k = widths[1])?;
        for (cell, w) in row[2..].iter().zip(&widths[2..]) {
            write!(f, "  {cell:>w$}")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn kind(kind: JointKind) -> &'static str {
    match kind {
        JointKind::Fixed => "fixed",
        JointKind::Revolute => "revolute",
        JointKind::Continuous => "continuous",
        JointKind::Prismatic => "prismatic",
    }
}

fn why(reason: SkipReason) -> String {
    let word = match reason {
        SkipReason::Adjacent => return "neighbours".to_owned(),
        SkipReason::Rigid => return "rigidly joined".to_owned(),
        SkipReason::NeverTouch => return "proved never to touch, but for spheres that always do".to_owned(),
        SkipReason::Disabled(DisableReason::Adjacent) => "Adjacent",
        SkipReason::Disabled(DisableReason::Default) => "Default",
        SkipReason::Disabled(DisableReason::Always) => "Always",
        SkipReason::Disabled(DisableReason::Never) => "Never",
        SkipReason::Disabled(DisableReason::User) => "User",
    };
    format!("disabled by the SRDF ({word})")
}
