//! Small dense matrices, as linear systems of a dozen states need them. Imports nothing.

/// A matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, columns, values: vec![0.0; rows * columns] }
    }

    pub(super) fn identity(size: usize) -> Self {
        let mut identity = Self::zeros(size, size);
        (0..size).for_each(|i| identity.set(i, i, 1.0));
        identity
    }

    /// A matrix of these rows, all of one length.
    pub(super) fn of_rows(rows: &[Vec<f64>]) -> Self {
        Self { rows: rows.len(), columns: rows.first().map_or(0, Vec::len), values: rows.concat() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    pub(super) fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.columns + j]
    }

    pub(super) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.columns + j] = value;
    }

    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(super) fn transposed(&self) -> Self {
        let mut other = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                other.set(j, i, self.get(i, j));
            }
        }
        other
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self { values: self.values.iter().map(|v| v * factor).collect(), ..*self }
    }

    /// This and `factor` times another of the same shape.
    pub(super) fn plus(&self, other: &Self, factor: f64) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| a + factor * b).collect();
        Self { values, ..*self }
    }

    /// Adds `factor` times another of the same shape.
    pub(super) fn add(&mut self, other: &Self, factor: f64) {
        self.values.iter_mut().zip(&other.values).for_each(|(a, b)| *a += factor * b);
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for (k, &a) in self.row(i).iter().enumerate().filter(|(_, a)| **a != 0.0) {
                let row = &mut product.values[i * other.columns..(i + 1) * other.columns];
                row.iter_mut().zip(other.row(k)).for_each(|(sum, b)| *sum += a * b);
            }
        }
        product
    }

    /// The product with a column.
    pub(super) fn apply(&self, column: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|i| dot(self.row(i), column)).collect()
    }

    /// The product of the transposed with a column.
    pub(super) fn apply_transposed(&self, column: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.columns];
        for (i, c) in column.iter().enumerate() {
            product.iter_mut().zip(self.row(i)).for_each(|(sum, a)| *sum += a * c);
        }
        product
    }

    /// The greatest sum of magnitudes in a row: how much it stretches what is measured by its greatest component.
    pub(super) fn norm(&self) -> f64 {
        let sum = |i| self.row(i).iter().map(|v: &f64| v.abs()).sum::<f64>();
        (0..self.rows).map(sum).fold(0.0, f64::max)
    }
}

/// Sum of the products of components.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The Cholesky factor of a symmetric matrix whose rows and columns were brought to a diagonal of ones: Gramians over
/// short times have entries of very different sizes, and so their factors are as good as those over long ones.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    /// The lower triangle.
    lower: Matrix,
    /// What rows and columns were multiplied by.
    scales: Vec<f64>,
}

/// Pivots below this, of a matrix with a diagonal of ones, are rounding: it is not positive definite.
const LEAST_PIVOT: f64 = 1e-13;

impl Factor {
    /// That of a matrix; `None` where it is not positive definite.
    pub(super) fn of(matrix: &Matrix) -> Option<Self> {
        Self::find(matrix).ok()
    }

    /// The same, or which row and column are the first that keep it from being positive definite.
    pub(super) fn find(matrix: &Matrix) -> Result<Self, usize> {
        let size = matrix.rows;
        let scales: Vec<f64> = (0..size).map(|i| matrix.get(i, i).sqrt().recip()).collect();
        if let Some(i) = scales.iter().position(|s| !s.is_finite()) {
            return Err(i);
        }
        let mut lower = Matrix::zeros(size, size);
        for i in 0..size {
            for j in 0..=i {
                let own = matrix.get(i, j) * scales[i] * scales[j];
                let rest = own - dot(&lower.row(i)[..j], &lower.row(j)[..j]);
                if i > j {
                    lower.set(i, j, rest / lower.get(j, j));
                } else if rest > LEAST_PIVOT {
                    lower.set(i, i, rest.sqrt());
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self { lower, scales })
    }

    /// Solves for the column whose product with the matrix is `column`, in its place.
    pub(super) fn solve(&self, column: &mut [f64]) {
        column.iter_mut().zip(&self.scales).for_each(|(c, s)| *c *= s);
        let size = column.len();
        for i in 0..size {
            let known = dot(&self.lower.row(i)[..i], &column[..i]);
            column[i] = (column[i] - known) / self.lower.get(i, i);
        }
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| self.lower.get(k, i) * column[k]).sum();
            column[i] = (column[i] - known) / self.lower.get(i, i);
        }
        column.iter_mut().zip(&self.scales).for_each(|(c, s)| *c *= s);
    }

    /// The square root of the matrix's determinant.
    pub(super) fn root_of_determinant(&self) -> f64 {
        self.scales.iter().enumerate().map(|(i, scale)| self.lower.get(i, i) / scale).product()
    }

    /// The inverse of the matrix.
    pub(super) fn inverse(&self) -> Matrix {
        let size = self.scales.len();
        let mut inverse = Matrix::zeros(size, size);
        let mut column = vec![0.0; size];
        for j in 0..size {
            column.fill(0.0);
            column[j] = 1.0;
            self.solve(&mut column);
            column.iter().enumerate().for_each(|(i, &value)| inverse.set(i, j, value));
        }
        inverse
    }
}
