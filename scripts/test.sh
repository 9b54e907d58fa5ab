#!/bin/sh
# `npm test`: makes what is missing, then lint, format, types, build and every test. The last line is
# "N passed, N failed"; a step that fails counts as one failure. Arguments go to jest.
cd "$(dirname "$0")/.." || exit 1
. scripts/setup.sh

lock
install_packages
require_redis_server \
  'The tests start redis-servers of their own and there is none here. One of these helps:' \
  '  apt-get install -y redis-server   as root' \
  '  brew install redis                on macOS' \
  '  dnf install valkey                elsewhere; make sure that redis-server is on PATH'
want_bubblewrap
require_postgres \
  'The tests of the archive start Postgres servers of their own and there is none here. One of these helps:' \
  '  apt-get install -y postgresql   as root' \
  '  brew install postgresql         on macOS' \
  '  dnf install postgresql-server   elsewhere; make sure that initdb is on PATH'
require_chromium \
  'The tests of the console use a browser and there is none here. One of these helps:' \
  '  apt-get install -y chromium   as root' \
  '  brew install chromium         on macOS' \
  '  dnf install chromium          elsewhere; make sure that chromium is on PATH'
require_cluster_tools \
  'The tests of deploy/ render the chart and the kustomize folders, and helm or kubectl is not here. One of these helps:' \
  '  brew install helm kubectl          on macOS' \
  '  https://helm.sh, https://kubernetes.io/docs/tasks/tools elsewhere; make sure that both are on PATH'
unset REDIS_URL DATABASE_URL BIFROST_REDIS_URL BIFROST_DATABASE_URL

failed_steps=0
step() {
  say "$1"
  shift
  "$@" && return
  say "failed: $*"
  failed_steps=$((failed_steps + 1))
}

# The linter checks all types, those of the console too, so the build need not.
step 'lint and types' lint
types_are_checked=yes
step 'format' oxfmt --check .
step 'build' build
unlock

say 'tests'
# run_jest NAME ARGUMENTS: leaves NAME-report.json.
run_jest() {
  report=.bifrost/$1-report.json
  shift
  rm -f "$report"
  node --experimental-vm-modules --disable-warning=ExperimentalWarning \
    node_modules/jest/bin/jest.js --json --outputFile="$report" "$@"
}

if [ $# -gt 0 ]; then
  run_jest test "$@"
  node scripts/count-tests.mjs "$failed_steps" .bifrost/test-report.json $?
  exit
fi
# Left to `npm run test:long`; packages-smoke.spec.ts and bench.spec.ts are the short part of them.
LONG_TESTS='test/e2e/code/packages.spec.ts test/e2e/measuring/(workspace|start|isolation)-bench'
# This suite waits for leases and locks to expire, nearly all of its time: it runs beside the others.
run_jest failover test/e2e/operation/failover.spec.ts >.bifrost/failover.log 2>&1 &
failover=$!
# Three files at a time: most of them wait for processes more than they compute; with four they only get in the way of each other.
run_jest test --maxWorkers=3 --testPathIgnorePatterns /node_modules/ \
  test/e2e/operation/failover.spec.ts $LONG_TESTS
code=$?
wait "$failover"
failover_code=$?
cat .bifrost/failover.log
node scripts/count-tests.mjs "$failed_steps" .bifrost/test-report.json "$code" \
  .bifrost/failover-report.json "$failover_code"
