//! What the server counts: requests by group of routes, and connections. Each worker has
//! counters of its own, which no other thread writes: counting a request takes no lock, and
//! no cache line moves between processors.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

/// There are at most this many groups of routes.
const MAX_GROUPS: usize = 8;

/// The classes of statuses that are counted: the first digit and what metrics call it.
pub const STATUS_CLASSES: [(u16, &str); 4] = [(2, "2xx"), (3, "3xx"), (4, "4xx"), (5, "5xx")];

/// How long a request took at most to be counted in each bucket, in milliseconds.
pub const REQUEST_BOUNDS: [u64; 5] = [5, 25, 100, 500, 2_500];

/// Routes that are counted together.
#[derive(Debug)]
pub struct RouteGroup {
    /// What metrics call it.
    pub name: &'static str,
    /// Whether durations are taken, for which the clock is read twice a request.
    pub is_timed: bool,
}

/// The place of a request's group among all of them, by its path.
type GroupOf = Box<dyn Fn(&str) -> usize + Send + Sync>;

/// The counters of all workers of one server.
pub struct ServerMetrics {
    groups: &'static [RouteGroup],
    group_of: GroupOf,
    /// One for each worker that was ever started, so that no count is ever lost.
    workers: Mutex<Vec<Arc<CachePadded<WorkerCounts>>>>,
}

impl Default for ServerMetrics {
    /// Counts all requests together, and takes no durations.
    fn default() -> Self {
        Self::new(&[RouteGroup { name: "", is_timed: false }], |_| 0)
    }
}

/// A counter that one thread writes and others read.
#[derive(Debug, Default)]
struct OwnCounter(AtomicU64);

impl OwnCounter {
    /// No other thread writes, so that nothing is lost between the two steps, and the
    /// processor need not lock the line.
    fn raise(&self, by: u64) {
        self.set(self.get().wrapping_add(by));
    }

    fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct WorkerCounts {
    groups: [GroupCounts; MAX_GROUPS],
    open: OwnCounter,
    accepted: OwnCounter,
    timed_out: OwnCounter,
}

#[derive(Debug, Default)]
struct GroupCounts {
    statuses: [OwnCounter; STATUS_CLASSES.len()],
    /// By [`REQUEST_BOUNDS`]; the last one takes what is above them all.
    durations: [OwnCounter; REQUEST_BOUNDS.len() + 1],
    nanos: OwnCounter,
}

/// What all workers have counted.
#[derive(Debug)]
pub struct ServerTotals {
    /// The groups with their requests.
    pub groups: Vec<(&'static RouteGroup, GroupTotals)>,
    /// Connections that are open, as of the last second.
    pub open: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were closed since their client was too slow with a request or with
    /// taking its response.
    pub timed_out: u64,
}

/// The answered requests of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupTotals {
    /// By [`STATUS_CLASSES`].
    pub statuses: [u64; STATUS_CLASSES.len()],
    /// By [`REQUEST_BOUNDS`], and how many took longer.
    pub durations: [u64; REQUEST_BOUNDS.len() + 1],
    /// How long they took together.
    pub duration: Duration,
}

impl ServerMetrics {
    /// Counts requests in `groups`, of which there may be eight; `group_of` has the place of
    /// a path's group.
    #[must_use]
    pub fn new(groups: &'static [RouteGroup], group_of: impl Fn(&str) -> usize + Send + Sync + 'static) -> Self {
        debug_assert!((1..=MAX_GROUPS).contains(&groups.len()));
        Self { groups, group_of: Box::new(group_of), workers: Mutex::default() }
    }

