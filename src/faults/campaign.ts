import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'ioredis';
import type { CampaignReport } from '../contract/clients/faults-report.js';
import { isAlive } from '../lib/process/is-alive.js';
import { pick, randomOf } from './seeded-random.js';
import type { RedisClient } from '../redis/connections.js';
import { writeRefusalOf } from '../redis/redis-errors.js';
import { audit, type CampaignProducer, type Death } from './audit.js';
import { type Member, stopAll, type WorkerAsProcess, workerFaults } from './campaign-worker.js';
import type { Faults } from './fault.js';
import { CAPPED, Load } from './load.js';
import { startTcpProxy, type TcpProxy, type TcpTarget } from './silent-proxy.js';
import type { StartCounter } from './start-counter.js';

/** What a campaign does: the same seed draws the same faults, in the same order. */
export interface CampaignPlan {
  seed: number;
  executions: number;
  workers: number;
  /** Executions that are on the queue or running at once. */
  atOnce: number;
  /** Pause between two faults, in milliseconds. */
  pauseMs: readonly [least: number, most: number];
  /** No further execution is put on the queue after this time; left out: all of them are. */
  limitMs?: number;
  /** Names of the faults to make; left out: all that its stack allows. */
  faults?: readonly string[];
}

/** The Redis of a campaign. */
export interface CampaignRedis {
  readonly url: string;
  readonly keyPrefix: string;
  /** Where a proxy for the connections of each worker leads to; null: clients must find the servers themselves. */
  readonly target: TcpTarget | null;
  connect(): RedisClient;
}

/** Parts of the stack that a campaign breaks. */
export interface CampaignStack {
  redis: CampaignRedis;
  /** What breaks beside the workers. */
  faults: Faults;
  /** Settings of each worker beside those that a campaign needs. */
  settings?: Readonly<Record<string, string>>;
  /** For the temporary files of all workers; left out: one is made. */
  folder?: string;
  /** Its keys are under the prefix of the Redis. */
  producer: CampaignProducer;
  counter: StartCounter;
  queueName: string;
  startWorker: (options: { env: Record<string, string>; args: string[] }) => Promise<WorkerAsProcess>;
  /** Executions with more or fewer than one row in the archive; left out: there is none. */
  notOneRow?: (ids: readonly string[]) => Promise<string[]>;
  /** Called with each fault and how many executions have ended. */
  onProgress?: (progress: { fault: string; ended: number }) => void;
}

