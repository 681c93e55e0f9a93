//! The queue of messages and the receipts of carriers, without either.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use keyfob::domain::account::{self, AccountId};
use keyfob::domain::api_key::secret::Mode;
use keyfob::domain::carrier::{Assignment, CarrierName};
use keyfob::domain::message::{
    self, CarrierMessageId, CarrierRejection, DeliveryReceipt, LEASE_SECONDS, Lease, Message, MessageDraft,
    MessageError, MessageId, MessageOrigin, MessageStatus, ReceiptState, SegmentOutcome, StatusGroup, VALIDITY_SECONDS,
};
use keyfob::domain::{credit, installation};
use keyfob::store::{Conn, Store, UtcTime};

use crate::support::{Application, Database, PHONE, on_both_databases};

const NOW: UtcTime = UtcTime::from_micros(1_772_366_400_000_000);

/// An account with 100 credits, and the queue.
struct Queue<'db> {
    db: &'db Database,
    account: AccountId,
    now: UtcTime,
}

impl<'db> Queue<'db> {
    fn of(db: &'db Database) -> Self {
        Store::open(&db.url().parse().unwrap()).unwrap();
        let conn = &mut db.conn();
        installation::prepare(conn, NOW).unwrap();
        // Every message of these tests goes to one phone.
        db.execute("DELETE FROM guards");
        credit::open_accounts(conn, 100, NOW).unwrap();
        Self { db, account: account::first(conn).unwrap(), now: NOW }
    }

    fn conn(&self) -> Conn {
        self.db.conn()
    }

    /// A message of so many segments, in the queue.
    fn accept(&self, segments: usize) -> MessageId {
        let text = if segments == 1 { "Hello".to_owned() } else { "a".repeat(153 * segments) };
        let draft = MessageDraft::with_text(&[PHONE.to_owned()], &text).unwrap();
        let origin = MessageOrigin { account_id: self.account.clone(), api_key_id: None, mode: Mode::Live };
        message::accept(&mut self.conn(), &origin, &draft, &[carrier()], self.now).unwrap().messages.remove(0).id
    }

    fn lease(&self) -> Vec<Lease> {
        message::lease(&mut self.conn(), &carrier().carrier, 10, self.now).unwrap()
    }

    fn settle(&self, id: &MessageId, outcomes: &[SegmentOutcome]) {
        let outcomes: Vec<_> = (1..).zip(outcomes.iter().cloned()).collect();
        message::settle(&mut self.conn(), id, self.find(id).due_at, &outcomes, self.now).unwrap();
    }

    /// A message that the carrier has, under the ids `c1`, `c2` and so on.
    fn sent(&self, segments: usize) -> MessageId {
        let id = self.accept(segments);
        self.lease();
        self.settle(&id, &(1..=segments).map(|number| taken(&format!("c{number}"))).collect::<Vec<_>>());
        id
    }

    fn receive(&self, carrier_id: &str, state: ReceiptState) {
        message::receive(&mut self.conn(), &carrier().carrier, |_| true, &receipt(carrier_id, state), self.now)
            .unwrap();
    }

    fn find(&self, id: &MessageId) -> Message {
        message::find(&mut self.conn(), &self.account, None, id).unwrap().message
    }

    fn credits(&self) -> i64 {
        credit::balance(&mut self.conn(), &self.account).unwrap()
    }

    #[track_caller]
    fn assert_is(&self, id: &MessageId, status: MessageStatus, error: Option<MessageError>) {
        let message = self.find(id);
        assert_eq!((message.status, message.error), (status, error));
        self.db.assert_messages_are_counted();
    }

    /// How many messages were accepted so many hours after the first, and what became of them.
    fn counts(&self) -> Vec<(i64, StatusGroup, Option<MessageError>, i64)> {
        let mut sums = HashMap::new();
        for count in message::message_counts(&mut self.conn(), &self.account, message::hour_of(NOW)).unwrap() {
            let hours = (count.hour.micros() - NOW.micros()) / 3_600_000_000;
            *sums.entry((hours, count.group, count.error)).or_insert(0) += count.messages;
        }
        let mut counts: Vec<_> = sums.into_iter().filter(|(_, messages)| *messages != 0).collect();
        counts.sort_by_key(|((hours, group, error), _)| (*hours, group.as_str(), error.map(MessageError::as_str)));
        counts.into_iter().map(|((hours, group, error), messages)| (hours, group, error, messages)).collect()
    }

