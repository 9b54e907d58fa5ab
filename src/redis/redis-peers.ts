import type { Cluster, Redis } from 'ioredis';

/** Servers that this process is or was connected to, as `address:port`: also those that Sentinel or Cluster announced. */
export const redisPeers = new Set<string>();

/** Notes the server that this connection connects to. */
export function notePeers(client: Redis | Cluster): void {
  if (client.isCluster) client.on('+node', (node: Redis) => noteOne(node));
  else noteOne(client as Redis);
}

function noteOne(client: Redis): void {
  client.on('connect', () => {
    const { remoteAddress, remotePort } = client.stream as { remoteAddress?: string; remotePort?: number };
    if (remoteAddress !== undefined) redisPeers.add(`${remoteAddress}:${remotePort}`);
  });
}
