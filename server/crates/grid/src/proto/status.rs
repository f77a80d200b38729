//! What a test did in one build.

/// The status of a cell. The numbers are those of the wire; they say nothing about severity, which
/// is [`TestStatus::severity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum TestStatus {
    /// The test did not run in this build.
    NoResult = 0,
    /// It passed.
    Pass = 1,
    /// It passed, though errors were seen.
    PassWithErrors = 2,
    /// It passed by being skipped, in whole or in part.
    PassWithSkips = 3,
    /// It still runs.
    Running = 4,
    /// It was stopped for a known reason.
    CategorizedAbort = 5,
    /// Nobody knows.
    Unknown = 6,
    /// Somebody stopped it.
    Cancel = 7,
    /// Something before it failed.
    Blocked = 8,
    /// It took too long.
    TimedOut = 9,
    /// It failed for a known reason.
    CategorizedFail = 10,
    /// It was not built.
    BuildFail = 11,
    /// It failed.
    Fail = 12,
    /// It passed and failed in the same build.
    Flaky = 13,
    /// The tool that runs it failed.
    ToolFail = 14,
    /// It was built, and nothing else was asked.
    BuildPassed = 15,
}

/// The five statuses that alerts and summaries tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coalesced {
    /// No result.
    NoResult,
    /// Any way of passing.
    Pass,
    /// Any way of failing.
    Fail,
    /// Passed and failed.
    Flaky,
    /// Everything else: cancelled, blocked, aborted, running.
    Unknown,
}

impl TestStatus {
    /// All statuses from the mildest to the most severe.
    pub const BY_SEVERITY: [TestStatus; 16] = [
        TestStatus::NoResult,
        TestStatus::BuildPassed,
        TestStatus::Pass,
        TestStatus::PassWithSkips,
        TestStatus::PassWithErrors,
        TestStatus::Running,
        TestStatus::CategorizedAbort,
        TestStatus::Unknown,
        TestStatus::Cancel,
        TestStatus::Blocked,
        TestStatus::Flaky,
        TestStatus::ToolFail,
        TestStatus::TimedOut,
        TestStatus::CategorizedFail,
        TestStatus::BuildFail,
        TestStatus::Fail,
    ];

    /// The status of a number on the wire; a number that no status has counts as no result, whose
    /// severity TestGrid gives it too.
    pub fn from_wire(number: i32) -> TestStatus {
        TestStatus::try_from(number).unwrap_or(TestStatus::NoResult)
    }

    /// How bad it is, 0 to 15, as TestGrid orders statuses when it merges results.
    pub fn severity(self) -> u8 {
        match self {
            TestStatus::NoResult => 0,
            TestStatus::BuildPassed => 1,
            TestStatus::Pass => 2,
            TestStatus::PassWithSkips => 3,
            TestStatus::PassWithErrors => 4,
            TestStatus::Running => 5,
            TestStatus::CategorizedAbort => 6,
            TestStatus::Unknown => 7,
            TestStatus::Cancel => 8,
            TestStatus::Blocked => 9,
            TestStatus::Flaky => 10,
            TestStatus::ToolFail => 11,
            TestStatus::TimedOut => 12,
            TestStatus::CategorizedFail => 13,
            TestStatus::BuildFail => 14,
            TestStatus::Fail => 15,
        }
    }

    /// Whether it is one of the ways of passing. A flaky result is not.
    pub fn is_passing(self) -> bool {
        (1..=4).contains(&self.severity())
    }

    /// Whether it is one of the ways of failing. A flaky result is not.
    pub fn is_failing(self) -> bool {
        self.severity() >= 11
    }

    /// Whether the cell holds something. A running test does.
    pub fn is_filled(self) -> bool {
        self != TestStatus::NoResult
    }

    /// The coarse status, a running test counted as [`Coalesced::Unknown`].
    pub fn coalesced(self) -> Coalesced {
        match self {
            TestStatus::NoResult => Coalesced::NoResult,
            TestStatus::Flaky => Coalesced::Flaky,
            _ if self.is_failing() => Coalesced::Fail,
            _ if self.is_passing() => Coalesced::Pass,
            _ => Coalesced::Unknown,
        }
    }

