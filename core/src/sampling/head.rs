//! Sampling at the start of a request, by the names and rules of `OTEL_TRACES_SAMPLER`.
//!
//! | root sampler | keeps | `th` of what it keeps |
//! |---|---|---|
//! | `always_on` | everything | 0 where the caller wrote one, else none is added |
//! | `always_off` | nothing | |
//! | `traceidratio` | what the trace's random number says | its own |
//!
//! `parentbased_...` does as the caller did, and asks the root sampler where there is no caller or (B3) the caller left it
//! to us. The caller's `th` is passed on, unless it contradicts the caller's sampled flag: then it is erased.

use super::threshold::{Threshold, explicit_randomness, randomness, threshold, with_threshold};
use crate::propagation::{Caller, Remote, TraceState};

/// What decides about traces that start here.
#[derive(Clone, Debug, PartialEq)]
enum Root {
    AlwaysOn,
    AlwaysOff,
    /// With the list of a kept trace that has no other entry, made once.
    Ratio(Threshold, TraceState),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadDecision {
    /// The flag that is sent on.
    pub is_sampled: bool,
    /// The list that is sent on.
    pub trace_state: TraceState,
    /// A ratio was applied to a trace whose id is not marked as random: it may not be consistent with others.
    pub presumes_randomness: bool,
}

/// A head sampler. Deciding takes no lock and, without a `tracestate`, no allocation.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadSampler {
    root: Root,
    is_parent_based: bool,
}

impl Default for HeadSampler {
    /// `parentbased_always_on`.
    fn default() -> Self {
        Self { root: Root::AlwaysOn, is_parent_based: true }
    }
}

impl HeadSampler {
    /// The names that `from_names` knows.
    pub const NAMES: [&str; 6] = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];

    /// By the values of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`. Empty is unset; what cannot be understood is
    /// ignored as the specification says, with a warning for each: an unknown name is the default, an unusable ratio is 1.
    #[must_use]
    pub fn from_names(name: Option<&str>, argument: Option<&str>) -> (Self, Vec<String>) {
        let set = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (name, argument) = (set(name), set(argument));
        let Some(name) = name else {
            let ignored = "OTEL_TRACES_SAMPLER_ARG: ignored, since OTEL_TRACES_SAMPLER is not set: \
                for a ratio set that to parentbased_traceidratio";
            return (Self::default(), argument.map(|_| ignored.to_owned()).into_iter().collect());
        };
        let mut warnings = Vec::new();
        let lower = name.to_ascii_lowercase();
        let (is_parent_based, root) = match lower.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, lower.as_str()),
        };
        let root = match root {
            "traceidratio" => {
                let (root, warning) = ratio_from(argument.as_deref());
                warnings.extend(warning);
                return (Self { root, is_parent_based }, warnings);
            }
            "always_on" => Root::AlwaysOn,
            "always_off" => Root::AlwaysOff,
            _ => {
                warnings.push(format!(
                    "OTEL_TRACES_SAMPLER: `{name}` is not supported and ignored, parentbased_always_on is used; supported are {}",
                    Self::NAMES.join(", ")
                ));
                return (Self::default(), warnings);
            }
        };
        if let Some(argument) = argument {
            warnings.push(format!(
                "OTEL_TRACES_SAMPLER_ARG: `{name}` takes no argument, `{argument}` is ignored"
            ));
        }
        (Self { root, is_parent_based }, warnings)
    }

    /// `traceidratio`, or `parentbased_traceidratio`; `None` where the probability is not between 0 and 1.
    #[must_use]
    pub fn ratio(probability: f64, is_parent_based: bool) -> Option<Self> {
        let root = ratio_root(Threshold::from_probability(probability)?);
        Some(Self { root, is_parent_based })
    }

    /// Decides about a request that goes on with this trace.
    #[must_use]
    pub fn decide(&self, trace_id: &[u8; 16], caller: &Caller) -> HeadDecision {
        match caller {
            Caller::Known(remote) if self.is_parent_based && !remote.is_deferred => follow(trace_id, remote),
            Caller::Known(remote) => self.decide_root(trace_id, Some(remote)),
            Caller::Decided(is_sampled) if self.is_parent_based => HeadDecision {
                is_sampled: *is_sampled,
                trace_state: TraceState::default(),
                presumes_randomness: false,
            },
            Caller::Decided(_) | Caller::Unknown => self.decide_root(trace_id, None),
        }
    }

    fn decide_root(&self, trace_id: &[u8; 16], caller: Option<&Remote>) -> HeadDecision {
        let none = TraceState::default();
        let given = caller.map_or(&none, |remote| &remote.span.trace_state);
        let (is_sampled, mut presumes_randomness) = match &self.root {
            Root::AlwaysOn => (true, false),
            Root::AlwaysOff => (false, false),
            Root::Ratio(th, _) => {
                let is_marked = caller.is_none_or(|remote| remote.span.flags.is_random());
                (th.keeps(randomness(trace_id, given)), !is_marked)
            }
        };
        presumes_randomness = presumes_randomness && explicit_randomness(given).is_none();
        let trace_state = match &self.root {
            Root::Ratio(_, own) if is_sampled && given.is_empty() => own.clone(),
            _ if given.is_empty() => none,
            Root::Ratio(th, _) if is_sampled => with_threshold(given, Some(*th)),
            Root::AlwaysOn => with_threshold(given, threshold(given).map(|_| Threshold::ALWAYS)),
            _ => with_threshold(given, None),
        };
        HeadDecision { is_sampled, trace_state, presumes_randomness }
    }
}

