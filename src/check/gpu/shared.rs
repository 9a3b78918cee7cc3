//! The device that a process shares: probed before anybody uses it.

use super::super::{AdapterChoice, CheckError};
use super::device::Gpu;
use super::probe::probe;
use std::sync::{Mutex, PoisonError};

/// The device that this process shares, and by which choice.
static SHARED: Mutex<Option<(AdapterChoice, Gpu)>> = Mutex::new(None);

/// The best device, where a caller has handed one in.
static CALLERS: Mutex<Option<Gpu>> = Mutex::new(None);

/// A caller's device, where that is what is chosen.
fn callers(choice: &AdapterChoice) -> Option<Gpu> {
    let callers = CALLERS.lock().unwrap_or_else(PoisonError::into_inner);
    callers.clone().filter(|_| *choice == AdapterChoice::Best)
}

impl Gpu {
    /// The device that this process shares: opened and probed when it is first asked for, and again
    /// when another adapter is chosen or it has failed.
    ///
    /// # Errors
    /// As for [`Gpu::open`], and where the device fails the probe.
    pub fn shared(choice: &AdapterChoice) -> Result<Self, CheckError> {
        if let Some(gpu) = callers(choice) {
            gpu.health()?;
            return Ok(gpu);
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, gpu)) = &*shared
            && same == choice
            && gpu.health().is_ok()
        {
            return Ok(gpu.clone());
        }
        let gpu = Self::open(choice)?;
        probe(&gpu)?;
        *shared = Some((choice.clone(), gpu.clone()));
        Ok(gpu)
    }

    /// Makes a device that the caller has opened, and goes on using, the one that this process shares by the best choice
    /// from now on, once it has passed the probe. Another may take its place, but none is opened.
    ///
    /// # Errors
    /// As for [`Gpu::of_others`], and where the device fails the probe.
    pub fn share(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, CheckError> {
        let gpu = Self::of_others(device, queue)?;
        probe(&gpu)?;
        *CALLERS.lock().unwrap_or_else(PoisonError::into_inner) = Some(gpu.clone());
        Ok(gpu)
    }

    /// That device, if it is open and works: without waiting for one that is being opened.
    pub(in super::super) fn open_already(choice: &AdapterChoice) -> Option<Self> {
        if let Some(gpu) = callers(choice) {
            return gpu.health().is_ok().then_some(gpu);
        }
        let shared = SHARED.try_lock().ok()?;
        let (_, gpu) = shared.as_ref().filter(|(same, gpu)| same == choice && gpu.health().is_ok())?;
        Some(gpu.clone())
    }
}
