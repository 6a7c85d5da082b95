"""`dockwright verify` itself in the lab: what it says of the applications, and of what is broken on purpose."""

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import tomllib

from . import app as applications
from . import machine
from .engine import CLIENT
from .machine import Skipped, say
from .remote import NAME, Remote

BROKEN = pathlib.Path(__file__).resolve().parent.parent / "broken"
ENGINES = ("docker", "podman", "buildah")
# The command of the build that never ends, of which there is no other on a machine.
NEVER = b"sleep\0002718281\0"
# lab.toml names the configuration's keys, `--accept` the instructions.
PARTS = {"Entrypoint": "entrypoint", "Cmd": "cmd", "Env": "env", "WorkingDir": "workdir", "ExposedPorts": "expose",
         "Volumes": "volume", "Labels": "label", "Healthcheck": "healthcheck", "StopSignal": "stopsignal"}


class Prover:
    """dockwright with one of the engines. Podman and Buildah have a storage of their own below the lab's state."""

    def __init__(self, dockwright, engine, kind):
        self.dockwright, self.engine, self.kind = dockwright, engine, kind
        self.environment = dict(os.environ, PATH=f"{os.path.dirname(CLIENT)}:{os.environ.get('PATH', '')}")
        for name in ("DOCKER_CONTEXT", "DOCKER_HOST"):
            self.environment.pop(name, None)
        if kind == "docker":
            self.environment["DOCKER_HOST"] = f"unix://{engine.socket}"
            return
        machine.install({"podman": "podman", "buildah": "buildah", "/usr/sbin/runc": "runc", "/usr/lib/podman/netavark": "netavark"})
        state = engine.state / "containers"
        state.mkdir(exist_ok=True)
        settings = state / "storage.conf"
        driver = "overlay" if not on_overlay(state) else "vfs"
        settings.write_text(f'[storage]\ndriver = "{driver}"\nrunroot = "{state}/run"\ngraphroot = "{state}/graph"\n')
        self.environment["CONTAINERS_STORAGE_CONF"] = str(settings)
        registries = state / "registries.conf"
        registries.write_text('unqualified-search-registries = ["docker.io"]\n')
        self.environment["CONTAINERS_REGISTRIES_CONF"] = str(registries)
        containers = state / "containers.conf"
        # A machine without systemd has neither its cgroups nor its journal; runc is there, as Docker needs it. More
        # files and processes than we may have are not to be had where the lab itself runs in a container.
        limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
        most = {name: resource.getrlimit(limit)[1] for name, limit in limits.items()}
        most = {name: 4096 if limit == resource.RLIM_INFINITY else min(limit, 4096) for name, limit in most.items()}
        limits = ", ".join(f'"{name}={limit}:{limit}"' for name, limit in most.items())
        containers.write_text('[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
                              f'[containers]\nlog_driver = "k8s-file"\ndefault_ulimits = [{limits}]\n')
        self.environment["CONTAINERS_CONF"] = str(containers)

    def run(self, *command, **options):
        return subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", **options)

    def bring(self, images):
        """Gives Podman and Buildah the lab's base images."""
        if self.kind == "docker":
            return
        for image in images:
            if image == "scratch" or self.run("podman", "image", "exists", image).returncode == 0:
                continue
            say(f"{self.kind}: taking over {image}")
            with tempfile.NamedTemporaryFile(dir=self.engine.state, suffix=".tar") as archive:
                self.engine.run("save", "--output", archive.name, image)
                done = self.run("podman", "load", "--quiet", "--input", archive.name)
            if done.returncode:
                raise Skipped(f"podman can't load {image}: {done.stderr.strip()}")

    def verify(self, *arguments, cwd=None, environment=None, timeout=3600):
        """What `dockwright verify --json` says of one Dockerfile, and its exit code."""
        command = [self.dockwright, "verify", *arguments, "--json", "--engine", self.kind, "--network", "host"]
        for key, value in machine.proxies().items():
            command += ["--build-arg", f"{key}={value}"]
        done = subprocess.run(command, cwd=cwd, env={**self.environment, **(environment or {})}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=timeout)
        try:
            return json.loads(done.stdout), done.returncode
        except ValueError:
            return {"verdict": "no answer", "details": [done.stdout[-300:], done.stderr[-300:]]}, done.returncode

    def left(self):
        """Everything that the engine has: containers, images, networks."""
        found = []
        for kind in (["ps", "--all"], ["images"], ["network", "ls"]):
            if self.kind == "docker":
                found += self.engine.run(*kind, "--quiet", "--no-trunc").split()
            elif kind[0] != "network":
                found += self.run("podman", *kind, *(["--external"] if kind[0] == "ps" else []), "--quiet").stdout.split()
            else:
                found += self.run("podman", "network", "ls", "--quiet").stdout.split()
        return sorted(found)


