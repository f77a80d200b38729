//! The lines of several logs in the order of their times.

use std::collections::VecDeque;

use go_compat::Timestamp;

use super::RawLine;
use crate::log::{decode_lossy, time_of};

/// Lines without a time at the begin of a log that wait for the first that has one. More come before
/// all others.
const LEADING: usize = 1_000;

/// Bytes of a line in which its time is looked for.
const HEAD: usize = 256;

/// A line of one of the logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Woven {
    /// The place of its log.
    pub log: usize,
    /// Its number in its log, from 1.
    pub number: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Bytes that were left out of it.
    pub cut: u64,
}

/// Weaves logs that are read a piece at a time: only what is read of each and not yet woven is held. The
/// lines of one log keep their order. A line without a time belongs to the one before it; those at
/// the begin of a log to the first that has one.
#[derive(Clone, Debug)]
pub struct Weave {
    logs: Vec<Source>,
    near: Timestamp,
    last: usize,
}

#[derive(Clone, Debug, Default)]
struct Source {
    /// Lines with their times in milliseconds, which never fall.
    ready: VecDeque<(i64, Woven)>,
    leading: Vec<Woven>,
    at: Option<i64>,
    ended: bool,
}

impl Weave {
    /// Of so many logs. Times without a year are those closest to `near`.
    pub fn new(logs: usize, near: Timestamp) -> Weave {
        Weave { logs: vec![Source::default(); logs], near, last: 0 }
    }

    /// Takes the next line of a log.
    pub fn push(&mut self, log: usize, line: RawLine<'_>) {
        let time = line_time(line.bytes, self.near).map(Timestamp::millis);
        let woven = Woven { log, number: line.number, bytes: line.bytes.to_vec(), cut: line.cut };
        let Some(source) = self.logs.get_mut(log) else { return };
        // A log that goes back in time keeps its order.
        let at = match (time, source.at) {
            (Some(time), before) => time.max(before.unwrap_or(i64::MIN)),
            (None, Some(before)) => before,
            (None, None) if source.leading.len() < LEADING => {
                source.leading.push(woven);
                return;
            }
            (None, None) => i64::MIN,
        };
        source.at = Some(at);
        source.settle(at);
        source.ready.push_back((at, woven));
    }

    /// A log has no more lines.
    pub fn end(&mut self, log: usize) {
        if let Some(source) = self.logs.get_mut(log) {
            source.settle(source.at.unwrap_or(i64::MIN));
            source.ended = true;
        }
    }

    /// The log that must be read on before the next line is known.
    pub fn waits_for(&self) -> Option<usize> {
        self.logs.iter().position(|source| source.ready.is_empty() && !source.ended)
    }

    /// The next line, unless a log must be read on or all have ended.
    pub fn next_line(&mut self) -> Option<Woven> {
        if self.waits_for().is_some() {
            return None;
        }
        let heads = self.logs.iter().enumerate();
        let heads = heads.filter_map(|(log, source)| Some((log, source.ready.front()?.0)));
        // What belongs to the last line stays with it.
        let (log, _) = heads.min_by_key(|(log, at)| (*at, *log != self.last, *log))?;
        self.last = log;
        self.logs[log].ready.pop_front().map(|(_, line)| line)
    }
}

impl Source {
    fn settle(&mut self, at: i64) {
        self.ready.extend(self.leading.drain(..).map(|line| (at, line)));
    }
}

