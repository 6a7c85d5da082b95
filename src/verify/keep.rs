//! The largest set of fixes that holds.

/// No more sets than these are built.
const MOST: usize = 24;

/// What came of trying sets of fixes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept<T, E> {
    /// The fixes that hold together, in order, and what came of them; `None` where none holds.
    pub(super) held: Option<(Vec<&'static str>, T)>,
    /// Each dropped fix, and why: what came of the set that holds with it added.
    pub(super) dropped: Vec<(&'static str, E)>,
}

/// Tries all `fixes`, then every set with one less, and so on, until one holds.
///
/// # Errors
/// `try_one` gives up.
pub(super) fn largest<T, E: Clone, S>(
    fixes: &[&'static str],
    mut try_one: impl FnMut(&[&'static str]) -> Result<Result<T, E>, S>,
) -> Result<Kept<T, E>, S> {
    let mut tried: Vec<(Vec<&'static str>, E)> = Vec::new();
    for size in (1..=fixes.len()).rev() {
        for set in sets(fixes, size) {
            if tried.len() >= MOST {
                break;
            }
            match try_one(&set)? {
                Ok(made) => {
                    let dropped = reasons(fixes, &set, &tried);
                    return Ok(Kept { held: Some((set, made)), dropped });
                }
                Err(why) => tried.push((set, why)),
            }
        }
    }
    Ok(Kept { held: None, dropped: reasons(fixes, &[], &tried) })
}

/// Why each of the fixes that are not in `set` was dropped.
fn reasons<E: Clone>(
    fixes: &[&'static str],
    set: &[&'static str],
    tried: &[(Vec<&'static str>, E)],
) -> Vec<(&'static str, E)> {
    let dropped = fixes.iter().filter(|fix| !set.contains(fix));
    let why = |fix: &&'static str| {
        // The smallest set with it says most about it alone; those that hold what is kept come first.
        let with = |(other, _): &&(Vec<&str>, E)| other.contains(fix);
        let close = |(other, _): &&(Vec<&str>, E)| set.iter().all(|kept| other.contains(kept));
        let smallest = |one: &&(Vec<&str>, E)| one.0.len();
        let found = tried.iter().filter(with).filter(close).min_by_key(smallest);
        found.or_else(|| tried.iter().filter(with).min_by_key(smallest)).map(|(_, why)| (*fix, why.clone()))
    };
    dropped.filter_map(why).collect()
}

/// Every set of `size` of the `fixes`, those with the earlier ones first.
fn sets(fixes: &[&'static str], size: usize) -> Vec<Vec<&'static str>> {
    let Some((first, rest)) = fixes.split_first() else { return if size == 0 { vec![Vec::new()] } else { Vec::new() } };
    if size == 0 {
        return vec![Vec::new()];
    }
    let with = sets(rest, size - 1).into_iter().map(|mut set| {
        set.insert(0, *first);
        set
    });
    with.chain(sets(rest, size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries three fixes of which some sets hold; how often it was tried, too.
    fn tried(holds: impl Fn(&[&str]) -> bool) -> (Kept<String, String>, usize) {
        let mut count = 0;
        let kept = largest::<_, _, ()>(&["a", "b", "c"], |set| {
            count += 1;
            let name = set.join("+");
            Ok(if holds(set) { Ok(name) } else { Err(format!("{name} fails")) })
        });
        (kept.unwrap(), count)
    }

    #[test]
    fn one_of_three_that_breaks_is_dropped_and_said() {
        let (kept, count) = tried(|set| !set.contains(&"b"));
        assert_eq!(kept.held, Some((vec!["a", "c"], "a+c".into())));
        assert_eq!(kept.dropped, [("b", "a+b+c fails".into())]);
        assert_eq!(count, 3);
    }

    #[test]
    fn two_that_break_and_three_and_none() {
        let (kept, _) = tried(|set| set == ["c"]);
        assert_eq!(kept.held, Some((vec!["c"], "c".into())));
        assert_eq!(kept.dropped, [("a", "a+c fails".into()), ("b", "b+c fails".into())]);
        let (kept, count) = tried(|_| false);
        assert_eq!((kept.held, count), (None, 7));
        assert_eq!(kept.dropped[1], ("b", "b fails".into()));
        let (kept, count) = tried(|_| true);
        assert_eq!((kept.held.unwrap().0, kept.dropped.len(), count), (vec!["a", "b", "c"], 0, 1));
    }
}
