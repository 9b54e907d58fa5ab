import type { NetworkPolicy } from '../../contract/confinement.js';
import type { IsolationCheck } from '../../contract/isolation-report.js';
import { ATTACK_NAMES, type AttackName, type Finding, type Findings } from '../../boundary/self-test.js';
import type { Observations } from './canaries.js';

/** One round of attacks: what the code said, and what was seen. */
export interface Round {
  findings: Findings;
  observations: Observations;
}

/** What else decides whether something was reached. */
export interface AttackContext {
  network: NetworkPolicy;
  hasRedis: boolean;
  /** Every client that reaches the HTTP API may use it. */
  openApi: boolean;
  /** Packages may load native code, which Node's permission model does not hold. */
  nativeAddons: boolean;
}

interface Target {
  tries: string;
  /** What was reached, in words; null: nothing. `values` is what the code says that it got. */
  reached(values: readonly string[], observations: Observations, where: AttackContext): string | null;
  /** Whether the kernel is there to refuse it too; not what Node alone can know. */
  kernel?: false;
  /** Why nothing has to be refused here. */
  allowed?(where: AttackContext): string | null;
}

const isOpen = ({ network }: AttackContext): string | null =>
  network === 'open' ? 'NETWORK=open: user code has the network of the machine' : null;

const TARGETS: Readonly<Record<AttackName, Target>> = {
  'worker-environment': {
    tries: 'read the environment of the worker in /proc',
    reached: (values, { environment }) =>
      environment !== null && values.includes(environment) ? 'the environment of the worker was read' : null,
  },
  'worker-memory': {
    tries: 'read the memory of the worker in /proc',
    reached: (values, { memory }) =>
      memory !== null && values.includes(memory) ? 'a word was read in the memory of the worker' : null,
  },
  processes: {
    tries: 'see the processes of the machine',
    reached: ([stat], { stat: own }) =>
      stat !== undefined && startOf(stat) === startOf(own) ? 'it sees the process of the worker' : null,
  },
  signals: {
    tries: 'send a signal to the worker or to its own parent',
    reached: (pids, { signals }) => {
      if (signals > 0) return 'a signal arrived in the worker';
      return pids.length > 0 ? `it may send signals to process ${pids.join(', ')}` : null;
    },
  },
  'descriptor-signals': {
    tries: 'make the kernel send a signal to the worker by way of a descriptor',
    reached: (calls) => (calls.length > 0 ? `it may use ${calls.join(', ')}` : null),
  },
  'inherited-descriptors': {
    tries: 'use a descriptor that the worker was started with',
    reached: (values) => (values.length > 0 ? `it has ${values.join(', ')}` : null),
  },
  files: {
    tries: 'read files of the worker',
    reached: (values, { files }) => {
      const read = values.filter((value) => files.has(value)).map((value) => value.split(' ')[0]);
      return read.length > 0 ? `it reads ${read.join(', ')}` : null;
    },
  },
  symlink: {
    tries: 'read a file of the worker through a link in its scratch folder',
    reached: (values, { files }) =>
      values.some((value) => files.has(value)) ? 'it reads through links' : null,
  },
  'write-outside': {
    tries: 'write outside its scratch folder',
    reached: (_, { writtenFiles }) =>
      writtenFiles.length > 0 ? `it wrote ${writtenFiles.join(', ')}` : null,
  },
  'file-metadata': {
    tries: 'change mode, times, owner or attributes of a file of the worker',
    reached: (_, { changedFiles }) =>
      changedFiles.length > 0 ? `it changed properties of ${changedFiles.join(', ')}` : null,
  },
  programs: {
    tries: 'start a program',
    reached: ([end]) => end ?? null,
  },
  survivor: {
    tries: 'leave a process behind that outlives it',
    reached: ([pid], { survivors }) => {
      if (survivors.length > 0) return `process ${survivors.join(', ')} outlived its runner`;
      return pid === undefined ? null : 'it starts processes, which die with it';
    },
  },
  addon: {
    tries: 'load native code',
    kernel: false,
    reached: ([loaded]) => loaded ?? null,
    allowed: ({ nativeAddons }) =>
      nativeAddons ? 'NATIVE_ADDONS=on: packages load native code, which the kernel alone keeps' : null,
  },
  'become-root': {
    tries: 'become root',
    reached: ([uid]) => (uid === '0' ? 'it is root' : null),
  },
  'pipe-pages': {
    tries: 'put pages of memory into a pipe',
    reached: (calls) => (calls.length > 0 ? `it may use ${calls.join(', ')}` : null),
  },
  redis: {
    tries: 'use Redis',
    reached: ([answer], _, { network }) => {
      if (answer === undefined) return null;
      if (network !== 'open') return 'it connects to Redis';
      return answer.startsWith('+') ? 'Redis takes its commands: give Redis a password' : null;
    },
    allowed: ({ hasRedis }) => (hasRedis ? null : 'REDIS_URL is not set'),
  },
  'worker-port': {
    tries: 'connect to a port of the worker',
    reached: (values, { portConnections }, { network, openApi }) => {
      if (values.length === 0 && portConnections === 0) return null;
      if (network !== 'open') return 'it connects to ports of this machine';
      return openApi ? 'the HTTP API takes its requests: set API_TOKEN' : null;
    },
    allowed: (where) => (where.openApi ? null : isOpen(where)),
  },
  'unix-socket': {
    tries: 'connect to a socket of another process',
    reached: (values, { socketConnections }) =>
      values.length > 0 || socketConnections > 0 ? 'it connects to Unix sockets' : null,
  },
  'metadata-address': {
    tries: 'ask the metadata address of clouds',
    reached: ([answer]) => (answer === undefined ? null : 'packets for that address go out'),
    allowed: isOpen,
  },
};

