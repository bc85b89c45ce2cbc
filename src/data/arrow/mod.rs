//! Columns of Arrow and Parquet files: each becomes an entry of its name, as a column of CSV does.
//!
//! The libraries that read them are large, so they are behind the
//! feature `arrow`. Without it the formats are known, and the message names the feature.

#[cfg(feature = "arrow")]
mod read;
#[cfg(feature = "arrow")]
mod stream;
#[cfg(not(feature = "arrow"))]
mod read {
    //! What is said where the feature is off.

    use super::super::{Data, error, raw::Raw};
    use crate::diag::{Diagnostics, Sources};

    pub(super) fn ipc(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
        Err(vec![error::built_without(&raw.label, "arrow")])
    }

    pub(super) fn parquet(raw: Raw, _: &mut Sources) -> Result<Data, Diagnostics> {
        Err(vec![error::built_without(&raw.label, "arrow")])
    }
}

#[cfg(not(feature = "arrow"))]
mod stream {
    //! Nothing is streamed where nothing is read.

    use super::super::Stream;

    pub(super) const IPC: Option<Stream> = None;
    pub(super) const PARQUET: Option<Stream> = None;
}

use super::Format;

pub(super) const IPC: Format = Format {
    name: "columns of Arrow",
    endings: &[".arrow", ".feather"],
    names: true,
    read: read::ipc,
    stream: stream::IPC,
};

pub(super) const PARQUET: Format = Format {
    name: "columns of Parquet",
    endings: &[".parquet"],
    names: true,
    read: read::parquet,
    stream: stream::PARQUET,
};
