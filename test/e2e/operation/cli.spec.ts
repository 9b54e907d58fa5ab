import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExecutionResult } from '../../../src/contract/result.js';
import {
  type ConfinedProgramName,
  CONFINED_PROGRAMS,
  fileOfProgram,
} from '../../../src/isolation/confined-program.js';
import { builtAhead } from '../../../src/lib/bundle/built-ahead.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { NAP } from '../../support/builders.js';
import { COMMAND, type CommandResult, startCommand } from '../../support/processes/command.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const ROOT = join(import.meta.dirname, '../../..');
const TOKEN = 'a token that is a test'.replaceAll(' ', '-');

const redis = useRedis();
const startWorker = useWorkers();
let worker: WorkerProcess;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bifrost-test-cli-'));
  // As the image and the archive of a release have it: nothing but what runs.
  const app = join(folder, 'app');
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'assemble.ts'), app]);
  worker = await startWorker({
    main: join(app, 'dist', 'main.js'),
    env: { REDIS_URL: redis.url, CONCURRENCY: '2', API_TOKEN: TOKEN },
    args: ['--id', 'w1', '--type', 'tested'],
  });
  // Else the commands print that they wait for it.
  await until(async () => (await fetch(`${worker.url}/health/ready`)).ok, { what: 'the worker takes work' });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const access = (): Record<string, string> => ({ BIFROST_URL: worker.url, BIFROST_TOKEN: TOKEN });

const bifrost = (args: string[], env: Record<string, string> = {}): Promise<CommandResult> =>
  startCommand(args, { ...access(), ...env }).ended;

async function file(name: string, source: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, source);
  return path;
}

/** Ids of the executions that were ever submitted. */
async function submitted(): Promise<string[]> {
  const keys = await redis.connect().keys('bifrost:exec:*:context');
  return keys.map((key) => key.split(':')[2] as string);
}

