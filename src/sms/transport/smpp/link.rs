//! One connection to the carrier, from the bind to its end.
//!
//! Three things go on at once: one reads, one writes, and one asks whether the
//! carrier is still there. The first that ends, ends all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use rusmpp::pdus::{DeliverSmResp, SubmitSm};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::{Command, CommandStatus, Pdu};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::codec::Encoder;

use super::answers::{Answers, Reply};
use super::frames::Incoming;
use super::pdu::{self, Delivery, Header};
use super::receipt::ReceiptIds;
use super::status;
use super::window::Window;
use crate::sms::transport::{Arrival, Arrivals};

/// Commands that wait to be written; more make the reader wait.
const ORDERS: usize = 256;
/// Receipts that wait to be taken; more are sent back for later.
const RECEIPTS: usize = 1000;
/// Bytes that are written at once.
const BATCH: usize = 16 * 1024;
/// For the carrier to hang up after it said goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Command ids (SMPP 3.4 §5.1.2.1).
mod id {
    pub(super) const SUBMIT_SM: u32 = 0x04;
    pub(super) const DELIVER_SM: u32 = 0x05;
    pub(super) const UNBIND: u32 = 0x06;
    pub(super) const ENQUIRE_LINK: u32 = 0x15;
    pub(super) const RESPONSE: u32 = 0x8000_0000;
    pub(super) const GENERIC_NACK: u32 = RESPONSE;
    pub(super) const SUBMIT_SM_RESP: u32 = RESPONSE | SUBMIT_SM;
    pub(super) const UNBIND_RESP: u32 = RESPONSE | UNBIND;
}

/// What a link is made with.
pub(super) struct Terms {
    pub(super) window: usize,
    pub(super) timeout: Duration,
    pub(super) enquire: Duration,
    pub(super) receipt_ids: ReceiptIds,
    pub(super) arrivals: Arrivals,
}

/// A bound connection.
pub(super) struct Link {
    terms: Terms,
    window: Window,
    receipts: Arc<Semaphore>,
    orders: mpsc::Sender<Command>,
    answers: Answers,
    sequence: AtomicU32,
    /// Commands that were read so far.
    heard: AtomicU64,
    garbage_told: AtomicBool,
}

