from setuptools import Extension, setup

setup(
    name="mandel",
    version="0.1",
    packages=["mandel"],
    package_data={"mandel": ["palette.txt"]},
    ext_modules=[Extension("mandel._core", ["mandel/_core.c"])],
    entry_points={"console_scripts": ["mandel = mandel.cli:main"]},
)
