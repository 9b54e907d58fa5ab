import type { Cluster } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import { aContext } from '../support/builders.js';
import { childrenOf } from '../support/processes/footprint.js';
import { isAlive } from '../support/processes/processes.js';
import type { WorkerOptions, WorkerProcess } from '../support/processes/worker-process.js';
import type { Producer } from '../support/producer.js';
import { startTcpProxy, type TcpProxy } from '../support/servers/tcp-proxy.js';
import type { StartCounter } from '../support/start-counter.js';
import { until } from '../support/until.js';
import { type Audit, audit, type Death } from './audit.js';
import { pick, randomOf } from '../support/random.js';
import type { PostgresStack } from './stacks/postgres-stack.js';
import type { Chance, MakeFault, RedisStack } from './stacks/redis-stack.js';
import type { SmallDisk } from '../support/servers/small-disk.js';

/** What a campaign does: the same seed draws the same faults, in the same order. */
export interface CampaignPlan {
  seed: number;
  executions: number;
  workers: number;
  /** Executions that are on the queue or running at once. */
  atOnce: number;
  /** Pause between two faults, in milliseconds. */
  pauseMs: readonly [least: number, most: number];
  /** Left out: all that its stack allows. */
  faults?: readonly string[];
}

export interface CampaignReport extends Audit {
  seed: number;
  seconds: number;
  /** How often each fault was made. */
  faults: Record<string, number>;
  /** Processes of workers that were alive after their workers. */
  orphans: number[];
  /** Keys of this product without an expiry, beside those that are to stay. */
  keysForEver: string[];
  /** Executions with more or fewer than one row in the archive, where there is one. */
  notOneRow: string[];
}

/** Parts of the stack that a campaign breaks. */
export interface CampaignStack {
  redis: RedisStack;
  /** Of the archive; left out: there is none. */
  postgres?: PostgresStack;
  /** For the temporary files of all workers; left out: that of the machine. */
  disk?: SmallDisk;
  /** Its keys are under the prefix of the Redis. */
  producer: Producer;
  counter: StartCounter;
  queueName: string;
  startWorker: (options: WorkerOptions) => Promise<WorkerProcess>;
}

/** One worker, behind a proxy of its own where there is one server, started again whenever it was killed. */
interface Member {
  id: string;
  proxy: TcpProxy | null;
  worker: WorkerProcess;
}