    /// The coarse status, a running test counted as having no result yet.
    pub fn coalesced_without_running(self) -> Coalesced {
        match self {
            TestStatus::Running => Coalesced::NoResult,
            _ => self.coalesced(),
        }
    }

    /// The name that TestGrid's enumeration has, such as `PASS_WITH_SKIPS`.
    pub fn name(self) -> &'static str {
        match self {
            TestStatus::NoResult => "NO_RESULT",
            TestStatus::Pass => "PASS",
            TestStatus::PassWithErrors => "PASS_WITH_ERRORS",
            TestStatus::PassWithSkips => "PASS_WITH_SKIPS",
            TestStatus::Running => "RUNNING",
            TestStatus::CategorizedAbort => "CATEGORIZED_ABORT",
            TestStatus::Unknown => "UNKNOWN",
            TestStatus::Cancel => "CANCEL",
            TestStatus::Blocked => "BLOCKED",
            TestStatus::TimedOut => "TIMED_OUT",
            TestStatus::CategorizedFail => "CATEGORIZED_FAIL",
            TestStatus::BuildFail => "BUILD_FAIL",
            TestStatus::Fail => "FAIL",
            TestStatus::Flaky => "FLAKY",
            TestStatus::ToolFail => "TOOL_FAIL",
            TestStatus::BuildPassed => "BUILD_PASSED",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<TestStatus> {
        TestStatus::BY_SEVERITY.into_iter().find(|status| status.name() == name)
    }

    /// The words for people, such as `passed with skips`.
    pub fn words(self) -> &'static str {
        match self {
            TestStatus::NoResult => "no result",
            TestStatus::Pass => "passed",
            TestStatus::PassWithErrors => "passed with errors",
            TestStatus::PassWithSkips => "passed with skips",
            TestStatus::Running => "running",
            TestStatus::CategorizedAbort => "aborted",
            TestStatus::Unknown => "unknown",
            TestStatus::Cancel => "cancelled",
            TestStatus::Blocked => "blocked",
            TestStatus::TimedOut => "timed out",
            TestStatus::CategorizedFail => "failed (categorized)",
            TestStatus::BuildFail => "build failed",
            TestStatus::Fail => "failed",
            TestStatus::Flaky => "flaky",
            TestStatus::ToolFail => "tool failed",
            TestStatus::BuildPassed => "build passed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_is_the_order_of_the_table_and_not_of_the_numbers() {
        for (rank, status) in TestStatus::BY_SEVERITY.into_iter().enumerate() {
            assert_eq!(usize::from(status.severity()), rank, "{status:?}");
            assert_eq!(TestStatus::from_wire(status as i32), status);
        }
        assert_eq!(TestStatus::from_wire(99), TestStatus::NoResult);
        assert_eq!(TestStatus::from_wire(-1).severity(), 0);
    }

    #[test]
    fn statuses_coalesce_to_five() {
        use TestStatus::*;
        let table = [
            (Coalesced::NoResult, vec![NoResult]),
            (Coalesced::Pass, vec![BuildPassed, Pass, PassWithSkips, PassWithErrors]),
            (Coalesced::Unknown, vec![Running, CategorizedAbort, Unknown, Cancel, Blocked]),
            (Coalesced::Flaky, vec![Flaky]),
            (Coalesced::Fail, vec![ToolFail, TimedOut, CategorizedFail, BuildFail, Fail]),
        ];
        let mut seen = 0;
        for (coarse, statuses) in table {
            for status in statuses {
                assert_eq!(status.coalesced(), coarse, "{status:?}");
                assert_eq!(status.is_passing(), coarse == Coalesced::Pass, "{status:?}");
                assert_eq!(status.is_failing(), coarse == Coalesced::Fail, "{status:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, 16);
        assert_eq!(Running.coalesced_without_running(), Coalesced::NoResult);
        assert_eq!(Unknown.coalesced_without_running(), Coalesced::Unknown);
    }

    #[test]
    fn names_are_those_of_the_enumeration() {
        assert_eq!(TestStatus::PassWithSkips.name(), "PASS_WITH_SKIPS");
        assert_eq!(TestStatus::from_name("TOOL_FAIL"), Some(TestStatus::ToolFail));
    }
}
