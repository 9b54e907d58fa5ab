import { readFileSync } from 'node:fs';
import { nearestPaths } from '../lib/text/nearest-paths.js';

const PREFIX = 'BIFROST_';
const FILE_SUFFIX = '_FILE';
/** Of the command line, which share the prefix. */
const OF_CLIENTS: ReadonlySet<string> = new Set(['BIFROST_URL', 'BIFROST_TOKEN']);
/** Variables of standards and of the shell, of which we read some; the others are not ours to judge. */
const OF_OTHERS = /^(?:OTEL|npm|KUBERNETES|SSH|LC|XDG)_/;
/** Kubernetes gives every container variables of each Service beside it: REDIS_PORT of one named redis, say. */
const SERVICE_LINK = /^(?:tcp|udp):\/\//;
/** Shorter names are near to too many others. */
const SHORTEST_JUDGED = 6;
const LARGEST_FILE_CHARS = 65_536;

/** The settings that an environment holds, under their own names. */
export interface GivenSettings {
  values: Record<string, string>;
  /** The variable that each of them comes from. */
  spellings: Record<string, string>;
  /** What keeps the worker from starting: the variable, then what is wrong with it. */
  problems: { name: string; message: string }[];
  /** What was probably meant otherwise, one sentence each. */
  remarks: string[];
}

/** The names of settings, and which of them hold credentials. */
export interface SettingNames {
  all: readonly string[];
  credentials: ReadonlySet<string>;
}

/**
 * Reads settings from an environment. Each may carry the prefix `BIFROST_`, which wins over the same name without it;
 * a credential may come from a file instead, as orchestrators mount them: `API_TOKEN_FILE=/run/secrets/token`. An
 * empty variable counts as not set. Variables whose names are near to that of a setting are remarked on.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  names: SettingNames,
): GivenSettings {
  const given: GivenSettings = { values: {}, spellings: {}, problems: [], remarks: [] };
  const set = new Map(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]));
  const read = new Set<string>();
  for (const name of names.all) {
    const spellings = [`${PREFIX}${name}`, name];
    for (const spelling of spellings) read.add(spelling);
    const plain = spellings.find((spelling) => set.has(spelling));
    const file = names.credentials.has(name) ? fileOf(spellings, set, read) : undefined;
    if (plain !== undefined && file !== undefined)
      given.problems.push({ name: plain, message: `must not be set beside ${file}` });
    else if (plain !== undefined) take(given, name, plain, set.get(plain) as string);
    else if (file !== undefined) takeFile(given, name, file, set.get(file) as string);
  }
  for (const name of set.keys()) if (!read.has(name)) remarkOn(given, name, names.all);
  return given;
}

function fileOf(
  spellings: readonly string[],
  set: ReadonlyMap<string, string>,
  read: Set<string>,
): string | undefined {
  const files = spellings.map((spelling) => `${spelling}${FILE_SUFFIX}`);
  for (const file of files) read.add(file);
  return files.find((file) => set.has(file));
}

function take(given: GivenSettings, name: string, variable: string, value: string): void {
  if (variable === name && name.endsWith('_PORT') && SERVICE_LINK.test(value)) {
    given.remarks.push(
      `${name} is ${value}, which Kubernetes sets for a Service of that name; it is not used. Set enableServiceLinks: false, or ${PREFIX}${name}`,
    );
    return;
  }
  given.values[name] = value;
  given.spellings[name] = variable;
}

function takeFile(given: GivenSettings, name: string, variable: string, path: string): void {
  try {
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    if (text === '') given.problems.push({ name: variable, message: `${path} is empty` });
    else if (text.length > LARGEST_FILE_CHARS)
      given.problems.push({ name: variable, message: `${path} is too large to hold a credential` });
    else given.values[name] = text;
  } catch (error) {
    given.problems.push({
      name: variable,
      message: `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    });
  }
}

function remarkOn(given: GivenSettings, variable: string, names: readonly string[]): void {
  if (OF_CLIENTS.has(variable) || OF_OTHERS.test(variable)) return;
  const isPrefixed = variable.startsWith(PREFIX);
  const name = isPrefixed ? variable.slice(PREFIX.length) : variable;
  const near = name.length < SHORTEST_JUDGED ? undefined : nearestName(name, names);
  if (near === undefined && !isPrefixed) return;
  const meant = near === undefined ? 'docs/configuration.md lists what is' : `did you mean ${near}?`;
  given.remarks.push(`${variable} is not a setting; ${meant}`);
}

/** The setting that was misspelled or cut off. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  const cut = name.includes('_') ? names.find((known) => known.startsWith(name)) : undefined;
  return cut ?? nearestPaths(name, names, 1)[0];
}
