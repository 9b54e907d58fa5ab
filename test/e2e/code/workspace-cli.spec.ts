import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CommandResult, type RunningCommand, startCommand } from '../../support/processes/command.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples', 'workspace');

const redis = useRedis();
const startWorker = useWorkers();
let worker: WorkerProcess;
let dir: string;

beforeAll(async () => {
  worker = await startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '2' } });
});
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bifrost-test-push-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const start = (...args: string[]): RunningCommand => startCommand(args, { BIFROST_URL: worker.url });
const bifrost = (...args: string[]): Promise<CommandResult> => start(...args).ended;

async function write(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), source);
  }
}

async function currentGeneration(): Promise<number> {
  const { stdout } = await bifrost('workspace', 'log', '--json');
  return (JSON.parse(stdout) as { current: number }).current;
}

describe('bifrost workspace push', () => {
  it('shows what is added, changed and removed, and publishes that', async () => {
    await write({ 'a.ts': '1', 'lib/b.ts': '2' });
    expect((await bifrost('workspace', 'push', dir)).code).toBe(0);
    await write({ 'a.ts': '3', 'c.ts': '4' });
    await rm(join(dir, 'lib'), { recursive: true });
    const { stdout } = await bifrost('workspace', 'push', dir, '--message', 'reworked');
    const generation = await currentGeneration();
    expect(stdout).toBe(
      `+ c.ts\n~ a.ts\n- lib/b.ts\npublished generation ${generation}: 1 added, 1 changed, 1 removed\n`,
    );
    expect((await bifrost('workspace', 'list')).stdout).toBe('a.ts\nc.ts\n');
    expect((await bifrost('workspace', 'log')).stdout).toMatch(
      new RegExp(`^${generation} \\* .* \\+1 ~1 -1 .*reworked$`, 'm'),
    );
    expect((await bifrost('workspace', 'push', dir)).stdout).toBe(
      `nothing to publish: generation ${generation} has the same files\n`,
    );
  });

  it('names the options of tsconfig.json that are not used', async () => {
    await write({
      'a.ts': '1',
      'tsconfig.json': '{ "compilerOptions": { "rootDirs": ["."], "strict": true } }',
    });
    const { code, stderr } = await bifrost('workspace', 'push', dir);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('tsconfig.json: not used by workspace modules: rootDirs (docs/workspace.md)'),
    ]);
  });

  it('leaves out what the ignore file says, node_modules, dotfiles, links and what is no text', async () => {
    await write({
      '.bifrostignore': '# comment\n*.test.ts\n/build/\n!keep.test.ts\n',
      '.env': 'SECRET=1',
      'a.ts': '1',
      'a.test.ts': '1',
      'keep.test.ts': '1',
      'build/out.js': '1',
      'lib/build/in.js': '1',
      'lib/node_modules/x/index.js': '1',
      'logo.png': new Uint8Array([0x89, 0x50, 0xff]),
    });
    await symlink('/etc/passwd', join(dir, 'passwd.txt'));
    const { code, stderr } = await bifrost('workspace', 'push', dir);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'left out, no UTF-8 text or a link: passwd.txt, logo.png\n',
    });
    expect((await bifrost('workspace', 'list')).stdout).toBe('a.ts\nkeep.test.ts\nlib/build/in.js\n');
  });

  it('prints file, line and column of a syntax error, and publishes nothing', async () => {
    await write({ 'good.ts': '1' });
    await bifrost('workspace', 'push', dir);
    const before = await currentGeneration();
    await write({ 'lib/bad.ts': 'let a: number = 1;\n  const = 2;\n' });
    const { code, stderr, stdout } = await bifrost('workspace', 'push', dir);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('nothing was published\nlib/bad.ts:2:9: Expected identifier but found "="');
    expect(await currentGeneration()).toBe(before);
  });

  it('publishes nothing in a dry run, and nothing over a generation that was not expected', async () => {
    await write({ 'a.ts': 'first' });
    await bifrost('workspace', 'push', dir);
    const before = await currentGeneration();
    await write({ 'a.ts': 'second' });
    const dry = await bifrost('workspace', 'push', dir, '--dry-run');
    expect(dry.stdout).toBe('~ a.ts\ndry run, nothing was published: 0 added, 1 changed, 0 removed\n');
    const refused = await bifrost('workspace', 'push', dir, '--expect', String(before + 7));
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('another publish came first'),
    });
    expect(await currentGeneration()).toBe(before);
    const pushed = await bifrost('workspace', 'push', dir, '--expect', String(before));
    expect(pushed.code).toBe(0);
  });

  it.each([
    [['push', '/does/not/exist'], 'there is no such folder'],
    [['push', '.', '--expect', 'x'], '--expect x'],
    [['push', '.', '--watch', '--dry-run'], '--watch'],
    [['diff', '1', 'b'], 'B b: must be the number of a generation'],
    [['rollback', '9999'], 'There is no generation 9999'],
  ])('prints what is wrong with %j', async (args, message) => {
    const { code, stderr } = await bifrost('workspace', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('publishes again after each change while it watches', async () => {
    await write({ 'a.ts': 'export const n = 1;' });
    const { child, ended } = start('workspace', 'push', dir, '--watch');
    let said = '';
    child.stdout?.on('data', (chunk: string) => (said += chunk));
    let complaint = '';
    child.stderr?.on('data', (chunk: string) => (complaint += chunk));
    await until(() => said.includes('published generation'), { what: 'the first publish' });
    await write({ 'b.ts': 'const = ;' });
    await until(() => complaint.includes('b.ts:1:7'), { what: 'the syntax error' });
    await write({ 'b.ts': 'export const m = 2;' });
    await until(() => said.includes('+ b.ts\npublished generation'), { what: 'the second publish' });
    child.kill('SIGINT');
    expect((await ended).code).toBe(0);
  });
});

describe('bifrost workspace', () => {
  it('pulls what was pushed, and overwrites nothing unasked', async () => {
    const files = { 'a.ts': 'one', 'deep/er/ü b#.ts': 'two\r\n' };
    await write(files);
    await bifrost('workspace', 'push', dir);
    const generation = await currentGeneration();
    const target = join(dir, 'pulled');
    expect((await bifrost('workspace', 'pull', target)).stdout).toBe(
      `pulled generation ${generation}: 2 new, 0 overwritten, 0 the same\n`,
    );
    for (const [path, source] of Object.entries(files)) {
      expect(await readFile(join(target, path), 'utf8')).toBe(source);
    }
    await writeFile(join(target, 'a.ts'), 'mine');
    const refused = await bifrost('workspace', 'pull', target);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force overwrites:\n  a.ts'),
    });
    expect(await readFile(join(target, 'a.ts'), 'utf8')).toBe('mine');
    expect((await bifrost('workspace', 'pull', target, '--force')).stdout).toContain('1 overwritten');
  });

  it('compares generations and goes back to one', async () => {
    await write({ 'a.ts': 'good' });
    await bifrost('workspace', 'push', dir);
    const good = await currentGeneration();
    await write({ 'a.ts': 'bad' });
    await bifrost('workspace', 'push', dir);
    expect((await bifrost('workspace', 'diff', `${good}`, `${good + 1}`)).stdout).toBe('~ a.ts\n');
    const { stdout } = await bifrost('workspace', 'rollback', `${good}`);
    expect(stdout).toBe(`published generation ${good + 2} with the 1 files of generation ${good}\n`);
    expect((await bifrost('workspace', 'diff', `${good}`, `${good + 2}`)).stdout).toBe('no difference\n');
  });
});

