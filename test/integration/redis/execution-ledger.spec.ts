import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { attemptRecordSchema } from '../../../src/contract/result.js';
import { attemptRecord } from '../../../src/outcome/attempt-record.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { CancelRequests } from '../../../src/results/cancel-requests.js';
import { ExecutionLedger } from '../../../src/results/execution-ledger.js';
import type { OurTurn } from '../../../src/results/turn.js';
import { readStarts } from '../../../src/results/start-history.js';
import { ResultStore } from '../../../src/results/result-store.js';
import type { WorkerLease } from '../../../src/results/worker-lease.js';
import { aDocument, anOutcome, settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { resultSettings } from '../../../src/config/slices.js';

const redis = useRedis();
const keys = new RedisKeys('');
let client: RedisClient;
beforeAll(() => {
  client = redis.connect();
});

/** Owners whose lease is certainly gone. */
const dead = new Set<string>();

/** A worker of which only its ledger is there; one more start of it is another one with the same `owner`. */
function aWorker(owner = `w#${randomUUID()}`) {
  const lease = { owner, isDead: (other: string) => Promise.resolve(dead.has(other)) };
  const settings = settingsOf();
  return {
    owner,
    id: settings.WORKER_ID,
    ledger: new ExecutionLedger(client, keys, lease as WorkerLease, resultSettings.of(settings)),
  };
}

type Worker = ReturnType<typeof aWorker>;
const dies = ({ owner }: Worker): unknown => dead.add(owner);
const anId = (): string => `e-${randomUUID()}`;
const ours = (attempt: number, generation: number | null = null, starts = attempt) => ({
  kind: 'ours',
  run: 1,
  attempt,
  starts,
  generation,
  cancel: null,
});
const ENDED = { kind: 'ended', repeat: 'standing', result: {} };
const A_MARK = { jobId: '1', addedAtMs: 1, ends: 0, stalls: 0 };

/** Has a worker take an execution and give its code to a runner. */
async function take(worker: Worker, id: string, generation: number | null = null) {
  const turn = await takeOnly(worker, id, generation);
  if (turn.kind === 'ours') worker.ledger.noteGiven(id);
  return turn;
}

/** Has a worker take an execution for a job that it never saw; when it was given back is tested elsewhere. */
async function takeOnly({ ledger }: Worker, id: string, generation: number | null = null) {
  const mark = { jobId: randomUUID(), addedAtMs: 1, ends: 0, stalls: 0 };
  const turn = await ledger.take(id, generation, { mark, again: false });
  if (turn.kind !== 'ours') return turn;
  const { freed: _freed, ...rest } = turn;
  return rest;
}
const ELSEWHERE = { kind: 'elsewhere' };

describe('taking an execution', () => {
  it('gives it to the first worker that asks, and to no other while that one lives', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    expect(await take(a, id)).toEqual(ours(1));
    expect(await take(b, id)).toEqual(ELSEWHERE);
    expect(await take(a, id)).toEqual(ELSEWHERE);
  });

  it('does not take over what a script of the same worker has taken ahead of its delivery', async () => {
    const [a, id] = [aWorker(), anId()];
    a.ledger.noteStarted(id);
    const claim = { mark: A_MARK, again: false };
    expect(await a.ledger.take(id, null, claim, ['owned', a.owner])).toEqual(ELSEWHERE);
  });

  it('gives it to exactly one of many that ask at once', async () => {
    const id = anId();
    const turns = await Promise.all(Array.from({ length: 20 }, () => take(aWorker(), id)));
    expect(turns.filter(({ kind }) => kind === 'ours')).toEqual([ours(1)]);
    expect(turns.filter(({ kind }) => kind === 'elsewhere')).toHaveLength(19);
  });

  it('says that it ended once there is a result', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    await client.set(keys.result(id), '{}');
    expect(await take(b, id)).toEqual(ENDED);
    dies(a);
    expect(await take(b, id)).toEqual(ENDED);
  });

  it('is visible to other workers', async () => {
    const [a, id] = [aWorker(), anId()];
    const store = new ResultStore(client, keys);
    expect(await store.findLedger(id)).toBeNull();
    const beforeMs = Date.now();
    await take(a, id);
    const entry = await store.findLedger(id);
    expect(entry).toMatchObject({ worker: a.id, attempt: 1 });
    const startedAtMs = Date.parse(entry!.startedAt);
    expect([startedAtMs >= beforeMs, startedAtMs <= Date.now()]).toEqual([true, true]);
    await a.ledger.free(id, { run: 1, counted: true });
    expect(await store.findLedger(id)).toMatchObject({ worker: '', attempt: 1 });
  });

  it('leaves nothing in Redis for ever', async () => {
    const [a, id] = [aWorker(), anId()];
    await take(a, id);
    const ttl = await client.ttl(keys.ledger(id));
    // However long it waits for another attempt, and whatever RESULT_TTL_SECONDS is.
    expect(ttl).toBeGreaterThan(30 * 86_400);
    await a.ledger.free(id, { run: 1, counted: true, pauseMs: 3_600_000 });
    expect(await client.ttl(keys.ledger(id))).toBeGreaterThan(ttl + 3_500);
  });
});

