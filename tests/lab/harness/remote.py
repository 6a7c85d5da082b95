"""A builder of BuildKit's own, reached over TCP, that pulls its base images from a registry, as `--builder` meets it."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from .machine import Skipped, say

# What is built, from its Go module: the module with its version, and the program's package in it.
PROGRAMS = {
    "buildkitd": ("github.com/moby/buildkit@v0.34.2", "./cmd/buildkitd"),
    "docker-buildx": ("github.com/docker/buildx@v0.38.2", "./cmd/buildx"),
    "registry": ("github.com/distribution/distribution/v3@v3.1.2", "./cmd/registry"),
}
NAME = "dockwright-lab-far"


def programs(folder):
    """Builds what is not there yet; raises `Skipped` where it can't be."""
    if not shutil.which("go"):
        raise Skipped("it needs Go, which builds BuildKit's daemon, buildx and a registry from their modules")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (module, package) in PROGRAMS.items():
        if (folder / name).exists():
            continue
        say(f"building {name} from {module}")
        found = subprocess.run(["go", "mod", "download", "-json", module], stdout=subprocess.PIPE, text=True)
        there = json.loads(found.stdout or "{}").get("Dir")
        if found.returncode or not there:
            raise Skipped(f"{module} can't be had")
        # A module is built from a copy: where it replaces others, it has to be the main one.
        with tempfile.TemporaryDirectory(dir=folder) as sources:
            sources = pathlib.Path(sources) / "sources"
            shutil.copytree(there, sources, symlinks=True)
            subprocess.run(["chmod", "-R", "u+w", sources], check=True)
            done = subprocess.run(["go", "build", "-o", folder / name, package], cwd=sources, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Skipped(f"{module} does not build: {done.stderr.strip().splitlines()[-1]}")


class Remote:
    """A registry with the lab's base images, a BuildKit that knows no other, and buildx's builder for it."""

    def __init__(self, engine):
        self.engine, self.folder = engine, engine.state / "remote"
        self.processes = []
        # The client's settings and plugins of whoever runs the lab are not touched.
        self.environment = {"DOCKER_CONFIG": str(self.folder / "config")}

    def start(self, images):
        """Starts both, and gives the registry the images; raises `Skipped`."""
        programs(self.folder / "bin")
        plugins = self.folder / "config/cli-plugins"
        plugins.mkdir(parents=True, exist_ok=True)
        plugin = plugins / "docker-buildx"
        plugin.unlink(missing_ok=True)
        plugin.symlink_to(self.folder / "bin/docker-buildx")
        registry, builder = f"127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"
        store = self.folder / "registry"
        settings = self.folder / "registry.yml"
        settings.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {store}}}}}\nhttp: {{addr: {registry}}}\n")
        self.run("registry", "serve", settings)
        mirrors = self.folder / "buildkitd.toml"
        mirrors.write_text(f'[registry."docker.io"]\nmirrors = ["{registry}"]\n[registry."{registry}"]\nhttp = true\n')
        self.run("buildkitd", "--addr", builder, "--root", self.folder / "data", "--config", mirrors, "--oci-worker-net=host")
        for address in (registry, builder.removeprefix("tcp://")):
            self.wait(address)
        for image in images:
            name = f"{registry}/library/{image}"
            self.engine.run("tag", image, name)
            try:
                self.engine.run("push", "--quiet", name)
            finally:
                self.engine.try_run("rmi", name)
        self.buildx("rm", "--force", NAME)
        made = self.buildx("create", "--name", NAME, "--driver", "remote", builder)
        if made.returncode:
            raise Skipped(f"buildx makes no builder: {made.stderr.strip()}")

    def run(self, program, *arguments):
        """Starts one of the programs, with its log beside it."""
        with open(self.folder / f"{program}.log", "wb") as log:
            self.processes.append(subprocess.Popen([self.folder / "bin" / program, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                                   stdout=log, stderr=log, start_new_session=True))

    def wait(self, address):
        host, port = address.split(":")
        for _ in range(100):
            if any(process.poll() is not None for process in self.processes):
                break
            with socket.socket() as one:
                if one.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.2)
        raise Skipped(f"nothing answers at {address} (logs: {self.folder}/*.log)")

    def buildx(self, *arguments):
        return subprocess.run(self.engine.command("buildx", *arguments), env={**os.environ, **self.environment},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self):
        self.buildx("rm", "--force", NAME)
        for process in self.processes:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
