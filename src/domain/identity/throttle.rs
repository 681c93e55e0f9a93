//! Slows down guessing of passwords and setup codes, per account and per
//! address, and leak reports. An attacker can't lock an operator out: a browser that has logged
//! in before has a quota of its own, and every other quota refills with time.
//!
//! The counts are kept in this process only and start from zero with it.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::operator::normalize_email;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::store::Digest;

/// Attempts for one account, or from one trusted browser: 10 at once, then one every 10 s.
const ACCOUNT_QUOTA: (u32, Duration) = (10, Duration::from_secs(10));
/// Attempts from one address, or by one known operator, for any account: 30 at once,
/// then one every 2 s.
const SOURCE_QUOTA: (u32, Duration) = (30, Duration::from_secs(2));
/// Leak reports from one address: 60 at once, then one a minute.
const REPORT_QUOTA: (u32, Duration) = (60, Duration::from_secs(60));
/// Above this number of entries, those with their whole quota left are dropped.
const MAX_ENTRIES: usize = 10_000;

/// The right to compare one password or code. Every comparison takes one, so
/// that no route can forget the throttle.
#[derive(Debug)]
pub struct Permit(());

/// Where a password or a code is typed, before it is known whether it is right.
#[derive(Debug, Clone)]
pub struct LoginAttempt {
    /// Where the request comes from.
    pub address: IpAddr,
    /// The operator who logged in from this browser before, by id.
    pub trusted_operator: Option<String>,
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Clock, NoOpMiddleware<Nanos>>;

/// Rate limits for attempts, per account and per address.
pub struct Throttle {
    clock: Clock,
    accounts: Limiter<Digest>,
    /// Addresses, and operators who are known.
    sources: Limiter<Digest>,
    /// Addresses that report leaks.
    reporters: Limiter<Digest>,
}

impl Throttle {
    /// A throttle with every quota unused.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            accounts: limiter(ACCOUNT_QUOTA, &clock),
            sources: limiter(SOURCE_QUOTA, &clock),
            reporters: limiter(REPORT_QUOTA, &clock),
            clock,
        }
    }

    /// Admits one attempt at `account`, or says how long to wait. `account` is the
    /// text that was typed: unknown accounts are slowed down just the same, so that
    /// the delay does not reveal which exist.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn admit(&self, account: &str, attempt: &LoginAttempt) -> Result<Permit> {
        self.forget_old();
        let shared = normalize_email(account);
        // Attempts from elsewhere use up neither quota of a known operator, even from the
        // same address: behind a proxy or NAT that address is everybody's.
        let (source, account) = match &attempt.trusted_operator {
            Some(operator) => (format!("known {operator}"), format!("{shared} known {operator}")),
            None => (network(attempt.address).to_string(), shared),
        };
        check(&self.sources, &Digest::of(source.as_bytes()), &self.clock)?;
        check(&self.accounts, &Digest::of(account.as_bytes()), &self.clock)?;
        Ok(Permit(()))
    }

    /// Admits one leak report from an address.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn admit_report(&self, address: IpAddr) -> Result<()> {
        self.forget_old();
        check(&self.reporters, &Digest::of(network(address).to_string().as_bytes()), &self.clock)
    }

    fn forget_old(&self) {
        if self.accounts.len() > MAX_ENTRIES {
            self.accounts.retain_recent();
        }
        for limiter in [&self.sources, &self.reporters] {
            if limiter.len() > MAX_ENTRIES {
                limiter.retain_recent();
            }
        }
    }
}

fn limiter<K: std::hash::Hash + Eq + Clone>((burst, refill): (u32, Duration), clock: &Clock) -> Limiter<K> {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(refill).unwrap_or_else(|| Quota::per_minute(burst)).allow_burst(burst);
    RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K, clock: &Clock) -> Result<()> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(GovernorClock::now(clock));
        Error::TooMany { retry_after: wait.as_secs() + 1 }
    })
}

/// The part of an address that a limit applies to: one household or server can
/// choose among all addresses of its IPv6 /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

