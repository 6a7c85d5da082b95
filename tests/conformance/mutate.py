#!/usr/bin/env python3
"""Makes Dockerfiles that nobody wrote, by splicing those of the golden set, and prints their names.

    mutate.py SEED COUNT FOLDER
"""
import pathlib
import random
import sys

PIECES = [
    b"\\\n", b"\\", b"`", b'"', b"'", b"<<", b"<<-", b"EOF", b"\n", b"\r\n", b" ", b"\t", b"#", b"--", b"=", b"[", b"]",
    b",", b"$", b"${", b"}", b":-", b"/", b"(", b")", b"\xc2\xa0", b"\xc3\xa0", b"\xff", b"\x85", b"\x0b", b"\x0c",
    b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"RUN ", b"COPY ", b"ENV ", b"ONBUILD ", b"HEALTHCHECK ", b"CMD ", b"ARG ",
    b"LABEL ", b"VOLUME ", b"AS ", b"FROM a\n", b"# escape=`\n", b"--from=", b"A=", b"\\u00e9", b"\\ud800",
]


def mutate(chance, texts):
    text = bytearray(chance.choice(texts))
    for _ in range(chance.choice([1, 1, 2, 3, 5])):
        at = chance.randrange(len(text) + 1)
        kind = chance.random()
        if kind < 0.5:
            text[at:at] = chance.choice(PIECES)
        elif kind < 0.65:
            del text[at : at + chance.randrange(1, 6)]
        elif kind < 0.8:
            other = chance.choice(texts)
            start = chance.randrange(len(other) + 1)
            text[at:at] = other[start : start + chance.randrange(1, 30)]
        else:
            text[at : at + 1] = chance.choice(PIECES)
    return bytes(text)


def main():
    seed, count, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    golden = pathlib.Path(__file__).parent.parent / "golden"
    texts = [path.read_bytes() for path in sorted(golden.glob("*/*.Dockerfile"))]
    texts = [text for text in texts if len(text) < 3000]
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    for number in range(count):
        path = folder / f"{number}.Dockerfile"
        path.write_bytes(mutate(chance, texts))
        print(path)


if __name__ == "__main__":
    main()
