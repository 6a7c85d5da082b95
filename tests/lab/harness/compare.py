"""Compares what was observed of an image before and after."""

MEANT_TO_DIFFER = ("User", "Env", "OnBuild")


def differences(before, after, may_change=()):
    """Every difference that a user of the image could notice, as sentences. Empty: the same.

    `may_change` names keys of the configuration that a right rewrite changes (`go run` in CMD).
    """
    found = []
    if after.fault:
        return [after.fault]
    found += configuration(before, after, may_change)
    for old, new in zip(before.answers, after.answers):
        for key in ("status", "type", "location", "body", "error"):
            if old.get(key) != new.get(key):
                found.append(f"{old['request']}: {key} was {short(old.get(key))}, is {short(new.get(key))}")
                break
    if before.health != after.health:
        found.append(f"health check returned {before.health}, returns {after.health}")
    if before.exit_code != after.exit_code:
        found.append(f"exit code was {before.exit_code}, is {after.exit_code}")
    if not before.answers and before.output != after.output:
        found.append(f"output was {short(before.output)}, is {short(after.output)}")
    return found


def configuration(before, after, may_change):
    """Differences between two images' configurations, each seen against its own base image.

    A value that both sides have from their base is the base's business: `golang` sets GOPATH and `debian`
    doesn't, and no one asked for it.
    """
    found = []
    for key, old in before.config.items():
        if key in MEANT_TO_DIFFER or key in may_change:
            continue
        new = after.config.get(key)
        inherited = old == before.inherited.get(key) and new == after.inherited.get(key)
        if old != new and not inherited:
            found.append(f"{key} was {short(old)}, is {short(new)}")
    new = variables(after.config)
    base = variables(before.inherited)
    for key, value in variables(before.config).items():
        # A PATH in which the toolchain's folders stood is shorter without the toolchain.
        if key != "PATH" and value != base.get(key) and new.get(key) != value:
            found.append(f"Env {key} was {short(value)}, is {short(new.get(key))}")
    return found


def notes(before, after):
    """What changed and is no fault: worth a line for whoever reads the table."""
    lost = sorted(k for k, v in variables(before.config).items() if v == variables(before.inherited).get(k)
                  and k not in variables(after.config))
    return [f"the base's variables {', '.join(lost)} are gone"] if lost else []


def variables(config):
    return dict(entry.split("=", 1) for entry in config.get("Env") or [])


def short(value):
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 160 else text[:157] + "…'"
