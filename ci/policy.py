"""Rules that no compiler checks. policy.py [FOLDER]: prints each breach as `RULE: file:line: text`."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
BUILT = {"target", ".git", ".tools", ".zig", ".zig-cache", "zig-out", "zig-pkg"}
breaches = []


def breach(rule, file, line, text):
    breaches.append(f"{rule}: {file}:{line}: {text.strip()}")


def files():
    for folder, names, found in os.walk(ROOT):
        names[:] = sorted(set(names) - BUILT)
        for name in sorted(set(found) - BUILT):
            path = Path(folder) / name
            try:
                yield path.relative_to(ROOT), path.read_text()
            except UnicodeDecodeError:
                pass


# The patterns are written so that they do not find themselves.
HOSTS = r"(static\.|index\.)?crates\.io|pypi\.org|pythonhosted\.org|npmjs\.(org|com)|ziglang\.org|debian\.org|rust-lang\.org"
LINES = [
    ("registry host", r"(?i)https?://\S*(" + HOSTS + r")|\b(?<!docs\.)(" + HOSTS + r")/", "*"),
    ("machine path", r"(?<![\w.])/(root|work|Users|mnt|home/(?!user/))[/]", "*"),
    ("machine path", r"(?<![\w.])/tmp/\w", "*"),
    ("unfinished", r"\b(todo|unimplemented)!|\b(FIXME|XXX|TODO)\b", "*"),
    ("sleeping test", r"\bthread::sleep\b|\bstd\.Thread\.sleep\b", "tests"),
]


def lines():
    for path, text in files():
        if path.name == "Cargo.lock" or path.parts[:2] == ("ci", "policy.py"):
            continue
        in_tests = "tests" in path.parts
        for number, line in enumerate(text.splitlines(), 1):
            for rule, pattern, where in LINES:
                if (where == "*" or in_tests) and re.search(pattern, line):
                    breach(rule, path, number, line)


def manifests():
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"]
    command += ["--manifest-path", str(ROOT / "Cargo.toml")]
    for package in json.loads(subprocess.check_output(command))["packages"]:
        manifest = Path(package["manifest_path"])
        here = manifest.relative_to(ROOT)
        if not re.search(r"^\[lints\]\nworkspace = true$|^lints\.workspace = true$", manifest.read_text(), re.M):
            breach("lints", here, 1, f"{package['name']} does not have the lints of the workspace")
        if here.parts[0] == "adapters":
            root = manifest.parent / "src/lib.rs"
            if "#![forbid(unsafe_code)]" not in root.read_text():
                breach("unsafe adapter", root.relative_to(ROOT), 1, "no #![forbid(unsafe_code)]")


def one(path, pattern):
    """The first group of the only match."""
    found = re.findall(pattern, (ROOT / path).read_text(), re.M)
    if len(found) != 1:
        breach("drift", path, 1, f"{len(found)} matches for {pattern}")
        return None
    return found[0]


def same(what, rust, zig):
    if rust is None or rust != zig:
        breach("drift", "zig/src/abi.zig", 1, f"{what}: {rust} in Rust, {zig} in Zig")


def fields_of(struct):
    """The names of the fields of an extern struct of Zig, in order."""
    return re.findall(r"^    (\w+): ", struct, re.M)


def border():
    rust, zig = "core/src/abi.rs", "zig/src/abi.zig"
    number = one(rust, r"^pub const ABI_NUMBER: u32 = (\d+);")
    same("the ABI number", number, one(zig, r"^pub const abi_number: u32 = (\d+);"))
    same("the magic number", one(rust, r"^pub const MAGIC: u32 = (\w+);"), one(zig, r"^pub const magic: u32 = (\w+);"))

    zig_text, rust_text = (ROOT / zig).read_text(), (ROOT / rust).read_text()
    structs = dict(re.findall(r"^pub const (\w+) = extern struct \{\n(.*?)^\};", zig_text, re.M | re.S))
    table = re.search(r"^layout_table! \{\n(.*?)^\}", rust_text, re.M | re.S).group(1)
    for name, fields in re.findall(r"(\w+) \{ (.*?) \}", table):
        same(f"the fields of {name}", re.split(r",\s*", fields), fields_of(structs.get(name, "")))

    # Numbers: enums in Rust, namespaces of constants in Zig.
    renamed = {"error": "failed"}
    for name, body in re.findall(r"^#\[repr\(u32\)\]\npub enum (\w+) \{\n(.*?)^\}", rust_text, re.M | re.S):
        ours = {}
        for variant, value in re.findall(r"^    (\w+) = (\d+),", body, re.M):
            snake = re.sub(r"(?<!^)(?=[A-Z])", "_", variant).lower()
            ours[renamed.get(snake, snake)] = value
        theirs = re.search(rf"^pub const {name} = struct \{{\n(.*?)^\}};", zig_text, re.M | re.S)
        theirs = dict(re.findall(r"pub const (\w+): u32 = (\d+);", theirs.group(1))) if theirs else {}
        same(f"the numbers of {name}", ours, theirs)

    exported, wanted = set(), set()
    for path, text in files():
        if path.parts[:2] not in (("core", "src"), ("zig", "src")):
            continue
        for line_number, line in enumerate(text.splitlines(), 1):
            for symbol_number in re.findall(r"\bzf(\d+)_", line):
                if symbol_number != number:
                    breach("drift", path, line_number, f"the symbol is not of ABI {number}: {line}")
        exported.update(re.findall(r"\bfn (zf\d+_\w+)", text) if path.parts[0] == "core" else [])
        wanted.update(re.findall(r"\bextern fn (zf\d+_\w+)", text) if path.parts[0] == "zig" else [])
    for symbol in sorted(wanted - exported):
        breach("drift", "zig/src/host.zig", 1, f"Rust does not export {symbol}")


lines()
manifests()
border()
print("\n".join(breaches) or "no breach")
sys.exit(1 if breaches else 0)
