//! The best duration of a connection where the system is made of integrators. Imports `matrix`, `quartic`, `problem`
//! and `trajectory`.

use super::super::quartic::positive_roots;
use super::matrix::{Factor, Matrix, dot};
use super::moments::Moments;
use crate::problem::MAX_STATES;
use crate::trajectory::{MAX_DEGREE, bernstein};

/// A system whose states have *grades*: so many integrations from the controls, on every way. Then entry (i, j) of the
/// Gramian over t is its value over one second times t^(w_i + w_j + 1), and with s = 1/t the cost of a connection is
/// 1/s + s S(s), where S is a quadratic form in polynomials of s: of state i, the powers 0 to w_i, and one below where
/// something drifts.
#[derive(Clone, Debug)]
pub(super) struct Graded {
    /// w.
    grades: Vec<usize>,
    /// The entries of the inverse Gramian over one second that are not zero, on and above the diagonal; those above it
    /// doubled.
    form: Vec<(usize, usize, f64)>,
    /// Of state i: the entries of A^k / k! that are not zero, each with its power, row i: (k, column, value).
    drifts: Vec<Vec<(usize, usize, f64)>>,
    /// Of state i: what the constant c drifts it by, by powers of time, t^(k+1): (k, value).
    constants: Vec<Vec<(usize, f64)>>,
}

/// Powers of s in S: those of two states, and the one below zero twice.
const POWERS: usize = 2 * GREATEST_GRADE + 3;

/// The cost's derivative is a polynomial of time of no higher degree than polynomials elsewhere.
const GREATEST_GRADE: usize = (MAX_DEGREE - 2) / 2;

impl Graded {
    /// `None` where a system is not graded.
    pub(super) fn new(a: &Matrix, b: &Matrix, c: &[f64], moments: &Moments) -> Option<Self> {
        let grades = grades(a, b)?;
        let inverse = Factor::of(&moments.at(1.0).gramian)?.inverse();
        let n = grades.len();
        let mut form = Vec::new();
        for i in 0..n {
            for j in i..n {
                // What is rounding beside the diagonal belongs to states that do not meet.
                let scale = (inverse.get(i, i) * inverse.get(j, j)).sqrt();
                let value = if i == j { inverse.get(i, i) } else { 2.0 * inverse.get(i, j) };
                if value.abs() > 1e-13 * scale {
                    form.push((i, j, value));
                }
            }
        }
        let (mut drifts, mut constants) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        let mut power = Matrix::identity(n);
        for k in 0..=GREATEST_GRADE {
            let moved = power.apply(c);
            for i in 0..n {
                let entries = power.row(i).iter().enumerate().filter(|(_, v)| **v != 0.0);
                drifts[i].extend(entries.map(|(j, &value)| (k, j, value)));
                if moved[i] != 0.0 {
                    constants[i].push((k, moved[i] / (k + 1) as f64));
                }
            }
            power = a.times(&power).scaled(((k + 1) as f64).recip());
        }
        // A constant at its own grade drifts one power of time above it, which `polynomial` has room for; no further.
        let fits = |(i, all): (usize, &Vec<(usize, f64)>)| all.iter().all(|(k, _)| *k <= grades[i]);
        constants.iter().enumerate().all(fits).then_some(())?;
        Some(Self { grades, form, drifts, constants })
    }

    /// What state i is missed by, over t^w_i, by powers of s from -1 on.
    fn polynomial(&self, i: usize, from: &[f64], to: &[f64]) -> [f64; GREATEST_GRADE + 2] {
        let grade = self.grades[i];
        let mut powers = [0.0; GREATEST_GRADE + 2];
        powers[grade + 1] = to[i];
        for &(k, j, value) in &self.drifts[i] {
            powers[grade + 1 - k] -= value * from[j];
        }
        for &(k, value) in &self.constants[i] {
            powers[grade - k] -= value;
        }
        powers
    }

    /// What the drift misses a state by after a time.
    fn missed(&self, i: usize, duration: f64, from: &[f64], to: &[f64]) -> f64 {
        let drifted = self.drifts[i].iter().map(|&(k, j, value)| value * from[j] * duration.powi(k as i32));
        let constant = self.constants[i].iter().map(|&(k, value)| value * duration.powi(k as i32 + 1));
        to[i] - drifted.sum::<f64>() - constant.sum::<f64>()
    }

