//! Numbers and texts as few bytes: seven bits of a number per byte, the least first.

/// Why stored bytes are not a column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// They end too early.
    #[error("the stored column is truncated: read the build again")]
    Truncated,
    /// Another version of the program wrote them.
    #[error("the stored column has version {0}, which this program does not know")]
    Version(u8),
    /// They are damaged.
    #[error("the stored column is damaged: {0}; read the build again")]
    Damaged(&'static str),
    /// They unpack to more than is allowed.
    #[error("the stored column unpacks to more than {0} bytes")]
    TooLarge(u64),
}

/// Appends to a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Pairs of value and run length; the reader knows how many values there are.
    pub(crate) fn runs(&mut self, values: impl IntoIterator<Item = u64>) {
        let mut current: Option<(u64, u64)> = None;
        for value in values {
            match &mut current {
                Some((same, run)) if *same == value => *run += 1,
                _ => {
                    if let Some((value, run)) = current.replace((value, 1)) {
                        self.number(value);
                        self.number(run);
                    }
                }
            }
        }
        if let Some((value, run)) = current {
            self.number(value);
            self.number(run);
        }
    }
}

/// Takes from a buffer, and never more than is there.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn number(&mut self) -> Result<u64, ColumnError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(ColumnError::Truncated)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ColumnError::Damaged("a number has too many bytes"))
    }

    /// A count of things that take at least one byte each.
    pub(crate) fn count(&mut self) -> Result<usize, ColumnError> {
        let count = self.number()?;
        usize::try_from(count).ok().filter(|c| *c <= self.0.len()).ok_or(ColumnError::Truncated)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ColumnError> {
        let count = self.count()?;
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, ColumnError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ColumnError::Damaged("a text is not UTF-8"))
    }

    pub(crate) fn float(&mut self) -> Result<f64, ColumnError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(ColumnError::Truncated)?;
        self.0 = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// What [`Writer::runs`] wrote of `count` values, each below `limit`.
    pub(crate) fn runs(&mut self, count: usize, limit: usize) -> Result<Vec<usize>, ColumnError> {
        let mut values = Vec::with_capacity(count);
        while values.len() < count {
            let value = usize::try_from(self.number()?).unwrap_or(usize::MAX);
            let run = usize::try_from(self.number()?).unwrap_or(usize::MAX);
            if value >= limit || run == 0 || run > count - values.len() {
                return Err(ColumnError::Damaged("a run does not fit"));
            }
            values.resize(values.len() + run, value);
        }
        Ok(values)
    }
}
