//! What the kernel says of a process of this machine.

use std::fs;

/// The user of a process, as its own user namespace sees it.
pub(super) fn uid(pid: u64) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let outside = effective(&status)?;
    // Where the engine maps users, the kernel tells us the one outside.
    let map = fs::read_to_string(format!("/proc/{pid}/uid_map")).unwrap_or_default();
    Some(inside(&map, outside).unwrap_or(outside))
}

/// A process that stays itself: an id is given again, an id and a time of start are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    start: u64,
}

impl Process {
    /// Whether its program is called so, of which the kernel knows the first 15 bytes.
    pub(super) fn is_named(self, name: &str) -> bool {
        fs::read_to_string(format!("/proc/{}/comm", self.pid)).is_ok_and(|comm| comm.trim_end() == name)
    }

    /// Whether it is still there.
    pub(super) fn runs(self) -> bool {
        stat(self.pid).is_some_and(|(_, start)| start == self.start)
    }
}

/// All that a process has started, and what that has started.
pub(super) fn descendants(pid: u32) -> Vec<Process> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all: Vec<(u32, u32, u64)> =
        ids.filter_map(|pid| stat(pid).map(|(parent, start)| (pid, parent, start))).collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![pid];
    while let Some(of) = parents.pop() {
        for (pid, _, start) in all.iter().filter(|(_, parent, _)| *parent == of) {
            if !found.iter().any(|other| other.pid == *pid) {
                found.push(Process { pid: *pid, start: *start });
                parents.push(*pid);
            }
        }
    }
    found
}

/// The first process that runs in a namespace of processes of its own, of all that a process has started.
pub(super) fn contained(pid: u32) -> Option<u32> {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let ours = namespace("self")?;
    let other = |process: &&Process| namespace(&process.pid.to_string()).is_some_and(|theirs| theirs != ours);
    descendants(pid).iter().find(other).map(|process| process.pid)
}

/// The parent and the time of start of a process.
fn stat(pid: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let start = fields.nth(17)?.parse().ok()?;
    (state != "Z").then_some((parent, start))
}

/// Whether another Podman or Buildah builds on this machine.
pub(super) fn others_build() -> bool {
    let builds = |command: &[u8]| {
        let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
        let program = words.first().and_then(|path| path.rsplit(|byte| *byte == b'/').next());
        let engine = matches!(program, Some(b"podman" | b"buildah"));
        engine && words.iter().any(|word| matches!(*word, b"build" | b"bud"))
    };
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    processes.flatten().any(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(|command| builds(&command)))
}

/// The effective user in `/proc/<pid>/status`.
fn effective(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A user of ours as one of the namespace whose `/proc/<pid>/uid_map` this is.
fn inside(map: &str, outside: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map_while(|word| word.parse::<u32>().ok());
        let (first, start, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let offset = outside.checked_sub(start).filter(|offset| *offset < count)?;
        first.checked_add(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_process_has_started_is_found_while_it_runs() {
        let mut child = std::process::Command::new("/bin/sh").args(["-c", "sleep 600 & wait"]).spawn().unwrap();
        let begin = std::time::Instant::now();
        let found = loop {
            let found = descendants(child.id());
            if !found.is_empty() || begin.elapsed().as_secs() > 60 {
                break found;
            }
        };
        assert!(found.len() == 1 && found[0].runs(), "{found:?}");
        let another = Process { start: found[0].start + 1, ..found[0] };
        assert!(!another.runs(), "an id that was given again is another process");
        super::super::child::end(&mut child).unwrap();
        let begin = std::time::Instant::now();
        while found[0].runs() {
            assert!(begin.elapsed().as_secs() < 60, "it is ended with its parent");
        }
    }

    #[test]
    fn a_mapped_user_is_the_one_inside() {
        assert_eq!(effective("Name:\tx\nUid:\t0\t1000\t0\t0\n"), Some(1000));
        assert_eq!(inside("         0          0 4294967295\n", 999), Some(999));
        assert_eq!(inside("0 1000 1\n1 100000 65536\n", 100_998), Some(999));
        assert_eq!(inside("0 1000 1\n", 5), None);
    }
}
