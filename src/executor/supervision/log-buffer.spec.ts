import { describe, expect, it } from '@jest/globals';
import type { LogEntry } from '../../contract/result.js';
import { LogBuffer } from './log-buffer.js';

/** What an entry without message costs. */
const OVERHEAD = 96;

const entry = (message: string, changes: Partial<LogEntry> = {}): LogEntry => ({
  ts: '1970-01-01T00:00:00.000Z',
  level: 'info',
  stream: 'stdout',
  message,
  ...changes,
});
const messages = (logs: LogBuffer): string[] => logs.list().map(({ message }) => message);

describe('LogBuffer', () => {
  it('keeps entries as they came', () => {
    const logs = new LogBuffer(1000);
    const entries = [entry('one'), entry('two', { level: 'error', fields: { a: 1 } })];
    for (const each of entries) logs.add(each);
    expect(logs.list()).toEqual(entries);
    expect(logs.truncated).toBe(false);
  });

  it('drops the oldest when the bytes are used up, entries themselves included', () => {
    const logs = new LogBuffer(3 * (OVERHEAD + 2));
    for (const text of ['aa', 'bb', 'cc']) logs.add(entry(text));
    expect([messages(logs), logs.truncated]).toEqual([['aa', 'bb', 'cc'], false]);
    logs.add(entry('dd'));
    expect([messages(logs), logs.truncated]).toEqual([['bb', 'cc', 'dd'], true]);
  });

  it('counts bytes, not characters', () => {
    const logs = new LogBuffer(2 * (OVERHEAD + 1));
    logs.add(entry('a'));
    logs.add(entry('b'));
    expect(messages(logs)).toEqual(['a', 'b']);
    logs.add(entry('€'));
    expect(messages(logs)).toEqual(['€']);
  });

  it('counts fields', () => {
    const logs = new LogBuffer(2 * (OVERHEAD + 5));
    logs.add(entry('first'));
    logs.add(entry('', { fields: { key: 'value' } }));
    expect(messages(logs)).toEqual(['']);
  });

  it('goes on after an entry that is too large by itself', () => {
    const logs = new LogBuffer(200);
    logs.add(entry('x'.repeat(200)));
    expect(logs.list()).toEqual([]);
    logs.add(entry('next'));
    expect([messages(logs), logs.truncated]).toEqual([['next'], true]);
  });

  it('stays exact over many entries', () => {
    const logs = new LogBuffer(10 * (OVERHEAD + 6));
    for (let i = 100_000; i < 105_000; i++) logs.add(entry(String(i)));
    expect(messages(logs)).toEqual(Array.from({ length: 10 }, (_, n) => String(104_990 + n)));
  });
});
