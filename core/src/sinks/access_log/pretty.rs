//! One line a request for people: what was asked, how long it took, and a bar of where the time went.
//!
//! Colours are six of the terminal's own sixteen, which its theme keeps readable on dark and light backgrounds.
//! Without colour the line is plain ASCII and every state has its own character in the bar.

use super::escape;
use super::field::{Facts, Field, Value};
use super::stamp::{Stamps, put};
use super::widths::Widths;
use crate::trace::{EndReason, State};

const DURATION_WIDTH: usize = 6;
const KIND_WIDTH: usize = 36;
/// Least share, in percent, for a second state to be named.
const WORTH_NAMING: u64 = 5;

const RESET: &[u8] = b"\x1b[0m";
const DIM: &[u8] = b"\x1b[2m";
const RED: &[u8] = b"\x1b[31m";
const GREEN: &[u8] = b"\x1b[32m";
const YELLOW: &[u8] = b"\x1b[33m";
const BLUE: &[u8] = b"\x1b[34m";
const MAGENTA: &[u8] = b"\x1b[35m";
const CYAN: &[u8] = b"\x1b[36m";

/// A state's colour, and its character where there are no colours; in the order of [`State::ALL`].
const LOOKS: [(&[u8], u8); 6] =
    [(RED, b'q'), (BLUE, b'r'), (YELLOW, b's'), (GREEN, b'#'), (CYAN, b'.'), (MAGENTA, b'w')];

/// The format and its two choices.
#[derive(Debug)]
pub(super) struct Pretty {
    color: bool,
    widths: Widths,
}

impl Pretty {
    /// Lines fit into `columns`, where given.
    pub(super) fn new(color: bool, columns: Option<usize>) -> Self {
        Self { color, widths: columns.map_or(Widths::UNBOUNDED, Widths::of) }
    }

    /// Appends one line.
    pub(super) fn write(&self, facts: &Facts<'_>, stamps: &mut Stamps, out: &mut Vec<u8>) {
        let Widths { clock, method, path, bar, tail } = self.widths;
        self.paint(DIM, out, |out| {
            let start = out.len();
            stamps.clock(facts.start_wall_ns, out);
            out.truncate(start + clock);
        });
        out.push(b' ');
        column(method, self.cut_mark(), out, |out| match facts.request {
            Some(request) => escape::text(head_of(request.method(), method), out),
            None => out.push(b'-'),
        });
        out.push(b' ');
        column(path, self.cut_mark(), out, |out| put_path(facts, path, out));
        out.push(b' ');
        self.put_status(facts.record.status, out);
        out.push(b' ');
        self.put_duration(facts.duration_ns, out);
        out.extend_from_slice(b"  ");
        let states = facts.duration_ns.map_or([0; 6], |_| facts.record.states());
        self.put_bar(states, bar, out);
        let outcome = self.outcome(facts, tail);
        self.put_shares(states, tail - outcome.width, out);
        out.extend_from_slice(&outcome.text);
        while out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(b'\n');
    }

    /// Appends the line that says how many are missing.
    pub(super) fn write_dropped(&self, count: u64, out: &mut Vec<u8>) {
        self.paint(YELLOW, out, |out| {
            out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
            out.extend_from_slice(b" requests are missing here: the log could not keep up");
        });
        out.push(b'\n');
    }

    fn paint(&self, color: &[u8], out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
        if !self.color {
            return content(out);
        }
        out.extend_from_slice(color);
        content(out);
        out.extend_from_slice(RESET);
    }

