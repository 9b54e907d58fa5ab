import { posix } from 'node:path';
import { type ImportSite, readSource, type SourceFacts } from './read-imports.js';

/** One place where a source breaks a rule of ARCHITECTURE.md. */
export interface Violation {
  file: string;
  line: number;
  message: string;
}

const BASE = ['contract', 'lib', 'config', 'telemetry', 'redis'];
const BEHIND_THE_QUEUE = ['boundary', 'isolation', 'compile', 'outcome', 'context', 'workspace', 'packages'];
const ENGINE = [
  ...BASE,
  'tenants',
  ...BEHIND_THE_QUEUE,
  'artifacts',
  'executor',
  'heartbeat',
  'results',
  'queue',
];
const PARTS = [...ENGINE, 'worker', 'archive'];

/** Which folders of `src` a folder may import; itself always. A file at the top of `src` counts by its name. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  contract: ['lib'],
  boundary: ['contract', 'lib'],
  runner: ['boundary', 'contract', 'lib'],
  config: ['contract', 'lib'],
  telemetry: ['contract', 'lib', 'config'],
  redis: ['contract', 'lib', 'config', 'telemetry'],
  isolation: ['boundary', 'contract', 'lib', 'config'],
  // What runs inside a compiler process confines itself as a runner does.
  compile: ['boundary', 'contract', 'lib', 'config', 'telemetry', 'isolation', 'runner'],
  outcome: ['boundary', 'contract', 'lib', 'isolation'],
  tenants: BASE,
  context: [...BASE, 'tenants', 'outcome'],
  workspace: [...BASE, 'boundary', 'compile'],
  packages: [...BASE, 'boundary'],
  results: [...BASE, 'tenants', 'outcome'],
  artifacts: BASE,
  executor: [...BASE, 'boundary', 'isolation', 'compile', 'outcome', 'workspace', 'packages', 'artifacts'],
  heartbeat: [...BASE, 'executor'],
  queue: [...BASE, 'tenants', 'outcome', 'context', 'results'],
  worker: ENGINE,
  archive: [...BASE, 'tenants', 'results'],
  webhooks: [...BASE, 'boundary', 'executor', 'results', 'queue'],
  health: PARTS,
  metrics: PARTS,
  api: PARTS.filter((part) => part !== 'executor'),
  doctor: PARTS,
  conformance: BASE,
  faults: BASE,
  'app.module': [...PARTS, 'webhooks', 'health', 'metrics', 'api'],
  bootstrap: [...PARTS, 'health', 'metrics', 'api', 'app.module'],
  main: ['bootstrap', 'config', 'lib'],
  cli: ['contract', 'lib'],
};

/** Packages that only some folders may load at run time; their types may be named anywhere. */
const KEPT_TO: readonly { packages: RegExp; areas: readonly string[] }[] = [
  { packages: /^ioredis$/, areas: ['redis'] },
  { packages: /^(pg|kysely|kysely\/.*|@electric-sql\/.*)$/, areas: ['archive'] },
  {
    packages: /^(bullmq|@nestjs\/bullmq)$/,
    areas: ['redis', 'results', 'queue', 'worker', 'api', 'webhooks', 'conformance', 'faults'],
  },
];

const FRAMEWORK = /^(@nestjs\/.*|nestjs-.*|ioredis|bullmq|reflect-metadata|esbuild|pg|kysely)$/;
const NO_FRAMEWORK = {
  allowed: (name: string): boolean => !FRAMEWORK.test(name),
  only: 'neither Nest nor Redis nor the compiler',
};

/** What a folder may load at run time, also by way of the files that it imports. */
const CLOSED: Readonly<Record<string, typeof NO_FRAMEWORK>> = {
  runner: { allowed: (name) => name.startsWith('node:'), only: 'Node itself' },
  contract: NO_FRAMEWORK,
  boundary: NO_FRAMEWORK,
  lib: NO_FRAMEWORK,
  cli: NO_FRAMEWORK,
};

const APPLICATION = new Set(['bootstrap', 'config', 'doctor', 'conformance', 'faults']);
const ENVIRONMENT_FILES = new Set(['cli/bifrost.ts']);
const MAX_LINES = 300;
const BANNED = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager']);

/**
 * Checks sources against the rules of ARCHITECTURE.md: which folder imports which, what a runner loads, which files read
 * the environment, sizes and names. Paths are relative to `src`. A pure function of its argument.
 */
