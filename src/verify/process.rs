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

    #[test]
    fn a_mapped_user_is_the_one_inside() {
        assert_eq!(effective("Name:\tx\nUid:\t0\t1000\t0\t0\n"), Some(1000));
        assert_eq!(inside("         0          0 4294967295\n", 999), Some(999));
        assert_eq!(inside("0 1000 1\n1 100000 65536\n", 100_998), Some(999));
        assert_eq!(inside("0 1000 1\n", 5), None);
    }
}
