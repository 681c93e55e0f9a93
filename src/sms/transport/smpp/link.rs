//! One bound connection to the carrier.
//!
//! Three loops run concurrently: one reads, one writes, and one sends keep-alives.
//! The first one that ends, ends the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use rusmpp::pdus::{DataSmResp, DeliverSmResp, SubmitSm};
use rusmpp::tokio_codec::CommandCodec;
use rusmpp::{Command, Pdu};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::codec::Encoder;

use super::delivery::{self, CarrierDelivery};
use super::frames::IncomingFrames;
use super::keep_alive::KeepAlive;
use super::pdu::{self, Header, command};
use super::pending_submits::{Completion, PendingSubmits, SubmitReply};
use super::receipt::ReceiptDialect;
use super::status;
use super::window::Window;
use crate::sms::metrics::CarrierMetrics;
use crate::sms::transport::{CarrierReport, IgnoredDelivery, IncomingReceipt, LateResponse, ReportSender, SegmentId};

/// The most commands that wait to be written; then the read loop waits too.
const OUTGOING_QUEUE_SIZE: usize = 256;
/// The most receipts that wait for their commit; the carrier is asked to deliver
/// more of them later.
const MAX_PENDING_RECEIPTS: usize = 1000;
/// The bytes of commands that are written together.
const WRITE_BATCH_BYTES: usize = 16 * 1024;
/// How long the carrier may take to close the connection after its unbind.
const HANGUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Command ids (SMPP 3.4 §5.1.2.1).
mod id {
    pub(super) const SUBMIT_SM: u32 = 0x04;
    pub(super) const DELIVER_SM: u32 = 0x05;
    pub(super) const UNBIND: u32 = 0x06;
    pub(super) const OUTBIND: u32 = 0x0b;
    pub(super) const ENQUIRE_LINK: u32 = 0x15;
    pub(super) const ALERT_NOTIFICATION: u32 = 0x102;
    pub(super) const DATA_SM: u32 = 0x103;
    pub(super) const RESPONSE: u32 = 0x8000_0000;
    pub(super) const GENERIC_NACK: u32 = RESPONSE;
    pub(super) const SUBMIT_SM_RESP: u32 = RESPONSE | SUBMIT_SM;
    pub(super) const UNBIND_RESP: u32 = RESPONSE | UNBIND;
}

/// The settings of a link.
pub(super) struct LinkConfig {
    pub(super) window: usize,
    pub(super) timeout: Duration,
    pub(super) enquire: Duration,
    pub(super) receipts: ReceiptDialect,
    /// Optional parameters for every submit, encoded.
    pub(super) tlvs: Vec<u8>,
    pub(super) reports: ReportSender,
    pub(super) metrics: Arc<CarrierMetrics>,
}

/// A bound connection.
pub(super) struct Link {
    config: LinkConfig,
    window: Window,
    receipts: Arc<Semaphore>,
    outgoing: mpsc::Sender<Command>,
    pending: PendingSubmits,
    sequence: AtomicU32,
    keep_alive: KeepAlive,
    end: watch::Sender<Option<String>>,
}

