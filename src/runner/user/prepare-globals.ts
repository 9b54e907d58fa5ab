import { getSourceMapsSupport, setSourceMapsSupport } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { showPid } from '../confine/shown-pid.js';
import { hasOwn, keysOf } from '../channel/primordials.js';
import { fileNameOf } from '../reuse/traces.js';

/** What a program finds of its own in `process` when it begins. */
export function prepareGlobals(command: ExecuteCommand): void {
  setEnvironment(command.env);
  mapStacks();
  process.exitCode = undefined;
  // Threads share their folder and cannot leave it.
  if (isMainThread) enter(command.scratch);
  showPid(command.pid);
  process.argv = [process.execPath, fileNameOf(command.entry)];
}

const sourceMaps = getSourceMapsSupport;
const setSourceMaps = setSourceMapsSupport;
/** Node makes another whenever it is set. */
let ownSourceMaps: object | null = null;

/** Errors name places of sources. */
function mapStacks(): void {
  if (ownSourceMaps !== null && sourceMaps() === ownSourceMaps) return;
  setSourceMaps(true, { nodeModules: false, generatedCode: false });
  ownSourceMaps = sourceMaps();
}

const changeFolder = process.chdir.bind(process);
const currentFolder = process.cwd.bind(process);
/** The folder that was entered last, and what Node calls it. */
let entered = { folder: '', name: '' };

function enter(folder: string): void {
  if (folder === entered.folder && isIn(entered.name)) return;
  changeFolder(folder);
  entered = { folder, name: currentFolder() };
}

/** Node remembers where it is; the folder that it asks for after a change may be gone. */
function isIn(name: string): boolean {
  try {
    return currentFolder() === name;
  } catch {
    return false;
  }
}

/** By difference: each change of the environment is a call into Node. */
function setEnvironment(wanted: Readonly<Record<string, string>>): void {
  const { env } = process;
  const before = keysOf(env);
  for (let i = 0; i < before.length; i++)
    if (!hasOwn(wanted, before[i] as string)) delete env[before[i] as string];
  const names = keysOf(wanted);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (env[name] !== wanted[name]) env[name] = wanted[name];
  }
}
