import { setTimeout as sleep } from 'node:timers/promises';
import { aContext } from '../support/builders.js';
import { childrenOf } from '../support/processes/footprint.js';
import { isAlive } from '../support/processes/processes.js';
import type { WorkerOptions, WorkerProcess } from '../support/processes/worker-process.js';
import type { Producer } from '../support/producer.js';
import { startTcpProxy, type TcpProxy } from '../support/servers/tcp-proxy.js';
import type { TestRedis } from '../support/servers/test-redis.js';
import type { StartCounter } from '../support/start-counter.js';
import { until } from '../support/until.js';
import { type Audit, audit, type Death } from './audit.js';
import { pick, randomOf } from '../support/random.js';

/** What a campaign does: the same seed draws the same faults, in the same order. */
export interface CampaignPlan {
  seed: number;
  executions: number;
  workers: number;
  /** Executions that are on the queue or running at once. */
  atOnce: number;
  /** Pause between two faults, in milliseconds. */
  pauseMs: readonly [least: number, most: number];
  faults: readonly FaultName[];
}

export const FAULTS = [
  'kill a worker',
  'freeze a worker',
  'silence a worker',
  'kill a runner or compiler',
  'freeze Redis',
  'restart Redis',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface CampaignReport extends Audit {
  seed: number;
  seconds: number;
  /** How often each fault was made. */
  faults: Record<string, number>;
  /** Processes of workers that were alive after their workers. */
  orphans: number[];
  /** Keys of this product without an expiry, beside those that are to stay. */
  keysForEver: string[];
}

/** Parts of the stack that a campaign breaks. */
export interface CampaignStack {
  redis: TestRedis;
  producer: Producer;
  counter: StartCounter;
  queueName: string;
  startWorker: (options: WorkerOptions) => Promise<WorkerProcess>;
}

/** One worker behind a proxy of its own, started again whenever it was killed. */
interface Member {
  id: string;
  proxy: TcpProxy;
  worker: WorkerProcess;
}

/** Indexes and states that hold nothing of a single execution. */
const KEPT_FOR_EVER = /^(bull:|{?bifrost:(workers|workspace|packages|archive))/;
const ALL_DONE_MS = 300_000;

/** Runs executions while faults are made, and then compares what happened with what the results show. */
export async function campaign(plan: CampaignPlan, stack: CampaignStack): Promise<CampaignReport> {
  const startedMs = performance.now();
  const run = new Campaign(plan, stack);
  await run.start();
  const ids = await run.load();
  const found = await audit(ids, { ...stack, deaths: run.deaths });
  const left = await run.end();
  return {
    seed: plan.seed,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    faults: run.made,
    ...found,
    ...left,
  };
}

class Campaign {
  readonly deaths: Death[] = [];
  readonly made: Record<string, number> = {};
  private readonly random: () => number;
  /** Of its own: how many executions there have been by a fault depends on the machine. */
  private readonly randomLoad: () => number;
  private readonly members: Member[] = [];
  private readonly over = new AbortController();

  constructor(
    private readonly plan: CampaignPlan,
    private readonly stack: CampaignStack,
  ) {
    this.random = randomOf(plan.seed);
    this.randomLoad = randomOf(plan.seed + 1);
  }

  async start(): Promise<void> {
    const names = Array.from({ length: this.plan.workers }, (_, index) => `w${index + 1}`);
    this.members.push(
      ...(await Promise.all(
        names.map(async (id) => {
          const proxy = await startTcpProxy(Number(new URL(this.stack.redis.url).port));
          return { id, proxy, worker: await this.startMember(id, proxy) };
        }),
      )),
    );
  }

  /** Ids of all executions, once each has a result. */
  async load(): Promise<string[]> {
    const { producer } = this.stack;
    const breaking = this.breakThings();
    const ids: string[] = [];
    const open = (): number => ids.filter((id) => producer.resultsOf(id).length === 0).length;
    while (ids.length < this.plan.executions) {
      await until(() => open() < this.plan.atOnce, { timeoutMs: ALL_DONE_MS, what: 'executions end' });
      ids.push(await producer.submitExecution(this.anExecution(ids.length)));
    }
    this.over.abort();
    await breaking;
    await until(() => open() === 0, { timeoutMs: ALL_DONE_MS, what: 'every execution has a result' });
    return ids;
  }

  async end(): Promise<{ orphans: number[]; keysForEver: string[] }> {
    const processes = this.members.flatMap(({ worker }) => childrenOf(worker.pid));
    await Promise.all(this.members.map(({ worker }) => worker.stop()));
    await Promise.all(this.members.map(({ proxy }) => proxy.close()));
    const client = this.stack.redis.connect();
    const keys = (await client.keys('*')).filter((key) => !KEPT_FOR_EVER.test(key));
    const ttls = await Promise.all(keys.map((key) => client.ttl(key)));
    return {
      orphans: processes.filter(isAlive),
      keysForEver: keys.filter((_key, index) => ttls[index] === -1),
    };
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
    for (;;) {
      await this.rest(least + this.random() * (most - least));
      if (this.over.signal.aborted) return;
      const fault = pick(this.random, this.plan.faults);
      this.made[fault] = (this.made[fault] ?? 0) + 1;
      await this.make(fault);
    }
  }

  private async make(fault: FaultName): Promise<void> {
    const member = pick(this.random, this.members);
    const { redis } = this.stack;
    switch (fault) {
      case 'kill a worker':
        this.deaths.push({ workerId: member.id, atMs: Date.now() });
        await member.worker.kill9();
        member.worker = await this.startMember(member.id, member.proxy);
        return;
      case 'freeze a worker':
        return this.freeze(member.worker.pid, 2_000 + this.random() * 14_000);
      case 'silence a worker':
        return member.proxy.silence();
      case 'kill a runner or compiler': {
        const children = childrenOf(member.worker.pid);
        if (children.length > 0) process.kill(pick(this.random, children), 'SIGKILL');
        return;
      }
      case 'freeze Redis':
        return this.freeze(redis.pid, 1_000 + this.random() * 9_000);
      case 'restart Redis':
        await redis.stop();
        await this.rest(this.random() * 3_000);
        await redis.start();
    }
  }

  private async freeze(pid: number, ms: number): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    await sleep(ms);
    process.kill(pid, 'SIGCONT');
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.over.signal }).catch(() => undefined);
  }

  private startMember(id: string, proxy: TcpProxy): Promise<WorkerProcess> {
    const { queueName, counter, startWorker } = this.stack;
    return startWorker({
      env: {
        REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        QUEUE_NAME: queueName,
        CONCURRENCY: '4',
        DRAIN_TIMEOUT_SECONDS: '5',
        ...counter.settings,
      },
      args: ['--id', id],
    });
  }
}
