//! Tests of the traffic to one endpoint, in reckoned time.

use super::*;
use crate::config::Rate;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// An endpoint with a clock for it.
struct Endpoint {
    traffic: Traffic,
    begin: (Timestamp, Instant),
    elapsed: Duration,
}

impl Endpoint {
    fn new(config: TrafficConfig) -> Self {
        Self::resumed(config, None)
    }

    fn resumed(config: TrafficConfig, stored: Option<EndpointRecord>) -> Self {
        let begin = ("2024-10-31T08:00:00Z".parse().unwrap(), Instant::now());
        Self {
            traffic: Traffic::resume((config, 24 * 60 * MINUTE), ("desk", address()), stored, begin),
            begin,
            elapsed: Duration::ZERO,
        }
    }

    fn now(&self) -> (Timestamp, Instant) {
        (self.begin.0.saturating_add(self.elapsed).unwrap(), self.begin.1 + self.elapsed)
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
    }

    /// An attempt that takes no time.
    fn attempt(&mut self, outcome: &Outcome) -> Option<Shift> {
        let now = self.now();
        self.traffic.start(now.1);
        self.traffic.note(outcome, "no answer", now.1, now)
    }

    /// How many attempts may begin now, with nothing under way.
    fn room(&mut self) -> usize {
        let now = self.now().1;
        match self.traffic.permit(now, 0, 4) {
            Permit::Start { room, .. } => room,
            Permit::Wait(_) => 0,
        }
    }

    /// Lets the time pass until an attempt may begin; says how long that was.
    fn wait(&mut self) -> Duration {
        let now = self.now().1;
        match self.traffic.permit(now, 0, 4) {
            Permit::Start { .. } => Duration::ZERO,
            Permit::Wait(wait) => {
                self.pass(wait);
                assert!(self.room() > 0, "still none after {wait:?}");
                wait
            }
        }
    }

    fn fail(&mut self, times: u32) {
        for _ in 0..times {
            self.attempt(&Outcome::Failed);
        }
    }

    fn state(&self) -> EndpointState {
        self.traffic.record().state
    }

    /// Stores what is to be stored; says whether the endpoint is back, if anything was.
    fn store(&mut self) -> Option<bool> {
        let unstored = self.traffic.unstored();
        self.traffic.stored();
        assert_eq!(self.traffic.unstored(), None);
        unstored.map(|(_, is_back)| is_back)
    }
}

fn address() -> AddressHash {
    AddressHash::of(&[b"https://desk.example/hook"])
}

fn config() -> TrafficConfig {
    TrafficConfig::default()
}

#[test]
fn a_healthy_endpoint_gets_what_may_be_at_once_and_nothing_is_stored_of_it() {
    let mut endpoint = Endpoint::new(config());
    for _ in 0..100 {
        assert_eq!(endpoint.room(), 4);
        assert_eq!(endpoint.attempt(&Outcome::Delivered), None);
    }
    let now = endpoint.now().1;
    assert_eq!(endpoint.traffic.permit(now, 3, 4), Permit::Start { room: 1, may_be_early: false });
    assert!(matches!(endpoint.traffic.permit(now, 4, 4), Permit::Wait(_)));
    endpoint.fail(4);
    assert_eq!((endpoint.room(), endpoint.store()), (4, None));
}

#[test]
fn the_breaker_opens_after_failures_in_a_row_and_asks_less_and_less_often() {
    let mut endpoint = Endpoint::new(config());
    endpoint.fail(4);
    endpoint.attempt(&Outcome::Delivered);
    endpoint.fail(4);
    assert_eq!(endpoint.state(), EndpointState::Healthy);
    assert_eq!(endpoint.attempt(&Outcome::Failed), Some(Shift::Failing));
    assert_eq!(endpoint.store(), Some(false));
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push(endpoint.wait().as_secs());
        let now = endpoint.now().1;
        assert_eq!(endpoint.traffic.permit(now, 0, 4), Permit::Start { room: 1, may_be_early: true });
        assert!(matches!(endpoint.traffic.permit(now, 1, 4), Permit::Wait(_)), "one at a time");
        assert_eq!(endpoint.attempt(&Outcome::Failed), None);
    }
    assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
    endpoint.wait();
    assert_eq!(endpoint.attempt(&Outcome::Delivered), Some(Shift::Back));
    assert_eq!((endpoint.room(), endpoint.store()), (4, Some(true)));
    let record = endpoint.traffic.record();
    assert_eq!((record.failures, record.failing_since, record.why.as_deref()), (0, None, None));
}

