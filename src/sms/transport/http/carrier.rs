//! The transport over HTTP.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::answer::Judgement;
use super::client::{Exchange, HttpClient};
use super::config::HttpConfig;
use super::link::{HttpLink, MessageInFlight};
use super::receipt_rules::{MESSAGE_PARAMETER, ReadReceipts};
use super::receipt_secret;
use super::template::Filling;
use crate::domain::carrier::CarrierName;
use crate::domain::message::sms_text::Encoding;
use crate::domain::message::{
    CarrierMessageId, CarrierRejection, MessageError, MessageId, SegmentOutcome, WHOLE_MESSAGE,
};
use crate::repeats::Repeats;
use crate::secret_text::SecretText;
use crate::sms::metrics::CarrierMetrics;
use crate::sms::transport::interface::{
    CarrierReport, IgnoredDelivery, IncomingReceipt, LinkProblem, LinkState, OutgoingMessage, PostedReceipt,
    ReceiptReply, ReportSender, Transport,
};

/// How long a receipt may take until it is recorded. The carrier sends it again later.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);
/// The least validity that a carrier is asked for.
const MIN_VALIDITY: Duration = Duration::from_secs(1);

/// A carrier that is reached by HTTP: one request per message.
pub struct HttpCarrier {
    config: Arc<HttpConfig>,
    client: HttpClient,
    link: Arc<HttpLink>,
    reports: ReportSender,
    metrics: Arc<CarrierMetrics>,
    /// The path that receipts come to, as far as the carrier sends any.
    receipt_path: Option<SecretText>,
    receipt_secret: SecretText,
    /// The origin at which carriers reach Keyfob.
    public_url: Option<String>,
    /// What went wrong, for the log.
    failures: Repeats,
}

impl HttpCarrier {
    /// A carrier that sends its receipts to `public_url`, if there is one.
    #[must_use]
    pub fn new(
        config: HttpConfig,
        name: &CarrierName,
        public_url: Option<&str>,
        reports: ReportSender,
        metrics: Arc<CarrierMetrics>,
    ) -> Self {
        let limits = &config.limits;
        Self {
            client: HttpClient::new(limits.window, limits.timeout),
            link: Arc::new(HttpLink::new(limits.window, limits.rate)),
            reports,
            metrics,
            receipt_path: config.receipt_path(name),
            receipt_secret: config.receipt_secret(name),
            public_url: public_url.map(str::to_owned),
            failures: Repeats::default(),
            config: Arc::new(config),
        }
    }

    /// Where the receipt of a message comes to; empty if it can't come.
    fn receipt_url(&self, message: &MessageId) -> String {
        match (&self.public_url, &self.receipt_path) {
            (Some(url), Some(path)) => {
                format!("{url}{}?{MESSAGE_PARAMETER}={}", path.expose(), message.as_str())
            }
            _ => String::new(),
        }
    }

    async fn send(&self, message: OutgoingMessage) -> SegmentOutcome {
        let Some(in_flight) = self.link.begin() else { return SegmentOutcome::NotSent };
        let validity = message.valid_for.clamp(MIN_VALIDITY, self.config.max_validity);
        let request = self.config.request.fill(&Filling {
            to: &message.recipient.to_string(),
            to_digits: message.recipient.digits(),
            from: message.sender.as_ref().map_or(self.config.sender.as_str(), |sender| sender.as_str()),
            text: message.text.as_str(),
            id: message.id.as_str(),
            segments: message.text.segments().len(),
            validity_seconds: validity.as_secs(),
            receipt_url: &self.receipt_url(&message.id),
            is_gsm: message.text.encoding() == Encoding::Gsm7,
        });
        let client = self.client.clone();
        let exchange = tokio::task::spawn_blocking(move || client.send(&request)).await;
        let exchange = exchange.unwrap_or(Exchange::Unanswered("was not asked to the end"));
        let outcome = self.outcome(&message.id, &in_flight, exchange);
        drop(in_flight);
        outcome
    }

    fn outcome(&self, id: &MessageId, in_flight: &MessageInFlight, exchange: Exchange) -> SegmentOutcome {
        let title = &self.config.title;
        let problem = |what: &str| LinkProblem { sentence: format!("{title} {what}"), needs_operator: false };
        match exchange {
            Exchange::NotSent(why) => self.failed(in_flight, problem(why), SegmentOutcome::NotSent),
            Exchange::Unanswered(why) => self.failed(in_flight, problem(why), self.unknown("no answer")),
            Exchange::Answered(answer) => match self.config.answers.judge(title, &answer) {
                Judgement::Accepted(carrier_id) => {
                    self.answered();
                    self.log_missing_id(id, &carrier_id);
                    SegmentOutcome::Accepted(carrier_id)
                }
                Judgement::Rejected(rejection) => {
                    self.answered();
                    SegmentOutcome::Rejected(rejection)
                }
                Judgement::Throttled { rejection, after } => self.throttled(in_flight, rejection, after),
                Judgement::Held(problem) => self.failed(in_flight, problem, SegmentOutcome::NotSent),
                Judgement::Unknown(problem) => {
                    self.failed(in_flight, problem, self.unknown(&answer.status.to_string()))
                }
            },
        }
    }

