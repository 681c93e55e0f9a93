//! Submitting a message segment by segment, for transports that carry segments.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::interface::{OutgoingMessage, Part, SegmentId, Submission};
use crate::domain::message::sms_text::Segment;
use crate::domain::message::{MessageId, SegmentOutcome};

/// How long a segment waits for capacity before its message is queued again.
const CAPACITY_TIMEOUT: Duration = Duration::from_secs(10);

/// A transport that carries segments.
pub trait SegmentTransport: Send + Sync {
    /// As [`Transport::ready`](super::Transport::ready).
    fn segment_ready(&self) -> BoxFuture<'_, ()>;

    /// Submits one segment and waits for the carrier's response. Without capacity
    /// it returns [`SegmentOutcome::NotSent`]. If the future is dropped, it is
    /// unknown whether the segment was sent.
    fn submit_segment(&self, submission: Submission) -> BoxFuture<'_, SegmentOutcome>;
}

/// Submits the segments one after the other, and stops at the first one that is
/// not accepted: a phone can't show a message that lacks a segment.
pub(super) async fn submit_segments(
    transport: &impl SegmentTransport,
    message: &OutgoingMessage,
) -> Vec<(i64, SegmentOutcome)> {
    let segments = message.text.segments();
    let mut outcomes = Vec::with_capacity(message.numbers.len());
    for number in &message.numbers {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(segment) = segments.get(index) else { continue };
        let outcome = submit(transport, submission(message, segment, *number, segments.len())).await;
        let is_accepted = matches!(outcome, SegmentOutcome::Accepted(_));
        outcomes.push((*number, outcome));
        if !is_accepted {
            break;
        }
    }
    outcomes
}

async fn submit(transport: &impl SegmentTransport, submission: Submission) -> SegmentOutcome {
    let began = Instant::now();
    loop {
        let outcome = transport.submit_segment(submission.clone()).await;
        let left = CAPACITY_TIMEOUT.saturating_sub(began.elapsed());
        if outcome != SegmentOutcome::NotSent || timeout(left, transport.segment_ready()).await.is_err() {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

fn submission(message: &OutgoingMessage, segment: &Segment, number: i64, total: usize) -> Submission {
    let byte = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
    let total = byte(i64::try_from(total).unwrap_or(i64::MAX));
    Submission {
        segment: SegmentId { message: message.id.clone(), number },
        recipient: message.recipient.clone(),
        sender: message.sender.clone(),
        encoding: message.text.encoding(),
        payload: segment.payload.clone(),
        part: (total > 1).then(|| Part { reference: reference(&message.id), total, number: byte(number) }),
        valid_for: message.valid_for,
    }
}

/// The concatenation reference, derived from the message's id: a retry has the
/// same one, and the next message to the same phone rarely has.
fn reference(id: &MessageId) -> u8 {
    id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}
