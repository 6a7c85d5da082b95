"""Runs one image as it would run, and writes down everything that can be observed of it."""

import base64
import http.client
import http.server
import json
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import asdict, dataclass, field

from .engine import LABEL, NETWORK

CONFIG = ("Entrypoint", "Cmd", "Env", "WorkingDir", "ExposedPorts", "Volumes", "Labels", "Healthcheck", "StopSignal", "OnBuild", "User")


@dataclass
class Trial:
    """What was observed. `fault` is why the observation could not be finished."""

    size: int = 0                     # bytes
    layers: int = 0
    uid: str = "?"
    config: dict = field(default_factory=dict)
    inherited: dict = field(default_factory=dict)   # the base image's part of it
    answers: list = field(default_factory=list)     # one per request, in order
    health: int | None = None
    exit_code: int | None = None
    output: str = ""
    fault: str | None = None

    def as_data(self):
        return asdict(self)


def configuration(engine, tag):
    """The part of an image's configuration that decides how it runs; `{}` for scratch."""
    image = engine.inspect(tag)
    config = (image or {}).get("Config") or {}
    return {key: config.get(key) or None for key in CONFIG}


def observe(engine, app, tag, base, gateway):
    """Starts `tag`, asks it what lab.toml says, stops it. Never raises on what the image does."""
    image = engine.inspect(tag)
    trial = Trial(size=image["Size"], layers=len(image["RootFS"]["Layers"]))
    trial.config = configuration(engine, tag)
    trial.inherited = configuration(engine, base)
    name = re.sub(r"[^a-z0-9-]", "-", f"{LABEL}-{tag}")
    command = ["--network", NETWORK, "--label", LABEL]
    if app.upstream:
        command += ["--add-host", f"upstream.lab:{gateway}"]
    for key, value in app.env.items():
        command += ["--env", f"{key}={value}"]
    engine.try_run("rm", "--force", "--volumes", name)
    try:
        started = engine.try_run("run", "--detach", "--name", name, *command, tag, *app.args)
        if started.returncode:
            trial.fault = "does not start: " + started.stdout.strip().splitlines()[-1]
            return trial
        try:
            {"serve": serve, "exit": until_exit, "log": until_logged}[app.mode](engine, app, name, trial)
        except TimeoutError as late:
            trial.fault = str(late)
        if app.mode == "exit":
            trial.uid = user_of_image(engine, tag, trial.config["User"])
        trial.output = mask(app, engine.try_run("logs", name).stdout)
    finally:
        engine.try_run("rm", "--force", "--volumes", name)
    return trial


def serve(engine, app, name, trial):
    """Waits for the port, makes the requests, runs the health check, stops."""
    address = wait_for_port(engine, app, name)
    trial.uid = user_of_process(engine, name)
    for request in app.requests:
        trial.answers.append(ask(app, address, request))
    check = (trial.config["Healthcheck"] or {}).get("Test") or ["NONE"]
    if check[0] != "NONE":
        test = check[1:] if check[0] == "CMD" else ["/bin/sh", "-c", *check[1:]]
        trial.health = engine.try_run("exec", name, *test).returncode
    trial.exit_code = stop(engine, name)


def until_exit(engine, app, name, trial):
    """Waits for the end of a program that ends by itself."""
    try:
        trial.exit_code = int(engine.run("wait", name, timeout=app.wait))
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"still running after {app.wait:g} s") from None


def until_logged(engine, app, name, trial):
    """Waits for a line in the output of a program that never ends, then stops it."""
    end = time.monotonic() + app.wait
    while not re.search(app.log, engine.try_run("logs", name).stdout):
        exited(engine, name)
        if time.monotonic() > end:
            raise TimeoutError(f"did not print /{app.log}/ within {app.wait:g} s: {last_line(engine, name)}")
        time.sleep(0.3)
    trial.uid = user_of_process(engine, name)
    trial.exit_code = stop(engine, name)


def stop(engine, name):
    """The exit code after the stop signal; 137 where it had to be killed."""
    engine.try_run("stop", "--time", "5", name)
    return (engine.inspect(name) or {}).get("State", {}).get("ExitCode")


def exited(engine, name):
    state = (engine.inspect(name) or {"State": {}})["State"]
    if state.get("Status") != "running":
        raise TimeoutError(f"exited at once with {state.get('ExitCode')}: {last_line(engine, name)}")


