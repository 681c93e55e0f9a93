//! Lets whoever asks from the same processor go on before more questions are
//! looked for. A proxy that shares its processor with the server is otherwise
//! interrupted by each question that it asks: the two take turns for one answer,
//! and not for many.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::rt::net::TcpStream;
use tokio::sync::Notify;

/// So many answers from one look to the next, a second: with less to do, taking
/// turns costs little, and the server would only lose its place to other programs.
const MANY: u32 = 1_000;
/// So many times the time between two ways given others may take, while they are
/// given. A proxy takes about twice as long as the answers to it; where somebody
/// else has the processor too, each way given is a turn of theirs, of milliseconds.
const FAIR: u32 = 3;
/// What others may take beyond that: a proxy may be slow now and then.
const MOST: Duration = Duration::from_millis(100);
/// For so many looks, seconds, nobody is given way to after others have taken more.
const REST: u32 = 60;

/// One worker, which is one thread.
struct Worker {
    /// Since the last look.
    answers: Cell<u32>,
    gives_way: Cell<bool>,
    /// What others may take now.
    left: Cell<Duration>,
    /// Looks until it may give way again.
    rest: Cell<u32>,
    /// There was an answer behind which way is to be given.
    is_due: Cell<bool>,
    due: Notify,
}

thread_local! {
    static WORKER: Rc<Worker> = Rc::default();
}

/// Has this worker give way behind answers that leave together, where it should.
pub(super) fn begin() {
    let worker = WORKER.with(Rc::clone);
    rt::spawn(async move { worker.keep_giving_way(thread::yield_now).await });
}

/// Notes an answer that has left.
pub(super) fn answered(socket: &TcpStream) {
    WORKER.with(|worker| worker.answered(|| is_asked_from_here(socket)));
}

/// Sees how much there is to do, once a second.
pub(super) fn look() {
    WORKER.with(|worker| worker.look());
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            answers: Cell::default(),
            gives_way: Cell::default(),
            left: Cell::new(MOST),
            rest: Cell::default(),
            is_due: Cell::default(),
            due: Notify::new(),
        }
    }
}

impl Worker {
    /// Connections that were found to have a question together are all queued before
    /// this task is, so that it has its turn once, behind all of their answers.
    async fn keep_giving_way(&self, give_way: impl Fn()) {
        let mut back = Instant::now();
        loop {
            self.due.notified().await;
            self.is_due.set(false);
            let away = Instant::now();
            give_way();
            let own = away.duration_since(back);
            back = Instant::now();
            self.gave(back.duration_since(away), own);
        }
    }

    /// Of many answers in a second the one that makes them many decides.
    fn answered(&self, is_asked_from_here: impl FnOnce() -> bool) {
        let answers = self.answers.get().saturating_add(1);
        self.answers.set(answers);
        if answers == MANY {
            self.gives_way.set(self.rest.get() == 0 && is_asked_from_here());
        }
        // Told a second time, before its turn, it would have another one at once.
        if self.gives_way.get() && !self.is_due.replace(true) {
            self.due.notify_one();
        }
    }

    /// Notes how long others took, after so much time of its own: asleep too, since
    /// nobody had to be given the processor then.
    fn gave(&self, time: Duration, own: Duration) {
        let left = MOST.min(self.left.get().saturating_add(own.saturating_mul(FAIR))).checked_sub(time);
        self.left.set(left.unwrap_or(MOST));
        if left.is_none() {
            self.gives_way.set(false);
            self.rest.set(REST);
        }
    }

    fn look(&self) {
        self.rest.set(self.rest.get().saturating_sub(1));
        if self.answers.take() < MANY {
            self.gives_way.set(false);
        }
    }
}

/// Whether the last that came in was taken in on the processor that this thread is
/// on: by whoever sent it on this machine, else for the network, where way may be
/// given to nobody, for a few hundredths of the answers and no gain.
#[cfg(target_os = "linux")]
fn is_asked_from_here(socket: &TcpStream) -> bool {
    use rustix::{net::sockopt::socket_incoming_cpu, thread::sched_getcpu};
    socket_incoming_cpu(socket).is_ok_and(|processor| usize::try_from(processor) == Ok(sched_getcpu()))
}