describe('bifrost run', () => {
  it('runs a folder as it is on disk, which never becomes current', async () => {
    await write({
      'workflows/greet.ts': `import { hello } from 'shared/words';\nexport const greet = ({ name }: { name: string }) => hello + name;`,
      'shared/words.ts': `export const hello = 'hello ';`,
    });
    const before = await currentGeneration();
    const greet = ['run', join(dir, 'workflows/greet.ts'), '--workspace', dir, '--function', 'greet'];
    expect(await bifrost(...greet, '--param', 'name=world')).toMatchObject({
      code: 0,
      stdout: '"hello world"\n',
    });
    await write({ 'shared/words.ts': `export const hello = 'changed ';` });
    expect((await bifrost(...greet, '--param', 'name=world')).stdout).toBe('"changed world"\n');
    expect(await currentGeneration()).toBe(before);
  });

  it('runs a script with the files beside it', async () => {
    await write({
      'script.ts': `import { two } from './two';\nconsole.log(two + 2);`,
      'two.ts': 'export const two: number = 2;',
    });
    expect(await bifrost('run', join(dir, 'script.ts'))).toMatchObject({ code: 0, stdout: '4\n' });
  });

  it('leaves code that imports no file of the folder inline', async () => {
    await write({
      'alone.ts': `import { basename } from 'node:path';\nconsole.log(basename(import.meta.filename));`,
    });
    expect(await bifrost('run', join(dir, 'alone.ts'))).toEqual({
      code: 0,
      stdout: 'inline-code.ts\n',
      stderr: '',
    });
  });
});

describe('the examples', () => {
  const runExample = async (workflow: string, ...args: string[]): Promise<unknown> => {
    const file = join(EXAMPLES, 'workflows', workflow);
    const { code, stdout, stderr } = await bifrost('run', file, '--workspace', EXAMPLES, '--json', ...args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return JSON.parse(stdout);
  };

  it('greet', async () => {
    const result = await runExample('greet.ts', '--function', 'greet', '--param', 'name=world');
    expect(result).toMatchObject({
      result: { greeting: 'Hello, world!', by: 'nobody in particular' },
      logs: [{ level: 'info', message: 'greeted', fields: { language: 'en' } }],
    });
  });

  it('invoice', async () => {
    const items = [
      { description: 'work', quantity: 3, unitPrice: '99.95' },
      { description: 'travel', quantity: 1, unitPrice: 12.5 },
    ];
    const result = await runExample(
      'invoice.ts',
      '--param',
      'country=DE',
      '--param',
      `items=${JSON.stringify(items)}`,
    );
    expect(result).toMatchObject({
      result: { net: '312.35', tax: '59.35', gross: '371.70' },
      variables: { items: 2 },
    });
  });

  it('report', async () => {
    const csv = 'region,amount\r\n"North, far",1.50\r\nSouth,10\r\n"North, far",2.25\r\n';
    const result = await runExample('report.ts', '--function', 'report', '--param', `csv=${csv}`);
    expect(result).toMatchObject({ result: 'region,total\r\nSouth,10.00\r\n"North, far",3.75\r\n' });
  });
});
