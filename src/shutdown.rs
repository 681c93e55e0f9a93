//! Stops without failing a request. A proxy may send a request into a
//! keep-alive connection at any moment, so connections are not just closed: for
//! a while every response says `Connection: close` and new connections are still
//! accepted; then the server stops.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::rt::signal::unix::{Signal, SignalKind, signal};
use futures_util::future::{Either, select};
use tokio::time::timeout;

use crate::gate::Gate;
use crate::server::drain::Drain;
use crate::server::timeouts::DRAIN_NOTICE;
use crate::service_manager;
use crate::sms::Workers;

/// How long the last uses of keys may take to be written to the database.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long `main` may take to return; after that the process exits, even if a
/// thread still waits for the database.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);

/// Runs until SIGTERM, or SIGHUP when the terminal is closed, and then drains for at
/// most 10 seconds. A second one ends the notice early; SIGINT (Ctrl-C) and SIGQUIT
/// stop without draining.
///
/// # Errors
/// When the server fails.
pub async fn run(
    signals: StopSignals,
    server: Server,
    gate: &Gate,
    workers: Workers,
    drain: Arc<Drain>,
) -> io::Result<()> {
    let StopSignals { mut gentle, mut at_once } = signals;
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        let notice = async {
            gentle.recv().await;
            tracing::info!("stopping: requests in progress may finish");
            service_manager::stopping();
            drain.begin();
            let _ = timeout(DRAIN_NOTICE, gentle.recv()).await;
        };
        let (notice, at_once) = (pin!(notice), pin!(at_once.recv()));
        let is_gentle = matches!(select(notice, at_once).await, Either::Left(_));
        drain.close_idle();
        handle.stop(is_gentle).await;
    });
    server.await?;
    workers.stop().await;
    let write_down = async {
        gate.write_down_uses().await;
        gate.write_down_refusals().await;
    };
    if timeout(LAST_WRITE_TIMEOUT, write_down).await.is_err() {
        tracing::warn!("the database did not take the last uses and refusals of keys in time; they are lost");
    }
    exit_soon();
    Ok(())
}

/// Whether whoever started the process had it ignore SIGHUP, as `nohup` does.
/// Without `/proc` nobody is assumed to have.
fn ignores_hangup() -> bool {
    const SIGHUP_BIT: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & SIGHUP_BIT != 0)
}

/// The signals that stop the server.
pub struct StopSignals {
    gentle: EitherSignal,
    at_once: EitherSignal,
}

impl StopSignals {
    /// Installs the handlers; until then a signal ends the process.
    ///
    /// # Errors
    /// When handlers can't be installed.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { gentle: EitherSignal::terminate_or_hangup()?, at_once: EitherSignal::interrupt_or_quit()? })
    }

    /// Waits for the first one, whichever it is.
    pub async fn first(&mut self) {
        let (gentle, at_once) = (pin!(self.gentle.recv()), pin!(self.at_once.recv()));
        select(gentle, at_once).await;
    }
}

/// Two signals that mean the same.
struct EitherSignal(Signal, Signal);

impl EitherSignal {
    fn terminate_or_hangup() -> io::Result<Self> {
        let hangup = if ignores_hangup() { SignalKind::terminate() } else { SignalKind::hangup() };
        Ok(Self(signal(SignalKind::terminate())?, signal(hangup)?))
    }

    /// They stop without draining.
    fn interrupt_or_quit() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::quit())?))
    }

    async fn recv(&mut self) {
        let (one, other) = (pin!(self.0.recv()), pin!(self.1.recv()));
        select(one, other).await;
    }
}

/// A thread that waits for a database which is gone would keep the process alive.
fn exit_soon() {
    std::thread::spawn(|| {
        std::thread::sleep(EXIT_TIMEOUT);
        std::process::exit(0);
    });
}
