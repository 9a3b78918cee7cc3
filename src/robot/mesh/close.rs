//! Closes what a file gives of a surface: turns triangles and caps holes. Imports nothing.
//!
//! Triangles over edges that just two of them share hang together and are turned alike. A part that they close by
//! themselves is turned so that its volume is positive. Other parts bound the solid together, though they share no
//! edges: where one triangle meets several along its edge, each has an edge of its own. So those are taken as the file
//! turns them, if it turns them alike, and the edges that are left over fall into the smallest loops that they make:
//! each is capped by a cone, which has no area where the parts meet. Capped part by part, or rim by rim where several
//! touch, cones would reach across all of the solid.
//!
//! Corners of such edges that all but meet become one first: files round coordinates, each triangle's for itself.

use glam::DVec3;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Corners on rims that are nearer than this share of the solid's size are one.
const MEETING: f64 = 2e-5;

/// By edge, from the lower corner to the higher: how often it is run along, less how often the other way.
type Boundary = BTreeMap<[usize; 2], i32>;

/// A part of a surface.
struct Part {
    /// Turned alike, as most of them are in the file.
    triangles: Vec<[usize; 3]>,
    /// Whether all of them are in the file.
    is_as_given: bool,
}

/// The triangles that close a solid, counter-clockwise seen from outside, of which a file gives some; and how far
/// corners were moved for that at most, metres.
pub(super) fn close(vertices: &[DVec3], mut triangles: Vec<[usize; 3]>) -> (Vec<[DVec3; 3]>, f64) {
    let rim: BTreeSet<usize> = unshared(&triangles).into_iter().flatten().collect();
    let moved = meet(vertices, &mut triangles, &rim);
    (closed(vertices, &triangles), moved)
}

/// Edges that other than two triangles share.
fn unshared(triangles: &[[usize; 3]]) -> Vec<[usize; 2]> {
    let mut sides: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    triangles.iter().flat_map(|&t| edges(t)).for_each(|[a, b]| *sides.entry([a.min(b), a.max(b)]).or_default() += 1);
    sides.into_iter().filter(|(_, count)| *count != 2).map(|(edge, _)| edge).collect()
}

/// Makes one of those corners that all but meet; says how far any was moved, metres.
fn meet(vertices: &[DVec3], triangles: &mut [[usize; 3]], corners: &BTreeSet<usize>) -> f64 {
    let low = vertices.iter().copied().fold(DVec3::INFINITY, DVec3::min);
    let high = vertices.iter().copied().fold(DVec3::NEG_INFINITY, DVec3::max);
    let near = MEETING * low.distance(high);
    let cube = |v: DVec3| ((v - low) / near).floor().to_array().map(|x| x as i64);
    let mut kept: BTreeMap<[i64; 3], Vec<usize>> = BTreeMap::new();
    let mut becomes = BTreeMap::new();
    let mut moved = 0.0_f64;
    for &corner in corners {
        let [x, y, z] = cube(vertices[corner]);
        let around = (0..27).map(|i| [x + i / 9 - 1, y + i / 3 % 3 - 1, z + i % 3 - 1]);
        let others = around.filter_map(|cube| kept.get(&cube)).flatten();
        let distance = |other: &usize| vertices[*other].distance(vertices[corner]);
        let nearest = others.copied().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        match nearest.filter(|other| distance(other) <= near) {
            Some(other) => {
                moved = moved.max(distance(&other));
                becomes.insert(corner, other);
            }
            None => kept.entry([x, y, z]).or_default().push(corner),
        }
    }
    triangles.iter_mut().flatten().for_each(|i| *i = *becomes.get(i).unwrap_or(i));
    moved
}

fn closed(vertices: &[DVec3], triangles: &[[usize; 3]]) -> Vec<[DVec3; 3]> {
    let parts = parts(triangles);
    let is_as_given = parts.iter().all(|part| part.is_as_given);
    let (mut closed, mut open) = (Vec::with_capacity(triangles.len()), Vec::new());
    for part in parts {
        let boundary = boundary(&part.triangles);
        if is_as_given && !boundary.is_empty() {
            open.extend(part.triangles);
        } else {
            closed.extend(outward(vertices, &part.triangles, boundary));
        }
    }
    let boundary = boundary(&open);
    closed.extend(outward(vertices, &open, boundary));
    closed
}

/// Triangles and the caps of what they leave open, turned so that they enclose a positive volume.
fn outward(vertices: &[DVec3], triangles: &[[usize; 3]], boundary: Boundary) -> Vec<[DVec3; 3]> {
    let given = triangles.iter().map(|t| t.map(|i| vertices[i]));
    let mut all: Vec<[DVec3; 3]> = given.chain(caps(vertices, boundary)).collect();
    if enclosed_volume(&all) < 0.0 {
        all.iter_mut().for_each(|t| t.swap(1, 2));
    }
    all
}

