// The last step of a build: makes few files of the many in dist/, so that a start loads those. Run by `npm run build`
// and `npm start`, after the compiler. Beside each file is `FILE.from.json`, which says what it was made of:
// src/lib/bundle/built-ahead.ts compares that with what is there, so that no start uses an old one.
//
//   dist/bundle/bootstrap.cjs …  the worker with its packages, for dist/main.js and `bifrost worker`
//   dist/bundle/process.cjs …    what confined processes run
//   dist/cli/bifrost.js          the command, one file that needs no package
//
// `node scripts/bundle.ts command FILE` makes the command alone, for the package of it.
import { decode, encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';
import { build, type Metafile, type Plugin } from 'esbuild';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve, sep } from 'node:path';
import type { BuiltFrom } from '../src/lib/bundle/built-ahead.ts';
import { BUNDLED, DIST, PACKAGES, ROOT, WORKER_TARGET } from './bundling.ts';

const FOLDER = join(DIST, 'bundle');
/** Made here first, so that a worker that starts meanwhile finds the former files or the new ones. */
const DRAFT = join(DIST, '.bundle-draft');

/** What of the worker is loaded by itself; the names are those that src/lib/bundle/built-ahead.ts is asked for. */
const ENTRIES = {
  'bootstrap.cjs': 'bootstrap.js',
  'doctor.cjs': 'doctor/doctor.js',
  // A program of its own, which awaits at its top.
  'embedded-server.mjs': 'archive/embedded/embedded-server.js',
};

/**
 * Packages that stay as they are: they start threads or processes of their own files, load native code or WebAssembly,
 * have files to serve, or are loaded by few.
 */
const LEFT_OUT = [
  '@electric-sql/*',
  '@opentelemetry/*',
  '@swc/core',
  'esbuild',
  'msgpackr-extract',
  'pino',
  'pino-pretty',
  'swagger-ui-dist',
];

/** Packages that are looked for by their names alone. */
const BY_NAME = ['@swc/core', 'esbuild', 'pino-pretty', 'swagger-ui-dist'];

/** Of a line of a bundle, about: a place in a package is named by its line and column there. */
const LINE_CHARS = 160;

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const url = (path: string): string => path.split(sep).join('/');

/**
 * Files of ours look for others beside themselves; in a bundle they look from where they were. The banner has the place
 * of the bundle, which `import.meta.url` of packages stands for.
 * @param folder in which the bundle is used
 */
const ownPlace = (folder: string): Plugin => ({
  name: 'own-place',
  setup(run) {
    run.initialOptions.define = { 'import.meta.url': 'placeOfSource' };
    run.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
      const isOurs = !path.includes(`${sep}node_modules${sep}`);
      const text = readFileSync(path, 'utf8');
      const loader = path.endsWith('ts') ? ('ts' as const) : ('js' as const);
      if (!text.includes('import.meta.url')) return undefined;
      const compiled = path.replace(join(ROOT, 'src'), DIST).replace(/\.ts$/, '.js');
      const place = isOurs
        ? `new URL(${JSON.stringify(url(relative(folder, compiled)))}, placeOfBundle).href`
        : 'placeOfBundle';
      return {
        // In the first line, so that every other line stays where it is.
        contents: `const placeOfSource = ${place}; ${text.replace(OWN_REQUIRE, '')}`,
        loader,
      };
    });
  },
});

/** Without it a package's `require` is one that the bundler follows; else it would load a second copy from disk. */
const OWN_REQUIRE = /^const require = createRequire\(import\.meta\.url\);$/m;

/** At the top of the command: packages in CommonJS load Node's own modules by `require`. */
const BANNER = `import { createRequire as requireFrom } from 'node:module'; const placeOfBundle = import.meta.url; const require = requireFrom(placeOfBundle);`;

/** Packages of packages that are not installed, since they are only loaded where they are. */
const optional: Plugin = {
  name: 'optional',
  setup(run) {
    run.onResolve({ filter: /^[^./]/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === 'asked' || !importer.includes(`${sep}node_modules${sep}`)) return undefined;
      const found = await run.resolve(path, { importer, kind, resolveDir, pluginData: 'asked' });
      return found.errors.length > 0 ? { path, external: true } : found;
    });
  },
};

