use super::*;

fn link(window: usize) -> Arc<HttpLink> {
    Arc::new(HttpLink::new(window, None))
}

fn problem(needs_operator: bool) -> LinkProblem {
    LinkProblem { sentence: "the carrier is not well".to_owned(), needs_operator }
}

/// How long nothing may begin.
async fn waits(link: &HttpLink) -> Duration {
    let began = Instant::now();
    link.ready().await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_window_is_on_its_way() {
    let link = link(2);
    let (first, second) = (link.begin().unwrap(), link.begin().unwrap());
    assert!(link.begin().is_none());
    assert_eq!(link.capacity(), 0);
    drop(first);
    assert_eq!(link.capacity(), 1);
    drop(second);
    assert_eq!(link.capacity(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_everything_until_one_message_is_answered() {
    let link = link(10);
    let (failing, other) = (link.begin().unwrap(), link.begin().unwrap());
    link.failed(&failing, problem(false));
    drop(failing);
    assert_eq!(link.capacity(), 0, "another one is on its way");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(link.capacity(), 0, "and may still be answered");
    drop(other);
    assert_eq!(link.capacity(), 1, "one message is tried");
    let probe = link.begin().unwrap();
    assert!(link.begin().is_none());
    assert!(link.answered());
    drop(probe);
    assert_eq!((link.capacity(), link.state().problem), (10, None));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_fails_together_counts_as_one_failure() {
    let link = link(10);
    let window: Vec<_> = std::iter::from_fn(|| link.begin()).collect();
    assert_eq!(window.len(), 10);
    for message in &window {
        link.failed(message, problem(false));
    }
    drop(window);
    assert_eq!(waits(&link).await, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_tried_again_after_half_a_minute_and_then_ever_more_rarely() {
    let link = link(10);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let message = link.begin().unwrap();
        tokio::time::advance(Duration::from_millis(1)).await;
        link.failed(&message, problem(true));
        drop(message);
        pauses.push(waits(&link).await.as_secs());
    }
    assert_eq!(pauses, [30, 60, 120, 300, 300]);
    let state = link.state();
    assert!(state.problem.unwrap().needs_operator);
    assert_eq!(state.lasts.as_secs(), 810);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_throttles_is_left_alone_as_long_as_it_asks() {
    let link = link(10);
    let message = link.begin().unwrap();
    link.throttled(&message, Some(Duration::from_secs(7)));
    drop(message);
    assert_eq!(link.capacity(), 0);
    assert!(link.state().throttled_for.is_some());
    assert_eq!(waits(&link).await, Duration::from_secs(7));
    assert!(link.state().learned_rate.is_some() && link.state().problem.is_none());
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(link.state().throttled_for, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_once_it_is_closed() {
    let link = link(10);
    link.close();
    assert!(link.begin().is_none());
    assert!(tokio::time::timeout(Duration::from_secs(3_600), link.ready()).await.is_err());
}