    /// Counters for a worker, which may not leave its thread.
    pub(super) fn of_worker(self: &Arc<Self>) -> Rc<WorkerMetrics> {
        let counts = Arc::<CachePadded<WorkerCounts>>::default();
        self.workers.lock().push(Arc::clone(&counts));
        Rc::new(WorkerMetrics { server: Arc::clone(self), counts })
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> ServerTotals {
        let workers = self.workers.lock();
        let sum = |of: fn(&WorkerCounts) -> &OwnCounter| workers.iter().map(|counts| of(counts).get()).sum();
        let groups = self.groups.iter().enumerate().map(|(place, group)| {
            let of_workers = workers.iter().map(|counts| &counts.groups[place]);
            (group, of_workers.fold(GroupTotals::default(), GroupTotals::plus))
        });
        ServerTotals {
            groups: groups.collect(),
            open: sum(|counts| &counts.open),
            accepted: sum(|counts| &counts.accepted),
            timed_out: sum(|counts| &counts.timed_out),
        }
    }
}

impl GroupTotals {
    fn plus(mut self, counts: &GroupCounts) -> Self {
        let add = |sums: &mut [u64], counters: &[OwnCounter]| {
            sums.iter_mut().zip(counters).for_each(|(sum, counter)| *sum += counter.get());
        };
        add(&mut self.statuses, &counts.statuses);
        add(&mut self.durations, &counts.durations);
        self.duration += Duration::from_nanos(counts.nanos.get());
        self
    }
}

/// The counters of one worker.
pub(super) struct WorkerMetrics {
    server: Arc<ServerMetrics>,
    counts: Arc<CachePadded<WorkerCounts>>,
}

impl WorkerMetrics {
    /// The head of a request has arrived.
    pub(super) fn begin(self: &Rc<Self>, path: &str) -> RequestCount {
        let place = (self.server.group_of)(path).min(self.server.groups.len() - 1);
        let began = self.server.groups[place].is_timed.then(Instant::now);
        RequestCount { worker: Rc::clone(self), place, began }
    }

    /// A connection was accepted.
    pub(super) fn accepted(&self) {
        self.counts.accepted.raise(1);
    }

    /// A connection was closed in the middle of a request or a response.
    pub(super) fn timed_out(&self) {
        self.counts.timed_out.raise(1);
    }

    /// So many connections are open now.
    pub(super) fn set_open(&self, connections: usize) {
        self.counts.open.set(connections as u64);
    }
}

/// A request that is to be counted when it is answered.
pub(super) struct RequestCount {
    worker: Rc<WorkerMetrics>,
    place: usize,
    began: Option<Instant>,
}

impl RequestCount {
    /// Counts the request.
    pub(super) fn answered(self, status: StatusCode) {
        let counts = &self.worker.counts.groups[self.place];
        let class = status.as_u16() / 100;
        if let Some(place) = STATUS_CLASSES.iter().position(|(first_digit, _)| *first_digit == class) {
            counts.statuses[place].raise(1);
        }
        let Some(began) = self.began else { return };
        let took = began.elapsed();
        let within = REQUEST_BOUNDS.iter().position(|bound| took <= Duration::from_millis(*bound));
        counts.durations[within.unwrap_or(REQUEST_BOUNDS.len())].raise(1);
        counts.nanos.raise(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static GROUPS: [RouteGroup; 2] =
        [RouteGroup { name: "fast", is_timed: false }, RouteGroup { name: "pages", is_timed: true }];

    fn metrics() -> Arc<ServerMetrics> {
        Arc::new(ServerMetrics::new(&GROUPS, |path| usize::from(path != "/fast")))
    }

    #[test]
    fn requests_of_all_workers_are_counted_by_group_and_class() {
        let metrics = metrics();
        for worker in [metrics.of_worker(), metrics.of_worker()] {
            worker.begin("/fast").answered(StatusCode::OK);
            worker.begin("/page").answered(StatusCode::SEE_OTHER);
            worker.begin("/page").answered(StatusCode::NOT_FOUND);
            worker.begin("/page").answered(StatusCode::SERVICE_UNAVAILABLE);
            drop(worker.begin("/page"));
        }

        let totals = metrics.totals();

        let statuses: Vec<_> = totals.groups.iter().map(|(group, totals)| (group.name, totals.statuses)).collect();
        assert_eq!(statuses, [("fast", [2, 0, 0, 0]), ("pages", [0, 2, 2, 2])]);
    }

    #[test]
    fn only_groups_that_are_timed_have_durations() {
        let metrics = metrics();
        let worker = metrics.of_worker();
        worker.begin("/fast").answered(StatusCode::OK);
        worker.begin("/page").answered(StatusCode::OK);

        let durations: Vec<u64> =
            metrics.totals().groups.iter().map(|(_, totals)| totals.durations.iter().sum()).collect();

        assert_eq!(durations, [0, 1]);
    }
}
