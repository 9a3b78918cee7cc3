//! The bytes of a glTF document: its buffers, wherever they are, and the numbers in them.

use super::schema::{Accessor, Document};
use crate::error::{InputError, MAX_FILE_BYTES, excerpt};
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes of all buffers together, at most: a small document may name a large file any number of times.
const MAX_BYTES: u64 = 2 * MAX_FILE_BYTES;

/// Extensions by which values are compressed.
const COMPRESSIONS: [&str; 3] =
    ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression"];

/// Gives the bytes of a file that a document names, by its path from there.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, InputError>;

/// The buffers of a document, as far as they were asked for.
pub(super) struct Buffers<'a> {
    document: &'a Document,
    /// What stands behind the document in a .glb.
    chunk: Option<&'a [u8]>,
    read_file: ReadFile<'a>,
    known: Vec<Option<Vec<u8>>>,
    bytes: u64,
}

/// Where the elements of an accessor stand.
struct Elements {
    buffer: usize,
    first: usize,
    stride: usize,
}

impl<'a> Buffers<'a> {
    pub(super) fn new(document: &'a Document, chunk: Option<&'a [u8]>, read_file: ReadFile<'a>) -> Self {
        let known = vec![None; document.buffers.len()];
        Self { document, chunk, read_file, known, bytes: 0 }
    }

    /// Vectors of three numbers.
    pub(super) fn vectors(&mut self, accessor: usize) -> Result<Vec<[f64; 3]>, InputError> {
        let described = self.accessor(accessor)?;
        let number = Number::of(described.component_type, described.normalized)
            .ok_or_else(|| fault(accessor, "componentType", "expected 5120 to 5123, or 5126"))?;
        let rows = self.rows(accessor, "VEC3", 3 * number.size())?;
        let vector = |row: &[u8]| [0, 1, 2].map(|i| number.read(&row[i * number.size()..]));
        Ok(rows.map(vector).collect())
    }

    /// Whole numbers.
    pub(super) fn indices(&mut self, accessor: usize) -> Result<Vec<u32>, InputError> {
        let size = match self.accessor(accessor)?.component_type {
            5121 => 1,
            5123 => 2,
            5125 => 4,
            _ => return Err(fault(accessor, "componentType", "expected 5121, 5123 or 5125 of indices")),
        };
        let number = |row: &[u8]| row.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
        Ok(self.rows(accessor, "SCALAR", size)?.map(number).collect())
    }