/** What a bundle was made of: its own files one by one, each package by its package.json, which has the version. */
function inputsOf(metafile: Metafile, folder: string): BuiltFrom {
  const files = Object.keys(metafile.inputs).map((input) => {
    const full = resolve(ROOT, input);
    const [, inside] = full.split(`${join(ROOT, 'node_modules')}${sep}`);
    const nested = inside?.lastIndexOf(`node_modules${sep}`) ?? -1;
    if (inside === undefined) return full;
    const at = nested < 0 ? 0 : nested + 'node_modules/'.length;
    return join(
      ROOT,
      'node_modules',
      inside.slice(0, at),
      packageName(url(inside.slice(at))),
      'package.json',
    );
  });
  const unique = [...new Set(files)].filter((file) => existsSync(file)).toSorted();
  return Object.fromEntries(
    unique.map((file) => {
      const { size: bytes, mtimeMs: changedMs } = statSync(file);
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
      return [url(relative(folder, file)), { bytes, changedMs, sha256 }];
    }),
  );
}

const note = (name: string, metafile: Metafile): void =>
  writeFileSync(join(DRAFT, `${name}.from.json`), JSON.stringify(inputsOf(metafile, FOLDER)));

const CJS_BANNER = `const placeOfBundle = require('node:url').pathToFileURL(__filename).href;`;

async function bundleWorker(): Promise<void> {
  const bundles = await Promise.all(
    // Each by itself: bundles that share parts do not keep the order in which modules are evaluated.
    Object.entries(ENTRIES).map(async ([name, file]) => {
      const { metafile } = await build({
        ...BUNDLED,
        entryPoints: [join(DIST, file)],
        outfile: join(DRAFT, name),
        // An import of one of Node's modules by ESM reads all that it exports, and so loads what Node itself loads late,
        // such as fetch: a quarter of the time of a start.
        format: name.endsWith('.cjs') ? 'cjs' : 'esm',
        target: WORKER_TARGET,
        // Nest shows the names of classes, and errors have them.
        keepNames: true,
        minifySyntax: true,
        // A quarter of it is blanks and comments. A single character beyond Latin-1 in a comment would have V8 keep all
        // of the text in two bytes a character: see checkAscii.
        minifyWhitespace: true,
        lineLimit: LINE_CHARS,
        // Not named in the bundle: src/lib/bundle/bundle-stacks.ts reads it when a stack is shown.
        sourcemap: 'external',
        sourcesContent: false,
        external: LEFT_OUT,
        plugins: [ownPlace(FOLDER), optional],
        banner: { js: name.endsWith('.cjs') ? CJS_BANNER : BANNER },
        metafile: true,
      });
      nameClassesAlone(join(DRAFT, name));
      checkAscii(join(DRAFT, name));
      keepOwnSources(join(DRAFT, `${name}.map`));
      note(name, metafile);
      return packagesBeside(metafile);
    }),
  );
  const packages = [...new Set([...bundles.flat(), ...BY_NAME])].toSorted();
  writeFileSync(join(DRAFT, PACKAGES), `${JSON.stringify(packages)}\n`);
}

/**
 * The bundler has each function take its name anew whenever it is made, by a call into the engine: a tenth of what an execution
 * costs the worker, for closures that nobody asks for their names. What has no prototype is no class and stays as it is.
 */
function nameClassesAlone(file: string): void {
  const text = readFileSync(file, 'utf8');
  const named = text.replace(
    NAMING,
    (_all, define: string) => `var __name=(target,value)=>target.prototype===void 0?target:${define};`,
  );
  if (named === text && text.includes('__name('))
    throw new Error(`${file}: esbuild names functions in another way`);
  writeFileSync(file, named);
}

const NAMING = /\bvar __name=\(target,value\)=>(__defProp\(target,"name",[^;]*\));/;

/**
 * The bundler escapes what is beyond ASCII but where it cannot, which is in regular expressions.
 * @throws {Error} that names the place
 */
function checkAscii(file: string): void {
  const [place] = /.{0,40}\P{ASCII}.{0,20}/u.exec(readFileSync(file, 'utf8')) ?? [];
  if (place === undefined) return;
  throw new Error(
    `${file}: to be written as an escape, or V8 keeps all of it in two bytes a character: ${place}`,
  );
}

