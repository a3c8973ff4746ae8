//! How much one span may hold, by the names of the specification ("Attribute Limits", "Span Limits").

/// What goes beyond is left out and counted in the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text of a span's attribute, in characters; `None`: no limit.
    pub span_value_length: Option<usize>,
    /// Longest text of an event's or a link's attribute, in characters; `None`: no limit.
    pub value_length: Option<usize>,
    /// Attributes of a span.
    pub attributes: usize,
    /// Events of a span.
    pub events: usize,
    /// Links of a span.
    pub links: usize,
    /// Attributes of an event.
    pub event_attributes: usize,
    /// Attributes of a link.
    pub link_attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            span_value_length: None,
            value_length: None,
            attributes: 128,
            events: 128,
            links: 128,
            event_attributes: 128,
            link_attributes: 128,
        }
    }
}

impl Limits {
    /// By the standard variables; the one for spans wins over the general one. Values that are no numbers are ignored
    /// with a warning each.
    #[must_use]
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let mut number = |name: &str| {
            let value = variable(name).filter(|value| !value.trim().is_empty())?;
            let number = value.trim().parse::<usize>().ok();
            if number.is_none() {
                warnings.push(format!("{name}: `{value}` is not a number from 0 on, ignored"));
            }
            number
        };
        let defaults = Self::default();
        let value_length = number("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT");
        let attributes = number("OTEL_ATTRIBUTE_COUNT_LIMIT").unwrap_or(defaults.attributes);
        let limits = Self {
            span_value_length: number("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT").or(value_length),
            value_length,
            attributes: number("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT").unwrap_or(attributes),
            events: number("OTEL_SPAN_EVENT_COUNT_LIMIT").unwrap_or(defaults.events),
            links: number("OTEL_SPAN_LINK_COUNT_LIMIT").unwrap_or(defaults.links),
            event_attributes: number("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT").unwrap_or(attributes),
            link_attributes: number("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT").unwrap_or(attributes),
        };
        (limits, warnings)
    }
}
