/**
 * Entry point of a runner process. Boots, says `ready`, waits for an `execute` command, runs it,
 * reports; when it is to be kept, waits for the next. It holds nothing of the worker: no Redis, no credentials, an empty environment.
 * Everything it imports is bundled into one file at the start of the worker.
 */
import type { Confinement, NetworkPolicy } from '../../contract/confinement.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { sendFrame } from '../channel/channel.js';
import { CommandReader } from '../channel/command-reader.js';
import { ReceivedCommands } from '../channel/received-commands.js';
import { Executions } from '../user/execution.js';
import { harden } from '../confine/harden.js';
import { forbidAddons } from '../modules/native-addons.js';
import { useWorkersNetwork } from '../network/proxied-network.js';
import { loadGlobals } from '../reuse/lazy-globals.js';
import { limitResources } from '../confine/resource-limits.js';
import { guardProcess } from './guard-process.js';
import { warmUp } from './warm-up.js';

/** `addonFolder`: where native code may come from; '': it may not. `use`: `again`, or `once`. */
const [confinement, limits, network, addonFolder, use] = process.argv.slice(2) as [
  string,
  string,
  NetworkPolicy,
  string,
  string,
];
limitResources(JSON.parse(limits) as ResourceLimits);
const seal = harden(JSON.parse(confinement) as Confinement, network);

const reader = new CommandReader(new ReceivedCommands().read, (command) => {
  if (command.type === 'execute') {
    seal(command.network);
    if (command.network === 'proxy') useWorkersNetwork();
    if (command.withoutAddons) forbidAddons();
  }
  executions.handle(command);
});
const executions = new Executions(reader);

const scratch = process.cwd();
guardProcess(() => scratch, addonFolder === '' ? null : addonFolder);
// The worker refuses an execution that may have less, with a failure that says so.
if (network === 'proxy') useWorkersNetwork();
if (use === 'again') loadGlobals();
void warmUp().then(() => {
  // Where the first execution may change the network of the process, it is not yet what it will be.
  if (use === 'again' && network !== 'open') executions.prepareToKeep();
  sendFrame('ready', {});
});
