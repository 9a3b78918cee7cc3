//! Two reports of a benchmark, held against each other problem by problem: what became slower, longer, or is no
//! longer solved.
//!
//! Figures are those of problems that count in both reports (which both solved, where a failure has no time), so
//! that to give up on the hard ones makes no report look faster.

use super::report::Distribution;
use crate::document::{self, Map, Node};
use crate::error::InputError;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// What a benchmark wrote, as far as two of them can be compared.
#[derive(Clone, Debug)]
pub struct Results {
    /// Name of the suite, and of what else the figures depend on.
    suite: String,
    /// Robot or system; reports of some suites tell none.
    robot: Option<String>,
    /// Backend, threads, seed, machine.
    made_by: String,
    entries: Vec<ComparedEntry>,
}

/// One problem, planned once.
#[derive(Clone, Debug)]
struct ComparedEntry {
    group: String,
    problem: String,
    solved: bool,
    /// Microseconds; `None` where there is no time worth comparing.
    time_us: Option<f64>,
    duration_s: Option<f64>,
}

/// One figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The middle.
    Median,
    /// The 95th percentile.
    P95,
    /// The greatest.
    Max,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Median, Self::P95, Self::Max];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::P95 => "p95",
            Self::Max => "max",
        }
    }
}

impl std::str::FromStr for Statistic {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|statistic| statistic.name() == name);
        found.ok_or_else(|| "expected median, p95 or max".to_owned())
    }
}

/// Figures of a distribution, or how often those of one go into those of another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The middle.
    pub median: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

impl Figures {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let Distribution { median, p95, max, .. } = Distribution::of(values);
        Self { median, p95, max }
    }

    /// One of them.
    pub fn get(&self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::Median => self.median,
            Statistic::P95 => self.p95,
            Statistic::Max => self.max,
        }
    }

    /// These by those of `old`; what was nothing and still is has not changed.
    fn by(&self, old: &Self) -> Self {
        let ratio = |new: f64, old: f64| if new == old { 1.0 } else { new / old };
        Self {
            median: ratio(self.median, old.median),
            p95: ratio(self.p95, old.p95),
            max: ratio(self.max, old.max),
        }
    }
}

/// The same quantity in both reports.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RatioChange {
    /// Problems that it is taken over.
    pub problems: usize,
    /// In the old report.
    pub old: Figures,
    /// In the new one.
    pub new: Figures,
    /// New by old.
    pub ratio: Figures,
}

impl RatioChange {
    /// Of what both have; `None` where they have nothing.
    fn of(pairs: &[[&ComparedEntry; 2]], value: impl Fn(&ComparedEntry) -> Option<f64>) -> Option<Self> {
        let both: Vec<[f64; 2]> =
            pairs.iter().filter_map(|[old, new]| Some([value(old)?, value(new)?])).collect();
        let [old, new] = [0, 1].map(|side| Figures::of(both.iter().map(|pair| pair[side])));
        (!both.is_empty()).then(|| Self { problems: both.len(), old, new, ratio: new.by(&old) })
    }
}

/// The problems of one set, instance or family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedGroup {
    /// Its name.
    pub name: String,
    /// Problems that are in both reports.
    pub problems: usize,
    /// How many of these the old report has solved.
    pub solved_old: usize,
    /// How many the new one has.
    pub solved_new: usize,
    /// Solved in the old report only.
    pub lost: Vec<String>,
    /// Solved in the new report only.
    pub gained: Vec<String>,
    /// Time to plan, microseconds.
    pub time_us: Option<RatioChange>,
    /// Duration of the trajectory, seconds.
    pub duration_s: Option<RatioChange>,
}

impl ComparedGroup {
    fn of(name: &str, pairs: &[[&ComparedEntry; 2]]) -> Self {
        let solved = |side: usize| pairs.iter().filter(|pair| pair[side].solved).count();
        let only = |side: usize| {
            let alone = pairs.iter().filter(|pair| pair[side].solved && !pair[1 - side].solved);
            alone.map(|pair| format!("{} {}", pair[0].group, pair[0].problem)).collect()
        };
        Self {
            name: name.to_owned(),
            problems: pairs.len(),
            solved_old: solved(0),
            solved_new: solved(1),
            lost: only(0),
            gained: only(1),
            time_us: RatioChange::of(pairs, |entry| entry.time_us),
            duration_s: RatioChange::of(pairs, |entry| entry.duration_s),
        }
    }
}

