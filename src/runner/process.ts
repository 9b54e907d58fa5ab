/**
 * Entry point of a runner process. Boots, says `ready`, waits for an `execute` command, runs it,
 * reports; when it is to be kept, waits for the next. It holds nothing of the worker: no Redis, no credentials, an empty environment.
 * Everything it imports is bundled into one file at the start of the worker.
 */
import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
import type { Confinement, NetworkPolicy } from '../contract/confinement.js';
import type { ResourceLimits } from '../contract/runner-limits.js';
import type { RunnerCommand } from '../contract/runner-protocol.js';
import { sendFrame } from './channel.js';
import { CommandReader } from './command-reader.js';
import { Executions } from './execution.js';
import { harden } from './harden.js';
import { guardHeap } from './heap-guard.js';
import { guardBuiltins } from './import-hook.js';
import { captureOutput } from './output-capture.js';
import { useWorkersNetwork } from './proxied-network.js';
import { limitResources } from './resource-limits.js';
import { warmUp } from './warm-up.js';

const [confinement, limits, network] = process.argv.slice(2) as [string, string, NetworkPolicy];
limitResources(JSON.parse(limits) as ResourceLimits);
const seal = harden(JSON.parse(confinement) as Confinement, network);

const reader = new CommandReader((command: RunnerCommand) => {
  if (command.type === 'execute') {
    seal(command.network);
    if (command.network === 'proxy') useWorkersNetwork();
  }
  executions.obey(command);
});
const executions = new Executions(reader);

const scratch = process.cwd();
os.tmpdir = () => scratch;
os.homedir = () => scratch;
syncBuiltinESMExports();
captureOutput();
guardBuiltins();
guardHeap();
// An execution that may have less is refused by the worker, and told so.
if (network === 'proxy') useWorkersNetwork();
void warmUp().then(() => sendFrame('ready'));
