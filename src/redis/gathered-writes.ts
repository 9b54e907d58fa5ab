import { Cluster, type Redis } from 'ioredis';
import { afterEndOfTurn } from '../lib/end-of-turn.js';

/**
 * Has a client send what one turn of the event loop asks of it in one system call. Under load the
 * commands of several executions come together; nothing waits for more to come.
 */
export function gatherWrites(client: Redis | Cluster): void {
  if (client instanceof Cluster) client.on('+node', gatherWritesOf);
  else gatherWritesOf(client);
}

function gatherWritesOf(client: Redis): void {
  client.on('connect', () => {
    const { stream } = client;
    const write = stream.write.bind(stream);
    let gathering = false;
    stream.write = ((...args: Parameters<typeof write>) => {
      if (!gathering) {
        gathering = true;
        stream.cork();
        afterEndOfTurn(() => {
          gathering = false;
          stream.uncork();
        });
      }
      return write(...args);
    }) as typeof write;
  });
}