/// A new report beside an old one.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Name of the suite, with its robot.
    pub suite: String,
    /// What the old report was made by.
    pub old: String,
    /// What the new one was.
    pub new: String,
    /// Problems that are in the old report only.
    pub only_old: usize,
    /// Problems that are in the new report only.
    pub only_new: usize,
    /// Groups in the order of the old report; where there are several, all of them last.
    pub groups: Vec<ComparedGroup>,
}

impl Comparison {
    /// # Errors
    /// Where the reports are of different suites or robots, or have no problem in common.
    pub fn of(old: &Results, new: &Results) -> Result<Self, InputError> {
        let different = |a: &str, b: &str| Err(InputError::new(format!("different suites: {a}, and {b}")));
        if old.suite != new.suite {
            return different(&old.suite, &new.suite);
        }
        if let (Some(a), Some(b)) = (&old.robot, &new.robot)
            && a != b
        {
            return different(&old.title(), &new.title());
        }
        let key = |entry: &ComparedEntry| (entry.group.clone(), entry.problem.clone());
        let found: HashMap<_, &ComparedEntry> = new.entries.iter().map(|entry| (key(entry), entry)).collect();
        let pairs: Vec<[&ComparedEntry; 2]> =
            old.entries.iter().filter_map(|entry| Some([entry, *found.get(&key(entry))?])).collect();
        if pairs.is_empty() {
            return Err(InputError::new(format!("no problem of {} is in both reports", old.title())));
        }
        let mut names: Vec<&str> = Vec::new();
        for [entry, _] in &pairs {
            if !names.contains(&entry.group.as_str()) {
                names.push(&entry.group);
            }
        }
        let of_group = |name: &&str| {
            let pairs: Vec<_> = pairs.iter().copied().filter(|pair| pair[0].group == **name).collect();
            ComparedGroup::of(name, &pairs)
        };
        let mut groups: Vec<ComparedGroup> = names.iter().map(of_group).collect();
        if groups.len() > 1 {
            groups.push(ComparedGroup::of("all", &pairs));
        }
        Ok(Self {
            suite: old.title(),
            old: old.made_by.clone(),
            new: new.made_by.clone(),
            only_old: old.entries.len() - pairs.len(),
            only_new: new.entries.len().saturating_sub(pairs.len()),
            groups,
        })
    }

    /// Every one of these figures that is more than `limit` times what it was, and every group of which fewer
    /// problems are solved, in words.
    pub fn beyond(&self, limit: f64, statistics: &[Statistic]) -> Vec<String> {
        let mut beyond = Vec::new();
        for group in &self.groups {
            let ComparedGroup { name, solved_old, solved_new, time_us, duration_s, .. } = group;
            if solved_new < solved_old {
                beyond.push(format!("{name}: {solved_new} solved, {solved_old} before"));
            }
            for (what, change) in [("time", time_us), ("duration", duration_s)] {
                let Some(RatioChange { ratio, .. }) = change else { continue };
                for &statistic in statistics {
                    let ratio = ratio.get(statistic);
                    if ratio > limit {
                        let statistic = statistic.name();
                        beyond.push(format!("{name}: {statistic} of {what} is {ratio:.3} times what it was"));
                    }
                }
            }
        }
        beyond
    }
}

