//! What a cover is like, for people; and URDF text with covers in place of what they cover.

use super::{Cover, CoverOptions, Solid, cover_together};
use crate::error::InputError;
use crate::robot::LinkSolid;
use crate::robot::xml::{children, declared, fault, parse};
use crate::stop::Stop;
use crate::world::Shape;
use std::fmt;
use std::ops::Range;

/// The covers of a link's collision elements.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkCover {
    /// Name of the link.
    pub link: String,
    /// What each collision element was ([`Solid`] prints as a short description), and its cover.
    pub elements: Vec<(String, Cover)>,
}

/// Covers collision elements by no more spheres together
/// than the options allow; nothing is known here of how links move.
///
/// # Errors
/// As [`super::cover`].
pub fn cover_links(solids: &[LinkSolid], options: &CoverOptions) -> Result<Vec<LinkCover>, InputError> {
    let each: Vec<(&Solid, usize)> = solids.iter().map(|s| (&s.solid, 1)).collect();
    let covers = cover_together(&each, options, &Stop::NEVER)?;
    let covered = solids.iter().zip(covers).map(|(s, covering)| (s, covering.cover(s.solid.pose())));
    Ok(by_link(covered.map(|(s, cover)| (s.link.as_str(), s.solid.to_string(), cover))))
}

/// Covers of elements by link, in the order in which links first occur.
pub(in crate::robot) fn by_link<'a>(covers: impl Iterator<Item = (&'a str, String, Cover)>) -> Vec<LinkCover> {
    let mut links: Vec<LinkCover> = Vec::new();
    for (link, solid, cover) in covers {
        match links.iter_mut().find(|l| l.link == link) {
            Some(known) => known.elements.push((solid, cover)),
            None => links.push(LinkCover { link: link.to_owned(), elements: vec![(solid, cover)] }),
        }
    }
    links
}

/// Prints as a table of all elements of all links: what each was, how many spheres cover it, how far
/// they reach beyond it, and what volume they add (with its standard error and its ratio to the
/// solid's own volume).
#[derive(Clone, Copy, Debug)]
pub struct CoverReport<'a>(pub &'a [LinkCover]);

impl fmt::Display for CoverReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let elements = || self.0.iter().flat_map(|l| l.elements.iter().map(move |e| (l.link.as_str(), e)));
        let width =
            |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| t.chars().count()).max().unwrap_or(0);
        let first = width(&mut elements().map(|(link, _)| link)).max("total".len());
        let second = width(&mut elements().map(|(_, (solid, _))| solid.as_str())).max("geometry".len());
        writeln!(f, "{:first$}  {:second$}  spheres  beyond by  excess volume", "link", "geometry")?;
        for (link, (solid, cover)) in elements() {
            let beyond = format!("{:.1} mm", cover.excess_distance * 1e3);
            let volume =
                format!("{:.1} ± {:.1} cm³", cover.excess_volume * 1e6, cover.excess_volume_error * 1e6);
            write!(f, "{link:first$}  {solid:second$}  {:>7}  {beyond:>9}  {volume}", cover.spheres.len())?;
            match cover.excess_ratio() {
                ratio if ratio.is_finite() => writeln!(f, " ({:.0} %)", ratio * 100.0)?,
                _ => writeln!(f)?,
            }
        }
        let count: usize = elements().map(|(_, (_, cover))| cover.spheres.len()).sum();
        let farthest = elements().map(|(_, (_, cover))| cover.excess_distance).fold(0.0, f64::max);
        let volume: f64 = elements().map(|(_, (_, cover))| cover.excess_volume).sum();
        let beyond = format!("{:.1} mm", farthest * 1e3);
        write!(f, "{:first$}  {:second$}  {count:>7}  {beyond:>9}  {:.1} cm³", "total", "", volume * 1e6)
    }
}

impl fmt::Display for Solid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(Shape::Cuboid { half_extents: h }, _) => {
                write!(f, "box {:.3} x {:.3} x {:.3} m", 2.0 * h.x, 2.0 * h.y, 2.0 * h.z)
            }
            Self::Primitive(Shape::Sphere { radius }, _) => write!(f, "sphere r {radius:.3} m"),
            Self::Primitive(
                shape @ (Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length }),
                _,
            ) => write!(f, "{} r {radius:.3}, l {:.3} m", shape.kind(), 2.0 * half_length),
            Self::Primitive(shape @ Shape::HalfSpace, _) => f.write_str(shape.kind()),
            Self::Mesh(mesh, _) => write!(f, "mesh, {} triangles", mesh.triangles().len()),
        }
    }
}

/// The text of a URDF with all collision elements of the given links replaced by their spheres;
/// the rest stays as it is, but for prefixes of XML that are declared.
///
/// # Errors
/// Where the text is not a URDF, lacks one of the links, or has no collision element in it.
pub fn replace_collisions(urdf: &str, links: &[LinkCover]) -> Result<String, InputError> {
    let (urdf, _) = declared(urdf);
    let document = parse(&urdf)?;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for cover in links {
        let mut nodes = children(document.root_element(), "link");
        let node = nodes.find(|n| n.attribute("name") == Some(&cover.link));
        let node = node.ok_or_else(|| InputError::new(format!("there is no link \"{}\"", cover.link)))?;
        let mut old = children(node, "collision").map(|c| c.range());
        let Some(first) = old.next() else {
            return Err(fault(node, "has no collision geometry to replace; expected at least one element"));
        };
        let indent = &urdf[urdf[..first.start].trim_end_matches([' ', '\t']).len()..first.start];
        let spheres = cover.elements.iter().flat_map(|(_, c)| &c.spheres).map(|s| {
            let [x, y, z] = s.center.to_array();
            let geometry = format!("<geometry><sphere radius=\"{}\"/></geometry>", s.radius);
            format!("<collision><origin xyz=\"{x} {y} {z}\"/>{geometry}</collision>")
        });
        edits.push((first, spheres.collect::<Vec<_>>().join(&format!("\n{indent}"))));
        // Others go together with the blank space before them.
        edits.extend(old.map(|range| (urdf[..range.start].trim_end().len()..range.end, String::new())));
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut text = String::with_capacity(urdf.len());
    let mut done = 0;
    for (range, new) in edits {
        // A link that is listed twice is replaced once.
        if range.start >= done {
            text.push_str(&urdf[done..range.start]);
            text.push_str(&new);
            done = range.end;
        }
    }
    text.push_str(&urdf[done..]);
    Ok(text)
}
