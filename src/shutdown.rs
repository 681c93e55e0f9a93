//! Stops without failing a request. A proxy that has a connection open may
//! send a request into it at any moment, so connections are not just closed:
//! for a while every answer says that it is the last one on its connection
//! and new ones are still taken; then the server stops.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use futures_util::future::{Either, select};
use tokio::time::timeout;

use crate::gate::Gate;
use crate::server::drain::Stopping;
use crate::sms::Workers;

/// For how long connections are let go one by one. `/readyz` says no meanwhile,
/// so that whoever asks it sends requests elsewhere.
const NOTICE: Duration = Duration::from_secs(2);
/// How long the last uses may take to be written down.
const LAST_WRITE: Duration = Duration::from_millis(1_500);
/// After this the process ends, whatever a query may be waiting for.
const LAST_MOMENT: Duration = Duration::from_millis(500);

/// Runs until SIGTERM, and 10 s longer at most; a second SIGTERM cuts the
/// notice short, SIGINT (Ctrl-C) and SIGQUIT stop at once.
///
/// # Errors
/// When the server can't go on, or signals can't be heard.
pub async fn run(server: Server, gate: &Gate, workers: Workers, stopping: Arc<Stopping>) -> io::Result<()> {
    let (mut gentle, mut at_once) = (signal(SignalKind::terminate())?, AtOnce::listen()?);
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        let notice = async {
            gentle.recv().await;
            tracing::info!("stopping: connections are let go");
            stopping.begin();
            let _ = timeout(NOTICE, gentle.recv()).await;
        };
        let (notice, at_once) = (pin!(notice), pin!(at_once.recv()));
        let is_gentle = matches!(select(notice, at_once).await, Either::Left(_));
        stopping.end_notice();
        handle.stop(is_gentle).await;
    });
    server.await?;
    workers.stop().await;
    if timeout(LAST_WRITE, gate.write_down_uses()).await.is_err() {
        tracing::warn!("the last uses of keys were not written down");
    }
    end_soon();
    Ok(())
}

/// The signals that do not wait.
struct AtOnce {
    interrupt: Signal,
    quit: Signal,
}

impl AtOnce {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, quit: signal(SignalKind::quit())? })
    }

    async fn recv(&mut self) {
        let (interrupt, quit) = (pin!(self.interrupt.recv()), pin!(self.quit.recv()));
        select(interrupt, quit).await;
    }
}

/// A thread that waits for a database which is gone would keep the process.
fn end_soon() {
    std::thread::spawn(|| {
        std::thread::sleep(LAST_MOMENT);
        std::process::exit(0);
    });
}