impl Results {
    /// Reads a report of any of the suites.
    ///
    /// # Errors
    /// Where the file is missing, malformed or no report.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        Self::parse(&InputError::read_text(file)?).map_err(|e| e.in_file(file))
    }

    /// Reads a report from the text of its file.
    ///
    /// # Errors
    /// As [`Results::load`].
    pub fn parse(text: &str) -> Result<Self, InputError> {
        const WHAT: &str = "a report, as a suite of `flatout bench` writes it with --json";
        let root = document::parse(text)?;
        if let Ok(tables) = root.list(WHAT) {
            return Self::of_edges(tables);
        }
        let map = root.map(WHAT)?;
        if let Some(points) = map.get("points") {
            return Self::of_curve(points);
        }
        if let Some(results) = map.get("results") {
            return Self::of_results(&map, results.list("a list of results")?);
        }
        match (map.get("events"), map.get("limit_us")) {
            (Some(events), Some(limit)) => Self::of_deadlines(&map, events, limit.number()?),
            (Some(events), None) => Self::of_replans(&map, events),
            _ => Err(root.error(format!("expected {WHAT}: a map with results, events or points"))),
        }
    }

    fn title(&self) -> String {
        match &self.robot {
            Some(robot) => format!("{} {robot}", self.suite),
            None => self.suite.clone(),
        }
    }

    fn new(suite: &str, map: &Map<'_>, entries: Vec<ComparedEntry>) -> Result<Self, InputError> {
        Ok(Self { suite: suite.to_owned(), robot: robot(map)?, made_by: made_by(map), entries })
    }

    /// Of mbm, dynobench, kinopax, families, samples and scenes.
    fn of_results(map: &Map<'_>, results: &[Node]) -> Result<Self, InputError> {
        let entries = results.iter().map(ComparedEntry::of_result).collect::<Result<_, _>>()?;
        let suite = map.get("suite").map(|node| node.text("the name of a suite")).transpose()?;
        Self::new(suite.unwrap_or("random problems or scenes"), map, entries)
    }

    /// Of mbm with every quality: a group each.
    fn of_curve(points: &Node) -> Result<Self, InputError> {
        let (mut entries, mut first) = (Vec::new(), None);
        for point in points.list("a list of runs")? {
            let [name, report] = point.list("the name of a run, and its report")? else {
                return Err(point.expected("the name of a run, and its report"));
            };
            let (name, map) = (name.text("the name of a run")?, report.map("a report")?);
            for result in map.require("results")?.list("a list of results")? {
                let mut entry = ComparedEntry::of_result(result)?;
                entry.problem = format!("{} {}", entry.group, entry.problem);
                name.clone_into(&mut entry.group);
                entries.push(entry);
            }
            first.get_or_insert(map);
        }
        let first = first.ok_or_else(|| points.expected("at least one run"))?;
        Self::new("mbm, its curve", &first, entries)
    }

    fn of_deadlines(map: &Map<'_>, events: &Node, limit: f64) -> Result<Self, InputError> {
        let entry = |node: &Node| {
            let map = node.map("a query: a map")?;
            let problem = format!("seed {}", map.require("seed")?.natural::<u64>()?);
            Ok(ComparedEntry {
                group: text(&map, "family")?,
                problem,
                solved: map.require("solved")?.boolean()?,
                // A query that ends without an answer has to end in time as well.
                time_us: Some(map.require("worked_us")?.number()?),
                duration_s: None,
            })
        };
        let entries =
            events.list("a list of queries")?.iter().map(entry).collect::<Result<_, InputError>>()?;
        Self::new(&format!("deadlines of {limit} us by the clock \"{}\"", text(map, "clock")?), map, entries)
    }

    fn of_replans(map: &Map<'_>, events: &Node) -> Result<Self, InputError> {
        let entry = |(number, node): (usize, &Node)| {
            let map = node.map("a replan: a map")?;
            let duration_s = optional(&map, "duration_s")?;
            Ok(ComparedEntry {
                group: text(&map, "change")?,
                problem: format!("number {number}"),
                solved: duration_s.is_some(),
                time_us: duration_s.map(|_| map.require("latency_us")?.number()).transpose()?,
                duration_s,
            })
        };
        let events = events.list("a list of replans")?.iter().enumerate();
        Self::new("replan", map, events.map(entry).collect::<Result<_, InputError>>()?)
    }

    /// Of edges: the time that an edge takes.
    fn of_edges(tables: &[Node]) -> Result<Self, InputError> {
        let (mut entries, mut made) = (Vec::new(), String::new());
        for table in tables {
            let table = table.map("figures of a robot: a map")?;
            let obstacles: u64 = table.require("obstacles")?.natural()?;
            for node in table.require("measurements")?.list("a list of measurements")? {
                let map = node.map("a measurement: a map")?;
                let (threads, batch): (u64, u64) =
                    (map.require("threads")?.natural()?, map.require("batch")?.natural()?);
                entries.push(ComparedEntry {
                    group: format!("{}, {obstacles} obstacles", text(&table, "robot")?),
                    problem: format!("{}, {threads} threads, {batch} at once", text(&map, "backend")?),
                    solved: true,
                    time_us: Some(1e6 / map.require("edges_per_s")?.positive()?),
                    duration_s: None,
                });
            }
            made = made_by(&table);
        }
        Ok(Self { suite: "edges".to_owned(), robot: None, made_by: made, entries })
    }
}

