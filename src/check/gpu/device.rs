//! Adapters and devices: which there are, which is chosen, its pipelines, and whether it still works.
//! Imports `check::gpu::shaders`, `layout` and the checker's error.

use super::super::{AdapterChoice, CheckError};
use super::layout::Needs;
use super::shaders::{self, ENTRY_POINTS, Memory, Module, Vote};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wgpu::{AdapterInfo, Backends, DeviceType, Features, Limits};

/// Threads per workgroup: two rakes, and a whole subgroup on most adapters, which keeps the threads
/// of an edge in step without barriers.
pub(super) const WORKGROUP: u32 = 32;

/// Numbers that a thread keeps in memory of its own, at most; a buffer holds those of larger robots.
const MOST_PRIVATE: usize = 1024;

/// What is used where an adapter has it.
const OPTIONAL: Features = Features::TIMESTAMP_QUERY.union(Features::SUBGROUP);

/// Storage buffers that a stage binds, at most.
const STORAGE_BUFFERS: u32 = 8;
/// Those that it only reads.
const READ_BINDINGS: usize = 6;

/// Longest wait for one submission; no batch that fits in one takes nearly as long.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// What is known of an adapter without opening it.
#[derive(Clone, Debug)]
pub struct AdapterDescription {
    /// Name, as its driver gives it.
    pub name: String,
    /// Interface to its driver: `vulkan`, `metal`, `dx12`.
    pub api: String,
    /// Kind: `discrete`, `integrated`, `virtual`, `software`, `other`.
    pub kind: &'static str,
    /// Driver, with its version.
    pub driver: String,
    /// Largest buffer that a shader can read as one, bytes.
    pub storage_binding: u64,
    /// Memory of a workgroup, bytes.
    pub workgroup_memory: u32,
    /// Threads of a workgroup, at most.
    pub workgroup_threads: u32,
    /// Threads that run in step, at least and at most.
    pub subgroup: (u32, u32),
    /// Whether those that run in step can be asked together.
    pub votes: bool,
    /// Whether the device can time its own work.
    pub timestamps: bool,
}

impl AdapterDescription {
    fn new(adapter: &wgpu::Adapter) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        Self {
            api: info.backend.to_string(),
            kind: kind(info.device_type),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            storage_binding: limits.max_storage_buffer_binding_size,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            workgroup_threads: limits.max_compute_invocations_per_workgroup,
            subgroup: (info.subgroup_min_size, info.subgroup_max_size),
            votes: adapter.features().contains(Features::SUBGROUP),
            timestamps: adapter.features().contains(Features::TIMESTAMP_QUERY),
            name: info.name,
        }
    }
}

fn kind(device_type: DeviceType) -> &'static str {
    match device_type {
        DeviceType::DiscreteGpu => "discrete",
        DeviceType::IntegratedGpu => "integrated",
        DeviceType::VirtualGpu => "virtual",
        DeviceType::Cpu => "software",
        DeviceType::Other => "other",
    }
}

fn rank(device_type: DeviceType) -> usize {
    let order =
        [DeviceType::DiscreteGpu, DeviceType::IntegratedGpu, DeviceType::VirtualGpu, DeviceType::Other];
    order.iter().position(|&t| t == device_type).unwrap_or(order.len())
}

/// All adapters of this machine, in the order of their numbers. `WGPU_BACKEND` in the environment
/// (`vulkan`, `metal`, `dx12`) says which interfaces are asked.
pub fn adapters() -> Vec<AdapterDescription> {
    enumerate().iter().map(AdapterDescription::new).collect()
}

fn enumerate() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    pollster::block_on(instance.enumerate_adapters(Backends::all()))
}

fn error(message: impl Into<String>) -> CheckError {
    CheckError::Backend { backend: "gpu".to_owned(), message: message.into() }
}

fn choose(choice: &AdapterChoice) -> Result<wgpu::Adapter, CheckError> {
    let mut adapters = enumerate();
    if adapters.is_empty() {
        let asked = std::env::var("WGPU_BACKEND").map_or_else(
            |_| "no driver of Vulkan, Metal or DirectX 12 offers one".to_owned(),
            |names| format!("WGPU_BACKEND={names} leaves none"),
        );
        return Err(error(format!("there is no adapter: {asked}")));
    }
    let name = match choice {
        AdapterChoice::Name(name) => Some(name.clone()),
        AdapterChoice::Best => std::env::var("WGPU_ADAPTER_NAME").ok(),
        AdapterChoice::Index(_) => None,
    };
    let names: Vec<String> = adapters.iter().map(|a| a.get_info().name).collect();
    let chosen = match (choice, name) {
        (&AdapterChoice::Index(i), _) => Some(i).filter(|&i| i < adapters.len()),
        (_, Some(name)) => names.iter().position(|n| n.to_lowercase().contains(&name.to_lowercase())),
        _ => (0..adapters.len()).min_by_key(|&i| rank(adapters[i].get_info().device_type)),
    };
    let list = || names.iter().enumerate().map(|(i, n)| format!("{i}: {n}")).collect::<Vec<_>>().join("; ");
    let chosen = chosen.ok_or_else(|| error(format!("no adapter {choice}; there are {}", list())))?;
    Ok(adapters.swap_remove(chosen))
}

