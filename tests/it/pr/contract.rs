//! What the sites take: every request that the tests' site gets is held against the description that its kind of site
//! publishes of its API.
//!
//! The folder `published` has extracts of the operations that we ask for, in the descriptions' own form. Where `PUBLISHED`
//! names a folder with whole descriptions, as `published/fetch` makes it, those are taken in their place.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::workspace::root;

/// The operations that we ask for, in the words of the descriptions.
const OPERATIONS: [(&str, &[&str]); 3] = [
    (
        "github",
        &[
            "GET /repos/{owner}/{repo}/pulls",
            "POST /repos/{owner}/{repo}/pulls",
            "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
            "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
            "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
            "POST /repos/{owner}/{repo}/issues/{issue_number}/assignees",
            "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
            "GET /orgs/{org}/repos",
            "GET /users/{username}/repos",
        ],
    ),
    (
        "gitlab",
        &[
            "GET /projects/{id}/merge_requests",
            "POST /projects/{id}/merge_requests",
            "PUT /projects/{id}/merge_requests/{merge_request_iid}",
            "POST /projects/{id}/merge_requests/{noteable_id}/notes",
            "GET /users",
            "GET /groups/{id}/projects",
            "GET /users/{user_id}/projects",
        ],
    ),
    (
        "gitea",
        &[
            "GET /repos/{owner}/{repo}/pulls",
            "POST /repos/{owner}/{repo}/pulls",
            "PATCH /repos/{owner}/{repo}/pulls/{index}",
            "POST /repos/{owner}/{repo}/issues/{index}/comments",
            "POST /repos/{owner}/{repo}/issues/{index}/labels",
            "POST /repos/{owner}/{repo}/pulls/{index}/requested_reviewers",
            "GET /orgs/{org}/repos",
            "GET /users/{username}/repos",
        ],
    ),
];

/// What a request is held against.
struct Description {
    paths: Map<String, Value>,
}

static DESCRIPTIONS: LazyLock<BTreeMap<&str, Description>> = LazyLock::new(|| {
    let whole = env::var_os("PUBLISHED").map(PathBuf::from);
    let of = |(site, operations): (&'static str, &[&str])| {
        let published = whole.as_deref().and_then(|folder| read(&folder.join(format!("{site}.json"))));
        let extract = match published {
            Some(published) => extract(site, &published, operations),
            None => read(&committed(site)).unwrap(),
        };
        (site, Description { paths: extract["paths"].as_object().unwrap().clone() })
    };
    OPERATIONS.into_iter().map(of).collect()
});

fn read(path: &Path) -> Option<Value> {
    let text = fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn committed(site: &str) -> PathBuf {
    root().join("tests/it/pr/published").join(format!("{site}.json"))
}

/// A request, as it came.
pub struct Asked<'a> {
    pub method: &'a str,
    pub target: &'a str,
    /// The `Content-Type`.
    pub content: &'a str,
    pub body: &'a [u8],
}

