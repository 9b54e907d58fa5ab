import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { LogEntry } from '../../../src/contract/result.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ExecutionUpdates } from '../../../src/results/clients/execution-updates.js';
import { LogWriter } from '../../../src/results/logs/log-writer.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { logSettings, resultSettings } from '../../../src/config/slices.js';

const redis = useRedis({ persistent: true });
const keys = new RedisKeys('');

const writerOf = (changes: Record<string, string> = {}): LogWriter => {
  const settings = settingsOf({ WORKER_ID: 'w1', ...changes });
  const client = redis.connect('impatient');
  const updates = new ExecutionUpdates(client, keys, resultSettings.of(settings));
  return new LogWriter(client, keys, updates, logSettings.of(settings));
};

const entry = (message: string, changes: Partial<LogEntry> = {}): LogEntry => ({
  ts: '2026-03-01T10:00:00.000Z',
  level: 'info',
  stream: 'stdout',
  message,
  ...changes,
});

type Stored = Record<string, string>;

/** The stream as it is, oldest first. */
async function stored(id: string): Promise<Stored[]> {
  const client = redis.connect();
  const entries = await client.xrange(keys.logs(id), '-', '+');
  client.disconnect();
  return entries.map(([, fields]) =>
    Object.fromEntries(
      fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1]!]] : [])),
    ),
  );
}

const ready = async (writer: LogWriter): Promise<void> => {
  const probe = writer.open(`probe-${randomUUID()}`, 1);
  await writer.close(probe.executionId);
};