/**
 * Compares what the attacks got with what was seen from the outside.
 * @param whole with every layer, as user code has it; null: that could not be found out.
 * @param bare with Node's permission model left out: what the kernel alone refuses.
 */
export const attackChecks = (whole: Round, bare: Round | null, where: AttackContext): IsolationCheck[] =>
  ATTACK_NAMES.map((name) => checkOf(name, whole, bare, where));

function checkOf(name: AttackName, whole: Round, bare: Round | null, where: AttackContext): IsolationCheck {
  const target = TARGETS[name];
  const { tries } = target;
  const why = target.allowed?.(where) ?? null;
  if (why !== null) return { name, tries, outcome: 'not_applicable', by: null, detail: why };
  const fault = faultOf(name, whole, where);
  if (fault !== null) return { name, tries, outcome: 'failed', by: null, detail: fault };
  const how = howOf(whole.findings[name]);
  if (target.kernel === false) return { name, tries, outcome: 'held', by: 'node', detail: how };
  const alone = bare === null ? 'the kernel alone could not be tried' : faultOf(name, bare, where);
  if (alone === null) {
    const detail = `${how}; without Node's permission model ${howOf(bare?.findings[name])}`;
    return { name, tries, outcome: 'held', by: 'kernel', detail };
  }
  const detail = `${how}, by Node's permission model alone; without it: ${alone}`;
  if (where.nativeAddons)
    return {
      name,
      tries,
      outcome: 'failed',
      by: null,
      detail: `${detail}; NATIVE_ADDONS=on lets native code pass that model: set it to off`,
    };
  return { name, tries, outcome: 'held', by: 'node', detail };
}

const howOf = (finding: Finding | undefined): string =>
  finding?.kind === 'refused' ? finding.code : 'nothing of the worker';

function faultOf(name: AttackName, { findings, observations }: Round, where: AttackContext): string | null {
  const finding: Finding | undefined = findings[name];
  // What did not take place proves nothing.
  if (finding === undefined) return 'it was not tried';
  if (finding.kind === 'broken') return `it could not be tried: ${finding.message}`;
  return TARGETS[name].reached(finding.kind === 'got' ? finding.values : [], observations, where);
}

/** Field 22 of /proc/PID/stat: when the process started, which a number that is used again does not share. */
const startOf = (stat: string): string | undefined => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];

/** Names of checks that are held although the kernel alone would not: where the isolation is one layer deep. */
export const heldByNodeAlone = (checks: readonly IsolationCheck[]): string[] =>
  checks
    .filter(({ name, outcome, by }) => {
      const target = TARGETS[name as AttackName] as Target | undefined;
      return outcome === 'held' && by === 'node' && target?.kernel !== false;
    })
    .map(({ name }) => name);
