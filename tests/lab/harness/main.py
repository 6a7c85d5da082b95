"""The command `tests/lab/run`."""

import argparse
import concurrent.futures
import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from . import app as applications
from . import bases as stand_ins
from . import compare, machine, proof, trial
from .engine import LABEL, Engine, Failed
from .machine import Skipped, say

ROOT = pathlib.Path(__file__).resolve().parents[3]
SKIPPED = 77
OUT_OF_ORDER = 3


# What says nothing about the rewriter.
OWN_FAULTS = ("original does not build", "original does not answer", "no base for")


@dataclass
class Result:
    """One row of the table."""

    app: applications.App
    verdict: str = ""
    before: trial.Trial | None = None
    after: trial.Trial | None = None
    details: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    split: bool = False
    seconds: float = 0

    @property
    def ok(self):
        return self.verdict in ("same", "answers")

    @property
    def saved(self):
        return 100 * (1 - self.after.size / self.before.size) if self.before and self.after and self.before.size else None


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/lab/run",
        description="Builds and runs the lab's applications before and after a rewrite, and compares them.",
        epilog=f"Exit code: 0 all the same, 1 something differs or does not build, 2 wrong usage, {OUT_OF_ORDER} nothing differs, but the "
        f"lab itself is out of order (an original that does not build or answer, no base image, an engine that went away), {SKIPPED} "
        "skipped: this machine can't run the lab.")
    parser.add_argument("app", nargs="*", help="names of folders in tests/lab/apps; all without one")
    parser.add_argument("--rewriter", metavar="COMMAND",
                        help="rewrites the Dockerfile whose path replaces {} (else it is added at the end); runs in the application's "
                        "copied folder. Default: `dockwright fix`, built from this repository unless $DOCKWRIGHT names one")
    parser.add_argument("--originals", action="store_true", help="only build and run the originals")
    parser.add_argument("--strict", action="store_true", help="fail also where an application is left unsplit or root and lab.toml wants more")
    parser.add_argument("--bases", choices=["auto", "real", "stand-in"], default="auto", help="where base images come from (default: the registry if it answers)")
    parser.add_argument("--state", default=os.environ.get("DOCKWRIGHT_LAB_STATE", "/var/cache/dockwright-lab"), metavar="DIR",
                        help="where engine, images and logs are kept between runs (default: %(default)s)")
    parser.add_argument("--keep-engine", action="store_true", help="leave the engine running for the next run")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="applications at the same time (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=1200, metavar="SECONDS", help="for one build (default: %(default)s)")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there as well")
    parser.add_argument("--json", metavar="FILE", help="write everything that was observed there")
    parser.add_argument("--verify", action="store_true", help="ask `dockwright verify` about both sides too; what it says is part of the verdict")
    parser.add_argument("--broken", action="store_true", help="instead of applications: what is broken on purpose in tests/lab/broken, each of "
                        "which `dockwright verify` has to catch; names are those of cases")
    parser.add_argument("--engine", choices=proof.ENGINES, default="docker", help="the engine of --verify and --broken (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the applications and what they show, and stop")
    parser.add_argument("--list-bases", action="store_true", help="list the stand-ins and where they differ from the real ones, and stop")
    return parser.parse_args()


def main():
    options = arguments()
    apps = [] if options.broken else applications.load(options.app)
    if options.list:
        for one in apps:
            print(f"{one.name:18} {'+'.join(one.shows):24} {one.about}")
        return 0
    if options.list_bases:
        for base in stand_ins.Bases(Engine(options.state), "stand-in").table:
            print(f"{base['tags'][0]:36} {base.get('differs', '')}")
        return 0
    # What is made here goes into images, and is read there by other users.
    os.umask(0o022)
    # `timeout` and a CI that gives up end us so; the engine has to be stopped then too.
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return laboratory(options, apps)
    except Skipped as reason:
        say(f"lab skipped: {reason}")
        return SKIPPED
    except (Failed, OSError, subprocess.SubprocessError) as fault:
        say(f"lab out of order: {type(fault).__name__}: {fault}")
        if isinstance(fault, Failed):
            say(fault.log[-2000:])
        return OUT_OF_ORDER
    except KeyboardInterrupt:
        say("\ninterrupted")
        return 130


