import type { Settings } from '../config/settings.js';
import type { ConformanceCheck, ConformanceReport } from '../contract/clients/conformance-report.js';
import { waitAtMost } from '../lib/time-limit.js';
import { ENGINE_CHECKS } from './engine-checks.js';
import { EXECUTION_CHECKS } from './execution-checks.js';
import type { Check, Conversation } from './check.js';
import { Mismatch } from './mismatch.js';
import { TASK_CHECKS } from './task-checks.js';
import { Wire } from './wire.js';
import { WORKER_CHECKS } from './worker-checks.js';

const CHECKS: readonly Check[] = [...WORKER_CHECKS, ...TASK_CHECKS, ...EXECUTION_CHECKS, ...ENGINE_CHECKS];

const CONNECT_LIMIT_MS = 10_000;

/**
 * Plays producer and consumer against the workers of a queue and compares what they do with the contract.
 * @param settings as those of the worker: where Redis is, the names of keys and queues, the forms it is set to
 * @param limitMs how long each answer may take
 * @throws {Error} when Redis does not answer
 */
export async function checkConformance(settings: Settings, limitMs: number): Promise<ConformanceReport> {
  const wire = new Wire(settings, limitMs);
  try {
    await reach(wire);
    const checks: ConformanceCheck[] = [];
    let isOver = false;
    for (const check of CHECKS) {
      if (check.applies && !check.applies(settings)) continue;
      const outcome: ConformanceCheck = isOver ? skipped(check) : await carriedOut(check, { wire, settings });
      isOver ||= outcome.outcome === 'failed' && check.isBasic === true;
      checks.push(outcome);
    }
    const ok = checks.every(({ outcome }) => outcome === 'passed');
    return { ok, queue: settings.QUEUE_NAME, preset: settings.PRESET ?? null, checks };
  } finally {
    await wire.close();
  }
}

async function reach({ redis }: Wire): Promise<void> {
  let answered = false;
  await waitAtMost(
    redis.ping().then(() => (answered = true)),
    CONNECT_LIMIT_MS,
  );
  if (!answered) throw new Error(`Redis does not answer within ${CONNECT_LIMIT_MS / 1000} s`);
}

const skipped = ({ name }: Check): ConformanceCheck => ({
  name,
  outcome: 'skipped',
  detail: '',
  durationMs: 0,
});

async function carriedOut(check: Check, conversation: Conversation): Promise<ConformanceCheck> {
  const { name } = check;
  const startMs = performance.now();
  const durationMs = (): number => Math.round(performance.now() - startMs);
  try {
    await check.run(conversation);
    return { name, outcome: 'passed', detail: '', durationMs: durationMs() };
  } catch (error) {
    const { message } = error as Error;
    // A document may be so wrong that reading it fails.
    const detail = error instanceof Mismatch ? message : `what came could not be read: ${message}`;
    return { name, outcome: 'failed', detail, durationMs: durationMs() };
  }
}
