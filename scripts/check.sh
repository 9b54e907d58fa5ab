#!/bin/sh
# `npm run check`: the inner loop, without servers: types, lint, architecture and unit tests. Arguments go to jest.
cd "$(dirname "$0")/.." || exit 1
. scripts/setup.sh

lock
install_packages
unlock

failed=0
# The linter checks types too, those of the console as well.
lint || failed=1
node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js \
  src test/architecture "$@" || failed=1
exit "$failed"
