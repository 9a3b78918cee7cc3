//! The device that a process shares: probed before anybody uses it.

use super::super::{AdapterChoice, CheckError};
use super::device::Gpu;
use super::probe::probe;
use std::sync::{Mutex, PoisonError};

/// The device that this process shares, and by which choice.
static SHARED: Mutex<Option<(AdapterChoice, Gpu)>> = Mutex::new(None);

impl Gpu {
    /// The device that this process shares: opened and probed when it is first asked for, and again
    /// when another adapter is chosen or it has failed.
    ///
    /// # Errors
    /// As for [`Gpu::open`], and where the device fails the probe.
    pub fn shared(choice: &AdapterChoice) -> Result<Self, CheckError> {
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

    /// Makes a device that the caller has opened, and goes on using, the one that this process shares by the best choice,
    /// once it has passed the probe.
    ///
    /// # Errors
    /// As for [`Gpu::of_others`], and where the device fails the probe.
    pub fn share(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, CheckError> {
        let gpu = Self::of_others(device, queue)?;
        probe(&gpu)?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        *shared = Some((AdapterChoice::Best, gpu.clone()));
        Ok(gpu)
    }

    /// That device, if it is open and works: without waiting for one that is being opened.
    pub(in super::super) fn open_already(choice: &AdapterChoice) -> Option<Self> {
        let shared = SHARED.try_lock().ok()?;
        let (_, gpu) = shared.as_ref().filter(|(same, gpu)| same == choice && gpu.health().is_ok())?;
        Some(gpu.clone())
    }
}
