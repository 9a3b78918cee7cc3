//! Least squares whose unknowns are coupled to near ones alone: normal equations in a band, by Cholesky's
//! factors. A band as wide as there are unknowns is a dense matrix. Imports nothing of flatout.

/// A symmetric positive definite matrix, its lower triangle within a band, and a right-hand side.
#[derive(Clone, Debug, Default)]
pub struct Band {
    width: usize,
    /// Row by row, `width` entries each: the last is that of the diagonal.
    entries: Vec<f64>,
    right: Vec<f64>,
}

impl Band {
    /// Sets up for so many unknowns, none of which is coupled to one `width` or more from it.
    pub fn reset(&mut self, unknowns: usize, width: usize) {
        self.width = width;
        self.entries.clear();
        self.entries.resize(unknowns * width, 0.0);
        self.right.clear();
        self.right.resize(unknowns, 0.0);
    }

    fn at(&self, row: usize, column: usize) -> usize {
        row * self.width + self.width - 1 + column - row
    }

    /// Adds `weight` times the square of a linear form of the unknowns from `first` on, less `target`.
    pub fn add(&mut self, first: usize, form: &[f64], target: f64, weight: f64) {
        for (i, &a) in form.iter().enumerate() {
            let row = first + i;
            let begin = self.at(row, first);
            for (entry, &b) in self.entries[begin..=begin + i].iter_mut().zip(form) {
                *entry += weight * a * b;
            }
            self.right[row] += weight * a * target;
        }
    }

    /// Adds `weight` times another such matrix and right-hand side.
    pub fn add_all(&mut self, other: &Self, weight: f64) {
        let add = |(ours, theirs): (&mut f64, &f64)| *ours += weight * theirs;
        self.entries.iter_mut().zip(&other.entries).for_each(add);
        self.right.iter_mut().zip(&other.right).for_each(add);
    }

    /// Adds to every entry of the diagonal.
    pub fn lift(&mut self, by: f64) {
        self.entries.iter_mut().skip(self.width - 1).step_by(self.width).for_each(|entry| *entry += by);
    }

    /// Adds to one entry of the diagonal.
    pub fn lift_at(&mut self, row: usize, by: f64) {
        let at = self.at(row, row);
        self.entries[at] += by;
    }

    /// The unknowns, by Cholesky's factors; `None` where the matrix is not positive definite.
    pub fn solve(&mut self) -> Option<&[f64]> {
        self.factor()?;
        let mut right = std::mem::take(&mut self.right);
        self.substitute(&mut right);
        self.right = right;
        Some(&self.right)
    }

    /// Puts Cholesky's factor in place of the matrix; `None` where that is not positive definite.
    pub fn factor(&mut self) -> Option<()> {
        for row in 0..self.right.len() {
            let first = (row + 1).saturating_sub(self.width);
            for column in first..=row {
                let shared = first.max((column + 1).saturating_sub(self.width));
                let [a, b] = [row, column].map(|r| self.at(r, shared));
                let inner = column - shared;
                let sum = dot(&self.entries[a..][..inner], &self.entries[b..][..inner]);
                let at = self.at(row, column);
                let rest = self.entries[at] - sum;
                self.entries[at] = match column == row {
                    true if rest > 0.0 => rest.sqrt(),
                    true => return None,
                    false => rest / self.entries[self.at(column, column)],
                };
            }
        }
        Some(())
    }

    /// Puts the unknowns in place of a right-hand side, by the factor of the matrix.
    pub fn substitute(&self, right: &mut [f64]) {
        for row in 0..right.len() {
            let first = (row + 1).saturating_sub(self.width);
            let known = row - first;
            let sum = dot(&self.entries[self.at(row, first)..][..known], &right[first..row]);
            right[row] = (right[row] - sum) / self.entries[self.at(row, row)];
        }
        for row in (0..right.len()).rev() {
            right[row] /= self.entries[self.at(row, row)];
            let solved = right[row];
            let first = (row + 1).saturating_sub(self.width);
            let entries = &self.entries[self.at(row, first)..][..row - first];
            right[first..row].iter_mut().zip(entries).for_each(|(x, entry)| *x -= entry * solved);
        }
    }
}

/// The scalar product, as far as both go.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The gradient of the squares vanishes where they are least.
        #[test]
        fn squares_are_least(
            forms in prop::collection::vec((0..8_usize, prop::array::uniform3(-1.0..1.0_f64), -1.0..1.0_f64), 1..20),
        ) {
            const TIED: f64 = 1e-3;
            let mut band = Band::default();
            band.reset(10, 3);
            forms.iter().for_each(|(first, form, target)| band.add(*first, form, *target, 2.0));
            band.lift(TIED);
            let solved = band.solve().unwrap().to_vec();
            let mut gradient: Vec<f64> = solved.iter().map(|x| TIED * x).collect();
            for (first, form, target) in &forms {
                let off = form.iter().zip(&solved[*first..]).map(|(a, x)| a * x).sum::<f64>() - target;
                form.iter().zip(&mut gradient[*first..]).for_each(|(a, g)| *g += 2.0 * a * off);
            }
            prop_assert!(gradient.iter().all(|g| g.abs() < 1e-9), "{gradient:?}");
        }
    }

    #[test]
    fn what_nothing_determines_is_not_solved() {
        let mut band = Band::default();
        band.reset(3, 2);
        band.add(0, &[1.0, 1.0], 1.0, 1.0);
        assert!(band.solve().is_none());
    }
}
