//! How far a node of a tree is extended, and from how far it takes samples.

/// The numbers of extensions, the same for every problem and every search.
pub struct ExtensionSettings {
    /// A node whose extension has failed takes samples from no farther than so many times the longest edge (dynamic
    /// domain: Yershova, Jaillet, Simeon, LaValle, *Dynamic-domain RRTs*, ICRA 2005). A few edges: farther samples pull
    /// at a node that is known to be hemmed in, nearer ones would leave no way around.
    pub domain: f64,
    /// Extensions of a node that may fail before its steps are halved, after three times as many halved again, and so
    /// on. Over crowded random arms 16, 64 and 256 differ by chance alone: without any the tail is half as long again.
    pub forgiven: u32,
    /// Steps are not halved more often than this: a node has failed some four thousand times by then, and steps are a
    /// 64th.
    pub most_halvings: u32,
    /// Two positions closer than this share of the longest edge are one: what rounding makes, and far less than any
    /// step.
    pub same: f64,
}

impl ExtensionSettings {
    /// Those of every search.
    pub const DEFAULT: Self = Self { domain: 5.0, forgiven: 64, most_halvings: 6, same: 1e-9 };

    /// Whether a node of which so many extensions have failed takes a sample from so far, where the longest edge is
    /// `range`.
    pub fn takes(&self, failures: u32, distance: f64, range: f64) -> bool {
        distance >= self.same * range && (failures == 0 || distance <= self.domain * range)
    }

    /// How often the steps of a node are halved of which so many extensions have failed.
    pub fn halvings(&self, failures: u32) -> u32 {
        (1 + failures / self.forgiven).ilog2().min(self.most_halvings)
    }
}

/// The share of the longest edge by which a node is extended of which so many extensions have failed: where it is
/// tight, only short steps lead anywhere. (In the spirit of the radii of Jaillet, Yershova, LaValle and Simeon,
/// *Adaptive tuning of the sampling domain for dynamic-domain RRTs*, IROS 2005.)
pub fn step(failures: u32) -> f64 {
    0.5_f64.powi(ExtensionSettings::DEFAULT.halvings(failures) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_halved_where_extensions_fail() {
        assert_eq!([0, 63, 64, 191, 192, 448].map(step), [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]);
        assert_eq!(step(u32::MAX), 0.5_f64.powi(6));
    }

    #[test]
    fn failed_nodes_take_near_samples_alone() {
        let settings = ExtensionSettings::DEFAULT;
        assert!(settings.takes(0, 9.0, 1.0) && settings.takes(1, 4.9, 1.0));
        assert!(!settings.takes(1, 5.1, 1.0) && !settings.takes(0, 0.0, 1.0));
    }
}
