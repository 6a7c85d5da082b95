//! What the sites take: every request that the tests' site gets is held against it, and it is held against what the sites
//! publish.

use std::env;
use std::fs;
use std::sync::LazyLock;

use serde_json::Value;

static CONTRACT: LazyLock<toml::Table> = LazyLock::new(|| include_str!("contract.toml").parse().unwrap());

/// What is wrong with a request; nothing where the site would take it.
pub fn violations(site: &str, method: &str, target: &str, body: &Value) -> Vec<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let entries = CONTRACT[site].as_array().unwrap();
    let Some(entry) = entries.iter().find(|entry| is(entry["call"].as_str().unwrap(), method, path)) else {
        return vec![format!("{site} has no {method} {path}")];
    };
    let mut wrong = Vec::new();
    let allowed: Vec<&str> = entry
        .get("query")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str())
        .collect();
    for parameter in query.split('&').filter(|one| !one.is_empty()) {
        let name = parameter.split('=').next().unwrap();
        if !allowed.contains(&name) {
            wrong.push(format!("{method} {path} takes no parameter {name}"));
        }
    }
    let empty = toml::Table::new();
    let fields = entry.get("body").and_then(toml::Value::as_table).unwrap_or(&empty);
    for (name, value) in body.as_object().into_iter().flatten() {
        match fields.get(name).and_then(toml::Value::as_str) {
            None => wrong.push(format!("{method} {path} takes no field {name}")),
            Some(kind) if kind.trim_end_matches('!') != type_of(value) => {
                wrong.push(format!("{method} {path}: {name} is to be a {kind}, not {value}"));
            }
            Some(_) => {}
        }
    }
    for (name, kind) in fields {
        if kind.as_str().unwrap().ends_with('!') && body.get(name).is_none() {
            wrong.push(format!("{method} {path} needs the field {name}"));
        }
    }
    wrong
}

fn is(call: &str, method: &str, path: &str) -> bool {
    let (wanted, template) = call.split_once(' ').unwrap();
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    wanted == method
        && template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(wanted, part)| wanted == part || (wanted.starts_with('{') && !part.is_empty()))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_contract_refuses_what_the_sites_would() {
    let ask = |method: &str, target: &str, body: Value| violations("github", method, target, &body).join("; ");
    assert_eq!(ask("GET", "/repos/o/r/pulls?state=all&page=1", Value::Null), "");
    assert!(ask("GET", "/repos/o/r/pulls?stat=all", Value::Null).contains("no parameter stat"));
    assert!(ask("GET", "/repos/o/pulls", Value::Null).contains("has no GET"));
    assert!(ask("POST", "/repos/o/r/pulls", serde_json::json!({"head": "a"})).contains("needs the field base"));
    assert!(ask("PATCH", "/repos/o/r/pulls/1", serde_json::json!({"body": 1})).contains("is to be a string"));
}

/// Compares the contract with the descriptions that the sites publish, as JSON files named by `GITHUB_OPENAPI`,
/// `GITLAB_OPENAPI` and `GITEA_OPENAPI`. docs/pull-requests.md says where they are had.
#[test]
#[ignore = "needs the sites' descriptions"]
fn the_contract_is_what_the_sites_publish() {
    let mut compared = 0;
    for site in ["github", "gitlab", "gitea"] {
        let Ok(file) = env::var(format!("{}_OPENAPI", site.to_uppercase())) else { continue };
        let published: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for entry in CONTRACT[site].as_array().unwrap() {
            compared += 1;
            let call = entry["call"].as_str().unwrap();
            let (method, path) = call.split_once(' ').unwrap();
            let paths = published["paths"].as_object().unwrap();
            let found = paths.iter().find(|(name, item)| {
                let name = name.strip_prefix("/api/v4").unwrap_or(name);
                same_path(name, path) && item.get(method.to_lowercase()).is_some()
            });
            let operation = &found.unwrap_or_else(|| panic!("{site} publishes no {call}")).1[method.to_lowercase()];
            let parameters: Vec<&Value> =
                operation["parameters"].as_array().into_iter().flatten().map(|one| resolve(&published, one)).collect();
            for name in entry.get("query").and_then(toml::Value::as_array).into_iter().flatten() {
                let name = name.as_str().unwrap();
                assert!(parameters.iter().any(|one| one["name"] == name), "{site} {call}: no parameter {name}");
            }
            let Some(fields) = entry.get("body").and_then(toml::Value::as_table) else { continue };
            let body = resolve(&published, &operation["requestBody"]);
            let mut schema = resolve(&published, &body["content"]["application/json"]["schema"]);
            // A choice of forms: ours is the object.
            for choice in ["oneOf", "anyOf"] {
                if let Some(all) = schema[choice].as_array() {
                    schema =
                        all.iter().map(|one| resolve(&published, one)).find(|one| one["type"] == "object").unwrap();
                }
            }
            for (name, kind) in fields {
                let kind = kind.as_str().unwrap().trim_end_matches('!');
                let property = &schema["properties"][name];
                assert!(!property.is_null(), "{site} {call}: no field {name}");
                let property = resolve(&published, property);
                // Some say nothing of a type, or have several.
                let types: Vec<&str> = match &property["type"] {
                    Value::String(one) => vec![one],
                    Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                    _ => vec![kind],
                };
                let union = property.get("oneOf").or(property.get("anyOf")).is_some();
                assert!(types.contains(&kind) || union, "{site} {call}: {name} is {types:?}");
            }
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap();
                let said = fields.get(name).and_then(toml::Value::as_str).unwrap_or_default();
                assert!(said.ends_with('!'), "{site} {call} needs {name}");
            }
        }
    }
    assert!(compared > 0, "name a description, as docs/pull-requests.md says");
}

/// Whether two templates are the same but for the names of their variables.
fn same_path(one: &str, other: &str) -> bool {
    let plain = |path: &str| -> Vec<String> {
        path.split('/').map(|part| if part.starts_with('{') { "{}".into() } else { part.to_owned() }).collect()
    };
    plain(one) == plain(other)
}

/// What a reference leads to.
fn resolve<'v>(published: &'v Value, value: &'v Value) -> &'v Value {
    match value["$ref"].as_str() {
        Some(reference) => resolve(published, published.pointer(reference.trim_start_matches('#')).unwrap()),
        None => value,
    }
}
