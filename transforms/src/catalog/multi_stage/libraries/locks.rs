//! The modules that the lists and lock files of package managers name, in lower case.

/// The modules that npm's files install; `None` where they are not JSON.
pub(super) fn node_modules(text: &str) -> Option<Vec<String>> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let keys =
        |key: &str| json.get(key).and_then(serde_json::Value::as_object).into_iter().flat_map(|table| table.keys());
    let lists = ["dependencies", "devDependencies", "optionalDependencies"];
    let direct = lists.iter().flat_map(|key| keys(key)).cloned();
    // `node_modules/a/node_modules/@b/c` is the module `@b/c`.
    let locked = keys("packages").filter_map(|path| path.rsplit_once("node_modules/").map(|(_, name)| name.to_owned()));
    Some(direct.chain(locked).flat_map(|name| with_scope(&name)).collect())
}

/// The modules that `yarn.lock` installs: the lines at its margin, `"@scope/name@^1.0.0", name@~2:`.
pub(super) fn yarn_modules(text: &str) -> Vec<String> {
    let heads = text.lines().filter(|line| !line.starts_with([' ', '#', '_']) && line.ends_with(':'));
    heads
        .flat_map(|line| line.split(','))
        .filter_map(|entry| {
            let entry = entry.trim().trim_matches('"');
            let at = entry.get(1..)?.find('@')? + 1;
            Some(entry.get(..at)?.to_ascii_lowercase())
        })
        .flat_map(|name| with_scope(&name))
        .collect()
}

/// A module's name with its scope as one more: `@prisma/client` is of `@prisma`.
fn with_scope(name: &str) -> Vec<String> {
    let scope = name.split_once('/').map(|(scope, _)| scope);
    scope.into_iter().chain([name]).map(str::to_ascii_lowercase).collect()
}

/// The modules that `pnpm-lock.yaml` installs: the keys of its `packages`. What peers would like to have stands below them,
/// and is not installed. The forms of three versions: `/name/1.0.0:`, `/name@1.0.0:`, `'@scope/name@1.0.0(peer@2.0.0)':`.
pub(super) fn pnpm_modules(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if !line.starts_with([' ', '#']) && !line.is_empty() {
            inside = matches!(line.trim_end(), "packages:" | "snapshots:");
            continue;
        }
        let key = line.strip_prefix("  ").filter(|rest| inside && !rest.starts_with(' '));
        let Some(key) = key.and_then(|key| key.trim_end().split(": ").next()) else { continue };
        let key = key.trim_end_matches(':').trim_matches(['\'', '"']).trim_start_matches('/');
        let scope = if key.starts_with('@') { key.find('/').map_or(0, |at| at + 1) } else { 0 };
        let rest = key.get(scope..).unwrap_or_default();
        let end = scope + rest.find(['@', '/', '(']).unwrap_or(rest.len());
        found.extend(with_scope(key.get(..end).unwrap_or_default()));
    }
    found
}

/// The modules that `bun.lock` installs: `"name": ["name@1.0.0", …`.
pub(super) fn bun_modules(text: &str) -> Vec<String> {
    let entries = text.lines().filter_map(|line| line.trim().split_once("\": [\""));
    entries
        .filter_map(|(_, rest)| {
            let installed = rest.split('"').next()?;
            let at = installed.get(1..)?.find('@')? + 1;
            installed.get(..at)
        })
        .flat_map(with_scope)
        .collect()
}

/// The packages that a lock file in TOML installs: its `name = "…"` lines.
pub(super) fn locked_names(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("name = \""));
    names.map(|rest| rest.trim_end_matches('"').to_ascii_lowercase().replace('_', "-")).collect()
}

/// A feature of a crate, as the list of what modules need has it.
pub(super) fn feature_of(name: &str, feature: &str) -> String {
    format!("{name}/{feature}").to_ascii_lowercase().replace('_', "-")
}

/// The features that a manifest of Cargo asks its crates for: without a lock file, they tell what these link to.
pub(super) fn crate_features(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (name, wanted) in text.parse::<toml::Table>().iter().flat_map(crates) {
        let features = wanted.get("features").and_then(|features| features.as_array());
        let features = features.into_iter().flatten().filter_map(|feature| feature.as_str());
        found.extend(features.map(|feature| feature_of(name, feature)));
    }
    found
}

/// The crates that a manifest of Cargo asks for, by the names that they have in the registry.
pub(super) fn crates(manifest: &toml::Table) -> Vec<(&str, &toml::Value)> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(inner) = value.as_table() else { continue };
        if key != "dependencies" {
            // `[workspace.dependencies]`, `[target.'cfg(unix)'.dependencies]`
            found.extend(crates(inner));
            continue;
        }
        let named = |(name, wanted)| {
            let wanted: &toml::Value = wanted;
            (wanted.get("package").and_then(|package| package.as_str()).unwrap_or(name), wanted)
        };
        found.extend(inner.iter().map(|(name, wanted)| (name.as_str(), wanted)).map(named));
    }
    found
}