def on_overlay(folder):
    """Whether a folder lies on an overlay, on which there can be no other."""
    done = subprocess.run(["stat", "--file-system", "--format", "%T", folder], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() == "overlayfs"


def accepted(app):
    parts = [PARTS[key] for key in app.may_change if key in PARTS]
    return ["--accept", ",".join(parts)] if parts else []


def application(prover, app, folder):
    """What `dockwright verify` says of an application whose two sides lie in `folder`."""
    arguments = ["Dockerfile", "--against", str(folder / "after/Dockerfile"), *accepted(app), "--wait", f"{app.wait:g}"]
    if app.mode == "serve":
        for request in app.requests:
            if request.get("method", "GET") == "GET" and not {"body", "json", "upload", "send"} & set(request):
                arguments += ["--get", request.get("path", "/")]
    for key, value in app.env.items():
        arguments += ["--env", f"{key}={value}"]
    if app.args:
        arguments += ["--run", " ".join(app.args)]
    return prover.verify(*arguments, cwd=folder / "before")[0]


def broken(engine, made, dockwright, kind, names):
    """Runs every case that is broken on purpose; returns how many are not caught."""
    prover = Prover(dockwright, engine, kind)
    cases = sorted(path.parent for path in BROKEN.glob("*/case.toml"))
    unknown = set(names) - {case.name for case in cases} - set(MORE)
    if unknown:
        raise SystemExit(f"no such case: {', '.join(sorted(unknown))}")
    cases = [case for case in cases if not names or case.name in names]
    folder = engine.state / "work" / "broken"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BROKEN, folder, symlinks=True)
    machine.usual_modes(folder)
    cases = [folder / case.name for case in cases]
    more = {name: (run, folder / case) for name, (run, case) in MORE.items() if not names or name in names}
    # What `fix` ships the program on that is built there.
    images = {"debian:bookworm-slim"} if {"fix", "three", "remote"} & set(more) else set()
    for case in [*cases, *(case for _, case in more.values())]:
        for file in case.rglob("*Dockerfile"):
            images.update(applications.froms(file.read_text())[0])
    for image in sorted(images - {"scratch"}):
        reason = made.get(image)
        if reason:
            raise Skipped(reason)
    prover.bring(sorted(images))
    before = prover.left()
    missed = 0
    for case in cases:
        table = tomllib.loads((case / "case.toml").read_text())
        if kind not in table.get("engines", ENGINES):
            continue
        start = time.monotonic()
        # Twice, where the machine had other things to do the first time.
        for _ in range(2):
            said, _ = prover.verify("Dockerfile", "--against", "broken.Dockerfile", *table.get("args", []), cwd=case,
                                    environment=table.get("env"))
            wanted = table.get("verdict", "differs")
            lacks = [words for words in table["words"] if not any(one in detail for one in words.split("|") for detail in said["details"])]
            caught = said["verdict"] == wanted and not lacks
            if caught:
                break
        missed += not caught
        say(f"{'caught' if caught else 'MISSED'}  {case.name:24} {said['verdict']} ({time.monotonic() - start:.0f} s)")
        if not caught:
            for line in lacks:
                say(f"    wanted: {line}")
            for line in said["details"] + said.get("last_lines", []):
                say(f"    said:   {line}")
    for run, case in more.values():
        missed += not run(prover, case)
    left = [one for one in prover.left() if one not in before]
    say(f"left behind: {len(left)} of what was there before and after ({len(before)})")
    return missed + len(left)


def interrupted(prover, case):
    """Ctrl-C while a build waits: nothing is left behind, and nothing runs on."""
    before = prover.left()
    command = [prover.dockwright, "verify", "Dockerfile", "--against", "broken.Dockerfile", "--engine", prover.kind, "--network", "host"]
    child = subprocess.Popen(command, cwd=case, env=prover.environment, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
    end = time.monotonic() + 180
    while not sleeping() and child.poll() is None and time.monotonic() < end:
        time.sleep(0.3)
    during = prover.left()
    start = time.monotonic()
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGINT)
    output, _ = child.communicate(timeout=120)
    took = time.monotonic() - start
    for _ in range(50):
        if not sleeping():
            break
        time.sleep(0.2)
    after = prover.left()
    good = child.returncode == 130 and after == before and during != before and not sleeping()
    say(f"{'caught' if good else 'MISSED'}  {'ctrl-c':24} exit code {child.returncode} after {took:.1f} s; containers, images and networks: "
        f"{len(before)} before, {len(during)} during, {len(after)} after")
    if not good:
        say(output)
    return good


