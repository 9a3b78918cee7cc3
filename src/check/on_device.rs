//! What a checker tells of its device to those who do more there than check.

/// A problem on a device, and how its checker looks at it.
#[derive(Clone)]
pub struct OnDevice {
    /// The problems on the device.
    #[cfg(feature = "gpu")]
    pub(crate) pool: super::gpu::GpuPool,
    /// Its number among them.
    pub(crate) problem: usize,
    /// What every sphere is grown by, metres.
    pub(crate) padding: f64,
    /// Farthest that a sphere moves between two samples of an edge, metres.
    pub(crate) resolution: f64,
}
