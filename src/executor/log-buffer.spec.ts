import { describe, expect, it } from '@jest/globals';
import { LogBuffer } from './log-buffer.js';

const messages = (logs: LogBuffer): string[] => logs.list().map((entry) => entry.message);

describe('LogBuffer', () => {
  it('keeps entries with time and level, without their line feed', () => {
    const logs = new LogBuffer(1000);
    logs.add(0, 'info', 'one\n');
    logs.add(1500, 'error', 'two\nlines\n\n');
    expect(logs.list()).toEqual([
      { ts: '1970-01-01T00:00:00.000Z', level: 'info', message: 'one' },
      { ts: '1970-01-01T00:00:01.500Z', level: 'error', message: 'two\nlines\n' },
    ]);
    expect(logs.truncated).toBe(false);
  });

  it('drops the oldest when the bytes are used up, entries themselves included', () => {
    const logs = new LogBuffer(3 * 42);
    for (const text of ['aa', 'bb', 'cc']) logs.add(0, 'info', text);
    expect([messages(logs), logs.truncated]).toEqual([['aa', 'bb', 'cc'], false]);
    logs.add(0, 'info', 'dd');
    expect([messages(logs), logs.truncated]).toEqual([['bb', 'cc', 'dd'], true]);
  });

  it('counts bytes, not characters', () => {
    const logs = new LogBuffer(2 * 41);
    logs.add(0, 'info', 'a');
    logs.add(0, 'info', 'b');
    expect(messages(logs)).toEqual(['a', 'b']);
    logs.add(0, 'info', '€');
    expect(messages(logs)).toEqual(['€']);
  });

  it('goes on after an entry that is too large by itself', () => {
    const logs = new LogBuffer(100);
    logs.add(0, 'info', 'x'.repeat(200));
    expect(logs.list()).toEqual([]);
    logs.add(0, 'info', 'next');
    expect([messages(logs), logs.truncated]).toEqual([['next'], true]);
  });

  it('stays exact over many entries', () => {
    const logs = new LogBuffer(10 * 46);
    for (let i = 100_000; i < 105_000; i++) logs.add(0, 'info', String(i));
    expect(messages(logs)).toEqual(Array.from({ length: 10 }, (_, n) => String(104_990 + n)));
  });
});