/// What is wrong with a request; nothing where the site would take it.
pub fn violations(site: &str, asked: &Asked<'_>) -> Vec<String> {
    let Asked { method, target, content, body } = asked;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some((template, operation)) = operation(site, method, path) else {
        return vec![format!("{site} has no {method} {path}")];
    };
    let mut wrong = Vec::new();
    let mut say = |what: String| wrong.push(format!("{site} {method} {template}: {what}"));
    let parameters = operation["parameters"].as_array().unwrap();
    let at = |place: &'static str| parameters.iter().filter(move |one| one["in"] == place);
    for (name, value) in variables(template, path) {
        let parameter = at("path").find(|one| one["name"] == name);
        match parameter {
            None => say(format!("{name} is not described")),
            Some(one) if !takes(&one["schema"], &value) => say(format!("{name} is not to be {value:?}")),
            Some(_) => {}
        }
    }
    let given: Vec<(String, String)> = query
        .split('&')
        .filter(|one| !one.is_empty())
        .map(|one| one.split_once('=').unwrap_or((one, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    for (name, value) in &given {
        match at("query").find(|one| one["name"] == **name) {
            None => say(format!("it takes no parameter {name}")),
            Some(one) if !takes(&one["schema"], value) => say(format!("{name} is not to be {value:?}")),
            Some(_) => {}
        }
    }
    for one in at("query").filter(|one| one["required"] == true) {
        if !given.iter().any(|(name, _)| one["name"] == **name) {
            say(format!("it needs the parameter {}", one["name"]));
        }
    }
    let forms = operation["requestBody"]["content"].as_object();
    match forms {
        _ if body.is_empty() => {
            if operation["requestBody"]["required"] == true {
                say("it needs a body".into());
            }
        }
        None => say("it takes no body".into()),
        Some(forms) => match (forms.get(*content), serde_json::from_slice::<Value>(body)) {
            (None, _) => say(format!("it takes no body of the type {content:?}")),
            (_, Err(error)) => say(format!("its body can't be read: {error}")),
            (Some(form), Ok(value)) => {
                let schema = &form["schema"];
                let validator = validator(schema);
                for error in validator.iter_errors(&value) {
                    say(format!("{}: {error}", error.instance_path()));
                }
                let mut fields = Vec::new();
                names(schema, &mut fields);
                for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
                    if !fields.is_empty() && !fields.contains(&name.as_str()) {
                        say(format!("it takes no field {name}"));
                    }
                }
            }
        },
    }
    wrong
}

/// The operation that a request is for: of several templates, the one with the fewest variables.
fn operation<'d>(site: &str, method: &str, path: &str) -> Option<(&'d str, &'d Value)> {
    let fits = |template: &str| {
        let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template
                .iter()
                .zip(&path)
                .all(|(wanted, part)| wanted == part || (wanted.starts_with('{') && !part.is_empty()))
    };
    let found = DESCRIPTIONS[site].paths.iter().filter(|(template, _)| fits(template));
    let found = found.filter_map(|(template, item)| Some((template.as_str(), item.get(method.to_lowercase())?)));
    found.min_by_key(|(template, _)| template.matches('{').count())
}

/// What stands in a path for the variables of its template.
fn variables<'t>(template: &'t str, path: &str) -> Vec<(&'t str, String)> {
    let pairs = template.split('/').zip(path.split('/'));
    pairs.filter_map(|(wanted, part)| Some((wanted.strip_prefix('{')?.strip_suffix('}')?, decoded(part)))).collect()
}

/// Whether a schema takes a text from an address, which may stand for a number or a truth.
fn takes(schema: &Value, text: &str) -> bool {
    let mut readings = vec![json!(text)];
    readings.extend(text.parse::<i64>().ok().map(|number| json!(number)));
    readings.extend(text.parse::<bool>().ok().map(|truth| json!(truth)));
    readings.push(json!(text.split(',').collect::<Vec<_>>()));
    let validator = validator(schema);
    readings.iter().any(|reading| validator.is_valid(reading))
}

/// OpenAPI 3.0 has the schemas of JSON Schema's fourth draft, all but a few words that we do not need.
fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(schema).unwrap()
}

/// The fields that a schema knows, in whichever of its forms.
fn names<'s>(schema: &'s Value, found: &mut Vec<&'s str>) {
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
    for choice in ["oneOf", "anyOf", "allOf"] {
        schema[choice].as_array().into_iter().flatten().for_each(|one| names(one, found));
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The part of a description that says what our operations take: no words, no answers, nothing referred to.
fn extract(site: &str, published: &Value, operations: &[&str]) -> Value {
    let mut paths = Map::new();
    for call in operations {
        let (method, template) = call.split_once(' ').unwrap();
        let all = published["paths"].as_object().unwrap();
        // GitLab's paths begin where the server does, the others' where the API does.
        let item = all.get(template).or_else(|| all.get(&format!("/api/v4{template}")));
        let item = item.unwrap_or_else(|| panic!("{site} publishes no {template}"));
        let operation = item.get(method.to_lowercase()).unwrap_or_else(|| panic!("{site} publishes no {call}"));
        let listed = [&item["parameters"], &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        let parameters: Vec<Value> = listed
            .map(|one| resolve(published, one))
            .filter(|one| one["in"] == "path" || one["in"] == "query")
            .map(|one| {
                let required = one["required"] == true;
                json!({"name": one["name"], "in": one["in"], "required": required, "schema": bare(published, &one["schema"])})
            })
            .collect();
        let mut out = json!({"parameters": parameters});
        if let Some(body) = operation.get("requestBody") {
            let body = resolve(published, body);
            let forms = body["content"].as_object().unwrap().iter();
            let forms: Map<String, Value> =
                forms.map(|(kind, form)| (kind.clone(), json!({"schema": bare(published, &form["schema"])}))).collect();
            out["requestBody"] = json!({"required": body["required"] == true, "content": forms});
        }
        let path = paths.entry(template.to_owned()).or_insert_with(|| json!({}));
        path[method.to_lowercase()] = out;
    }
    json!({ "paths": paths })
}

/// A schema with what it refers to, and without what is for people.
fn bare(published: &Value, schema: &Value) -> Value {
    let spare = ["description", "example", "examples", "title", "externalDocs", "deprecated", "readOnly"];
    match resolve(published, schema) {
        Value::Object(all) => {
            let kept = all.iter().filter(|(key, _)| !spare.contains(&key.as_str()) && !key.starts_with("x-"));
            let kept = kept.map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    // Names of fields, whatever they are called.
                    ("properties", Value::Object(fields)) => {
                        let fields = fields.iter().map(|(name, field)| (name.clone(), bare(published, field)));
                        Value::Object(fields.collect())
                    }
                    _ => bare(published, value),
                };
                (key.clone(), value)
            });
            Value::Object(kept.collect())
        }
        Value::Array(all) => Value::Array(all.iter().map(|one| bare(published, one)).collect()),
        other => other.clone(),
    }
}

