import { Logger } from '@nestjs/common';
import type { Cluster, Redis } from 'ioredis';

/**
 * A connection can die without a word: a frozen server, a lost NAT entry, a proxy whose server is gone. TCP notices that
 * after minutes; this watch does within {@link SILENCE_MS} of the first unanswered command and a little more, and has the
 * connection replaced.
 *
 * Ticks are counted, not time: a process that was frozen itself, or whose event loop was blocked, wakes to timers before
 * it reads what has arrived meanwhile, and must not take its own absence for the server's.
 */
const TICK_MS = 1_000;
/** A connection on which nothing is asked is asked for a sign of life after this time. */
const IDLE_MS = 2_000;
/** Without a single byte for this long, while something is asked, a connection is dead. */
export const SILENCE_MS = 5_000;
/** One line in the log for connections that fall silent together. */
const EPISODE_MS = 30_000;

/** How a connection is, as seen by what came over it. */
export interface ConnectionState {
  name: string;
  /** Milliseconds since it was last seen to be open and to answer. Of one that blocks by design it grows to the time that it blocks for. */
  awayMs: number;
}

/** What is read of a command that was sent. */
interface SentCommand {
  name: string;
  extractBlockingTimeout(): number | null | undefined;
}

/** A part of ioredis that its types hide; `test/integration/redis/redis-silence.spec.ts` notices when it changes. */
interface Queues {
  commandQueue: { peekFront(): { command: SentCommand } | undefined };
}

const logger = new Logger('Redis');
const watches = new Set<SilenceWatch>();
let lastEpisodeMs = Number.NEGATIVE_INFINITY;

/** The connections of this process that are watched and not closed for good. */
export const connectionStates = (): ConnectionState[] => [...watches].map((watch) => watch.state);

/** Watches a client, or each node and the subscriber of a Cluster, as long as it lives. */
export function watchSilence(client: Redis | Cluster, name: string): void {
  if (!client.isCluster) {
    watches.add(new SilenceWatch(client as Redis, name));
    return;
  }
  client.on('+node', (node: Redis) => watches.add(new SilenceWatch(node, name)));
  watchClusterSubscriber(client as Cluster, name);
}

/** The connection that a Cluster client subscribes with is replaced without an event. */
function watchClusterSubscriber(cluster: Cluster, name: string): void {
  let known: Redis | null = null;
  const timer = setInterval(() => {
    const { subscriber } = cluster as unknown as { subscriber: { getInstance(): Redis | null } };
    const current = subscriber.getInstance();
    if (current !== null && current !== known) watches.add(new SilenceWatch(current, `${name}-subscriber`));
    known = current;
  }, TICK_MS).unref();
  cluster.on('end', () => clearInterval(timer));
}

class SilenceWatch {
  private timer: NodeJS.Timeout | null = null;
  private wasHeard = false;
  private silentTicks = 0;
  private lastWellMs = performance.now();

  constructor(
    private readonly client: Redis,
    private readonly name: string,
  ) {
    client.on('connect', () => this.begin());
    client.on('close', () => this.pause());
    client.on('end', () => {
      this.pause();
      watches.delete(this);
    });
    if (client.status === 'connect' || client.status === 'ready') this.begin();
  }

  get state(): ConnectionState {
    return { name: this.name, awayMs: Math.round(performance.now() - this.lastWellMs) };
  }

  private begin(): void {
    this.pause();
    this.client.stream.on('data', () => (this.wasHeard = true));
    this.timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  private pause(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.silentTicks = 0;
    this.wasHeard = false;
  }

  private tick(): void {
    const pending = (this.client as unknown as Queues).commandQueue.peekFront()?.command;
    const { wasHeard } = this;
    this.wasHeard = false;
    if (this.client.status === 'ready' && (wasHeard || !pending)) this.lastWellMs = performance.now();
    if (wasHeard) {
      this.silentTicks = 0;
      return;
    }
    this.silentTicks += 1;
    const silentMs = this.silentTicks * TICK_MS;
    if (pending && silentMs >= SILENCE_MS + blockMsOf(pending)) this.replace(silentMs);
    if (!pending && silentMs >= IDLE_MS) this.ask();
  }

  private ask(): void {
    this.silentTicks = 0;
    this.client.ping().catch(() => undefined);
  }

  private replace(silentMs: number): void {
    const nowMs = performance.now();
    if (nowMs - lastEpisodeMs > EPISODE_MS)
      logger.warn({ msg: 'a connection fell silent and is replaced', connection: this.name, silentMs });
    lastEpisodeMs = nowMs;
    this.pause();
    this.client.stream.destroy(new SilentConnectionError(silentMs));
  }
}

/** What the commands of a connection that was replaced see, where they are not sent again. */
export class SilentConnectionError extends Error {
  override name = 'SilentConnectionError';
  /** As of a connection that TCP gave up. */
  readonly code = 'ETIMEDOUT';

  constructor(silentMs: number) {
    super(`no answer for ${silentMs} ms`);
  }
}

/** For how long a command is silent by design. One that blocks without a limit says nothing about its connection. */
function blockMsOf(command: SentCommand): number {
  const limit = command.extractBlockingTimeout();
  if (limit === 0) return Number.POSITIVE_INFINITY;
  return limit ?? 0;
}
