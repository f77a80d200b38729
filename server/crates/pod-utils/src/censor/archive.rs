//! Files that hold others: they are unpacked, cleaned and packed again, all as streams.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Chain, Cursor, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::replace::Censor;

/// Wrappings that are opened, a `.tar.gz` counting as two; deeper ones are withheld.
const MAX_DEPTH: usize = 6;

/// Bytes that one file may unpack to; more looks like an attack and is withheld.
const MAX_UNPACKED_BYTES: u64 = 8 << 30;

/// Bytes that tell what a file is: up to the magic word of a tar header and beyond.
const HEAD_BYTES: u64 = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Gzip,
    Tar,
    Zip,
    /// Packed in a way that cannot be looked into here.
    Opaque(&'static str),
}

impl Kind {
    fn of(head: &[u8]) -> Kind {
        if head.starts_with(&[0x1f, 0x8b]) {
            Kind::Gzip
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Kind::Zip
        } else if head.get(257..262) == Some(b"ustar") {
            Kind::Tar
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Kind::Opaque("zstd")
        } else if head.starts_with(&[0xfd, b'7', b'z', b'X', b'Z']) {
            Kind::Opaque("xz")
        } else if head.starts_with(b"BZh") && head.get(4..10) == Some(&BZIP2_BLOCK) {
            Kind::Opaque("bzip2")
        } else if head.starts_with(b"7z\xbc\xaf\x27\x1c") {
            Kind::Opaque("7z")
        } else {
            Kind::Plain
        }
    }
}

/// The digits of π that begin every block of bzip2.
const BZIP2_BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

/// Writes a clean copy of `source` and tells whether anything was replaced. The copy may be missing
/// if nothing was.
///
/// # Errors
/// Why the file cannot be vouched for, as a reason to withhold it.
pub(super) fn clean(source: &Path, copy: &Path, censor: &Censor) -> Result<bool, String> {
    let reason = |error: io::Error| format!("it could not be looked through: {error}");
    let file = File::open(source).map_err(reason)?;
    let mut out = BufWriter::new(File::create(copy).map_err(reason)?);
    let mut work = Work { censor, budget: MAX_UNPACKED_BYTES };
    let found = work.clean(&mut BufReader::new(file), &mut out, 0).map_err(reason)?;
    out.flush().map_err(reason)?;
    Ok(found)
}

struct Work<'a> {
    censor: &'a Censor,
    /// Bytes that may still be unpacked.
    budget: u64,
}

impl Work<'_> {
    fn clean(
        &mut self,
        source: &mut dyn Read,
        out: &mut dyn Write,
        depth: usize,
    ) -> io::Result<bool> {
        let (head, mut source) = peek(source)?;
        let kind = Kind::of(&head);
        if kind != Kind::Plain && depth >= MAX_DEPTH {
            return Err(io::Error::other("archives are nested too deeply"));
        }
        match kind {
            Kind::Plain => self.plain(&mut source, out),
            Kind::Gzip => {
                let mut unpacked = MultiGzDecoder::new(source);
                let mut packer = GzEncoder::new(out, Compression::default());
                let found = self.clean(&mut unpacked, &mut packer, depth + 1)?;
                packer.finish()?;
                Ok(found)
            }
            Kind::Tar => self.tar(&mut source, out, depth),
            Kind::Zip => self.zip(&mut source, out, depth),
            Kind::Opaque(name) => {
                Err(io::Error::other(format!("{name} archives cannot be looked into")))
            }
        }
    }

    fn plain(&mut self, source: &mut dyn Read, out: &mut dyn Write) -> io::Result<bool> {
        let mut reader = self.censor.reader(source.take(self.budget));
        let copied = io::copy(&mut reader, out)?;
        self.budget -= copied;
        if self.budget == 0 {
            return Err(io::Error::other(format!("more than {MAX_UNPACKED_BYTES} bytes")));
        }
        Ok(reader.found())
    }

    fn tar(
        &mut self,
        source: &mut dyn Read,
        out: &mut dyn Write,
        depth: usize,
    ) -> io::Result<bool> {
        let mut found = false;
        let mut packer = tar::Builder::new(out);
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let mut header = entry.header().clone();
            let path = entry.path()?.to_string_lossy().into_owned();
            let clean_path = self.censor.clean_name(&path);
            found |= clean_path != path;
            let kind = header.entry_type();
            if kind.is_symlink() || kind.is_hard_link() {
                let target = entry.link_name()?.unwrap_or_default().to_string_lossy().into_owned();
                let clean_target = self.censor.clean_name(&target);
                found |= clean_target != target;
                packer.append_link(&mut header, clean_path, clean_target)?;
            } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                let mut content = tempfile::tempfile()?;
                found |= self.clean(&mut entry, &mut content, depth + 1)?;
                append_file(&mut packer, &mut header, &clean_path, content)?;
            } else {
                header.set_size(0);
                packer.append_data(&mut header, clean_path, io::empty())?;
            }
        }
        packer.into_inner()?;
        Ok(found)
    }

    fn zip(
        &mut self,
        source: &mut dyn Read,
        out: &mut dyn Write,
        depth: usize,
    ) -> io::Result<bool> {
        // The directory of a zip file is at its end, so it has to be a file.
        let mut packed = tempfile::tempfile()?;
        io::copy(source, &mut packed)?;
        let mut archive = ZipArchive::new(packed).map_err(io::Error::other)?;
        let mut packer = ZipWriter::new(tempfile::tempfile()?);
        let comment = archive.comment().to_vec();
        let mut found = false;
        for number in 0..archive.len() {
            let mut entry = archive.by_index(number).map_err(io::Error::other)?;
            let method = match entry.compression() {
                CompressionMethod::Stored => CompressionMethod::Stored,
                _ => CompressionMethod::Deflated,
            };
            let mut options = SimpleFileOptions::default().compression_method(method);
            if let Some(time) = entry.last_modified() {
                options = options.last_modified_time(time);
            }
            if let Some(mode) = entry.unix_mode() {
                options = options.unix_permissions(mode);
            }
            let name = entry.name().map_err(io::Error::other)?.into_owned();
            let clean_name = self.censor.clean_name(&name);
            found |= clean_name != name;
            if entry.is_dir() {
                packer.add_directory(clean_name, options).map_err(io::Error::other)?;
                continue;
            }
            let options = options.large_file(entry.size() > u64::from(u32::MAX) / 2);
            packer.start_file(clean_name, options).map_err(io::Error::other)?;
            found |= self.clean(&mut entry, &mut packer, depth + 1)?;
        }
        if !comment.is_empty() {
            let text = String::from_utf8_lossy(&comment);
            let clean_comment = self.censor.clean_name(&text);
            found |= clean_comment != text;
            packer.set_comment(clean_comment).map_err(io::Error::other)?;
        }
        let mut repacked = packer.finish().map_err(io::Error::other)?;
        io::Seek::rewind(&mut repacked)?;
        io::copy(&mut repacked, out)?;
        Ok(found)
    }
}

fn append_file(
    packer: &mut tar::Builder<impl Write>,
    header: &mut tar::Header,
    path: &str,
    mut content: File,
) -> io::Result<()> {
    // An archive within the archive may have changed its size.
    header.set_size(content.metadata()?.len());
    header.set_entry_type(tar::EntryType::Regular);
    io::Seek::rewind(&mut content)?;
    packer.append_data(header, path, content)
}

/// A reader whose first bytes were looked at.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first bytes, and a reader that still has them.
fn peek<R: Read>(mut source: R) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(source)))
}
