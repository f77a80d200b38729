//! The marker file: the exit code of the test, as a decimal number.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes the marker so that whoever sees it sees all of it, also after a power loss.
pub(crate) fn write(marker: &Path, code: i32) -> io::Result<()> {
    let folder = marker.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temp = tempfile::Builder::new().prefix("temp-marker").tempfile_in(folder)?;
    temp.write_all(code.to_string().as_bytes())?;
    temp.as_file().sync_all()?;
    // The sidecar may run as another user.
    fs::set_permissions(temp.path(), Permissions::from_mode(0o777))?;
    temp.persist(marker).map_err(|error| error.error)?;
    Ok(())
}
