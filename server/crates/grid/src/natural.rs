//! The order of names that people expect: `row 9` before `row 10`.

use std::cmp::Ordering;

/// Compares as TestGrid does: runs of digits by their number, everything else byte by byte, digits
/// before other characters; of two equal numbers the one with fewer leading zeros comes first.
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let (mut i, mut j) = (0, 0);
    while let (Some(&a), Some(&b)) = (left.get(i), right.get(j)) {
        match (a.is_ascii_digit(), b.is_ascii_digit()) {
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {
                if a != b {
                    return a.cmp(&b);
                }
                i += 1;
                j += 1;
            }
            (true, true) => {
                let (start_left, end_left) = number(left, i);
                let (start_right, end_right) = number(right, j);
                let (number_left, number_right) =
                    (&left[start_left..end_left], &right[start_right..end_right]);
                let order = number_left
                    .len()
                    .cmp(&number_right.len())
                    .then_with(|| number_left.cmp(number_right))
                    .then_with(|| (start_left - i).cmp(&(start_right - j)));
                if order != Ordering::Equal {
                    return order;
                }
                (i, j) = (end_left, end_right);
            }
        }
    }
    left.len().cmp(&right.len())
}

/// Where the number at `from` begins after its zeros, and where it ends.
fn number(text: &[u8], from: usize) -> (usize, usize) {
    let count =
        |from: usize, of: fn(&u8) -> bool| text[from..].iter().take_while(|b| of(b)).count();
    let start = from + count(from, |b| *b == b'0');
    (start, start + count(start, u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_value_and_zeros_break_ties() {
        let sorted = [
            "", "0", "00", "1", "01", "2", "10", "a", "a0", "a1", "a01", "a2", "a10", "a10b", "ab",
            "b1c9", "b1c10", "hint2", "hint10", "hint99", "hint100",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a:?} and {b:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_a_total_order(a in "[0-2a]{0,6}", b in "[0-2a]{0,6}", c in "[0-2a]{0,6}") {
            proptest::prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            proptest::prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
                proptest::prop_assert_ne!(compare(&a, &c), Ordering::Greater);
            }
        }
    }
}