impl ComparedEntry {
    /// A result of a suite of problems, or of problems with many seeds.
    fn of_result(node: &Node) -> Result<Self, InputError> {
        let map = node.map("a result: a map")?;
        let seed: Option<u64> = map.get("seed").map(Node::natural).transpose()?;
        let (group, problem) = match (map.get("instance"), seed) {
            (Some(instance), _) => {
                let seed = seed.ok_or_else(|| node.error("missing key \"seed\""))?;
                (instance.text("the name of a problem")?.to_owned(), format!("seed {seed}"))
            }
            (None, seed) => {
                let index: u64 = map.require("index")?.natural()?;
                let seed = seed.map(|seed| format!(" seed {seed}")).unwrap_or_default();
                (text(&map, "set")?, format!("{index}{seed}"))
            }
        };
        let duration_s = optional(&map, "duration_s")?;
        let time = map.require("total_us")?;
        let time_us = duration_s.map(|_| time.number()).transpose()?;
        Ok(Self { group, problem, solved: duration_s.is_some(), time_us, duration_s })
    }
}

fn text(map: &Map<'_>, key: &str) -> Result<String, InputError> {
    map.require(key)?.text("a text").map(str::to_owned)
}

/// A number that may be missing or `null`.
fn optional(map: &Map<'_>, key: &str) -> Result<Option<f64>, InputError> {
    match map.get(key) {
        Some(node) if !matches!(node.value, document::Value::Null) => node.number().map(Some),
        _ => Ok(None),
    }
}

fn robot(map: &Map<'_>) -> Result<Option<String>, InputError> {
    let node = map.get("robot").or_else(|| map.get("system"));
    node.map(|node| node.text("the name of a robot").map(str::to_owned)).transpose()
}

/// Backend, threads, seed and machine, as far as they are told.
fn made_by(map: &Map<'_>) -> String {
    let mut said = Vec::new();
    if let Some(Ok(backend)) = map.get("backend").map(|node| node.text("a backend")) {
        said.push(backend.to_owned());
    }
    for (key, before, after) in [("threads", "", " thread(s)"), ("seed", "seed ", "")] {
        if let Some(Ok(number)) = map.get(key).map(Node::natural::<u64>) {
            said.push(format!("{before}{number}{after}"));
        }
    }
    if let Some(Ok(machine)) = map.get("machine").map(|node| node.map("a machine")) {
        let parts = ["cpu", "simd", "system"].map(|key| text(&machine, key).ok());
        said.extend(parts.into_iter().flatten());
    }
    said.join(", ")
}