    const fn cut_mark(&self) -> &'static [u8] {
        if self.color { "…".as_bytes() } else { b"~" }
    }

    fn put_status(&self, status: u16, out: &mut Vec<u8>) {
        let color = match status {
            0 => return out.extend_from_slice(b"  -"),
            1..300 => GREEN,
            300..400 => CYAN,
            400..500 => YELLOW,
            500.. => RED,
        };
        self.paint(color, out, |out| out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes()));
    }

    /// Three significant digits and a unit, right-aligned.
    fn put_duration(&self, ns: Option<u64>, out: &mut Vec<u8>) {
        let Some(ns) = ns else {
            return out.extend_from_slice(b"     -");
        };
        let micro = if self.color { "µs" } else { "us" };
        let (value, unit) = match ns {
            ..1_000_000 => (ns, micro),
            1_000_000..1_000_000_000 => (ns / 1_000, "ms"),
            _ => (ns / 1_000_000, "s"),
        };
        let start = out.len();
        put_three_digits(value, out);
        let width = out.len() - start + unit.chars().count();
        out.extend_from_slice(unit.as_bytes());
        let padding = DURATION_WIDTH.saturating_sub(width);
        out.extend(std::iter::repeat_n(b' ', padding));
        out[start..].rotate_right(padding);
    }

    fn put_bar(&self, states: [u64; 6], width: usize, out: &mut Vec<u8>) {
        let cells = cells(states, width);
        for (count, (color, letter)) in cells.into_iter().zip(LOOKS) {
            if count == 0 {
                continue;
            }
            self.paint(color, out, |out| {
                if self.color {
                    (0..count).for_each(|_| out.extend_from_slice("█".as_bytes()));
                } else {
                    out.extend(std::iter::repeat_n(letter, count));
                }
            });
        }
        out.extend(std::iter::repeat_n(b' ', width - cells.iter().sum::<usize>()));
    }

    /// The largest state in words, and the second where it matters and has room.
    fn put_shares(&self, states: [u64; 6], mut room: usize, out: &mut Vec<u8>) {
        let shares = percents(states);
        let mut order = [0, 1, 2, 3, 4, 5];
        order.sort_by_key(|i| std::cmp::Reverse(states[*i]));
        for (rank, index) in order.into_iter().take(2).enumerate() {
            if shares[index] == 0 || (rank == 1 && shares[index] < WORTH_NAMING) {
                break;
            }
            let (name, share) = (State::ALL[index].1, format!(" {}%", shares[index]));
            let Some(left) = room.checked_sub(1 + name.len() + share.len()) else {
                break;
            };
            room = left;
            out.push(b' ');
            self.paint(LOOKS[index].0, out, |out| out.extend_from_slice(name.as_bytes()));
            out.extend_from_slice(share.as_bytes());
        }
    }

    /// The end reason where it is not the normal one, and the kind of the error; only this where both are
    /// wider than `room`.
    fn outcome(&self, facts: &Facts<'_>, room: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let reason = facts.record.end_reason.filter(|reason| *reason != EndReason::Completed);
        let mut kind = Vec::new();
        if let Value::Text(text) = facts.value(Field::ErrorKind)
            && reason.is_none_or(|reason| reason.name().as_bytes() != text)
        {
            escape::text(head_of(text, KIND_WIDTH), &mut kind);
            kind.truncate(KIND_WIDTH.min(room - 1));
        }
        if let Some(reason) = reason
            && (kind.is_empty() || 3 + reason.name().len() + kind.len() <= room)
        {
            outcome.add(b"  ", reason.name().as_bytes(), self);
        }
        if !kind.is_empty() {
            outcome.add(b" ", &kind, self);
        }
        outcome
    }
}

/// How an exchange ended, ready to be written.
#[derive(Debug, Default)]
struct Outcome {
    text: Vec<u8>,
    /// In characters, without the colours.
    width: usize,
}

impl Outcome {
    fn add(&mut self, space: &[u8], word: &[u8], pretty: &Pretty) {
        self.text.extend_from_slice(space);
        pretty.paint(RED, &mut self.text, |out| out.extend_from_slice(word));
        self.width += space.len() + word.len();
    }
}

fn head_of(bytes: &[u8], width: usize) -> &[u8] {
    // One more than fits, so that the column sees that something was cut.
    &bytes[..bytes.len().min(width + 1)]
}