#[test]
fn attempts_that_were_under_way_together_are_one_sign() {
    let mut endpoint = Endpoint::new(config());
    endpoint.fail(4);
    let begun = endpoint.now().1;
    endpoint.pass(SECOND);
    for expected in [Some(Shift::Failing), None, None, None] {
        let now = endpoint.now();
        assert_eq!(endpoint.traffic.note(&Outcome::Failed, "no answer", begun, now), expected);
    }
    assert_eq!(endpoint.wait(), 30 * SECOND);
    // Nor do several that are told to wait lengthen the wait.
    let mut endpoint = Endpoint::new(TrafficConfig { breaker_failures: 0, ..config() });
    let begun = endpoint.now().1;
    endpoint.pass(SECOND);
    for _ in 0..4 {
        let now = endpoint.now();
        endpoint.traffic.note(&Outcome::Busy(None), "answered 503", begun, now);
    }
    assert_eq!(endpoint.wait(), SECOND);
}

#[test]
fn one_that_is_too_busy_is_left_alone_for_as_long_as_it_asks() {
    let mut endpoint = Endpoint::new(config());
    assert_eq!(endpoint.attempt(&Outcome::Busy(Some(MINUTE))), Some(Shift::Paused(MINUTE)));
    assert_eq!(endpoint.store(), Some(false));
    assert_eq!((endpoint.state(), endpoint.room(), endpoint.wait()), (EndpointState::Paused, 0, MINUTE));
    assert_eq!(endpoint.room(), 1, "one finds out whether it is over");
    assert_eq!(endpoint.attempt(&Outcome::Delivered), Some(Shift::Back));
    assert_eq!((endpoint.room(), endpoint.store()), (4, Some(false)));
    // Without a word of how long, longer and longer.
    let mut endpoint = Endpoint::new(TrafficConfig { breaker_failures: 0, ..config() });
    let waits: Vec<u64> = (0..12)
        .map(|_| {
            endpoint.attempt(&Outcome::Busy(None));
            endpoint.wait().as_secs()
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
}

#[test]
fn what_it_asks_for_counts_also_while_it_fails_but_nobody_is_left_alone_for_more_than_a_day() {
    let mut endpoint = Endpoint::new(config());
    endpoint.fail(5);
    endpoint.wait();
    endpoint.attempt(&Outcome::Busy(Some(60 * MINUTE)));
    assert_eq!(endpoint.wait(), 60 * MINUTE);
    endpoint.attempt(&Outcome::Busy(Some(Duration::MAX)));
    assert_eq!(endpoint.wait(), 24 * 60 * MINUTE);
}

#[test]
fn an_answer_that_refuses_an_alert_says_that_somebody_is_there() {
    let mut endpoint = Endpoint::new(config());
    endpoint.fail(5);
    endpoint.store();
    endpoint.wait();
    assert_eq!(endpoint.attempt(&Outcome::Refused), Some(Shift::Back));
    assert_eq!((endpoint.room(), endpoint.store()), (4, Some(true)), "what was tried goes out at once");
    for _ in 0..100 {
        assert_eq!(endpoint.attempt(&Outcome::Refused), None);
    }
    assert_eq!(endpoint.room(), 4);
}

#[test]
fn one_that_is_gone_gets_nothing_until_somebody_says_so() {
    let mut endpoint = Endpoint::new(config());
    assert_eq!(endpoint.attempt(&Outcome::Gone), Some(Shift::Disabled));
    let (record, _) = endpoint.traffic.unstored().unwrap();
    assert_eq!((record.state, record.why.as_deref()), (EndpointState::Disabled, Some("no answer")));
    endpoint.store();
    // What was under way changes nothing, nor does time.
    assert_eq!([Outcome::Delivered, Outcome::Gone].map(|outcome| endpoint.attempt(&outcome)), [None, None]);
    endpoint.pass(1_000 * 60 * MINUTE);
    assert_eq!(endpoint.room(), 0);
    assert!(!endpoint.traffic.take_over(Some(record.clone())), "it is stored as disabled");
    assert_eq!(endpoint.room(), 0);
    let mut restarted = Endpoint::resumed(config(), Some(record.clone()));
    assert_eq!((restarted.room(), restarted.store()), (0, None));
    let enabled = EndpointRecord::healthy("desk".to_owned(), address(), endpoint.now().0);
    for endpoint in [&mut endpoint, &mut restarted] {
        assert!(endpoint.traffic.take_over(Some(enabled.clone())));
        assert_eq!((endpoint.room(), endpoint.store()), (4, None));
    }
    // Another address is another endpoint; what was tried at the old one goes out at once.
    let other = EndpointRecord { address: AddressHash::of(&[b"https://old.example/"]), ..record };
    let mut moved = Endpoint::resumed(config(), Some(other));
    assert_eq!((moved.room(), moved.store()), (4, Some(true)));
}

#[test]
fn only_failures_for_days_disable_an_endpoint() {
    let hour = 60 * MINUTE;
    let mut endpoint = Endpoint::new(config());
    let mut hours = 0;
    let shift = loop {
        let shift = endpoint.attempt(&Outcome::Failed).filter(|shift| *shift != Shift::Failing);
        if shift.is_some() || hours > 1_000 {
            break shift;
        }
        endpoint.pass(hour);
        hours += 1;
    };
    assert_eq!((shift, hours), (Some(Shift::Disabled), 5 * 24));
    let why = endpoint.traffic.record().why.clone().unwrap();
    assert!(why.starts_with("nothing but failures for too long"), "{why}");

    let mut endpoint = Endpoint::new(config());
    for hour_of in 0..1_000 {
        let outcome = if hour_of % 100 == 99 { Outcome::Delivered } else { Outcome::Refused };
        assert_eq!(endpoint.attempt(&outcome), None, "hour {hour_of}");
        endpoint.pass(hour);
    }
    let mut endpoint = Endpoint::new(TrafficConfig { disable_after: Duration::ZERO, ..config() });
    for _ in 0..1_000 {
        assert_ne!(endpoint.attempt(&Outcome::Failed), Some(Shift::Disabled));
        endpoint.pass(hour);
    }
}

#[test]
fn a_time_in_which_nothing_was_sent_disables_no_endpoint() {
    let day = 24 * 60 * MINUTE;
    let mut endpoint = Endpoint::new(config());
    endpoint.fail(1);
    endpoint.pass(30 * day);
    assert_eq!(endpoint.attempt(&Outcome::Failed), None, "nothing came for a month");
    endpoint.pass(day);
    endpoint.fail(1);
    endpoint.pass(MINUTE);
    endpoint.fail(1);
    assert_eq!(endpoint.traffic.unstored().unwrap().0.failing_seconds, 2 * 24 * 3_600 + 60);
}

#[test]
fn failing_time_outlives_restarts_and_no_clock_that_is_set_adds_to_it() {
    let hour = 60 * MINUTE;
    let mut endpoint = Endpoint::new(config());
    for _ in 0..=100 {
        endpoint.attempt(&Outcome::Failed);
        endpoint.pass(hour);
    }
    let (record, _) = endpoint.traffic.unstored().unwrap();
    assert_eq!(record.failing_seconds, 100 * 3_600);
    // A year later by the wall clock.
    let mut endpoint = Endpoint::resumed(config(), Some(record));
    endpoint.begin.0 = "2025-10-31T08:00:00Z".parse().unwrap();
    for _ in 0..20 {
        assert_ne!(endpoint.attempt(&Outcome::Failed), Some(Shift::Disabled));
        endpoint.pass(hour);
    }
    assert_eq!(endpoint.attempt(&Outcome::Failed), Some(Shift::Disabled));
}

#[test]
fn a_pause_outlives_a_restart_and_a_failing_endpoint_is_asked_at_once() {
    let mut endpoint = Endpoint::new(config());
    endpoint.attempt(&Outcome::Busy(Some(10 * MINUTE)));
    let (record, _) = endpoint.traffic.unstored().unwrap();
    assert_eq!(Endpoint::resumed(config(), Some(record.clone())).wait(), 10 * MINUTE);
    // A clock that was a year ahead when that was stored.
    let wrong = EndpointRecord { left_alone_until: "2025-10-31T08:00:00Z".parse().ok(), ..record.clone() };
    assert_eq!(Endpoint::resumed(config(), Some(wrong)).wait(), 24 * 60 * MINUTE);
    let over = EndpointRecord { left_alone_until: "2024-10-30T08:00:00Z".parse().ok(), ..record };
    assert_eq!(Endpoint::resumed(config(), Some(over)).wait(), Duration::ZERO);

    let mut endpoint = Endpoint::new(config());
    endpoint.fail(5);
    let (record, _) = endpoint.traffic.unstored().unwrap();
    let mut restarted = Endpoint::resumed(config(), Some(record));
    assert_eq!((restarted.state(), restarted.room()), (EndpointState::Failing, 1));
    restarted.fail(1);
    assert_eq!(restarted.wait(), 30 * SECOND);
}

#[test]
fn a_rate_holds_for_healthy_endpoints_too() {
    let rate_max = Some(Rate { count: 2, period: MINUTE });
    let mut endpoint = Endpoint::new(TrafficConfig { rate_max, ..config() });
    assert_eq!(endpoint.room(), 2);
    endpoint.attempt(&Outcome::Delivered);
    endpoint.pass(20 * SECOND);
    endpoint.attempt(&Outcome::Delivered);
    assert_eq!((endpoint.room(), endpoint.wait()), (0, 40 * SECOND));
    assert_eq!(endpoint.room(), 1);
}

#[test]
fn a_record_of_before_other_fields_were_kept_can_be_read() {
    let text = format!(
        "{{\"sink\":\"desk\",\"address\":\"{}\",\"state\":\"failing\",\"since\":\"2024-10-31T08:00:00Z\"}}",
        address()
    );
    let record: EndpointRecord = serde_json::from_str(&text).unwrap();
    assert_eq!((record.failures, record.failing_since, record.state.as_str()), (0, None, "failing"));
}