describe('bifrost run', () => {
  it('runs a file as a script and prints what it printed', async () => {
    const script = await file(
      'script.ts',
      'const n: number = 2; console.log(n + n); console.error("careful");',
    );
    expect(await bifrost(['run', script])).toEqual({ code: 0, stdout: '4\n', stderr: 'careful\n' });
  });

  it('calls the default export when there are parameters and prints what it returned', async () => {
    const source = 'export default (p) => { process.stdout.write("no line end"); return p; }';
    const path = await file('greet.js', source);
    const { code, stdout } = await bifrost([
      'run',
      path,
      '--param',
      'who=you',
      '--param',
      'list=[1,{"a":2}]',
    ]);
    expect(code).toBe(0);
    const [printed, ...value] = stdout.split('\n');
    expect(printed).toBe('no line end');
    expect(JSON.parse(value.join('\n'))).toEqual({ who: 'you', list: [1, { a: 2 }] });
  });

  it('calls a named function, and shows the whole document with --json', async () => {
    const path = await file('named.js', 'export const answer = (_, context) => context.workflowId;');
    const { code, stdout, stderr } = await bifrost(['run', path, '--function', 'answer', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'succeeded', worker_id: 'w1', result: 'named.js' });
  });

  it('prints code, class, message and stack of an error', async () => {
    const path = await file('fails.ts', 'export default () => {\n  throw new RangeError("too far");\n};');
    const { code, stdout, stderr } = await bifrost(['run', path, '--function', 'default']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    // A place that an editor opens: the file that was named, and not what a worker calls it.
    expect(stderr).toMatch(/^failed: USER_ERROR RangeError: too far\n {4}at default \(/);
    expect(stderr).toContain(`at default (${path}:2:9)`);
  });

  it('ends with 124 at the time limit', async () => {
    const { code, stderr } = await bifrost([
      'run',
      await file('loop.js', `for (;;) ${NAP};`),
      '--timeout',
      '1',
    ]);
    expect(code).toBe(124);
    expect(stderr).toMatch(/^timed out: TIMED_OUT TimeoutError: .*1 s/);
  });

  it('waits longer than one request does', async () => {
    const path = await file('slow.js', 'setTimeout(() => console.log("at last"), 1500)');
    expect(await bifrost(['run', path])).toEqual({ code: 0, stdout: 'at last\n', stderr: '' });
  });

  it('shows what is printed while the code runs, and nothing of it with --quiet', async () => {
    // It goes on until it is cancelled: what is seen before is seen while it runs.
    const source = `export default (_, { signal }) => {
      console.log('early');
      return new Promise((resolve) => { signal.addEventListener('abort', resolve); setTimeout(resolve, 600_000); });
    }`;
    const args = ['run', await file('early.js', source), '--function', 'default', '--timeout', '900'];
    const before = await submitted();
    const { child, ended } = startCommand(args, access());
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (text: string) => text.includes('early') && resolve());
    });
    const id = (await submitted()).find((one) => !before.includes(one)) as string;
    await bifrost(['cancel', id]);
    expect((await ended).stdout).toBe('early\n');
    const short = await file('short.js', `export default () => { console.log('early'); return 7; }`);
    const quiet = await bifrost(['run', short, '--function', 'default', '--quiet']);
    expect(quiet.stdout).toBe('7\n');
  });

  it('leaves the execution at Ctrl-C and prints its id', async () => {
    const path = await file('long.js', 'console.log("went on")');
    // So that it cannot end before the command does.
    await bifrost(['workers', 'pause', '--id', 'w1']);
    const before = (await submitted()).length;
    const { child, ended } = startCommand(['run', path], access());
    await until(async () => (await submitted()).length > before, { what: 'the execution is submitted' });
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    await bifrost(['workers', 'resume', '--id', 'w1']);
    const url = /^interrupted; execution \S+ .*: (http:\S+)\n$/.exec(stderr)?.[1];
    const result = await get<ExecutionResult>(`${url}?wait=90`);
    expect(result).toMatchObject({ status: 'succeeded', stdout: 'went on\n' });
  });

  it('hands on secrets, variables, tags and the organization', async () => {
    const path = await file(
      'given.js',
      'export default (_, { secrets, organization }) => [secrets.KEY.length, process.env.STAGE, organization.id]',
    );
    const options = ['--secret', 'KEY', '--env', 'STAGE=test', '--tag', 'nightly', '--organization', 'acme'];
    const { stdout, stderr } = await bifrost(['run', path, '--function', 'default', '--json', ...options], {
      KEY: 'seven-1',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ result: [7, 'test', 'acme'], tags: ['nightly'] });
  });

  it('runs a module that is published', async () => {
    const shared = join(folder, 'published');
    await mkdir(shared);
    await writeFile(join(shared, 'add.ts'), 'export default ({ a, b }: Record<string, number>) => a! + b!;');
    const pushed = await bifrost(['workspace', 'push', shared, '--json']);
    expect(JSON.parse(pushed.stdout)).toMatchObject({ diff: { added: ['add.ts'] } });
    const run = ['run', '--module', 'add.ts', '--param', 'a=2', '--param', 'b=3'];
    expect(await bifrost(run)).toEqual({ code: 0, stdout: '5\n', stderr: '' });
    expect((await bifrost(['run'])).stderr).toContain('name a file, or a module');
  });

  it.each([
    [
      'a limit that the worker refuses',
      ['--timeout', '99999'],
      /\n {2}timeout_seconds: is 99999 s; the limit/,
    ],
    ['no name of a function', ['--function', 'a-b'], /\n {2}function_name: must be a JavaScript identifier/],
    ['a parameter without value', ['--param', 'lonely'], /--param lonely: must have the form name=value/],
    ['no number as time limit', ['--timeout', 'soon'], /--timeout soon: must be a number/],
    ['an unknown option', ['--loud'], /unknown option '--loud'/],
  ])('ends with 2 for %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await bifrost(['run', await file('any.js', '1'), ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it.each([
    ['that is not there', 'absent.js', /there is no such file/],
    ['that is a folder', '.', /is a folder/],
  ])('ends with 2 for a file %s', async (_what, name, message) => {
    const { code, stderr } = await bifrost(['run', join(folder, name)]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('ends with 2 for a file that is no text', async () => {
    const path = join(folder, 'image.js');
    await writeFile(path, Buffer.from([0xff, 0xd8, 0xff]));
    const { code, stderr } = await bifrost(['run', path]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `bifrost: ${path}: is not UTF-8 text\n` });
  });
});

