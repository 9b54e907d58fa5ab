import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A package as the tests write it: files by path, and what its package.json has beside name and version. */
export interface TestPackage {
  name: string;
  version: string;
  files?: Record<string, string | Buffer>;
  manifest?: Record<string, unknown>;
}

/** An npm registry of the tests' own, on a loopback port. */
export interface TestRegistry {
  url: string;
  /** Paths that were asked for, oldest first. */
  requests: string[];
  /** Adds a version, also while the registry runs. */
  publish(one: TestPackage): void;
  /** Tarballs of this package are not answered until the returned function is called. */
  hold(name: string): () => void;
  /** Resolves when a tarball of a held package was asked for. */
  asked(name: string): Promise<void>;
  stop(): Promise<void>;
}

interface Version {
  tarball: Buffer;
  manifest: Record<string, unknown>;
}

const BLOCK = 512;

/** Starts a registry with these packages. With a token, every request must carry it. */
export async function startRegistry(packages: readonly TestPackage[], token?: string): Promise<TestRegistry> {
  const versions = new Map<string, Map<string, Version>>();
  const held = new Map<string, { open: Promise<void>; asked: PromiseWithResolvers<void> }>();
  const requests: string[] = [];
  const publish = (one: TestPackage) => {
    const manifest = { name: one.name, version: one.version, ...one.manifest };
    const known = versions.get(one.name) ?? new Map<string, Version>();
    known.set(one.version, {
      manifest,
      tarball: pack(manifest, one.files ?? { 'index.js': 'module.exports = 1;' }),
    });
    versions.set(one.name, known);
  };
  for (const one of packages) publish(one);

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname).slice(1);
    requests.push(path);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return sendJson(response, 401, { error: 'token needed' });
    }
    const [name, file] = path.split('/-/') as [string, string | undefined];
    const known = versions.get(name);
    if (known === undefined) return sendJson(response, 404, { error: 'Not found' });
    if (file === undefined) return sendJson(response, 200, packument(name, known, baseUrl()));
    const gate = held.get(name);
    gate?.asked.resolve();
    await gate?.open;
    const found = known.get(file.replace(/\.tgz$/, ''));
    if (found) response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball);
    else sendJson(response, 404, { error: 'Not found' });
  };
  const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: baseUrl(),
    requests,
    publish,
    hold(name) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(name, { open: promise, asked: Promise.withResolvers<void>() });
      return () => {
        held.delete(name);
        resolve();
      };
    },
    async asked(name) {
      await held.get(name)?.asked.promise;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function packument(name: string, versions: Map<string, Version>, base: string): unknown {
  const entries = [...versions].map(([version, { manifest, tarball }]) => {
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    const scripts = (manifest['scripts'] ?? {}) as Record<string, string>;
    const hasInstallScript = 'postinstall' in scripts || 'install' in scripts;
    const dist = { integrity, tarball: `${base}${name}/-/${version}.tgz` };
    return [version, { ...manifest, dist, ...(hasInstallScript ? { hasInstallScript } : {}) }];
  });
  return {
    name,
    'dist-tags': { latest: [...versions.keys()].at(-1) },
    versions: Object.fromEntries(entries),
  };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The tarball of a package: ustar, everything below `package/`. */
function pack(manifest: Record<string, unknown>, files: Record<string, string | Buffer>): Buffer {
  const all = { 'package.json': JSON.stringify(manifest), ...files };
  const parts = Object.entries(all).flatMap(([path, content]) => {
    const body = typeof content === 'string' ? Buffer.from(content) : content;
    return [
      tarHeader(`package/${path}`, body.length),
      body,
      Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK),
    ];
  });
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

function tarHeader(path: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0, 100);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 7)} `, 148);
  return header;
}