/** Indexes and states that hold nothing of a single execution. */
const KEPT_FOR_EVER = /^(bull:|{?bifrost:(workers|workspace|packages|archive|organization|audit))/;
const ALL_DONE_MS = 300_000;
const POLL_MS = 20;
const SEND_AGAIN_MS = 200;

/** Runs executions while faults are made, and then compares what happened with what the results show. */
export async function campaign(plan: CampaignPlan, stack: CampaignStack): Promise<CampaignReport> {
  const startedMs = performance.now();
  const run = new Campaign(plan, stack);
  await run.start();
  const ids = await run.load();
  const found = await audit(ids, { ...stack, deaths: run.deaths, killed: run.killed });
  const notOneRow = (await stack.notOneRow?.(ids)) ?? [];
  const left = await run.end();
  return {
    seed: plan.seed,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    faults: run.made,
    ...found,
    ...left,
    notOneRow,
  };
}

class Campaign {
  readonly deaths: Death[] = [];
  readonly made: Record<string, number> = {};
  /** Processes below workers that were killed. */
  killed = 0;
  private readonly random: () => number;
  private readonly executions: Load;
  private readonly members: Member[] = [];
  private readonly over = new AbortController();
  private readonly ids: string[] = [];
  private readonly pending = new Set<string>();
  private folder = '';

  constructor(
    private readonly plan: CampaignPlan,
    private readonly stack: CampaignStack,
  ) {
    this.random = randomOf(plan.seed);
    // By a seed of its own: how many executions there have been by a fault depends on the machine.
    this.executions = new Load(randomOf(plan.seed + 1), stack.counter);
  }

  async start(): Promise<void> {
    this.folder = this.stack.folder ?? (await mkdtemp(join(tmpdir(), 'bifrost-faults-')));
    const { target } = this.stack.redis;
    const ids = Array.from({ length: this.plan.workers }, (_, index) => `w${index + 1}`);
    const members = await Promise.all(
      ids.map(async (id) => {
        const proxy = target === null ? null : await startTcpProxy(target);
        return { id, proxy, worker: await this.startMember(id, proxy) };
      }),
    );
    this.members.push(...members);
    await this.setCap();
  }

  /** Ids of all executions, once each has a result, or none for long. */
  async load(): Promise<string[]> {
    const breaking = this.breakThings();
    // Thrown below, where it is awaited.
    breaking.catch(() => undefined);
    const endMs = performance.now() + (this.plan.limitMs ?? Number.POSITIVE_INFINITY);
    while (this.ids.length < this.plan.executions && performance.now() < endMs) {
      if (!(await this.until(() => this.open() < this.plan.atOnce))) break;
      await this.submit();
    }
    this.over.abort();
    await breaking;
    // What has no result by then is lost, which the audit says.
    await this.until(() => this.open() === 0);
    return this.ids;
  }

  /** As every producer has to, it sends again what Redis refused to write. */
  private async submit(): Promise<void> {
    const { context, options } = this.executions.next();
    for (;;) {
      try {
        const id = await this.stack.producer.submitExecution(context, undefined, options);
        this.ids.push(id);
        this.pending.add(id);
        return;
      } catch (error) {
        if (writeRefusalOf(error as Error) === null) throw error;
        await sleep(SEND_AGAIN_MS);
      }
    }
  }

  async end(): Promise<Pick<CampaignReport, 'orphans' | 'keysForEver' | 'filesLeft'>> {
    const orphans = await stopAll(this.members, isAlive);
    const filesLeft = await readdir(this.folder);
    if (this.stack.folder === undefined) await rm(this.folder, { recursive: true, force: true });
    return { orphans, keysForEver: await this.keysForEver(), filesLeft };
  }

  private async setCap(): Promise<void> {
    const response = await fetch(`${this.members[0]!.worker.url}/organizations/${CAPPED.organization}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ max_running: CAPPED.maxRunning }),
    });
    if (!response.ok) throw new Error(`the cap of an organization was refused: ${await response.text()}`);
  }

  /** How many have no result yet. */
  private open(): number {
    const { producer } = this.stack;
    for (const id of this.pending) if (producer.resultsOf(id).length > 0) this.pending.delete(id);
    return this.pending.size;
  }

  /** False: it did not happen in five minutes. */
  private async until(condition: () => boolean): Promise<boolean> {
    const deadlineMs = performance.now() + ALL_DONE_MS;
    while (!condition()) {
      if (performance.now() > deadlineMs) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  private async breakThings(): Promise<void> {
    const [least, most] = this.plan.pauseMs;
    const faults = { ...this.workerFaults(), ...this.stack.faults };
    const names = this.plan.faults ?? Object.keys(faults);
    const chance = { random: this.random, rest: (ms: number) => this.rest(ms) };
    for (;;) {
      await this.rest(least + this.random() * (most - least));
      if (this.over.signal.aborted) return;
      const name = pick(this.random, names);
      const make = faults[name];
      if (!make) throw new Error(`this stack has no fault "${name}"`);
      this.made[name] = (this.made[name] ?? 0) + 1;
      this.stack.onProgress?.({ fault: name, ended: this.ids.length - this.open() });
      await make(chance);
    }
  }

  private workerFaults(): Faults {
    return workerFaults(this.members, {
      random: this.random,
      killed: (processes) => {
        this.killed += processes;
      },
      again: async (member, killedAtMs) => {
        if (killedAtMs !== undefined) this.deaths.push({ workerId: member.id, atMs: killedAtMs });
        member.worker = await this.startMember(member.id, member.proxy);
      },
    });
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.over.signal }).catch(() => undefined);
  }

  private startMember(id: string, proxy: TcpProxy | null): Promise<WorkerAsProcess> {
    const { queueName, counter, startWorker, redis, settings } = this.stack;
    return startWorker({
      env: {
        REDIS_URL: proxy === null ? redis.url : throughProxy(redis.url, proxy),
        KEY_PREFIX: redis.keyPrefix,
        QUEUE_NAME: queueName,
        CONCURRENCY: '4',
        DRAIN_TIMEOUT_SECONDS: '5',
        TMPDIR: this.folder,
        ...settings,
        ...counter.settings,
      },
      args: ['--id', id],
    });
  }

  private async keysForEver(): Promise<string[]> {
    const { redis } = this.stack;
    const client = redis.connect();
    const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client];
    const all = await Promise.all(nodes.map((node) => node.keys(`${redis.keyPrefix}*`)));
    const keys = all.flat().filter((key) => !KEPT_FOR_EVER.test(key.slice(redis.keyPrefix.length)));
    const ttls = await Promise.all(keys.map((key) => client.ttl(key)));
    return keys.filter((_key, index) => ttls[index] === -1);
  }
}

function throughProxy(redisUrl: string, proxy: TcpProxy): string {
  const url = new URL(redisUrl);
  url.hostname = '127.0.0.1';
  url.port = String(proxy.port);
  return url.href;
}
