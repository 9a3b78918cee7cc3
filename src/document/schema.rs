//! What may stand in a document, as tables of keys: readers take their keys from them, and JSON Schemas are made of
//! them, so that neither can say what the other does not.

use serde_json::{Map, Value, json};

/// A key of a map, and what stands under it. A new key is one line in its table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands there.
    pub form: Form,
    /// Whether it must be there.
    pub is_required: bool,
}

/// What stands somewhere in a document, as far as a schema tells; what numbers make sense is for the reader to say.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Truth,
    /// A whole number from 0 on.
    Natural,
    /// A number.
    Number,
    /// A number greater than zero.
    Positive,
    /// A list of numbers, at least and at most so many.
    Numbers(usize, usize),
    /// A list.
    List(&'static Form),
    /// A map of these keys and no others.
    Map(&'static [Key]),
    /// A map from names that somebody else chose.
    Named(&'static Form),
    /// One of several.
    Either(&'static [Form]),
    /// The name and the version of the document's format.
    Format(&'static str, u32),
}

impl Key {
    /// A key that may be left out.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, is_required: false }
    }

    /// One that must be there.
    pub const fn required(name: &'static str, form: Form) -> Self {
        Self { name, form, is_required: true }
    }
}

/// Names of keys, as [`Node::map_of`](super::Node::map_of) takes them.
pub fn names(keys: &[Key]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}

/// The JSON Schema of a document that is a map of the keys of one of some tables.
pub fn json_schema(title: &str, tables: &[&[Key]]) -> Value {
    let mut schema = match tables {
        [keys] => map(keys),
        _ => json!({"anyOf": tables.iter().map(|keys| map(keys)).collect::<Vec<_>>()}),
    };
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!(title);
    schema
}

fn map(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), form(&key.form))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn form(of: &Form) -> Value {
    match of {
        Form::Any => json!({}),
        Form::Text => json!({"type": "string"}),
        Form::Word(words) => json!({"enum": words}),
        Form::Truth => json!({"type": "boolean"}),
        Form::Natural => json!({"type": "integer", "minimum": 0}),
        Form::Number => json!({"type": "number"}),
        Form::Positive => json!({"type": "number", "exclusiveMinimum": 0}),
        Form::Numbers(least, usize::MAX) => {
            json!({"type": "array", "items": {"type": "number"}, "minItems": least})
        }
        Form::Numbers(least, most) => {
            json!({"type": "array", "items": {"type": "number"}, "minItems": least, "maxItems": most})
        }
        Form::List(item) => json!({"type": "array", "items": form(item)}),
        Form::Map(keys) => map(keys),
        Form::Named(item) => json!({"type": "object", "additionalProperties": form(item)}),
        Form::Either(forms) => json!({"anyOf": forms.iter().map(form).collect::<Vec<_>>()}),
        Form::Format(name, current) => {
            json!({"enum": (1..=*current).map(|n| format!("{name}/{n}")).collect::<Vec<_>>()})
        }
    }
}
