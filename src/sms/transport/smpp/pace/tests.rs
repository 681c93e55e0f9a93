use super::*;

/// Submits for `time` as fast as the pace allows. Returns how many.
async fn taken_within(pace: &Pace, time: Duration) -> usize {
    let (end, mut taken) = (Instant::now() + time, 0);
    while Instant::now() < end {
        taken += usize::from(pace.take());
        if pace.room() == 0 {
            pace.ready().await;
        }
    }
    taken
}

/// A carrier that takes `limit` submits in each second of its clock.
struct ThrottlingCarrier {
    limit: u32,
    second: Instant,
    taken: u32,
}

impl ThrottlingCarrier {
    fn takes(&mut self) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.taken) = (Instant::now(), 0);
        }
        self.taken += 1;
        self.taken <= self.limit
    }
}

/// Submits to a carrier of `limit` a second until it has taken `count`. Returns the
/// time that it took, and how many submits were throttled.
async fn send(pace: &Pace, limit: u32, count: u32) -> (Duration, u32) {
    let mut carrier = ThrottlingCarrier { limit, second: Instant::now(), taken: 0 };
    let (start, mut accepted, mut throttled) = (Instant::now(), 0, 0);
    while accepted < count {
        pace.ready().await;
        if !pace.take() {
            continue;
        }
        let began = Instant::now();
        // The carrier's answer takes a moment.
        tokio::time::sleep(Duration::from_millis(1)).await;
        if carrier.takes() {
            accepted += 1;
            pace.answered();
        } else {
            throttled += 1;
            pace.throttled(began);
        }
    }
    (start.elapsed(), throttled)
}

#[tokio::test(start_paused = true)]
async fn a_configured_rate_is_kept_and_used_up() {
    for rate in [1, 7, 100, 3000] {
        let pace = Pace::new(NonZeroU32::new(rate));
        let taken = taken_within(&pace, Duration::from_secs(10)).await;
        let burst = (rate / 10).max(1) as usize;
        let expected = rate as usize * 10;
        assert!((expected - expected / 10..=expected + burst).contains(&taken), "{taken} at {rate}");
        assert_eq!(pace.learned(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_a_second_may_go_together_and_no_more_after_a_rest() {
    let pace = Pace::new(NonZeroU32::new(100));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(pace.room(), 10);
    assert_eq!((0..20).filter(|_| pace.take()).count(), 10);
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_and_without_throttling_there_is_always_room() {
    let pace = Pace::new(None);
    for _ in 0..10_000 {
        assert!(pace.take());
        pace.answered();
    }
    assert_eq!((pace.learned(), pace.room()), (None, usize::MAX));
}

#[tokio::test(start_paused = true)]
async fn the_pace_of_a_throttling_carrier_is_learned_and_used_up() {
    for limit in [1, 5, 10, 100] {
        let pace = Pace::new(None);
        let (_, _) = send(&pace, limit, limit * 20).await;

        let (time, throttled) = send(&pace, limit, limit * 60).await;

        let rate = f64::from(limit * 60) / time.as_secs_f64();
        assert!(rate > 0.7 * f64::from(limit), "{rate} of {limit} a second");
        assert!(throttled < limit * 60 / 5, "{throttled} throttled at {limit} a second");
        let learned = pace.learned().unwrap();
        assert!((0.4..2.0).contains(&(learned / f64::from(limit))), "{learned} of {limit} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_takes_more_again_is_used_up_again() {
    let pace = Pace::new(None);
    send(&pace, 5, 100).await;

    let (time, _) = send(&pace, 100, 12_000).await;

    assert!(time < Duration::from_secs(240), "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn one_squeeze_lowers_the_pace_once_and_pauses_for_a_second() {
    let pace = Pace::new(None);
    let began = Instant::now();
    for _ in 0..10 {
        assert!(pace.take());
        pace.answered();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(pace.throttled(began), Some(10.0));
    assert_eq!(pace.throttled(began), None);
    assert_eq!((pace.room(), pace.learned()), (0, Some(10.0)));

    pace.ready().await;

    assert_eq!(began.elapsed(), Duration::from_millis(1_050));
    assert_eq!(pace.room(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_learned_pace_never_exceeds_the_configured_one() {
    let pace = Pace::new(NonZeroU32::new(20));
    tokio::time::sleep(Duration::from_millis(1)).await;
    pace.throttled(Instant::now());
    assert!(pace.learned().unwrap() < 20.0);
    for _ in 0..10_000 {
        pace.answered();
    }
    assert_eq!(pace.learned(), None);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(pace.room(), 2);
}