    /// The cost of the connection that takes this long, and its costate at the end, G(t)^-1 times what the drift misses.
    pub(super) fn costate(&self, duration: f64, from: &[f64], to: &[f64]) -> (f64, Vec<f64>) {
        let n = self.grades.len();
        let missed: Vec<f64> = (0..n).map(|i| self.missed(i, duration, from, to)).collect();
        let mut costate = vec![0.0; n];
        for &(i, j, value) in &self.form {
            let power = duration.powi(-((self.grades[i] + self.grades[j] + 1) as i32));
            // What is beside the diagonal stands there twice.
            let value = if i == j { value * power } else { 0.5 * value * power };
            costate[i] += value * missed[j];
            if i != j {
                costate[j] += value * missed[i];
            }
        }
        (duration + dot(&missed, &costate), costate)
    }

    /// A costate at the end as it was at the start: e^(A't) times it.
    pub(super) fn back(&self, duration: f64, costate: &[f64]) -> Vec<f64> {
        let mut start = vec![0.0; costate.len()];
        for (i, d) in costate.iter().enumerate() {
            for &(k, j, value) in &self.drifts[i] {
                start[j] += value * d * duration.powi(k as i32);
            }
        }
        start
    }

    /// Cost and duration of the cheapest connection, where it costs less than `below`.
    pub(super) fn cheapest(&self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        if from == to {
            return (below > 0.0).then_some([0.0; 2]);
        }
        let highest = self.grades.iter().copied().max().unwrap_or_default() + 1;
        let mut missed = [[0.0; GREATEST_GRADE + 2]; MAX_STATES];
        for (i, missed) in missed.iter_mut().enumerate().take(self.grades.len()) {
            *missed = self.polynomial(i, from, to);
        }
        // S, by powers of s from -2 on.
        let mut form = [0.0; POWERS];
        for &(i, j, value) in &self.form {
            for (p, left) in missed[i].iter().enumerate().take(self.grades[i] + 2) {
                for (q, right) in missed[j].iter().enumerate().take(self.grades[j] + 2) {
                    form[p + q] += value * left * right;
                }
            }
        }
        // cost(t) = t + sum over p of form[p] t^(1 - p).
        let cost = |t: f64| t + t * form[..=2 * highest].iter().rev().fold(0.0, |sum, f| sum / t + f);
        if highest == 2 && form[0] == 0.0 && form[1] == 0.0 {
            // t + C1/t + C2/t^2 + C3/t^3, as of double integrators: a quartic with a closed form.
            let mut roots = [0.0; 3];
            let count = positive_roots(-form[2], -2.0 * form[3], -3.0 * form[4], &mut roots);
            let all = roots[..count].iter().map(|&t| [cost(t), t]);
            return all.filter(|[cost, _]| *cost < below).min_by(|a, b| a[0].total_cmp(&b[0]));
        }
        // Its derivative times t^(2 highest), in ascending powers of t.
        let mut slope = [0.0; POWERS];
        for (p, value) in form[..=2 * highest].iter().enumerate() {
            slope[2 * highest - p] = (1.0 - p as f64) * value;
        }
        slope[2 * highest] += 1.0;
        let slope = &slope[..=2 * highest];
        // A connection costs more than it takes: the best takes less than any costs.
        let longest = below.min(cost(1.0));
        let mut best: Option<[f64; 2]> = None;
        let (mut coefficients, degree) = bernstein(slope, 0, longest);
        for_each_bracket(&mut coefficients, degree, [0.0, longest], &mut |bracket| {
            let t = level(&form[..=2 * highest], bracket);
            let here = cost(t);
            if here < best.map_or(below, |[cost, _]| cost) {
                best = Some([here, t]);
            }
        });
        best
    }
}

/// Roots closer together than this share of their time are one.
const SAME: f64 = 1e-12;

