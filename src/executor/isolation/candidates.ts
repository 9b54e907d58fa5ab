import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { machineEnvironment } from '../../config/machine-environment.js';
import { networkOf } from '../../config/network.js';
import type { Settings } from '../../config/settings.js';
import type { IsolationLevelName } from '../../contract/confinement.js';
import { bootFilter } from '../../lib/syscall-filter.js';
import type { RunnerBundles } from '../runner-bundle.js';
import type { RuntimeDir } from '../runtime-dir.js';
import type { Candidate } from './choose-level.js';
import type { IsolationLevel } from './isolation-level.js';
import { NamespaceLevel } from './namespace-level.js';
import { libraryMounts } from './node-libraries.js';
import { ProcessLevel } from './process-level.js';
import { ThreadLevel } from './thread-level.js';

const MB = 1_048_576;

/** What the levels need of the worker. */
export interface LevelParts {
  settings: Settings;
  dir: RuntimeDir;
  bundles: RunnerBundles;
}

/** The levels that the settings allow, the strongest first. */
export function candidates(parts: LevelParts): Candidate[] {
  const { ISOLATION, RUNNER } = parts.settings;
  if (RUNNER === 'thread') return [candidate('thread', parts)];
  const names: readonly IsolationLevelName[] = ISOLATION === 'auto' ? ['namespace', 'process'] : [ISOLATION];
  return names.map((name) => candidate(name, parts));
}

function candidate(name: IsolationLevelName, parts: LevelParts): Candidate {
  try {
    return { name, level: levelOf(name, parts) };
  } catch (error) {
    return { name, unavailable: (error as Error).message };
  }
}

function levelOf(name: IsolationLevelName, parts: LevelParts): IsolationLevel {
  const { settings, dir } = parts;
  switch (name) {
    case 'namespace':
      return namespaceLevel(parts);
    case 'process':
      return new ProcessLevel(dir, packageSets(settings));
    case 'thread':
      return new ThreadLevel(dir);
  }
}

function namespaceLevel({ settings, dir, bundles }: LevelParts): NamespaceLevel {
  if (process.platform !== 'linux') throw new Error(`namespaces are of Linux, this is ${process.platform}`);
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new Error(`system calls cannot be filtered on ${process.arch}`);
  const filter = join(dir.path, 'boot-filter.bpf');
  writeFileSync(filter, bootFilter(process.arch));
  const sets = packageSets(settings);
  return new NamespaceLevel({
    bwrap: findBwrap(),
    libraries: libraryMounts(),
    bootFilter: filter,
    bundles: [bundles.process],
    packageSets: sets,
    scratchBytes: settings.SCRATCH_LIMIT_MB * MB,
    shareNetwork: networkOf(settings) === 'open',
  });
}

/** Folder of the installed package sets, which user code may read. */
export const packageSets = ({ PACKAGES_DIR }: Settings): string => join(PACKAGES_DIR, 'sets');

function findBwrap(): string {
  const { PATH = '/usr/bin:/bin' } = machineEnvironment();
  const found = PATH.split(delimiter)
    .map((folder) => join(folder, 'bwrap'))
    .find((file) => isExecutable(file));
  if (found === undefined) throw new Error('there is no bwrap (bubblewrap) on PATH');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
