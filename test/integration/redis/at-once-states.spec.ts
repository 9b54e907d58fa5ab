import { beforeAll, describe, expect, it } from '@jest/globals';
import { pick, randomOf } from '../../../src/faults/seeded-random.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { APPEND as APPEND_TO_FEED, feedNameOf } from '../../../src/results/archive-feed.js';
import { endArguments, type EndReply, endScript } from '../../../src/results/at-once/end-script.js';
import { TAKE } from '../../../src/results/at-once/take-script.js';
import { BEGIN, MARK_PUBLISHED, SETTLE } from '../../../src/results/execution-scripts.js';
import { APPEND as APPEND_TO_LOG } from '../../../src/results/logs/log-script.js';
import { COUNT } from '../../../src/tenants/usage/usage-counter.js';
import { anEndInput } from '../../support/end-input.js';
import { contentOf } from '../../support/servers/keyspace.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
let client: RedisClient;

beforeAll(() => {
  client = redis.connect();
});

/** States of each kind that are tried. */
const STATES = 250;
const TTL = 100;
const [DOCUMENT, OTHER] = ['{"by":"this"}', '{"by":"another"}'];
const [FIELD, MARK] = ['job:j', '1000:1:2'];
const DAY = 'day';
type Random = () => number;
type Arguments = (string | number)[];

/** What there is of an execution in Redis. */
interface State {
  result: string | null;
  ledger: Record<string, string>;
  attempts: string[];
  log: string[][];
  day: Record<string, string>;
  /** The day's counters expire. */
  dayExpires: boolean;
  flag: boolean;
  context: string | null;
  generation: string | null;
  /** Keys of the job of a parent. */
  parent: string[];
}

const maybe = <T>(random: Random, value: T): T | null => (random() < 0.5 ? value : null);
/** Those of the fields that are chosen. */
const some = (random: Random, fields: Record<string, readonly string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(() => random() < 0.4)
      .map(([name, values]) => [name, pick(random, values)]),
  );
const entry = (type: string, attempt: string, run: string, n: string): string[] =>
  Object.entries({ type, attempt, run, n }).flat();

function aState(random: Random, run: string): State {
  return {
    result: random() < 0.7 ? null : pick(random, [DOCUMENT, OTHER]),
    ledger: {
      ...some(random, {
        owner: ['', 'w#1'],
        published: ['1'],
        forgotten: ['2026-01-01'],
        starts: ['0', '1', '2', '12'],
        counted: ['1', '1000001', '2000001'],
        attempt: ['0', '1'],
        generation: ['4'],
        cancel_asked_at: ['2026-01-01'],
        marks: ['0', '1', '256'],
        [FIELD]: ['1000:1:1', '1000:1:3', '900:0:9', '1000:1:2:attempt'],
      }),
      ...(run === '1' ? some(random, { run: ['1', '1', '2'] }) : { run: pick(random, ['1', '2', '2']) }),
    },
    attempts: maybe(random, ['{"attempt":1}']) ?? [],
    log: pick(random, [
      [],
      [],
      [entry('start', '1', 'r', '1')],
      [entry('start', '1', 'former', '1')],
      [entry('start', '2', 'r', '1')],
      [entry('start', '1', 'former', '1'), entry('end', '1', 'former', '2')],
    ]),
    day: some(random, { 'executions:o': ['1', '7'], 'cpu_ms:o': ['5'] }),
    dayExpires: random() < 0.5,
    flag: random() < 0.3,
    context: pick(random, [null, '', '{}', 'x'.repeat(65_536), 'x'.repeat(65_537)]),
    generation: maybe(random, '9'),
    parent: maybe(random, [pick(random, [':processed', ':failed', ':dependencies', ':unsuccessful'])]) ?? [],
  };
}

/** One execution below a prefix of its own. */
class Place {
  readonly keys: RedisKeys;
  readonly job: string;
  readonly result: string;
  readonly ledger: string;
  readonly attempts: string;
  readonly log: string;
  readonly day: string;

