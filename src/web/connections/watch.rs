//! Looks after the connections of each worker.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;

use super::{Connection, Patience, Stopping};

/// A worker with more connections than this keeps idle ones no longer than it
/// waits for a request.
const MANY: usize = 1_000;
const EVERY: Duration = Duration::from_secs(1);

/// The connections of one worker, which is one thread.
struct Worker {
    started: Instant,
    /// Seconds since then, as of the last look: good enough, and free to read.
    now: Cell<u64>,
    open: RefCell<Vec<Weak<Connection>>>,
    is_watched: Cell<bool>,
}

thread_local! {
    static WORKER: Worker = Worker {
        started: Instant::now(),
        now: Cell::new(0),
        open: RefCell::default(),
        is_watched: Cell::new(false),
    };
}

/// This worker's time.
pub(super) fn now() -> u64 {
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
        let now = self.started.elapsed().as_secs();
        self.now.set(now);
        let mut open = self.open.borrow_mut();
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
