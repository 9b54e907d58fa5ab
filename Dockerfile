# syntax=docker/dockerfile:1
# Name it by its digest to build the same image again: --build-arg NODE_IMAGE=node:26-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:26-bookworm-slim

FROM ${NODE_IMAGE} AS build
# Time of every file in the image, in Unix seconds: git log -1 --format=%ct
ARG SOURCE_DATE_EPOCH=0
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /source
COPY package.json package-lock.json ./
COPY packages packages
RUN npm ci --loglevel=error --no-audit --no-fund
COPY LICENSE nest-cli.json tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY console console
COPY site site
COPY docs docs
COPY schemas schemas
COPY *.md ./
RUN npm run build \
  && node scripts/assemble.ts /app \
  && install -d -o node -g node /app/dist/.compile-cache
# What V8 compiles is kept for the user that runs it; a start of a read-only container then compiles nothing.
USER node
RUN node scripts/warm.ts /app

FROM ${NODE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bifrost-worker" \
  org.opencontainers.image.description="Runs other people's JavaScript and TypeScript, isolated, from a BullMQ queue" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# Processes that user code leaves behind become children of process 1; tini reaps them. With bubblewrap, where
# the container may make user namespaces, runners are isolated at the level `namespace`.
# Debian's own versions, which it mends: a pinned one is gone after the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends bubblewrap tini \
  && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
  && install -d -o node -g node /var/cache/bifrost/packages \
  && ln -s /app/dist/cli/bifrost.js /usr/local/bin/bifrost
WORKDIR /app
COPY --from=build /app ./
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