/// Visits times between which a polynomial has one root each, ascending: between two times it has no more of them than
/// its Bernstein coefficients change their sign, and as many but for an even number (Descartes' rule). They are halved by
/// de Casteljau's algorithm until they change it once or never; most connections that would cost too much are told by the
/// latter at once.
fn for_each_bracket(
    coefficients: &mut [f64; MAX_DEGREE + 1],
    degree: usize,
    [from, to]: [f64; 2],
    visit: &mut impl FnMut([f64; 2]),
) {
    let mut signs = coefficients[..=degree].iter().filter(|c| **c != 0.0).map(|c| *c > 0.0);
    let Some(mut sign) = signs.next() else { return };
    let changes = signs.filter(|&next| std::mem::replace(&mut sign, next) != next).count();
    if changes == 1 || (changes > 1 && to - from <= SAME * to) {
        visit([from, to]);
    } else if changes > 1 {
        let middle = 0.5 * (from + to);
        // What is left of the coefficients after each round begins the second half; their first ones end the first.
        let mut first = [0.0; MAX_DEGREE + 1];
        for (round, end) in first[..=degree].iter_mut().enumerate() {
            *end = coefficients[0];
            for i in 0..degree - round {
                coefficients[i] = 0.5 * (coefficients[i] + coefficients[i + 1]);
            }
        }
        for_each_bracket(&mut first, degree, [from, middle], visit);
        for_each_bracket(coefficients, degree, [middle, to], visit);
    }
}

/// Where the slope of a cost t + sum of form[p] t^(1 - p) is level, between two times: where
/// G(t) = sum of (p - 1) form[p] t^-p is one. Newton's method for the logarithm of G by that of t, which comes at once to
/// where it is for a single power; and halving where that leaves the bracket.
fn level(form: &[f64], [mut a, mut b]: [f64; 2]) -> f64 {
    let mut t = if a > 0.0 { 0.5 * (a + b) } else { b };
    let mut rises = None;
    for _ in 0..STEPS {
        let s = t.recip();
        // G, and minus its derivative by log t.
        let (mut g, mut fall) = (0.0, 0.0);
        for (p, f) in form.iter().enumerate().rev() {
            let term = (p as f64 - 1.0) * f;
            g = g * s + term;
            fall = fall * s + p as f64 * term;
        }
        // On either side of the root the slope has one sign: that at the first time decides which.
        let is_steep = g > 1.0;
        let rises = *rises.get_or_insert_with(|| slope_rises(form, b));
        if is_steep == rises { a = t } else { b = t }
        let next = if g > 0.0 && fall > 0.0 { t * (g.ln() * g / fall).exp() } else { f64::NAN };
        if (next - t).abs() <= SAME * 1e-2 * t {
            return t;
        }
        t = if next > a && next < b { next } else { 0.5 * (a + b) };
        if b - a <= f64::EPSILON * b {
            break;
        }
    }
    t
}

/// Whether the slope is above zero at a time.
fn slope_rises(form: &[f64], t: f64) -> bool {
    let s = t.recip();
    form.iter().enumerate().rev().fold(0.0, |g, (p, f)| g * s + (p as f64 - 1.0) * f) < 1.0
}

/// Steps after which a bracket is as narrow as it gets.
const STEPS: usize = 100;

/// How many integrations each state is from the controls; `None` where ways differ, or are too long.
fn grades(a: &Matrix, b: &Matrix) -> Option<Vec<usize>> {
    let n = a.rows();
    let is_driven = |i: usize| b.row(i).iter().any(|v| *v != 0.0);
    let mut grades: Vec<Option<usize>> = (0..n).map(|i| is_driven(i).then_some(0)).collect();
    for _ in 0..n {
        for i in 0..n {
            for j in (0..n).filter(|&j| a.get(i, j) != 0.0) {
                let Some(below) = grades[j] else { continue };
                match grades[i] {
                    None => grades[i] = Some(below + 1),
                    Some(grade) if grade == below + 1 => {}
                    Some(_) => return None,
                }
            }
        }
    }
    let all: Option<Vec<usize>> = grades.into_iter().collect();
    all.filter(|all| all.iter().all(|&grade| grade <= GREATEST_GRADE))
}
