//! Limits that move out to a value beyond them by rounding. Imports nothing.

/// A limit above zero, moved out to a value of either sign that lies beyond it by no more than `share` of it.
pub(crate) fn moved_out(limit: f64, value: f64, share: f64) -> f64 {
    let (size, most) = (value.abs(), limit * (1.0 + share));
    if size > limit && size <= most { size } else { limit }
}

/// Least and greatest, moved out to a value that lies beyond either by no more than `share` of the way between them;
/// where one of them is infinite, of the magnitude of the other, and of no less than 1.
pub(crate) fn range_moved_out([lower, upper]: [f64; 2], value: f64, share: f64) -> [f64; 2] {
    let way = upper - lower;
    let slack = |bound: f64| share * if way.is_finite() { way } else { bound.abs().max(1.0) };
    [
        if value < lower && value >= lower - slack(lower) { value } else { lower },
        if value > upper && value <= upper + slack(upper) { value } else { upper },
    ]
}

/// Least and greatest, each moved out to a value that lies beyond it by no more than `share` of it.
pub(super) fn both_moved_out([lower, upper]: [f64; 2], value: f64, share: f64) -> [f64; 2] {
    [
        if value < lower && value >= lower - share * lower.abs() { value } else { lower },
        if value > upper && value <= upper + share * upper.abs() { value } else { upper },
    ]
}

/// The wider of two ranges, at each end.
pub(super) fn widest(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].min(b[0]), a[1].max(b[1])]
}
