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
  // Each time: native code of a package may have left it unseen, and the folder it is in may be gone. Threads share theirs and cannot leave it.
  if (isMainThread) {
    changeFolder(command.scratch);
    setUmask(UMASK);
  }
  showPid(command.pid);
  process.argv = [process.execPath, programOf(command)];
}

/** A module whose function is called is not the main program, and must not take itself for that by its path. */
const programOf = ({ entry, functionName, rootUrl }: ExecuteCommand): string =>
  functionName === null ? fileNameOf(entry) : `${fileNameOf(rootUrl)}bifrost`;

const changeFolder = process.chdir.bind(process);
const setUmask = process.umask.bind(process);
/** That of the worker, which an execution may have changed. */
const UMASK = 0o022;
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