    fn accessor(&self, accessor: usize) -> Result<&'a Accessor, InputError> {
        let found = self.document.accessors.get(accessor);
        found.ok_or_else(|| no_such("accessors", accessor, self.document.accessors.len()))
    }

    /// The bytes of every element.
    fn rows(
        &mut self,
        accessor: usize,
        kind: &str,
        size: usize,
    ) -> Result<impl Iterator<Item = &[u8]>, InputError> {
        let described = self.accessor(accessor)?;
        if described.kind != kind {
            let found = excerpt(&described.kind);
            return Err(fault(accessor, "type", format!("expected {kind}, found \"{found}\"")));
        }
        let Elements { buffer, first, stride } = self.elements(accessor, described, size)?;
        let bytes = self.buffer(buffer)?;
        let end = described.count.checked_sub(1).map(|last| first + last * stride + size);
        if end.is_some_and(|end| end > bytes.len()) {
            let message = format!("expected more bytes than the {} there are", bytes.len());
            return Err(InputError::new(message).for_key(format!("buffers[{buffer}]")));
        }
        Ok((0..described.count).map(move |i| &bytes[first + i * stride..][..size]))
    }

    /// Finds elements of so many bytes each, within their view.
    fn elements(&self, accessor: usize, described: &Accessor, size: usize) -> Result<Elements, InputError> {
        if described.sparse.is_some() {
            return Err(fault(accessor, "sparse", "sparse accessors are not read; expected all values one by one"));
        }
        let Some(index) = described.buffer_view else {
            return Err(fault(accessor, "bufferView", "the accessor has no values; expected a buffer view"));
        };
        let views = &self.document.buffer_views;
        let view = views.get(index).ok_or_else(|| no_such("bufferViews", index, views.len()))?;
        let key = || format!("bufferViews[{index}]");
        refuse_compression(&view.extensions).map_err(|e| e.for_key(key()))?;
        let stride = view.byte_stride.unwrap_or(size);
        // All factors are lengths in memory but those that a document makes up.
        let length = described.count.checked_sub(1).map_or(Some(0), |last| {
            last.checked_mul(stride)?.checked_add(size)?.checked_add(described.byte_offset)
        });
        if stride < size || length.is_none_or(|length| length > view.byte_length) {
            let message = format!(
                "accessor {accessor} has {} elements of {size} bytes, {stride} bytes apart, which do not fit into {} bytes",
                described.count, view.byte_length
            );
            return Err(InputError::new(message).for_key(key()));
        }
        let first = view.byte_offset.checked_add(described.byte_offset);
        let end = view.byte_offset.checked_add(view.byte_length);
        match first.zip(end) {
            Some((first, _)) => Ok(Elements { buffer: view.buffer, first, stride }),
            None => Err(InputError::new("expected offsets of sensible size").for_key(key())),
        }
    }

    fn buffer(&mut self, index: usize) -> Result<&[u8], InputError> {
        let buffers = &self.document.buffers;
        let buffer = buffers.get(index).ok_or_else(|| no_such("buffers", index, buffers.len()))?;
        let key = |e: InputError| if e.file.is_some() { e } else { e.for_key(format!("buffers[{index}]")) };
        if self.known[index].is_none() {
            let bytes = self.bytes_of(index, buffer.uri.as_deref()).map_err(key)?;
            if bytes.len() < buffer.byte_length {
                let message = format!("expected {} bytes, found {}", buffer.byte_length, bytes.len());
                return Err(key(InputError::new(message)));
            }
            self.bytes += bytes.len() as u64;
            if self.bytes > MAX_BYTES {
                let message = format!("all buffers together are too large: at most {} MiB are read", MAX_BYTES >> 20);
                return Err(key(InputError::new(message)));
            }
            self.known[index] = Some(bytes);
        }
        Ok(self.known[index].as_deref().unwrap_or_default())
    }

    fn bytes_of(&self, index: usize, uri: Option<&str>) -> Result<Vec<u8>, InputError> {
        match (uri, self.chunk) {
            (Some(uri), _) => match uri.strip_prefix("data:") {
                Some(data) => embedded(data),
                None => (self.read_file)(&path(uri)?),
            },
            (None, Some(chunk)) if index == 0 => Ok(chunk.to_vec()),
            _ => Err(InputError::new("expected a \"uri\": only the first buffer of a .glb needs none")),
        }
    }
}

/// Refuses what is compressed, by the name of how.
pub(super) fn refuse_compression(extensions: &BTreeMap<String, Value>) -> Result<(), InputError> {
    match COMPRESSIONS.iter().find(|name| extensions.contains_key(**name)) {
        Some(name) => Err(InputError::new(format!("values compressed by {name} are not read"))),
        None => Ok(()),
    }
}

/// An index that points nowhere.
pub(super) fn no_such(list: &str, index: usize, count: usize) -> InputError {
    InputError::new(format!("there is no number {index} (counted from 0) among {count}")).for_key(list)
}

fn fault(accessor: usize, key: &str, message: impl Into<String>) -> InputError {
    InputError::new(message).for_key(format!("accessors[{accessor}].{key}"))
}

/// How a number stands in a buffer, the least byte first.
#[derive(Clone, Copy)]
enum Number {
    Float,
    /// So many bytes, with a sign or without, and what the number is divided by.
    Whole { size: usize, signed: bool, unit: f64 },
}

