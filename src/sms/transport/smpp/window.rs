//! The window: a limit on submits without a response. A task that waits for a free
//! slot is notified and does not reserve it, as it would with a semaphore: a
//! reserved slot that is not used would be lost to the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The slots of one connection.
pub(super) struct Window {
    size: usize,
    used: AtomicUsize,
    is_closing: AtomicBool,
    is_closed: AtomicBool,
    changed: Notify,
}

/// A slot in use; dropping it frees the slot.
pub(super) struct WindowSlot<'a>(&'a Window);

impl Drop for WindowSlot<'_> {
    fn drop(&mut self) {
        self.0.used.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

impl Window {
    pub(super) fn new(size: usize) -> Self {
        let (used, is_closing, is_closed) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { size, used, is_closing, is_closed, changed: Notify::new() }
    }

    /// The free slots; 0 once the window is closing.
    pub(super) fn free(&self) -> usize {
        if self.is_closing.load(Ordering::Acquire) || self.is_closed() {
            return 0;
        }
        self.size.saturating_sub(self.used.load(Ordering::Acquire))
    }

    /// The slots in use.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Acquire)
    }

    pub(super) fn take(&self) -> Option<WindowSlot<'_>> {
        if self.free() == 0 {
            return None;
        }
        let before = self.used.fetch_add(1, Ordering::AcqRel);
        let slot = WindowSlot(self);
        (before < self.size).then_some(slot)
    }

    /// Waits for a free slot. False when the window was closed.
    pub(super) async fn wait_for_slot(&self) -> bool {
        self.wait_until(|| self.free() > 0).await
    }

    /// Hands out no more slots, and waits until all are free.
    pub(super) async fn drain(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.wait_until(|| self.used.load(Ordering::Acquire) == 0).await;
    }

    /// Hands out no more slots, and wakes all waiting tasks.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    async fn wait_until(&self, is_so: impl Fn() -> bool) -> bool {
        loop {
            let changed = self.changed.notified();
            if self.is_closed() {
                return false;
            }
            if is_so() {
                return true;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_place_that_one_does_not_use_is_there_for_the_others() {
        let window = Arc::new(Window::new(1));
        let slot = window.take();
        let waits = |window: Arc<Window>| async move { window.wait_for_slot().await };
        let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(waits(Arc::clone(&window)))).collect();
        tokio::task::yield_now().await;
        assert!(window.take().is_none());

        drop(slot);
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }

        assert!(window.take().is_some());
    }

    #[tokio::test]
    async fn at_the_end_nobody_waits() {
        let window = Window::new(1);
        let _place = window.take();
        let (has_room, ()) = tokio::join!(window.wait_for_slot(), async { window.close() });
        assert!(!has_room && window.take().is_none());
    }

    #[tokio::test]
    async fn it_is_empty_when_the_last_one_is_gone() {
        let window = Window::new(2);
        let slot = window.take();
        tokio::join!(window.drain(), async {
            assert_eq!(window.free(), 0);
            drop(slot);
        });
        assert!(window.take().is_none());
    }
}
