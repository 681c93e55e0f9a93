//! The submits that await their answer.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What a submit comes back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SubmitReply {
    /// The carrier's status, and its id if it gives one.
    Answered { status: u32, carrier_id: String },
    /// Nothing was receiver.
    Unanswered {
        /// Whether any of it may have been written.
        written: bool,
    },
}

/// By their sequence numbers. A submit that is not here any more is never written.
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

    /// Begins to wait. The carrier is not expected to answer once the
    /// [`ExpectedReply`] is dropped.
    pub(super) fn expect(&self, sequence: u32) -> ExpectedReply<'_> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        if state.is_open {
            state.waiting.insert(sequence, PendingSubmit { written: false, reply });
        }
        ExpectedReply { pending: self, sequence, receiver }
    }

    /// It is about to be written; false when nobody waits for it any more.
    pub(super) fn begin(&self, sequence: u32) -> bool {
        let mut state = self.0.lock();
        let waiting = state.waiting.get_mut(&sequence);
        waiting.map(|waiting| waiting.written = true).is_some()
    }

    /// The carrier has answered; false when nobody waits for it (any more).
    pub(super) fn settle(&self, sequence: u32, status: u32, carrier_id: String) -> bool {
        let waiting = self.0.lock().waiting.remove(&sequence);
        waiting.is_some_and(|waiting| waiting.reply.send(SubmitReply::Answered { status, carrier_id }).is_ok())
    }

    /// No answer will come any more, to anybody.
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

/// An answer that is waited for.
pub(super) struct ExpectedReply<'a> {
    pending: &'a PendingSubmits,
    sequence: u32,
    receiver: oneshot::Receiver<SubmitReply>,
}

impl ExpectedReply<'_> {
    /// Resolves with the answer.
    pub(super) async fn reply(&mut self) -> SubmitReply {
        // Without a sender it was never among those that are written.
        (&mut self.receiver).await.unwrap_or(SubmitReply::Unanswered { written: false })
    }

    /// Waits no longer: what came meanwhile, or whether it was written.
    pub(super) fn give_up(mut self) -> SubmitReply {
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
        assert!(pending.begin(1) && pending.settle(2, 0, "b".into()) && pending.settle(1, 8, String::new()));
        assert_eq!(first.reply().await, SubmitReply::Answered { status: 8, carrier_id: String::new() });
        assert_eq!(second.reply().await, SubmitReply::Answered { status: 0, carrier_id: "b".into() });
        assert!(!pending.settle(3, 0, "c".into()));
    }

    #[tokio::test]
    async fn the_end_tells_what_was_written_from_what_was_not() {
        let pending = PendingSubmits::new();
        let (mut first, mut second) = (pending.expect(1), pending.expect(2));
        assert!(pending.begin(1));
        pending.end();
        assert_eq!(first.reply().await, SubmitReply::Unanswered { written: true });
        assert_eq!(second.reply().await, SubmitReply::Unanswered { written: false });
        assert_eq!(pending.expect(3).reply().await, SubmitReply::Unanswered { written: false });
    }

    #[test]
    fn what_is_given_up_before_it_was_written_never_is() {
        let pending = PendingSubmits::new();
        let (first, second) = (pending.expect(1), pending.expect(2));
        assert!(pending.begin(1));
        assert_eq!(first.give_up(), SubmitReply::Unanswered { written: true });
        assert_eq!(second.give_up(), SubmitReply::Unanswered { written: false });
        assert!(!pending.begin(2));
        drop(pending.expect(3));
        assert!(!pending.begin(3));
    }

    #[test]
    fn an_answer_that_comes_as_one_gives_up_counts() {
        let pending = PendingSubmits::new();
        let expected = pending.expect(1);
        assert!(pending.begin(1) && pending.settle(1, 0, "a".into()));
        assert_eq!(expected.give_up(), SubmitReply::Answered { status: 0, carrier_id: "a".into() });
    }
}
