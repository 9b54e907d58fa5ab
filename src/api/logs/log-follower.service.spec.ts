import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { anOutcome } from '../../../test/support/parts.js';
import type { LogEvent } from '../../contract/log-stream.js';
import type { LogPage, LogStore } from '../../results/logs/log-store.js';
import type { ExecutionLookup } from '../executions/execution-lookup.service.js';
import type { LogAnnouncements } from './log-announcements.js';
import { LogFollower } from './log-follower.service.js';

const at = { attempt: 1, run: 'r', ts: '2026-03-01T10:00:00.000Z' };
const START: LogEvent = { ...at, id: '1-0', n: 1, type: 'start', worker_id: 'w' };
const LINE: LogEvent = { ...at, id: '2-0', n: 2, type: 'log', level: 'info', stream: 'stdout', message: 'x' };
const END: LogEvent = { ...at, id: '3-0', n: 3, type: 'end', status: 'succeeded' };

/** A follower of an execution that has its result, while its worker is still to write the rest of the log. */
function followerOf(pages: (reads: number) => LogEvent[]) {
  let ring = (): void => undefined;
  let reads = 0;
  const store = {
    read: (): Promise<LogPage> => {
      const events = pages((reads += 1));
      // Whatever else is announced meanwhile wakes the follower.
      setImmediate(ring);
      return Promise.resolve({ events, last: events.at(-1)?.id ?? null, chars: 100 });
    },
    find: () => Promise.resolve(START),
  };
  const result = { execution_id: 'e', worker_id: 'w', attempt: 1, queued_ms: 1, ...anOutcome(1) };
  const lookup = { find: () => Promise.resolve({ state: 'ended', result }) };
  const announcements = {
    listen: (_id: string, bell: () => void) => {
      ring = bell;
      return Promise.resolve(() => undefined);
    },
  };
  return new LogFollower(
    store as unknown as LogStore,
    lookup as unknown as ExecutionLookup,
    announcements as unknown as LogAnnouncements,
  );
}

const collectEvents = async (follower: LogFollower): Promise<LogEvent[]> => {
  const events: LogEvent[] = [];
  for await (const batch of follower.follow('e', null, new AbortController().signal)) events.push(...batch);
  return events;
};

afterEach(() => {
  jest.restoreAllMocks();
});

describe('a follower that sees the result before the end of the log', () => {
  it('waits for what was printed last, however often it is woken meanwhile', async () => {
    const pages = (reads: number): LogEvent[] => (reads === 1 ? [START] : reads === 20 ? [LINE, END] : []);
    expect(await collectEvents(followerOf(pages))).toEqual([START, LINE, END]);
  });

  it('yields the log that came with the result, after a look at both that found it alone', async () => {
    const pages = (reads: number): LogEvent[] => (reads === 1 ? [] : [START, LINE, END]);
    expect(await collectEvents(followerOf(pages))).toEqual([START, LINE, END]);
  });

  it('yields the end also where no worker writes it', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
    const pages = (reads: number): LogEvent[] => (reads === 1 ? [START] : []);
    expect((await collectEvents(followerOf(pages))).map(({ type, id }) => [type, id])).toEqual([
      ['start', '1-0'],
      ['end', null],
    ]);
  });
});
