#!/bin/sh
# `npm run bench…`: makes what is missing, then runs a program of bench/ with the remaining arguments.
cd "$(dirname "$0")/.." || exit 1
. scripts/setup.sh

lock
install_packages
require_redis_server 'The benchmarks start a redis-server of their own and there is none here; put one on PATH.'
build || fail 'the build failed'
unlock

program=$1
shift
exec node "bench/$program" "$@"
