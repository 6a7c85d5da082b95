"""What this machine is: what it can do, and how it reaches its package sources.

Nothing here is written down in the repository; all of it is asked of the machine
each time, so that the lab runs the same behind a mirror, a proxy or an own
certificate authority.
"""

import os
import pathlib
import re
import shutil
import subprocess


class Skipped(Exception):
    """The lab can't run here. The text says what is missing."""


def say(text):
    print(text, flush=True)


def output(*command):
    """Standard output of `command`, stripped; None where it is missing or fails."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def usual_modes(folder):
    """Gives a copy the modes that git writes where nobody has another umask: an image keeps them, and its user has to read."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def install(packages):
    """Installs Debian packages whose command is missing. `packages`: command → package."""
    missing = sorted({p for c, p in packages.items() if not (shutil.which(c) or os.path.exists(c))})
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Skipped(f"needs {', '.join(missing)}, and this machine has no apt-get to install them with")
    say(f"installing {' '.join(missing)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]):
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300)
        except subprocess.TimeoutExpired:
            raise Skipped(f"`{' '.join(command)}` does not end: are the package archives in reach?") from None
        if done.returncode:
            raise Skipped(f"`{' '.join(command)}` failed: {last_line(done.stdout)}")
    left = sorted(c for c in packages if not (shutil.which(c) or os.path.exists(c)))
    if left:
        raise Skipped(f"{', '.join(missing)} did not bring {', '.join(left)}")


def last_line(text):
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def docker():
    """Installs Docker's daemon and its client, with BuildKit: one package or three, as the release has it."""
    install({"/usr/sbin/dockerd": "docker.io"})
    if not os.path.exists("/usr/bin/docker"):
        install({"/usr/bin/docker": "docker-cli"})
    version = re.search(r"version (\d+)", output("/usr/bin/docker", "--version") or "")
    if version and int(version[1]) >= 23 and output("/usr/bin/docker", "buildx", "version") is None:
        install({"/usr/libexec/docker/cli-plugins/docker-buildx": "docker-buildx"})


def own_certificates():
    """PEM blocks that this machine trusts and Debian's own list doesn't."""
    block = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
    known = set()
    for file in pathlib.Path("/usr/share/ca-certificates").rglob("*.crt"):
        known.update(block.findall(file.read_text(errors="replace")))
    found = []
    bundles = [*sorted(pathlib.Path("/usr/local/share/ca-certificates").rglob("*.crt"))]
    if known:
        # Without Debian's list everything in the bundle would look like our own.
        bundles.append(pathlib.Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt"))
    for bundle in bundles:
        if bundle.is_file():
            for pem in block.findall(bundle.read_text(errors="replace")):
                if pem not in known and pem not in found:
                    found.append(pem)
    return found


def mirrors():
    """The package archives that this machine's apt uses: `debian`, `security`, `ubuntu`."""
    found = {}
    text = ""
    for file in [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]:
        if file.is_file() and file.suffix in (".list", ".sources"):
            text += file.read_text(errors="replace") + "\n"
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            continue
        for url in re.findall(r"(?:https?|ftp)://[^\s\]]+", line):
            url = url.rstrip("/")
            for key, end in (("security", "debian-security"), ("debian", "debian"), ("ubuntu", "ubuntu")):
                if url.endswith("/" + end):
                    found.setdefault(key, url)
    return {
        "debian": found.get("debian", "http://deb.debian.org/debian"),
        "security": found.get("security", "http://deb.debian.org/debian-security"),
        "ubuntu": found.get("ubuntu", "http://archive.ubuntu.com/ubuntu"),
    }


def apt_options():
    """This machine's apt options that decide whether a download works: proxies and clock checks."""
    lines = []
    for line in (output("apt-config", "dump") or "").splitlines():
        if re.match(r'Acquire::(\w+::Proxy|Check-\w+|https?::(Verify|CaInfo)\S*)\b[^"]*"[^"]+";', line):
            lines.append(line)
    return "\n".join(lines) + "\n"


def proxies():
    """Proxy variables as build arguments; Docker knows these names without an ARG."""
    names = ("http_proxy", "https_proxy", "no_proxy", "ftp_proxy", "all_proxy")
    return {n: os.environ[n] for name in names for n in (name, name.upper()) if os.environ.get(n)}


def package_managers():
    """The configuration files that make pip, npm, go and cargo find their packages as this machine does.

    Returns file name → text, for those the machine sets.
    """
    files = {}
    pip = {"index-url": os.environ.get("PIP_INDEX_URL"), "extra-index-url": os.environ.get("PIP_EXTRA_INDEX_URL")}
    for key, value in pip.items():
        pip[key] = value or output("pip", "config", "get", f"global.{key}")
    lines = [f"{k} = {v}" for k, v in pip.items() if v]
    files["pip.conf"] = "[global]\n" + "".join(f"{line}\n" for line in lines)
    registry = output("npm", "config", "get", "registry")
    files["npmrc"] = f"registry={registry}\n" if registry and "registry.npmjs.org" not in registry else ""
    go = []
    for name in ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GONOSUMCHECK"):
        value = output("go", "env", name)
        if value:
            go.append(f"{name}={value}")
    files["go.env"] = "".join(f"{line}\n" for line in go)
    cargo = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo") / "config.toml"
    files["cargo.toml"] = cargo.read_text() if cargo.is_file() else ""
    maven = pathlib.Path.home() / ".m2/settings.xml"
    files["maven.xml"] = maven.read_text() if maven.is_file() else ""
    return files