/// What a reference leads to.
fn resolve<'v>(published: &'v Value, value: &'v Value) -> &'v Value {
    match value["$ref"].as_str() {
        Some(reference) => resolve(published, published.pointer(reference.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

#[test]
fn the_contract_refuses_what_the_sites_would() {
    let ask = |method: &str, target: &str, body: Value| {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        violations("github", &Asked { method, target, content: "application/json", body: &body }).join("; ")
    };
    let none = Value::Null;
    assert_eq!(ask("GET", "/repos/o/r/pulls?state=all&head=o%3Ab&per_page=100&page=1", none.clone()), "");
    assert_eq!(ask("POST", "/repos/o/r/issues/1/labels", json!({"labels": ["a", "b"]})), "");
    for (method, target, body, wanted) in [
        ("GET", "/repos/o/r/pulls?stat=all", none.clone(), "it takes no parameter stat"),
        ("GET", "/repos/o/r/pulls?state=some", none.clone(), "state is not to be \"some\""),
        ("GET", "/repos/o/r/pulls?page=first", none.clone(), "page is not to be \"first\""),
        ("GET", "/repos/o/pulls", none.clone(), "has no GET"),
        ("GET", "/repos/o/r/pulls", json!({}), "it takes no body"),
        ("PATCH", "/repos/o/r/pulls/x", json!({}), "pull_number is not to be \"x\""),
        ("POST", "/repos/o/r/pulls", none.clone(), "it needs a body"),
        ("POST", "/repos/o/r/pulls", json!({"head": "a"}), "\"base\" is a required property"),
        ("PATCH", "/repos/o/r/pulls/1", json!({"body": 1}), "1 is not of type \"string\""),
        ("PATCH", "/repos/o/r/pulls/1", json!({"state": "shut"}), "\"shut\" is not one of"),
        ("PATCH", "/repos/o/r/pulls/1", json!({"text": "a"}), "it takes no field text"),
    ] {
        let said = ask(method, target, body);
        assert!(said.contains(wanted), "{method} {target}: {said:?}");
    }
    let form = Asked { method: "PATCH", target: "/repos/o/r/pulls/1", content: "text/plain", body: b"{}" };
    assert!(violations("github", &form).concat().contains("no body of the type"));
}

/// Compares the extracts with the whole descriptions in the folder that `PUBLISHED` names; `INSTA_UPDATE=always` writes
/// them anew.
#[test]
#[ignore = "needs the sites' descriptions: tests/it/pr/published/fetch FOLDER; PUBLISHED=FOLDER cargo test … --ignored"]
fn the_extracts_are_what_the_sites_publish() {
    let folder = PathBuf::from(env::var_os("PUBLISHED").expect("PUBLISHED names a folder"));
    let mut compared = 0;
    for (site, operations) in OPERATIONS {
        let Some(published) = read(&folder.join(format!("{site}.json"))) else { continue };
        let source = fs::read_to_string(folder.join(format!("{site}.source"))).unwrap();
        // The first line says where it is from.
        let extract = serde_json::to_string_pretty(&extract(site, &published, operations)).unwrap();
        let extract = format!("{{ \"source\": {},\n{}\n", json!(source.trim()), extract.trim_start_matches("{\n"));
        if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            fs::write(committed(site), &extract).unwrap();
        }
        assert_eq!(fs::read_to_string(committed(site)).unwrap(), extract, "{site}: make the extract anew");
        compared += 1;
    }
    assert!(compared > 0, "{} has no description", folder.display());
}
