//! What `/metrics` says about the process, under the names that all exporters use. Linux
//! tells in `/proc`; elsewhere these lines are missing.

use std::fs;

use rlimit::Resource;

use super::prometheus_text::PrometheusText;

/// Times in `/proc/[pid]/stat` are in these; every Linux that Rust runs on has 100 of them a
/// second for programs (`USER_HZ`), however its kernel counts.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the system knows of this process.
#[derive(Debug, Default)]
pub(super) struct ProcessFigures {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    threads: Option<u64>,
    open_files: Option<u64>,
    max_files: Option<u64>,
}

impl ProcessFigures {
    /// Reads them; on a thread that may block, since many open files take a while to count.
    pub(super) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let bytes = |name| figure(&status, name).map(|kib| kib * 1024);
        Self {
            cpu_seconds: cpu_seconds(&stat),
            resident_bytes: bytes("VmRSS"),
            virtual_bytes: bytes("VmSize"),
            threads: figure(&status, "Threads"),
            // Without the one that reads the folder.
            open_files: fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1)),
            max_files: Resource::NOFILE.get().ok().map(|(soft, _)| soft),
        }
    }

    pub(super) fn render(&self, text: &mut PrometheusText) {
        if let Some(seconds) = self.cpu_seconds {
            text.about("process_cpu_seconds_total", "counter", "Time of processors that the process used, in seconds.");
            text.line("process_cpu_seconds_total", &[], seconds);
        }
        let mut gauge = |name, help, figure: Option<u64>| {
            if let Some(figure) = figure {
                text.gauge(name, help, figure);
            }
        };
        gauge("process_resident_memory_bytes", "Memory that the process has in use, in bytes.", self.resident_bytes);
        gauge("process_virtual_memory_bytes", "Addresses that the process has reserved, in bytes.", self.virtual_bytes);
        gauge("process_threads", "Threads of the process.", self.threads);
        gauge("process_open_fds", "Open files and connections.", self.open_files);
        gauge("process_max_fds", "Files and connections that may be open at most.", self.max_files);
    }
}

/// The number behind a name in `/proc/[pid]/status`.
fn figure(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// In user and in kernel mode: fields 14 and 15 of `/proc/[pid]/stat` (proc(5)).
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name of the program, in brackets, may have spaces and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_whatever_the_program_is_called() {
        let stat = "7 (key) fob) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 9 9 20 0 9 0 1 2 3";

        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(cpu_seconds("7 (keyfob) S 1"), None);
    }

    #[test]
    fn a_figure_is_that_of_the_whole_name() {
        let status = "Name:\tkeyfob\nVmRSSX:\t1 kB\nVmRSS:\t  20480 kB\nThreads:\t9\n";

        assert_eq!((figure(status, "VmRSS"), figure(status, "Threads")), (Some(20_480), Some(9)));
        assert_eq!((figure(status, "VmSize"), figure(status, "Name")), (None, None));
    }
}
