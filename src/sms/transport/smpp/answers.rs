//! The submits that await their answer.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// What a submit comes back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The carrier's status, and its id if it gives one.
    Said { status: u32, carrier_id: String },
    /// Nothing was heard.
    Lost {
        /// Whether any of it may have been written.
        written: bool,
    },
}

/// By their sequence numbers. A submit that is not here any more is never written.
pub(super) struct Answers(Mutex<State>);

struct State {
    open: bool,
    waiting: HashMap<u32, Waiting>,
}

struct Waiting {
    written: bool,
    reply: oneshot::Sender<Reply>,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State { open: true, waiting: HashMap::new() }))
    }

    /// Begins to wait. The carrier is not expected to answer once the
    /// [`Expected`] is dropped.
    pub(super) fn expect(&self, sequence: u32) -> Expected<'_> {
        let (reply, heard) = oneshot::channel();
        let mut state = self.0.lock();
        if state.open {
            state.waiting.insert(sequence, Waiting { written: false, reply });
        }
        Expected { answers: self, sequence, heard }
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
        waiting.is_some_and(|waiting| waiting.reply.send(Reply::Said { status, carrier_id }).is_ok())
    }

    /// No answer will come any more, to anybody.
    pub(super) fn end(&self) {
        let waiting = {
            let mut state = self.0.lock();
            state.open = false;
            std::mem::take(&mut state.waiting)
        };
        for waiting in waiting.into_values() {
            let _ = waiting.reply.send(Reply::Lost { written: waiting.written });
        }
    }
}

/// An answer that is waited for.
pub(super) struct Expected<'a> {
    answers: &'a Answers,
    sequence: u32,
    heard: oneshot::Receiver<Reply>,
}

impl Expected<'_> {
    /// Resolves with the answer.
    pub(super) async fn reply(&mut self) -> Reply {
        // Without a sender it was never among those that are written.
        (&mut self.heard).await.unwrap_or(Reply::Lost { written: false })
    }

    /// Waits no longer: what came meanwhile, or whether it was written.
    pub(super) fn give_up(mut self) -> Reply {
        let waiting = self.answers.0.lock().waiting.remove(&self.sequence);
        match waiting {
            Some(waiting) => Reply::Lost { written: waiting.written },
            None => self.heard.try_recv().unwrap_or(Reply::Lost { written: false }),
        }
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.answers.0.lock().waiting.remove(&self.sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_finds_its_submit() {
        let answers = Answers::new();
        let (mut first, mut second) = (answers.expect(1), answers.expect(2));
        assert!(answers.begin(1) && answers.settle(2, 0, "b".into()) && answers.settle(1, 8, String::new()));
        assert_eq!(first.reply().await, Reply::Said { status: 8, carrier_id: String::new() });
        assert_eq!(second.reply().await, Reply::Said { status: 0, carrier_id: "b".into() });
        assert!(!answers.settle(3, 0, "c".into()));
    }

    #[tokio::test]
    async fn the_end_tells_what_was_written_from_what_was_not() {
        let answers = Answers::new();
        let (mut first, mut second) = (answers.expect(1), answers.expect(2));
        assert!(answers.begin(1));
        answers.end();
        assert_eq!(first.reply().await, Reply::Lost { written: true });
        assert_eq!(second.reply().await, Reply::Lost { written: false });
        assert_eq!(answers.expect(3).reply().await, Reply::Lost { written: false });
    }

    #[test]
    fn what_is_given_up_before_it_was_written_never_is() {
        let answers = Answers::new();
        let (first, second) = (answers.expect(1), answers.expect(2));
        assert!(answers.begin(1));
        assert_eq!(first.give_up(), Reply::Lost { written: true });
        assert_eq!(second.give_up(), Reply::Lost { written: false });
        assert!(!answers.begin(2));
        drop(answers.expect(3));
        assert!(!answers.begin(3));
    }

    #[test]
    fn an_answer_that_comes_as_one_gives_up_counts() {
        let answers = Answers::new();
        let expected = answers.expect(1);
        assert!(answers.begin(1) && answers.settle(1, 0, "a".into()));
        assert_eq!(expected.give_up(), Reply::Said { status: 0, carrier_id: "a".into() });
    }
}