describe('bifrost workers', () => {
  it('lists the live workers in a table', async () => {
    const { code, stdout, stderr } = await bifrost(['workers']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [headings, row, ...rest] = stdout.trimEnd().split('\n');
    expect(headings).toMatch(/^ID +TYPE +STATE +RUNNING +ISOLATION +HOST +PID +UPTIME +HEARTBEAT$/);
    expect(row).toMatch(
      new RegExp(
        `^w1 +tested +ACTIVE +\\d/2 +(process|namespace)\\b.* +\\S+ +${worker.pid} +.*s +[\\d.]+ m?s ago$`,
      ),
    );
    expect(rest).toEqual([]);
  });

  it('prints the document of the API with --json', async () => {
    const { stdout } = await bifrost(['workers', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ workers: [{ id: 'w1', pid: worker.pid }] });
  });

  it.each([
    [
      'no token',
      { BIFROST_TOKEN: '' },
      3,
      /answers 401 .*: set BIFROST_TOKEN to the API_TOKEN of the worker\n$/,
    ],
    ['another token', { BIFROST_TOKEN: 'wrong' }, 3, /answers 401 .*; the one that is set is another\n$/],
    ['a token with a line break', { BIFROST_TOKEN: 'a\nb' }, 2, /BIFROST_TOKEN: must have no blanks/],
    ['no URL', { BIFROST_URL: 'here' }, 2, /BIFROST_URL: must be an http or https URL/],
    ['a URL with a password', { BIFROST_URL: 'http://u:secret@h' }, 2, /BIFROST_URL: must hold no user/],
  ])('says in one line what to do about %s', async (_what, env, code, message) => {
    const result = await bifrost(['workers'], env);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(result.stderr).not.toMatch(/secret|wrong/);
  });

  it('ends with 3 and one line when no server listens', async () => {
    const { code, stderr } = await bifrost(['workers'], { BIFROST_URL: await closedUrl() });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^bifrost: no connection to \S+ \(ECONNREFUSED\): start a worker there, or set/);
  });
});

describe('bifrost worker', () => {
  it('is a worker: it is listed under its name and stops cleanly', async () => {
    const archiveDir = await emptyFolder();
    const env = { REDIS_URL: redis.url, PORT: '0', LOG_FORMAT: 'json', ARCHIVE_DIR: archiveDir };
    const { child, ended } = startCommand(['worker', '--id', 'w2', '--type', 'second'], env);
    try {
      await until(async () => (await bifrost(['workers'])).stdout.match(/^w2 +second +ACTIVE/m), {
        what: 'w2 is listed',
      });
    } finally {
      child.kill('SIGTERM');
    }
    expect((await ended).code).toBe(0);
    await rm(archiveDir, { recursive: true, force: true });
  });

  it('prints what is wrong with the configuration', async () => {
    const { code, stderr } = await startCommand(['worker', '--id', 'two words'], { PORT: 'x' }).ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(/PORT/);
  });
});