/// An open device and its pipelines; clones share it.
#[derive(Clone)]
pub struct Gpu(Arc<Inner>);

struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    limits: Limits,
    /// Why the device can no longer be used; the first reason stays.
    failure: Arc<Mutex<Option<String>>>,
    pipelines: Mutex<HashMap<PipelineKey, Arc<Pipelines>>>,
    /// See [`Gpu::keep`].
    kept: Mutex<HashMap<TypeId, Kept>>,
}

/// Something that is kept with a device.
type Kept = Arc<dyn Any + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PipelineKey {
    memory: Memory,
    vote: Vote,
    words: u32,
    vehicles: bool,
}

/// The kernels for robots of one size.
pub(super) struct Pipelines {
    pub memory: Memory,
    /// Numbers that a thread keeps, at most.
    pub words: u32,
    pub layout: wgpu::BindGroupLayout,
    pub edges: wgpu::ComputePipeline,
    pub states: wgpu::ComputePipeline,
}

impl Gpu {
    /// Opens the device of the adapter that is chosen. Whether its answers can be trusted is for
    /// [`super::probe`] to say.
    ///
    /// # Errors
    /// Where there is no such adapter, it lacks what the shaders need, or its driver fails.
    pub fn open(choice: &AdapterChoice) -> Result<Self, CheckError> {
        let adapter = choose(choice)?;
        let limits = adapter.limits();
        Self::open_adapter(&adapter, limits, OPTIONAL)
    }

    /// As [`Gpu::open`], held to the least that every adapter of WebGPU's default class has: its
    /// limits, and no optional feature.
    ///
    /// # Errors
    /// As for [`Gpu::open`].
    pub fn open_limited(choice: &AdapterChoice) -> Result<Self, CheckError> {
        Self::open_adapter(&choose(choice)?, Limits::defaults(), Features::empty())
    }

