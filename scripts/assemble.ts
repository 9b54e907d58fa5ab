// `node scripts/assemble.ts FOLDER`: puts what a worker needs at run time into an empty folder, and nothing else: the
// bundles, the console, the command, and the packages that are not in the bundles. Node 26 runs FOLDER/dist/main.js.
// The image and the archive of a release are made of it. Run it after `npm run build`.
//
// Two runs over one build give the same bytes: with SOURCE_DATE_EPOCH (seconds) every file has that time.
import { build } from 'esbuild';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { BUNDLED, DIST, PACKAGES, ROOT, WORKER_TARGET } from './bundling.ts';

const MODULES = join(ROOT, 'node_modules');
/** What packages ship for those who write code, not for those who run it. */
const NOT_NEEDED =
  /\.(d\.[cm]?ts|[cm]?ts|map|md|markdown|flow)$|^(tests?|__tests__|docs?|examples?|\.github)$/i;
const LICENCES = /^(licen[cs]e|notice|copying)/i;

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const fail = (why: string): never => {
  process.stderr.write(`assemble: ${why}\n`);
  process.exit(1);
};

const [target] = process.argv.slice(2);
if (target === undefined) fail('name the folder to assemble into');
const folder = resolve(target as string);
if (existsSync(folder) && readdirSync(folder).length > 0) fail(`${folder} is not empty`);
if (!existsSync(join(DIST, 'bundle', 'bootstrap.cjs'))) fail('there is no build: npm run build');

/** Where Node finds a package from another one, or null: it is not installed, since it is optional. */
function find(name: string, from: string): string | null {
  for (let at = from; at.startsWith(ROOT); at = dirname(at)) {
    const found = join(at, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
  }
  return null;
}

/** Packages and all that they depend on, as folders. */
function closureOf(names: readonly string[]): string[] {
  const folders = new Set(names.map((name) => join(MODULES, name)));
  for (const one of folders) {
    const manifest = JSON.parse(readFileSync(join(one, 'package.json'), 'utf8')) as Manifest;
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = find(name, one);
      if (found !== null) folders.add(found);
    }
  }
  return [...folders].toSorted();
}

function copyPackage(from: string): void {
  const inside = from.slice(ROOT.length + 1);
  cpSync(from, join(folder, inside), {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const name = basename(path);
      const rest = path.slice(from.length + 1);
      // Packages within have their own turn.
      if (rest === 'node_modules' || rest.includes(`${sep}node_modules`)) return false;
      return rest === '' || LICENCES.test(name) || !NOT_NEEDED.test(name);
    },
  });
}

mkdirSync(join(folder, 'dist', 'cli'), { recursive: true });
for (const part of ['bundle', 'console', 'docs'])
  cpSync(join(DIST, part), join(folder, 'dist', part), {
    recursive: true,
    filter: (path) => basename(path) !== PACKAGES,
  });
cpSync(join(DIST, 'cli', 'bifrost.js'), join(folder, 'dist', 'cli', 'bifrost.js'));
await build({
  ...BUNDLED,
  entryPoints: [join(DIST, 'main.js')],
  outfile: join(folder, 'dist', 'main.js'),
  format: 'esm',
  target: WORKER_TARGET,
  plugins: [
    {
      name: 'main',
      setup(run) {
        run.onResolve({ filter: /^\.\/bootstrap\.js$/ }, ({ path }) => ({ path, external: true }));
        // It lies in lib; all others of main are where they were.
        run.onLoad({ filter: /built-ahead\.js$/ }, ({ path }) => ({
          contents: readFileSync(path, 'utf8').replaceAll("'../../", "'./"),
        }));
      },
    },
  ],
});
for (const name of ['package.json', 'LICENSE']) cpSync(join(ROOT, name), join(folder, name));
const beside = JSON.parse(readFileSync(join(DIST, 'bundle', PACKAGES), 'utf8')) as string[];
for (const one of closureOf(beside)) copyPackage(one);

// What the bundles were made of is not here, so that there is nothing to compare them with.
for (const path of globSync('dist/bundle/*.from.json', { cwd: folder }))
  writeFileSync(join(folder, path), '{}\n');
const epoch = process.env['SOURCE_DATE_EPOCH'];
if (epoch !== undefined)
  for (const path of globSync('**/*', { cwd: folder }))
    utimesSync(join(folder, path), Number(epoch), Number(epoch));
