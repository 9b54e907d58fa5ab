import { describe, expect, it } from '@jest/globals';
import type { CancelRequests } from '../results/cancel-requests.js';
import type { ExecutionLedger } from '../results/execution-ledger.js';
import { ResultAuthor } from '../results/result-author.js';
import type { ResultPublisher } from '../results/result-publisher.js';
import { CancelService } from './cancel.service.js';
import { StillSearchingError } from './job-finder.js';
import type { QueuedExecutions } from './queued-executions.js';

const REQUEST = { askedAt: '2026-01-01T00:00:00.000Z', reason: null };
const NOTED = { kind: 'noted', request: REQUEST, isNew: true, owned: false, attempt: 0, run: 1 } as const;

/** A queue with one job, and what was done to it; each of `failures` makes the step of its name fail once. */
function aService(failures: Record<string, Error>): { service: CancelService; done: string[] } {
  const done: string[] = [];
  const step = <T>(name: string, value: T): Promise<T> => {
    done.push(name);
    const failure = failures[name];
    delete failures[name];
    return failure ? Promise.reject(failure) : Promise.resolve(value);
  };
  const queued = {
    find: () => step('find', { kind: 'execution', times: {}, tick: null, subject: {}, webhook: null }),
    remove: () => step('remove', undefined),
  };
  const service = new CancelService(
    {} as CancelRequests,
    { write: () => ({ status: 'cancelled', metrics: {} }) } as unknown as ResultAuthor,
    { publishUnowned: () => step('publish', true) } as unknown as ResultPublisher,
    queued as unknown as QueuedExecutions,
    {} as ExecutionLedger,
  );
  return { service, done };
}

describe('the end of an execution that no worker carries out', () => {
  it.each([
    ['find', ['find', 'find', 'publish', 'remove']],
    ['publish', ['find', 'publish', 'find', 'publish', 'remove']],
    ['remove', ['find', 'publish', 'remove', 'find', 'publish', 'remove']],
  ])('is complete although Redis did not answer in time at the step: %s', async (name, steps) => {
    const { service, done } = aService({ [name]: new Error('Command timed out') });
    expect(await service.endIfUnowned('e-1', NOTED)).toEqual({ kind: 'cancelled' });
    expect(done).toEqual(steps);
  });

  it('says at once that a search through the queue goes on', async () => {
    const { service, done } = aService({ find: new StillSearchingError('e-1', 9) });
    await expect(service.endIfUnowned('e-1', NOTED)).rejects.toThrow(StillSearchingError);
    expect(done).toEqual(['find']);
  });
});
