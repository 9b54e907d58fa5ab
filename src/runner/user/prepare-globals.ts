import { setSourceMapsSupport } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { showPid } from '../confine/shown-pid.js';
import { fileNameOf } from '../reuse/traces.js';

/** What a program finds of its own in `process` when it begins. */
export function prepareGlobals(command: ExecuteCommand): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, command.env);
  setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  process.exitCode = undefined;
  // The folder it is in may be gone. Threads share theirs and cannot leave it.
  if (isMainThread) process.chdir(command.scratch);
  showPid(command.pid);
  process.argv = [process.execPath, fileNameOf(command.entry)];
}
