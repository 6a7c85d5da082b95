"""A container engine of the lab's own, apart from any that the machine may already run."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from .machine import Skipped, say

CLIENT = "/usr/bin/docker"
DAEMON = "/usr/sbin/dockerd"
NETWORK = "dockwright-lab"
LABEL = "dockwright.lab"


class Failed(Exception):
    """A command of the engine that failed; `log` is what it printed."""

    def __init__(self, command, log):
        super().__init__(f"`{' '.join(command)}` failed")
        self.log = log


class Engine:
    """dockerd with data, socket and pid file under `state`."""

    def __init__(self, state, stays=False):
        self.state = pathlib.Path(state)
        self.stays = stays
        self.given_up = False
        self.socket = self.state / "docker.sock"
        self.pidfile = self.state / "docker.pid"
        self.log = self.state / "dockerd.log"
        self.process = None

    def start(self):
        """Starts the daemon, or joins one that an earlier run left running with this state."""
        self.state.mkdir(parents=True, exist_ok=True)
        if len(str(self.socket)) > 100:
            raise Skipped(f"the path of the engine's socket is too long: {self.socket} (choose another --state)")
        if self.answers():
            return
        self.pidfile.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)
        say(f"starting dockerd (log: {self.log})")
        with open(self.log, "ab") as log:
            # Whatever ends the lab, be it a kill, the daemon is not left running.
            bound = [] if self.stays or not shutil.which("setpriv") else ["setpriv", "--pdeathsig", "TERM"]
            self.process = subprocess.Popen(
                [*bound, DAEMON, "--data-root", str(self.state / "data"), "--exec-root", str(self.state / "exec"),
                 "-H", f"unix://{self.socket}", "--pidfile", str(self.pidfile)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for _ in range(120):
            if self.answers():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.5)
        last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
        raise Skipped(f"dockerd does not start: {''.join(last)}")

    def give_up(self):
        """Lets no command of the engine be begun any more, and ends those that run, by ending the daemon."""
        self.given_up = True
        if not self.stays:
            self.stop()

    def stop(self):
        """Stops the daemon if this run started it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def answers(self):
        return not self.given_up and self.socket.exists() and self.try_run("version").returncode == 0

    def command(self, *arguments):
        return [CLIENT, "-H", f"unix://{self.socket}", *map(str, arguments)]

    def try_run(self, *arguments, **options):
        """Runs a client command and returns what `subprocess.run` does; both streams in `stdout`."""
        if self.given_up:
            raise Failed(self.command(*arguments), "the lab is ending")
        environment = dict(os.environ, DOCKER_BUILDKIT="1", BUILDKIT_PROGRESS="plain")
        environment.pop("DOCKER_CONTEXT", None)
        options.setdefault("stderr", subprocess.STDOUT)
        return subprocess.run(self.command(*arguments), stdout=subprocess.PIPE, text=True, errors="replace",
                              env=environment, **options)

    def run(self, *arguments, **options):
        """Output of a client command; raises `Failed`."""
        done = self.try_run(*arguments, **options)
        if done.returncode:
            raise Failed(self.command(*arguments), done.stdout)
        return done.stdout.strip()

    def inspect(self, name):
        """`docker inspect` of an image or container as data; None where there is none."""
        done = self.try_run("inspect", name, stderr=subprocess.DEVNULL)
        return json.loads(done.stdout)[0] if done.returncode == 0 else None

    def build(self, context, dockerfile, tag, arguments=None, labels=None, timeout=None):
        """Builds and tags an image; returns the build's log. Raises `Failed`."""
        command = ["build", "--network", "host", "--tag", tag, "--file", dockerfile]
        for key, value in (arguments or {}).items():
            command += ["--build-arg", f"{key}={value}"]
        for key, value in (labels or {}).items():
            command += ["--label", f"{key}={value}"]
        try:
            return self.run(*command, context, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            log = late.stdout or b""
            raise Failed(self.command(*command), log.decode(errors="replace") + f"\nstill building after {timeout} s") from None

    def network(self):
        """A network without a way out: what an application answers is its own."""
        if self.inspect(NETWORK) is None:
            self.run("network", "create", "--internal", NETWORK)
        return self.inspect(NETWORK)["IPAM"]["Config"][0]["Gateway"]
