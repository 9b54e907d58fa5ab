import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Cluster } from 'ioredis';
import type { CampaignReport } from '../contract/clients/faults-report.js';
import { waitAtMost } from '../lib/time-limit.js';
import { openRedis, type RedisClient, untilReady } from '../redis/connections.js';
import { parseRedisUrl, redisUrlTrouble } from '../config/redis-address.js';
import { campaign, type CampaignPlan, type CampaignStack } from './campaign.js';
import type { Faults } from './fault.js';
import { LocalWorkers } from './local-worker.js';
import { QueueEnds } from './queue-ends.js';
import type { TcpTarget } from './silent-proxy.js';
import { StartCounter } from './start-counter.js';

/** What `bifrost faults` is asked for. */
export interface OwnStack {
  redisUrl: string;
  /** Of the workers that are started, so that they are isolated as those in production. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Shell commands, each of which breaks something of the stack and mends it. */
  commands: readonly string[];
  onProgress: NonNullable<CampaignStack['onProgress']>;
}

const CONNECT_LIMIT_MS = 10_000;
const REMOVE_LIMIT_MS = 60_000;
const SCANNED_AT_ONCE = 500;
/** Settings of the workers in production that would lead elsewhere, or ask for what the load does not have. */
const LEFT_OUT =
  /^(PRESET|REDIS_(HOST|PORT|PASSWORD)|API_TOKEN|JOB_SIGNING_KEY|RESULT_QUEUE|WORKER_(ID|TYPE)|LAUNCHER_PID|(WEBHOOK|OTEL)_.*)$/;

/** Where a proxy can stand in for a Redis; null: its clients find servers by themselves, or check its certificate. */
export function targetOf(redisUrl: string): TcpTarget | null {
  const { kind, tls, nodes } = parseRedisUrl(redisUrl);
  return kind === 'single' && !tls ? (nodes[0] ?? null) : null;
}

/**
 * A campaign against a Redis that is there, with workers that are started for it on this machine. It breaks the workers and
 * what the commands break. All keys are under a prefix of its own and are removed in the end.
 * @throws {Error} when the URL of Redis cannot be read, Redis does not answer, a worker does not start, or a command fails
 */
export async function campaignOn(
  plan: CampaignPlan,
  { redisUrl, environment, commands, onProgress }: OwnStack,
): Promise<CampaignReport> {
  const trouble = redisUrlTrouble(redisUrl);
  if (trouble !== null) throw new Error(`--redis, or REDIS_URL, ${trouble}`);
  const clients: RedisClient[] = [];
  const connect = (): RedisClient => {
    const client = openRedis(redisUrl, 'patient', 'bifrost-faults');
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const redis = connect();
  const keyPrefix = `{faults-${randomUUID().slice(0, 8)}}:`;
  const queueName = 'faults';
  const workers = new LocalWorkers(withoutOwn(environment));
  const counter = new StartCounter();
  let isReached = false;
  try {
    await untilReady(redis, CONNECT_LIMIT_MS);
    isReached = true;
    await counter.start();
    const producer = new QueueEnds(redis, { queueName, keyPrefix });
    const report = await campaign(plan, {
      redis: { url: redisUrl, keyPrefix, target: targetOf(redisUrl), connect },
      faults: commandFaults(commands),
      producer,
      counter,
      queueName,
      startWorker: (options) => workers.start(options),
      onProgress,
    });
    await producer.close();
    return report;
  } finally {
    workers.end();
    counter.stop();
    if (isReached)
      await waitAtMost(
        removeKeys(redis, keyPrefix).catch(() => undefined),
        REMOVE_LIMIT_MS,
      );
    for (const client of clients) client.disconnect();
  }
}

function withoutOwn(environment: OwnStack['environment']): OwnStack['environment'] {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !LEFT_OUT.test(name)));
}

function commandFaults(commands: readonly string[]): Faults {
  return Object.fromEntries(commands.map((command) => [command, () => run(command)]));
}

async function run(command: string): Promise<void> {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new Error(`the command of --break ended with exit code ${code}: ${command}\n${said}`.trim());
}

async function removeKeys(client: RedisClient, prefix: string): Promise<void> {
  const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client];
  for (const node of nodes) {
    let cursor = '0';
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', SCANNED_AT_ONCE);
      for (const key of keys) await node.unlink(key);
      cursor = next;
    } while (cursor !== '0');
  }
}
