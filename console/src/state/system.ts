import type { QueueView } from '../../../src/contract/api/queue.js';
import type { CountedWorker } from '../../../src/contract/worker-record.js';
import { ask, askHealth } from '../api/client.js';
import { type Resource, useResource } from './resource.js';

/** What `/health` says of each part of the process that answers. */
export interface Health {
  status: string;
  details: Record<string, { status: string; reason?: string } & Record<string, unknown>>;
}

export const useWorkers = (everyMs = 3_000): Resource<CountedWorker[]> =>
  useResource(
    'workers',
    async (signal) => {
      const { workers } = await ask<{ workers: CountedWorker[] }>('/workers', { signal });
      return workers.toSorted((a, b) => a.id.localeCompare(b.id));
    },
    everyMs,
  );

export const useQueue = (everyMs = 2_000): Resource<QueueView> =>
  useResource('queue', (signal) => ask<QueueView>('/queue', { signal }), everyMs);

export const useHealth = (everyMs = 5_000): Resource<Health> =>
  useResource('health', (signal) => askHealth<Health>('/health', signal), everyMs);
