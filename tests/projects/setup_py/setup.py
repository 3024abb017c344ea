from setuptools import find_packages, setup

setup(
    name="legacy",
    packages=find_packages(exclude=["legacy_tests"]),
    python_requires=">=3.9",
    install_requires=["dagster", "dagster-postgres"],
    extras_require={"dev": ["dagster-webserver", "pytest"]},
)