/// One line of a table.
fn row(f: &mut fmt::Formatter<'_>, group: &ComparedGroup, change: Option<&RatioChange>, digits: usize) -> fmt::Result {
    let ComparedGroup { name, problems, solved_old, solved_new, .. } = group;
    write!(f, "{name:<36} {solved_old:>5} {solved_new:>5} /{problems:<5}")?;
    match change {
        Some(RatioChange { old, new, ratio, .. }) => {
            for statistic in Statistic::ALL {
                let [old, new, ratio] = [old, new, ratio].map(|figures| figures.get(statistic));
                write!(f, " |{old:>10.digits$} {new:>10.digits$} {ratio:>6.3}")?;
            }
        }
        None => write!(f, " | none solved by both")?,
    }
    writeln!(f)
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, old, new, only_old, only_new, groups } = self;
        writeln!(f, "{suite}\nold: {old}\nnew: {new}")?;
        let columns = format!("{:>10} {:>10} {:>6}", "old", "new", "ratio");
        let heads = Statistic::ALL.map(|statistic| format!("{:^28}", statistic.name())).join(" |");
        type Quantity = fn(&ComparedGroup) -> Option<&RatioChange>;
        let tables: [(&str, Quantity, usize); 2] = [
            ("time us", |group| group.time_us.as_ref(), 1),
            ("duration s", |group| group.duration_s.as_ref(), 4),
        ];
        for (what, of, digits) in tables {
            if groups.iter().any(|group| of(group).is_some()) {
                writeln!(f, "\n{what:<36} {:^18} |{heads}", "solved")?;
                writeln!(
                    f,
                    "{:<36} {:>5} {:>5} /{:<5} |{columns} |{columns} |{columns}",
                    "", "old", "new", "of"
                )?;
                groups.iter().try_for_each(|group| row(f, group, of(group), digits))?;
            }
        }
        if let Some(all) = groups.last() {
            for (name, problems) in [("no longer solved", &all.lost), ("solved now", &all.gained)] {
                problems.iter().try_for_each(|problem| writeln!(f, "{name}: {problem}"))?;
            }
        }
        for (name, count) in [("old", only_old), ("new", only_new)] {
            if *count > 0 {
                writeln!(f, "{count} in the {name} report only")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(entries: &str) -> Results {
        Results::parse(&format!(
            r#"{{"suite": "mbm", "robot": "panda", "backend": "simd/avx2", "threads": 1, "seed": 0, "results": [{entries}]}}"#
        ))
        .unwrap()
    }

    fn entry(set: &str, index: u64, time: f64, duration: Option<f64>) -> String {
        let duration = duration.map_or("null".to_owned(), |d| d.to_string());
        format!(r#"{{"set": "{set}", "index": {index}, "total_us": {time}, "duration_s": {duration}}}"#)
    }

    #[test]
    fn figures_are_those_of_problems_that_both_solved() {
        let old = suite(
            &[
                entry("box", 2, 100.0, Some(1.0)),
                entry("box", 4, 900.0, Some(2.0)),
                entry("cage", 2, 50.0, Some(3.0)),
                entry("cage", 6, 70.0, None),
            ]
            .join(", "),
        );
        let new = suite(
            &[
                entry("box", 2, 150.0, Some(1.0)),
                entry("box", 4, 5e6, None),
                entry("cage", 2, 50.0, Some(1.5)),
                entry("cage", 6, 80.0, Some(9.0)),
                entry("cage", 8, 80.0, Some(9.0)),
            ]
            .join(", "),
        );
        let comparison = Comparison::of(&old, &new).unwrap();
        let [in_box, in_cage, all] = &comparison.groups[..] else { panic!("{comparison}") };
        assert_eq!((in_box.name.as_str(), in_box.solved_old, in_box.solved_new), ("box", 2, 1));
        assert_eq!((in_box.lost.as_slice(), in_box.gained.len()), (&["box 4".to_owned()][..], 0));
        let time = in_box.time_us.unwrap();
        assert_eq!((time.problems, time.old.max, time.new.max, time.ratio.max), (1, 100.0, 150.0, 1.5));
        assert_eq!(in_cage.duration_s.unwrap().ratio, Figures { median: 0.5, p95: 0.5, max: 0.5 });
        assert_eq!((in_cage.gained.as_slice(), all.problems), (&["cage 6".to_owned()][..], 4));
        assert_eq!((comparison.only_old, comparison.only_new), (0, 1));
        let beyond = comparison.beyond(1.4, &[Statistic::Max]);
        let said =
            ["box: 1 solved, 2 before", "box: max of time is 1.500 times", "all: max of time is 1.500"];
        assert_eq!(beyond.len(), 3, "{beyond:?}");
        assert!(beyond.iter().zip(said).all(|(line, said)| line.starts_with(said)), "{beyond:?}");
        assert_eq!(comparison.beyond(1.6, &Statistic::ALL), ["box: 1 solved, 2 before"]);
        let text = comparison.to_string();
        for said in [
            "mbm panda\nold: simd/avx2, 1 thread(s), seed 0\n",
            "no longer solved: box 4",
            "solved now: cage 6",
        ] {
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn what_is_no_report_or_of_another_suite_is_told() {
        let error = |text: &str| Results::parse(text).unwrap_err().to_string();
        assert!(error("{\"format\": 1}").contains("expected a report, as a suite of `flatout bench` writes"));
        assert!(error("7").contains("expected a report"));
        let incomplete = error(r#"{"results": [{"set": "box", "index": 1}]}"#);
        assert!(incomplete.contains("results[0]: missing key \"total_us\""), "{incomplete}");
        let old = suite(&entry("box", 2, 100.0, Some(1.0)));
        let other = Results { robot: Some("ur5".to_owned()), ..old.clone() };
        let error = |new: &Results| Comparison::of(&old, new).unwrap_err().to_string();
        assert_eq!(error(&other), "different suites: mbm panda, and mbm ur5");
        assert_eq!(
            error(&Results { suite: "dynobench".to_owned(), ..old.clone() }),
            "different suites: mbm, and dynobench"
        );
        assert_eq!(error(&suite(&entry("cage", 2, 1.0, None))), "no problem of mbm panda is in both reports");
    }
}
