//! Progress on standard error, for anything that takes longer than a second.

use crate::plan::{Observer, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shows itself after a second, if standard error is a terminal; disappears when dropped.
pub(super) struct ProgressLine {
    bar: ProgressBar,
    done: Option<Sender<()>>,
    waiter: Option<JoinHandle<()>>,
}

impl ProgressLine {
    /// For work of unknown length.
    pub(super) fn spinner(message: &str) -> Self {
        Self::new(ProgressBar::new_spinner().with_message(message.to_owned()))
    }

    /// For so many pieces of work.
    pub(super) fn bar(pieces: usize, message: &str) -> Self {
        let bar = ProgressBar::new(pieces as u64).with_message(message.to_owned());
        let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}");
        Self::new(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    fn new(bar: ProgressBar) -> Self {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let (done, waiting) = mpsc::channel();
        let shown = bar.clone();
        let wait = move || {
            if waiting.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        };
        // Work goes on without, where there is no thread to be had.
        let waiter = std::thread::Builder::new().spawn(wait).ok();
        Self { bar, done: Some(done), waiter }
    }

    /// What tells the answers of a query here: what the best costs, by how much it may exceed the least, how often it was
    /// bettered.
    pub(super) fn observer(&self) -> Observer {
        let bar = self.bar.clone();
        Observer::new(move |progress| {
            let Progress { cost, improvements, .. } = *progress;
            let gap = progress.gap().map_or(String::new(), |gap| format!(", gap {:.0}%", 100.0 * gap));
            bar.set_message(format!("planning: cost {cost:.4}{gap}, bettered {improvements} times"));
        })
    }

    /// One piece is done.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(waiter) = self.waiter.take() {
            let _ = waiter.join();
        }
        self.bar.finish_and_clear();
    }
}