  constructor(private readonly prefix: string) {
    const keys = new RedisKeys(prefix);
    this.keys = keys;
    this.job = `${prefix}job`;
    [this.result, this.ledger] = [keys.result('e'), keys.ledger('e')];
    [this.attempts, this.log, this.day] = [keys.attempts('e'), keys.logs('e'), keys.usage(DAY)];
  }

  async write(state: State): Promise<void> {
    const all = await client.keys(`*${this.prefix}*`);
    if (all.length > 0) await client.del(...all);
    const write = client.pipeline();
    if (state.result !== null) write.set(this.result, state.result);
    if (Object.keys(state.ledger).length > 0) write.hset(this.ledger, state.ledger);
    if (state.attempts.length > 0) write.rpush(this.attempts, ...state.attempts);
    for (const fields of state.log) write.xadd(this.log, '*', ...fields);
    if (Object.keys(state.day).length > 0) write.hset(this.day, state.day);
    if (state.dayExpires) write.expire(this.day, 50);
    if (state.flag) write.set(this.keys.cancelFlag('e'), '1');
    if (state.context !== null) write.set(this.keys.context('e'), state.context);
    if (state.generation !== null) write.set(this.keys.workspaceCurrent(), state.generation);
    for (const name of state.parent) write.sadd(this.job + name, 'child');
    // What has waited for longer than results live.
    write.zadd(this.keys.archiveWaiting(), 1, 'lost');
    await write.exec();
  }

  /** All that there is, and whether it expires. */
  async read(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const key of (await client.keys(`*${this.prefix}*`)).toSorted()) {
      found[key.replace(this.prefix, '')] = [await contentOf(client, key), (await client.ttl(key)) > 0];
    }
    return found;
  }
}

const [ONCE, APART] = [new Place('once:'), new Place('apart:')];

