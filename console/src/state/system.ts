import type { QueueView } from '../../../src/contract/api/queue.js';
import type { CountedWorker } from '../../../src/contract/worker-record.js';
import { ask, askHealth, RequestError } from '../api/client.js';
import { seesAll } from './rights.js';
import { type Resource, useResource } from './resource.js';

/** What `/health` says of each part of the process that answers. */
export interface Health {
  status: string;
  details: Record<string, { status: string; reason?: string } & Record<string, unknown>>;
}

/** Nothing is asked for that the token may not see. */
const NOT_ALLOWED = new RequestError({
  status: 403,
  title: 'Not allowed',
  detail: 'It belongs to all organizations, and this token is for some.',
  errors: [],
});

export const useWorkers = (everyMs = 3_000): Resource<CountedWorker[]> =>
  useResource(
    'workers',
    async (signal) => {
      if (!seesAll.value) throw NOT_ALLOWED;
      const { workers } = await ask<{ workers: CountedWorker[] }>('/workers', { signal });
      return workers.toSorted((a, b) => a.id.localeCompare(b.id));
    },
    everyMs,
  );

export const useQueue = (everyMs = 2_000): Resource<QueueView> =>
  useResource(
    'queue',
    (signal) => (seesAll.value ? ask<QueueView>('/queue', { signal }) : Promise.reject(NOT_ALLOWED)),
    everyMs,
  );

export const useHealth = (everyMs = 5_000): Resource<Health> =>
  useResource(
    'health',
    (signal) => (seesAll.value ? askHealth<Health>('/health', signal) : Promise.reject(NOT_ALLOWED)),
    everyMs,
  );
