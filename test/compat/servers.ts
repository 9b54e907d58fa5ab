import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { TEST_CERTIFICATE } from '../support/servers/test-certificate.js';
import type { TestPostgres } from '../support/servers/test-postgres.js';
import type { ServerPorts } from './uses-servers.js';

const SERVERS = ['mysql2', 'smtp-server'];
const PROGRAM = new URL('./npm-servers.mjs', import.meta.url).pathname;

/** Servers that the clients of packages speak to: Postgres, those that packages from npm bring, and Node's own. */
export class CompatServers {
  private readonly own: Server[] = [];
  private child: ChildProcess | null = null;

  /** @param folder an empty one, for the packages of the servers */
  async start(folder: string, postgres: TestPostgres): Promise<ServerPorts> {
    const url = new URL(await postgres.createDatabase());
    return {
      postgres: Number(url.port),
      http: await this.listen(createServer(echo)),
      https: await this.listen(createSecureServer(TEST_CERTIFICATE, echo)),
      ...(await this.ofPackages(folder)),
    };
  }

  stop(): void {
    for (const server of this.own) server.close().closeAllConnections();
    this.child?.kill();
  }

  private async listen(server: Server): Promise<number> {
    this.own.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  private async ofPackages(folder: string): Promise<Pick<ServerPorts, 'mysql' | 'smtp'>> {
    await mkdir(folder, { recursive: true });
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...SERVERS];
    await promisify(execFile)('npm', args);
    const child = spawn(process.execPath, [PROGRAM, folder, JSON.stringify(TEST_CERTIFICATE)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    const lines = createInterface({ input: child.stdout });
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(30_000) })) as [string];
    return JSON.parse(line) as Pick<ServerPorts, 'mysql' | 'smtp'>;
  }
}

/** Method, path and number of bytes; by both protocols. */
const echo: RequestListener = (request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => response.end(`${request.method} ${request.url} ${bytes}`));
};