    fn open_adapter(
        adapter: &wgpu::Adapter,
        required_limits: Limits,
        optional: Features,
    ) -> Result<Self, CheckError> {
        let info = adapter.get_info();
        admit(&info, &required_limits)?;
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("flatout"),
            required_features: adapter.features() & optional,
            required_limits: required_limits.clone(),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|e| error(format!("adapter {}: {e}", info.name)))?;
        let failure = Arc::new(Mutex::new(None));
        let (lost, failed) = (failure.clone(), failure.clone());
        device.set_device_lost_callback(move |reason, message| {
            fail(&lost, format!("the device was lost ({reason:?}): {message}"));
        });
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| fail(&failed, e.to_string())));
        Ok(Self::with(device, queue, info, required_limits, failure))
    }

    /// A device that somebody else has opened, and goes on using. Its callbacks remain theirs, so that a loss is only
    /// noticed when something fails.
    ///
    /// # Errors
    /// Where it lacks what the shaders need.
    pub fn of_others(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, CheckError> {
        let (info, limits) = (device.adapter_info(), device.limits());
        admit(&info, &limits)?;
        Ok(Self::with(device, queue, info, limits, Arc::default()))
    }

    fn with(
        device: wgpu::Device,
        queue: wgpu::Queue,
        info: AdapterInfo,
        limits: Limits,
        failure: Arc<Mutex<Option<String>>>,
    ) -> Self {
        let (pipelines, kept) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { device, queue, info, limits, failure, pipelines, kept }))
    }

    /// What other rooms have made for this device and use again and again, one of each type: made when first asked for.
    pub(crate) fn keep<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> Result<Arc<T>, CheckError> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&TypeId::of::<T>()).and_then(|known| known.clone().downcast().ok()) {
            return Ok(known);
        }
        let made = Arc::new(make(self));
        self.health()?;
        kept.insert(TypeId::of::<T>(), made.clone());
        Ok(made)
    }

    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Name of the adapter.
    pub fn name(&self) -> &str {
        &self.0.info.name
    }

    /// Whether the adapter is software on the CPU.
    pub fn is_software(&self) -> bool {
        self.0.info.device_type == DeviceType::Cpu
    }

    /// Whether the device can time its own work.
    pub fn has_timestamps(&self) -> bool {
        self.device().features().contains(Features::TIMESTAMP_QUERY)
    }

    /// Gives the device up, as if it had been lost: what is under way fails, and so does all that
    /// follows.
    pub fn destroy(&self) {
        self.device().destroy();
    }

    /// An error of this device: `message`, or what is behind it.
    pub(crate) fn error(&self, message: impl Into<String>) -> CheckError {
        // Only those who poll are told that a device is lost.
        let _ = self.device().poll(wgpu::PollType::Poll);
        self.health().err().unwrap_or_else(|| self.failure(message.into()))
    }

    /// An error of this device.
    pub(super) fn failure(&self, message: String) -> CheckError {
        CheckError::Backend { backend: format!("gpu/{}", self.name()), message }
    }

    /// Whether the device still works.
    ///
    /// # Errors
    /// The first thing that went wrong with it.
    pub fn health(&self) -> Result<(), CheckError> {
        let failure = self.0.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().map_or(Ok(()), |message| Err(self.failure(message.clone())))
    }

    /// Waits until a submission is done and its callbacks have run.
    pub(crate) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), CheckError> {
        let until = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        if let Err(e) = self.device().poll(until) {
            // A loss is told to those who poll, but not before this error.
            let _ = self.device().poll(wgpu::PollType::Poll);
            fail(&self.0.failure, format!("the device was lost, or does not answer: {e}"));
        }
        self.health()
    }

    /// The kernels for problems with such needs; compiled when first asked for.
    pub(super) fn pipelines(&self, needs: Needs) -> Result<Arc<Pipelines>, CheckError> {
        let key = self.key(needs);
        let mut pipelines = self.0.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pipelines.get(&key) {
            return Ok(known.clone());
        }
        let built = Arc::new(self.build(key, &shaders::modules(key.memory, key.vote)));
        self.health()?;
        pipelines.insert(key, built.clone());
        Ok(built)
    }

    /// Kernels of other modules than flatout's own: how tests seed a fault.
    #[cfg(test)]
    pub(super) fn pipelines_of(
        &self,
        needs: Needs,
        alter: impl FnOnce(&mut [Module]),
    ) -> Result<Arc<Pipelines>, CheckError> {
        let key = self.key(needs);
        let mut modules = shaders::modules(key.memory, key.vote);
        alter(&mut modules);
        let built = Arc::new(self.build(key, &modules));
        self.health()?;
        Ok(built)
    }

    fn key(&self, Needs { words, vehicles }: Needs) -> PipelineKey {
        let memory = if words <= MOST_PRIVATE { Memory::Private } else { Memory::Storage };
        // Robots of about one size share their kernels.
        let words = words.max(1).next_multiple_of(16) as u32;
        let votes = self.device().features().contains(Features::SUBGROUP);
        let vote = if votes { Vote::Subgroup } else { Vote::Workgroup };
        PipelineKey { memory, vote, words, vehicles }
    }

    fn build(&self, key: PipelineKey, modules: &[Module]) -> Pipelines {
        let device = self.device();
        let label = modules.iter().map(|m| m.name).collect::<Vec<_>>().join(" + ");
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(&label),
            source: wgpu::ShaderSource::Wgsl(shaders::join(modules, key.words).into()),
        };
        let checks = wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..Default::default() };
        // SAFETY: all that is not checked is whether loops end. Those of the shaders count up or down, by steps
        // that are not 0, between numbers that the source, a table, a head or the batch gives; but for the walk
        // over a hierarchy, which goes on to a node of a greater number at every step, as `hierarchy` numbers
        // them.
        let module = unsafe { device.create_shader_module_trusted(descriptor, checks) };
        let written = if key.memory == Memory::Storage { 2 } else { 1 };
        // What is only read, the report, and the words where a buffer holds them.
        let read_only = std::iter::repeat_n(true, READ_BINDINGS).chain(std::iter::repeat_n(false, written));
        let layout = self.storage_layout("check", read_only);
        let constants = shaders::overrides(WORKGROUP, key.vehicles);
        // All that is in the workgroup's memory is the vote on an edge, which begins with a reset; states have none.
        let [edges, states] = ENTRY_POINTS.map(|entry| self.pipeline(&module, &layout, entry, &constants));
        Pipelines { memory: key.memory, words: key.words, layout, edges, states }
    }

    /// A kernel whose workgroups' memory is not zero at first.
    pub(crate) fn pipeline(
        &self,
        module: &wgpu::ShaderModule,
        layout: &wgpu::BindGroupLayout,
        entry_point: &str,
        constants: &[(&str, f64)],
    ) -> wgpu::ComputePipeline {
        let layout = self.device().create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(entry_point),
            bind_group_layouts: &[Some(layout)],
            immediate_size: 0,
        });
        self.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry_point),
            layout: Some(&layout),
            module,
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }

    /// Storage buffers that kernels bind, each only read or not, from binding 0 on.
    pub(crate) fn storage_layout(
        &self,
        label: &str,
        read_only: impl Iterator<Item = bool>,
    ) -> wgpu::BindGroupLayout {
        let entry = |(binding, read_only)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<_> = (0..).zip(read_only).map(entry).collect();
        let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries };
        self.device().create_bind_group_layout(&descriptor)
    }
}

/// Refuses a device that lacks what the shaders need.
fn admit(info: &AdapterInfo, limits: &Limits) -> Result<(), CheckError> {
    let (offered, threads) =
        (limits.max_storage_buffers_per_shader_stage, limits.max_compute_invocations_per_workgroup);
    if offered < STORAGE_BUFFERS || threads < WORKGROUP {
        return Err(error(format!(
            "adapter {} binds {offered} storage buffers per stage and runs {threads} threads together; \
             {STORAGE_BUFFERS} and {WORKGROUP} are needed",
            info.name
        )));
    }
    Ok(())
}

fn fail(failure: &Mutex<Option<String>>, message: String) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
}
