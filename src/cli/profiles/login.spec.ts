import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { apiAccess } from '../http/api-access.js';
import { listProfiles, login, logout, type ProfilesIo, selectProfile } from './login.js';
import { ProfileStore } from './profile-store.js';

const TOKEN = 'the-token-of-the-worker';
let asksForToken = true;
const server = createServer(({ headers }, response) => {
  const isOpen = !asksForToken || headers.authorization === `Bearer ${TOKEN}`;
  response.writeHead(isOpen ? 200 : 401, { 'content-type': 'application/json' });
  response.end(JSON.stringify(isOpen ? { workers: [] } : { detail: 'no' }));
});
let url: string;
let home: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bifrost-test-login-'));
  asksForToken = true;
});
afterAll(() => void server.close());

function desk(typed: string, profile?: string): ProfilesIo & { said: () => string } {
  const stdout = new PassThrough();
  return {
    store: new ProfileStore({ HOME: home }),
    stdin: Readable.from([typed]) as unknown as NodeJS.ReadStream,
    output: { stdout, stderr: new PassThrough() },
    profile,
    said: () => String(stdout.read() ?? ''),
  };
}
const access = (env: Record<string, string> = {}) => apiAccess({ HOME: home, ...env });

describe('bifrost login', () => {
  it('keeps address and token for later commands, for the eyes of their owner alone', async () => {
    const io = desk(`${TOKEN}\n`);
    expect(await login(url, {}, io)).toBe(0);
    expect(io.said()).toBe(`logged in to ${url} as profile default\n`);
    expect(access()).toEqual({ url, token: TOKEN });
    expect(statSync(io.store.file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(io.store.file)).mode & 0o777).toBe(0o700);
    rmSync(home, { recursive: true });
  });

  it('asks for no token where none is wanted', async () => {
    asksForToken = false;
    expect(await login(url, { json: true }, desk('not read'))).toBe(0);
    expect(access()).toEqual({ url, token: undefined });
  });

  it.each([
    ['another token', 'wrong-token', /answers 401/],
    ['nothing', '', /the token: must not be empty/],
    ['two lines', 'a\nb', /the token: must have no blanks/],
  ])('keeps nothing after %s, and does not show it', async (_what, typed, message) => {
    const io = desk(typed);
    await expect(login(url, {}, io)).rejects.toThrow(message);
    await expect(login(url, {}, desk(typed))).rejects.not.toThrow('wrong-token');
    expect(io.store.read()).toEqual({ current: null, profiles: {} });
  });

  it('keeps several, of which the last counts, or the one that is named', async () => {
    await login(url, {}, desk(TOKEN));
    asksForToken = false;
    await login(url, {}, desk('', 'open'));
    expect([access().token, access({ BIFROST_PROFILE: 'default' }).token]).toEqual([undefined, TOKEN]);
    const io = desk('');
    listProfiles({}, io);
    expect(io.said()).toBe(
      `PROFILE  URL                     TOKEN\ndefault  ${url}  yes\nopen *   ${url}  no\n`.replace(
        'URL                     ',
        `URL${' '.repeat(url.length - 1)}`,
      ),
    );
    selectProfile('default', {}, io);
    expect(access().token).toBe(TOKEN);
    logout({}, io);
    expect([access().url, Object.keys(io.store.read().profiles)]).toEqual([
      'http://127.0.0.1:3000',
      ['open'],
    ]);
    expect(() => selectProfile('default', {}, io)).toThrow('there is no profile default; there are: open');
  });

  it.each(['../x', '', 'a b', '__proto__'])('refuses the name %j', async (name) => {
    await expect(login(url, {}, desk(TOKEN, name))).rejects.toThrow('--profile');
  });
});

describe('the access of a command', () => {
  const keep = (profiles: object, current: string | null = 'p'): void =>
    new ProfileStore({ HOME: home }).write({ current, profiles: profiles as never });

  it('sends the token of a profile nowhere else', () => {
    keep({ p: { url: 'https://one.example', token: TOKEN } });
    expect(access({ BIFROST_URL: 'https://two.example' })).toEqual({
      url: 'https://two.example',
      token: undefined,
    });
    expect(access({ BIFROST_URL: 'https://one.example/' }).token).toBe(TOKEN);
    expect(access({ BIFROST_TOKEN: 'other' })).toEqual({ url: 'https://one.example', token: 'other' });
  });

  it('is that of a profile that is named, whatever the environment says', () => {
    keep({ p: { url: 'https://one.example', token: TOKEN } }, null);
    const env = { BIFROST_URL: 'https://two.example', BIFROST_TOKEN: 'other', BIFROST_PROFILE: 'p' };
    expect(access(env)).toEqual({ url: 'https://one.example', token: TOKEN });
    expect(() => access({ BIFROST_PROFILE: 'q' })).toThrow('there is no profile q; there are: p');
  });

  it('refuses a file of profiles that others may read, or that is none', () => {
    keep({ p: { url: 'https://one.example', token: TOKEN } });
    const { file } = new ProfileStore({ HOME: home });
    chmodSync(file, 0o644);
    expect(() => access()).toThrow('chmod 600');
    // It is not needed here.
    expect(access({ BIFROST_URL: 'https://two.example', BIFROST_TOKEN: 'other' }).token).toBe('other');
    chmodSync(file, 0o600);
    writeFileSync(file, '{');
    expect(() => access()).toThrow('is not JSON');
  });

  it('is kept where XDG_CONFIG_HOME says', () => {
    const folder = join(home, 'xdg');
    mkdirSync(folder);
    const store = new ProfileStore({ XDG_CONFIG_HOME: folder });
    store.write({ current: null, profiles: {} });
    expect(JSON.parse(readFileSync(join(folder, 'bifrost', 'profiles.json'), 'utf8'))).toEqual({
      current: null,
      profiles: {},
    });
  });
});
