/**
 * Entry point of a template: boots as a runner does (process.ts), rehearses executions of ours, and freezes for
 * good. What goes on after `freeze` are its children, each a runner that is booted and warm. It never gets
 * anything of a user, and runs no JavaScript any more once it has a child.
 */
import { writeSync } from 'node:fs';
import { arch } from 'node:os';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Confinement, NetworkPolicy } from '../../contract/confinement.js';
import type { FilterArch } from '../../boundary/filter/syscall-numbers.js';
import { sealedFilter, type SocketPolicy } from '../../boundary/filter/syscall-filter.js';
import { NETWORK_FD } from '../../boundary/network-protocol.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { BOOT_NONCE } from '../../boundary/runner-protocol.js';
import {
  CONTROL_FD,
  FORKED_PID,
  type TemplateCommand,
  type TemplateOptions,
} from '../../boundary/template-protocol.js';
import { sendFrame, useNonce } from '../channel/channel.js';
import { CommandReader } from '../channel/command-reader.js';
import { ReceivedCommands } from '../channel/received-commands.js';
import { limitResources } from '../confine/resource-limits.js';
import { giveUp } from '../confine/rights.js';
import { becomeProcess } from '../confine/shown-pid.js';
import { forbidAddons } from '../modules/native-addons.js';
import { useWorkersNetwork } from '../network/proxied-network.js';
import { loadGlobals } from '../reuse/lazy-globals.js';
import { Freezer, FreezeRefused } from '../template/freezer.js';
import { seedContexts, seedRandom } from '../template/random-seeds.js';
import { Executions } from '../user/execution.js';
import { guardProcess } from './guard-process.js';
import { warmUp } from './warm-up.js';

const STDERR = 2;
/** How long the threads may take to come to rest, and between two looks at them. */
const REST_MS = 5_000;
const TRY_MS = 10;
/** More than any limit of ours: those of open files and tasks are set in each child. */
const UNLIMITED_FILES = 2 ** 31;

const [confinementJson, limitsJson, optionsJson] = process.argv.slice(2) as [string, string, string];
const confinement = JSON.parse(confinementJson) as Confinement;
const options = JSON.parse(optionsJson) as TemplateOptions;
const scratch = process.cwd();

const isOpen = options.network === 'open';
const filterFor = (sockets: SocketPolicy): Buffer =>
  sealedFilter(arch() as FilterArch, {
    ownPid: FORKED_PID,
    sockets,
    sharedUser: confinement.sharedUser,
    recordLocks: confinement.recordLocks,
  });

// OpenSSL knows a fork by its number, and so do programs that keep theirs.
if (process.pid === FORKED_PID)
  throw new Error('a template must not have the process number of its children');
const freezer = new Freezer(options.freezer, {
  control: CONTROL_FD,
  door: options.door,
  scratch,
  filters: { closed: filterFor('none'), open: filterFor('internet') },
  sealsAtOnce: !isOpen,
  network: options.hasOutlet ? NETWORK_FD : null,
  namespaces: options.namespaces,
  ownUsers: options.ownUsers,
});

const reader = new CommandReader<TemplateCommand>(new ReceivedCommands().read, (command) => {
  if (command.type === 'freeze') return void freeze();
  if (command.type === 'execute') {
    if (isFrozen && !isSealed) seal(command.network);
    if (command.network === 'proxy') useWorkersNetwork();
    if (command.withoutAddons) forbidAddons();
  }
  executions.handle(command);
});
/** From here on this is a child. */
let isFrozen = false;
let isSealed = !isOpen;
/** Rehearsals keep the right to the debugger, which an execution may need and gives up itself. */
let executions = new Executions(reader, () => undefined);

// No template loads native code.
guardProcess(() => scratch, null);
seedContexts();
if (options.network === 'proxy') useWorkersNetwork();
if (options.isReused) loadGlobals();
void warmUp().then(() => sendFrame('ready', {}));

/** What a child may have of the network is known with its execution only where it may have all of it. */
function seal(network: NetworkPolicy): void {
  isSealed = true;
  freezer.seal(network === 'open' ? 'open' : 'closed');
  if (network !== 'open') giveUp('net');
}

/** The modules of rehearsals, which code would find in the cache of `require`. */
function forgetModules(): void {
  const { cache } = createRequire(__filename);
  for (const file of Object.keys(cache)) if (file !== __filename) delete cache[file];
}

/** Freezes; from its return on this is a child. */
async function freeze(): Promise<void> {
  try {
    // What rehearsals left behind is not for executions.
    executions.dispose();
    forgetModules();
    executions = new Executions(reader);
    useNonce(BOOT_NONCE);
    limitResources({ ...(JSON.parse(limitsJson) as ResourceLimits), openFiles: UNLIMITED_FILES });
    giveUp('ffi');
    if (!isOpen) giveUp('net');
    // Where the first execution may change the network of the process, it is not yet what it will be.
    if (options.isReused && !isOpen) executions.prepareToKeep();
    await freezeWhenQuiet();
    sendFrame('ready', {});
  } catch (error) {
    const { message, stack } = error as Error;
    writeSync(STDERR, error instanceof FreezeRefused ? message : String(stack));
    freezer.leave(1);
  }
}

async function freezeWhenQuiet(): Promise<void> {
  const deadline = performance.now() + REST_MS;
  while (performance.now() < deadline) {
    // The threads of V8 end what they are at.
    await sleep(TRY_MS);
    const thawed = freezer.freeze();
    if (thawed === null) continue;
    freezer.stirRandomness();
    seedRandom(thawed.seed);
    becomeProcess(thawed.pid);
    isFrozen = true;
    return;
  }
  throw new FreezeRefused('its threads were never all at rest');
}