    /// What a message without a clear answer comes to: it is sent again only to a carrier
    /// that knows a repetition.
    fn unknown(&self, code: &str) -> SegmentOutcome {
        match self.config.request.idempotency_header {
            Some(_) => SegmentOutcome::Retry(CarrierRejection {
                error: MessageError::CarrierError,
                carrier_code: Some(code.to_owned()),
            }),
            None => SegmentOutcome::Unanswered,
        }
    }

    fn answered(&self) {
        if self.link.answered() {
            self.failures.end();
            self.metrics.carrier_bound();
            tracing::info!("HTTP {}: messages are taken again", self.config);
        }
    }

    fn failed(&self, in_flight: &MessageInFlight, problem: LinkProblem, outcome: SegmentOutcome) -> SegmentOutcome {
        if let Some(others) = self.failures.to_log(&problem.sentence) {
            tracing::warn!(others, "HTTP {}: {}; messages wait", self.config, problem.sentence);
        }
        self.link.failed(in_flight, problem);
        outcome
    }

    fn throttled(
        &self,
        in_flight: &MessageInFlight,
        rejection: CarrierRejection,
        after: Option<Duration>,
    ) -> SegmentOutcome {
        self.metrics.throttled();
        if let Some(rate) = self.link.throttled(in_flight, after) {
            let rate = rate.floor().max(1.0);
            tracing::warn!(
                "HTTP {}: the carrier takes about {rate} messages a second and refuses more; sending slows down, and \
                 rate={rate} in its settings avoids the refusals",
                self.config,
            );
        }
        SegmentOutcome::Throttled { rejection, after: after.unwrap_or(Duration::from_secs(1)) }
    }

    fn log_missing_id(&self, id: &MessageId, carrier_id: &CarrierMessageId) {
        let expects_id = self.config.answers.id.is_some();
        if expects_id && carrier_id.is_empty() {
            self.ignored(IgnoredDelivery::AnswerWithoutId, id.as_str());
        }
    }

    /// Counts and logs something that is not used.
    fn ignored(&self, kind: IgnoredDelivery, about: &str) {
        if let Some(others) = self.metrics.ignored(kind) {
            tracing::warn!(others, about, "HTTP {}: what the carrier sent {}", self.config, kind.sentence());
        }
    }

    async fn receive(&self, posted: PostedReceipt) -> ReceiptReply {
        let (Some(rules), Some(path), Some(public_url)) = (&self.config.receipts, &self.receipt_path, &self.public_url)
        else {
            return ReceiptReply::NotFound;
        };
        let query = if posted.query.is_empty() { String::new() } else { format!("?{}", posted.query) };
        let url = format!("{public_url}{}{query}", path.expose());
        if !receipt_secret::is_right(&self.receipt_secret, &posted.secret) || !rules.is_genuine(&posted, &url) {
            return ReceiptReply::Forbidden;
        }
        if posted.is_get && !rules.takes_get {
            return ReceiptReply::OnlyPost;
        }
        let ReadReceipts { receipts, ignored } = rules.read(&posted);
        for kind in &ignored {
            self.ignored(*kind, "a receipt");
        }
        // A word that is not known is no reason to send it again.
        let is_malformed = ignored.iter().any(|kind| *kind != IgnoredDelivery::WithoutState);
        if receipts.is_empty() && is_malformed {
            return ReceiptReply::Malformed;
        }
        let mut recorded = Vec::new();
        for receipt in receipts {
            let (acknowledge, acknowledged) = oneshot::channel();
            let report = CarrierReport::Receipt(IncomingReceipt { receipt, acknowledge });
            if !matches!(timeout(RECORD_TIMEOUT, self.reports.send(report)).await, Ok(Ok(()))) {
                return ReceiptReply::NotRecorded;
            }
            recorded.push(acknowledged);
        }
        let recorded = timeout(RECORD_TIMEOUT, futures_util::future::try_join_all(recorded)).await;
        if matches!(recorded, Ok(Ok(_))) {
            ReceiptReply::Recorded(rules.answer.clone())
        } else {
            ReceiptReply::NotRecorded
        }
    }
}

impl Transport for HttpCarrier {
    fn capacity(&self) -> usize {
        self.link.capacity()
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        self.link.ready().boxed()
    }

    fn submit(&self, message: OutgoingMessage) -> BoxFuture<'_, Vec<(i64, SegmentOutcome)>> {
        async { vec![(WHOLE_MESSAGE, self.send(message).await)] }.boxed()
    }

    fn takes_whole_messages(&self) -> bool {
        true
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receipt_path(&self) -> Option<SecretText> {
        self.receipt_path.clone()
    }

    fn take_receipt(&self, posted: PostedReceipt) -> BoxFuture<'_, ReceiptReply> {
        self.receive(posted).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.link.close();
            self.client.shut_down();
        }
        .boxed()
    }
}