impl Link {
    /// With the commands that are to be written, for [`run`](Self::run).
    pub(super) fn new(terms: Terms) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (orders, receiver) = mpsc::channel(ORDERS);
        let link = Self {
            window: Window::new(terms.window),
            receipts: Arc::new(Semaphore::new(RECEIPTS)),
            terms,
            orders,
            answers: Answers::new(),
            // The bind was 1.
            sequence: AtomicU32::new(1),
            heard: AtomicU64::new(0),
            garbage_told: AtomicBool::new(false),
        };
        (Arc::new(link), receiver)
    }

    /// Submits that may begin now.
    pub(super) fn free(&self) -> usize {
        self.window.free()
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.window.has_ended()
    }

    /// Resolves when a submit may begin: true; or when the link has ended: false.
    pub(super) async fn ready(&self) -> bool {
        self.window.has_room().await
    }

    /// Writes a submit and waits for its answer.
    pub(super) async fn submit(&self, submit: SubmitSm) -> Reply {
        let Some(_place) = self.window.take() else { return Reply::Lost { written: false } };
        let sequence = self.next_sequence();
        let mut expected = self.answers.expect(sequence);
        let answered = async {
            // When the link has ended, so has the wait.
            let _ = self.orders.send(command(sequence, 0, submit.into())).await;
            expected.reply().await
        };
        let answered = tokio::time::timeout(self.terms.timeout, answered).await;
        answered.unwrap_or_else(|_| expected.give_up())
    }

    /// Takes no more submits, waits for the answers that are due, and unbinds.
    pub(super) async fn say_goodbye(&self) {
        // Whatever is not answered by then never will be.
        let _ = tokio::time::timeout(self.terms.timeout, self.window.empty()).await;
        let _ = self.orders.send(command(self.next_sequence(), 0, Pdu::Unbind)).await;
    }

    /// Keeps the connection until it ends; says why it did.
    pub(super) async fn run(
        self: &Arc<Self>,
        incoming: Incoming,
        writer: impl AsyncWrite + Unpin,
        orders: mpsc::Receiver<Command>,
    ) -> String {
        let reason = tokio::select! {
            reason = self.read(incoming) => reason,
            reason = self.write(writer, orders) => reason,
            reason = self.stay_in_touch() => reason,
        };
        self.window.end();
        self.answers.end();
        reason
    }

    async fn read(self: &Arc<Self>, mut incoming: Incoming) -> String {
        while let Some(frame) = incoming.next().await {
            let (frame, header) = match frame.map(|frame| (Header::of(&frame), frame)) {
                Ok((Some(header), frame)) => (frame, header),
                Ok((None, _)) => return "the carrier sent something that is not SMPP".to_owned(),
                Err(error) => return format!("the connection broke: {error}"),
            };
            self.heard.fetch_add(1, Ordering::Relaxed);
            match header.id {
                id::SUBMIT_SM_RESP | id::GENERIC_NACK => self.settle(header, &frame),
                id::DELIVER_SM => self.take_delivery(header, &frame).await,
                id::ENQUIRE_LINK => self.reply(header, 0, Pdu::EnquireLinkResp).await,
                id::UNBIND => {
                    self.reply(header, 0, Pdu::UnbindResp).await;
                    let _ = tokio::time::timeout(GOODBYE, incoming.next()).await;
                    return "the carrier said goodbye".to_owned();
                }
                id::UNBIND_RESP => return "it was ended here".to_owned(),
                other if other & id::RESPONSE == 0 => {
                    self.reply(header, status::UNKNOWN_COMMAND, Pdu::GenericNack).await
                }
                _ => {}
            }
        }
        "the carrier hung up".to_owned()
    }

    async fn write(&self, mut writer: impl AsyncWrite + Unpin, mut orders: mpsc::Receiver<Command>) -> String {
        let (mut codec, mut batch) = (CommandCodec::new(), BytesMut::with_capacity(BATCH));
        while let Some(order) = orders.recv().await {
            let mut next = Some(order);
            while let Some(order) = next {
                if u32::from(order.id()) != id::SUBMIT_SM || self.answers.begin(order.sequence_number()) {
                    let _ = codec.encode(&order, &mut batch);
                }
                next = if batch.len() < BATCH { orders.try_recv().ok() } else { None };
            }
            if let Err(error) = writer.write_all(&batch).await {
                return format!("the connection broke: {error}");
            }
            let _ = writer.flush().await;
            batch.clear();
        }
        "it was ended here".to_owned()
    }

    /// Asks now and then, and ends when nothing at all is heard.
    async fn stay_in_touch(&self) -> String {
        loop {
            tokio::time::sleep(self.terms.enquire).await;
            let before = self.heard.load(Ordering::Relaxed);
            // A full queue means that nothing is being written either.
            let _ = self.orders.try_send(command(self.next_sequence(), 0, Pdu::EnquireLink));
            tokio::time::sleep(self.terms.timeout).await;
            if self.heard.load(Ordering::Relaxed) == before {
                return format!("the carrier was silent for {} s", self.terms.timeout.as_secs());
            }
        }
    }

    fn settle(&self, header: Header, frame: &[u8]) {
        if !self.answers.settle(header.sequence, header.status, pdu::message_id(frame)) {
            tracing::debug!(sequence = header.sequence, "an answer to SMPP that nobody waits for");
        }
    }

    async fn take_delivery(self: &Arc<Self>, header: Header, frame: &[u8]) {
        let receipt = match pdu::delivery(frame, self.terms.receipt_ids) {
            Delivery::Receipt(receipt) => receipt,
            Delivery::Message => {
                tracing::info!("a message from a phone came over SMPP; Keyfob only sends, so it is dropped");
                return self.acknowledge(header, 0).await;
            }
            Delivery::Garbage(problem) => {
                if !self.garbage_told.swap(true, Ordering::Relaxed) {
                    tracing::warn!("what the carrier delivers over SMPP {problem}; it is ignored, and so are more");
                }
                return self.acknowledge(header, 0).await;
            }
        };
        let Ok(place) = Arc::clone(&self.receipts).try_acquire_owned() else {
            return self.acknowledge(header, status::FULL).await;
        };
        let link = Arc::clone(self);
        tokio::spawn(async move {
            let (taken, kept) = oneshot::channel();
            let sent = link.terms.arrivals.send(Arrival { receipt, taken }).await.is_ok();
            let kept = sent && kept.await.is_ok();
            link.acknowledge(header, if kept { 0 } else { status::TRY_LATER }).await;
            drop(place);
        });
    }

    async fn acknowledge(&self, header: Header, status: u32) {
        self.reply(header, status, DeliverSmResp::default().into()).await;
    }

    async fn reply(&self, header: Header, status: u32, pdu: Pdu) {
        let _ = self.orders.send(command(header.sequence, status, pdu)).await;
    }

    fn next_sequence(&self) -> u32 {
        // From 1 to 0x7fffffff (SMPP 3.4 §5.1.4).
        self.sequence.fetch_add(1, Ordering::Relaxed) % 0x7fff_ffff + 1
    }
}

pub(super) fn command(sequence: u32, status: u32, pdu: Pdu) -> Command {
    Command::builder().status(CommandStatus::from(status)).sequence_number(sequence).pdu(pdu)
}

/// So that a test can speak for the carrier.
#[cfg(test)]
mod tests;