/** Takes places in packages out of a source map, which are five of six, and are named as they stand in the bundle. */
function keepOwnSources(file: string): void {
  const map = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[]; mappings: string };
  const sources: string[] = [];
  const places = map.sources.map((source) =>
    source.includes('node_modules/') ? null : sources.push(source) - 1,
  );
  let isMapped = false;
  const lines = decode(map.mappings).map((line) =>
    line.flatMap((segment): SourceMapSegment[] => {
      const source = segment.length === 1 ? null : (places[segment[1]] ?? null);
      const wasMapped = isMapped;
      isMapped = source !== null;
      if (source !== null && segment.length > 1)
        return [[segment[0], source, segment[2] as number, segment[3] as number]];
      // Where the code of a package begins, the place before it would count on.
      return wasMapped ? [[segment[0]]] : [];
    }),
  );
  writeFileSync(file, JSON.stringify({ version: 3, sources, names: [], mappings: encode(lines) }));
}

/** Names of the packages that the worker loads beside its bundle, of those that are installed. */
function packagesBeside(metafile: Metafile): string[] {
  const specifiers = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external, path }) => external && !isBuiltin(path)).map(({ path }) => packageName(path)),
  );
  return specifiers.filter((name) => existsSync(join(ROOT, 'node_modules', name, 'package.json')));
}

/** Names of the packages that went into a bundle. */
const packagesIn = (metafile: Metafile): string[] =>
  [
    ...new Set(
      Object.keys(metafile.inputs)
        .filter((path) => path.includes('node_modules/'))
        .map((path) => packageName(path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))),
    ),
  ].toSorted();

/** From the compiled files, by the same options as a worker would that finds nothing made ahead. */
async function bundlePrograms(): Promise<void> {
  const { bundleProgram, CONFINED_PROGRAMS, fileOfProgram } = (await import(
    join(DIST, 'isolation', 'confined-program.js')
  )) as typeof import('../src/isolation/confined-program.ts');
  for (const name of Object.keys(CONFINED_PROGRAMS) as (keyof typeof CONFINED_PROGRAMS)[]) {
    const file = fileOfProgram(name);
    const { metafile } = bundleProgram(name, join(DRAFT, file), { metafile: true, absWorkingDir: ROOT });
    note(file, metafile as Metafile);
  }
}

/** The command has no compiler's output to lean on: it is small, and must be one file wherever it is put. */
async function bundleCommand(outfile: string): Promise<Metafile> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { metafile } = await build({
    ...BUNDLED,
    entryPoints: [join(ROOT, 'src', 'cli', 'bifrost.ts')],
    metafile: true,
    outfile,
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    plugins: [
      {
        name: 'command',
        setup(run) {
          // Only where the whole worker is installed.
          run.onResolve(
            { filter: /^\.\.\/(bootstrap|doctor\/|conformance\/|faults\/|config\/)/ },
            ({ path }) => ({
              path,
              external: true,
            }),
          );
          run.onLoad({ filter: /[\\/]lib[\\/]version\.ts$/ }, () => ({
            contents: `export const VERSION = ${JSON.stringify(version)};`,
          }));
        },
      },
      // Wherever the file is put: beside it there is a worker only in dist/cli.
      ownPlace(join(DIST, 'cli')),
    ],
    banner: { js: BANNER },
  });
  rmSync(`${outfile}.map`, { force: true });
  chmodSync(outfile, 0o755);
  return metafile;
}

const [what, outfile] = process.argv.slice(2);
if (what === 'command') {
  await bundleCommand(join(ROOT, outfile ?? ''));
} else {
  rmSync(DRAFT, { recursive: true, force: true });
  mkdirSync(DRAFT, { recursive: true });
  const [command] = await Promise.all([
    bundleCommand(join(DIST, 'cli', 'bifrost.js')),
    bundleWorker(),
    bundlePrograms(),
  ]);
  writeFileSync(join(DIST, 'cli', 'packages.json'), `${JSON.stringify(packagesIn(command))}\n`);
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(DRAFT, FOLDER);
}
