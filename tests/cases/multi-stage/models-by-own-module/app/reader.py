from functools import lru_cache

from paddleocr import PaddleOCR


@lru_cache
def engine():
    return PaddleOCR(lang="en", show_log=False)


def warm():
    engine()
