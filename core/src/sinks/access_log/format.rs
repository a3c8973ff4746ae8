//! Which format a name or format string means.

use jiff::tz::TimeZone;

use super::atoms::{Atoms, COMBINED};
use super::field::Facts;
use super::json::Json;
use super::pretty::Pretty;
use super::stamp::Stamps;
use super::{Options, SetupError};
use crate::exchange::Exchange;
use crate::trace::Clock;

#[derive(Debug)]
enum Layout {
    Json(Json),
    Atoms(Atoms),
    Pretty(Pretty),
}

/// Turns finished exchanges into lines.
#[derive(Debug)]
pub(super) struct Format {
    layout: Layout,
    stamps: Stamps,
}

impl Format {
    /// What the options ask for; local times are in `zone`.
    pub(super) fn parse(options: &Options, zone: TimeZone) -> Result<Self, SetupError> {
        let format = options.format.as_str();
        let layout = match format {
            "json" => Layout::Json(Json::new()),
            "pretty" => Layout::Pretty(Pretty::new(options.color, options.columns)),
            "combined" => Layout::Atoms(parse_atoms(COMBINED)?),
            _ if format.contains('%') => Layout::Atoms(parse_atoms(format)?),
            _ => return Err(SetupError::UnknownFormat(format.to_owned())),
        };
        Ok(Self { layout, stamps: Stamps::new(zone) })
    }

    /// Appends the exchange's line. One that was not traced has the time of writing.
    pub(super) fn write(&mut self, exchange: &Exchange, out: &mut Vec<u8>) {
        let progress = exchange.lock();
        let now = if progress.record.is_on() { 0 } else { Clock::System.wall() };
        let facts = Facts::new(exchange, &progress, now);
        match &self.layout {
            Layout::Json(json) => json.write(&facts, &mut self.stamps, out),
            Layout::Atoms(atoms) => atoms.write(&facts, &mut self.stamps, out),
            Layout::Pretty(pretty) => pretty.write(&facts, &mut self.stamps, out),
        }
    }

    /// Appends a line that says how many exchanges have none.
    pub(super) fn write_dropped(&mut self, count: u64, now: u64, out: &mut Vec<u8>) {
        match &self.layout {
            Layout::Json(_) => Json::write_dropped(count, now, &mut self.stamps, out),
            Layout::Atoms(_) => Atoms::write_dropped(count, out),
            Layout::Pretty(pretty) => pretty.write_dropped(count, out),
        }
    }
}

fn parse_atoms(format: &str) -> Result<Atoms, SetupError> {
    Atoms::parse(format).map_err(|mistake| SetupError::Format { what: mistake.what, at: mistake.at })
}
