# Sourced by the scripts of this folder. Everything that they install goes to .tools/, which git
# ignores; nothing is installed system-wide.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ci/versions.sh
root=$PWD
tools=$root/.tools

say() { printf '\n== %s\n' "$*"; }

# zig_command VERSION: prints the command that runs this Zig; installs it first if need be.
zig_command() {
  local version=$1 venv=$tools/zig-$1
  if [ ! -e "$venv/complete" ]; then
    printf 'Installing Zig %s from the Python package ziglang into .tools/zig-%s\n' "$version" "$version" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check "ziglang==$version" >&2
    touch "$venv/complete"
  fi
  printf '%s' "$venv/bin/python -m ziglang"
}

# use_zig VERSION: cargo and the tests find this Zig.
use_zig() {
  ZIG=$(zig_command "$1")
  export ZIG
}
