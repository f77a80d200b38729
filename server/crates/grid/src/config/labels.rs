//! What parts of a configuration are called where people see them.

use crate::proto::config::TestGroup;

impl TestGroup {
    /// What a row of headers above its columns is called: as it says, or by where its values come from.
    pub fn header_label(&self, at: usize) -> &str {
        let header = self.column_header.get(at);
        let names = header.map(|h| [&h.label, &h.property, &h.configuration_value]);
        names.into_iter().flatten().find(|name| !name.is_empty()).map_or("", String::as_str)
    }
}