fn ratio_root(th: Threshold) -> Root {
    let own = if th == Threshold::NEVER { None } else { Some(th) };
    Root::Ratio(th, with_threshold(&TraceState::default(), own))
}

fn ratio_from(argument: Option<&str>) -> (Root, Option<String>) {
    let Some(argument) = argument else { return (ratio_root(Threshold::ALWAYS), None) };
    let known = argument.parse().ok().and_then(Threshold::from_probability);
    let warning = known.is_none().then(|| {
        format!(
            "OTEL_TRACES_SAMPLER_ARG: `{argument}` is no probability between 0 and 1 and ignored, 1 is used"
        )
    });
    (ratio_root(known.unwrap_or(Threshold::ALWAYS)), warning)
}

/// Does as the caller did.
fn follow(trace_id: &[u8; 16], remote: &Remote) -> HeadDecision {
    let (is_sampled, given) = (remote.span.flags.is_sampled(), &remote.span.trace_state);
    let contradicts = threshold(given).is_some_and(|th| th.keeps(randomness(trace_id, given)) != is_sampled);
    let trace_state = if contradicts { with_threshold(given, None) } else { given.clone() };
    HeadDecision { is_sampled, trace_state, presumes_randomness: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Flags, SpanContext};

    /// A trace whose random number is `low` above `2^52` times.
    const fn trace(low: u8) -> [u8; 16] {
        let mut id = [1; 16];
        id[9] = low << 4;
        id
    }

    fn remote(flags: u8, state: &str) -> Caller {
        let span = SpanContext {
            flags: Flags::from_bits(flags),
            trace_state: TraceState::parse([state.as_bytes()]),
            ..SpanContext::default()
        };
        Caller::Known(Remote { span, is_deferred: false })
    }

    fn named(name: &str, argument: &str) -> HeadSampler {
        let (sampler, warnings) = HeadSampler::from_names(Some(name), Some(argument));
        assert_eq!(warnings, Vec::<String>::new());
        sampler
    }

    #[test]
    fn names_and_arguments() {
        for (name, argument, expected, warnings) in [
            (None, None, Some((Root::AlwaysOn, true)), 0),
            (Some(""), Some("0.5"), Some((Root::AlwaysOn, true)), 1),
            (None, Some("junk"), Some((Root::AlwaysOn, true)), 1),
            (Some("always_on"), None, Some((Root::AlwaysOn, false)), 0),
            (Some(" Always_Off "), None, Some((Root::AlwaysOff, false)), 0),
            (Some("parentbased_always_off"), None, Some((Root::AlwaysOff, true)), 0),
            (Some("always_on"), Some("0.5"), Some((Root::AlwaysOn, false)), 1),
            (Some("jaeger_remote"), None, Some((Root::AlwaysOn, true)), 1),
            (Some("parentbased_xray"), Some("1"), Some((Root::AlwaysOn, true)), 1),
            (Some("traceidratio"), None, Some((ratio_root(Threshold::ALWAYS), false)), 0),
            (Some("traceidratio"), Some("2"), Some((ratio_root(Threshold::ALWAYS), false)), 1),
            (Some("parentbased_traceidratio"), Some("x"), Some((ratio_root(Threshold::ALWAYS), true)), 1),
            (Some("parentbased_traceidratio"), Some("-1"), Some((ratio_root(Threshold::ALWAYS), true)), 1),
        ] {
            let (sampler, warned) = HeadSampler::from_names(name, argument);
            assert_eq!(Some((sampler.root, sampler.is_parent_based)), expected, "{name:?} {argument:?}");
            assert_eq!(warned.len(), warnings, "{warned:?}");
        }
        assert_eq!(HeadSampler::ratio(0.25, true), Some(named("parentbased_traceidratio", "0.25")));
        assert_eq!(HeadSampler::ratio(1.5, true), None);
    }

    #[test]
    fn decisions() {
        for (name, argument, caller, low, sampled, state) in [
            ("always_on", "", None, 0, true, ""),
            ("always_on", "", Some((0, "a=1")), 0, true, "a=1"),
            ("always_on", "", Some((1, "a=1,ot=th:8")), 0, true, "ot=th:0,a=1"),
            ("always_off", "", Some((1, "ot=th:8")), 9, false, ""),
            ("traceidratio", "0.5", None, 8, true, "ot=th:8"),
            ("traceidratio", "0.5", None, 7, false, ""),
            ("traceidratio", "0", None, 15, false, ""),
            ("traceidratio", "1", None, 0, true, "ot=th:0"),
            ("traceidratio", "0.5", Some((2, "a=1")), 8, true, "ot=th:8,a=1"),
            ("traceidratio", "0.5", Some((3, "a=1,ot=th:4")), 7, false, "a=1"),
            (
                "traceidratio",
                "0.5",
                Some((3, "ot=rv:f0000000000000;th:4")),
                7,
                true,
                "ot=th:8;rv:f0000000000000",
            ),
            ("parentbased_always_on", "", None, 0, true, ""),
            ("parentbased_always_off", "", None, 0, false, ""),
            ("parentbased_always_off", "", Some((1, "a=1")), 0, true, "a=1"),
            ("parentbased_always_on", "", Some((0, "a=1")), 0, false, "a=1"),
            ("parentbased_always_on", "", Some((1, "ot=th:8")), 9, true, "ot=th:8"),
            ("parentbased_always_on", "", Some((1, "ot=th:8")), 7, true, ""),
            ("parentbased_always_on", "", Some((0, "ot=th:8;x:1")), 9, false, "ot=x:1"),
            ("parentbased_traceidratio", "0.5", None, 7, false, ""),
            ("parentbased_traceidratio", "0.5", Some((1, "")), 7, true, ""),
        ] {
            let caller = caller.map_or(Caller::Unknown, |(flags, state)| remote(flags, state));
            let decided = named(name, argument).decide(&trace(low), &caller);
            assert_eq!(
                (decided.is_sampled, decided.trace_state.as_str()),
                (sampled, state),
                "{name} {caller:?}"
            );
        }
    }

    #[test]
    fn a_deferred_decision_is_ours() {
        let caller = Caller::Known(Remote { span: SpanContext::default(), is_deferred: true });
        assert!(HeadSampler::default().decide(&trace(0), &caller).is_sampled);
        for (name, decided, expected) in [
            ("parentbased_always_on", false, false),
            ("parentbased_always_off", true, true),
            ("always_on", false, true),
            ("always_off", true, false),
        ] {
            let decision = named(name, "").decide(&trace(0), &Caller::Decided(decided));
            assert_eq!(decision.is_sampled, expected, "{name}");
        }
    }

    #[test]
    fn presumed_randomness_is_told() {
        let half = named("traceidratio", "0.5");
        for (caller, expected) in [
            (Caller::Unknown, false),
            (remote(2, ""), false),
            (remote(1, ""), true),
            (remote(1, "ot=rv:f0000000000000"), false),
        ] {
            assert_eq!(half.decide(&trace(9), &caller).presumes_randomness, expected, "{caller:?}");
        }
    }
}
