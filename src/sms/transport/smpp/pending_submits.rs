//! Submits that wait for their response, by sequence number.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// How a submit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SubmitReply {
    /// The carrier responded, with an id if it accepted the segment.
    Answered { status: u32, carrier_id: String },
    /// No response came.
    Unanswered {
        /// Whether any byte of it may have been written: then the carrier may have it.
        written: bool,
    },
}

/// The submits that wait for their response. A submit that was removed is not
/// written any more.
pub(super) struct PendingSubmits(Mutex<Pending>);

struct Pending {
    is_open: bool,
    waiting: HashMap<u32, PendingSubmit>,
}

struct PendingSubmit {
    written: bool,
    reply: oneshot::Sender<SubmitReply>,
}

impl PendingSubmits {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Pending { is_open: true, waiting: HashMap::new() }))
    }

    /// Registers a submit. Dropping the [`ExpectedReply`] removes it.
    pub(super) fn expect(&self, sequence: u32) -> ExpectedReply<'_> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        if state.is_open {
            state.waiting.insert(sequence, PendingSubmit { written: false, reply });
        }
        ExpectedReply { pending: self, sequence, receiver }
    }

    /// Marks a submit as written, before it is. False when it was removed: then it
    /// must not be written.
    pub(super) fn mark_written(&self, sequence: u32) -> bool {
        let mut state = self.0.lock();
        let waiting = state.waiting.get_mut(&sequence);
        waiting.map(|waiting| waiting.written = true).is_some()
    }

    /// Completes a submit with the carrier's response. False when it is unknown or
    /// was removed.
    pub(super) fn complete(&self, sequence: u32, status: u32, carrier_id: String) -> bool {
        let waiting = self.0.lock().waiting.remove(&sequence);
        waiting.is_some_and(|waiting| waiting.reply.send(SubmitReply::Answered { status, carrier_id }).is_ok())
    }

    /// Completes all submits without a response, for the end of the connection.
    pub(super) fn end(&self) {
        let waiting = {
            let mut state = self.0.lock();
            state.is_open = false;
            std::mem::take(&mut state.waiting)
        };
        for waiting in waiting.into_values() {
            let _ = waiting.reply.send(SubmitReply::Unanswered { written: waiting.written });
        }
    }
}

/// The response to one submit.
pub(super) struct ExpectedReply<'a> {
    pending: &'a PendingSubmits,
    sequence: u32,
    receiver: oneshot::Receiver<SubmitReply>,
}

impl ExpectedReply<'_> {
    /// Waits for the response.
    pub(super) async fn reply(&mut self) -> SubmitReply {
        // A dropped sender means that the submit was registered after the end.
        (&mut self.receiver).await.unwrap_or(SubmitReply::Unanswered { written: false })
    }

    /// Removes the submit after a timeout. Returns the response if it came at the
    /// same moment.
    pub(super) fn cancel(mut self) -> SubmitReply {
        let waiting = self.pending.0.lock().waiting.remove(&self.sequence);
        match waiting {
            Some(waiting) => SubmitReply::Unanswered { written: waiting.written },
            None => self.receiver.try_recv().unwrap_or(SubmitReply::Unanswered { written: false }),
        }
    }
}

impl Drop for ExpectedReply<'_> {
    fn drop(&mut self) {
        self.pending.0.lock().waiting.remove(&self.sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_finds_its_submit() {
        let pending = PendingSubmits::new();
        let (mut first, mut second) = (pending.expect(1), pending.expect(2));
        assert!(pending.mark_written(1) && pending.complete(2, 0, "b".into()) && pending.complete(1, 8, String::new()));
        assert_eq!(first.reply().await, SubmitReply::Answered { status: 8, carrier_id: String::new() });
        assert_eq!(second.reply().await, SubmitReply::Answered { status: 0, carrier_id: "b".into() });
        assert!(!pending.complete(3, 0, "c".into()));
    }

    #[tokio::test]
    async fn the_end_tells_what_was_written_from_what_was_not() {
        let pending = PendingSubmits::new();
        let (mut first, mut second) = (pending.expect(1), pending.expect(2));
        assert!(pending.mark_written(1));
        pending.end();
        assert_eq!(first.reply().await, SubmitReply::Unanswered { written: true });
        assert_eq!(second.reply().await, SubmitReply::Unanswered { written: false });
        assert_eq!(pending.expect(3).reply().await, SubmitReply::Unanswered { written: false });
    }

    #[test]
    fn what_is_given_up_before_it_was_written_never_is() {
        let pending = PendingSubmits::new();
        let (first, second) = (pending.expect(1), pending.expect(2));
        assert!(pending.mark_written(1));
        assert_eq!(first.cancel(), SubmitReply::Unanswered { written: true });
        assert_eq!(second.cancel(), SubmitReply::Unanswered { written: false });
        assert!(!pending.mark_written(2));
        drop(pending.expect(3));
        assert!(!pending.mark_written(3));
    }

    #[test]
    fn an_answer_that_comes_as_one_gives_up_counts() {
        let pending = PendingSubmits::new();
        let expected = pending.expect(1);
        assert!(pending.mark_written(1) && pending.complete(1, 0, "a".into()));
        assert_eq!(expected.cancel(), SubmitReply::Answered { status: 0, carrier_id: "a".into() });
    }
}
