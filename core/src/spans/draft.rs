//! A span under way: what may still be added, within limits.

use super::Limits;
use crate::otlp::{Attributes, Event, Key, Link, SpanData, Status, Text, Value};

const HTTP_ROUTE: &str = "http.route";

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Draft {
    data: Box<SpanData>,
    /// What a framework takes for the route of the request.
    framework_route: Option<Text>,
}

impl Draft {
    /// Goes on with what is known at the start.
    #[must_use]
    pub const fn new(data: Box<SpanData>) -> Self {
        Self { data, framework_route: None }
    }

    /// What was gathered.
    #[must_use]
    pub fn into_data(self) -> Box<SpanData> {
        self.data
    }

    /// What was gathered for the SERVER span of a request. A framework knows no prefix that it is mounted under: its
    /// route, and the name that it made of that, count where the server found no route.
    #[must_use]
    pub fn into_added(mut self, has_route: bool) -> Box<SpanData> {
        let Some(route) = self.framework_route.take() else { return self.data };
        if !has_route {
            self.data.attributes.insert(0, (HTTP_ROUTE.into(), route.into()));
        } else if self.data.name.strip_suffix(&*route).is_some_and(|method| method.ends_with(' ')) {
            self.data.name = Text::default();
        }
        self.data
    }

    /// What was gathered so far.
    #[must_use]
    pub const fn data(&self) -> &SpanData {
        &self.data
    }

    /// Another name.
    pub fn set_name(&mut self, name: Text) {
        self.data.name = name;
    }

    /// As [`Draft::set_attribute`], by a framework that traces the request itself.
    pub fn set_by_framework(&mut self, key: Key, value: Value, limits: &Limits) {
        match value {
            Value::Str(route) if &*key == HTTP_ROUTE => self.framework_route = Some(route),
            value => self.set_attribute(key, value, limits),
        }
    }

    /// Sets an attribute, in the place of an earlier one of this name. Beyond the limit new names are left out.
    pub fn set_attribute(&mut self, key: Key, value: Value, limits: &Limits) {
        let value = clipped(value, limits.span_value_length);
        if !put(&mut self.data.attributes, key, value, limits.attributes) {
            self.data.dropped_attributes = self.data.dropped_attributes.saturating_add(1);
        }
    }

    /// Adds an event. Beyond the limit the first ones go: what went wrong comes late.
    pub fn add_event(&mut self, mut event: Event, limits: &Limits) {
        event.dropped_attributes = trim(&mut event.attributes, limits.event_attributes, limits.value_length);
        let dropped = push_last(&mut self.data.events, event, limits.events);
        self.data.dropped_events = self.data.dropped_events.saturating_add(dropped);
    }

    /// Adds a link. Beyond the limit the first ones go, as with events.
    pub fn add_link(&mut self, mut link: Link, limits: &Limits) {
        link.dropped_attributes = trim(&mut link.attributes, limits.link_attributes, limits.value_length);
        let dropped = push_last(&mut self.data.links, link, limits.links);
        self.data.dropped_links = self.data.dropped_links.saturating_add(dropped);
    }

    /// Judges the span: `Ok` is final, and nobody can take a judgement back.
    pub fn set_status(&mut self, status: Status) {
        if self.data.status != Status::Ok && status != Status::Unset {
            self.data.status = status;
        }
    }
}

/// Puts what an application added over the span that was made from its exchange. The limits are those of both together.
pub(crate) fn put_over(span: &mut SpanData, added: SpanData, limits: &Limits) {
    for (key, value) in added.attributes {
        let has_room = put(&mut span.attributes, key, value, limits.attributes);
        span.dropped_attributes = span.dropped_attributes.saturating_add(u32::from(!has_room));
    }
    // An exception that the application recorded before it let it go: its own event has the stack.
    span.events.retain(|event| !added.events.iter().any(|own| is_same_exception(event, own)));
    span.events.extend(added.events);
    span.events.sort_by_key(|event| event.time_unix_ns);
    span.links.extend(added.links);
    let events = keep_last(&mut span.events, limits.events).saturating_add(added.dropped_events);
    let links = keep_last(&mut span.links, limits.links).saturating_add(added.dropped_links);
    span.dropped_attributes = span.dropped_attributes.saturating_add(added.dropped_attributes);
    span.dropped_events = span.dropped_events.saturating_add(events);
    span.dropped_links = span.dropped_links.saturating_add(links);
    if !added.name.is_empty() {
        span.name = added.name;
    }
    span.status = judged(std::mem::take(&mut span.status), added.status);
}

/// The application's judgement counts. Where it gives no reason for an error, the server's stands.
fn judged(found: Status, added: Status) -> Status {
    match (&found, &added) {
        (_, Status::Unset) => found,
        (Status::Error(_), Status::Error(why)) if why.is_empty() => found,
        _ => added,
    }
}

fn is_same_exception(event: &Event, other: &Event) -> bool {
    let get = |event: &Event, wanted: &str| {
        event.attributes.iter().find(|(key, _)| &**key == wanted).map(|(_, value)| value.clone())
    };
    let is_same = |key: &str| get(event, key) == get(other, key);
    &*event.name == "exception"
        && event.name == other.name
        && is_same("exception.type")
        && is_same("exception.message")
}

/// Whether there was room.
fn put(attributes: &mut Attributes, key: Key, value: Value, limit: usize) -> bool {
    if let Some((_, known)) = attributes.iter_mut().find(|(name, _)| *name == key) {
        *known = value;
        return true;
    }
    let has_room = attributes.len() < limit;
    if has_room {
        attributes.push((key, value));
    }
    has_room
}

/// How many were left out.
fn trim(attributes: &mut Attributes, limit: usize, length: Option<usize>) -> u32 {
    let dropped = attributes.len().saturating_sub(limit);
    attributes.truncate(limit);
    if length.is_some() {
        for (_, value) in attributes {
            let whole = std::mem::replace(value, Value::Bool(false));
            *value = clipped(whole, length);
        }
    }
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// How many were left out.
fn keep_last<T>(all: &mut Vec<T>, limit: usize) -> u32 {
    let dropped = all.len().saturating_sub(limit);
    all.drain(..dropped);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

/// How many were left out.
fn push_last<T>(all: &mut Vec<T>, item: T, limit: usize) -> u32 {
    if limit == 0 {
        return 1;
    }
    let is_full = all.len() >= limit;
    if is_full {
        all.remove(0);
    }
    all.push(item);
    u32::from(is_full)
}

fn clipped(value: Value, length: Option<usize>) -> Value {
    let Some(length) = length else { return value };
    match value {
        Value::Str(text) => match text.char_indices().nth(length) {
            Some((end, _)) => Value::Str(text[..end].to_owned().into()),
            None => Value::Str(text),
        },
        Value::Array(values) => {
            Value::Array(values.into_iter().map(|item| clipped(item, Some(length))).collect())
        }
        plain => plain,
    }
}
