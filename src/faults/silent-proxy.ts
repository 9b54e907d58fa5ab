import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port of a machine. */
export interface TcpTarget {
  host: string;
  port: number;
}

/** A way to a server that can fall silent without a word: no FIN, no RST, as a lost NAT entry. */
export interface TcpProxy {
  port: number;
  /** Connections that are open through it, silent ones included. */
  readonly open: number;
  /** What is connected now receives nothing any more and its bytes go nowhere; new connections work. */
  silence(): void;
  /** As {@link silence}, and new connections are accepted and never served, until {@link heal}. */
  silenceAll(): void;
  /** New connections work again. What fell silent stays so. */
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine, to a Unix socket, or to a port of another machine. */
export async function startTcpProxy(target: number | string | TcpTarget): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket | null]>();
  let isServing = true;
  const server = createServer((client) => {
    client.on('error', () => undefined);
    const upstream = isServing ? connect(target as TcpTarget) : null;
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on('close', () => {
      pairs.delete(pair);
      upstream?.destroy();
    });
    if (!upstream) return;
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.pipe(client);
  });
  const silence = (): void => {
    for (const [client, upstream] of pairs) {
      if (!upstream) continue;
      client.unpipe(upstream);
      upstream.unpipe(client);
      upstream.removeAllListeners('close');
      // What still arrives goes nowhere.
      client.resume();
      upstream.resume();
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    silence,
    silenceAll() {
      isServing = false;
      silence();
    },
    heal() {
      isServing = true;
    },
    async close() {
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream?.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}
