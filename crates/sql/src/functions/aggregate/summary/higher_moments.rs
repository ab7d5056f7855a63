//! Central moments, value by value and part by part (Chan, Golub and LeVeque; Pébay), added up in
//! the order Spark does it.

/// How many values there are, their mean, and the sums of powers of their distance from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct HigherMoments {
    n: f64,
    mean: f64,
    m2: f64,
    m3: f64,
    m4: f64,
}

impl HigherMoments {
    pub(super) fn parts(&self) -> [f64; 5] {
        [self.n, self.mean, self.m2, self.m3, self.m4]
    }

    pub(super) fn from_parts([n, mean, m2, m3, m4]: [f64; 5]) -> Self {
        Self {
            n,
            mean,
            m2,
            m3,
            m4,
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.n += 1.0;
        let delta = value - self.mean;
        let part = delta / self.n;
        self.mean += part;
        self.m2 += delta * (delta - part);
        let (square, square_part) = (delta * delta, part * part);
        self.m3 = self.m3 - 3.0 * part * self.m2 + delta * (square - square_part);
        self.m4 = self.m4 - 4.0 * part * self.m3 - 6.0 * square_part * self.m2
            + delta * (delta * square - part * square_part);
    }

    pub(super) fn merge(&mut self, other: Self) {
        if other.n == 0.0 {
            return;
        }
        if other.n == 1.0 {
            // To the last digit what comes of the values one after the other.
            self.add(other.mean);
            return;
        }
        let (n1, n2) = (self.n, other.n);
        let n = n1 + n2;
        let delta = other.mean - self.mean;
        let part = delta / n;
        let m4 = self.m4
            + other.m4
            + part * part * part * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
            + 6.0 * part * part * (n1 * n1 * other.m2 + n2 * n2 * self.m2)
            + 4.0 * part * (n1 * other.m3 - n2 * self.m3);
        let m3 = self.m3
            + other.m3
            + part * part * delta * n1 * n2 * (n1 - n2)
            + 3.0 * part * (n1 * other.m2 - n2 * self.m2);
        let m2 = self.m2 + other.m2 + delta * part * n1 * n2;
        *self = Self {
            n,
            mean: self.mean + part * n2,
            m2,
            m3,
            m4,
        };
    }

    pub(super) fn skewness(&self) -> Option<f64> {
        let spread = (self.n > 0.0 && self.m2 != 0.0).then_some(self.m2)?;
        Some(self.n.sqrt() * self.m3 / (spread * spread * spread).sqrt())
    }

    pub(super) fn kurtosis(&self) -> Option<f64> {
        let spread = (self.n > 0.0 && self.m2 != 0.0).then_some(self.m2)?;
        Some(self.n * self.m4 / (spread * spread) - 3.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> HigherMoments {
        let mut moments = HigherMoments::default();
        values.iter().for_each(|value| moments.add(*value));
        moments
    }

    #[test]
    fn parts_come_to_the_moments_of_all() {
        let values = [-10.0, -20.0, 100.0, 1000.0, 3.5, 3.5, 0.25];
        for cut in 0..=values.len() {
            let mut merged = of(&values[..cut]);
            merged.merge(of(&values[cut..]));
            let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-9;
            assert!(near(merged.skewness(), of(&values).skewness()), "{cut}");
            assert!(near(merged.kurtosis(), of(&values).kurtosis()), "{cut}");
        }
    }

    #[test]
    fn nothing_and_values_without_spread_have_no_shape() {
        assert_eq!(of(&[]).skewness(), None);
        assert_eq!(of(&[2.0, 2.0]).kurtosis(), None);
    }
}
