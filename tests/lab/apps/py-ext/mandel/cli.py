import pathlib

from . import _core


def main():
    palette = (pathlib.Path(__file__).parent / "palette.txt").read_text().rstrip("\n")
    for row in range(-6, 7):
        print("".join(palette[_core.steps(col / 20, row / 6) * (len(palette) - 1) // 50] for col in range(-40, 15)).rstrip())