describe('the log stream of an execution', () => {
  it('has every entry in order, from start to end, and expires', async () => {
    const ttlSeconds = 50_000;
    const writer = writerOf({ LOG_TTL_SECONDS: String(ttlSeconds) });
    const id = randomUUID();
    const log = writer.open(id, 2);
    expect(log.add(entry('one'))).toBeNull();
    void log.add(entry('two', { level: 'error', stream: 'stderr', partial: true, fields: { a: [1] } }));
    log.progress({ fraction: 0.25, message: null });
    await writer.end(id, 2, 'failed');
    const own = { attempt: '2', run: expect.anything(), ts: expect.anything() };
    expect(await stored(id)).toEqual([
      { ...own, type: 'start', n: '1', worker: 'w1' },
      { ...own, type: 'log', n: '2', level: 'info', stream: 'stdout', message: 'one' },
      {
        ...own,
        type: 'log',
        n: '3',
        level: 'error',
        stream: 'stderr',
        message: 'two',
        partial: '1',
        fields: '{"a":[1]}',
      },
      { ...own, type: 'progress', n: '4', fraction: '0.25', message: '' },
      { ...own, type: 'end', n: '5', status: 'failed' },
    ]);
    const ttl = await redis.connect().ttl(keys.logs(id));
    // Less what the test took, in the worst case.
    expect(ttl).toBeGreaterThan(ttlSeconds - 600);
    expect(ttl).toBeLessThanOrEqual(ttlSeconds);
  });

  it('is written while the execution goes on, and announced', async () => {
    const writer = writerOf();
    const id = randomUUID();
    const received: string[] = [];
    const subscriber = redis.connect();
    subscriber.on('message', (_channel: string, last: string) => received.push(last));
    await subscriber.subscribe(keys.logs(id));
    const log = writer.open(id, 1);
    void log.add(entry('now'));
    await until(async () => (await stored(id)).length === 2, { what: 'the entry is there' });
    await until(() => received.length > 0, { what: 'it was announced' });
    expect(received[0]).toMatch(/^\d+-\d+$/);
    await writer.close(id);
  });

  it('takes nothing of an earlier attempt, and nothing after the end', async () => {
    const [frozen, other] = [writerOf(), writerOf()];
    const id = randomUUID();
    const first = frozen.open(id, 1);
    void first.add(entry('before it froze'));
    await until(async () => (await stored(id)).length === 2, { what: 'the first attempt is there' });
    other.open(id, 2);
    await other.close(id);
    void first.add(entry('woke up'));
    await frozen.end(id, 1, 'succeeded');
    await other.end(id, 2, 'cancelled');
    void first.add(entry('too late'));
    await other.end(id, 2, 'succeeded');
    expect((await stored(id)).map(({ type, attempt, status }) => [type, attempt, status].join(' '))).toEqual([
      'start 1 ',
      'log 1 ',
      'start 2 ',
      'end 2 cancelled',
    ]);
  });

  it('has what a second try at the same attempt prints, after the first was handed back', async () => {
    const writer = writerOf();
    const id = randomUUID();
    for (const message of ['before', 'after']) {
      const log = writer.open(id, 1);
      void log.add(entry(message));
      await writer.close(id);
    }
    expect((await stored(id)).map(({ type, n, message }) => [type, n, message])).toEqual([
      ['start', '1', undefined],
      ['log', '2', 'before'],
      ['start', '1', undefined],
      ['log', '2', 'after'],
    ]);
  });

  it('has an end also when the code never ran', async () => {
    const id = randomUUID();
    await writerOf().end(id, 0, 'failed');
    expect(await stored(id)).toMatchObject([{ type: 'end', attempt: '0', status: 'failed' }]);
  });

  it('keeps texts that are no valid Unicode from breaking anything', async () => {
    const writer = writerOf();
    const id = randomUUID();
    const log = writer.open(id, 1);
    void log.add(entry('half \ud83d, whole 😀, \0 "quoted"'));
    await writer.end(id, 1, 'succeeded');
    expect((await stored(id))[1]).toMatchObject({ message: 'half \ufffd, whole 😀, \0 "quoted"' });
  });

  it('asks to wait when there is much, and loses nothing of the executions that do', async () => {
    const writer = writerOf();
    await ready(writer);
    const id = randomUUID();
    const log = writer.open(id, 1);
    let waits = 0;
    for (let index = 0; index < 3000; index += 1) {
      const room = log.add(entry(`line ${index}`));
      if (room) waits += 1;
      await room;
    }
    await writer.end(id, 1, 'succeeded');
    expect(waits).toBeGreaterThan(0);
    const lines = (await stored(id)).filter(({ type }) => type === 'log');
    expect(lines.map(({ message }) => message)).toEqual(
      Array.from({ length: 3000 }, (_, index) => `line ${index}`),
    );
  });

  it('drops what comes from an execution that does not wait, and reports how much', async () => {
    const writer = writerOf();
    await ready(writer);
    const id = randomUUID();
    const log = writer.open(id, 1);
    for (let index = 0; index < 10_000; index += 1) void log.add(entry(`line ${index}`));
    await writer.end(id, 1, 'succeeded');
    const entries = await stored(id);
    const dropped = entries.find(({ type }) => type === 'dropped');
    expect(Number(dropped?.['count'])).toBe(10_000 - entries.filter(({ type }) => type === 'log').length);
    expect(entries.at(-1)).toMatchObject({ type: 'end', status: 'succeeded' });
  });

  it('stays within its limit: the oldest entries go, and the stream says so once', async () => {
    const writer = writerOf({ LOG_STREAM_LIMIT_BYTES: '65536' });
    const id = randomUUID();
    const log = writer.open(id, 1);
    for (let index = 0; index < 5000; index += 1) await log.add(entry(`${index} ${'x'.repeat(100)}`));
    await writer.end(id, 1, 'succeeded');
    const entries = await stored(id);
    const used = await redis.connect().memory('USAGE', keys.logs(id));
    // Redis drops whole nodes only; one batch may come on top.
    expect(used).toBeLessThan(2 * 65_536);
    expect(entries.filter(({ type }) => type === 'truncated').length).toBeLessThanOrEqual(1);
    expect(entries.at(-1)).toMatchObject({ type: 'end' });
    expect(entries.at(-2)?.['message']).toMatch(/^4999 /);
    expect(entries.length).toBeGreaterThan(100);
  });

  it('keeps only the newest of progress that waits', async () => {
    const writer = writerOf();
    const id = randomUUID();
    const log = writer.open(id, 1);
    for (let step = 1; step <= 1000; step += 1) log.progress({ fraction: step / 1000, message: 'go' });
    await writer.end(id, 1, 'succeeded');
    expect((await stored(id)).map(({ type, fraction }) => [type, fraction])).toEqual([
      ['start', undefined],
      ['progress', '1'],
      ['end', undefined],
    ]);
  });
});

describe('without Redis', () => {
  it('no execution waits for ever, nothing comes twice, and losses are reported', async () => {
    const writer = writerOf();
    await ready(writer);
    const id = randomUUID();
    const log = writer.open(id, 1);
    await redis.stop();
    // As a runner does: it prints, and waits whenever it is asked to.
    for (let index = 0; index < 6000; index += 1) await log.add(entry(`line ${index}`));
    await redis.start();
    await until(() => log.isEmpty, { what: 'what waited is sent' });
    await writer.end(id, 1, 'succeeded');
    const entries = await stored(id);
    const lines = entries.filter(({ type }) => type === 'log');
    expect(new Set(lines.map(({ n }) => n)).size).toBe(lines.length);
    expect(lines[0]).toMatchObject({ message: 'line 0' });
    const dropped = entries
      .filter(({ type }) => type === 'dropped')
      .reduce((sum, { count }) => sum + Number(count), 0);
    expect(dropped).toBe(6000 - lines.length);
    expect(dropped).toBeGreaterThan(0);
    expect(entries.at(-1)).toMatchObject({ type: 'end' });
  });
});