/// Nobody says.
#[cfg(not(target_os = "linux"))]
const fn is_asked_from_here(_: &TcpStream) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::yield_now;

    use super::*;
    use crate::web::connections::tests::connect;
    use crate::web::connections::{Outcome, Shortcut, Stream};

    const HERE: fn() -> bool = || true;
    const ELSEWHERE: fn() -> bool = || false;

    fn answers(worker: &Worker, number: u32, asked_from: fn() -> bool) -> bool {
        for _ in 0..number {
            worker.answered(asked_from);
        }
        worker.gives_way.get()
    }

    #[test]
    fn whoever_asks_much_from_the_same_processor_is_given_way_to_and_nobody_else() {
        for (number, asked_from, expected) in
            [(MANY - 1, HERE, false), (MANY, HERE, true), (MANY, ELSEWHERE, false), (10 * MANY, ELSEWHERE, false)]
        {
            assert_eq!(answers(&Worker::default(), number, asked_from), expected, "{number} answers");
        }
    }

    #[test]
    fn it_ends_when_there_is_little_to_do_or_others_ask() {
        let worker = Worker::default();
        assert!(answers(&worker, MANY, HERE));
        worker.look();
        assert!(answers(&worker, MANY - 1, HERE));
        worker.look();
        assert!(!worker.gives_way.get(), "there is little to do");

        assert!(answers(&worker, MANY, HERE));
        worker.look();
        assert!(!answers(&worker, MANY, ELSEWHERE), "others ask");
    }

    #[test]
    fn a_program_that_takes_turns_of_its_own_is_given_way_to_for_a_moment_in_a_minute() {
        let (worker, turn, own) = (Worker::default(), Duration::from_millis(4), Duration::from_millis(1));
        let mut taken = Duration::ZERO;
        answers(&worker, MANY, HERE);
        while answers(&worker, 60, HERE) {
            worker.gave(turn, own);
            taken += turn;
        }
        assert!(taken <= 5 * MOST, "{taken:?}");

        for look in 1..=REST {
            assert!(!answers(&worker, MANY, HERE), "look {look}");
            worker.look();
        }
        assert!(answers(&worker, MANY, HERE));
    }

    #[test]
    fn a_proxy_is_given_way_to_as_long_as_it_asks_however_long_it_once_took() {
        let (worker, own) = (Worker::default(), Duration::from_micros(300));
        answers(&worker, MANY, HERE);

        for _ in 0..3 {
            for _ in 0..1_000 {
                worker.gave(2 * own, own);
            }
            worker.gave(MOST, own);
            assert!(answers(&worker, 20, HERE));
        }
    }

    #[actix_web::test]
    async fn it_gives_way_once_behind_answers_that_leave_together_and_not_again_without_one() {
        let (worker, given) = (Rc::new(Worker::default()), Rc::new(Cell::new(0)));
        let (giving, count) = (Rc::clone(&worker), Rc::clone(&given));
        rt::spawn(async move { giving.keep_giving_way(|| count.set(count.get() + 1)).await });

        for expected in [0, 1, 2, 3] {
            answers(&worker, if expected == 0 { MANY - 1 } else { 10 }, HERE);
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(given.get(), expected);
        }
    }

    /// Answers whatever it is asked.
    struct Yes;

    impl Shortcut for Yes {
        fn answer(&self, _: &[u8], _: Option<SocketAddr>, answer: &mut Vec<u8>) -> Outcome {
            answer.push(b'!');
            Outcome::Answered
        }
    }

    #[actix_web::test]
    async fn answers_of_the_shortcut_count() {
        let (mut client, socket) = connect().await;
        let mut stream = Stream::accept(socket, &Rc::new(Yes), &Arc::default()).0;
        rt::spawn(async move { stream.read_u8().await });
        WORKER.with(|worker| worker.answers.take()); // this thread may have been another test's

        for number in 1..=3 {
            client.write_all(b"?").await.unwrap();
            client.read_u8().await.unwrap();
            assert_eq!(WORKER.with(|worker| worker.answers.get()), number);
        }
    }

    #[cfg(target_os = "linux")]
    #[actix_web::test]
    async fn where_a_question_was_sent_from_is_known() {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

        fn pin(processor: usize) {
            let mut one = CpuSet::new();
            one.set(processor);
            sched_setaffinity(None, &one).unwrap();
        }
        let (here, all) = (sched_getcpu(), sched_getaffinity(None).unwrap());
        let others = (0..CpuSet::MAX_CPU).filter(|processor| *processor != here && all.is_set(*processor));
        pin(here);
        let (mut client, mut socket) = connect().await;

        client.write_all(b"?").await.unwrap();
        socket.read_u8().await.unwrap();
        assert!(is_asked_from_here(&socket));

        for elsewhere in others {
            pin(elsewhere);
            client.write_all(b"?").await.unwrap();
            pin(here);
            socket.read_u8().await.unwrap();
            assert!(!is_asked_from_here(&socket), "{elsewhere} is not {here}");
        }
        sched_setaffinity(None, &all).unwrap(); // the thread may be another test's next
    }
}
