import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { machineEnvironment } from '../config/machine-environment.js';
import type { IsolationSettings } from '../config/slices.js';
import type { IsolationLevelName } from '../contract/confinement.js';
import { bootFilter, templateFilter } from '../boundary/filter/syscall-filter.js';
import type { RuntimeDir } from './runtime-dir.js';
import { type Candidate, isShortage } from './choose-level.js';
import type { IsolationLevel, ProcessAccess } from './isolation-level.js';
import { NamespaceLevel } from './namespace-level.js';
import { libraryMounts } from './node-libraries.js';
import { ProcessLevel } from './process-level.js';
import { ThreadLevel } from './thread-level.js';

/** What the levels need of the worker. */
export interface LevelParts {
  settings: IsolationSettings;
  dir: RuntimeDir;
  access: ProcessAccess;
}

/**
 * The levels that the settings allow, the strongest first.
 * @throws what the file system says where it is short of something: that says nothing of a level.
 */
export function candidates(parts: LevelParts): Candidate[] {
  return parts.settings.levels.map((name) => candidate(name, parts));
}

function candidate(name: IsolationLevelName, parts: LevelParts): Candidate {
  try {
    return { name, level: levelOf(name, parts) };
  } catch (error) {
    if (isShortage(error as Error)) throw error;
    return { name, unavailable: (error as Error).message };
  }
}

function levelOf(name: IsolationLevelName, parts: LevelParts): IsolationLevel {
  const { dir, access } = parts;
  switch (name) {
    case 'namespace':
      return namespaceLevel(parts);
    case 'process':
      return new ProcessLevel(dir, access);
    case 'thread':
      return new ThreadLevel(dir);
  }
}

function namespaceLevel({ settings, dir, access }: LevelParts): NamespaceLevel {
  if (process.platform !== 'linux') throw new Error(`namespaces are of Linux, this is ${process.platform}`);
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new Error(`system calls cannot be filtered on ${process.arch}`);
  return new NamespaceLevel({
    bwrap: findBwrap(),
    libraries: libraryMounts(),
    // A process that starts programs sets its filters itself: this one refuses new processes.
    bootFilter: access.programs.length === 0 ? writeFilter(dir, 'boot', bootFilter(process.arch)) : null,
    templateFilter:
      access.programs.length === 0
        ? writeFilter(dir, 'template', templateFilter(process.arch, process.getuid?.() !== 0))
        : null,
    access,
    scratchBytes: settings.scratchBytes,
  });
}

function writeFilter(dir: RuntimeDir, name: string, program: Buffer): string {
  const path = join(dir.path, `${name}-filter.bpf`);
  writeFileSync(path, program);
  return path;
}

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
