import {
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  spawn,
  spawnSync,
  type StdioOptions,
} from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import type { RunnerStart } from '../../../src/contract/confinement.js';
import { anyNativeAddon } from '../../support/native-addon.js';
import { requireFreshBuild } from '../../support/processes/built-worker.js';
import { until } from '../../support/until.js';
import type { Attack, Ending, Target, World } from './attack.js';

const MAIN = join(import.meta.dirname, 'attacked-worker.ts');
const DEFAULT_TIMEOUT_MS = 60_000;
/** For what comes a moment after the answer of an attack that should reach nothing. */
const AFTERMATH_MS = 150;
const STATE_POLL_MS = 20;
/** Of a file that the worker is started with: above 15 and behind a gap, which Node leaves open for what it starts. */
const INHERITED_DESCRIPTOR = 40;

/**
 * How a worker is attacked: at which level, with which layers, by which user (null: the one of the tests),
 * and whether packages load native code, as with NATIVE_ADDONS=on.
 */
export interface Setup {
  level: 'namespace' | 'process';
  layers: 'all' | 'kernel' | 'none';
  uid: number | null;
  /** How its runners come about. */
  start: RunnerStart;
  addons?: boolean;
}

type Answer = { target: Target } | { ending: Ending } | { failed: string };

/** A worker that attacks are carried out on, one after the other. */
export class Attacked {
  readonly target: Target;
  private output = '';
  private stopped = false;
  private readonly watch: NodeJS.Timeout;

  private constructor(
    private readonly child: ChildProcess,
    private readonly answers: AsyncIterator<string>,
    target: Target,
  ) {
    this.target = target;
    child.stderr?.on('data', (chunk: Buffer) => (this.output += String(chunk)));
    this.watch = setInterval(() => this.wake(), STATE_POLL_MS);
  }

  /** @throws {Error} with what it wrote, when it does not start. */
  static async start({ level, layers, uid, start, addons = false }: Setup): Promise<Attacked> {
    requireFreshBuild();
    const canary = `canary-${randomBytes(8).toString('hex')}`;
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      MAIN,
      level,
      layers,
      start,
      anyNativeAddon(),
      ...(addons ? ['addons'] : []),
    ];
    const [file, ...args] = (uid === null ? inOwnNetwork(command) : withARight(command, uid)) as [
      string,
      ...string[],
    ];
    const left = openLeft(canary);
    const stdio: StdioOptions = Array.from({ length: INHERITED_DESCRIPTOR }, (_, number) =>
      number < 3 ? 'pipe' : 'ignore',
    );
    const child = spawn(file, args, {
      env: { PATH: process.env['PATH'], HOME: '/tmp', CANARY: canary },
      stdio: [...stdio, left],
    }) as ChildProcessWithoutNullStreams;
    closeSync(left);
    let early = '';
    child.stderr.on('data', (chunk: Buffer) => (early += String(chunk)));
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.done) throw new Error(`the attacked worker did not start: ${early}`);
    const { target } = JSON.parse(first.value) as { target: Target };
    return new Attacked(child, answers, { ...target, inheritedDescriptor: INHERITED_DESCRIPTOR });
  }

  /**
   * Carries out one attack on a fresh runner, and looks around afterwards: until it has reached its aim where
   * that is `wanted`, else after a moment.
   */
  async suffer(attack: Attack, wanted: boolean): Promise<World> {
    this.stopped = false;
    const heardBefore = this.output.length;
    const { outsideFile, packageFile } = this.target;
    const before = new Map([outsideFile, packageFile].map((path) => [path, changedAt(path)]));
    this.child.stdin?.write(
      `${JSON.stringify({
        source: attack.code(this.target),
        timeoutMs: attack.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        allow: attack.proxy?.(this.target) ?? null,
      })}\n`,
    );
    const next = await this.answers.next();
    if (next.done) throw new Error(`the worker died of it: ${this.output}`);
    const answer = JSON.parse(next.value) as Answer;
    if (!('ending' in answer)) throw new Error('failed' in answer ? answer.failed : 'no answer');
    const { target } = this;
    const look = (): World => ({
      target,
      ending: answer.ending,
      survivors: findProcesses,
      workerOutput: this.output,
      workerSignals: signalsIn(this.output.slice(heardBefore)),
      workerStopped: this.stopped,
      changedFiles: [...before].filter(([path, at]) => changedAt(path) !== at).map(([path]) => path),
      exists: existsSync,
      contentOf: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''),
    });
    // Signals and the lines of an inspector come later.
    if (wanted)
      await until(() => attack.reached(look()), { what: 'the attack reaches its aim' }).catch(() => null);
    else await sleep(AFTERMATH_MS);
    return look();
  }

  async stop(): Promise<void> {
    clearInterval(this.watch);
    for (const pid of findProcesses(`left-${this.target.canary}`)) process.kill(pid, 'SIGKILL');
    const exited = once(this.child, 'exit');
    this.child.stdin?.end();
    await exited;
  }

  /** A worker that was stopped is noticed, and goes on. */
  private wake(): void {
    const { workerPid } = this.target;
    const stat = existsSync(`/proc/${workerPid}/stat`)
      ? readFileSync(`/proc/${workerPid}/stat`, 'latin1')
      : '';
    if (!stat.slice(stat.lastIndexOf(')')).startsWith(') T')) return;
    this.stopped = true;
    process.kill(workerPid, 'SIGCONT');
  }
}

/** A descriptor of a file that has the canary, and no name any more. */
function openLeft(canary: string): number {
  const path = join(tmpdir(), `left-open-${canary}`);
  writeFileSync(path, canary);
  const descriptor = openSync(path, 'r');
  rmSync(path);
  return descriptor;
}

/** As root the worker gets a network of its own, in which the metadata address can be given to loopback. */
function inOwnNetwork(command: string[]): string[] {
  if (process.getuid?.() !== 0) return command;
  const script = 'ip link set lo up && ip addr add 169.254.169.254/32 dev lo && exec "$@"';
  const wrapped = ['unshare', '-n', 'sh', '-c', script, 'sh'];
  const works = spawnSync(wrapped[0] as string, [...wrapped.slice(1), 'true']).status === 0;
  return works ? [...wrapped, ...command] : command;
}

/** As an ordinary user, with a right of root that goes on to whatever is started: `AmbientCapabilities=` of systemd. */
const withARight = (command: string[], uid: number): string[] => {
  const user = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
  const right = ['--inh-caps', '+net_bind_service', '--ambient-caps', '+net_bind_service'];
  return ['setpriv', ...user, ...right, ...command];
};

const signalsIn = (output: string): string[] =>
  [...output.matchAll(/^signal (SIG\w+)$/gm)].map(([, signal]) => signal as string);

/** When anything about a file last changed, also its mode or owner. */
const changedAt = (path: string): bigint => statSync(path, { bigint: true }).ctimeNs;

function findProcesses(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}
