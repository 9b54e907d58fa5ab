import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from '@jest/globals';

/**
 * Counts how much code of a name runs at once: the code itself holds a connection while it runs, which ends with its
 * process, whatever kills that.
 */
export class RunGauge {
  private readonly running = new Map<string, number>();
  private readonly most = new Map<string, number>();
  private readonly server: Server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    this.count(name, 1);
    response.on('close', () => this.count(name, -1));
    response.write('.');
  });

  /** Settings of a worker whose code can reach it. */
  readonly settings = { NETWORK: 'open' } as const;

  async start(): Promise<void> {
    this.server.keepAliveTimeout = 1;
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** How many run now. */
  of(name: string): number {
    return this.running.get(name) ?? 0;
  }

  /** The most that ran at once since this was asked last. */
  takeMost(name: string): number {
    const most = this.most.get(name) ?? 0;
    this.most.set(name, this.of(name));
    return most;
  }

  /** The code of a function that runs for this long under a name. */
  code(name: string, ms: number): string {
    const { port } = this.server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/${encodeURIComponent(name)}`;
    return `export default async () => {
      const held = await fetch('${url}');
      await new Promise((resolve) => setTimeout(resolve, ${ms}));
      await held.body.cancel();
      return 1;
    }`;
  }

  private count(name: string, change: number): void {
    const now = this.of(name) + change;
    this.running.set(name, now);
    this.most.set(name, Math.max(this.most.get(name) ?? 0, now));
  }
}

/** A gauge for the suite that calls it. */
export function useRunGauge(): RunGauge {
  const gauge = new RunGauge();
  beforeAll(() => gauge.start());
  afterAll(() => gauge.stop());
  return gauge;
}
