//! A chart of curves with bands as SVG. Imports nothing.

use std::fmt::Write as _;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What stands under its horizontal axis.
    pub x: String,
    /// What stands beside its vertical axis.
    pub y: String,
    /// Whether the horizontal axis is logarithmic: then all its values are above zero.
    pub is_logarithmic: bool,
    /// Its curves.
    pub bands: Vec<Band>,
}

/// A curve between two others.
#[derive(Clone, Debug)]
pub struct Band {
    /// What it is.
    pub name: String,
    /// Points, from left to right: x, then y of the lower edge, of the curve and of the upper edge.
    pub points: Vec<[f64; 4]>,
}

impl Band {
    /// The median of some curves between their quartiles: of their values at each of some places, as far as three quarters
    /// of them have one there; others are infinite.
    pub fn of_quartiles(
        name: impl Into<String>,
        places: impl Iterator<Item = f64>,
        values: impl Fn(f64) -> Vec<f64>,
    ) -> Self {
        let point = |x: f64| {
            let [lower, median, upper] = quartiles(values(x));
            upper.is_finite().then_some([x, lower, median, upper])
        };
        Self { name: name.into(), points: places.filter_map(point).collect() }
    }
}

/// The quartiles of some values, of two the lower; infinite where there is none.
pub fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    let at = |quarter: usize| values.get(values.len().saturating_sub(1) * quarter / 4).copied();
    [1, 2, 3].map(|quarter| at(quarter).unwrap_or(f64::INFINITY))
}

/// Size of a chart, and of the margins around its axes.
const SIZE: [f64; 2] = [720.0, 420.0];
const MARGIN: [f64; 2] = [70.0, 48.0];

/// Colours that people with any sight tell apart (Okabe and Ito).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// About how many marks an axis has.
const MARKS: f64 = 6.0;

impl Chart {
    /// The chart as SVG.
    pub fn svg(&self) -> String {
        let all = || self.bands.iter().flat_map(|band| &band.points);
        let scaled = |x: f64| if self.is_logarithmic { x.log10() } else { x };
        let x = Axis::of(all().map(|p| scaled(p[0])), [MARGIN[0], SIZE[0] - 20.0]);
        let y = Axis::of(all().flat_map(|p| &p[1..]).copied(), [SIZE[1] - MARGIN[1], 40.0]);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<title>{title}</title>\n\
             <text x=\"{}\" y=\"22\" text-anchor=\"middle\" font-size=\"14\">{title}</text>\n",
            SIZE[0],
            SIZE[1],
            0.5 * SIZE[0],
            title = escaped(&self.title),
        );
        // Text written to a string has no way to fail.
        for mark in x.marks() {
            let at = x.at(mark);
            // No more digits than tell it apart from the next.
            let mark = if self.is_logarithmic { significant(10.0_f64.powf(mark)) } else { mark };
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {:.1}V{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text>",
                y.ends[0],
                y.ends[1],
                y.ends[0] + 16.0
            );
        }
        for mark in y.marks() {
            let at = y.at(mark);
            let _ = writeln!(
                svg,
                "<path d=\"M{:.1} {at:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark}</text>",
                x.ends[0],
                x.ends[1],
                x.ends[0] - 6.0,
                at + 4.0
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            0.5 * (x.ends[0] + x.ends[1]),
            SIZE[1] - 10.0,
            escaped(&self.x),
            0.5 * (y.ends[0] + y.ends[1]),
            escaped(&self.y)
        );
        for (i, (band, colour)) in self.bands.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let path = |side: usize| band.points.iter().map(move |p| (scaled(p[0]), p[side]));
            let points = |path: &mut dyn Iterator<Item = (f64, f64)>| {
                path.map(|(a, b)| format!("{:.1},{:.1}", x.at(a), y.at(b))).collect::<Vec<_>>().join(" ")
            };
            let edges = points(&mut path(1).chain(path(3).collect::<Vec<_>>().into_iter().rev()));
            let _ = writeln!(
                svg,
                "<polygon points=\"{edges}\" fill=\"{colour}\" fill-opacity=\"0.2\"/>\n\
                 <polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
                points(&mut path(2)),
                x.ends[1] - 6.0,
                y.ends[1] + 16.0 * (i + 1) as f64,
                escaped(&band.name)
            );
        }
        svg + "</svg>\n"
    }
}

/// An axis: which values lie where.
struct Axis {
    range: [f64; 2],
    /// Where its ends are in the picture.
    ends: [f64; 2],
    /// Between marks: a round number.
    step: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, ends: [f64; 2]) -> Self {
        let [least, most] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(v), b.max(v)]);
        let [least, most] = if least < most { [least, most] } else { [0.0, 1.0] };
        let rough = (most - least) / MARKS;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough).unwrap_or(rough);
        let range = [(least / step).floor() * step, (most / step).ceil() * step];
        Self { range, ends, step }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value - self.range[0]) / (self.range[1] - self.range[0]);
        self.ends[0] + share * (self.ends[1] - self.ends[0])
    }

    fn marks(&self) -> Vec<f64> {
        let count = ((self.range[1] - self.range[0]) / self.step).round() as usize;
        // Without the rounding of sums: marks are few digits.
        let rounded = |v: f64| format!("{v:.9}").parse().unwrap_or(v);
        (0..=count).map(|k| rounded(self.range[0] + k as f64 * self.step)).collect()
    }
}

/// A number to two digits.
fn significant(number: f64) -> f64 {
    format!("{number:.1e}").parse().unwrap_or(number)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is XML, its curve goes from one end of the axis to the other, and marks are round numbers.
    #[test]
    fn charts_are_pictures_of_their_numbers() {
        let points = vec![[0.0, 1.0, 2.0, 3.0], [1000.0, 0.5, 1.0, 1.5]];
        let band = Band { name: "a < b".to_owned(), points };
        let (title, x, y) = ("t & u".to_owned(), "x".to_owned(), "y".to_owned());
        let chart = Chart { title, x, y, is_logarithmic: false, bands: vec![band] };
        let svg = chart.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for wanted in ["t & u", "a < b", "0", "200", "1000", "0.5", "3"] {
            assert!(texts.contains(&wanted), "{wanted}: {texts:?}");
        }
        let line = document.descendants().find(|node| node.has_tag_name("polyline")).unwrap();
        let points = line.attribute("points").unwrap();
        assert_eq!(points.split(' ').count(), 2);
        assert!(points.starts_with("70.0,") && points.contains(" 700.0,"), "{points}");
    }

    #[test]
    fn decades_are_evenly_spaced() {
        let points = [0.001, 0.01, 0.1, 1.0].map(|x| [x, 1.0, 1.0, 1.5]).to_vec();
        let (title, x, y) = (String::new(), "s".to_owned(), String::new());
        let bands = vec![Band { name: String::new(), points }];
        let svg = Chart { title, x, y, is_logarithmic: true, bands }.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let line = document.descendants().find(|node| node.has_tag_name("polyline")).unwrap();
        let places: Vec<f64> = line
            .attribute("points")
            .unwrap()
            .split(' ')
            .map(|point| point.split(',').next().unwrap().parse().unwrap())
            .collect();
        let steps: Vec<f64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (step - steps[0]).abs() < 0.15), "{places:?}");
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
        assert!(texts.contains(&"0.001") && texts.contains(&"1"), "{texts:?}");
    }
}
