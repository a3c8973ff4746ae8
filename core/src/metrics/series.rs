//! The series of requests: one for each set of attributes, up to a bound; what comes then is counted together.
//!
//! A request needs one look-up: its duration and sizes have the same attributes, and the series knows which one its
//! states belong to. The last look-ups are remembered by the addresses of their routes, which the router makes once, so
//! that most requests hash no text at all.

use std::collections::HashMap;
use std::sync::Arc;

use super::histogram::{Histogram, Sample};
use super::scale::{BODY, FINE, REQUEST};
use crate::otlp::span::{Attributes, Value};
use crate::trace::State;

/// Sets of attributes of one metric, the one for all others included: the specification's default.
const LIMIT: usize = 2_000;
/// Routes and methods whose states are told apart: each has six sets.
const STATES_LIMIT: usize = LIMIT / State::ALL.len();
/// Look-ups that are remembered: a power of two.
const REMEMBERED: usize = 64;

/// What is the same for many requests, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Traits {
    /// Place among the known methods; one beyond the last: any other.
    pub method: u8,
    pub is_https: bool,
    /// Empty where the head was never complete.
    pub version: &'static str,
    /// 0: none was sent.
    pub status: u16,
}

/// A set of attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    traits: Traits,
    route: Option<Arc<str>>,
    error: Option<Box<str>>,
}

/// What is measured of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub duration_ns: u64,
    pub states_ns: [u64; 6],
    pub request_body: u64,
    pub response_body: u64,
}

/// One set of attributes with its numbers.
#[derive(Debug)]
pub(super) struct Series {
    pub attributes: Arc<Attributes>,
    pub duration: Histogram,
    pub request_body: Histogram,
    pub response_body: Histogram,
    /// Which of the states' series.
    states: usize,
}

/// The states of one method and route.
#[derive(Debug)]
pub(super) struct StateSeries {
    /// One for each state; only one where those of many routes are counted together.
    pub all: Vec<(Arc<Attributes>, Histogram)>,
}

#[derive(Debug)]
struct Remembered {
    traits: Traits,
    route: Option<Arc<str>>,
    series: usize,
}

/// All series. The first is the one for all that found no place.
#[derive(Debug)]
pub(super) struct AllSeries {
    /// Names of the methods; the last is for those that are not known.
    methods: Vec<Arc<str>>,
    keys: HashMap<Key, usize>,
    state_keys: HashMap<(u8, Option<Arc<str>>), usize>,
    pub requests: Vec<Series>,
    pub states: Vec<StateSeries>,
    remembered: Vec<Option<Remembered>>,
}

fn is_same(one: Option<&Arc<str>>, other: Option<&Arc<str>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

impl AllSeries {
    pub(super) fn new(methods: Vec<Arc<str>>) -> Self {
        let others = Arc::new(vec![("otel.metric.overflow".into(), Value::Bool(true))]);
        Self {
            methods,
            keys: HashMap::new(),
            state_keys: HashMap::new(),
            requests: vec![Series::new(Arc::clone(&others), 0)],
            states: vec![StateSeries { all: vec![(others, Histogram::new(&FINE))] }],
            remembered: std::iter::repeat_with(|| None).take(REMEMBERED).collect(),
        }
    }

    /// Counts one request.
    pub(super) fn record(
        &mut self,
        traits: Traits,
        route: Option<&Arc<str>>,
        error: Option<&str>,
        measured: &Measured,
        sample: Option<&Sample>,
    ) {
        let at = match error {
            None => self.find(traits, route),
            Some(_) => self.look_up(traits, route, error),
        };
        let series = &mut self.requests[at];
        series.duration.record(measured.duration_ns, sample);
        series.request_body.record(measured.request_body, sample);
        series.response_body.record(measured.response_body, sample);
        let states = &mut self.states[series.states].all;
        let last = states.len() - 1;
        for (state, ns) in measured.states_ns.into_iter().enumerate() {
            states[state.min(last)].1.record(ns, sample);
        }
    }

    /// The series of a request without an error.
    #[inline]
    fn find(&mut self, traits: Traits, route: Option<&Arc<str>>) -> usize {
        let address = route.map_or(0, |route| Arc::as_ptr(route).cast::<u8>() as usize);
        let slot =
            (address >> 4 ^ address >> 10 ^ usize::from(traits.status) ^ usize::from(traits.method) << 3)
                % REMEMBERED;
        if let Some(Some(known)) = self.remembered.get(slot)
            && known.traits == traits
            && is_same(known.route.as_ref(), route)
        {
            return known.series;
        }
        let series = self.look_up(traits, route, None);
        // The route is kept, so that no other can get its address.
        self.remembered[slot] = Some(Remembered { traits, route: route.cloned(), series });
        series
    }

    fn look_up(&mut self, traits: Traits, route: Option<&Arc<str>>, error: Option<&str>) -> usize {
        let key = Key { traits, route: route.cloned(), error: error.map(Box::from) };
        if let Some(at) = self.keys.get(&key) {
            return *at;
        }
        if self.requests.len() >= LIMIT {
            return 0;
        }
        let states = self.states_of(traits.method, route);
        let at = self.requests.len();
        self.requests.push(Series::new(Arc::new(self.attributes(&key)), states));
        self.keys.insert(key, at);
        at
    }

    fn states_of(&mut self, method: u8, route: Option<&Arc<str>>) -> usize {
        let key = (method, route.cloned());
        if let Some(at) = self.state_keys.get(&key) {
            return *at;
        }
        if self.states.len() >= STATES_LIMIT {
            return 0;
        }
        let mut common: Attributes = vec![("http.request.method".into(), self.method(method).into())];
        common.extend(route.map(|route| ("http.route".into(), Arc::clone(route).into())));
        let of_state = |(_, name): (State, &'static str)| {
            let mut attributes = common.clone();
            attributes.push(("wirespan.state".into(), name.into()));
            (Arc::new(attributes), Histogram::new(&FINE))
        };
        let at = self.states.len();
        self.states.push(StateSeries { all: State::ALL.into_iter().map(of_state).collect() });
        self.state_keys.insert(key, at);
        at
    }

    fn method(&self, at: u8) -> Arc<str> {
        let last = self.methods.len() - 1;
        Arc::clone(&self.methods[usize::from(at).min(last)])
    }

    fn attributes(&self, key: &Key) -> Attributes {
        let Traits { method, is_https, version, status } = key.traits;
        let mut all: Attributes = vec![
            ("http.request.method".into(), self.method(method).into()),
            ("url.scheme".into(), scheme(is_https).into()),
        ];
        all.extend(key.route.iter().map(|route| ("http.route".into(), Arc::clone(route).into())));
        if status != 0 {
            all.push(("http.response.status_code".into(), i64::from(status).into()));
        }
        all.extend(key.error.iter().map(|error| ("error.type".into(), error.to_string().into())));
        if !version.is_empty() {
            all.push(("network.protocol.version".into(), version.into()));
        }
        all
    }
}

impl Series {
    fn new(attributes: Arc<Attributes>, states: usize) -> Self {
        Self {
            attributes,
            duration: Histogram::new(&REQUEST),
            request_body: Histogram::new(&BODY),
            response_body: Histogram::new(&BODY),
            states,
        }
    }
}

/// The value of `url.scheme`.
pub(super) const fn scheme(is_https: bool) -> &'static str {
    if is_https { "https" } else { "http" }
}
