import { setTimeout as sleep } from 'node:timers/promises';
import { aContext } from '../support/builders.js';
import type { WorkerOptions, WorkerProcess } from '../support/processes/worker-process.js';
import type { Producer } from '../support/producer.js';
import { pick, randomOf } from '../../src/faults/seeded-random.js';
import type { RunGauge } from '../support/fairness/run-gauge.js';
import { until } from '../support/until.js';
import type { RedisStack } from './stacks/redis-stack.js';

/** What a campaign against a cap does: the same seed draws the same faults, in the same order. */
export interface CapPlan {
  seed: number;
  seconds: number;
  workers: number;
  /** `max_running` of the organization. */
  cap: number;
  /** How long one execution runs. Less than it takes to find out that a worker is dead. */
  runMs: number;
  /** Pause between two faults, in milliseconds. */
  pauseMs: readonly [least: number, most: number];
}

export interface CapReport {
  seed: number;
  faults: Record<string, number>;
  executions: number;
  /** The most code that ran at once, counted by the code itself. */
  most: number;
  /** The same after the faults, with more waiting than there are places. */
  mostAfterwards: number;
  /** Executions without a result. */
  lost: string[];
  /** Keys of the lanes that are left when nothing waits and nothing runs. */
  keysLeft: string[];
}

/** Parts of the stack. */
export interface CapStack {
  redis: RedisStack;
  producer: Producer;
  gauge: RunGauge;
  queueName: string;
  startWorker: (options: WorkerOptions) => Promise<WorkerProcess>;
}

const CAPPED = 'capped';
const WAITING = 12;
const ALL_DONE_MS = 240_000;

/** Runs executions of one organization that has a cap, beside those of another, while workers and Redis are broken. */
export async function capCampaign(plan: CapPlan, stack: CapStack): Promise<CapReport> {
  const run = new CapCampaign(plan, stack);
  await run.start();
  return run.carryOut();
}

class CapCampaign {
  private readonly random: () => number;
  private readonly members: WorkerProcess[] = [];
  private readonly made: Record<string, number> = {};
  private readonly ids: string[] = [];
  private readonly over = new AbortController();

  constructor(
    private readonly plan: CapPlan,
    private readonly stack: CapStack,
  ) {
    this.random = randomOf(plan.seed);
  }