/// What triangles leave open.
fn boundary(triangles: &[[usize; 3]]) -> Boundary {
    let mut boundary = Boundary::new();
    for [a, b] in triangles.iter().flat_map(|&t| edges(t)) {
        *boundary.entry([a.min(b), a.max(b)]).or_default() += if a < b { 1 } else { -1 };
    }
    boundary.retain(|_, count| *count != 0);
    boundary
}

/// The parts that hang together over edges shared by two triangles.
fn parts(triangles: &[[usize; 3]]) -> Vec<Part> {
    let mut sides: BTreeMap<[usize; 2], Vec<usize>> = BTreeMap::new();
    for (i, &t) in triangles.iter().enumerate() {
        for [a, b] in edges(t) {
            sides.entry([a.min(b), a.max(b)]).or_default().push(i);
        }
    }
    let mut placed = vec![false; triangles.len()];
    let mut parts = Vec::new();
    for seed in 0..triangles.len() {
        if std::mem::replace(&mut placed[seed], true) {
            continue;
        }
        let mut part = vec![triangles[seed]];
        // Original indices of the triangles in `part`.
        let mut origin = vec![seed];
        let (mut next, mut turned) = (0, 0);
        while next < part.len() {
            for [a, b] in edges(part[next]) {
                let &[i, j] = sides[&[a.min(b), a.max(b)]].as_slice() else { continue };
                let other = if i == origin[next] { j } else { i };
                if std::mem::replace(&mut placed[other], true) {
                    continue;
                }
                let mut t = triangles[other];
                // Neighbours that agree run along their common edge in opposite directions.
                if edges(t).any(|e| e == [a, b]) {
                    t.swap(1, 2);
                    turned += 1;
                }
                part.push(t);
                origin.push(other);
            }
            next += 1;
        }
        if 2 * turned > part.len() {
            part.iter_mut().for_each(|t| t.swap(1, 2));
        }
        parts.push(Part { is_as_given: turned == 0 || turned == part.len(), triangles: part });
    }
    parts
}

/// Triangles that close a boundary: cones over its loops.
fn caps(vertices: &[DVec3], boundary: Boundary) -> Vec<[DVec3; 3]> {
    let mut caps = Vec::new();
    for corners in loops(vertices, boundary) {
        let apex = corners.iter().map(|&v| vertices[v]).sum::<DVec3>() / corners.len() as f64;
        let next = corners.iter().cycle().skip(1);
        caps.extend(corners.iter().zip(next).map(|(&a, &b)| [apex, vertices[b], vertices[a]]));
    }
    caps
}

/// Small loops that a boundary falls into; each runs the way of its triangles.
fn loops(vertices: &[DVec3], boundary: Boundary) -> Vec<Vec<usize>> {
    // As many edges lead to each corner as lead away: from the end of each there is a way back to its start.
    let mut ways: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ([a, b], count) in boundary {
        let [from, to] = if count > 0 { [a, b] } else { [b, a] };
        ways.entry(from).or_default().extend(std::iter::repeat_n(to, count.unsigned_abs() as usize));
    }
    let mut loops = Vec::new();
    while let Some((&from, led)) = ways.first_key_value() {
        let Some(corners) = led.last().and_then(|&to| shortest_way(vertices, &ways, to, from)) else { break };
        for (i, corner) in corners.iter().enumerate() {
            take_way(&mut ways, *corner, corners[(i + 1) % corners.len()]);
        }
        loops.push(corners);
    }
    loops
}

/// The corners on the shortest way from one to another: along the edge of a triangle that others meet, that is theirs.
fn shortest_way(vertices: &[DVec3], ways: &BTreeMap<usize, Vec<usize>>, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
    // Lengths that are not negative are in the order of their bits.
    let mut open = BTreeSet::from([(0_u64, from, from)]);
    while !came_from.contains_key(&to) {
        let (length, at, before) = open.pop_first()?;
        let Entry::Vacant(entry) = came_from.entry(at) else { continue };
        entry.insert(before);
        let onward = |&next: &usize| {
            let longer = f64::from_bits(length) + vertices[at].distance(vertices[next]);
            (longer.to_bits(), next, at)
        };
        open.extend(ways.get(&at).into_iter().flatten().map(onward));
    }
    let mut way = vec![to];
    while let Some(last) = way.last().filter(|last| **last != from) {
        way.push(came_from[last]);
    }
    way.reverse();
    Some(way)
}

/// Takes away one way between two corners.
fn take_way(ways: &mut BTreeMap<usize, Vec<usize>>, from: usize, to: usize) {
    let Some(led) = ways.get_mut(&from) else { return };
    if let Some(i) = led.iter().rposition(|&t| t == to) {
        led.remove(i);
    }
    if led.is_empty() {
        ways.remove(&from);
    }
}

/// Directed edges of a triangle, but for those that have no length.
fn edges([a, b, c]: [usize; 3]) -> impl Iterator<Item = [usize; 2]> + Clone {
    [[a, b], [b, c], [c, a]].into_iter().filter(|[a, b]| a != b)
}

