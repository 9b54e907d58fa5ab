import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { openRedis, type RedisClient } from '../../../src/redis/connections.js';
import { until } from '../until.js';

/** A redis-server, or a Sentinel, that can be frozen, killed and started again on its port. It ends with this process. */
export class RedisProcess {
  private child: ChildProcess | null = null;
  private client: RedisClient | null = null;

  /** @param args as for `redis-server`, with the port and the folder of its data */
  constructor(
    readonly port: number,
    private readonly args: readonly string[],
  ) {}

  /** Resolves once it answers. */
  async start(): Promise<void> {
    // The kernel ends it when this process ends, however that happens.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'redis-server', ...this.args], {
      stdio: 'ignore',
    });
    this.child = child;
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`redis-server ended (${child.exitCode})`);
        return this.ask('PING').then((answer) => answer === 'PONG');
      },
      { timeoutMs: 30_000, what: `the redis-server on port ${this.port} answers` },
    );
  }

  async kill9(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Asks by a connection of its own, which fails within a second. */
  async ask(command: string, ...args: string[]): Promise<unknown> {
    if (this.client === null) {
      this.client = openRedis(`redis://127.0.0.1:${this.port}`, 'impatient', 'bifrost-test-servers');
      this.client.on('error', () => undefined);
    }
    return this.client.call(command, args);
  }

  async dispose(): Promise<void> {
    this.thaw();
    this.client?.disconnect();
    this.client = null;
    await this.kill9();
  }
}

/** Ports of loopback that are free now, all below the bus ports of a Cluster. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

/** As in production: every write is in the append-only file within a second. */
export const dataArgs = (port: number, dir: string): string[] =>
  Object.entries({
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    loglevel: 'warning',
    appendonly: 'yes',
    'maxmemory-policy': 'noeviction',
    'repl-diskless-sync-delay': '0',
  }).flatMap(([name, value]) => [`--${name}`, value]);
