from setuptools import setup

setup(name="echo", packages=["echo"])
