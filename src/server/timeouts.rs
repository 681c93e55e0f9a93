//! Looks after the connections of each worker.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;

use super::connection::{Connection, Patience};
use super::drain::Stopping;

/// A worker with as many connections keeps idle ones no longer than it
/// waits for a request.
const MANY: usize = 1_000;
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// The connections of one worker, which is one thread.
struct Worker {
    started: Instant,
    /// How long ago that was at the last look: good enough, and free to read.
    now: Cell<Duration>,
    open: RefCell<Vec<Weak<Connection>>>,
    is_watched: Cell<bool>,
}

thread_local! {
    static WORKER: Worker = Worker {
        started: Instant::now(),
        now: Cell::new(Duration::ZERO),
        open: RefCell::default(),
        is_watched: Cell::new(false),
    };
}

/// This worker's time.
pub(super) fn now() -> Duration {
    WORKER.with(|worker| worker.now.get())
}

pub(super) fn begin(connection: &Rc<Connection>, stopping: &Arc<Stopping>) {
    WORKER.with(|worker| {
        worker.open.borrow_mut().push(Rc::downgrade(connection));
        if !worker.is_watched.replace(true) {
            rt::spawn(keep_looking(Arc::clone(stopping)));
        }
    });
}

async fn keep_looking(stopping: Arc<Stopping>) {
    while !stopping.is_over_within(EVERY).await {
        WORKER.with(|worker| worker.look(false));
    }
    loop {
        WORKER.with(|worker| worker.look(true));
        rt::time::sleep(EVERY).await;
    }
}

impl Worker {
    /// Closes what is overdue.
    fn look(&self, is_stopping: bool) {
        let now = self.started.elapsed();
        self.now.set(now);
        let mut open = self.open.borrow_mut();
        open.retain(|connection| connection.strong_count() > 0);
        let patience = match open.len() {
            _ if is_stopping => Patience::None,
            MANY.. => Patience::Little,
            _ => Patience::Usual,
        };
        open.retain(|connection| {
            let Some(connection) = connection.upgrade() else { return false };
            let is_overdue = connection.is_overdue(now, patience);
            if is_overdue {
                connection.close();
            }
            !is_overdue
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::connection::Waiting;

    #[test]
    fn connections_that_are_gone_do_not_count_as_many() {
        let kept = Rc::new(Connection::default());
        kept.now_waits(Waiting::NextRequest);
        let gone = Weak::new();
        let mut open = vec![gone; MANY];
        open.push(Rc::downgrade(&kept));
        let worker = Worker {
            started: Instant::now() - Duration::from_secs(20),
            now: Cell::new(Duration::ZERO),
            open: RefCell::new(open),
            is_watched: Cell::new(true),
        };

        worker.look(false);

        assert!(!kept.is_closed.get());
        assert_eq!(worker.open.borrow().len(), 1);
    }
}