/** Indexes and states that hold nothing of a single execution. */
const KEPT_FOR_EVER = /^(bull:|{?bifrost:(workers|workspace|packages|archive))/;
const ORPHANS_END_MS = 1_000;
const ALL_DONE_MS = 300_000;

/** Runs executions while faults are made, and then compares what happened with what the results show. */
export async function campaign(plan: CampaignPlan, stack: CampaignStack): Promise<CampaignReport> {
  const startedMs = performance.now();
  const run = new Campaign(plan, stack);
  await run.start();
  const ids = await run.load();
  const found = await audit(ids, { ...stack, deaths: run.deaths });
  const notOneRow = (await stack.postgres?.notOnce(ids)) ?? [];
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
  private readonly random: () => number;
  /** Of its own: how many executions there have been by a fault depends on the machine. */
  private readonly randomLoad: () => number;
  private readonly members: Member[] = [];
  private readonly faults: Readonly<Record<string, MakeFault>>;
  private readonly over = new AbortController();

  constructor(
    private readonly plan: CampaignPlan,
    private readonly stack: CampaignStack,
  ) {
    this.random = randomOf(plan.seed);
    this.randomLoad = randomOf(plan.seed + 1);
    const { redis, postgres, disk } = stack;
    this.faults = {
      ...this.workerFaults(),
      ...redis.faults,
      ...postgres?.faults,
      ...(disk ? { 'fill the disk': (chance: Chance) => fill(disk, chance) } : {}),
    };
  }

  async start(): Promise<void> {
    const names = Array.from({ length: this.plan.workers }, (_, index) => `w${index + 1}`);
    this.members.push(
      ...(await Promise.all(
        names.map(async (id) => {
          const { port } = this.stack.redis;
          const proxy = port === null ? null : await startTcpProxy(port);
          return { id, proxy, worker: await this.startMember(id, proxy) };
        }),
      )),
    );
  }

  /** Ids of all executions, once each has a result. */
  async load(): Promise<string[]> {
    const { producer } = this.stack;
    const breaking = this.breakThings();
    // What goes wrong there is thrown below.
    breaking.catch(() => undefined);
    const ids: string[] = [];
    const open = (): number => ids.filter((id) => producer.resultsOf(id).length === 0).length;
    while (ids.length < this.plan.executions) {
      await until(() => open() < this.plan.atOnce, { timeoutMs: ALL_DONE_MS, what: 'executions end' });
      ids.push(await producer.submitExecution(this.anExecution(ids.length)));
    }
    this.over.abort();
    await breaking;
    // What has no result by then is lost, which the audit says.
    await until(() => open() === 0, { timeoutMs: ALL_DONE_MS, what: 'every execution has a result' }).catch(
      () => undefined,
    );
    return ids;
  }

  async end(): Promise<{ orphans: number[]; keysForEver: string[] }> {
    const processes = this.members.flatMap(({ worker }) => childrenOf(worker.pid));
    await Promise.all(this.members.map(({ worker }) => worker.stop()));
    for (const { proxy } of this.members) await proxy?.close();
    // A runner may outlive its worker by a second.
    await sleep(ORPHANS_END_MS);
    return { orphans: processes.filter(isAlive), keysForEver: await this.keysForEver() };
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

  /** Most are short; some outlive a fault; some fail by themselves. Each says first that it was started. */
  private anExecution(index: number) {
    const count = this.stack.counter.count('context.executionId');
    const ms = pick(this.randomLoad, [0, 0, 20, 100, 1_500]);
    const ending = index % 17 === 0 ? `throw new Error('on purpose')` : `return context.starts`;
    return aContext({
      workflow_code: `export default async (_, context) => { ${count} await new Promise((r) => setTimeout(r, ${ms})); ${ending} }`,
      timeout_seconds: 120,
    });
  }

  private async breakThings(): Promise<void> {
    const [least, most] = this.plan.pauseMs;
    const names = this.plan.faults ?? Object.keys(this.faults);
    const chance = { random: this.random, rest: (ms: number) => this.rest(ms) };
    for (;;) {
      await this.rest(least + this.random() * (most - least));
      if (this.over.signal.aborted) return;
      const name = pick(this.random, names);
      const make = this.faults[name];
      if (!make) throw new Error(`this stack has no fault "${name}"`);
      this.made[name] = (this.made[name] ?? 0) + 1;
      await make(chance);
    }
  }

  private workerFaults(): Record<string, MakeFault> {
    const member = (): Member => pick(this.random, this.members);
    return {
      'kill a worker': () => this.kill(member()),
      'freeze a worker': async ({ random, rest }) => {
        const { pid } = member().worker;
        process.kill(pid, 'SIGSTOP');
        await rest(2_000 + random() * 14_000);
        process.kill(pid, 'SIGCONT');
      },
      'kill a runner or compiler': ({ random }) => {
        const children = childrenOf(member().worker.pid);
        if (children.length > 0) process.kill(pick(random, children), 'SIGKILL');
        return Promise.resolve();
      },
      ...(this.stack.redis.port === null
        ? {}
        : { 'silence a worker': () => Promise.resolve(member().proxy?.silence()) }),
    };
  }

  private async kill(member: Member): Promise<void> {
    this.deaths.push({ workerId: member.id, atMs: Date.now() });
    await member.worker.kill9();
    member.worker = await this.startMember(member.id, member.proxy);
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.over.signal }).catch(() => undefined);
  }

  private startMember(id: string, proxy: TcpProxy | null): Promise<WorkerProcess> {
    const { queueName, counter, startWorker, redis, postgres, disk } = this.stack;
    return startWorker({
      env: {
        REDIS_URL: proxy === null ? redis.url : `redis://127.0.0.1:${proxy.port}`,
        KEY_PREFIX: redis.keyPrefix,
        QUEUE_NAME: queueName,
        CONCURRENCY: '4',
        DRAIN_TIMEOUT_SECONDS: '5',
        ...(postgres ? { ROLES: 'worker,api,archive', DATABASE_URL: postgres.url } : {}),
        ...(disk ? { TMPDIR: disk.folder } : {}),
        ...counter.settings,
      },
      args: ['--id', id],
    });
  }
}

async function fill(disk: SmallDisk, { random, rest }: Chance): Promise<void> {
  disk.fill();
  await rest(1_000 + random() * 9_000);
  disk.clear();
}
