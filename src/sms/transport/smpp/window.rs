//! How many submits may await their answer. Whoever waits for room is told of
//! it and holds nothing: a place that was handed to someone who then does not
//! use it would be lost to the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Places for submits.
pub(super) struct Window {
    most: usize,
    taken: AtomicUsize,
    is_shut: AtomicBool,
    has_ended: AtomicBool,
    changed: Notify,
}

/// A place that was taken; given back when this is dropped.
pub(super) struct Place<'a>(&'a Window);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        let (taken, is_shut, has_ended) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { most, taken, is_shut, has_ended, changed: Notify::new() }
    }

    /// Places that can be taken now.
    pub(super) fn free(&self) -> usize {
        if self.is_shut.load(Ordering::Acquire) || self.has_ended() {
            return 0;
        }
        self.most.saturating_sub(self.taken.load(Ordering::Acquire))
    }

    pub(super) fn take(&self) -> Option<Place<'_>> {
        if self.free() == 0 {
            return None;
        }
        let before = self.taken.fetch_add(1, Ordering::AcqRel);
        let place = Place(self);
        (before < self.most).then_some(place)
    }

    /// Resolves when there is a place: true; or when there will be none: false.
    pub(super) async fn has_room(&self) -> bool {
        self.wait_until(|| self.free() > 0).await
    }

    /// Lets nobody in any more, and waits until all are gone.
    pub(super) async fn empty(&self) {
        self.is_shut.store(true, Ordering::Release);
        self.wait_until(|| self.taken.load(Ordering::Acquire) == 0).await;
    }

    /// Nobody gets a place any more.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    async fn wait_until(&self, is_so: impl Fn() -> bool) -> bool {
        loop {
            let changed = self.changed.notified();
            if self.has_ended() {
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
        let place = window.take();
        let waits = |window: Arc<Window>| async move { window.has_room().await };
        let waiting: Vec<_> = (0..3).map(|_| tokio::spawn(waits(Arc::clone(&window)))).collect();
        tokio::task::yield_now().await;
        assert!(window.take().is_none());

        drop(place);
        for waiting in waiting {
            assert!(waiting.await.unwrap());
        }

        assert!(window.take().is_some());
    }

    #[tokio::test]
    async fn at_the_end_nobody_waits() {
        let window = Window::new(1);
        let _place = window.take();
        let (told, ()) = tokio::join!(window.has_room(), async { window.end() });
        assert!(!told && window.take().is_none());
    }

    #[tokio::test]
    async fn it_is_empty_when_the_last_one_is_gone() {
        let window = Window::new(2);
        let place = window.take();
        tokio::join!(window.empty(), async {
            assert_eq!(window.free(), 0);
            drop(place);
        });
        assert!(window.take().is_none());
    }
}
