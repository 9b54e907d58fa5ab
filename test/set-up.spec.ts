import { afterAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const SETUP = join(import.meta.dirname, '..', 'scripts', 'setup.sh');
const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-set-up-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (path: string, text = ''): string => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

/** In place of a program that a step calls: notes that, and leaves what the step has to. */
const stand = (name: string, leaves: string, called = name): void =>
  chmodSync(
    put(`node_modules/.bin/${name}`, `#!/bin/sh\nfor last; do :; done\necho ${called} >>calls\n${leaves}\n`),
    0o755,
  );

for (const path of [
  'package.json',
  'package-lock.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'schemas/openapi.json',
  'site/build.ts',
])
  put(path);
for (const path of [
  'src/main.ts',
  'src/contract/job.ts',
  'console/src/app.tsx',
  'scripts/bundle.ts',
  'scripts/bundling.ts',
  'docs/index.md',
])
  put(path);
stand('nest', 'mkdir -p dist && : >dist/main.js');
stand('tsc', ':');
stand('vite', 'mkdir -p dist/console && : >dist/console/index.html');
// The script that it is to run is its last argument.
stand('node', 'mkdir -p dist/bundle dist/docs && : >dist/docs/index.html', '$last');

const DOCS = 'site/build.ts';
const BUNDLE = 'scripts/bundle.ts';

/** What a build calls and says. */
function build(settings = ''): { calls: string[]; said: string } {
  rmSync(join(folder, 'calls'), { force: true });
  const { status, stderr } = spawnSync('sh', ['-c', `. ${SETUP}; ${settings} build`], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const calls = spawnSync('cat', ['calls'], { cwd: folder, encoding: 'utf8' }).stdout;
  return { calls: calls.split('\n').filter(Boolean), said: stderr };
}

/** As an editor that saves a file does; by far the newest, whatever the clock of the file system. */
const change = (path: string): void => {
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(folder, path), later, later);
};
const age = (path: string): void => utimesSync(join(folder, path), 1, 1);

describe('the build of npm start', () => {
  it('does each step once, and says what it does, how long that takes and how long it took', () => {
    const { calls, said } = build();
    expect(calls).toEqual(['nest', 'vite', DOCS, BUNDLE]);
    expect(said).toMatch(/^bifrost: compiling what changed; usually \d+ s$/m);
    expect(said).toMatch(/^bifrost: compiling what changed: done in \d+ s$/m);
    expect(build()).toEqual({ calls: [], said: '' });
  });

  it.each([
    ['src/main.ts', ['nest', BUNDLE]],
    ['src/contract/job.ts', ['nest', 'vite', BUNDLE]],
    ['console/src/app.tsx', ['vite']],
    ['docs/index.md', [DOCS]],
    ['scripts/bundle.ts', [BUNDLE]],
    ['scripts/bundling.ts', [BUNDLE]],
  ])('does what a change of %s asks for', (path, calls) => {
    change(path);
    expect(build().calls).toEqual(calls);
    age(path);
  });

  it('leaves the types out where they are checked already', () => {
    change('src/main.ts');
    expect(build('types_are_checked=yes;').calls).toEqual(['tsc', BUNDLE]);
    age('src/main.ts');
  });

  it('says the time that a step usually takes here', () => {
    put('.bifrost/times/compile', '9\n7\n300\n');
    change('src/main.ts');
    expect(build().said).toMatch(/compiling what changed; usually 9 s$/m);
    age('src/main.ts');
    const times = readFileSync(join(folder, '.bifrost/times/compile'), 'utf8').trim().split('\n');
    expect(times).toHaveLength(4);
  });

  it('keeps what it did before a step that failed', () => {
    stand('nest', 'exit 1');
    change('src/main.ts');
    expect(() => execFileSync('sh', ['-c', `. ${SETUP}; build`], { cwd: folder, stdio: 'pipe' })).toThrow();
    stand('nest', ':');
    expect(build().calls).toEqual(['nest', BUNDLE]);
    age('src/main.ts');
  });
});
