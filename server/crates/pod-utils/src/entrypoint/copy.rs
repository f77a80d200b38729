//! Placing this program where every container of the Pod finds it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use job_spec::options::EntrypointOptions;

/// Where decoration expects the program.
const DEFAULT_DESTINATION: &str = "/tools/entrypoint";

/// The program could not be placed.
#[derive(Debug, thiserror::Error)]
#[error("the program could not be copied to {destination}: {source}")]
pub struct CopyError {
    destination: PathBuf,
    source: io::Error,
}

/// Copies this very program to the options' destination, where it acts as entrypoint. On the same
/// file system it is linked instead, since the program with all of the server in it is large.
///
/// # Errors
/// The folder cannot be made or the file cannot be written.
pub fn copy_program(options: &EntrypointOptions) -> Result<(), CopyError> {
    let destination = if options.copy_dst.is_empty() || options.copy_dst == DEFAULT_DESTINATION {
        crate::options::built_in_path(DEFAULT_DESTINATION)
    } else {
        PathBuf::from(&options.copy_dst)
    };
    let program = std::env::current_exe().unwrap_or_default();
    place(&program, &destination).map_err(|source| CopyError { destination, source })
}

pub(super) fn place(program: &Path, destination: &Path) -> io::Result<()> {
    if let Some(folder) = destination.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(destination) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Fails across file systems, and where the system protects hard links to others' files.
    if fs::hard_link(program, destination).is_ok() {
        return Ok(());
    }
    // The file of a running program may have been replaced; the kernel still has it.
    let source = if program.exists() { program } else { Path::new("/proc/self/exe") };
    let folder = destination.parent().unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new().prefix("entrypoint").tempfile_in(folder)?;
    io::copy(&mut fs::File::open(source)?, &mut temp)?;
    fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755))?;
    temp.persist(destination).map_err(|error| error.error)?;
    Ok(())
}
