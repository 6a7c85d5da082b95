//! ENV and ARG in the order in which they are set, found by name.

use std::collections::HashMap;

use crate::syntax::words::Expanded;

/// ENV or ARG at one place.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    /// The instruction that sets it.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) value: Option<Expanded>,
    pub(super) env: bool,
}

/// Up to so many are looked through; to make an index of a few costs more than it saves.
const FEW: usize = 32;

/// The variables of a stage, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    list: Vec<Variable>,
    /// Where the ARGs and the ENVs of a name are, where there are more than a few variables.
    index: HashMap<String, [Vec<usize>; 2]>,
}

impl Variables {
    /// Adds one that is set behind all the others.
    pub(super) fn push(&mut self, variable: Variable) {
        self.list.push(variable);
        let new = match self.list.len() {
            ..=FEW => return,
            length if length == FEW + 1 => 0,
            length => length - 1,
        };
        for (at, variable) in self.list.iter().enumerate().skip(new) {
            let [args, envs] = self.index.entry(variable.name.clone()).or_default();
            if variable.env { envs.push(at) } else { args.push(at) }
        }
    }

    /// The one of this name that instruction `index` sees: the last before it, where ENV always wins over ARG.
    pub(super) fn before(&self, index: usize, name: &str) -> Option<&Variable> {
        if self.list.len() <= FEW {
            let mut seen = self.list.iter().rev().filter(|variable| variable.at < index && variable.name == name);
            return seen.clone().find(|variable| variable.env).or_else(|| seen.next());
        }
        let [args, envs] = self.index.get(name)?;
        let last = |places: &[usize]| {
            let after = places.partition_point(|at| self.list.get(*at).is_some_and(|variable| variable.at < index));
            after.checked_sub(1).and_then(|before| self.list.get(*places.get(before)?))
        };
        last(envs).or_else(|| last(args))
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Variable> {
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_found_alike() {
        for others in [0, FEW - 3, FEW, 5 * FEW] {
            let mut variables = Variables::default();
            let mut push = |at, name: &str, env| {
                variables.push(Variable { at, name: name.into(), value: None, env });
            };
            push(1, "A", false);
            push(2, "A", true);
            for other in 0..others {
                push(3, &format!("B{other}"), false);
            }
            push(4, "A", false);
            push(5, "C", false);
            let seen = |index, name| variables.before(index, name).map(|variable| variable.at);
            assert_eq!([seen(1, "A"), seen(2, "A"), seen(3, "A"), seen(9, "A")], [None, Some(1), Some(2), Some(2)]);
            assert_eq!([seen(5, "C"), seen(6, "C"), seen(9, "D")], [None, Some(5), None]);
            assert_eq!(variables.iter().count(), others + 4);
        }
    }
}
