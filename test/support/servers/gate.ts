import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A gate for user code: a fetch of its URL gets an answer when the test opens it. */
export interface Gate {
  url: string;
  /** Requests that wait now. */
  readonly waiting: number;
  /** Answers all waiting requests and all later ones. */
  open(): void;
  close(): Promise<void>;
}

/** Starts a closed gate on a loopback port. */
export async function startGate(): Promise<Gate> {
  const waiting = new Set<ServerResponse>();
  let opened = false;
  const server = createServer((_request, response) => {
    if (opened) {
      response.end('go');
      return;
    }
    waiting.add(response);
    response.on('close', () => waiting.delete(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get waiting() {
      return waiting.size;
    },
    open() {
      opened = true;
      for (const response of waiting) response.end('go');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
