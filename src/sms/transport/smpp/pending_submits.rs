//! Submits that wait for their response, by sequence number, and for some minutes
//! those whose response timed out: a late one still says what became of the segment.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::sms::transport::SegmentId;

/// How long a response may be late.
const LATE_RESPONSE_LIMIT: Duration = Duration::from_secs(600);
/// The most submits whose late response is awaited.
const MAX_TIMED_OUT: usize = 10_000;

/// How a submit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SubmitReply {
    /// The carrier responded, with an id if it accepted the segment.
    Answered { status: u32, carrier_id: String },
    /// The connection ended before a response came.
    Unanswered {
        /// Whether any byte of it may have been written: then the carrier may have it.
        written: bool,
    },
    /// It was written, and the response did not come in time.
    TimedOut,
}

/// What a response belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Completion {
    /// A submit that waited for it.
    InTime,
    /// A submit of this segment that had timed out.
    Late(SegmentId),
    /// None that is known.
    Unknown,
}

/// The submits that wait for their response. A submit that was removed is not
/// written any more.
pub(super) struct PendingSubmits(Mutex<Pending>);

struct Pending {
    is_open: bool,
    waiting: HashMap<u32, PendingSubmit>,
    timed_out: HashMap<u32, (SegmentId, Instant)>,
}

struct PendingSubmit {
    segment: SegmentId,
    written: bool,
    reply: oneshot::Sender<SubmitReply>,
}

impl PendingSubmits {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Pending { is_open: true, waiting: HashMap::new(), timed_out: HashMap::new() }))
    }

    /// Registers a submit. Dropping the [`ExpectedReply`] removes it.
    pub(super) fn expect(&self, sequence: u32, segment: SegmentId) -> ExpectedReply<'_> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.0.lock();
        if state.is_open {
            state.waiting.insert(sequence, PendingSubmit { segment, written: false, reply });
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

    /// Completes a submit with the carrier's response.
    pub(super) fn complete(&self, sequence: u32, status: u32, carrier_id: String) -> Completion {
        let mut state = self.0.lock();
        if let Some(waiting) = state.waiting.remove(&sequence) {
            let sent = waiting.reply.send(SubmitReply::Answered { status, carrier_id });
            return if sent.is_ok() { Completion::InTime } else { Completion::Late(waiting.segment) };
        }
        state.timed_out.remove(&sequence).map_or(Completion::Unknown, |(segment, _)| Completion::Late(segment))
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
        let mut state = self.pending.0.lock();
        let Some(PendingSubmit { segment, written, .. }) = state.waiting.remove(&self.sequence) else {
            drop(state);
            return self.receiver.try_recv().unwrap_or(SubmitReply::Unanswered { written: false });
        };
        if !written {
            return SubmitReply::Unanswered { written };
        }
        let now = Instant::now();
        state.timed_out.retain(|_, (_, since)| now.duration_since(*since) < LATE_RESPONSE_LIMIT);
        if state.timed_out.len() < MAX_TIMED_OUT {
            state.timed_out.insert(self.sequence, (segment, now));
        }
        SubmitReply::TimedOut
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
    use crate::sms::transport::MessageId;

    fn segment() -> SegmentId {
        SegmentId { message: MessageId::mint(), number: 1 }
    }

    fn answered(status: u32, carrier_id: &str) -> SubmitReply {
        SubmitReply::Answered { status, carrier_id: carrier_id.to_owned() }
    }

    #[tokio::test]
    async fn an_answer_finds_its_submit() {
        let pending = PendingSubmits::new();
        let (mut first, mut second) = (pending.expect(1, segment()), pending.expect(2, segment()));
        assert!(pending.mark_written(1));
        assert_eq!(pending.complete(2, 0, "b".into()), Completion::InTime);
        assert_eq!(pending.complete(1, 8, String::new()), Completion::InTime);
        assert_eq!(first.reply().await, answered(8, ""));
        assert_eq!(second.reply().await, answered(0, "b"));
        assert_eq!(pending.complete(3, 0, "c".into()), Completion::Unknown);
    }

    #[tokio::test]
    async fn the_end_tells_what_was_written_from_what_was_not() {
        let pending = PendingSubmits::new();
        let (mut first, mut second) = (pending.expect(1, segment()), pending.expect(2, segment()));
        assert!(pending.mark_written(1));
        pending.end();
        assert_eq!(first.reply().await, SubmitReply::Unanswered { written: true });
        assert_eq!(second.reply().await, SubmitReply::Unanswered { written: false });
        assert_eq!(pending.expect(3, segment()).reply().await, SubmitReply::Unanswered { written: false });
    }

    #[test]
    fn what_is_given_up_before_it_was_written_never_is() {
        let pending = PendingSubmits::new();
        let (first, second) = (pending.expect(1, segment()), pending.expect(2, segment()));
        assert!(pending.mark_written(1));
        assert_eq!(first.cancel(), SubmitReply::TimedOut);
        assert_eq!(second.cancel(), SubmitReply::Unanswered { written: false });
        assert!(!pending.mark_written(2));
        drop(pending.expect(3, segment()));
        assert!(!pending.mark_written(3));
    }

    #[test]
    fn an_answer_that_comes_as_one_gives_up_counts() {
        let pending = PendingSubmits::new();
        let expected = pending.expect(1, segment());
        assert!(pending.mark_written(1));
        assert_eq!(pending.complete(1, 0, "a".into()), Completion::InTime);
        assert_eq!(expected.cancel(), answered(0, "a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_finds_its_segment_once_and_for_some_minutes() {
        let pending = PendingSubmits::new();
        for (sequence, minutes, expected) in [(1, 9, true), (2, 11, false)] {
            let late = segment();
            let expected = if expected { Completion::Late(late.clone()) } else { Completion::Unknown };
            let submit = pending.expect(sequence, late);
            assert!(pending.mark_written(sequence));
            assert_eq!(submit.cancel(), SubmitReply::TimedOut);
            tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
            // Old ones are forgotten when the next one times out.
            let next = pending.expect(99, segment());
            assert!(pending.mark_written(99));
            next.cancel();
            assert_eq!(pending.complete(sequence, 0, "a".into()), expected);
            assert_eq!(pending.complete(sequence, 0, "a".into()), Completion::Unknown);
        }
    }
}