describe('starts of the code of an execution', () => {
  it('count also where the attempt does not, unless no code ran', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    const first = await takeOnly(a, id);
    expect(a.ledger.unusedStart(id, first as OurTurn)).toBe(1);
    a.ledger.noteGiven(id);
    expect(a.ledger.unusedStart(id, first as OurTurn)).toBeNull();
    await a.ledger.free(id, { run: 1, counted: false });
    expect(await takeOnly(b, id)).toEqual(ours(1, null, 2));
    await b.ledger.free(id, { run: 1, counted: false });
    const again = await takeOnly(a, id);
    expect(again).toEqual(ours(1, null, 2));
    expect(a.ledger.unusedStart(id, again as OurTurn)).toBe(2);
    expect(await readStarts(client, keys.ledger(id))).toEqual({
      starts: 2,
      history: [
        expect.objectContaining({ start: 1, worker_id: a.id, ended: 'handed_back' }),
        expect.objectContaining({ start: 2, worker_id: a.id, ended: 'overtaken', ended_at: null }),
      ],
    });
  });

  it('do not count twice when the answer was lost with its connection, nor when it is cancelled', async () => {
    const [a, id, other] = [aWorker(), anId(), anId()];
    await take(aWorker(a.owner), id);
    expect(await take(a, id)).toEqual(ours(1));
    await new CancelRequests(
      client,
      keys,
      { owner: '' } as WorkerLease,
      resultSettings.of(settingsOf()),
    ).note(other, null);
    const turn = await takeOnly(a, other);
    expect(turn).toMatchObject({ kind: 'ours', starts: 0 });
    expect(a.ledger.unusedStart(other, turn as OurTurn)).toBeNull();
  });
});

describe('letting go of an execution', () => {
  it('lets the next attempt follow, and counts this one where asked to', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    await a.ledger.free(id, { run: 1, counted: true });
    expect(await take(b, id)).toEqual(ours(2));
    await b.ledger.free(id, { run: 1, counted: false });
    expect(await take(a, id)).toEqual(ours(2, null, 3));
  });

  it('has no effect on what another worker holds by now', async () => {
    const [a, b, c, id] = [aWorker(), aWorker(), aWorker(), anId()];
    await take(a, id);
    dies(a);
    expect(await take(b, id)).toEqual(ours(2));
    await a.ledger.free(id, { run: 1, counted: false });
    expect(await take(c, id)).toEqual(ELSEWHERE);
    expect(await client.hget(keys.ledger(id), 'attempt')).toBe('2');
  });

  it('many times never makes the execution look lost', async () => {
    const [a, id] = [aWorker(), anId()];
    for (let n = 0; n < 5; n++) {
      expect(await take(a, id)).toEqual(ours(1, null, n + 1));
      await a.ledger.free(id, { run: 1, counted: false });
    }
  });
});

describe('taking over from a worker', () => {
  it('happens when its lease is gone, and not before', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    expect(await take(b, id)).toEqual(ELSEWHERE);
    dies(a);
    expect(await take(b, id)).toEqual(ours(2));
    expect(await client.hgetall(keys.ledger(id))).toMatchObject({
      owner: b.owner,
      worker: b.id,
      attempt: '2',
      lost: '1',
    });
  });

  it('is for exactly one of many workers that notice', async () => {
    const [a, id] = [aWorker(), anId()];
    await take(a, id);
    dies(a);
    const turns = await Promise.all(Array.from({ length: 20 }, () => take(aWorker(), id)));
    expect(turns.filter(({ kind }) => kind !== 'elsewhere')).toEqual([ours(2)]);
    expect(await client.hget(keys.ledger(id), 'lost')).toBe('1');
  });

  it('ends after two lost workers: the third does not start it', async () => {
    const [a, b, c, d, id] = [aWorker(), aWorker(), aWorker(), aWorker(), anId()];
    await take(a, id);
    dies(a);
    await take(b, id);
    dies(b);
    expect(await take(c, id)).toEqual({ kind: 'exhausted', run: 1, attempt: 2, starts: 2, cancel: null });
    for (const other of [c, d]) expect(await take(other, id)).toEqual(ELSEWHERE);
    dies(c);
    expect((await take(d, id)).kind).toBe('exhausted');
  });

  it('counts lost workers over attempts that were handed back in between', async () => {
    const [a, b, c, id] = [aWorker(), aWorker(), aWorker(), anId()];
    await take(a, id);
    dies(a);
    await take(b, id);
    await b.ledger.free(id, { run: 1, counted: false });
    expect(await take(b, id)).toEqual(ours(2, null, 3));
    dies(b);
    expect((await take(c, id)).kind).toBe('exhausted');
  });
});

