import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArtifactRefusedError, collectArtifacts, type Kept } from './artifact-collector.js';
import { type ArtifactStore, type Content, StoreError } from './artifact-store.js';

const LIMITS = { maxBytes: 1_048_576, maxCount: 5 };
const FOLDER = '2026-11-28/e/1-1/';

/** Keeps what it is given in memory. `onPut` is called before it reads. */
class MemoryStore implements ArtifactStore {
  readonly files = new Map<string, string>();
  onPut: (content: Content) => void | Promise<void> = () => undefined;

  async put(folder: string, content: Content): Promise<void> {
    await this.onPut(content);
    const parts: Buffer[] = [];
    for await (const chunk of content.chunks()) parts.push(Buffer.from(chunk));
    this.files.set(folder + content.name, Buffer.concat(parts).toString());
  }

  open = () => Promise.reject(new Error('not here'));
  link = () => Promise.resolve(null);
  remove = () => Promise.resolve();
  removeBefore = () => Promise.resolve();
}

let scratch = '';
let folder = '';
let store: MemoryStore;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'bifrost-test-artifacts-'));
  folder = join(scratch, 'artifacts');
  mkdirSync(folder);
  store = new MemoryStore();
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const write = (name: string | Buffer, content = 'text'): void =>
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]), content);
const collect = (kept: Partial<Kept> = {}) =>
  collectArtifacts(scratch, store, LIMITS, { folder: FOLDER, uid: null, mayShow: () => true, ...kept });

describe('collectArtifacts', () => {
  it('stores every file, and says what it was', async () => {
    write('report.pdf', 'a report');
    write('Übersicht (1).json', '{}');
    write('no end', '');
    const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');
    expect(await collect({ uid: process.getuid?.() ?? null })).toEqual([
      { name: 'no end', bytes: 0, sha256: sha256(''), type: 'application/octet-stream' },
      { name: 'report.pdf', bytes: 8, sha256: sha256('a report'), type: 'application/pdf' },
      { name: 'Übersicht (1).json', bytes: 2, sha256: sha256('{}'), type: 'application/json' },
    ]);
    expect([...store.files]).toEqual([
      [`${FOLDER}no end`, ''],
      [`${FOLDER}report.pdf`, 'a report'],
      [`${FOLDER}Übersicht (1).json`, '{}'],
    ]);
  });

  it('reads a file in chunks, and again from its beginning', async () => {
    const content = 'x'.repeat(700_000);
    write('large.txt', content);
    store.onPut = async ({ chunks }) => {
      for await (const chunk of chunks()) expect(chunk.length).toBeLessThanOrEqual(262_144);
    };
    const [artifact] = await collect();
    expect(artifact?.sha256).toBe(createHash('sha256').update(content).digest('hex'));
    expect(store.files.get(`${FOLDER}large.txt`)).toBe(content);
  });

  it.each<[string, () => void]>([
    ['is not there', () => rmSync(folder, { recursive: true })],
    ['is empty', () => undefined],
    ['is a file', () => (rmSync(folder, { recursive: true }), writeFileSync(folder, 'x'))],
    ['is a link', () => (rmSync(folder, { recursive: true }), symlinkSync('/etc', folder))],
    ['is a pipe', () => (rmSync(folder, { recursive: true }), execFileSync('mkfifo', [folder]))],
  ])('takes nothing of a folder that %s', async (_what, prepare) => {
    prepare();
    expect(await collect()).toEqual([]);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'a symbolic link',
      () => symlinkSync('/etc/passwd', join(folder, 'passwd')),
      /^passwd is a symbolic link$/,
    ],
    ['a link to nothing', () => symlinkSync('/nowhere', join(folder, 'x')), /^x is a symbolic link$/],
    ['a pipe, which never ends', () => execFileSync('mkfifo', [join(folder, 'pipe')]), /^pipe is no file/],
    ['a folder', () => mkdirSync(join(folder, 'inner')), /^inner is no file/],
    [
      'a hard link',
      () => (
        writeFileSync(join(scratch, 'other'), 'x'),
        linkSync(join(scratch, 'other'), join(folder, 'hard'))
      ),
      /^hard has another name too/,
    ],
    ['a hidden name', () => write('.profile'), /"\.profile" must begin with/],
    ['a name with a line end', () => write('a\nb'), /"a\\nb" must begin with/],
    ['a name that turns the text around', () => write('gpj.\u202Eexe'), /must begin with/],
    ['a name that is no UTF-8', () => write(Buffer.from([0x61, 0xff])), /must begin with/],
    ['a name that ends with a dot', () => write('con.'), /must not end with/],
    ['a name that is too long', () => write('ü'.repeat(101)), /at most 200 bytes/],
    ['too many files', () => 'abcdef'.split('').forEach((name) => write(name)), /more than 5 artifacts/],
    ['too many bytes', () => (write('a'), write('b', 'x'.repeat(1_048_573))), /more than 1 MB together/],
    [
      'a file that is all holes',
      () => (write('a'), truncateSync(join(folder, 'a'), 2 ** 40)),
      /more than 1 MB/,
    ],
  ])('refuses %s, and stores nothing', async (_what, prepare, message) => {
    prepare();
    const refusal = await collect().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ArtifactRefusedError);
    expect((refusal as Error).message).toMatch(message);
    expect(store.files.size).toBe(0);
  });

  it('refuses what belongs to another user, and a name with a secret', async () => {
    write('a');
    await expect(collect({ uid: (process.getuid?.() ?? 0) + 1 })).rejects.toThrow(/another user/);
    await expect(collect({ mayShow: (name) => name !== 'a' })).rejects.toThrow(/holds a secret/);
  });

  it.each<[string, () => void, RegExp]>([
    ['grows', () => appendFileSync(join(folder, 'b'), 'x'), /^b was changed/],
    ['shrinks', () => truncateSync(join(folder, 'b'), 1), /^b was changed/],
    [
      'becomes a link',
      () => (unlinkSync(join(folder, 'b')), symlinkSync('/etc/passwd', join(folder, 'b'))),
      /^b is a symbolic link/,
    ],
    [
      'becomes a pipe',
      () => (unlinkSync(join(folder, 'b')), execFileSync('mkfifo', [join(folder, 'b')])),
      /^b is no file/,
    ],
  ])('notices a file that %s after it was looked at', async (_what, change, message) => {
    write('a');
    write('b');
    store.onPut = ({ name }) => void (name === 'a' && change());
    await expect(collect()).rejects.toThrow(message);
    expect([...store.files.keys()]).toEqual([`${FOLDER}a`]);
  });

  it('notices a file that changes while it is read', async () => {
    write('a', 'x'.repeat(600_000));
    store.put = async (_folder, { chunks }) => {
      let isFirst = true;
      for await (const _chunk of chunks()) {
        if (isFirst) appendFileSync(join(folder, 'a'), 'x');
        isFirst = false;
      }
    };
    await expect(collect()).rejects.toThrow(/^a was changed while it was read/);
  });

  it('passes on what the store says', async () => {
    write('a');
    store.onPut = () => {
      throw new StoreError('full');
    };
    await expect(collect()).rejects.toThrow(StoreError);
  });
});