def sleeping():
    """Whether the build that never ends is running."""
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes() == NEVER:
                return True
        except OSError:
            pass
    return False


def partly(prover, case):
    """`fix --verify` where one of three fixes, in two files, breaks an image: two are written, and the one is named."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(case, folder, dirs_exist_ok=True)
        files = [folder / "Dockerfile", folder / "worker/Dockerfile"]
        command = [prover.dockwright, "fix", "--verify", ".", "--engine", prover.kind, "--network", "host"]
        done = prover.run(*command, cwd=folder)
        counter, worker = (file.read_text() for file in files)
    words = "dropped non-root: "
    said = [line.strip() for line in done.stderr.splitlines() if words in line]
    good = (done.returncode == 0 and "AS builder" in counter and "USER" not in counter and "USER" in worker and len(said) == 1)
    say(f"{'caught' if good else 'MISSED'}  {'fix':24} {said[0] if said else ''}")
    if not good:
        say(f"exit code {done.returncode}\n{done.stderr[-2000:]}")
    return good


def one_of_three(prover, case):
    """`fix --verify` where the last of three fixes in one file breaks its image: the other two are written, and it is named."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(case, folder, dirs_exist_ok=True)
        command = [prover.dockwright, "fix", "--verify", ".", "--engine", prover.kind, "--network", "host"]
        done = prover.run(*command, cwd=folder)
        written = (folder / "Dockerfile").read_text()
    said = [line.strip() for line in done.stderr.splitlines() if "dropped " in line]
    good = (done.returncode == 0 and "RUN go build" in written and "AS builder" in written and "USER" not in written
            and len(said) == 1 and said[0].startswith("dropped non-root: ") and "permission denied" in said[0])
    say(f"{'caught' if good else 'MISSED'}  {'three':24} {said[0] if said else ''}")
    if not good:
        say(f"exit code {done.returncode}\n{written}\n{done.stderr[-2000:]}")
    return good


def by_builder(prover, case):
    """`--builder`: one of buildx's builds the same, one that is not there is said to be the engine's fault."""
    if prover.kind != "docker" or prover.run("docker", "buildx", "version").returncode:
        say(f"skipped {'builder':24} it needs docker's buildx")
        return True
    there, _ = prover.verify("Dockerfile", "--against", "broken.Dockerfile", "--builder", "default", cwd=case)
    gone, _ = prover.verify("Dockerfile", "--against", "broken.Dockerfile", "--builder", "not-there", cwd=case)
    good = there["verdict"] == "same" and gone["verdict"] == "engine error" and "not-there" in gone["details"][0]
    say(f"{'caught' if good else 'MISSED'}  {'builder':24} {there['verdict']}; {gone['details'][0]}")
    if not good:
        say(f"{there['details']}\n{gone}")
    return good


def far_away(prover, case):
    """`--builder` with a BuildKit on the other end of a connection, whose base images come from a registry."""
    if prover.kind != "docker":
        say(f"skipped {'remote':24} it is for docker's buildx")
        return True
    remote = Remote(prover.engine)
    try:
        remote.start(["golang:1.26-bookworm", "debian:bookworm-slim"])
        # Its own network, as it stands on another machine: the engine's is not asked for.
        command = [prover.dockwright, "verify", "--json", "--builder", NAME, "."]
        done = subprocess.run(command, cwd=case, env={**prover.environment, **remote.environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", timeout=1200)
        kept = remote.buildx("du", "--builder", NAME).stdout
    except Skipped as reason:
        say(f"skipped {'remote':24} {reason}")
        return True
    finally:
        remote.stop()
    said = json.loads(done.stdout or "{}")
    good = said.get("verdict") == "same" and "Total:" in kept and not kept.rstrip().endswith(" 0B")
    say(f"{'caught' if good else 'MISSED'}  {'remote':24} {said.get('verdict')}; built there: {kept.split()[-1] if kept else 'nothing'}")
    if not good:
        say(f"exit code {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-2000:]}")
    return good


# What is more than a Dockerfile and a wrong one, and the folder that it works on.
MORE = {"ctrl-c": (interrupted, "build-never-ends"), "fix": (partly, "fix"), "three": (one_of_three, "three"),
        "builder": (by_builder, "same"), "remote": (far_away, "remote")}
