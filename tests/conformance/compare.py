#!/usr/bin/env python3
"""Compares how `dockwright parse` and BuildKit read Dockerfiles, instruction by instruction.

    compare.py OURS THEIRS

OURS and THEIRS are files of JSON lines, one a Dockerfile, in the same order: see README.md beside this script. Prints each
kind of difference with a count and an example, and exits with 1 where there is any.
"""
import collections
import json
import sys

FIELDS = ("name", "flags", "args", "json", "heredocs", "start_line", "end_line")


def differences(ours, theirs):
    if ours["path"] != theirs["path"]:
        sys.exit(f"not the same files: {ours['path']} and {theirs['path']}")
    if (ours["error"] is None) != (theirs["error"] is None):
        which = "only we refuse" if ours["error"] else "only BuildKit refuses"
        yield which, ours["error"] or theirs["error"]
        return
    if theirs["error"]:
        return
    if ours["escape"] != theirs["escape"]:
        yield "escape", f"{ours['escape']} and {theirs['escape']}"
    if len(ours["instructions"]) != len(theirs["instructions"]):
        yield "number of instructions", f"{len(ours['instructions'])} and {len(theirs['instructions'])}"
        return
    for one, other in zip(ours["instructions"], theirs["instructions"]):
        for field in FIELDS:
            if one[field] != other[field]:
                yield f"{field} of {other['name'].upper()}", f"line {other['start_line']}: {one[field]!r} and {other[field]!r}"


def main():
    counts, examples, files = collections.Counter(), {}, 0
    with open(sys.argv[1], encoding="utf-8") as ours, open(sys.argv[2], encoding="utf-8") as theirs:
        for one, other in zip(ours, theirs, strict=True):
            files += 1
            one, other = json.loads(one), json.loads(other)
            for kind, text in differences(one, other):
                counts[kind] += 1
                examples.setdefault(kind, []).append(f"{one['path']}: {text[:300]}")
    for kind, count in counts.most_common():
        print(f"{count:7} {kind}")
        for example in examples[kind][:3]:
            print(f"        {example}")
    print(f"{files} files, {sum(counts.values())} differences")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