/// Volume by the divergence theorem, from an origin near the triangles.
pub(super) fn enclosed_volume(triangles: &[[DVec3; 3]]) -> f64 {
    let origin = triangles.first().map_or(DVec3::ZERO, |t| t[0]);
    let cone = |t: &[DVec3; 3]| (t[0] - origin).dot((t[1] - origin).cross(t[2] - origin)) / 6.0;
    triangles.iter().map(cone).sum()
}

#[cfg(test)]
mod tests {
    use crate::robot::mesh::{Mesh, Surface};
    use glam::DVec3;

    /// The outline of a U, counter-clockwise, metres; its prongs stand 0.1 apart.
    const OUTLINE: [[f64; 2]; 8] =
        [[0.0, 0.0], [0.3, 0.0], [0.3, 0.3], [0.2, 0.3], [0.2, 0.1], [0.1, 0.1], [0.1, 0.3], [0.0, 0.3]];

    /// The prism over it, 0.2 high, whose walls have a corner more at the middle of each edge than top and bottom
    /// have, all corners of triangles being rounded each for itself by up to `rounded` metres.
    fn prism(rounded: f64) -> Mesh {
        let mut vertices = Vec::new();
        let at = |[x, y]: [f64; 2], z: f64| DVec3::new(x, y, z);
        for [a, b, c] in [[0, 5, 7], [5, 6, 7], [0, 4, 5], [0, 1, 4], [1, 2, 4], [2, 3, 4]] {
            let [a, b, c] = [a, b, c].map(|i: usize| OUTLINE[i]);
            vertices.extend([at(a, 0.2), at(b, 0.2), at(c, 0.2), at(a, 0.0), at(c, 0.0), at(b, 0.0)]);
        }
        for (i, &a) in OUTLINE.iter().enumerate() {
            let b = OUTLINE[(i + 1) % OUTLINE.len()];
            let middle = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
            for [a, b] in [[a, middle], [middle, b]] {
                vertices.extend([at(a, 0.0), at(b, 0.0), at(b, 0.2), at(a, 0.0), at(b, 0.2), at(a, 0.2)]);
            }
        }
        let off = |i: usize| DVec3::new((i % 3) as f64 - 1.0, (i % 5) as f64 / 2.0 - 1.0, (i % 7) as f64 / 3.0 - 1.0);
        vertices.iter_mut().enumerate().for_each(|(i, v)| *v += off(i) * rounded / 3_f64.sqrt());
        let triangles = (0..vertices.len() as u32 / 3).map(|t| [3 * t, 3 * t + 1, 3 * t + 2]).collect();
        Mesh::new(vertices, triangles).unwrap()
    }

    #[test]
    fn nothing_spans_a_gap_of_what_is_closed_but_for_its_files_way_to_say_so() {
        for rounded in [0.0, 1e-7, 1e-6] {
            let surface = Surface::new(&prism(rounded));
            assert!(surface.moved() <= 4.0 * rounded, "{} at {rounded}", surface.moved());
            assert!((surface.volume() - 0.2 * 0.07).abs() < 1e-6, "{} at {rounded}", surface.volume());
            for z in [0.0, 0.1, 0.2] {
                let distance = surface.signed_distance(DVec3::new(0.15, 0.25, z));
                assert!((distance - 0.05).abs() < 1e-5, "{distance} at height {z}, rounded by {rounded}");
                assert!(surface.contains(DVec3::new(0.05, 0.25, 0.1)) && surface.contains(DVec3::new(0.25, 0.05, 0.1)));
            }
        }
    }

    /// Whoever moves corners owes the distance to those who hold the mesh itself.
    #[test]
    fn what_was_moved_is_no_farther_than_is_said() {
        let mesh = prism(1e-6);
        let surface = Surface::new(&mesh);
        assert!(surface.moved() > 0.0);
        for t in mesh.triangles() {
            let [a, b, c] = t.map(|i| mesh.vertices()[i as usize]);
            for p in [a, b, c, (a + b + c) / 3.0, (a + b) / 2.0] {
                assert!(p.distance(surface.nearest(p)) <= surface.moved() * (1.0 + 1e-9), "{p}");
            }
        }
    }

    /// Coordinates that a file turns every other way tell nothing of where the inside is; volumes do.
    #[test]
    fn triangles_may_be_turned_anyhow() {
        let mesh = prism(0.0);
        let whole = |turned: &dyn Fn(usize) -> bool| {
            let turn = |(i, t): (usize, &[u32; 3])| if turned(i) { [t[0], t[2], t[1]] } else { *t };
            let triangles = mesh.triangles().iter().enumerate().map(turn).collect();
            Surface::new(&Mesh::new(mesh.vertices().to_vec(), triangles).unwrap())
        };
        for surface in [whole(&|_| true), whole(&|i| i % 3 == 0)] {
            assert!(surface.contains(DVec3::new(0.05, 0.25, 0.1)));
        }
    }
}
