import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { QueueSettings } from '../../config/slices.js';
import type { RedisClient } from '../../redis/connections.js';
import { NO_LANE } from './lane-request.js';
import { LANES, type LanesState } from './lane-script.js';
import { Lanes } from './lanes.js';

const LANE = { ...NO_LANE, organization: 'o' };
const [SOON_MS, LATE_MS, MOST] = [10, 50, 128];
let sent: string[][];
let state: LanesState;
let lanes: Lanes;

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  jest.spyOn(LANES, 'run').mockImplementation((_client, _keys, [events]) => {
    const kinds = (JSON.parse(events as string) as [string][]).map(([kind]) => kind);
    sent.push(kinds);
    return Promise.resolve([state, -1, kinds.map(() => 0)]);
  });
  lanes = new Lanes(
    {} as RedisClient,
    { isFair: true, name: 'q', bullPrefix: 'bull' } as unknown as QueueSettings,
  );
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

/** What the lanes answer from now on, as this process learns from its next command. */
async function learn(now: LanesState): Promise<void> {
  state = now;
  lanes.look();
  await jest.advanceTimersByTimeAsync(SOON_MS);
  sent = [];
}

describe('what is noted', () => {
  it('is sent soon with what came before it', async () => {
    await learn('running');
    lanes.noteTaken('1', LANE, 'w', true);
    lanes.noteEnded('2', 'o', 'w', 5);
    await jest.advanceTimersByTimeAsync(SOON_MS);
    expect(sent).toEqual([['taken', 'ended']]);
  });

  it('gathers for longer where no organization waits and nothing but shares depends on it', async () => {
    await learn('running');
    for (const id of ['1', '2', '3']) {
      lanes.noteTaken(id, LANE, 'w', true);
      await jest.advanceTimersByTimeAsync(LATE_MS / 5);
      lanes.noteEnded(id, 'o', 'w', 5, true);
    }
    expect(sent).toEqual([]);
    await jest.advanceTimersByTimeAsync(LATE_MS - (3 * LATE_MS) / 5);
    expect(sent).toEqual([['taken', 'ended', 'taken', 'ended', 'taken', 'ended']]);
  });

  it('is sent soon where an organization waits', async () => {
    await learn('waiting');
    lanes.noteTaken('1', LANE, 'w', true);
    await jest.advanceTimersByTimeAsync(SOON_MS);
    expect(sent).toEqual([['taken']]);
  });

  it('goes at once with what an answer is waited for, in its order', async () => {
    await learn('running');
    lanes.noteEnded('1', 'o', 'w', 5, true);
    const answer = lanes.submit('2', LANE);
    await jest.advanceTimersByTimeAsync(0);
    expect(await answer).toBe(0);
    expect(sent).toEqual([['ended', 'submit']]);
    await jest.advanceTimersByTimeAsync(LATE_MS);
    expect(sent).toHaveLength(1);
  });

  it('is sent when one command can hold no more', async () => {
    await learn('running');
    for (let n = 0; n < MOST + 1; n++) lanes.noteTaken(String(n), LANE, 'w', true);
    expect(sent.map(({ length }) => length)).toEqual([MOST]);
    await jest.advanceTimersByTimeAsync(LATE_MS);
    expect(sent.map(({ length }) => length)).toEqual([MOST, 1]);
  });
});
