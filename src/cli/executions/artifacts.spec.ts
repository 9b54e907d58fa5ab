import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { artifacts } from './artifacts.js';

/** What the server has, by name; `sha256` is of what was stored. */
let files: Record<string, { content: string; stored?: string }> = {};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const server = createServer((request, response) => {
  const name = /^\/executions\/e%2F1\/artifacts(?:\/(.+))?$/.exec(request.url ?? '')?.[1];
  if (name !== undefined)
    return response
      .writeHead(200, { 'content-type': 'text/plain' })
      .end(files[decodeURIComponent(name)]?.content);
  const list = Object.entries(files).map(([one, { content, stored = content }]) => ({
    name: one,
    bytes: stored.length,
    sha256: sha256(stored),
    type: 'text/plain',
  }));
  const body = JSON.stringify({ execution_id: 'e/1', ended: true, artifacts: list });
  return response.writeHead(200, { 'content-type': 'application/json' }).end(body);
});

let folder = '';
let url = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bifrost-test-save-'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  files = {};
});

const call = async (options: Parameters<typeof artifacts>[1]): Promise<string> => {
  const stdout = new PassThrough();
  const io = {
    access: { url, token: undefined },
    output: { stdout, stderr: new PassThrough() },
    interrupt: new AbortController().signal,
  };
  await artifacts('e/1', options, io);
  return stdout.readableLength === 0 ? '' : (await stdout.end().toArray()).join('');
};

describe('bifrost artifacts', () => {
  it('lists them, or says that there are none', async () => {
    expect(await call({})).toBe('It left no artifacts.\n');
    files = { 'a.txt': { content: 'one' } };
    expect(await call({})).toMatch(/^NAME +BYTES +TYPE +SHA-256\na\.txt +3 +text\/plain +[0-9a-f]{12}\n$/);
  });

  it('saves them, into a folder that need not be there', async () => {
    files = { 'a.txt': { content: 'one' }, 'ü b.txt': { content: '' } };
    const to = join(folder, 'new');
    expect(await call({ save: to })).toBe(`${join(to, 'a.txt')}\n${join(to, 'ü b.txt')}\n`);
    expect(readFileSync(join(to, 'a.txt'), 'utf8')).toBe('one');
    expect(readdirSync(to).toSorted()).toEqual(['a.txt', 'ü b.txt']);
  });

  it('leaves what is there already, and keeps nothing that arrived broken', async () => {
    const to = mkdtempSync(join(folder, 'old-'));
    writeFileSync(join(to, 'a.txt'), 'mine');
    files = { 'a.txt': { content: 'one' } };
    await expect(call({ save: to })).rejects.toThrow(/a\.txt is there already/);
    expect(readFileSync(join(to, 'a.txt'), 'utf8')).toBe('mine');
    files = { 'b.txt': { content: 'on', stored: 'one' } };
    await expect(call({ save: to })).rejects.toThrow(/b\.txt did not arrive as it was stored/);
    expect(readdirSync(to)).toEqual(['a.txt']);
  });

  it.each(['../a', '/etc/a', '.ssh', 'a\u001b[2J'])('saves nothing under the name %j', async (name) => {
    files = { [name]: { content: 'x' } };
    await expect(call({ save: join(folder, 'kept', 'inner') })).rejects.toThrow(/must begin with/);
  });
});
