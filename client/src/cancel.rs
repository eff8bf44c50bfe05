//! The handle that ends a payment from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::PayError;

/// How often a call that waits for something looks whether it was cancelled.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// Ends payments from another thread. All clones are the same handle.
///
/// A payment that is cancelled returns [`PayError::Cancelled`] within about a tenth of a second,
/// whatever it is waiting for. A handle stays cancelled: payments that begin later end at once.
///
/// ```
/// use powtcp_client::{Cancel, PayError, Payer};
///
/// let cancel = Cancel::new();
/// let payer = Payer::new().cancel_with(&cancel);
/// // Usually another thread does this, after `connect` was called.
/// cancel.cancel();
/// assert!(matches!(payer.connect("127.0.0.1:1"), Err(PayError::Cancelled)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// The handle is cancelled when the flag becomes true, for example in a signal handler.
impl From<Arc<AtomicBool>> for Cancel {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

impl Cancel {
    /// Creates a handle that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all payments that were given this handle.
    pub fn cancel(&self) {
        self.0.store(true, Relaxed);
    }

    /// Returns whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Returns an error once the handle is cancelled.
    pub(crate) fn check(&self) -> Result<(), PayError> {
        if self.is_cancelled() {
            return Err(PayError::Cancelled);
        }
        Ok(())
    }

    /// Sleeps until `end`.
    ///
    /// # Errors
    /// [`PayError::Cancelled`], soon after the handle was cancelled.
    pub(crate) fn sleep_until(&self, end: Instant) -> Result<(), PayError> {
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(TICK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_can_be_shared<T: Send + Sync + Clone + 'static>(value: T) -> T {
        value
    }

    #[test]
    fn a_clone_on_another_thread_cancels_a_sleep() {
        let cancel = assert_can_be_shared(Cancel::new());
        let other = cancel.clone();
        let canceller = thread::spawn(move || other.cancel());
        let hour = Instant::now() + Duration::from_secs(3_600);
        let slept = cancel.sleep_until(hour);
        assert!(matches!(slept, Err(PayError::Cancelled)));
        canceller.join().unwrap();
    }

    #[test]
    fn a_sleep_without_a_cancel_ends_at_its_time() {
        let end = Instant::now() + TICK;
        assert!(Cancel::new().sleep_until(end).is_ok());
        assert!(Instant::now() >= end);
    }
}
