import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtAhead, type BuiltFrom } from './built-ahead.js';

const root = mkdtempSync(join(tmpdir(), 'bifrost-test-ahead-'));
const source = join(root, 'a.js');
const built = join(root, 'bundle', 'all.js');
const look = (): string | null => builtAhead('all.js', pathToFileURL(join(root, 'bundle/')));
const note = (from: BuiltFrom | string): void =>
  writeFileSync(`${built}.from.json`, typeof from === 'string' ? from : JSON.stringify(from));

function noteSource(): void {
  const { size: bytes, mtimeMs: changedMs } = statSync(source);
  note({ '../a.js': { bytes, changedMs, sha256: createHash('sha256').update('one').digest('hex') } });
}

beforeEach(() => {
  rmSync(join(root, 'bundle'), { recursive: true, force: true });
  mkdirSync(join(root, 'bundle'));
  writeFileSync(source, 'one');
  writeFileSync(built, 'all');
  noteSource();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a file that was built ahead', () => {
  it('is used while nothing has changed', () => {
    expect(look()).toBe(built);
  });

  it('is used where what it was made of was only copied or written again', () => {
    utimesSync(source, 1, 1);
    expect(look()).toBe(built);
  });

  it('is used where the rest is not there', () => {
    rmSync(source);
    expect(look()).toBe(built);
  });

  it.each([
    ['another length', 'other'],
    ['other content of the same length', 'two'],
  ])('is not used when a file that it was made of has %s', (_what, content) => {
    writeFileSync(source, content);
    utimesSync(source, 1, 1);
    expect(look()).toBeNull();
  });

  it.each(['', 'null', '{"../a.js":null}'])('is not used when %j is said of what it was made of', (text) => {
    note(text);
    expect(look()).toBeNull();
  });

  it('is not used when it is not there, or nothing is said of it', () => {
    rmSync(`${built}.from.json`);
    expect(look()).toBeNull();
    noteSource();
    rmSync(built);
    expect(look()).toBeNull();
  });
});
