import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { HeartbeatService } from '../../../src/heartbeat/heartbeat.service.js';
import { WorkerCommands } from '../../../src/heartbeat/worker-commands.js';
import { WorkerStateHolder } from '../../../src/heartbeat/worker-state.js';
import { WorkerStatistics } from '../../../src/heartbeat/worker-statistics.js';
import { StatusReporter } from '../../../src/packages/status-reporter.js';
import { ManifestWatcher } from '../../../src/packages/manifest-watcher.js';
import { CancelListener } from '../../../src/worker/cancel.listener.js';
import { ControlListener } from '../../../src/worker/control.listener.js';
import { RunningExecutions } from '../../../src/worker/running-executions.js';
import type { Service } from '../../../src/lib/service.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { WorkerLease } from '../../../src/results/worker-lease.js';
import { WorkspaceJanitor } from '../../../src/workspace/janitor.js';
import { WorkspaceStore } from '../../../src/workspace/workspace.store.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { resultSettings, workerSettings } from '../../../src/config/slices.js';

// The pool of runners, which takes longest, has a spec of its own: runner-pool-cycles.spec.ts.

const redis = useRedis();
const prefix = `${randomUUID()}:`;
const keys = new RedisKeys(prefix);
let patient: RedisClient;
let impatient: RedisClient;

beforeAll(async () => {
  Logger.overrideLogger(false);
  patient = redis.connect();
  impatient = redis.connect('impatient');
  await until(() => impatient.status === 'ready' && patient.status === 'ready', { what: 'Redis is there' });
});

const never = (): never => {
  throw new Error('nothing of this is asked for here');
};
const unused = new Proxy({}, { get: never }) as never;

const MAKERS: [name: string, make: () => Service][] = [
  [
    'ControlListener',
    () =>
      new ControlListener(
        patient,
        keys,
        unused,
        new WorkerCommands(impatient, keys),
        workerSettings.of(settingsOf()),
      ),
  ],
  ['CancelListener', () => new CancelListener(patient, keys, unused, new RunningExecutions(unused), unused)],
  ['WorkerLease', () => new WorkerLease(impatient, keys, resultSettings.of(settingsOf()))],
  [
    'HeartbeatService with WorkerStatistics',
    () => {
      const settings = settingsOf();
      const statistics = new WorkerStatistics(impatient, keys, workerSettings.of(settings));
      const heartbeat = new HeartbeatService(
        impatient,
        keys,
        workerSettings.of(settings),
        new WorkerStateHolder(),
        statistics,
      );
      const details = { running: 0, runners: [], package_set: null, workspace_generation: null };
      return {
        start: async () => {
          await heartbeat.start(() => details);
          statistics.record({ status: 'succeeded', duration_ms: 1, finished_at: new Date().toISOString() });
        },
        stop: () => heartbeat.stop(),
      };
    },
  ],
  ['WorkspaceJanitor', () => new WorkspaceJanitor(patient, keys, new WorkspaceStore(patient, keys))],
  [
    'ManifestWatcher',
    () =>
      new ManifestWatcher(
        {
          readManifest: () => Promise.resolve({ kind: 'absent' }),
          watchChanges: () => ({ stop: () => undefined }),
        },
        { onReading: () => undefined, onFailure: () => undefined },
        { intervalMs: 5, retryMs: 5 },
      ),
  ],
  [
    'StatusReporter',
    () => {
      const sink = { writeStatus: () => Promise.resolve(), removeStatus: () => Promise.resolve() };
      const reporter = new StatusReporter(sink, 'w');
      return { start: () => reporter.update({ progress: 1 }), stop: () => reporter.stop() };
    },
  ],
];

interface Held {
  /** Timers of this process. */
  timers: number;
  /** How many connections the server of this suite has. */
  connections: number;
  /** How many listen to each event of the connections, in one list. */
  listeners: number[];
}

const held = async (): Promise<Held> => ({
  timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
  connections: ((await patient.call('CLIENT', 'LIST')) as string).trim().split('\n').length,
  listeners: [patient, impatient].flatMap((client) =>
    ['ready', 'error', 'message'].map((event) => client.listenerCount(event)),
  ),
});

/**
 * No count is higher than before. A lower one is no leak: a timer of the server's start, or one of jest's, may have
 * been counted before and has ended since.
 */
const holdsNoMore = (now: Held, before: Held): boolean =>
  now.timers <= before.timers &&
  now.connections <= before.connections &&
  now.listeners.every((count, i) => count <= before.listeners[i]!);

/** The same numbers at every run: an order that failed fails again. */
function* dice(): Generator<number> {
  for (let seed = 1; ;) {
    seed = (seed * 48_271) % 2_147_483_647;
    yield seed;
  }
}

describe('what lives long', () => {
  it.each(MAKERS)(
    '%s is started and stopped 200 times in any order and leaves nothing',
    async (_name, make) => {
      const before = await held();
      const living = make();
      const numbers = dice();
      await living.stop();
      const steps: unknown[] = [];
      for (let i = 0; i < 200; i++) {
        const number = numbers.next().value as number;
        steps.push(number % 2 === 0 ? living.start() : living.stop());
        // Now and then one after the other, otherwise all at once.
        if (number % 5 === 0) await Promise.all(steps.splice(0));
      }
      steps.push(living.stop(), living.stop());
      await Promise.all(steps);
      await living.stop();
      const isLeft = async (): Promise<boolean> => holdsNoMore(await held(), before);
      await until(isLeft, { what: 'no more timers, connections and listeners than before' }).catch(async () =>
        expect(await held()).toEqual(before),
      );
      const own = await patient.keys(`${prefix}*`);
      expect(own.filter((key) => !key.endsWith(':stats'))).toEqual([]);
    },
  );
});