/// Writes ASCII text, cut or filled up to `width` characters.
fn column(width: usize, cut_mark: &[u8], out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    content(out);
    if out.len() - start > width {
        out.truncate(start + width - 1);
        return out.extend_from_slice(cut_mark);
    }
    out.resize(start + width, b' ');
}

fn put_path(facts: &Facts<'_>, width: usize, out: &mut Vec<u8>) {
    let Some(request) = facts.request else {
        return out.push(b'-');
    };
    escape::text(head_of(request.path(), width), out);
    if !request.query().is_empty() {
        out.push(b'?');
        escape::text(head_of(request.query(), width), out);
    }
}

/// `value` is in thousandths of the unit.
fn put_three_digits(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value / 1_000).as_bytes());
    let decimals = match value / 1_000 {
        ..10 => 2,
        10..100 => 1,
        _ => return,
    };
    out.push(b'.');
    put(out, value % 1_000 / 10_u64.pow(3 - decimals), decimals as usize);
}

fn total(states: [u64; 6]) -> u128 {
    states.iter().map(|ns| u128::from(*ns)).sum()
}

fn percents(states: [u64; 6]) -> [u64; 6] {
    let total = total(states).max(1);
    states.map(|ns| u64::try_from((u128::from(ns) * 100 + total / 2) / total).unwrap_or(100))
}

/// How many of the bar's cells each state gets: its share, and at least one from one percent on.
fn cells(states: [u64; 6], width: usize) -> [usize; 6] {
    let total = total(states);
    if total == 0 {
        return [0; 6];
    }
    let share = |ns: u128| usize::try_from(ns * width as u128 / total).unwrap_or(width);
    let mut cells = [0; 6];
    let mut remainders = [0; 6];
    for (i, ns) in states.map(u128::from).into_iter().enumerate() {
        cells[i] = share(ns);
        remainders[i] = ns * width as u128 % total;
        if cells[i] == 0 && ns * 100 >= total {
            (cells[i], remainders[i]) = (1, 0);
        }
    }
    level(&mut cells, &mut remainders, width);
    cells
}

/// Makes the cells fill the bar exactly: the largest remainders get what is left, the longest pay what is over.
fn level(cells: &mut [usize; 6], remainders: &mut [u128; 6], width: usize) {
    while cells.iter().sum::<usize>() < width {
        let largest = (0..6).max_by_key(|i| remainders[*i]).unwrap_or_default();
        cells[largest] += 1;
        remainders[largest] = 0;
    }
    while cells.iter().sum::<usize>() > width {
        let longest = (0..6).max_by_key(|i| cells[*i]).unwrap_or_default();
        cells[longest] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_proportional_and_show_one_percent() {
        for (states, expected) in [
            ([0; 6], [0; 6]),
            ([0, 0, 0, 7, 0, 0], [0, 0, 0, 20, 0, 0]),
            ([1, 0, 0, 1, 0, 0], [10, 0, 0, 10, 0, 0]),
            ([950, 10, 10, 10, 10, 10], [15, 1, 1, 1, 1, 1]),
            ([991, 9, 0, 0, 0, 0], [20, 0, 0, 0, 0, 0]),
            ([u64::MAX, u64::MAX, 0, 0, 0, u64::MAX], [6, 7, 0, 0, 0, 7]),
        ] {
            assert_eq!(cells(states, 20), expected, "{states:?}");
        }
    }

    #[test]
    fn durations_have_three_digits() {
        for (ns, expected) in [
            (Some(0), "0.00us"),
            (Some(1_234), "1.23us"),
            (Some(56_789), "56.7us"),
            (Some(999_999), " 999us"),
            (Some(1_000_000), "1.00ms"),
            (Some(302_000_000), " 302ms"),
            (Some(12_345_678_901), " 12.3s"),
            (Some(u64::MAX), "18446744073s"),
            (None, "     -"),
        ] {
            let mut out = Vec::new();
            Pretty::new(false, None).put_duration(ns, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
