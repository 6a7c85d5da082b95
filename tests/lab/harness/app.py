"""An application of the lab: a folder with sources, a Dockerfile and `lab.toml`."""

import os
import pathlib
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field

from . import machine

APPS = pathlib.Path(__file__).resolve().parent.parent / "apps"


@dataclass
class App:
    """`lab.toml`, read. Its keys are described in tests/lab/README.md."""

    name: str
    about: str
    shows: list                       # of "multi-stage", "non-root": what a good rewrite does here
    mode: str = "serve"               # serve | exit | log
    port: int = 0
    wait: float = 30
    env: dict = field(default_factory=dict)
    args: list = field(default_factory=list)
    log: str = ""
    upstream: bool = False
    exit_code: int = 0                # exit: what it ends with
    mask: list = field(default_factory=list)
    may_change: list = field(default_factory=list)   # keys of the configuration that a right rewrite changes
    requests: list = field(default_factory=list)
    repository: bool = False          # the files are those of this repository; run only where it is named

    @property
    def folder(self):
        return APPS / self.name


def copy(app, to):
    """Copies the files of an application, without `lab.toml`."""
    if not app.repository:
        shutil.copytree(app.folder, to, symlinks=True)
        (to / "lab.toml").unlink()
    else:
        root = APPS.parent.parent.parent
        for name in filter(None, tracked(root)):
            if (root / name).is_file():
                (to / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, to / name, follow_symlinks=False)
    machine.usual_modes(to)


def tracked(root):
    """The files of the repository; where it is an archive without git's own, those that no build has made."""
    # Where a hook of git runs the lab, git's variables name another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", "-C", root, "-c", "safe.directory=*", "ls-files", "-z"], env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    if done.returncode == 0:
        return done.stdout.split("\0")
    files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return [str(path) for path in files if path.parts[0] not in (".git", "target")]


def load(names):
    """The applications of these names, all if there are none. Raises `SystemExit` on an unknown name."""
    known = sorted(p.parent.name for p in APPS.glob("*/lab.toml"))
    for name in names:
        if name not in known:
            raise SystemExit(f"no application {name} in {APPS}; there are: {' '.join(known)}")
    tables = {name: tomllib.loads((APPS / name / "lab.toml").read_text()) for name in known}
    apps = []
    for name in names or known:
        if not names and tables[name].get("repository"):
            continue
        table = tables[name]
        run = table.get("run", {})
        app = App(name, table["about"], table["shows"], requests=table.get("request", []),
                  repository=table.get("repository", False), **run)
        for pattern in [app.log, *app.mask]:
            re.compile(pattern)
        if app.mode == "serve" and not (app.port and app.requests):
            raise SystemExit(f"{name}/lab.toml: an application that serves needs run.port and a [[request]]")
        apps.append(app)
    return apps


def froms(dockerfile):
    """The images that a Dockerfile's stages stand on, and that of its last stage."""
    stages, arguments, images, last = {}, {}, [], None
    text = re.sub(r"\\\r?\n", " ", dockerfile)
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].upper() == "ARG" and not images:
            for word in words[1:]:
                key, _, value = word.partition("=")
                arguments[key] = value.strip("\"'")
        if words[0].upper() == "COPY":
            for word in words[1:]:
                if word.startswith("--from=") and word[7:] not in stages and not word[7:].isdigit():
                    images.append(word[7:])
        if words[0].upper() == "FROM":
            words = [w for w in words[1:] if not w.startswith("--")]
            image = re.sub(r"\$\{?(\w+)\}?", lambda m: arguments.get(m[1], m[0]), words[0])
            image = stages.get(image.lower(), image)
            if image not in images:
                images.append(image)
            if len(words) == 3:
                stages[words[2].lower()] = image
            last = image
    return images, last
