"""Base images: the real ones where a registry answers, else stand-ins under their names."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tomllib

from . import machine
from .engine import Failed
from .machine import Skipped, say

HERE = pathlib.Path(__file__).resolve().parent.parent / "bases"


class Bases:
    """The base images that applications may name in FROM.

    `mode` is `auto` (the registry's if it answers), `real` or `stand-in`.
    """

    def __init__(self, engine, mode):
        self.engine = engine
        self.mode = mode
        self.table = tomllib.loads((HERE / "bases.toml").read_text())["base"]
        self.by_tag = {tag: base for base in self.table for tag in base["tags"]}
        self.ledger = engine.state / "bases.json"
        self.settings = None
        self.why_not = {}

    def get(self, tag):
        """Makes sure that the image `tag` is there. Returns None, or why it can't be."""
        if tag == "scratch":
            return None
        if tag not in self.why_not:
            self.why_not[tag] = self._get(tag)
        return self.why_not[tag]

    def _get(self, tag):
        if self.mode == "auto":
            self.mode = "real" if self._pulls("debian:bookworm-slim") else "stand-in"
            say(f"base images: {'from the registry' if self.mode == 'real' else 'stand-ins, as no registry answers'}")
        if self.mode == "real":
            return None if self._pulls(tag) else f"{tag} can't be pulled"
        base = self.by_tag.get(tag)
        if base is None:
            return f"no stand-in for {tag} (see tests/lab/bases/bases.toml)"
        for other in [base.get("from"), base.get("arguments", {}).get("BUILD")]:
            reason = other and self.get(other)
            if reason:
                return reason
        try:
            self._make(base)
        except Failed as failed:
            return f"{tag} can't be made: {last_error(failed.log)}"
        except (OSError, subprocess.CalledProcessError, Skipped) as fault:
            return f"{tag} can't be made: {fault}"
        return None

    def _pulls(self, tag):
        try:
            return self.engine.try_run("pull", "--quiet", tag, timeout=600 if self.mode == "real" else 30).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def _make(self, base):
        """Builds one stand-in, unless the same one is there already."""
        if self.settings is None:
            self.settings = settings(self.engine.state)
        key = self._key(base)
        ledger = json.loads(self.ledger.read_text()) if self.ledger.exists() else {}
        name = base["tags"][0]
        image = self.engine.inspect(name)
        if image is None or ledger.get(name) != key:
            say(f"making {name}")
            context = self.engine.state / "context"
            shutil.rmtree(context, ignore_errors=True)
            shutil.copytree(HERE / base["recipe"], context)
            machine.usual_modes(context)
            try:
                self._fill(context, base)
                arguments = dict(base.get("arguments", {}), FROM=base.get("from") or self._system(base), **machine.proxies())
                self.engine.build(context, context / "Dockerfile", name, arguments)
            finally:
                shutil.rmtree(context, ignore_errors=True)
            ledger[name] = key
            self.ledger.write_text(json.dumps(ledger, indent=1))
        for tag in base["tags"][1:]:
            self.engine.run("tag", name, tag)

    def _key(self, base):
        """Names everything that a stand-in is made from, its own bases included."""
        digest = hashlib.sha256(json.dumps([base, self.settings], sort_keys=True).encode())
        for file in sorted((HERE / base["recipe"]).rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
        for other in [base.get("from"), base.get("arguments", {}).get("BUILD")]:
            if other:
                digest.update(self._key(self.by_tag[other]).encode())
        for need in base.get("needs", []):
            digest.update(str(toolchain(need)).encode())
        return digest.hexdigest()

    def _fill(self, context, base):
        """Adds to a recipe's folder what only this machine knows."""
        archive = base.get("archive")
        for folder in ("apt/apt.conf.d", "apt/sources.list.d", "certificates", "settings"):
            (context / folder).mkdir(parents=True, exist_ok=True)
        for name, text in self.settings["certificates"].items():
            (context / "certificates" / name).write_text(text)
        for name, text in self.settings["managers"].items():
            (context / "settings" / name).write_text(text)
        if archive:
            (context / "apt/apt.conf.d/lab").write_text(self.settings["apt"])
            (context / "apt/sources.list").write_text("")
            (context / f"apt/sources.list.d/{archive}.sources").write_text(
                sources(archive, base["suite"], self.settings["mirrors"]))
        for need in base.get("needs", []):
            stage(need, context, self.settings)

    def _system(self, base):
        """A bare system made by debootstrap and imported; returns its tag."""
        if "suite" not in base:
            return "scratch"
        suite, archive = base["suite"], base["archive"]
        tag = f"lab/{suite}:bare"
        if self.engine.inspect(tag) is None:
            say(f"debootstrap {suite}")
            root = self.engine.state / f"root-{suite}"
            shutil.rmtree(root, ignore_errors=True)
            command = ["debootstrap", "--variant=minbase"]
            script = [] if pathlib.Path(f"/usr/share/debootstrap/scripts/{suite}").exists() else ["gutsy" if archive == "ubuntu" else "sid"]
            if archive == "ubuntu":
                command.append("--components=main,universe")
                keyring = pathlib.Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
                # Debian does not always bring Ubuntu's keys; from its own packages on, apt checks.
                command.append(f"--keyring={keyring}" if keyring.exists() else "--no-check-gpg")
            command += [suite, str(root), self.settings["mirrors"][archive], *script]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace")
            if done.returncode:
                shutil.rmtree(root, ignore_errors=True)
                raise Skipped(f"debootstrap {suite} failed: {machine.last_line(done.stdout)}")
            for stale in ("var/cache/apt/archives", "var/lib/apt/lists"):
                shutil.rmtree(root / stale, ignore_errors=True)
                (root / stale / "partial").mkdir(parents=True)
            tar = subprocess.Popen(["tar", "-C", str(root), "--one-file-system", "-c", "."], stdout=subprocess.PIPE)
            self.engine.run("import", "-", tag, stdin=tar.stdout)
            if tar.wait():
                raise Skipped(f"packing {root} failed")
            shutil.rmtree(root)
        return tag


def settings(state):
    """What every stand-in takes over from this machine."""
    certificates = {f"machine-{n}.crt": pem + "\n" for n, pem in enumerate(machine.own_certificates())}
    certificates["lab.crt"] = (authority(state) / "ca.pem").read_text()
    return {
        "certificates": certificates,
        "managers": machine.package_managers(),
        "mirrors": machine.mirrors(),
        # As in the official images: what was downloaded is not kept in a layer.
        "apt": machine.apt_options() + 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
        + 'APT::Update::Post-Invoke { "rm -f /var/cache/apt/*.bin || true"; };\n'
        + 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'
        + 'Acquire::Languages "none";\nAcquire::GzipIndexes "true";\nApt::AutoRemove::SuggestsImportant "false";\n',
    }


def authority(state):
    """A certificate authority of the lab's own, which its base images trust once ca-certificates is installed,
    and a server certificate for `upstream.lab`. With it an application's TLS can be tested without a network."""
    folder = state / "authority"
    if not (folder / "server.pem").exists():
        folder.mkdir(parents=True, exist_ok=True)
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=dockwright lab",
                "-keyout", "ca.key", "-out", "ca.pem")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=upstream.lab", "-keyout", "server.key", "-out", "server.csr")
        (folder / "names").write_text("subjectAltName=DNS:upstream.lab\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "3650", "-extfile", "names", "-out", "server.pem")
    return folder


def sources(archive, suite, mirrors):
    """A deb822 sources file for one suite, as the official images have it."""
    def entry(url, suites, components, keyring):
        return f"Types: deb\nURIs: {url}\nSuites: {suites}\nComponents: {components}\nSigned-By: {keyring}\n"
    if archive == "ubuntu":
        return entry(mirrors["ubuntu"], f"{suite} {suite}-updates {suite}-security", "main universe",
                     "/usr/share/keyrings/ubuntu-archive-keyring.gpg")
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    return entry(mirrors["debian"], f"{suite} {suite}-updates", "main", keyring) + "\n" + \
        entry(mirrors["security"], f"{suite}-security", "main", keyring)


def toolchain(name):
    """Where this machine keeps a toolchain; None where it has none."""
    if name == "go":
        found = machine.output("go", "env", "GOROOT")
    elif name == "rust":
        found = machine.output("rustc", "--print", "sysroot")
    elif name == "node":
        found = shutil.which("node")
    elif name == "busybox":
        found = shutil.which("busybox")
    else:
        raise ValueError(name)
    return pathlib.Path(found).resolve() if found else None


def stage(name, context, found_settings):
    """Copies a toolchain into a build context."""
    where = toolchain(name)
    if where is None:
        raise Skipped(f"this machine has no {name}")
    if name == "go":
        copy(where, context / "go")
    elif name == "rust":
        # The `minimal` profile: no documentation, no sources, no linters.
        unwanted = ["share", "libexec", "etc", "lib/rustlib/src", "bin/rust-analyzer", "bin/*clippy*", "bin/rust-gdb*", "bin/rust-lldb", "bin/rustdoc",
                    "bin/*fmt*"]
        copy(where, context / "rust", unwanted)
        host = machine.output("rustc", "-vV").split("host: ")[1].split()[0]
        for target in (context / "rust/lib/rustlib").iterdir():
            # What is linked statically is made for musl.
            if target.is_dir() and target.name not in (host, host.replace("-gnu", "-musl"), "etc"):
                shutil.rmtree(target)
        # Writable for all, as in the official image; done later it would be a second copy in a layer.
        subprocess.run(["chmod", "-R", "a+w", str(context / "rust")], check=True)
    elif name == "node":
        (context / "node/bin").mkdir(parents=True)
        shutil.copy2(where, context / "node/bin/node")
        for part in ("lib/node_modules/npm", "include/node"):
            copy(where.parent.parent / part, context / "node" / part)
    elif name == "busybox":
        root = context / "root"
        for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "etc/ssl/certs", "root", "home", "lib/apk", "run",
                       "usr/lib/apk/tzdata", "usr/share", "var/cache/apk", "var/log", "var/tmp", "tmp", "opt", "srv", "mnt", "proc", "sys", "dev"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("tmp", "var/tmp"):
            (root / folder).chmod(0o1777)
        shutil.copy2(where, root / "bin/busybox")
        for applet in subprocess.run([where, "--list-full"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
            link = root / applet
            if applet not in ("bin/busybox", "linuxrc") and link.parent.is_dir() and not link.exists():
                link.symlink_to("/bin/busybox")
        users = {"root": (0, 0, "/root", "/bin/sh"), "daemon": (2, 2, "/sbin", "/sbin/nologin"), "nobody": (65534, 65534, "/", "/sbin/nologin")}
        (root / "etc/passwd").write_text("".join(f"{n}:x:{u}:{g}:{n}:{h}:{s}\n" for n, (u, g, h, s) in users.items()))
        (root / "etc/shadow").write_text("".join(f"{n}:!::0:::::\n" for n in users))
        (root / "etc/group").write_text("root:x:0:root\ndaemon:x:2:\nusers:x:100:\nnogroup:x:65533:\nnobody:x:65534:\n")
        (root / "etc/shells").write_text("/bin/sh\n")
        (root / "etc/os-release").write_text('NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.24.0\nPRETTY_NAME="Alpine stand-in (BusyBox)"\n')
        (root / "etc/alpine-release").write_text("3.24.0\n")
        bundle = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        text = bundle.read_text() if bundle.exists() else ""
        # The real image brings the bundle of authorities.
        (root / "etc/ssl/certs/ca-certificates.crt").write_text(text + "".join(found_settings["certificates"].values()))
        (root / "etc/ssl/cert.pem").symlink_to("certs/ca-certificates.crt")
        if pathlib.Path("/usr/share/zoneinfo").is_dir():
            copy(pathlib.Path("/usr/share/zoneinfo"), root / "usr/lib/apk/tzdata/zoneinfo")
        for tool, place in (("apk", "sbin/apk"), ("addgroup", "usr/sbin/addgroup"), ("adduser", "usr/sbin/adduser")):
            # Debian's BusyBox leaves the tools for users out: its own package has others.
            if not (root / place).is_symlink():
                shutil.copy2(context / tool, root / place)
                (root / place).chmod(0o755)


def copy(source, target, unwanted=()):
    """Copies a folder as it is, without the paths that match `unwanted`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
    for pattern in unwanted:
        for path in target.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def last_error(log):
    """The line of a build's log that says what went wrong."""
    lines = [re.sub(r"^#\d+ (\d+\.\d+ )?", "", line).strip() for line in log.splitlines() if line.strip()]
    # BuildKit ends with the whole command and repeats; what the command itself said is of more use.
    said = [line for line in lines if "executor failed running" not in line and not re.match(r"-+$|> \[", line)]
    errors = [line for line in said if re.search(r"\berror\b|fatal|not found|^E: |cannot|No such|denied", line, re.I)]
    return (errors or said or ["no output"])[-1][:300]
