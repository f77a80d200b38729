//! Peak and present memory of a process, from `/proc`.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::table::{median, mib, ms};

/// How often a short measurement is repeated.
pub const RUNS: usize = 7;

/// How often a short command's memory is read while it runs.
const SAMPLE_EVERY: Duration = Duration::from_millis(1);

/// What a finished command cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Wall time from start to end.
    pub wall: Duration,
    /// Highest resident memory that was seen, in bytes.
    pub peak: u64,
    /// How it ended.
    pub status: ExitStatus,
}

/// Runs a command to its end and watches its memory.
pub fn measure(command: &mut Command) -> anyhow::Result<Cost> {
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let mut peak = 0;
    loop {
        peak = peak.max(peak_memory(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait()? {
            return Ok(Cost { wall: started.elapsed(), peak, status });
        }
        std::thread::sleep(SAMPLE_EVERY);
    }
}

/// Medians of a command's runs.
#[derive(Clone, Copy, Debug)]
pub struct Cold {
    /// Wall time from start to end.
    pub wall: Duration,
    /// Highest resident memory that was seen, in bytes.
    pub peak: u64,
}

impl Cold {
    /// Whether neither limit is passed.
    pub fn within(&self, wall: Duration, peak: u64) -> bool {
        self.wall <= wall && self.peak <= peak
    }
}

impl std::fmt::Display for Cold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", ms(self.wall), mib(self.peak))
    }
}

/// Runs a command [`RUNS`] times, each from its start; it must succeed. `command` is told the number
/// of the run.
pub fn cold(command: impl Fn(usize) -> Command) -> anyhow::Result<Cold> {
    let costs = cold_in_turns(&[&command])?;
    costs.into_iter().next().context("no command was run")
}

/// The same of several commands in turns, so that all meet the machine's good and bad moments.
pub fn cold_in_turns(commands: &[&dyn Fn(usize) -> Command]) -> anyhow::Result<Vec<Cold>> {
    let mut costs = vec![(Vec::new(), Vec::new()); commands.len()];
    for run in 0..RUNS {
        for (command, (walls, peaks)) in commands.iter().zip(&mut costs) {
            let mut command = command(run);
            let cost = measure(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
            ensure!(cost.status.success(), "{command:?} failed");
            walls.push(cost.wall);
            peaks.push(cost.peak);
        }
    }
    let medians = costs.iter().map(|(walls, peaks)| Cold {
        wall: median(walls).unwrap_or_default(),
        peak: median(peaks).unwrap_or_default(),
    });
    Ok(medians.collect())
}

/// The highest resident memory of a process so far, in bytes (`VmHWM`).
pub fn peak_memory(pid: u32) -> Option<u64> {
    memory(pid, "VmHWM:")
}

/// The resident memory of a process now, in bytes (`VmRSS`).
pub fn resident_memory(pid: u32) -> Option<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A server process that ends when it is dropped.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts the program.
    pub fn start(program: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let child = Command::new(program)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { child })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
