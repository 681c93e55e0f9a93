//! Every time limit of the server. They hold for all routes alike: no handler
//! takes part in enforcing them.

use std::time::Duration;

/// How long a request may take to arrive, from its first byte to the last byte
/// of its body. The sweep that closes the connection comes at most
/// [`SWEEP_INTERVAL`] later.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a connection is kept alive for its next request. Longer than the 60
/// seconds that common proxies keep theirs, so that the proxy closes first and
/// never sends a request into a connection that is being closed.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a client may take nothing of its response. What it has not taken is kept
/// in memory.
pub(super) const STALLED_RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// A worker with this many open connections closes idle ones after
/// [`REQUEST_TIMEOUT`] instead, so that they do not use up its file descriptors.
pub(super) const CROWDED_CONNECTIONS: usize = 1_000;

/// How often each worker looks for connections that are overdue: one timer for
/// all of them is cheaper than one timer for each.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How long the rest of a request is still read and thrown away after it was
/// answered early. Closing at once would reset the connection, and the client
/// could lose the answer.
pub(super) const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the last response of a connection may take to reach the socket when
/// another request was pipelined behind it.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_millis(100);

/// How long a server that drains goes on taking requests, so that clients and
/// load balancers learn from `Connection: close` and `/readyz` to go elsewhere.
pub const DRAIN_NOTICE: Duration = Duration::from_secs(2);

/// How long requests in flight may take to finish after the notice, in seconds.
pub(super) const SHUTDOWN_TIMEOUT_SECONDS: u64 = 4;
