import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/**
 * Stands between a client and a redis-server, and takes a field out of every JSON document that the server
 * answers with. Reads RESP as a flat list of tokens: a text with its length, or a line.
 */
export class EditingProxy {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Documents that lost the field so far. */
  edited = 0;

  private constructor(
    target: URL,
    private readonly field: string,
  ) {
    this.server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      let rest: Buffer = Buffer.alloc(0);
      upstream.on('data', (chunk: Buffer) => {
        const read = this.edit(Buffer.concat([rest, chunk]));
        rest = read.rest;
        client.write(read.done);
      });
      client.pipe(upstream);
      for (const socket of [client, upstream]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
      }
      upstream.on('close', () => client.destroy());
      client.on('close', () => upstream.destroy());
    });
  }

  static async start(url: string, field: string): Promise<EditingProxy> {
    const proxy = new EditingProxy(new URL(url), field);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  /** Whole tokens, edited, and what is left of the last one. */
  private edit(bytes: Buffer): { done: Buffer; rest: Buffer } {
    const done: Buffer[] = [];
    let at = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n', at);
      if (end < 0) break;
      const line = bytes.subarray(at, end).toString();
      const length = line.startsWith('$') ? Number(line.slice(1)) : -1;
      if (length < 0) {
        done.push(bytes.subarray(at, end + 2));
        at = end + 2;
        continue;
      }
      const next = end + 2 + length + 2;
      if (next > bytes.length) break;
      const text = this.without(bytes.subarray(end + 2, next - 2));
      done.push(Buffer.from(`$${text.length}\r\n`), text, Buffer.from('\r\n'));
      at = next;
    }
    return { done: Buffer.concat(done), rest: bytes.subarray(at) };
  }

  /** Bytes that are no JSON object stay as they are: they may be no text at all. */
  private without(bytes: Buffer): Buffer {
    const text = bytes.toString();
    if (!text.startsWith('{') || !text.includes(`"${this.field}"`)) return bytes;
    const { [this.field]: removed, ...rest } = JSON.parse(text) as Record<string, unknown>;
    if (removed === undefined) return bytes;
    this.edited += 1;
    return Buffer.from(JSON.stringify(rest));
  }
}
