import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Counts how often code was started: the code itself says so, over HTTP, as the first thing that it does. */
export class StartCounter {
  private readonly starts = new Map<string, number>();
  private readonly server: Server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    this.starts.set(name, this.of(name) + 1);
    response.end('ok');
  });

  /** Settings of a worker whose code can reach it. */
  readonly settings = { NETWORK: 'open' } as const;

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** How often code said so under this name. */
  of(name: string): number {
    return this.starts.get(name) ?? 0;
  }

  /** Names that something was counted under. */
  get names(): string[] {
    return [...this.starts.keys()];
  }

  /**
   * A statement for asynchronous code; `name` is an expression of it, such as `context.executionId`. Without fetch,
   * which takes a process that has not used it yet 70 ms of CPU, five times as much.
   */
  count(name: string): string {
    const { port } = this.server.address() as AddressInfo;
    const url = `'http://127.0.0.1:${port}/' + encodeURIComponent(${name})`;
    // In one line, so that the lines of what follows stay what they are.
    return `await new Promise((done, no) => process.getBuiltinModule('node:http').get(${url}, { agent: false }, (answer) => answer.resume()).once('close', done).once('error', no));`;
  }
}
