import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { S3_KEYS as KEYS, startS3 } from '../../test/support/servers/s3-server.js';
import type { Artifact } from '../contract/fields/artifacts.js';
import { type ArtifactStore, type Content, StoreError } from './artifact-store.js';
import { attemptFolder, executionFolder, firstDayKept } from './artifact-folders.js';
import { FolderStore } from './folder-store.js';
import { S3Store } from './s3-store.js';

const NAME = 'Übersicht (1), 100+ lines~.txt';
const attempt = {
  executionId: '../nightly run/ä',
  run: 1,
  attempt: 2,
  startedAt: new Date('2026-11-28T23:59:00Z'),
};
const folder = attemptFolder(attempt);

const content = (name: string, parts: string[], fails = false): Content => ({
  name,
  type: 'text/plain',
  bytes: parts.join('').length,
  async *chunks() {
    for (const part of parts) yield Buffer.from(part);
    if (fails) throw new RangeError('it was changed');
  },
});
const artifact = (name: string): Artifact => ({ name, bytes: 1, sha256: '', type: 'text/plain' });

let dir = '';
let s3: Awaited<ReturnType<typeof startS3>>;
let url = '';
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifrost-test-stores-'));
  s3 = await startS3(join(dir, 's3'), ['bucket', 'folders']);
  ({ url } = s3);
});
afterAll(async () => {
  await s3.close();
  rmSync(dir, { recursive: true, force: true });
});

describe.each<[string, () => ArtifactStore]>([
  ['a folder', () => new FolderStore(join(dir, 'folder'))],
  ['a bucket', () => new S3Store({ ...KEYS, url: `${url}/bucket` })],
  ['a folder of a bucket', () => new S3Store({ ...KEYS, url: `${url}/folders/of/räume/` })],
])('artifacts in %s', (what, make) => {
  let store: ArtifactStore;
  beforeEach(() => {
    store = make();
  });

  const read = async (where: string, name: string): Promise<string | null> => {
    const bytes = await store.open(where, artifact(name));
    return bytes && text(bytes);
  };

  it('come out as they went in, whole and by their name', async () => {
    await store.put(folder, content(NAME, ['one, ', 'two', '']));
    await store.put(folder, content('empty', []));
    expect(await read(folder, NAME)).toBe('one, two');
    expect(await read(folder, 'empty')).toBe('');
    expect(await read(folder, 'other')).toBeNull();
    await store.put(folder, content(NAME, ['three']));
    expect(await read(folder, NAME)).toBe('three');
  });

  it('are not there where reading them failed, for the reason that reading had', async () => {
    const failing = store.put(folder, content('broken', ['x'.repeat(100_000)], true));
    await expect(failing).rejects.toThrow(RangeError);
    // A bucket never has what did not arrive whole; the server of this test is no such bucket.
    if (what === 'a folder') expect(await read(folder, 'broken')).toBeNull();
  });

  it('go with their execution, and with their day', async () => {
    const later = attemptFolder({ ...attempt, startedAt: new Date('2026-12-01T00:00:00Z') });
    const other = attemptFolder({ ...attempt, executionId: 'other' });
    for (const where of [folder, later, other]) await store.put(where, content('a', ['a']));
    await store.remove([executionFolder(attempt.executionId, attempt.startedAt), '2020-01-01/none/']);
    expect(await Promise.all([folder, later, other].map((where) => read(where, 'a')))).toEqual([
      null,
      'a',
      'a',
    ]);
    await store.removeBefore('2026-12-01');
    expect(await Promise.all([later, other].map((where) => read(where, 'a')))).toEqual(['a', null]);
    await store.removeBefore('2027-01-01');
    expect(await read(later, 'a')).toBeNull();
  });
});

describe('a link of a bucket', () => {
  it('opens the artifact without keys, as a file to save', async () => {
    const store = new S3Store({ ...KEYS, url: `${url}/folders/of` });
    await store.put(folder, content(NAME, ['linked']));
    const link = await store.link(folder, artifact(NAME), 60_000);
    const answer = await fetch(link);
    expect([answer.status, await answer.text()]).toEqual([200, 'linked']);
    expect(answer.headers.get('content-disposition')).toBe('attachment');
    expect(new URL(link).searchParams.get('X-Amz-Expires')).toBe('60');
    const other = await fetch(link.replace(/X-Amz-Expires=60/, 'X-Amz-Expires=61'));
    expect(other.status).toBe(403);
  });
});

describe('a store that does not work', () => {
  let server: Server | null = null;
  const serve = async (answer: RequestListener): Promise<S3Store> => {
    server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server?.once('listening', resolve));
    return new S3Store({ ...KEYS, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket` });
  };
  const close = (): void => {
    server?.closeAllConnections();
    server?.close();
  };

  it('is tried again where that may help', async () => {
    const bodies: string[] = [];
    const store = await serve((request, response) => {
      void text(request).then((body) => {
        bodies.push(body);
        response.writeHead(bodies.length < 3 ? 503 : 200).end('SlowDown');
      });
    });
    await store.put(folder, content('a', ['a', 'b']));
    expect(bodies).toEqual(['ab', 'ab', 'ab']);
    close();
  });

  it('is not tried again where it refuses, and says what it said', async () => {
    let asked = 0;
    const store = await serve((_request, response) => {
      asked += 1;
      response.writeHead(403).end('<Code>AccessDenied</Code>');
    });
    const refused = store.put(
      folder,
      content(
        'a',
        Array.from({ length: 64 }, () => 'x'.repeat(65_536)),
      ),
    );
    await expect(refused).rejects.toThrow(/answered 403: <Code>AccessDenied/);
    await expect(refused).rejects.toThrow(StoreError);
    expect(asked).toBe(1);
    close();
  });

  it('is a folder that cannot be written', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    await expect(new FolderStore(file).put(folder, content('a', ['a']))).rejects.toThrow(StoreError);
  });
});

it('leaves nothing unfinished in a folder', () => {
  expect(readdirSync(join(dir, 'folder', 'unfinished'))).toEqual([]);
});

it.each([
  ['2026-11-28T12:00:00Z', 7, '2026-11-01'],
  ['2026-11-07T23:59:59Z', 7, '2026-10-01'],
  ['2026-01-01T00:00:00Z', 365, '2025-01-01'],
])('keeps whole months, as the history does: on %s with %i days from %s on', (now, days, first) => {
  expect(firstDayKept(new Date(now), days * 86_400_000)).toBe(first);
});

it('gives every execution a folder whose name is harmless', () => {
  expect(folder).toMatch(/^2026-11-28\/[0-9a-f]{40}\/1-2-20261128T235900000Z\/$/);
});
