//! The kernels of the wide search, compiled once for a device.

use super::super::layout::STEPS;
use super::super::task::WideSettings;
use crate::check::gpu::{DEGREE_SHIFT, Gpu};
use crate::check::packed::RAKE;
use crate::search::ExtensionSettings;

macro_rules! source {
    ($($name:literal),*) => { concat!($(include_str!(concat!("../../../shaders/", $name, ".wgsl")), "\n"),*) };
}

/// All modules, in the order in which they are joined.
pub(super) const SOURCE: &str =
    source!(
    "batch",
    "wide/search",
    "wide/plant",
    "wide/propose",
    "wide/nearest",
    "wide/steer",
    "wide/append",
    "wide/tally",
    "wide/trace"
);

/// Buffers that the kernels bind; the first and the last but two are only read.
const BINDINGS: u32 = 8;
const READ_ONLY: [u32; 2] = [0, 5];

/// One kernel per stage.
pub(super) struct Kernels {
    pub layout: wgpu::BindGroupLayout,
    pub plant: wgpu::ComputePipeline,
    pub propose: wgpu::ComputePipeline,
    pub nearest: wgpu::ComputePipeline,
    pub steer: wgpu::ComputePipeline,
    pub append: wgpu::ComputePipeline,
    pub tally: wgpu::ComputePipeline,
    pub trace: wgpu::ComputePipeline,
}

/// What the kernels have in common with the search in lanes.
pub(super) fn overrides() -> [(&'static str, f64); 10] {
    let ExtensionSettings { domain, forgiven, most_halvings, same } = ExtensionSettings::DEFAULT;
    let WideSettings { tries, slower, most_knots, .. } = WideSettings::DEFAULT;
    [
        ("RAKE", RAKE as f64),
        ("DEGREE_SHIFT", f64::from(DEGREE_SHIFT)),
        ("STEPS", f64::from(STEPS)),
        ("DOMAIN", domain),
        ("SAME", same),
        ("FORGIVEN", f64::from(forgiven)),
        ("MOST_HALVINGS", f64::from(most_halvings)),
        ("TRIES", f64::from(tries)),
        ("SLOWER", f64::from(slower)),
        ("MOST_KNOTS", f64::from(most_knots)),
    ]
}

impl Kernels {
    /// Kernels for a device.
    pub(super) fn new(gpu: &Gpu) -> Self {
        Self::of(gpu, SOURCE)
    }

    /// Kernels of a source: of another than flatout's own where a test seeds a fault.
    pub(super) fn of(gpu: &Gpu, source: &str) -> Self {
        let device = gpu.device();
        let descriptor =
            wgpu::ShaderModuleDescriptor { label: Some("wide"), source: wgpu::ShaderSource::Wgsl(source.into()) };
        let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..Default::default() };
        // SAFETY: all that is not checked is whether loops end. Those of the shaders count up or down by steps that
        // are not 0 between numbers that are fixed before they begin; `trace` follows parents, of which it counts no
        // more than MOST_KNOTS.
        let module = unsafe { device.create_shader_module_trusted(descriptor, checks) };
        let layout = gpu.storage_layout("wide", (0..BINDINGS).map(|binding| READ_ONLY.contains(&binding)));
        let constants = overrides();
        // All of the workgroup's memory is written before it is read.
        let pipeline = |entry_point| gpu.pipeline(&module, &layout, entry_point, &constants);
        Self {
            plant: pipeline("plant"),
            propose: pipeline("propose"),
            nearest: pipeline("nearest"),
            steer: pipeline("steer"),
            append: pipeline("append"),
            tally: pipeline("tally"),
            trace: pipeline("trace"),
            layout,
        }
    }
}
