//! Which files of the project a command of Python runs.

use super::commands::Step;

/// The files that a command of Python starts, or takes what it calls from, where they would lie: the script that it names,
/// the module behind `-m`, and the modules that the text behind `-c` imports. Whether they are there is for others to say.
pub fn files(step: &Step) -> Vec<String> {
    if !step.program().starts_with("python") {
        return Vec::new();
    }
    let behind = |option: &str| step.args().windows(2).find_map(|pair| (pair[0] == option).then(|| pair[1].as_str()));
    let modules: Vec<String> = match (behind("-c"), behind("-m")) {
        (Some(text), _) => imported(text).flat_map(|name| module(&name)).collect(),
        (None, Some(name)) => {
            let name = name.replace('.', "/");
            vec![format!("{name}.py"), format!("{name}/__main__.py")]
        }
        (None, None) => {
            let script = step.args().iter().find(|arg| !arg.starts_with('-')).filter(|arg| arg.ends_with(".py"));
            script.into_iter().cloned().collect()
        }
    };
    modules.iter().filter_map(|file| step.path(file)).collect()
}

/// The names of modules that a text imports: `from shop.models import load; load()`.
fn imported(text: &str) -> impl Iterator<Item = String> {
    let statements = text.split([';', '\n']).map(str::trim);
    statements.flat_map(|statement| {
        let mut words = statement.split_whitespace();
        let named: Vec<String> = match (words.next(), words.next(), words.next()) {
            // What is taken from a package may be a module of it.
            (Some("from"), Some(name), Some("import")) => {
                let taken = words.map(|word| format!("{name}.{}", word.trim_matches([',', '(', ')'])));
                std::iter::once(name.to_owned()).chain(taken).collect()
            }
            (Some("import"), ..) => {
                let names = statement.trim_start_matches("import").split(',');
                names.filter_map(|name| name.split_whitespace().next()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let plain =
            |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        named.into_iter().filter(plain).filter(|name| !name.starts_with('.'))
    })
}

/// The files that a module may be.
fn module(name: &str) -> [String; 2] {
    let path = name.replace('.', "/");
    [format!("{path}.py"), format!("{path}/__init__.py")]
}

#[cfg(test)]
mod tests {
    use super::imported;

    #[test]
    fn a_text_names_the_modules_that_it_imports() {
        let names = |text| imported(text).collect::<Vec<_>>();
        assert_eq!(names("from shop.models import load; load()"), ["shop.models", "shop.models.load"]);
        assert_eq!(names("import shop.models as m, os"), ["shop.models", "os"]);
        assert!(names("print('from here')").is_empty());
        assert!(names("from . import models").is_empty());
    }
}