    /// The messages of each carrier that were accepted on a day, by what became of them.
    fn carrier_counts(&self, day: UtcTime) -> Vec<(CarrierName, &'static str, i64)> {
        let counts = message::carrier_counts(&mut self.conn(), day).unwrap().into_iter();
        let counts = counts.map(|((carrier, group), messages)| (carrier, group.as_str(), messages));
        let mut counts: Vec<_> = counts.filter(|(.., messages)| *messages != 0).collect();
        counts.sort();
        counts
    }

    fn fold(&self) {
        assert!(!message::fold_counts(&mut self.conn(), 1_000, self.now).unwrap());
        assert_eq!(self.db.count("message_count_changes"), 0);
    }

    /// What was spent each day, so many days after the first.
    fn spent(&self) -> Vec<(i64, i64)> {
        let spending = credit::spending(&mut self.conn(), &self.account, message::day_of(NOW), 5).unwrap();
        let day = |day: UtcTime| (day.micros() - message::day_of(NOW).micros()) / 86_400_000_000;
        let mut days: Vec<_> = spending.days.into_iter().map(|(on, credits)| (day(on), credits)).collect();
        days.sort_unstable();
        days
    }

    /// What a sweep does.
    fn sweep(&self) {
        let conn = &mut self.conn();
        message::settle_expired_leases(conn, |_| false, 10, self.now).unwrap();
        message::end_overdue(conn, 10, self.now).unwrap();
        message::match_receipts(conn, 10, self.now).unwrap();
    }
}

fn taken(carrier_id: &str) -> SegmentOutcome {
    SegmentOutcome::Accepted(CarrierMessageId::new(carrier_id))
}

fn rejection(error: MessageError, code: &str) -> CarrierRejection {
    CarrierRejection { error, carrier_code: Some(code.to_owned()) }
}

fn refused(error: MessageError) -> SegmentOutcome {
    SegmentOutcome::Rejected(rejection(error, "0x404"))
}

fn throttled() -> SegmentOutcome {
    SegmentOutcome::Throttled { rejection: rejection(MessageError::Throttled, "0x58"), after: Duration::from_secs(1) }
}

fn carrier_error() -> SegmentOutcome {
    SegmentOutcome::Retry(rejection(MessageError::CarrierError, "0x08"))
}

/// The one carrier, at one credit a segment.
fn carrier() -> Assignment {
    Assignment { carrier: CarrierName::default_carrier(), credits_per_segment: 1 }
}

/// The carrier's ids in the receipts that are given up so many seconds later.
fn delete_unmatched(conn: &mut Conn, seconds: i64) -> Vec<String> {
    let deleted = message::delete_unmatched_receipts(conn, NOW.plus_seconds(seconds)).unwrap();
    deleted.into_iter().map(|(_, carrier_id)| carrier_id).collect()
}

fn receipt(carrier_id: &str, state: ReceiptState) -> DeliveryReceipt {
    let carrier_id = CarrierMessageId::new(carrier_id);
    DeliveryReceipt { carrier_id, state, error: None, recipient: Some(PHONE.to_owned()), message: None }
}

