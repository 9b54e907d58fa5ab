import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { gatherWrites } from './gathered-writes.js';
import { answerInfo } from './known-version.js';
import { notePeers } from './redis-peers.js';
import { parseRedisUrl, type RedisTarget } from '../config/redis-address.js';
import { watchSilence } from './silence-watch.js';

/** One server, a Sentinel group or a Cluster: the same commands. */
export type RedisClient = Redis | Cluster;

/** Whether keys lie on several servers, so that one command reaches only those of one slot. */
export const isCluster = (client: RedisClient): boolean => client instanceof Cluster;

/**
 * patient: a command waits until Redis is back, without a limit; for what must not be lost.
 * impatient: a command fails within a second; for probes and heartbeats, which a delay would make stale.
 */
export const PATIENCES = ['patient', 'impatient'] as const;
export type Patience = (typeof PATIENCES)[number];

/** Within this time a connection is there or its `error` event is. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** A Sentinel that is frozen is passed over after this time. */
const SENTINEL_TIMEOUT_MS = 2_000;
/** A server that is gone does not say goodbye; waiting for it delays the end of the process. */
const DISCONNECT_TIMEOUT_MS = 200;
const IMPATIENT_TIMEOUT_MS = 1_000;
const READ_ONLY_RECONNECT_MS = 5_000;
const RECONNECT_STEP_MS = 50;
const RECONNECT_MAX_MS = 1_000;

/**
 * Opens a connection that reconnects for ever, also after the server fell silent. It logs no error: attach an `error`
 * listener. Its duplicates are like it.
 */
export function openRedis(url: string, patience: Patience, connectionName: string): RedisClient {
  const client = connect(url, patience, connectionName);
  gatherWrites(client);
  notePeers(client);
  watch(client, connectionName);
  return client;
}

/** BullMQ and subscriptions duplicate a connection for what blocks it. */
function watch(client: RedisClient, name: string): void {
  watchSilence(client, name);
  answerInfo(client);
  const open = client.duplicate.bind(client) as (...args: unknown[]) => RedisClient;
  client.duplicate = ((...args: unknown[]) => {
    const copy = open(...args);
    watch(copy, name);
    return copy;
  }) as typeof client.duplicate;
}

function connect(url: string, patience: Patience, connectionName: string): RedisClient {
  const target = parseRedisUrl(url);
  const options = optionsFor(target, patience, connectionName);
  if (target.kind === 'cluster') {
    return new Cluster(target.nodes, {
      redisOptions: options,
      enableOfflineQueue: patience === 'patient',
      clusterRetryStrategy: backoff,
    });
  }
  if (target.kind === 'sentinel') {
    return new Redis({
      ...options,
      sentinels: target.nodes,
      sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
      ...(target.primary ? { name: target.primary } : {}),
    });
  }
  const node = target.nodes[0] as RedisTarget['nodes'][number];
  return new Redis({ ...options, host: node.host, port: node.port });
}

/** The library's own type allows `undefined` where its constructors do not. */
type OwnOptions = Omit<RedisOptions, 'replyMapping'>;

function optionsFor(target: RedisTarget, patience: Patience, connectionName: string): OwnOptions {
  const patient = patience === 'patient';
  return {
    connectionName,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: backoff,
    reconnectOnError: reconnectsFrom(patient),
    maxRetriesPerRequest: patient ? null : 0,
    enableOfflineQueue: patient,
    ...(patient ? {} : { commandTimeout: IMPATIENT_TIMEOUT_MS }),
    ...(target.tls ? { tls: {} } : {}),
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.kind === 'cluster' ? {} : { db: target.db }),
  };
}

/**
 * After a failover the old primary answers READONLY: a connection is opened anew, and what may wait is sent again over it. What
 * may not is refused, mostly without that: over a primary that is a replica for long an answer says more than no connection.
 */
function reconnectsFrom(patient: boolean): (error: Error) => false | 1 | 2 {
  let lastMs = Number.NEGATIVE_INFINITY;
  return ({ message }) => {
    if (!message.startsWith('READONLY')) return false;
    if (patient) return 2;
    const nowMs = performance.now();
    if (nowMs - lastMs < READ_ONLY_RECONNECT_MS) return false;
    lastMs = nowMs;
    return 1;
  };
}

/**
 * Waits until a connection is open.
 * @throws {Error} the first error of the connection, or that it was not open within `timeoutMs`
 */
export async function untilReady(client: RedisClient, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return;
  const limit = AbortSignal.timeout(timeoutMs);
  await once(client, 'ready', { signal: limit }).catch((error: unknown) => {
    throw limit.aborted ? new Error('no answer in time') : error;
  });
}

const backoff = (attempt: number): number => Math.min(attempt * RECONNECT_STEP_MS, RECONNECT_MAX_MS);
