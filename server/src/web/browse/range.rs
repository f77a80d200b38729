//! `Range` of a request, as RFC 9110 has it.

/// The bytes that a request wants of an object of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them: there is no range, more than one, or one that means nothing.
    All,
    /// From a byte to another, both included.
    Part(u64, u64),
    /// None that the object has.
    Beyond,
}

/// Reads a `Range` header.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::All;
    };
    let Some((first, last)) = range.split_once('-').filter(|_| !range.contains(',')) else {
        return Wanted::All;
    };
    let (first, last) = (first.trim(), last.trim());
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        // The last so many bytes.
        (Err(_), Ok(0)) if first.is_empty() => return Wanted::Beyond,
        (Err(_), Ok(length)) if first.is_empty() => {
            (size.saturating_sub(length), size.saturating_sub(1))
        }
        _ => return Wanted::All,
    };
    if first >= size { Wanted::Beyond } else { Wanted::Part(first, last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_rfc() {
        for (header, expected) in [
            (None, Wanted::All),
            (Some("bytes=0-3"), Wanted::Part(0, 3)),
            (Some("bytes=4-"), Wanted::Part(4, 9)),
            (Some("bytes=-4"), Wanted::Part(6, 9)),
            (Some("bytes=-40"), Wanted::Part(0, 9)),
            (Some("bytes=8-40"), Wanted::Part(8, 9)),
            (Some("bytes=10-"), Wanted::Beyond),
            (Some("bytes=-0"), Wanted::Beyond),
            (Some("bytes=3-1"), Wanted::All),
            (Some("bytes=0-1,3-4"), Wanted::All),
            (Some("lines=0-1"), Wanted::All),
            (Some("bytes=x"), Wanted::All),
        ] {
            assert_eq!(wanted(header, 10), expected, "{header:?}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Beyond);
    }
}
