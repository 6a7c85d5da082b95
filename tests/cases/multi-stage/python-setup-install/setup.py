from setuptools import setup
setup(name="mytool", entry_points={"console_scripts": ["mytool = mytool:main"]})
