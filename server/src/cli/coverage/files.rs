//! Profiles from files and standard input, results to files and standard output.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};

use anyhow::{Context as _, bail};
use coverage::{Format, Notes, Profile, Reading};

use crate::cli::prompt::note;

/// A profile is at most so large, in bytes.
const MAX_INPUT_BYTES: u64 = 4 << 30;

/// What every command that reads profiles takes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Input {
    /// Pass over what cannot be read, and say so; take blank lines, repeated mode lines and
    /// negative counts for what they mean.
    #[arg(long)]
    tolerant: bool,
}

impl Input {
    pub(super) fn reading(&self) -> Reading {
        if self.tolerant { Reading::TOLERANT } else { Reading::STRICT }
    }

    /// Reads a profile of any form that is known.
    pub(super) fn load(&self, path: &str) -> anyhow::Result<Profile> {
        let mut bytes = Vec::new();
        load_bytes(path, &mut bytes)?;
        let read = coverage::read(&bytes, &self.reading())
            .with_context(|| format!("{path} is no {} profile", Format::of(&bytes).name()))?;
        tell(path, &read.notes);
        Ok(read.profile)
    }
}

/// Reads a file, or standard input for `-`, into `bytes`.
pub(super) fn load_bytes(path: &str, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    bytes.clear();
    let read = match path {
        "-" => io::stdin().lock().take(MAX_INPUT_BYTES).read_to_end(bytes),
        path => File::open(path).and_then(|file| {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            bytes.reserve_exact(usize::try_from(length.min(MAX_INPUT_BYTES)).unwrap_or(0));
            file.take(MAX_INPUT_BYTES).read_to_end(bytes)
        }),
    };
    read.with_context(|| format!("could not read {}", named(path)))?;
    if bytes.len() as u64 == MAX_INPUT_BYTES {
        bail!("{} has more than {MAX_INPUT_BYTES} bytes", named(path));
    }
    Ok(())
}

pub(super) fn named(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

/// Says what was passed over.
pub(super) fn tell(path: &str, notes: &Notes) {
    for found in &notes.first {
        note(&format!("{}, line {}: {}, passed over", named(path), found.line, found.message));
    }
    let more = notes.count.saturating_sub(notes.first.len() as u64);
    if more > 0 {
        note(&format!("{}: {more} more lines passed over", named(path)));
    }
}

/// Where a result goes.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Output {
    /// The file to write, - for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: String,
}

impl Output {
    /// Writes bytes.
    pub(super) fn write(&self, bytes: &[u8]) -> anyhow::Result<()> {
        self.write_with(|out| out.write_all(bytes))
    }

    /// Writes a profile in Go's text form; an empty one has none.
    pub(super) fn write_profile(&self, profile: &Profile) -> anyhow::Result<()> {
        profile.check_not_empty()?;
        self.write_with(|mut out| profile.write_go(&mut out))
    }

    fn write_with(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let written = match self.output.as_str() {
            "-" => into(io::stdout().lock(), write),
            path => File::create(path).and_then(|file| into(file, write)),
        };
        let place = if self.output == "-" { "standard output" } else { &self.output };
        written.with_context(|| format!("could not write {place}"))
    }
}

fn into(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 18, out);
    write(&mut out)?;
    out.flush()
}
