import { text as textOf } from 'node:stream/consumers';
import { type ApiAccess, apiUrl, checkToken } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { sendRequest } from '../http/api-request.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { tableOf } from '../output/table.js';
import { profileName, type ProfileStore } from './profile-store.js';

const DEFAULT_NAME = 'default';
const ANSWER_TIMEOUT_MS = 10_000;
const UNAUTHORIZED = 401;

/** What the commands about profiles need beside their command line. */
export interface ProfilesIo {
  store: ProfileStore;
  /** Where the token comes from. */
  stdin: NodeJS.ReadStream;
  output: Output;
  /** Of `--profile` or BIFROST_PROFILE. */
  profile: string | undefined;
}

interface ShownOptions {
  json?: boolean;
}

/**
 * `bifrost login [URL]`: asks for the token, tries it, and keeps both for later commands. Resolves with the exit code.
 * @throws {CommandError} when the worker does not take the token; nothing is kept then.
 */
export async function login(
  address: string | undefined,
  { json }: ShownOptions,
  { store, stdin, output, profile }: ProfilesIo,
): Promise<ExitCode> {
  const name = profileName(profile ?? DEFAULT_NAME);
  const before = store.read();
  const known = Object.hasOwn(before.profiles, name) ? before.profiles[name]?.url : undefined;
  const url = apiUrl(address ?? known ?? 'http://127.0.0.1:3000', 'the address');
  const token = (await asksForToken(url)) ? checkToken(await readToken(stdin, output), 'the token') : null;
  await tryAccess({ url, token: token ?? undefined });
  store.write({ current: name, profiles: { ...before.profiles, [name]: { url, token } } });
  output.stdout.write(
    json
      ? asJson({ profile: name, url, has_token: token !== null })
      : `logged in to ${url} as profile ${name}\n`,
  );
  return EXIT.succeeded;
}

/** `bifrost logout`: forgets a profile and its token. */
export function logout({ json }: ShownOptions, { store, output, profile }: ProfilesIo): ExitCode {
  const { current, profiles } = store.read();
  const name = profile ?? current;
  if (name === null || !Object.hasOwn(profiles, name))
    throw new CommandError(EXIT.usage, `there is no profile ${name ?? 'to log out of'}`);
  const { [name]: _, ...rest } = profiles;
  store.write({ current: current === name ? null : current, profiles: rest });
  output.stdout.write(json ? asJson({ profile: name }) : `profile ${plain(name)} is forgotten\n`);
  return EXIT.succeeded;
}

/** `bifrost profiles`: lists them, without their tokens. */
export function listProfiles({ json }: ShownOptions, { store, output }: ProfilesIo): ExitCode {
  const { current, profiles } = store.read();
  const rows = Object.entries(profiles).map(([name, { url, token }]) => ({
    profile: name,
    url,
    has_token: token !== null,
    current: name === current,
  }));
  if (json) output.stdout.write(asJson({ profiles: rows }));
  else if (rows.length === 0) output.stdout.write('no profiles; bifrost login makes one\n');
  else
    output.stdout.write(
      tableOf(
        ['PROFILE', 'URL', 'TOKEN'],
        rows.map((row) => [
          { text: `${plain(row.profile)}${row.current ? ' *' : ''}` },
          { text: plain(row.url) },
          { text: row.has_token ? 'yes' : 'no' },
        ]),
      ),
    );
  return EXIT.succeeded;
}

/** `bifrost profiles use NAME`: it counts from now on where none is named. */
export function selectProfile(name: string, { json }: ShownOptions, { store, output }: ProfilesIo): ExitCode {
  const { url } = store.find(name);
  store.write({ ...store.read(), current: name });
  output.stdout.write(json ? asJson({ profile: name, url }) : `${plain(name)}: ${plain(url)}\n`);
  return EXIT.succeeded;
}

/** Whether the worker there wants one. Also finds out that none is there. */
async function asksForToken(url: string): Promise<boolean> {
  const { status } = await sendRequest(
    { url, token: undefined },
    { method: 'GET', path: '/workers', timeoutMs: ANSWER_TIMEOUT_MS },
  );
  return status === UNAUTHORIZED;
}

async function tryAccess(access: ApiAccess): Promise<void> {
  await new ApiClient(access).workers();
}

/** From a terminal without showing it, else all of standard input: `bifrost login < token`. */
async function readToken(stdin: NodeJS.ReadStream, { stderr }: Output): Promise<string> {
  if (!stdin.isTTY) return (await textOf(stdin)).trim();
  stderr.write('Token: ');
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let typed = '';
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      for (const key of chunk) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed.trim();
        if (key === '\u0003') throw new CommandError(EXIT.cancelled, 'interrupted; nothing was kept');
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
    }
    return typed.trim();
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}
