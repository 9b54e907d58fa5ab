import type { Socket } from 'node:net';
import { type Client, Pool, type PoolClient, type PoolConfig } from 'pg';
import { waitAtMost } from '../lib/time-limit.js';

/*
 * Ticks are counted, not time: a process that was frozen, or whose event loop was blocked, wakes to its timers before it
 * reads what the server has sent meanwhile.
 */
const TICK_MS = 1_000;
/** How long a pool waits at its end for queries under way. */
const END_TIMEOUT_MS = 1_000;

/** Parts of pg that its types hide; `test/integration/archive/archive-faults.spec.ts` notices when they change. */
interface Watchable {
  connection: { stream: Socket };
  readyForQuery: boolean;
}

/** Ends a query on a connection that died without a word. `code` as of one that TCP gave up. */
class SilentDatabaseError extends Error {
  override name = 'SilentDatabaseError';
  readonly code = 'ETIMEDOUT';

  constructor(silenceMs: number) {
    super(`the server has not answered for ${silenceMs / 1_000} s`);
  }
}

/**
 * Connections to Postgres of which none is waited for without a limit: one that sends not a byte for `silenceMs` while
 * a query is under way is closed, and its query fails. The server must end what takes longer before that.
 */
export class WatchedPool extends Pool {
  private readonly sockets = new Set<Socket>();

  constructor(config: PoolConfig, silenceMs: number) {
    super({ keepAlive: true, ...config });
    // A connection that breaks while idle; the next query gets the error.
    this.on('error', () => undefined);
    this.on('connect', (client) => this.watch(client, silenceMs));
  }

  /** Closes what does not end by itself within a second. */
  override async end(): Promise<void> {
    await waitAtMost(super.end(), END_TIMEOUT_MS);
    for (const socket of this.sockets) socket.destroy();
  }

  private watch(client: PoolClient, silenceMs: number): void {
    // One that breaks between two queries of its user: without a listener it would end the process.
    client.on('error', () => undefined);
    const watched = client as Client as unknown as Watchable;
    const { stream } = watched.connection;
    this.sockets.add(stream);
    let silentTicks = 0;
    stream.on('data', () => (silentTicks = 0));
    const timer = setInterval(() => {
      silentTicks = watched.readyForQuery ? 0 : silentTicks + 1;
      if (silentTicks * TICK_MS >= silenceMs) stream.destroy(new SilentDatabaseError(silenceMs));
    }, TICK_MS).unref();
    stream.once('close', () => {
      clearInterval(timer);
      this.sockets.delete(stream);
    });
  }
}