impl Number {
    /// By the code of its type. Of those of whole numbers `KHR_mesh_quantization` makes positions.
    fn of(code: u32, normalized: bool) -> Option<Self> {
        let whole = |size: usize, signed: bool| {
            let greatest = (1_u64 << (8 * size - usize::from(signed))) - 1;
            Self::Whole { size, signed, unit: if normalized { greatest as f64 } else { 1.0 } }
        };
        match code {
            5120 => Some(whole(1, true)),
            5121 => Some(whole(1, false)),
            5122 => Some(whole(2, true)),
            5123 => Some(whole(2, false)),
            5126 => Some(Self::Float),
            _ => None,
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Whole { size, .. } => size,
        }
    }

    fn read(self, bytes: &[u8]) -> f64 {
        let (value, unit) = match self {
            Self::Float => return f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
            Self::Whole { size: 1, signed: true, unit } => (f64::from(bytes[0] as i8), unit),
            Self::Whole { size: 1, unit, .. } => (f64::from(bytes[0]), unit),
            Self::Whole { signed: true, unit, .. } => (f64::from(i16::from_le_bytes([bytes[0], bytes[1]])), unit),
            Self::Whole { unit, .. } => (f64::from(u16::from_le_bytes([bytes[0], bytes[1]])), unit),
        };
        // The least of a signed type is a step beyond -1, and counts as that.
        if unit > 1.0 { (value / unit).max(-1.0) } else { value }
    }
}

/// The path of a file that a document names, from there: a relative URI (RFC 3986).
pub(super) fn path(uri: &str) -> Result<String, InputError> {
    if uri.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':')) || uri.starts_with('/') {
        let found = excerpt(uri);
        return Err(InputError::new(format!("expected a relative path or data, found \"{found}\"")));
    }
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        let decoded = match byte {
            b'%' => digit(rest.next()).zip(digit(rest.next())).map(|(a, b)| (16 * a + b) as u8),
            _ => Some(byte),
        };
        bytes.push(decoded.ok_or_else(|| InputError::new("expected two hexadecimal digits after every %"))?);
    }
    String::from_utf8(bytes).map_err(|_| InputError::new("the path is not UTF-8"))
}

/// The bytes of a data URI (RFC 2397), which must be in base64.
fn embedded(data: &str) -> Result<Vec<u8>, InputError> {
    let text = data.split_once(',').filter(|(kind, _)| kind.ends_with(";base64")).map(|(_, text)| text);
    let bytes = text.and_then(base64);
    bytes.ok_or_else(|| InputError::new("expected data in base64 (RFC 4648)"))
}

/// Bytes from base64 (RFC 4648, section 4), with its padding or without.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    if text.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(3 * text.len() / 4 + 2);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for &letter in group {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(digit);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_its_standard() {
        for (text, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text).unwrap(), expected.as_bytes());
        }
        assert_eq!(base64("+/8"), Some(vec![0xfb, 0xff]));
        assert!(base64("Z").is_none() && base64("Zm9-").is_none());
    }

    #[test]
    fn paths_are_relative() {
        assert_eq!(path("a%20b/c.bin").unwrap(), "a b/c.bin");
        for uri in ["http://x/y", "file:///etc/passwd", "/etc/passwd", "a%2", "a%zz", "%ff"] {
            assert!(path(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn whole_numbers_are_shares_where_they_are_normalized() {
        let read = |code, normalized, bytes: &[u8]| Number::of(code, normalized).unwrap().read(bytes);
        assert_eq!(read(5120, true, &[0x80]), -1.0);
        assert_eq!(read(5120, true, &[0x7f]), 1.0);
        assert_eq!(read(5121, true, &[255]), 1.0);
        assert_eq!(read(5122, true, &[0x00, 0x80]), -1.0);
        assert_eq!(read(5122, false, &[0xfe, 0xff]), -2.0);
        assert_eq!(read(5123, true, &[0xff, 0xff]), 1.0);
        assert_eq!(read(5123, false, &[0x01, 0x02]), 513.0);
        assert!(Number::of(5125, false).is_none());
    }
}