on_both_databases! {
    fn a_message_is_leased_to_one_worker_at_a_time(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(1);

        let leased = queue.lease();

        assert_eq!((leased.len(), &leased[0].message.id, &leased[0].numbers), (1, &id, &vec![1]));
        assert_eq!(queue.lease().len(), 0);
        queue.assert_is(&id, MessageStatus::Sending, None);
    }

    fn workers_at_the_same_moment_get_different_messages(db: &Database) {
        let queue = Queue::of(db);
        (0..40).for_each(|_| { queue.accept(1); });

        let leased: Vec<_> = std::thread::scope(|all| {
            let worker = || (0..8).flat_map(|_| queue.lease()).map(|lease| lease.message.id.to_string()).collect::<Vec<_>>();
            let workers: Vec<_> = (0..4).map(|_| all.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });

        let different: std::collections::BTreeSet<_> = leased.iter().collect();
        assert_eq!((leased.len(), different.len()), (40, 40));
    }

    fn a_message_is_delivered_when_each_of_its_segments_is(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.sent(3);

        queue.receive("c3", ReceiptState::Delivered);
        queue.receive("c1", ReceiptState::Enroute);
        queue.receive("c1", ReceiptState::Delivered);
        queue.assert_is(&id, MessageStatus::Sent, None);
        queue.receive("c2", ReceiptState::Delivered);

        queue.assert_is(&id, MessageStatus::Delivered, None);
        assert_eq!((queue.find(&id).due_at, queue.credits()), (None, 97));
    }

    fn what_came_first_stays_however_often_and_late_receipts_come(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.sent(1);

        queue.receive("c1", ReceiptState::Undelivered);
        let told = queue.find(&id);
        for state in [ReceiptState::Undelivered, ReceiptState::Delivered, ReceiptState::Enroute, ReceiptState::Expired] {
            queue.receive("c1", state);
        }

        queue.assert_is(&id, MessageStatus::Undelivered, Some(MessageError::Undelivered));
        assert_eq!((queue.find(&id).updated_at, queue.credits()), (told.updated_at, 99));
        assert_eq!(message::history(&mut queue.conn(), &id).unwrap().len(), 2);
    }

    fn a_receipt_that_comes_before_its_answer_is_kept_until_then(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(2);
        queue.lease();

        queue.receive("c2", ReceiptState::Delivered);
        queue.receive("c1", ReceiptState::Delivered);
        queue.assert_is(&id, MessageStatus::Sending, None);
        queue.settle(&id, &[taken("c1"), taken("c2")]);

        queue.assert_is(&id, MessageStatus::Delivered, None);
        assert_eq!(db.count("waiting_receipts"), 0);
    }

    fn an_id_is_the_same_however_its_number_is_written(db: &Database) {
        let queue = Queue::of(db);
        let (id, other) = (queue.accept(1), queue.accept(1));
        queue.lease();
        queue.settle(&id, &[taken("0000002F")]);
        queue.settle(&other, &[taken("2f")]);

        queue.receive("0000002F", ReceiptState::Undelivered);
        queue.receive("2F", ReceiptState::Delivered);

        queue.assert_is(&id, MessageStatus::Undelivered, Some(MessageError::Undelivered));
        queue.assert_is(&other, MessageStatus::Delivered, None);
    }

    fn a_segment_without_an_id_is_nobodys(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(1);
        queue.lease();
        queue.settle(&id, &[taken("")]);

        queue.receive("0", ReceiptState::Undelivered);

        queue.assert_is(&id, MessageStatus::Sent, None);
    }

    fn a_receipt_about_nothing_changes_nothing_and_is_told_once(db: &Database) {
        let queue = Queue { now: NOW, ..Queue::of(db) };
        let id = queue.sent(1);

        queue.receive("nobody's", ReceiptState::Delivered);
        queue.receive("nobody's", ReceiptState::Enroute);
        queue.sweep();
        queue.assert_is(&id, MessageStatus::Sent, None);
        let conn = &mut queue.conn();
        assert_eq!(delete_unmatched(conn, 599), [""; 0]);
        assert_eq!(delete_unmatched(conn, 600), ["nobody's"]);
        assert_eq!(delete_unmatched(conn, 600), [""; 0]);
    }

    fn what_the_carrier_refuses_is_refunded_once(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(2);
        queue.lease();
        assert_eq!(queue.credits(), 98);

        for _ in 0..5 {
            queue.settle(&id, &[refused(MessageError::InvalidRecipient)]);
        }

        queue.assert_is(&id, MessageStatus::Failed, Some(MessageError::InvalidRecipient));
        assert_eq!(queue.credits(), 100);
        assert_eq!(db.count("ledger_entries"), 3);
    }

    fn of_a_message_that_was_taken_in_part_the_rest_is_refunded(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(3);
        queue.lease();

        queue.settle(&id, &[taken("c1"), refused(MessageError::InvalidMessage)]);

        queue.assert_is(&id, MessageStatus::Undelivered, Some(MessageError::InvalidMessage));
        assert_eq!(queue.credits(), 99);
        // The one that went out is told of later, five times.
        (0..5).for_each(|_| queue.receive("c1", ReceiptState::Undelivered));
        assert_eq!((queue.credits(), db.count("ledger_entries")), (99, 3));
    }

    fn what_the_carrier_has_is_not_refunded_even_if_it_is_not_delivered(db: &Database) {
        for (state, status, fault) in [
            (ReceiptState::Undelivered, MessageStatus::Undelivered, MessageError::Undelivered),
            (ReceiptState::Rejected, MessageStatus::Undelivered, MessageError::Rejected),
            (ReceiptState::Deleted, MessageStatus::Undelivered, MessageError::Deleted),
            (ReceiptState::Unknown, MessageStatus::Undelivered, MessageError::CarrierUnknown),
            (ReceiptState::Expired, MessageStatus::Expired, MessageError::Expired),
        ] {
            let db = &db.empty();
            let queue = Queue::of(db);
            let id = queue.sent(1);

            queue.receive("c1", state);

            queue.assert_is(&id, status, Some(fault));
            assert_eq!(queue.credits(), 99, "{state:?}");
        }
    }

    fn a_throttled_message_waits_and_only_what_did_not_go_out_goes_again(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(3);
        queue.lease();

        queue.settle(&id, &[taken("c1"), throttled()]);
        queue.assert_is(&id, MessageStatus::Queued, Some(MessageError::Throttled));
        assert_eq!(queue.lease().len(), 0);

        queue.now = NOW.plus_seconds(2);
        assert_eq!(queue.lease()[0].numbers, [2, 3]);
        let outcomes = [(2, taken("c2")), (3, taken("c3"))];
        message::settle(&mut queue.conn(), &id, queue.find(&id).due_at, &outcomes, queue.now).unwrap();
        queue.assert_is(&id, MessageStatus::Sent, None);
        assert_eq!(queue.credits(), 97);
    }

    fn a_throttled_message_fails_only_when_its_time_is_over(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);

        let mut delays = Vec::new();
        for seconds in [0, 5, 30, 600, 3_600, VALIDITY_SECONDS - 300] {
            queue.now = queue.now.max(NOW.plus_seconds(seconds));
            assert_eq!(queue.lease().len(), 1);
            queue.settle(&id, &[throttled()]);
            queue.assert_is(&id, MessageStatus::Queued, Some(MessageError::Throttled));
            let due = queue.find(&id).due_at.unwrap();
            delays.push((due.micros() - queue.now.micros()) / 1_000_000);
            queue.now = due;
        }
        queue.now = NOW.plus_seconds(VALIDITY_SECONDS);
        queue.sweep();

        // Every second at first, then a tenth of its age, and every minute in the end.
        let expected = [1, 1, 3, 60, 60, 60];
        assert!(delays.iter().zip(expected).all(|(delay, least)| (least..=least * 5 / 4).contains(delay)), "{delays:?}");
        assert_eq!((queue.find(&id).tries, db.count("message_events")), (0, 2));
        queue.assert_is(&id, MessageStatus::Failed, Some(MessageError::NotSentInTime));
        assert_eq!(queue.find(&id).carrier_code.as_deref(), Some("0x58"));
        assert_eq!(queue.credits(), 100);
    }

    fn messages_that_were_throttled_together_come_back_apart(db: &Database) {
        let queue = Queue::of(db);
        let ids: Vec<_> = (0..8).map(|_| queue.accept(1)).collect();
        queue.lease();

        ids.iter().for_each(|id| queue.settle(id, &[throttled()]));

        let due: std::collections::BTreeSet<_> = ids.iter().map(|id| queue.find(id).due_at.unwrap()).collect();
        assert!(due.len() > 1, "{due:?}");
        assert!(due.iter().all(|due| (NOW.plus_seconds(1)..=NOW.plus_seconds(2)).contains(due)), "{due:?}");
    }

    fn an_error_of_the_carrier_is_waited_out_as_long_as_the_validity_allows(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);
        let mut delays = Vec::new();

        while queue.now < NOW.plus_seconds(VALIDITY_SECONDS) {
            assert_eq!(queue.lease().len(), 1);
            queue.settle(&id, &[carrier_error()]);
            queue.assert_is(&id, MessageStatus::Queued, Some(MessageError::CarrierError));
            let due = queue.find(&id).due_at.unwrap();
            delays.push((due.micros() - queue.now.micros()) / 1_000_000);
            queue.now = due;
        }
        queue.sweep();

        let expected = [30, 60, 120, 300, 600, 1_800, 1_800];
        assert!(delays.iter().zip(expected).all(|(delay, least)| (least..=least * 5 / 4).contains(delay)), "{delays:?}");
        assert!((70..110).contains(&delays.len()), "{delays:?}");
        queue.assert_is(&id, MessageStatus::Failed, Some(MessageError::NotSentInTime));
        assert_eq!((queue.find(&id).carrier_code.as_deref(), queue.credits()), (Some("0x08"), 100));
    }

    fn the_carriers_own_code_is_kept_for_the_segment_and_the_message(db: &Database) {
        let queue = Queue::of(db);
        let (rejected, undelivered, delivered) = (queue.accept(1), queue.accept(1), queue.accept(1));
        queue.lease();
        queue.settle(&rejected, &[refused(MessageError::Rejected)]);
        queue.settle(&undelivered, &[taken("c1")]);
        queue.settle(&delivered, &[taken("c2")]);
        for (carrier_id, state) in [("c1", ReceiptState::Undelivered), ("c2", ReceiptState::Delivered)] {
            let receipt = DeliveryReceipt { error: Some("0A7".to_owned()), ..receipt(carrier_id, state) };
            message::receive(&mut queue.conn(), &carrier().carrier, |_| true, &receipt, NOW).unwrap();
        }

        for (id, code) in [(&rejected, Some("0x404")), (&undelivered, Some("0A7")), (&delivered, None)] {
            let segments = message::segments(&mut queue.conn(), id).unwrap();
            assert_eq!((queue.find(id).carrier_code.as_deref(), segments[0].carrier_code.as_deref()), (code, code));
        }
    }

    fn a_late_answer_settles_what_was_unknown(db: &Database) {
        let queue = Queue::of(db);
        let settle_late = |id: &MessageId, number, outcome| {
            message::settle_late(&mut queue.conn(), id, number, &outcome, NOW).unwrap()
        };
        let (accepted, refused_late, throttled_late) = (queue.accept(1), queue.accept(1), queue.accept(1));
        queue.lease();
        // An answer may overtake the record of the time-out.
        assert_eq!(settle_late(&accepted, 1, taken("c1")), None);
        for id in [&accepted, &refused_late, &throttled_late] {
            queue.settle(id, &[SegmentOutcome::Unanswered]);
        }
        assert_eq!(queue.credits(), 97);

        assert!(settle_late(&accepted, 1, taken("c1")).is_some());
        settle_late(&refused_late, 1, refused(MessageError::InvalidRecipient));
        settle_late(&throttled_late, 1, throttled());

        queue.assert_is(&accepted, MessageStatus::Sent, None);
        queue.receive("c1", ReceiptState::Delivered);
        queue.assert_is(&accepted, MessageStatus::Delivered, None);
        queue.assert_is(&refused_late, MessageStatus::Failed, Some(MessageError::InvalidRecipient));
        // It was announced as sent, so it does not go back into the queue.
        queue.assert_is(&throttled_late, MessageStatus::Failed, Some(MessageError::Throttled));
        assert_eq!((queue.lease().len(), queue.credits()), (0, 99));
        // Once more changes nothing.
        settle_late(&accepted, 1, refused(MessageError::Rejected));
        queue.assert_is(&accepted, MessageStatus::Delivered, None);
    }

    fn a_late_refusal_of_one_segment_ends_the_message_and_gives_its_credit_back(db: &Database) {
        let queue = Queue::of(db);
        let id = queue.accept(2);
        queue.lease();
        queue.settle(&id, &[SegmentOutcome::Unanswered, taken("c2")]);

        message::settle_late(&mut queue.conn(), &id, 1, &refused(MessageError::Rejected), NOW).unwrap();

        queue.assert_is(&id, MessageStatus::Undelivered, Some(MessageError::Rejected));
        assert_eq!(queue.credits(), 99);
    }

    fn what_never_left_goes_back_in_line_and_does_not_count(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);

        for second in 1..=10 {
            queue.lease();
            queue.settle(&id, &[SegmentOutcome::NotSent]);
            queue.assert_is(&id, MessageStatus::Queued, None);
            queue.now = NOW.plus_seconds(2 * second);
        }

        assert_eq!((queue.find(&id).tries, queue.lease().len(), queue.credits()), (0, 1, 99));
    }

    fn what_is_written_twice_gives_nobody_elses_lease_back(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);
        let first = queue.lease().remove(0).message.due_at;
        let write = |queue: &Queue| {
            let outcomes = [(1, carrier_error())];
            message::settle(&mut queue.conn(), &id, first, &outcomes, queue.now).unwrap();
        };

        write(&queue);
        write(&queue);
        assert_eq!((queue.find(&id).tries, db.count("message_events")), (1, 1));

        queue.now = NOW.plus_seconds(40);
        assert_eq!(queue.lease().len(), 1);
        write(&queue);
        queue.assert_is(&id, MessageStatus::Sending, Some(MessageError::CarrierError));
        assert_eq!(queue.lease().len(), 0);
    }

    fn what_was_not_answered_is_never_sent_again_and_a_receipt_settles_it(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);
        queue.lease();

        queue.settle(&id, &[SegmentOutcome::Unanswered]);
        queue.assert_is(&id, MessageStatus::Sent, Some(MessageError::OutcomeUnknown));
        assert_eq!(queue.lease().len(), 0);

        // Its answer, and so its id, never came: the number tells.
        queue.receive("late", ReceiptState::Delivered);
        queue.sweep();
        queue.assert_is(&id, MessageStatus::Sent, Some(MessageError::OutcomeUnknown));
        queue.now = NOW.plus_seconds(20);
        queue.sweep();
        queue.assert_is(&id, MessageStatus::Delivered, None);
        assert_eq!((queue.credits(), db.count("waiting_receipts")), (99, 0));
    }

    fn a_receipt_is_not_guessed_to_be_about_one_of_two_messages(db: &Database) {
        let mut queue = Queue::of(db);
        let ids = [queue.accept(1), queue.accept(1)];
        queue.lease();
        ids.iter().for_each(|id| queue.settle(id, &[SegmentOutcome::Unanswered]));

        queue.receive("late", ReceiptState::Delivered);
        queue.now = NOW.plus_seconds(60);
        queue.sweep();

        ids.iter().for_each(|id| queue.assert_is(id, MessageStatus::Sent, Some(MessageError::OutcomeUnknown)));
    }

    fn a_message_whose_worker_is_gone_is_not_sent_again(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.accept(1);
        queue.lease();

        queue.now = NOW.plus_seconds(LEASE_SECONDS - 1);
        queue.sweep();
        queue.assert_is(&id, MessageStatus::Sending, None);
        queue.now = NOW.plus_seconds(LEASE_SECONDS);
        queue.sweep();

        queue.assert_is(&id, MessageStatus::Sent, Some(MessageError::OutcomeUnknown));
        assert_eq!((queue.lease().len(), queue.credits()), (0, 99));
        // The worker was only slow.
        queue.settle(&id, &[taken("c1")]);
        queue.assert_is(&id, MessageStatus::Sent, None);
        queue.receive("c1", ReceiptState::Delivered);
        queue.assert_is(&id, MessageStatus::Delivered, None);
    }

    fn a_message_ends_when_its_time_is_over(db: &Database) {
        let mut queue = Queue::of(db);
        let (sent, unanswered, queued) = (queue.sent(1), queue.accept(1), queue.accept(2));
        message::lease(&mut queue.conn(), &carrier().carrier, 1, NOW).unwrap();
        queue.settle(&unanswered, &[SegmentOutcome::Unanswered]);
        assert_eq!(queue.credits(), 96);

        queue.now = NOW.plus_seconds(VALIDITY_SECONDS - 1);
        queue.sweep();
        queue.assert_is(&sent, MessageStatus::Sent, None);
        queue.assert_is(&queued, MessageStatus::Queued, None);
        queue.now = NOW.plus_seconds(VALIDITY_SECONDS);
        queue.sweep();

        queue.assert_is(&queued, MessageStatus::Failed, Some(MessageError::NotSentInTime));
        // Carriers report what expired only afterwards.
        queue.assert_is(&sent, MessageStatus::Sent, None);
        queue.now = NOW.plus_seconds(VALIDITY_SECONDS + 600);
        queue.sweep();

        // What became of it is not known, which is not to say that it was not delivered.
        queue.assert_is(&sent, MessageStatus::Sent, Some(MessageError::NoReceipt));
        queue.assert_is(&unanswered, MessageStatus::Sent, Some(MessageError::OutcomeUnknown));
        assert!(queue.find(&sent).has_ended() && queue.find(&unanswered).has_ended());
        // Only what no carrier was asked to take is given back.
        assert_eq!((queue.lease().len(), queue.credits()), (0, 98));

        queue.receive("c1", ReceiptState::Delivered);
        queue.assert_is(&sent, MessageStatus::Delivered, None);
    }

    fn a_message_of_a_clock_that_was_ahead_is_due_now(db: &Database) {
        let mut queue = Queue::of(db);
        let waiting = queue.accept(1);
        queue.lease();
        queue.settle(&waiting, &[throttled()]);
        for hours in [1, 48] {
            queue.now = NOW.plus_seconds(hours * 3600);
            queue.accept(1);
        }
        queue.now = NOW;
        assert_eq!(queue.lease().len(), 0);

        assert!(message::needs_sweep(&mut queue.conn(), NOW).unwrap());
        assert_eq!(message::correct_due_times(&mut queue.conn(), NOW).unwrap(), 2);

        // One that waits as long as it should goes on waiting.
        assert_eq!(queue.lease().len(), 2);
        assert_eq!(queue.find(&waiting).status, MessageStatus::Queued);
    }

    fn a_clock_that_steps_back_a_day_loses_no_message(db: &Database) {
        let mut queue = Queue::of(db);
        let (sent, id) = (queue.sent(1), queue.accept(1));

        queue.now = NOW.plus_seconds(-24 * 3600);
        queue.sweep();
        queue.receive("c1", ReceiptState::Delivered);
        let new = queue.accept(1);
        let leased = queue.lease();
        assert_eq!(leased.len(), 1);
        queue.settle(&new, &[taken("n1")]);

        queue.now = NOW;
        assert_eq!(queue.find(&sent).status, MessageStatus::Delivered);
        assert_eq!((leased[0].message.id.clone(), queue.find(&id).status), (new, MessageStatus::Queued));
    }

    fn the_ledger_refuses_to_go_below_nothing(db: &Database) {
        let queue = Queue::of(db);
        let below = match db.conn() {
            Conn::Sqlite(mut conn) => diesel::connection::SimpleConnection::batch_execute(&mut conn, "UPDATE credit_balances SET credits = -1"),
            Conn::Postgres(mut conn) => diesel::connection::SimpleConnection::batch_execute(&mut conn, "UPDATE credit_balances SET credits = -1"),
        };

        assert!(below.is_err());
        assert_eq!(queue.credits(), 100);
    }

    fn messages_are_counted_by_the_hour_of_their_acceptance_and_what_became_of_them(db: &Database) {
        let mut queue = Queue::of(db);
        queue.accept(1);
        queue.accept(1);
        assert_eq!(queue.counts(), [(0, StatusGroup::Waiting, None, 2)]);
        queue.now = NOW.plus_seconds(3_600);
        let third = queue.accept(1);
        let leased = queue.lease();
        assert_eq!(
            queue.counts(),
            [(0, StatusGroup::Waiting, None, 2), (1, StatusGroup::Waiting, None, 1)],
            "leased is no news"
        );

        queue.settle(&leased[0].message.id, &[taken("c1")]);
        queue.settle(&leased[1].message.id, &[refused(MessageError::InvalidRecipient)]);
        queue.settle(&third, &[carrier_error()]);

        let before = [
            (0, StatusGroup::NotDelivered, Some(MessageError::InvalidRecipient), 1),
            (0, StatusGroup::Sent, None, 1),
            (1, StatusGroup::Waiting, Some(MessageError::CarrierError), 1),
        ];
        assert_eq!(queue.counts(), before);
        queue.fold();
        assert_eq!(queue.counts(), before, "added up it is the same");

        queue.now = NOW.plus_seconds(2 * 3_600);
        queue.receive("c1", ReceiptState::Delivered);
        queue.receive("c1", ReceiptState::Undelivered);
        queue.lease();
        queue.settle(&third, &[taken("c3")]);
        let after = [
            (0, StatusGroup::Delivered, None, 1),
            (0, StatusGroup::NotDelivered, Some(MessageError::InvalidRecipient), 1),
            (1, StatusGroup::Sent, None, 1),
        ];
        assert_eq!(queue.counts(), after, "each has moved, in the hour of its acceptance");
        queue.fold();
        assert_eq!(queue.counts(), after);
        db.assert_messages_are_counted();
    }

    fn messages_are_counted_by_the_carrier_that_has_them_and_the_day_of_their_acceptance(db: &Database) {
        let mut queue = Queue::of(db);
        let name = |name: &str| name.parse::<CarrierName>().unwrap();
        let to = ["+420777123456", "+447700900123", "+447700900124"].map(str::to_owned);
        let draft = MessageDraft::with_text(&to, "Hello").unwrap();
        let origin = MessageOrigin { account_id: queue.account.clone(), api_key_id: None, mode: Mode::Live };
        let by = |carrier, credits_per_segment| Assignment { carrier: name(carrier), credits_per_segment };
        let assignments = [by("one", 1), by("two", 3), by("two", 3)];
        let messages = message::accept(&mut queue.conn(), &origin, &draft, &assignments, NOW).unwrap().messages;
        assert_eq!(db.count("message_count_changes"), 2, "one for each carrier, not for each message");
        assert_eq!(queue.spent(), [(0, 7)]);
        queue.fold();

        let leased = message::lease(&mut queue.conn(), &name("two"), 1, NOW).unwrap();
        queue.settle(&leased[0].message.id, &[refused(MessageError::InvalidRecipient)]);
        queue.now = NOW.plus_seconds(86_400);
        let (ids, carriers) = ([messages[0].id.clone()], (&name("one"), &name("two")));
        let moved = message::reassign(&mut queue.conn(), &ids, carriers, "One is gone.", queue.now).unwrap();
        assert_eq!(moved, 1);
        db.assert_messages_are_counted();

        let expected = [("two", "not_delivered", 1), ("two", "waiting", 2)];
        assert_eq!(queue.carrier_counts(NOW), expected.map(|(carrier, group, n)| (name(carrier), group, n)));
        queue.fold();
        assert_eq!(queue.carrier_counts(NOW), expected.map(|(carrier, group, n)| (name(carrier), group, n)));
        assert_eq!(queue.carrier_counts(queue.now), []);
        assert_eq!(queue.counts().iter().map(|(.., messages)| messages).sum::<i64>(), 3, "the account's are the same");
        db.assert_messages_are_counted();

        queue.now = NOW.plus_seconds(36 * 86_400);
        queue.accept(1);
        queue.fold();
        assert_eq!(queue.carrier_counts(NOW), [], "counts are kept for 35 days");
    }

    fn what_was_refunded_is_taken_off_the_day_on_which_it_was_spent(db: &Database) {
        let mut queue = Queue::of(db);
        let (refunded, kept) = (queue.accept(3), queue.accept(2));
        queue.lease();
        queue.fold();
        assert_eq!(queue.spent(), [(0, 5)]);

        queue.now = NOW.plus_seconds(86_400);
        queue.settle(&refunded, &[refused(MessageError::InvalidRecipient)]);
        queue.settle(&kept, &[taken("c1"), refused(MessageError::InvalidMessage)]);
        queue.accept(1);

        assert_eq!(queue.spent(), [(0, 1), (1, 1)]);
        queue.fold();
        assert_eq!(queue.spent(), [(0, 1), (1, 1)]);
        assert_eq!(queue.credits(), 98);
        db.assert_messages_are_counted();
    }

    fn a_receipt_that_comes_when_its_hour_is_no_longer_kept_makes_no_count_negative(db: &Database) {
        let mut queue = Queue::of(db);
        let id = queue.sent(1);
        queue.fold();
        queue.now = NOW.plus_seconds(36 * 86_400);
        queue.sweep();
        queue.accept(1);
        queue.fold();
        assert_eq!(queue.counts(), [(36 * 24, StatusGroup::Waiting, None, 1)]);

        queue.receive("c1", ReceiptState::Delivered);
        queue.fold();

        assert_eq!(queue.find(&id).status, MessageStatus::Delivered);
        assert_eq!(queue.counts(), [(36 * 24, StatusGroup::Waiting, None, 1)]);
    }

    fn what_is_removed_from_old_messages_is_still_counted(db: &Database) {
        let mut queue = Queue::of(db);
        queue.sent(1);
        queue.receive("c1", ReceiptState::Delivered);
        queue.now = NOW.plus_seconds(86_400);

        let step = message::remove_contents(&mut queue.conn(), None, queue.now, 10).unwrap();

        assert_eq!(step.removed, 1);
        assert_eq!(queue.counts(), [(0, StatusGroup::Delivered, None, 1)]);
        db.assert_messages_are_counted();
    }

    fn counts_that_two_instances_add_up_at_once_are_added_up_once(db: &Database) {
        let queue = Queue::of(db);
        for _ in 0..40 {
            queue.accept(1);
        }

        thread::scope(|all| {
            for _ in 0..2 {
                all.spawn(|| {
                    let store = Store::open(&db.url().parse().unwrap()).unwrap();
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    while runtime.block_on(store.write(|conn| message::fold_counts(conn, 3, NOW))).unwrap() {}
                });
            }
        });

        assert_eq!(db.count("message_count_changes"), 0);
        assert_eq!(queue.counts(), [(0, StatusGroup::Waiting, None, 40)]);
        assert_eq!(queue.spent(), [(0, 40)]);
    }
}

/// The server is told that the database did not answer, and then it did.
#[test]
fn what_took_too_long_to_lease_is_sent_all_the_same() {
    let db = Database::postgres();
    let app = db.app();
    let application = Application::with(&app, &app.make_key("Project X"));
    db.execute(
        "CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(9.4); RETURN NEW; END $$",
    );
    db.execute(
        "CREATE TRIGGER slow BEFORE UPDATE ON messages FOR EACH ROW \
         WHEN (OLD.status = 'queued' AND NEW.status = 'sending') EXECUTE FUNCTION take_long()",
    );

    let message = application.sent(PHONE, "Hello");

    assert_eq!(application.wait_for_end(&message)["status"], "delivered");
}
