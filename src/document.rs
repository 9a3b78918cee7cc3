//! YAML documents as trees that know where they stand: every node carries its line, its column
//! and the path of keys that leads to it, so that whoever reads a file can say what is wrong
//! where. JSON is read the same way, being a subset of YAML 1.2. Imports `error`.

mod schema;

pub use schema::{Form, Key, json_schema, names};

use crate::error::{InputError, excerpt};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};
use std::fmt;
use std::sync::Arc;

/// Longest alias expansion of a document, in parser events. Far more than a person writes, far
/// less than a "billion laughs" document asks for.
const MAX_ALIAS_EVENTS: usize = 100_000;
/// Most nodes of a document; the largest benchmark suites hold some 100,000.
const MAX_NODES: usize = 4_000_000;
/// Deepest nesting of a document; scenes need less than ten levels.
const MAX_DEPTH: usize = 48;
/// Most bytes of text in keys and values of a document, every expansion of an alias counted. Aliases would else make
/// gigabytes of a single long text.
const MAX_TEXT: usize = 64 << 20;
/// Longest key, in bytes; names of joints stay below a hundred.
const MAX_KEY: usize = 1024;
/// Longest name that others are compared with, in characters: that takes time and memory as the product of both.
const MAX_COMPARED: usize = 256;
/// Most names that a message lists.
const MAX_LISTED: usize = 30;

/// A node of a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it holds.
    pub value: Value,
    /// Line, 1-based.
    pub line: usize,
    /// Column, 1-based.
    pub column: usize,
    place: Place,
}

/// Where a node stands: its key or index, and the place of what it stands in, which all that stand there share. Were
/// it spelt out for every node, a long key above many nodes would fill any memory.
#[derive(Clone, Debug, Default)]
struct Place {
    above: Option<Arc<Place>>,
    step: Step,
}

/// The last step on the way to a node.
#[derive(Clone, Debug, Default)]
enum Step {
    #[default]
    Root,
    Index(usize),
    Key(Arc<str>),
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number, not necessarily finite.
    Number(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file, without duplicate keys.
    Map(Vec<Entry>),
}

/// A key of a mapping and what stands under it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Line of the key, 1-based.
    pub line: usize,
    /// Column of the key, 1-based.
    pub column: usize,
    /// What stands under it.
    pub node: Node,
}

/// A mapping seen by a reader that knows which keys there may be.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// The node that is the mapping.
    pub node: &'a Node,
    /// Its entries.
    pub entries: &'a [Entry],
}

/// Reads a YAML (or JSON) document.
///
/// What a document takes in memory is bounded, whatever it holds: by what its nodes and texts take.
///
/// # Errors
/// Where the text is not one well-formed document, repeats a key, nests too deeply, is too large or blows up
/// through aliases. The error knows line and column, not the file.
pub fn parse(text: &str) -> Result<Node, InputError> {
    read(text, false)
}

/// The same of a file in which numbers may be angles with units: `!degrees 60`, `!radians 1`, `deg(60)`, `pi / 2`.
///
/// # Errors
/// As [`parse`].
pub fn parse_angles(text: &str) -> Result<Node, InputError> {
    read(text, true)
}

fn read(text: &str, angle_conversions: bool) -> Result<Node, InputError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_depth: MAX_DEPTH,
            max_total_scalar_bytes: MAX_TEXT,
            flow_nesting_limit: MAX_DEPTH,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIAS_EVENTS },
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        // YAML 1.2: only `true` and `false` are truth values; a joint may be called `on`.
        strict_booleans: true,
        with_snippet: false,
        angle_conversions: angle_conversions,
    };
    let root: Spanned<Value> =
        serde_saphyr::from_str_with_options(text, options).map_err(|e| syntax_error(&e))?;
    let mut root = Node::from(root);
    root.name(Place::default());
    Ok(root)
}