  async start(): Promise<void> {
    for (let n = 0; n < this.plan.workers; n++) this.members.push(await this.startMember(n));
    const response = await fetch(`${this.members[0]!.url}/organizations/${CAPPED}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ max_running: this.plan.cap }),
    });
    if (!response.ok) throw new Error(await response.text());
    const client = this.stack.redis.connect();
    const limits = `${this.stack.redis.keyPrefix}bull:${this.stack.queueName}:lanes:limits`;
    await until(async () => (await client.hexists(limits, CAPPED)) === 1, { what: 'the cap is in effect' });
  }

  async carryOut(): Promise<CapReport> {
    const { gauge } = this.stack;
    const loading = this.load();
    await this.breakThings();
    this.over.abort();
    await loading;
    await this.untilDone();
    const most = gauge.takeMost(CAPPED);
    // Long enough that those which start late meet the others.
    await Promise.all(
      Array.from({ length: 2 * this.plan.cap }, () => this.submit(CAPPED, 10 * this.plan.runMs)),
    );
    await this.untilDone();
    const lost = this.ids.filter((id) => this.stack.producer.resultsOf(id).length === 0);
    const mostAfterwards = gauge.takeMost(CAPPED);
    const keysLeft = await this.keysLeft();
    return {
      seed: this.plan.seed,
      faults: this.made,
      executions: this.ids.length,
      most,
      mostAfterwards,
      lost,
      keysLeft,
    };
  }

  /** Always more than there are places for, from the API where it answers and from a producer of its own. */
  private async load(): Promise<void> {
    const { producer } = this.stack;
    while (!this.over.signal.aborted) {
      const open = this.ids.filter((id) => producer.resultsOf(id).length === 0).length;
      if (open < WAITING) await this.submit(this.random() < 0.8 ? CAPPED : 'other');
      else await sleep(50);
    }
  }

  private async submit(organization: string, runMs = this.plan.runMs): Promise<void> {
    const context = aContext({
      organization: { id: organization },
      workflow_code: this.stack.gauge.code(organization, runMs),
      timeout_seconds: 60,
    });
    const url = this.random() < 0.5 ? pick(this.random, this.members).url : null;
    if (url !== null) {
      const body = JSON.stringify(context);
      const headers = { 'content-type': 'application/json' };
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${url}/executions`, { method: 'POST', body, headers, signal }).catch(
        () => null,
      );
      // What was not answered may have been accepted; it counts where its result comes.
      if (answer?.ok) this.ids.push(((await answer.json()) as { execution_id: string }).execution_id);
      return;
    }
    this.ids.push(await this.stack.producer.submitExecution(context));
  }

  private async untilDone(): Promise<void> {
    const { producer } = this.stack;
    const open = (): boolean => this.ids.some((id) => producer.resultsOf(id).length === 0);
    await until(() => !open(), { timeoutMs: ALL_DONE_MS, what: 'every execution has a result' }).catch(
      () => undefined,
    );
  }

  private async keysLeft(): Promise<string[]> {
    const { redis, queueName } = this.stack;
    const client = redis.connect();
    const prefix = `${redis.keyPrefix}bull:${queueName}:lanes:`;
    const left = async (): Promise<string[]> =>
      (await client.keys(`${prefix}*`))
        .map((key) => key.slice(prefix.length))
        .filter((name) => !['limits', 'workers', 'capacity', 'leader', 'whole'].includes(name));
    await until(async () => (await left()).length === 0, { what: 'no key is left', timeoutMs: 60_000 }).catch(
      () => undefined,
    );
    return left();
  }

  private async breakThings(): Promise<void> {
    const [least, most] = this.plan.pauseMs;
    const untilMs = performance.now() + this.plan.seconds * 1_000;
    const rest = (ms: number): Promise<void> => sleep(ms);
    const faults: Record<string, () => Promise<void>> = {
      'kill a worker': () => this.kill(),
      'freeze a worker': () => this.freeze(),
      'promote what waits': () => this.promote(),
    };
    for (const [name, make] of Object.entries(this.stack.redis.faults)) {
      if (name === 'restart Redis') faults[name] = () => make({ random: this.random, rest });
    }
    while (performance.now() < untilMs) {
      await sleep(least + this.random() * (most - least));
      const name = pick(this.random, Object.keys(faults));
      this.made[name] = (this.made[name] ?? 0) + 1;
      await faults[name]!();
    }
  }

  private async kill(): Promise<void> {
    const n = Math.floor(this.random() * this.members.length);
    await this.members[n]!.kill9();
    this.members[n] = await this.startMember(n);
  }

  /** As somebody may who does not know what the lanes hold. */
  private promote(): Promise<void> {
    return this.stack.producer.queue.promoteJobs();
  }

  private async freeze(): Promise<void> {
    const { pid } = pick(this.random, this.members);
    process.kill(pid, 'SIGSTOP');
    await sleep(2_000 + this.random() * 14_000);
    process.kill(pid, 'SIGCONT');
  }

  private startMember(n: number): Promise<WorkerProcess> {
    const { queueName, gauge, startWorker, redis } = this.stack;
    return startWorker({
      env: {
        REDIS_URL: redis.url,
        KEY_PREFIX: redis.keyPrefix,
        QUEUE_NAME: queueName,
        CONCURRENCY: '3',
        DRAIN_TIMEOUT_SECONDS: '5',
        ...gauge.settings,
      },
      args: ['--id', `w${n + 1}`],
    });
  }
}
