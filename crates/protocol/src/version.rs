use std::fmt;

/// The versions `min..=max` of a message or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The first version.
    pub min: i16,
    /// The last version; `i16::MAX` if none is known.
    pub max: i16,
}

impl VersionRange {
    /// The versions `min..=max`.
    pub const fn new(min: i16, max: i16) -> VersionRange {
        assert!(min >= 0 && min <= max, "a range of versions is not empty");
        VersionRange { min, max }
    }

    /// Whether `version` is one of them.
    pub const fn contains(self, version: i16) -> bool {
        version >= self.min && version <= self.max
    }

    /// The versions that both ranges have.
    pub const fn intersection(self, other: VersionRange) -> Option<VersionRange> {
        let min = if self.min > other.min {
            self.min
        } else {
            other.min
        };
        let max = if self.max < other.max {
            self.max
        } else {
            other.max
        };
        if min <= max {
            Some(VersionRange { min, max })
        } else {
            None
        }
    }

    /// Every version, first to last.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i16> {
        self.min..=self.max
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{}-{}", self.min, self.max)
        }
    }
}
