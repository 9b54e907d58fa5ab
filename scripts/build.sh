#!/bin/sh
# `npm run build`: compiles and bundles everything anew.
cd "$(dirname "$0")/.." || exit 1
. scripts/setup.sh

lock
rm -rf dist
build || fail 'The build failed; its errors are above.'
