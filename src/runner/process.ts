/**
 * Entry point of a runner process. Boots, says `ready`, waits for one `execute` command, runs it,
 * reports. It holds nothing of the worker: no Redis, no credentials, an empty environment.
 * Everything it imports is bundled into one file at the start of the worker.
 */
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
import type { RunnerCommand } from '../contract/runner-protocol.js';
import { sendFrame } from './channel.js';
import { CommandReader } from './command-reader.js';
import { runExecution } from './execution.js';
import { dieWithWorker } from './harden.js';
import { captureOutput } from './output-capture.js';

const [workerPid] = process.argv.slice(2).map(Number) as [number];
const controller = new AbortController();

const reader = new CommandReader((command: RunnerCommand) => {
  switch (command.type) {
    case 'execute':
      void runExecution(command, controller.signal, () => reader.release());
      return;
    case 'cancel':
      controller.abort(new Error(command.reason));
  }
});

dieWithWorker(workerPid);
const scratch = process.cwd();
os.tmpdir = () => scratch;
os.homedir = () => scratch;
syncBuiltinESMExports();
captureOutput();
sendFrame('ready');
