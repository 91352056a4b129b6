"""The packages of a workspace and their features, as `cargo metadata` knows them.

packages.py --publishable          prints the names of the packages that are published
packages.py --features [MANIFEST]  prints, for each of them, the ways to check it alone:
                                   its name, a tab, arguments of cargo
packages.py --tests PACKAGE        prints the names of the package's integration tests
packages.py --programs PACKAGE     prints the names of its programs
"""

import json
import subprocess
import sys


def packages(manifest):
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--manifest-path", manifest]
    return json.loads(subprocess.check_output(command))["packages"]


def publishable(manifest):
    return sorted((p for p in packages(manifest) if p["publish"] != []), key=lambda p: p["name"])


def targets(name, kind):
    (package,) = (p for p in packages("Cargo.toml") if p["name"] == name)
    return sorted(t["name"] for t in package["targets"] if kind in t["kind"])


def feature_sets(package):
    # A feature that works only beside another one says so: package.metadata.alone.
    beside = (package["metadata"] or {}).get("alone", {})
    yield "--no-default-features"
    for feature in sorted(package["features"]):
        if feature != "default":
            together = ",".join([feature, *beside.get(feature, [])])
            yield f"--no-default-features --features={together}"
    yield ""
    yield "--all-features"


def main():
    kinds = {"--tests": "test", "--programs": "bin"}
    if sys.argv[1] in kinds:
        print("\n".join(targets(sys.argv[2], kinds[sys.argv[1]])))
        return
    what, manifest = sys.argv[1], (sys.argv[2:] or ["Cargo.toml"])[0]
    for package in publishable(manifest):
        if what == "--publishable":
            print(package["name"])
        else:
            for arguments in feature_sets(package):
                print(f"{package['name']}\t{arguments}")


main()