impl Link {
    /// A link, and the queue of commands to write for [`run`](Self::run).
    pub(super) fn new(config: LinkConfig) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (outgoing, receiver) = mpsc::channel(OUTGOING_QUEUE_SIZE);
        let link = Self {
            window: Window::new(config.window),
            receipts: Arc::new(Semaphore::new(MAX_PENDING_RECEIPTS)),
            keep_alive: KeepAlive::new(config.enquire, config.timeout),
            config,
            outgoing,
            pending: PendingSubmits::new(),
            // The bind had sequence number 1.
            sequence: AtomicU32::new(1),
            end: watch::Sender::new(None),
        };
        (Arc::new(link), receiver)
    }

    /// How many submits may begin now.
    pub(super) fn free(&self) -> usize {
        self.window.free()
    }

    /// Whether the connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.window.is_closed()
    }

    /// Waits until a submit may begin. False when the connection has ended.
    pub(super) async fn ready(&self) -> bool {
        self.window.wait_for_slot().await
    }

    /// The submits without a response.
    pub(super) fn outstanding(&self) -> usize {
        self.window.used()
    }

    /// Ends the connection for this reason, a sentence, once the outstanding submits
    /// have their responses.
    pub(super) fn end(&self, reason: &str) {
        self.end.send_replace(Some(reason.to_owned()));
    }

    /// Asks the carrier for a sign of life, and ends the connection without one.
    pub(super) fn enquire(&self) {
        self.keep_alive.enquire();
    }

    /// Writes a submit and waits for its response, up to the timeout.
    pub(super) async fn submit(&self, segment: SegmentId, submit: SubmitSm) -> SubmitReply {
        let Some(_slot) = self.window.take() else { return SubmitReply::Unanswered { written: false } };
        let sequence = self.next_sequence();
        let mut expected = self.pending.expect(sequence, segment);
        let answered = async {
            // An error means that the connection has ended; so does the reply then.
            let _ = self.outgoing.send(command(sequence, 0, submit.into())).await;
            expected.reply().await
        };
        let answered = tokio::time::timeout(self.config.timeout, answered).await;
        answered.unwrap_or_else(|_| expected.cancel())
    }

    /// Takes no more submits, waits for outstanding responses, and sends the unbind.
    pub(super) async fn unbind(&self) {
        // Each submit gives up after the same timeout.
        let _ = tokio::time::timeout(self.config.timeout, self.window.drain()).await;
        let _ = self.outgoing.send(command(self.next_sequence(), 0, Pdu::Unbind)).await;
    }

    /// Runs the connection until it ends. Returns why, as a sentence.
    pub(super) async fn run(
        self: &Arc<Self>,
        incoming: IncomingFrames,
        writer: impl AsyncWrite + Unpin,
        outgoing: mpsc::Receiver<Command>,
    ) -> String {
        let reason = tokio::select! {
            reason = self.read(incoming) => reason,
            reason = self.write(writer, outgoing) => reason,
            reason = self.keep_alive.run(|| self.send_enquire_link()) => reason,
            reason = self.ended_here() => reason,
        };
        self.abandon();
        reason
    }

    /// Takes no more submits, and gives up those without a response.
    pub(super) fn abandon(&self) {
        self.window.close();
        self.pending.end();
    }

    async fn read(self: &Arc<Self>, mut incoming: IncomingFrames) -> String {
        while let Some(frame) = incoming.next().await {
            let (frame, header) = match frame.map(|frame| (Header::of(&frame), frame)) {
                Ok((Some(header), frame)) => (frame, header),
                Ok((None, _)) => return "the carrier sent something that is not SMPP".to_owned(),
                Err(error) => return format!("the connection broke: {error}"),
            };
            self.keep_alive.received();
            match header.id {
                id::SUBMIT_SM_RESP | id::GENERIC_NACK => self.complete_submit(header, &frame).await,
                id::DELIVER_SM | id::DATA_SM => self.receive_delivery(header, &frame).await,
                // Neither takes a response (SMPP 3.4 §4.1.7, §4.12.1).
                id::OUTBIND | id::ALERT_NOTIFICATION => {}
                id::ENQUIRE_LINK => self.reply(header, 0, Pdu::EnquireLinkResp).await,
                id::UNBIND => {
                    self.reply(header, 0, Pdu::UnbindResp).await;
                    let _ = tokio::time::timeout(HANGUP_TIMEOUT, incoming.next()).await;
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

    async fn write(&self, mut writer: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Command>) -> String {
        let (mut codec, mut batch) = (CommandCodec::new(), BytesMut::with_capacity(WRITE_BATCH_BYTES));
        while let Some(command) = outgoing.recv().await {
            let mut next = Some(command);
            while let Some(command) = next {
                if u32::from(command.id()) != id::SUBMIT_SM || self.pending.mark_written(command.sequence_number()) {
                    let begin = batch.len();
                    let _ = codec.encode(&command, &mut batch);
                    if u32::from(command.id()) == id::SUBMIT_SM {
                        pdu::append_tlvs(&mut batch, begin, &self.config.tlvs);
                    }
                }
                next = if batch.len() < WRITE_BATCH_BYTES { outgoing.try_recv().ok() } else { None };
            }
            if let Err(error) = writer.write_all(&batch).await {
                return format!("the connection broke: {error}");
            }
            let _ = writer.flush().await;
            batch.clear();
        }
        "it was ended here".to_owned()
    }

    fn send_enquire_link(&self) {
        // If the queue is full, nothing is being written, and the timeout applies too.
        let _ = self.outgoing.try_send(command(self.next_sequence(), 0, Pdu::EnquireLink));
    }

    /// Resolves with the reason when the connection is ended here.
    async fn ended_here(&self) -> String {
        let mut end = self.end.subscribe();
        let reason = end.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        let _ = tokio::time::timeout(self.config.timeout, self.window.drain()).await;
        reason.unwrap_or_default()
    }

    async fn complete_submit(&self, header: Header, frame: &[u8]) {
        let carrier_id = pdu::message_id(frame);
        match self.pending.complete(header.sequence, header.status, carrier_id.clone()) {
            Completion::InTime => {}
            Completion::Late(segment) => {
                tracing::info!(message_id = %segment.message, status = header.status, "the carrier answered a submit late");
                let outcome = status::outcome(header.status, carrier_id);
                let _ = self.config.reports.send(CarrierReport::LateResponse(LateResponse { segment, outcome })).await;
            }
            Completion::Unknown => {
                tracing::debug!(sequence = header.sequence, "an SMPP response to no pending submit was ignored");
            }
        }
    }

    /// Reads a `deliver_sm` or a `data_sm`: a receipt is recorded before it is
    /// acknowledged.
    async fn receive_delivery(self: &Arc<Self>, header: Header, frame: &[u8]) {
        let receipt = match delivery::read(header, frame, self.config.receipts) {
            CarrierDelivery::Receipt(receipt) => receipt,
            CarrierDelivery::Ignored(kind) => {
                self.note_ignored(kind, header.sequence);
                return self.acknowledge(header, 0).await;
            }
        };
        let Ok(permit) = Arc::clone(&self.receipts).try_acquire_owned() else {
            return self.acknowledge(header, status::QUEUE_FULL).await;
        };
        let link = Arc::clone(self);
        tokio::spawn(async move {
            let (acknowledge, committed) = oneshot::channel();
            let report = CarrierReport::Receipt(IncomingReceipt { receipt, acknowledge });
            let sent = link.config.reports.send(report).await.is_ok();
            let is_stored = sent && committed.await.is_ok();
            link.acknowledge(header, if is_stored { 0 } else { status::TRY_LATER }).await;
            drop(permit);
        });
    }

    fn note_ignored(&self, kind: IgnoredDelivery, sequence: u32) {
        if let Some(others) = self.config.metrics.ignored(kind) {
            let carrier = self.config.metrics.carrier();
            tracing::warn!(%carrier, sequence, others, "a delivery of the carrier {}; it is ignored", kind.sentence());
        }
    }

    async fn acknowledge(&self, header: Header, status: u32) {
        let response =
            if header.id == id::DATA_SM { DataSmResp::default().into() } else { DeliverSmResp::default().into() };
        self.reply(header, status, response).await;
    }

    async fn reply(&self, header: Header, status: u32, pdu: Pdu) {
        let _ = self.outgoing.send(command(header.sequence, status, pdu)).await;
    }

    fn next_sequence(&self) -> u32 {
        // Sequence numbers are 1 to 0x7fffffff (SMPP 3.4 §5.1.4).
        self.sequence.fetch_add(1, Ordering::Relaxed) % 0x7fff_ffff + 1
    }
}

#[cfg(test)]
mod tests;
