#!/usr/bin/env python3
"""Asks `bash -n` about every script of a shell form that we don't read.

    dockwright parse --shell --files-from FILES | shell.py

Prints how many scripts are read, foreign (PowerShell, cmd, an interpreter) and opaque, and each opaque one that bash
accepts; exits with 1 where there is any.
"""
import collections
import json
import subprocess
import sys


def script(instruction):
    heredocs = instruction["heredocs"]
    if instruction["name"] == "healthcheck":
        return " ".join(instruction["args"][1:])
    text = " ".join(instruction["args"])
    if len(heredocs) == 1 and len(text.split()) == 1 and "<<" in text:
        return heredocs[0]["content"]
    return text + "".join("\n" + one["content"] + one["name"] for one in heredocs)


def accepts(text):
    return subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True).returncode == 0


def main():
    counts, wrong = collections.Counter(), 0
    for line in sys.stdin:
        answer = json.loads(line)
        for instruction in answer["instructions"]:
            kind = instruction.get("shell")
            if kind is None:
                continue
            counts[kind] += 1
            if kind == "opaque" and accepts(script(instruction)):
                wrong += 1
                print(f"{answer['path']}, line {instruction['start_line']}: bash reads it")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) + f"; {wrong} that bash reads")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
