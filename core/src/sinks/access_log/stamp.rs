//! Wall-clock time as text. The part that changes once a second is formatted once a second.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The text of one second.
#[derive(Debug)]
struct Cached {
    second: u64,
    text: Vec<u8>,
}

impl Cached {
    const fn new() -> Self {
        Self { second: u64::MAX, text: Vec::new() }
    }

    fn get(&mut self, second: u64, fill: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        if self.second != second {
            self.second = second;
            self.text.clear();
            fill(&mut self.text);
        }
        &self.text
    }
}

/// Writes times in the three ways that the formats need. Arguments are nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct Stamps {
    zone: TimeZone,
    rfc3339: Cached,
    common: Cached,
    clock: Cached,
}

impl Stamps {
    /// Local times are in `zone`.
    pub(super) const fn new(zone: TimeZone) -> Self {
        Self { zone, rfc3339: Cached::new(), common: Cached::new(), clock: Cached::new() }
    }

    /// UTC with microseconds: `2026-03-01T09:05:07.000123Z` (RFC 3339).
    pub(super) fn rfc3339(&mut self, wall_ns: u64, out: &mut Vec<u8>) {
        let text = self.rfc3339.get(wall_ns / 1_000_000_000, |text| {
            let at = Offset::UTC.to_datetime(timestamp(wall_ns));
            put_date(text, at);
            text.push(b'T');
            put_time(text, at);
        });
        out.extend_from_slice(text);
        out.push(b'.');
        put(out, wall_ns / 1_000 % 1_000_000, 6);
        out.push(b'Z');
    }

    /// Local time as NGINX and Apache write it, with brackets: `[01/Mar/2026:10:05:07 +0100]`.
    pub(super) fn common(&mut self, wall_ns: u64, out: &mut Vec<u8>) {
        let zone = &self.zone;
        let text = self.common.get(wall_ns / 1_000_000_000, |text| {
            let at = timestamp(wall_ns);
            let offset = zone.to_offset(at);
            put_common(text, offset.to_datetime(at), offset);
        });
        out.extend_from_slice(text);
    }

    /// Local time of day with milliseconds: `10:05:07.123`.
    pub(super) fn clock(&mut self, wall_ns: u64, out: &mut Vec<u8>) {
        let zone = &self.zone;
        let text = self.clock.get(wall_ns / 1_000_000_000, |text| {
            put_time(text, zone.to_datetime(timestamp(wall_ns)));
        });
        out.extend_from_slice(text);
        out.push(b'.');
        put(out, wall_ns / 1_000_000 % 1_000, 3);
    }
}

fn timestamp(wall_ns: u64) -> Timestamp {
    // 64 bits of nanoseconds end in the year 2554, long before `Timestamp` does.
    i64::try_from(wall_ns / 1_000_000_000)
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Decimal digits with leading zeros.
pub(super) fn put(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = value;
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[..width]);
}

/// One part of a civil time, none of which is negative here.
fn put_part(out: &mut Vec<u8>, value: impl Into<i64>, width: usize) {
    put(out, value.into().unsigned_abs(), width);
}

fn put_date(out: &mut Vec<u8>, at: DateTime) {
    put_part(out, at.year(), 4);
    out.push(b'-');
    put_part(out, at.month(), 2);
    out.push(b'-');
    put_part(out, at.day(), 2);
}

fn put_time(out: &mut Vec<u8>, at: DateTime) {
    put_part(out, at.hour(), 2);
    out.push(b':');
    put_part(out, at.minute(), 2);
    out.push(b':');
    put_part(out, at.second(), 2);
}

fn put_common(out: &mut Vec<u8>, at: DateTime, offset: Offset) {
    out.push(b'[');
    put_part(out, at.day(), 2);
    out.push(b'/');
    out.extend_from_slice(MONTHS[usize::from(at.month().unsigned_abs() - 1) % 12].as_bytes());
    out.push(b'/');
    put_part(out, at.year(), 4);
    out.push(b':');
    put_time(out, at);
    out.extend_from_slice(if offset.is_negative() { b" -" } else { b" +" });
    let minutes = offset.seconds().unsigned_abs() / 60;
    put(out, u64::from(minutes / 60 * 100 + minutes % 60), 4);
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_and_in_the_zone() {
        let zone = TimeZone::fixed(Offset::from_seconds(-12_600).unwrap());
        let mut stamps = Stamps::new(zone);
        for (wall_ns, utc, common, clock) in [
            (0, "1970-01-01T00:00:00.000000Z", "[31/Dec/1969:20:30:00 -0330]", "20:30:00.000"),
            (
                1_772_355_907_000_123_999,
                "2026-03-01T09:05:07.000123Z",
                "[01/Mar/2026:05:35:07 -0330]",
                "05:35:07.000",
            ),
            (
                1_772_355_907_987_654_321,
                "2026-03-01T09:05:07.987654Z",
                "[01/Mar/2026:05:35:07 -0330]",
                "05:35:07.987",
            ),
        ] {
            let mut out = Vec::new();
            stamps.rfc3339(wall_ns, &mut out);
            out.push(b'|');
            stamps.common(wall_ns, &mut out);
            out.push(b'|');
            stamps.clock(wall_ns, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{utc}|{common}|{clock}"));
        }
    }

    #[test]
    fn the_end_of_the_clock_is_no_panic() {
        let mut out = Vec::new();
        let mut stamps = Stamps::new(TimeZone::UTC);
        stamps.rfc3339(u64::MAX, &mut out);
        stamps.common(u64::MAX, &mut out);
        assert!(out.starts_with(b"2554-07-21T23:34:33.709551Z"));
    }
}
