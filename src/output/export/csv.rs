//! A file of draws as CmdStan writes it.

use super::super::draws::{Table, write_table};
use super::inference_data::{Group, InferenceData};
use super::rows::columns;
use super::{Format, Write};
use std::io;

pub(super) const FORMAT: Format = Format {
    ending: ".csv",
    name: "CmdStan's CSV",
    groups: false,
    write: Write::File(write),
};

fn write(w: &mut (dyn io::Write + Send), data: &InferenceData) -> io::Result<()> {
    let (draws, _) = data.group(Group::POSTERIOR);
    let (_, stats) = data.group(Group::SAMPLE_STATS);
    let columns = columns(data);
    let table = Table {
        draws,
        about: stats
            .iter()
            .map(|s| (s.name.as_str(), &s.draws[..]))
            .collect(),
        arrays: columns
            .iter()
            .map(|c| (c.name.as_str(), c.quantity))
            .collect(),
    };
    write_table(w, &table, &data.run)
}
