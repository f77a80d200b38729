//! The form in which what is known of a log is stored: numbers of seven bits a byte, the low ones first.

/// Appends a number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a text with its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads what [`put`] wrote; anything else is `None`.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    /// How many entries follow. Each has at least a byte, so damage cannot ask for more memory than the
    /// stored bytes have.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    /// Everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn numbers_and_texts_come_back(numbers: Vec<u64>, text: String) {
            let mut bytes = Vec::new();
            put_text(&mut bytes, &text);
            numbers.iter().for_each(|number| put(&mut bytes, *number));
            let mut reader = Reader(&bytes);
            proptest::prop_assert_eq!(reader.text(), Some(text));
            for number in numbers {
                proptest::prop_assert_eq!(reader.number(), Some(number));
            }
            proptest::prop_assert!(reader.is_at_end());
        }

        #[test]
        fn damage_is_no_panic(bytes: Vec<u8>) {
            let mut reader = Reader(&bytes);
            let _ = (reader.text(), reader.count(), reader.number());
        }
    }
}