impl GovernorClock for Clock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let micros = u64::try_from(self.monotonic_micros()).unwrap_or_default();
        Nanos::from(micros.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::UtcTime;

    fn throttle() -> (Throttle, Clock) {
        let clock = Clock::standing_at(UtcTime::from_micros(1_790_000_000_000_000));
        (Throttle::new(clock.clone()), clock)
    }

    fn from(address: &str) -> LoginAttempt {
        LoginAttempt { address: address.parse().unwrap(), trusted_operator: None }
    }

    fn tries(throttle: &Throttle, account: &str, attempt: &LoginAttempt) -> usize {
        (0..1_000).take_while(|_| throttle.admit(account, attempt).is_ok()).count()
    }

    #[test]
    fn one_account_is_guessed_at_slowly_from_however_many_addresses() {
        let (throttle, clock) = throttle();
        let admitted =
            |n| (0..n).filter(|i| throttle.admit("ada@example.com", &from(&format!("10.0.0.{i}"))).is_ok()).count();
        assert_eq!(admitted(100), 10);
        clock.advance(60);
        assert_eq!(admitted(100), 6);
    }

    #[test]
    fn one_address_guesses_slowly_at_however_many_accounts() {
        let (throttle, clock) = throttle();
        let admitted =
            |n| (0..n).filter(|i| throttle.admit(&format!("{i}@example.com"), &from("10.0.0.1")).is_ok()).count();
        assert_eq!(admitted(100), 30);
        clock.advance(60);
        assert_eq!(admitted(100), 30);
    }

    #[test]
    fn a_browser_that_logged_in_before_is_not_shut_out_by_others() {
        let (throttle, _) = throttle();
        while throttle.admit("ada@example.com", &from("10.0.0.1")).is_ok() {}
        assert!(throttle.admit("ada@example.com", &from("10.0.0.2")).is_err());
        let known = LoginAttempt { trusted_operator: Some("op_1".into()), ..from("10.0.0.2") };
        assert_eq!(tries(&throttle, "ada@example.com", &known), 10);
    }

    #[test]
    fn a_known_operator_is_not_shut_out_by_strangers_at_the_same_address() {
        let (throttle, _) = throttle();
        let guessed = (0..100).filter(|i| throttle.admit(&format!("{i}@example.com"), &from("10.0.0.1")).is_ok());
        assert_eq!(guessed.count(), 30);
        assert!(throttle.admit("ada@example.com", &from("10.0.0.1")).is_err());
        let known = LoginAttempt { trusted_operator: Some("op_1".into()), ..from("10.0.0.1") };
        assert_eq!(tries(&throttle, "ada@example.com", &known), 10);
        let others = (0..100).filter(|i| throttle.admit(&format!("{i}@example.com"), &known).is_ok());
        assert_eq!(others.count(), 19, "a known browser guesses at other accounts no faster");
    }

    #[test]
    fn writing_an_address_in_another_way_gives_no_more_tries() {
        let (throttle, _) = throttle();
        assert_eq!(tries(&throttle, "ada@example.com", &from("10.0.0.1")), 10);
        for spelled in [" ADA@example.com", "\u{202a}ada@example.com\u{202c}", "a\u{200b}da@example.com\u{a0}"] {
            assert!(throttle.admit(spelled, &from("10.0.0.1")).is_err(), "{spelled:?}");
        }
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), network("10.0.0.1".parse().unwrap()));
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff:2".parse().unwrap()));
        assert_ne!(network("2001:db8::1".parse().unwrap()), network("2001:db8:0:1::1".parse().unwrap()));
    }

    #[test]
    fn the_answer_says_how_long_to_wait() {
        let (throttle, clock) = throttle();
        tries(&throttle, "ada@example.com", &from("10.0.0.1"));
        let Err(Error::TooMany { retry_after }) = throttle.admit("ada@example.com", &from("10.0.0.1")) else {
            panic!("an eleventh try was let through");
        };
        assert!((1..=11).contains(&retry_after), "{retry_after}");
        clock.advance(i64::try_from(retry_after).unwrap());
        assert!(throttle.admit("ada@example.com", &from("10.0.0.1")).is_ok());
    }
}