describe('from any state of an execution', () => {
  const LIMIT = 1_000_000;
  const endOf = (feedLength: number) =>
    endScript(
      { addStandardJob: { source: 'return 1', keys: 0 }, moveToFinished: { source: 'return 0', keys: 0 } },
      ONCE.keys,
      {
        adding: [],
        finishing: [],
        rules: {
          resultTtlSeconds: TTL,
          feedLength,
          logTtlSeconds: TTL,
          logLimitBytes: LIMIT,
          ttlSeconds: TTL,
          hasGenerations: false,
        },
      },
    );
  const [END_WITH_FEED, END_WITHOUT_FEED] = [endOf(10), endOf(0)];

  /** How an execution ends. */
  interface Ending {
    settle: Arguments;
    run: string;
    feedLength: number;
    isSilent: boolean;
    usage: Arguments | null;
  }

  function anEnding(random: Random, run: string): Ending {
    const fields = ['executions:o', 'cpu_ms:o', 'network_bytes:o', 'artifact_bytes:o'];
    return {
      settle: [DOCUMENT, TTL, run, FIELD, MARK, 1],
      run,
      feedLength: random() < 0.2 ? 0 : 10,
      isSilent: random() < 0.7,
      usage: random() < 0.3 ? null : [1_000_001, TTL, ...fields, 1, pick(random, [0, 5]), 0, 3],
    };
  }

  const START = ['type', 'start', 'ts', 't1', 'attempt', '1', 'run', 'r', 'n', '1', 'worker', 'w'];
  const LAST = ['type', 'end', 'ts', 't2', 'attempt', '1', 'run', 'r', 'n', '2', 'status', 'succeeded'];
  const ENTRIES = JSON.stringify([START, LAST]);

  async function endAtOnce({ run, feedLength, isSilent, usage }: Ending): Promise<boolean> {
    const input = anEndInput({
      document: DOCUMENT,
      run: Number(run),
      mark: MARK,
      looks: '1',
      logKind: isSilent ? 'silent' : 'batch',
      logFirst: isSilent ? 't1' : '[1,2]',
      logSecond: isSilent ? 't2' : ENTRIES,
      day: usage ? DAY : '',
      countMark: 1_000_001,
      organization: 'o',
      executions: 1,
      cpuMs: (usage?.[7] as number | undefined) ?? 0,
      artifactBytes: 3,
      jobId: 'j',
    });
    const script = feedLength > 0 ? END_WITH_FEED : END_WITHOUT_FEED;
    const reply = (await script.runForJson(client, [], endArguments(input))) as EndReply;
    return reply[0] === 'ended';
  }

  async function endApart({ settle, run, feedLength, usage }: Ending): Promise<boolean> {
    const { keys } = APART;
    const [standing, sent] = (await SETTLE.run(
      client,
      [APART.result, APART.ledger, APART.attempts],
      settle,
    )) as string[];
    if (standing !== DOCUMENT || sent !== '0') return false;
    const feed = [keys.archiveFeed(), keys.archiveWaiting(), keys.archiveFigures()];
    if (feedLength > 0)
      await APPEND_TO_FEED.run(client, feed, [feedLength, TTL, feedNameOf('e', Number(run)), DOCUMENT]);
    if (usage) await COUNT.run(client, [APART.ledger, APART.day], usage);
    await APPEND_TO_LOG.run(client, [APART.log], [1, '[1,2]', ENTRIES, LIMIT, TTL, 'r']);
    await MARK_PUBLISHED.run(client, [APART.ledger], [run]);
    return true;
  }

  it('an end at once leaves what the separate commands leave', async () => {
    const random = randomOf(19);
    let ended = 0;
    for (let n = 0; n < STATES; n++) {
      const run = pick(random, ['1', '1', '2']);
      const state = aState(random, run);
      const ending = anEnding(random, run);
      await Promise.all([ONCE.write(state), APART.write(state)]);
      const outcomes = await Promise.all([endAtOnce(ending), endApart(ending)]);
      const [once, apart] = await Promise.all([ONCE.read(), APART.read()]);
      expect({ state, ending, outcome: outcomes[0], left: once }).toEqual({
        state,
        ending,
        outcome: outcomes[1],
        left: apart,
      });
      if (outcomes[0]) ended += 1;
    }
    expect(ended).toBeGreaterThan(STATES / 10);
    expect(ended).toBeLessThan(STATES);
  }, 60_000);

  it('a take begins as the ledger does, and brings what stands beside it', async () => {
    const random = randomOf(42);
    const kinds = new Map<string, number>();
    for (let n = 0; n < STATES; n++) {
      const state = aState(random, '1');
      await Promise.all([ONCE.write(state), APART.write(state)]);
      const { keys, result, ledger, attempts, job } = ONCE;
      const own = [keys.context('e'), keys.cancelFlag('e'), keys.workspaceCurrent()];
      const hasGenerations = random() < 0.5;
      const args = ['w#2', 'w', 'now', TTL];
      const reply = await TAKE.run(
        client,
        [result, ledger, attempts, ...own, job],
        [...args, FIELD, hasGenerations ? '1' : '0'],
      );
      const isParent = state.parent.length > 0;
      const generation = hasGenerations ? state.generation : null;
      const begun = isParent
        ? null
        : await BEGIN.run(
            client,
            [APART.result, APART.ledger, APART.attempts],
            [...args, generation ?? '', FIELD],
          );
      const { context } = state;
      const isInline = context !== null && context !== '' && context.length <= 65_536;
      expect(reply).toEqual(
        isParent ? ['parent'] : ['taken', begun, isInline ? context : null, state.flag ? 1 : 0, generation],
      );
      const [once, apart] = await Promise.all([ONCE.read(), APART.read()]);
      expect(once).toEqual(apart);
      const kind = isParent ? 'parent' : (begun as string[])[0]!;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    expect([...kinds.keys()].toSorted()).toEqual(['ended', 'owned', 'parent', 'started']);
  }, 60_000);
});