describe('bifrost', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(
      readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'),
    ) as {
      version: string;
    };
    expect(await bifrost(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('shows help, which is an error only without --help', async () => {
    const asked = await bifrost(['--help']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toMatch(/BIFROST_URL/);
    expect(await bifrost([])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('the build', () => {
  const PROGRAMS = Object.keys(CONFINED_PROGRAMS) as ConfinedProgramName[];

  it.each(['bootstrap.cjs', 'doctor.cjs', 'embedded-server.mjs', ...PROGRAMS.map(fileOfProgram)])(
    'has made %s ahead, from the files that are there',
    (name) => {
      const folder = pathToFileURL(join(COMMAND, '..', '..', 'bundle/'));
      expect(builtAhead(name, folder)).toBe(join(COMMAND, '..', '..', 'bundle', name));
    },
  );

  it.each([
    ['Invalid element at key', undefined],
    ['Missing lock for job', undefined],
    ['Connection is closed', undefined],
    ['runners are forked of a template', expect.stringMatching(/src\/executor\/template\/.*\.ts$/)],
  ])('names the source of its line with "%s" where it is ours', (words, source) => {
    const file = join(COMMAND, '..', '..', 'bundle', 'bootstrap.cjs');
    const text = readFileSync(file, 'latin1');
    // A character beyond would have V8 keep all of it in two bytes a character.
    expect(/\P{ASCII}/u.test(text)).toBe(false);
    const lines = text.split('\n');
    const at = lines.findIndex((line) => line.includes(words));
    const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload);
    const place = map.findEntry(at, lines[at]?.indexOf(words) ?? 0);
    expect({ isThere: at > 0, source: 'originalSource' in place ? place.originalSource : undefined }).toEqual(
      { isThere: true, source },
    );
  });
});

describe('every command', () => {
  interface Facts {
    name: string;
    options: { names: string[] }[];
    examples: string[];
    commands: Facts[];
  }
  /** They become the worker, or print what a program reads in any case. */
  const WITHOUT_JSON = new Set(['worker', 'completion']);

  it('has examples, and --json', async () => {
    const { stdout } = await bifrost(['commands', '--json']);
    const leaves = ({ name, commands, ...facts }: Facts): (Omit<Facts, 'commands'> & { name: string })[] =>
      commands.length === 0 ? [{ name, ...facts }] : commands.flatMap(leaves);
    const all = leaves(JSON.parse(stdout) as Facts);
    expect(all.length).toBeGreaterThan(35);
    const poor = all.filter(
      ({ name, options, examples }) =>
        examples.length === 0 ||
        !(WITHOUT_JSON.has(name) || options.some(({ names }) => names.includes('--json'))),
    );
    expect(poor.map(({ name }) => name)).toEqual([]);
  });

  it('shows its examples at the end of its help', async () => {
    const { stdout } = await bifrost(['cancel', '--help']);
    expect(stdout.trimEnd()).toMatch(/Examples:\n {2}bifrost cancel ID --reason .*\n.*$/);
  });
});

/** The Node that the machine has without this project, which may be as old as the command allows; else ours. */
function machineNode(): string {
  const folders = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((path) => !path.includes('node_modules'));
  return folders.map((path) => join(path, 'node')).find((path) => existsSync(path)) ?? process.execPath;
}

describe('the package of the command', () => {
  it('is installed alone in an empty folder, logs in to a worker and speaks to it', async () => {
    const home = join(folder, 'elsewhere');
    await mkdir(home);
    const npm = (cwd: string, ...args: string[]): string =>
      execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const name = npm(
      ROOT,
      'pack',
      '--workspace',
      'packages/cli',
      '--silent',
      '--pack-destination',
      home,
    ).trim();
    npm(home, 'install', '--offline', '--no-audit', '--no-fund', '--silent', `./${name}`);
    expect(readdirSync(join(home, 'node_modules')).filter((one) => !one.startsWith('.'))).toEqual([
      'bifrost-worker-cli',
    ]);
    const command = join(home, 'node_modules', '.bin', 'bifrost');
    const run = (args: string[], input = ''): { status: number | null; stdout: string; stderr: string } =>
      spawnSync(machineNode(), [command, ...args], { encoding: 'utf8', input, env: { HOME: home } });
    expect(run(['--version'])).toMatchObject({ status: 0, stderr: '' });
    const login = run(['login', worker.url], TOKEN);
    expect(login).toMatchObject({ status: 0, stderr: '' });
    const script = await file('anywhere.js', 'console.log("from elsewhere")');
    expect(run(['run', script])).toMatchObject({ status: 0, stdout: 'from elsewhere\n', stderr: '' });
    expect(run(['worker'])).toMatchObject({ status: 2, stderr: expect.stringContaining('the client alone') });
  });
});

describe('colour', () => {
  // Node decides by the environment of the process, so each case is a process.
  const paint = (isTTY: boolean, env: Record<string, string>): string =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { WriteStream } from 'node:tty';
        import { Writable } from 'node:stream';
        import { paint } from ${JSON.stringify(pathToFileURL(join(COMMAND, '..', 'output', 'output.js')))};
        const { getColorDepth } = WriteStream.prototype;
        const stream = Object.assign(new Writable(), ${isTTY} ? { isTTY: true, getColorDepth } : {});
        process.stdout.write(paint('red', 'text', stream));`,
      ],
      { env: { TERM: 'xterm-256color', ...env }, encoding: 'utf8' },
    );

  it('is for terminals, unless NO_COLOR is set', () => {
    expect(paint(true, {})).toBe('\u001b[31mtext\u001b[39m');
    expect(paint(true, { NO_COLOR: '1' })).toBe('text');
    expect(paint(false, {})).toBe('text');
  });
});

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
  return (await response.json()) as T;
}

/** An address where something listened just now and nothing does any more. */
async function closedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('bifrost logs', () => {
  const submit = async (code: string): Promise<string> => {
    const response = await fetch(`${worker.url}/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    return ((await response.json()) as { id: string }).id;
  };

  it('follows an execution to its end, and prints it again afterwards', async () => {
    const id = await submit(
      'console.log("one"); setTimeout(() => { console.error("two"); process.stdout.write("three") }, 300)',
    );
    const printed = { code: 0, stdout: 'one\nthree', stderr: 'two\n' };
    expect(await bifrost(['logs', id, '--follow'])).toEqual(printed);
    expect(await bifrost(['logs', id])).toEqual(printed);
  });

  it('prints each event as a document with --json', async () => {
    const id = await submit('console.log("one")');
    const { stdout } = await bifrost(['logs', id, '--follow', '--json']);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(events).toMatchObject([
      { type: 'start', worker_id: 'w1' },
      { type: 'log', message: 'one', level: 'info', stream: 'stdout' },
      { type: 'end', status: 'succeeded' },
    ]);
  });

  it.each([[[]], [['--follow']]])('reports an unknown id %j', async (options) => {
    const { code, stderr } = await bifrost(['logs', 'unknown-id', ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no execution unknown-id');
  });
});