fn syntax_error(error: &serde_saphyr::Error) -> InputError {
    let located = InputError::new(UserMessageFormatter.format_message(error.without_snippet()));
    match error.location() {
        Some(at) if at.line() > 0 => located.at(at.line() as usize, at.column() as usize),
        _ => located,
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        let (line, column) = place(spanned.referenced);
        Self { value: spanned.value, line, column, place: Place::default() }
    }
}

fn place(location: Location) -> (usize, usize) {
    (location.line().max(1) as usize, location.column().max(1) as usize)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a scalar, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Integer(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Integer(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Number(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Text(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Value>>()? {
            list.push(Node::from(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let (line, column) = place(key.referenced);
            let length = key.value.len();
            if length > MAX_KEY {
                return Err(serde::de::Error::custom(format_args!(
                    "a key of {length} bytes; expected at most {MAX_KEY}"
                )));
            }
            let node = Node::from(map.next_value::<Spanned<Value>>()?);
            entries.push(Entry { key: key.value, line, column, node });
        }
        Ok(Value::Map(entries))
    }
}

impl Node {
    /// Gives itself and everything below it its place.
    fn name(&mut self, place: Place) {
        match &mut self.value {
            Value::List(list) if !list.is_empty() => {
                let here = Arc::new(place.clone());
                for (i, item) in list.iter_mut().enumerate() {
                    item.name(Place { above: Some(here.clone()), step: Step::Index(i) });
                }
            }
            Value::Map(entries) if !entries.is_empty() => {
                let here = Arc::new(place.clone());
                for Entry { key, node, .. } in entries {
                    let step = Step::Key(key.as_str().into());
                    node.name(Place { above: Some(here.clone()), step });
                }
            }
            _ => {}
        }
        self.place = place;
    }

    /// Keys and indices on the way to it, such as `world[2].size`; empty for the root.
    pub fn path(&self) -> String {
        let mut places = vec![&self.place];
        while let Some(above) = places.last().and_then(|place| place.above.as_deref()) {
            places.push(above);
        }
        let mut path = String::new();
        for Place { step, .. } in places.into_iter().rev() {
            match step {
                Step::Root => {}
                Step::Index(i) => path.push_str(&format!("[{i}]")),
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", &**key]),
            }
        }
        path
    }

    /// An error about this node.
    pub fn error(&self, message: impl Into<String>) -> InputError {
        self.locate(InputError::new(message))
    }

    /// Says that an error is about this node, unless it is known to be about another.
    pub fn locate(&self, error: InputError) -> InputError {
        let (error, path) = (error.at(self.line, self.column), self.path());
        if path.is_empty() { error } else { error.for_key(path) }
    }

    /// An error that says what was expected here and what is there instead.
    pub fn expected(&self, what: impl fmt::Display) -> InputError {
        self.error(format!("expected {what}, found {}", self.value))
    }

    /// A mapping, whatever its keys.
    pub fn map(&self, what: &str) -> Result<Map<'_>, InputError> {
        match &self.value {
            Value::Map(entries) => Ok(Map { node: self, entries }),
            _ => Err(self.expected(what)),
        }
    }

    /// A mapping that may hold the `known` keys and no others.
    pub fn map_of(&self, what: &str, known: &[&str]) -> Result<Map<'_>, InputError> {
        let map = self.map(what)?;
        match map.entries.iter().find(|e| !known.contains(&e.key.as_str())) {
            None => Ok(map),
            Some(e) => Err(e.error(unknown("key", &e.key, known.iter().copied()))),
        }
    }

    /// The name and version of the document's format, `NAME/VERSION`: up to the version that is read here.
    ///
    /// # Errors
    /// Where it is another format, or a version that only a newer flatout knows.
    pub fn format(&self, name: &str, current: u32) -> Result<(), InputError> {
        let what = format!("{name}/{current}");
        let found = self.text(&what)?;
        let version = found.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
        match version.and_then(|version| version.parse::<u32>().ok()) {
            Some(version) if (1..=current).contains(&version) => Ok(()),
            Some(version) if version > current => {
                let found = excerpt(found);
                Err(self.error(format!("\"{found}\" is of a newer flatout than this one; expected up to {what}")))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A list.
    pub fn list(&self, what: &str) -> Result<&[Self], InputError> {
        match &self.value {
            Value::List(list) => Ok(list),
            _ => Err(self.expected(what)),
        }
    }

    /// Text.
    pub fn text(&self, what: &str) -> Result<&str, InputError> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// A truth value.
    pub fn boolean(&self) -> Result<bool, InputError> {
        match self.value {
            Value::Bool(v) => Ok(v),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A whole number from 0 on.
    pub fn natural<T: TryFrom<i128>>(&self) -> Result<T, InputError> {
        let number = match self.value {
            Value::Integer(v) => T::try_from(v).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.expected("a whole number, zero or greater"))
    }

    /// A finite number.
    pub fn number(&self) -> Result<f64, InputError> {
        match self.value {
            Value::Integer(v) => Ok(v as f64),
            Value::Number(v) if v.is_finite() => Ok(v),
            _ => Err(self.expected("a finite number")),
        }
    }

    /// A finite number greater than zero.
    pub fn positive(&self) -> Result<f64, InputError> {
        match self.number()? {
            v if v > 0.0 => Ok(v),
            _ => Err(self.expected("a number greater than zero")),
        }
    }

    /// A list of finite numbers.
    pub fn numbers(&self, what: &str) -> Result<Vec<f64>, InputError> {
        self.list(what)?.iter().map(Self::number).collect()
    }

    /// A list of exactly `N` finite numbers.
    pub fn array<const N: usize>(&self, what: &str) -> Result<[f64; N], InputError> {
        let numbers = self.numbers(what)?;
        numbers.try_into().map_err(|_| self.expected(what))
    }
}

impl Entry {
    /// An error about the key itself.
    pub fn error(&self, message: impl Into<String>) -> InputError {
        self.locate(InputError::new(message))
    }

    /// Says that an error is about the key, unless it is known to be about something else.
    pub fn locate(&self, error: InputError) -> InputError {
        error.at(self.line, self.column).for_key(self.node.path())
    }
}

impl<'a> Map<'a> {
    /// What stands under `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// What stands under `key`, which must be there.
    pub fn require(&self, key: &str) -> Result<&'a Node, InputError> {
        self.get(key).ok_or_else(|| self.node.error(format!("missing key \"{key}\"")))
    }

    /// The one entry whose key is among `keys`; none is fine, two are not.
    pub fn at_most_one(&self, keys: &[&str]) -> Result<Option<&'a Entry>, InputError> {
        let mut found = self.entries.iter().filter(|e| keys.contains(&e.key.as_str()));
        let first = found.next();
        match (first, found.next()) {
            (Some(a), Some(b)) => {
                Err(b.error(format!("\"{}\" and \"{}\" cannot stand together", a.key, b.key)))
            }
            _ => Ok(first),
        }
    }
}

impl fmt::Display for Value {
    /// Describes the value in an error message.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Number(v) => write!(f, "{v:?}"),
            Self::Text(v) => write!(f, "\"{}\"", excerpt(v)),
            Self::List(v) => write!(f, "a list of {}", v.len()),
            Self::Map(_) => f.write_str("a map"),
        }
    }
}

/// Says that a name is not known, and which is: the one that resembles it, or else all of them.
pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let compared: String = name.chars().take(MAX_COMPARED).collect();
    let likeness = |k: &&str| match k.len() <= 4 * MAX_COMPARED {
        true => strsim::normalized_damerau_levenshtein(&compared, k),
        false => 0.0,
    };
    let nearest = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let name = excerpt(name);
    match nearest {
        None => format!("unknown {kind} \"{name}\"; there is none"),
        Some(near) if likeness(&near) >= 0.6 => {
            format!("unknown {kind} \"{name}\"; did you mean \"{near}\"?")
        }
        Some(_) => {
            let (listed, more) = known.split_at(known.len().min(MAX_LISTED));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            format!("unknown {kind} \"{name}\"; expected one of {}{more}", listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_where_they_stand() {
        let root = parse("a: 1\nb:\n  - x: .nan\n  - {y: [1, 2.5, true, null, \"7\"]}\n").unwrap();
        let map = root.map_of("a map", &["a", "b"]).unwrap();
        assert_eq!(map.require("a").unwrap().natural::<u64>().unwrap(), 1);
        let items = map.require("b").unwrap().list("a list").unwrap();
        let x = items[0].map("a map").unwrap().require("x").unwrap();
        let error = x.number().unwrap_err().to_string();
        assert_eq!(error, "line 3: b[0].x: expected a finite number, found NaN");
        assert_eq!((x.line, x.column), (3, 8));
        let y = items[1].map("a map").unwrap().require("y").unwrap().list("a list").unwrap();
        assert!(matches!(y[2].value, Value::Bool(true)));
        assert!(matches!(y[3].value, Value::Null));
        assert!(matches!(&y[4].value, Value::Text(t) if t == "7"));
        assert_eq!((y[1].path(), root.path()), ("b[1].y[1]".to_owned(), String::new()));
    }

    #[test]
    fn reads_json() {
        let root = parse("{\"a\\n\\u00e9\": [1, -2, 1e3],\n\t\"b\": {\"c\": \"x:y\"}}").unwrap();
        let map = root.map("a map").unwrap();
        assert_eq!(map.require("a\né").unwrap().array::<3>("three").unwrap(), [1.0, -2.0, 1000.0]);
        assert_eq!(map.require("b").unwrap().map("").unwrap().require("c").unwrap().text("").unwrap(), "x:y");
    }

    #[test]
    fn refuses_what_is_no_document() {
        for (text, line) in [
            ("a: [1, 2", 1),
            ("a: 1\na: 2\n", 2),
            ("a: 1\n---\nb: 2\n", 2),
            ("a: *nothing\n", 1),
            ("a: 1\n b: 2\n", 2),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.line.is_some_and(|l| l >= line), "{text:?}: {error}");
        }
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert!(parse(&deep).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            let again = format!("*a{}, ", i - 1).repeat(10);
            bomb += &format!("a{i}: &a{i} [{again}]\n");
        }
        assert!(parse(&bomb).is_err());
    }

    /// A key is long, or long ones nest, above many nodes; a long text has many aliases.
    #[test]
    fn memory_is_bounded() {
        let many = vec!["1"; 20_000].join(", ");
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        let error = refused(&format!("? {}\n: [{many}]\n", "k".repeat(100_000)));
        assert!(error.contains("a key of 100000 bytes; expected at most 1024"), "{error}");
        let nested: String = (0..40).map(|i| format!("{}{}:\n", " ".repeat(i), "k".repeat(1000))).collect();
        let root = parse(&format!("{nested}{}[{many}]\n", " ".repeat(40))).unwrap();
        let mut node = &root;
        while let Value::Map(entries) = &node.value {
            node = &entries[0].node;
        }
        let Value::List(list) = &node.value else { panic!("a list below all keys") };
        assert_eq!(list[19_999].path().len(), 40 * 1000 + 39 + "[19999]".len());
        let aliases = vec!["*a"; 5000].join(", ");
        let error = refused(&format!("a: &a {}\nb: [{aliases}]\n", "x".repeat(20_000)));
        assert!(error.contains("ScalarBytes"), "{error}");
        // Of an unknown name of any length the beginning is compared and shown.
        let message = unknown("key", &"q".repeat(1_000_000), ["position"]);
        assert!(message.len() < 400 && message.contains("q…\""), "{message}");
        let names: Vec<String> = (0..2000).map(|i| format!("joint_{i}")).collect();
        let message = unknown("joint", "elbow", names.iter().map(String::as_str));
        assert!(message.ends_with("joint_29 and 1970 more"), "{message}");
    }

    #[test]
    fn suggests_the_nearest_name() {
        assert_eq!(
            unknown("key", "positon", ["position", "rpy"]),
            "unknown key \"positon\"; did you mean \"position\"?"
        );
        assert_eq!(unknown("key", "qqq", ["a", "b"]), "unknown key \"qqq\"; expected one of a, b");
    }
}