/// When a line was written: as in any log, else the first time in it, with or without a year:
/// `0629 17:33:09.8` or `06-29T17:33:09.8`, as Gubernator reads them.
fn line_time(line: &[u8], near: Timestamp) -> Option<Timestamp> {
    let head = decode_lossy(&line[..line.len().min(HEAD)]);
    time_of(&head, near).or_else(|| {
        // klog's form, which is read behind any of its letters.
        let digits = |text: &str, count: usize| {
            text.len() >= count && text.bytes().take(count).all(|byte| byte.is_ascii_digit())
        };
        head.match_indices(':').find_map(|(colon, _)| {
            let hour = head.get(colon.checked_sub(2)?..)?;
            let before = head.get(..colon - 2)?;
            let day = before.strip_suffix(' ').or_else(|| before.strip_suffix('T'))?;
            let month = match day.strip_suffix(|c: char| c.is_ascii_digit()) {
                Some(_) => day.get(day.len().checked_sub(2)?..)?,
                None => return None,
            };
            let rest = day.get(..day.len() - 2)?;
            let rest = rest.strip_suffix('-').unwrap_or(rest);
            let first = rest.get(rest.len().checked_sub(2)?..)?;
            (digits(first, 2) && digits(month, 2) && digits(hour, 2))
                .then(|| time_of(&format!("I{first}{month} {hour}"), near))?
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::Lines;
    use super::*;

    fn near() -> Timestamp {
        Timestamp::parse_rfc3339("2026-06-29T12:00:00Z").unwrap()
    }

    /// Reads the logs in pieces of so many bytes.
    fn woven(logs: &[&str], piece: usize) -> Vec<String> {
        let mut weave = Weave::new(logs.len(), near());
        let mut reading: Vec<_> =
            logs.iter().map(|log| (log.as_bytes().chunks(piece), Lines::default())).collect();
        let mut found = Vec::new();
        loop {
            while let Some(line) = weave.next_line() {
                found.push(String::from_utf8_lossy(&line.bytes).into_owned());
            }
            let Some(log) = weave.waits_for() else { return found };
            let (chunks, lines) = &mut reading[log];
            match chunks.next() {
                Some(chunk) => lines.push(chunk, |line| weave.push(log, line)),
                None => {
                    lines.end(|line| weave.push(log, line));
                    weave.end(log);
                }
            }
        }
    }

    #[test]
    fn logs_are_woven_by_the_times_of_their_lines() {
        let kubelet = "abc\n0101 01:01:01.001 Event(api.ObjectReference{Name:\"abc\"})\n";
        let apiserver =
            "0101 01:01:01.000 kubeapi\n0101 01:01:01.002 pod\n01-01T01:01:01.005Z last line";
        for piece in [1, 7, 1_000] {
            assert_eq!(
                woven(&[kubelet, apiserver], piece),
                [
                    "0101 01:01:01.000 kubeapi",
                    "abc",
                    "0101 01:01:01.001 Event(api.ObjectReference{Name:\"abc\"})",
                    "0101 01:01:01.002 pod",
                    "01-01T01:01:01.005Z last line",
                ]
            );
        }
    }

    #[test]
    fn lines_without_a_time_stay_with_the_one_before_them() {
        let trace = "I0629 17:33:09.8 1 a.go:1] panic\ngoroutine 1\nmain()\nI0629 17:33:12.0 done";
        let other = "2026-06-29T17:33:09.8Z same moment\n2026-06-29T17:33:10Z later\n  more";
        assert_eq!(
            woven(&[trace, other], 5),
            [
                "I0629 17:33:09.8 1 a.go:1] panic",
                "goroutine 1",
                "main()",
                "2026-06-29T17:33:09.8Z same moment",
                "2026-06-29T17:33:10Z later",
                "  more",
                "I0629 17:33:12.0 done",
            ]
        );
        assert_eq!(woven(&["no\ntimes", "at all"], 3), ["no", "times", "at all"]);
        assert_eq!(woven(&["", "a"], 3), ["a"]);
        assert_eq!(woven(&[], 3), [""; 0]);
        let many = "x\n".repeat(LEADING + 5);
        assert_eq!(woven(&[&many, "I0629 17:33:09.8 a"], 64).len(), LEADING + 6);
    }

    #[test]
    fn times_are_read_as_klog_and_rfc_3339_write_them() {
        let time = |line: &str| line_time(line.as_bytes(), near()).map(Timestamp::rfc3339_millis);
        for (line, expected) in [
            ("I0629 17:33:09.8 x", Some("2026-06-29T17:33:09.800Z")),
            ("0629 17:33:09.8 x", Some("2026-06-29T17:33:09.800Z")),
            ("node-1 kubelet: I0629 17:33:09.8 x", Some("2026-06-29T17:33:09.800Z")),
            ("2026-06-29T17:33:09.8Z x", Some("2026-06-29T17:33:09.800Z")),
            ("06-29T17:33:09.8Z x", Some("2026-06-29T17:33:09.800Z")),
            ("stdout 2026-06-29T17:33:09.8Z x", Some("2026-06-29T17:33:09.800Z")),
            ("nothing: here", None),
            ("ä:0629 17:33", None),
            ("9:", None),
        ] {
            assert_eq!(time(line).as_deref(), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_lines_come_out_once(
            logs in proptest::collection::vec("[I0-9 :.T\n-]{0,40}", 0..4),
            piece in 1_usize..9,
        ) {
            let texts: Vec<&str> = logs.iter().map(String::as_str).collect();
            let lines = texts.iter().map(|text| text.lines().count()).sum::<usize>();
            proptest::prop_assert_eq!(woven(&texts, piece).len(), lines);
        }
    }
}