def last_line(engine, name):
    lines = engine.try_run("logs", "--tail", "20", name).stdout.strip().splitlines()
    telling = [line for line in lines if re.search(r"error|denied|cannot|not found|no such|failed|exception", line, re.I)]
    return (telling or lines or ["no output"])[-1].strip()[:240]


def wait_for_port(engine, app, name):
    """The container's address once something listens there."""
    end = time.monotonic() + app.wait
    while True:
        exited(engine, name)
        address = engine.inspect(name)["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
        try:
            socket.create_connection((address, app.port), timeout=2).close()
            return address
        except OSError:
            if time.monotonic() > end:
                raise TimeoutError(f"nothing listens on port {app.port} after {app.wait:g} s: {last_line(engine, name)}") from None
            time.sleep(0.2)


def ask(app, address, request):
    """One request and its answer: HTTP, or with `send` raw bytes over TCP."""
    answer = {"request": describe(request)}
    try:
        if "send" in request:
            with socket.create_connection((address, app.port), timeout=10) as link:
                link.sendall(request["send"].encode())
                link.shutdown(socket.SHUT_WR)
                data = b"".join(iter(lambda: link.recv(65536), b""))
            answer.update(body=mask(app, data.decode(errors="replace")))
        else:
            body, headers = payload(request)
            # The address is another one each time, and servers write what they were called into what they answer.
            headers.setdefault("Host", f"localhost:{app.port}")
            link = http.client.HTTPConnection(address, app.port, timeout=20)
            link.request(request.get("method", "POST" if body else "GET"), request.get("path", "/"), body, headers)
            reply = link.getresponse()
            data = reply.read()
            answer.update(status=reply.status, type=reply.getheader("Content-Type"), location=reply.getheader("Location"),
                          body=mask(app, data.decode(errors="backslashreplace")))
            link.close()
    except (OSError, http.client.HTTPException) as fault:
        answer["error"] = f"{type(fault).__name__}: {fault}"
    answer["unexpected"] = unexpected(request, answer)
    return answer


def describe(request):
    return repr(request["send"]) if "send" in request else f"{request.get('method', 'POST' if payload(request)[0] else 'GET')} {request.get('path', '/')}"


def payload(request):
    """Body and headers: `json`, `body`, or `upload` as a browser's form would send it."""
    headers = dict(request.get("headers", {}))
    if "json" in request:
        return json.dumps(request["json"]).encode(), {"Content-Type": "application/json", **headers}
    if "upload" in request:
        part = request["upload"]
        data = base64.b64decode(part["base64"]) if "base64" in part else part["text"].encode()
        head = f'--lab\r\nContent-Disposition: form-data; name="{part["field"]}"; filename="{part["name"]}"\r\nContent-Type: {part.get("type", "application/octet-stream")}\r\n\r\n'
        return head.encode() + data + b"\r\n--lab--\r\n", {"Content-Type": "multipart/form-data; boundary=lab", **headers}
    return (request["body"].encode() if "body" in request else None), headers


def unexpected(request, answer):
    """Why an answer is not what lab.toml expects; None if it is."""
    if "error" in answer:
        return answer["error"]
    if "send" not in request and answer["status"] != request.get("status", 200):
        return f"status {answer['status']} instead of {request.get('status', 200)}: {answer['body'].strip()[:120]}"
    if request.get("contains", "") not in answer["body"]:
        return f"no {request['contains']!r} in {answer['body'].strip()[:120]!r}"
    return None


def mask(app, text):
    """Takes out what differs from one run to the next (times, process ids, addresses)."""
    for pattern in app.mask:
        text = re.sub(pattern, "…", text)
    return text


def user_of_process(engine, name):
    """The numeric user of the container's first process, asked of the kernel: it needs no shell inside."""
    pid = engine.inspect(name)["State"]["Pid"]
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return re.search(r"^Uid:\s+(\d+)", status, re.M)[1]
    except (OSError, TypeError):
        return "?"


def user_of_image(engine, tag, user):
    """`id -u` in an image whose own program is over too soon to be asked."""
    done = engine.try_run("run", "--rm", "--network", "none", "--entrypoint", "id", tag, "-u", stderr=subprocess.DEVNULL)
    if done.returncode == 0:
        return done.stdout.strip()
    head = (user or "0").split(":")[0]
    return "0" if head == "root" else head


class Upstream:
    """An HTTPS server on the lab's network, for applications that call another one."""

    def __init__(self, gateway, authority):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"status":"up"}\n'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority / "server.pem", authority / "server.key")
        self.server = http.server.ThreadingHTTPServer((gateway, 8443), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