describe('what a worker marked as its own and does not hold', () => {
  it('is its own to take again: it was let go while Redis refused', async () => {
    const [a, id] = [aWorker(), anId()];
    await take(a, id);
    await client.rename(keys.ledger(id), `${keys.ledger(id)}:aside`);
    await client.set(keys.ledger(id), 'not a hash');
    await expect(a.ledger.free(id, { run: 1, counted: true })).rejects.toThrow('WRONGTYPE');
    await client.rename(`${keys.ledger(id)}:aside`, keys.ledger(id));
    expect(await take(a, id)).toEqual(ours(2));
  });

  it('stays out of reach while it does hold it', async () => {
    const [a, id] = [aWorker(), anId()];
    await take(a, id);
    dies(a); // it is frozen in the eyes of others; its own memory is what counts here
    expect(await take(a, id)).toEqual(ELSEWHERE);
  });
});

describe('the pinned generation', () => {
  it('goes with every later attempt', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    await a.ledger.pin(id, 7);
    await a.ledger.free(id, { run: 1, counted: true });
    expect(await take(b, id)).toEqual(ours(2, 7));
    dies(b);
    expect(await take(a, id)).toEqual(ours(3, 7));
  });
});

describe('a request to cancel', () => {
  const requests = (): CancelRequests => {
    const settings = resultSettings.of(settingsOf());
    return new CancelRequests(client, keys, { owner: 'another' } as WorkerLease, settings);
  };

  it('reaches the worker that takes the execution, and the first one stands', async () => {
    const [a, id] = [aWorker(), anId()];
    expect(await requests().note(id, 'first')).toMatchObject({ isNew: true, owned: false, attempt: 0 });
    expect(await requests().note(id, 'second')).toMatchObject({
      isNew: false,
      request: { reason: 'first' },
    });
    expect(await take(a, id)).toMatchObject({
      kind: 'ours',
      attempt: 1,
      cancel: { reason: 'first' },
    });
    expect(await client.ttl(keys.ledger(id))).toBeGreaterThan(0);
  });

  it('reaches the worker that takes over from a dead one, also one too many', async () => {
    const [a, b, c, id] = [aWorker(), aWorker(), aWorker(), anId()];
    await take(a, id);
    expect(await requests().note(id, null)).toMatchObject({ owned: true, attempt: 1 });
    dies(a);
    expect(await take(b, id)).toMatchObject({ kind: 'ours', cancel: { reason: null } });
    dies(b);
    expect(await take(c, id)).toMatchObject({ kind: 'exhausted', cancel: { reason: null } });
  });

  it('keeps a worker from giving the execution up', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    await requests().note(id, 'why');
    expect(await a.ledger.free(id, { run: 1, counted: true })).toMatchObject({ reason: 'why' });
    expect(await take(a, id)).toEqual(ELSEWHERE);
    expect(await take(b, id)).toEqual(ELSEWHERE);
  });

  it('finds nothing to note after the end', async () => {
    const id = anId();
    await client.set(keys.result(id), '{}');
    expect(await requests().note(id, null)).toEqual({ kind: 'ended' });
    expect(await client.exists(keys.ledger(id))).toBe(0);
  });

  it('is found for those that have one', async () => {
    const [one, other] = [anId(), anId()];
    await requests().note(one, 'x'.repeat(1000));
    expect([...(await requests().find([one, other])).requests]).toEqual([
      [one, { askedAt: expect.any(String), reason: 'x'.repeat(500) }],
    ]);
  });
});

describe('the attempts of an execution', () => {
  it('are remembered: one that failed with what it left, one whose worker died as lost', async () => {
    const [a, b, c, id] = [aWorker(), aWorker(), aWorker(), anId()];
    await take(a, id);
    const outcome = anOutcome(null, { success: false, status: 'failed', error: 'no' });
    const record = attemptRecord({ ...aDocument(id, outcome), worker_id: a.id });
    await a.ledger.free(id, { run: 1, counted: true, failed: { record, mark: A_MARK } });
    await take(b, id);
    dies(b);
    expect(await take(c, id)).toEqual(ours(3));
    const attempts = await c.ledger.earlierAttempts(id);
    expect(attempts).toMatchObject([
      { attempt: 1, status: 'failed', worker_id: a.id, error: 'no' },
      { attempt: 2, status: 'lost', worker_id: b.id, error_type: 'WorkerLost', finished_at: null, logs: [] },
    ]);
    for (const attempt of attempts) expect(attemptRecordSchema.safeParse(attempt).error).toBeUndefined();
    expect(await client.ttl(keys.attempts(id))).toBeGreaterThan(0);
  });

  it('do not count one that was handed back', async () => {
    const [a, b, id] = [aWorker(), aWorker(), anId()];
    await take(a, id);
    await a.ledger.free(id, { run: 1, counted: false });
    expect(await take(b, id)).toEqual(ours(1, null, 2));
    expect(await b.ledger.earlierAttempts(id)).toEqual([]);
  });
});
