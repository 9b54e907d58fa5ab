#!/bin/sh
# `npm start`: makes what is missing (npm packages, a redis-server, the build), then becomes the worker.
# Arguments go to the worker: npm start -- --id w1
cd "$(dirname "$0")/.." || exit 1
. scripts/setup.sh

lock
install_packages
[ -n "${REDIS_URL:-}${BIFROST_REDIS_URL:-}${REDIS_URL_FILE:-}${BIFROST_REDIS_URL_FILE:-}" ] || require_redis_server \
  'There is no redis-server here and REDIS_URL is not set. One of these helps:' \
  '  REDIS_URL=redis://host:6379 npm start   use a Redis that you have' \
  '  docker compose up -d redis              then REDIS_URL=redis://127.0.0.1:6379 npm start' \
  '  apt-get install -y redis-server         as root; elsewhere: brew install redis, dnf install valkey'
want_bubblewrap
build || fail 'The build failed; the errors of the compiler are above.'
unlock

# npm itself: when it is killed, nobody is left who would stop the worker.
export LAUNCHER_PID="$PPID"

# A person reads along; a container starts dist/main.js itself and gets JSON lines.
export LOG_FORMAT="${LOG_FORMAT:-pretty}"

# exec, and no shell in between: a signal to npm reaches the worker, which drains.
exec node --enable-source-maps dist/main.js "$@"