def interrupt(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def laboratory(options, apps):
    if os.geteuid() != 0:
        raise Skipped("it needs root, for a container engine of its own")
    if not sys.platform.startswith("linux"):
        raise Skipped("it needs Linux")
    machine.docker()
    machine.install({"debootstrap": "debootstrap", "openssl": "openssl", "busybox": "busybox-static"})
    rewriter = None if options.originals else find_rewriter(options.rewriter)
    state = pathlib.Path(options.state).resolve()
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Skipped(f"{state} can't be made: {fault}; choose another --state") from None
    with open(state / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Skipped(f"another run of the lab uses {state}") from None
        engine = Engine(state, stays=options.keep_engine)
        upstream = None
        try:
            engine.start()
            sweep(engine)
            gateway = engine.network()
            if options.broken:
                made = stand_ins.Bases(engine, options.bases)
                return min(1, proof.broken(engine, made, rewriter[0], options.engine, options.app))
            upstream = trial.Upstream(gateway, stand_ins.authority(state))
            results = run_all(options, engine, apps, rewriter, gateway)
        finally:
            if upstream:
                upstream.stop()
            if engine.answers():
                sweep(engine)
            if not options.keep_engine:
                engine.stop()
    return report(options, results)


def find_rewriter(command):
    """The command that rewrites a Dockerfile, as words; `{}` stands for its path."""
    if command:
        words = shlex.split(command)
    elif os.environ.get("DOCKWRIGHT"):
        words = [os.environ["DOCKWRIGHT"], "fix"]
    else:
        say("building dockwright")
        done = subprocess.run(["cargo", "build", "--quiet", "--message-format=json", "--bin", "dockwright"], cwd=ROOT,
                              stdout=subprocess.PIPE, text=True)
        built = re.findall(r'"executable":"([^"]+)"', done.stdout)
        if done.returncode or not built:
            raise SystemExit("dockwright does not build; name another rewriter with --rewriter or $DOCKWRIGHT, or use --originals")
        words = [built[-1], "fix"]
    if not shutil.which(words[0]):
        raise SystemExit(f"no such rewriter: {words[0]}")
    words[0] = os.path.abspath(shutil.which(words[0]))
    return words if any("{}" in w for w in words) else [*words, "{}"]


def sweep(engine):
    """Removes containers that an interrupted run left behind, and images that lost their name."""
    left = engine.run("ps", "--all", "--quiet", "--filter", f"label={LABEL}").split()
    if left:
        engine.try_run("rm", "--force", "--volumes", *left)
    engine.try_run("image", "prune", "--force")


def run_all(options, engine, apps, rewriter, gateway):
    """Rewrites all, makes the base images that are named, then builds and runs."""
    results = [Result(one) for one in apps]
    images = {}
    for result in results:
        prepare(engine, result, rewriter)
        for side in ("before", "after"):
            file = work(engine, result.app) / side / "Dockerfile"
            if file.exists():
                for image in applications.froms(file.read_text(errors="replace"))[0]:
                    images.setdefault(image, result.app.name)
    made = stand_ins.Bases(engine, options.bases)
    made.get("debian:bookworm-slim")
    prover = proof.Prover(rewriter[0], engine, options.engine) if options.verify else None
    for image in images:
        reason = made.get(image)
        if reason:
            say(f"no base image for {images[image]}: {reason}")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(one_app, options, engine, made, result, gateway, prover) for result in results]
        try:
            for done in concurrent.futures.as_completed(waiting):
                done.result()
        except BaseException:
            for one in waiting:
                one.cancel()
            # What is being built and watched just now ends with the engine; nothing of it is tried again.
            engine.give_up()
            raise
    return results


def work(engine, app):
    return engine.state / "work" / app.name


def prepare(engine, result, rewriter):
    """Copies an application twice and rewrites the second."""
    folder = work(engine, result.app)
    shutil.rmtree(folder, ignore_errors=True)
    for side in ("before", "after") if rewriter else ("before",):
        applications.copy(result.app, folder / side)
    if not rewriter:
        return
    file = folder / "after/Dockerfile"
    done = subprocess.run([word.replace("{}", str(file)) for word in rewriter], cwd=folder / "after",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
    (folder / "rewriter.log").write_text(done.stdout)
    if done.returncode not in (0, 1):
        result.verdict = "rewriter failed"
        result.details = [f"exit code {done.returncode}: {(done.stdout.strip().splitlines() or ['no output'])[-1][:300]}"]
        return
    old, new = (folder / "before/Dockerfile").read_text(), file.read_text()
    if old == new:
        result.verdict = "unchanged"
        result.details = [line for line in done.stdout.strip().splitlines() if line.strip()][:6]
    # The toolchain is left behind in a stage of its own, or by an image for the last stage that has none.
    stages = [re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)", text) for text in (old, new)]
    result.split = len(stages[1]) > len(stages[0]) or stages[1][-1:] != stages[0][-1:]


def one_app(options, engine, made, result, gateway, prover):
    """Builds and runs one application on both sides and judges it."""
    start = time.monotonic()
    judge(options, engine, made, result, gateway)
    if prover and result.verdict in ("same", "differs"):
        prove(engine, result, prover)
    result.seconds = time.monotonic() - start
    say(f"{result.app.name}: {result.verdict} ({result.seconds:.0f} s)")


def judge(options, engine, made, result, gateway):
    app = result.app
    decided = result.verdict
    result.before = side(options, engine, made, result, "before", gateway)
    if result.before and result.before.fault:
        result.before = side(options, engine, made, result, "before", gateway)
    if result.before is None:
        return
    unexpected = [f"{a['request']}: {a['unexpected']}" for a in result.before.answers if a["unexpected"]]
    if app.mode == "exit" and result.before.exit_code != app.exit_code:
        unexpected.append(f"exit code {result.before.exit_code}: {result.before.output.strip()[-200:]}")
    if result.before.fault or unexpected:
        result.verdict = "original does not answer"
        result.details = [result.before.fault] if result.before.fault else unexpected
        return
    if options.originals:
        result.verdict = "answers"
        return
    if decided:
        result.verdict = decided
        return
    result.after = side(options, engine, made, result, "after", gateway)
    if result.after is None:
        return
    result.details = compare.differences(result.before, result.after, app.may_change)
    if result.details:
        # A machine that has other things to do is late now and then: what differs differs again.
        result.after = side(options, engine, made, result, "after", gateway)
        if result.after is None:
            return
        result.details = compare.differences(result.before, result.after, app.may_change)
    result.notes = compare.notes(result.before, result.after)
    result.verdict = "differs" if result.details else "same"
    if "multi-stage" in app.shows and not result.split:
        result.notes.append("not split")
    if "non-root" in app.shows and result.after.uid == "0":
        result.notes.append("still root")


def prove(engine, result, prover):
    """Asks `dockwright verify` about the same two sides."""
    for image in applications.froms((work(engine, result.app) / "after/Dockerfile").read_text(errors="replace"))[0]:
        prover.bring([image])
    said = proof.application(prover, result.app, work(engine, result.app))
    (work(engine, result.app) / "verify.json").write_text(json.dumps(said, indent=1))
    if said["verdict"] != result.verdict:
        result.details += [f"dockwright verify: {said['verdict']}", *said["details"]]
        result.verdict = f"{result.verdict}, but verify says {said['verdict']}"


def side(options, engine, made, result, name, gateway):
    """Builds and observes one side; None (with the verdict set) where it does not build."""
    folder = work(engine, result.app)
    dockerfile = folder / name / "Dockerfile"
    images, last = applications.froms(dockerfile.read_text(errors="replace"))
    reasons = [reason for reason in map(made.get, images) if reason]
    word = "original" if name == "before" else "rewritten"
    if reasons:
        result.verdict, result.details = f"no base for the {word}", reasons
        return None
    tag = f"lab/{result.app.name}:{name}"
    try:
        try:
            log = engine.build(folder / name, dockerfile, tag, machine.proxies(), timeout=options.timeout)
        except Failed:
            # Registries and archives do not always answer; a second failure is the Dockerfile's.
            log = engine.build(folder / name, dockerfile, tag, machine.proxies(), timeout=options.timeout)
    except Failed as failed:
        (folder / f"{name}.build.log").write_text(failed.log)
        result.verdict = f"{word} does not build"
        last = [f"| {line}" for line in failed.log.strip().splitlines()[-12:]]
        result.details = [stand_ins.last_error(failed.log), f"log: {folder}/{name}.build.log", *last]
        return None
    (folder / f"{name}.build.log").write_text(log)
    seen = trial.observe(engine, result.app, tag, last, gateway)
    (folder / f"{name}.json").write_text(json.dumps(seen.as_data(), indent=1))
    return seen


def rows(results):
    """The table as words, its header first."""
    def megabytes(seen):
        return f"{seen.size / 1e6:.0f}" if seen else ""
    yield ["app", "before MB", "after MB", "saved %", "user", "verdict"]
    for result in results:
        seen = result.after or result.before
        verdict = result.verdict + "".join(f", {note}" for note in result.notes if note in ("not split", "still root"))
        yield [result.app.name, megabytes(result.before), megabytes(result.after),
               "" if result.saved is None else str(round(result.saved)), seen.uid if seen else "", verdict]


def report(options, results):
    """Prints the table and what is behind every row that is not the same; returns the exit code."""
    table = list(rows(results))
    widths = [max(len(row[i]) for row in table) for i in range(6)]
    say("")
    for row in table:
        say("  ".join(cell.ljust(w) if i in (0, 5) else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip())
    say("")
    for result in results:
        if result.details:
            say(f"{result.app.name}: {result.verdict}")
            for line in result.details:
                say(f"    {line}")
    counts = {}
    for result in results:
        counts[result.verdict] = counts.get(result.verdict, 0) + 1
    say(", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items(), key=lambda c: -c[1])))
    gains = [r.saved for r in results if r.verdict == "same" and r.split]
    if gains:
        say(f"{len(gains)} split, {statistics.median(gains):.0f} % smaller in the median; "
            f"{sum(r.after.uid != '0' for r in results if r.verdict == 'same')} run as another user than root")
    if options.markdown:
        lines = ["| " + " | ".join(row) + " |" for row in table]
        lines.insert(1, "| --- | ---: | ---: | ---: | ---: | --- |")
        pathlib.Path(options.markdown).write_text("\n".join(lines) + "\n")
    if options.json:
        data = [{"app": r.app.name, "verdict": r.verdict, "details": r.details, "notes": r.notes, "split": r.split,
                 "before": r.before and r.before.as_data(), "after": r.after and r.after.as_data()} for r in results]
        pathlib.Path(options.json).write_text(json.dumps(data, indent=1) + "\n")
    good = all(r.ok or r.verdict == "unchanged" for r in results)
    if options.strict:
        good = all(r.ok and not {"not split", "still root"} & set(r.notes) for r in results)
    ours = [r for r in results if r.verdict.startswith(OWN_FAULTS)]
    if ours and all(r.ok or r.verdict == "unchanged" or r in ours for r in results):
        say(f"the lab is out of order: {', '.join(r.app.name for r in ours)}")
        return OUT_OF_ORDER
    return 0 if good else 1