export function checkSources(sources: ReadonlyMap<string, string>): Violation[] {
  const facts = new Map([...sources].map(([file, source]) => [file, readSource(file, source)]));
  return [...sources].flatMap(([file, source]) => {
    const own = facts.get(file) as SourceFacts;
    return [
      ...own.imports.flatMap((site) => checkImport(file, site, sources)),
      ...checkClosure(file, facts),
      ...checkEnvironment(file, own),
      ...checkName(file),
      ...checkLength(file, source),
    ];
  });
}

const areaOf = (file: string): string =>
  file
    .split('/')
    .at(file.includes('/') ? 0 : -1)!
    .replace(/\.ts$/, '');

const isRelative = (specifier: string): boolean => specifier.startsWith('.');

const resolve = (file: string, specifier: string): string =>
  posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');

function checkImport(file: string, site: ImportSite, sources: ReadonlyMap<string, string>): Violation[] {
  const area = areaOf(file);
  const at = (message: string): Violation[] => [{ file, line: site.line, message }];
  if (!isRelative(site.specifier)) {
    const kept = KEPT_TO.find(({ packages }) => packages.test(site.specifier));
    return kept && site.kind !== 'type' && !kept.areas.includes(area)
      ? at(`imports ${site.specifier}, which only ${kept.areas.join(', ')} may`)
      : [];
  }
  const target = resolve(file, site.specifier);
  if (!sources.has(target)) return at(`imports ${site.specifier}, which is not there`);
  const allowed = MAY_IMPORT[area];
  if (!allowed) return at(`is in the folder "${area}", for which no rule says what it may import`);
  const targetArea = areaOf(target);
  if (targetArea === area || allowed.includes(targetArea)) return [];
  // `bifrost worker` becomes the application, `bifrost doctor` tries its parts, `bifrost conformance` talks to it over
  // Redis, `bifrost faults` breaks it; every other command must not load it.
  if (area === 'cli' && APPLICATION.has(targetArea) && site.kind === 'dynamic') return [];
  return at(`imports ${target}: ${area} may import ${allowed.join(', ')} only`);
}

/** Follows run-time imports from one file to every package that they load. */
function checkClosure(file: string, facts: ReadonlyMap<string, SourceFacts>): Violation[] {
  const rule = CLOSED[areaOf(file)];
  if (!rule) return [];
  const paths = new Map<string, string[]>([[file, [file]]]);
  const violations: Violation[] = [];
  for (const [current, path] of paths) {
    for (const site of facts.get(current)?.imports ?? []) {
      if (site.kind === 'type' || (site.kind === 'dynamic' && areaOf(file) === 'cli')) continue;
      const target = isRelative(site.specifier) ? resolve(current, site.specifier) : site.specifier;
      const chain = [...path, target];
      if (isRelative(site.specifier)) {
        if (!paths.has(target)) paths.set(target, chain);
      } else if (!rule.allowed(target)) {
        violations.push({
          file,
          line: current === file ? site.line : 1,
          message: `loads ${chain.slice(1).join(' -> ')}; ${areaOf(file)} loads ${rule.only}`,
        });
      }
    }
  }
  return violations;
}

/** The runner is exempt: its environment is the one made for the user's code. */
function checkEnvironment(file: string, facts: SourceFacts): Violation[] {
  const area = areaOf(file);
  if (area === 'config' || area === 'runner' || ENVIRONMENT_FILES.has(file)) return [];
  const handOvers = area === 'main' ? 1 : 0;
  return facts.environmentLines.slice(handOvers).map((line) => ({
    file,
    line,
    message: 'uses process.env: only config reads the environment, once',
  }));
}

function checkName(file: string): Violation[] {
  const banned = file
    .replace(/\.ts$/, '')
    .split(/[/.-]/)
    .find((word) => BANNED.has(word));
  return banned
    ? [{ file, line: 1, message: `is named "${banned}", which says nothing of what it does` }]
    : [];
}

function checkLength(file: string, source: string): Violation[] {
  const lines = source.trimEnd().split('\n');
  if (lines.length <= MAX_LINES || /^\/\/ Longer than \d+ lines: \S/.test(lines[0] as string)) return [];
  const wanted = `"// Longer than ${MAX_LINES} lines: why" in the first line`;
  return [{ file, line: 1, message: `has ${lines.length} lines: split it, or put ${wanted}` }];
}
