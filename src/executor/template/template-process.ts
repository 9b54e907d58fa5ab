import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHANNEL_FD, COMMAND_FD } from '../../boundary/runner-protocol.js';
import { CONTROL_FD } from '../../boundary/template-protocol.js';
import { NETWORK_FD } from '../../boundary/network-protocol.js';
import type { RunnerPlace, TemplateLevel } from '../../isolation/isolation-level.js';
import { killQuietly } from '../../lib/process/kill-quietly.js';
import { childOf } from '../../lib/process/process-tree.js';
import type { RunnerLaunch } from '../process/runner-launch.js';
import { RunnerProcess } from '../process/runner-process.js';
import { RunnerBootError, spawnRunner } from '../process/runner-spawn.js';
import type { StartedProcess } from '../process/started-process.js';
import { ChildDoor, untilWords } from './child-door.js';
import { ChildNumbers } from './child-numbers.js';
import {
  AnswerReader,
  type ChildOrder,
  forkRequest,
  type TemplateAnswer,
  touchRequests,
} from './control-messages.js';
import { tryChildren } from './first-children.js';
import { ForkedProcess, signalName } from './forked-process.js';
import { FEW_REHEARSALS, prepareTemplate, REHEARSALS, servesMany } from './rehearsals.js';
import { programOf, type TemplateFiles } from './template-program.js';
import { TemplateRequests } from './template-requests.js';

/** What a template is made from. */
export interface TemplateLaunch extends TemplateFiles, Omit<RunnerLaunch, 'level' | 'place'> {
  level: (door: string) => TemplateLevel;
  /** Folder of the worker for what lives as long as it does. */
  dir: string;
  /** Few are forked of it: it is warmed up little. */
  isForFew: boolean;
  /** A child ended in a way that shows that the template must not be used further. */
  onCrash: (signal: NodeJS.Signals) => void;
}

const CONNECT_MS = 10_000;
/** Of a child, beside descriptor 0, which is /dev/null. */
const OWN_FDS = [1, 2, CHANNEL_FD, COMMAND_FD];
/** Ends by which code that attacks Node, or Node itself, shows: neighbours have the same layout of memory. */
const CRASHES: ReadonlySet<NodeJS.Signals> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP']);

/** A child from the moment it was forked. */
interface Child {
  /** Its number as the template sees it; that of its keeper where it has one. */
  inner: number;
  /** The same process as the machine numbers it. */
  pid: number;
  /** null: it has not connected yet. */
  process: ForkedProcess | null;
  /** It ended, or did not come, before it had connected; null: it has. */
  failed: ((why: string) => void) | null;
}

/** A fork that the template has not answered yet. */
interface OpenFork {
  forked: (inner: number) => void;
  failed: (why: string) => void;
}

/**
 * A frozen Node process and the runners that are forked of it.
 *
 * 1. It is started at the level of its runners, as a runner that has one more descriptor.
 * 2. It rehearses executions of ours, each of which must return what it should.
 * 3. It freezes: what answers from then on is the native piece (native/freezer/server.c).
 * 4. Each child connects to a door of the worker's, and says `ready` there like a runner that was started.
 * 5. A child that has ended stays a zombie until we have noted its end, so that its number is not another's.
 */
export class TemplateProcess {
  readonly bornAtMs = performance.now();
  /** Children so far. */
  forked = 0;
  /** It forks no more. */
  isOver = false;
  /** It may be used. A child that crashes before refuses it. */
  private isTried = false;
  /** Resolves, never rejects, with how it ended; its children and its folders are gone then, too. */
  readonly ended: Promise<string>;

  private readonly children = new Map<number, Child>();
  private readonly numbers = new ChildNumbers();
  private readonly requests: TemplateRequests;
  private readonly asked: OpenFork[] = [];
  private readonly answers = new AnswerReader();
  private onFrozen: () => void = () => undefined;

  private constructor(
    private readonly launch: TemplateLaunch,
    private readonly level: TemplateLevel,
    private readonly door: ChildDoor,
    private readonly runner: RunnerProcess,
    control: Duplex,
  ) {
    control.on('data', (chunk: Buffer) => this.read(chunk));
    control.on('error', () => undefined);
    this.requests = new TemplateRequests(control);
    this.ended = this.watchEnd();
  }

  /** @throws {RunnerBootError} that says why there is no template; nothing is left then. */
  static async start(launch: TemplateLaunch): Promise<TemplateProcess> {
    const door = await ChildDoor.open(launch.dir).catch((error: Error) => {
      throw new RunnerBootError(`a template has no socket: ${error.message}`);
    });
    const level = launch.level(door.path);
    const place = await level.openPlace();
    const started: StartedProcess[] = [];
    let runner: RunnerProcess;
    try {
      runner = await RunnerProcess.boot({ ...launch, level, place }, async (of) => {
        const child = await spawnRunner(of, programOf(launch, level));
        started.push(child);
        return child;
      });
    } catch (error) {
      await Promise.all([door.close(), place.remove()]);
      throw error;
    }
    const { stdio } = started[0] as StartedProcess;
    const template = new TemplateProcess(launch, level, door, runner, stdio[CONTROL_FD] as Duplex);
    const frozen = new Promise<void>((resolve) => (template.onFrozen = resolve));
    try {
      const rehearsals = launch.isForFew ? FEW_REHEARSALS : REHEARSALS;
      const keep = launch.maxExecutions !== 1;
      const many = !launch.isForFew && servesMany(launch.maxExecutions);
      await prepareTemplate(runner, stdio[COMMAND_FD] as Writable, { rehearsals, keep, many, frozen });
      if (!launch.isForFew) await template.tryOut(keep);
      template.isTried = true;
      return template;
    } catch (error) {
      await template.close();
      throw error;
    }
  }

  get pid(): number {
    return this.runner.pid;
  }

  /** There were no packages when it was started: its mounts do not show those that came since. */
  get isBlind(): boolean {
    return !this.runner.place.hasPackages;
  }

  /** Of the children that live, as the machine numbers them. */
  get pids(): ReadonlySet<number> {
    return new Set([...this.children.values()].flatMap(({ process }) => process?.pid ?? []));
  }

  /**
   * Forks a child into this place.
   * @throws {RunnerBootError}
   */
  async fork(place: RunnerPlace): Promise<ForkedProcess> {
    if (this.isOver) throw new RunnerBootError('the template has ended');
    const { launch, level } = this;
    const guest = this.door.expect(launch.outlet === null ? OWN_FDS : [...OWN_FDS, NETWORK_FD]);
    this.forked += 1;
    const late = setTimeout(() => failed(`it did not connect within ${CONNECT_MS} ms`), CONNECT_MS);
    let child: Child | null = null;
    let failed: (why: string) => void = () => undefined;
    const failure = new Promise<never>((_, reject) => {
      failed = (why) => reject(new RunnerBootError(`a runner could not be forked: ${why}`));
    });
    // That it was forked and that it has connected come over two sockets, in any order.
    const forked = new Promise<Child>((resolve) => {
      this.asked.push({ forked: (inner) => resolve((child = this.note(inner, failed))), failed });
    });
    const order: ChildOrder = {
      uid: place.uid,
      maxTasks: level.confinement(place).maxTasks,
      openFiles: launch.resources.openFiles,
      scratchBytes: level.scratchBytes,
      token: guest.token,
    };
    this.requests.send(forkRequest(order));
    try {
      const all = Promise.all([forked, guest.arrived]);
      return this.adopt(...(await Promise.race([all, failure])));
    } catch (error) {
      const words = child === null ? '' : await guest.lastWords();
      guest.dismiss();
      if (child !== null) killQuietly((child as Child).pid);
      throw words === '' ? error : new RunnerBootError(`${(error as Error).message}: ${words}`);
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends it with every child; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.kill();
    await this.ended;
  }

  /** Ends it when the last of its children has ended; it forks no more. */
  closeWhenEmpty(): void {
    this.isOver = true;
    this.closeIfEmpty();
  }

  /** What its first children touched every later one touches ahead. */
  private async tryOut(keep: boolean): Promise<void> {
    const { launch, level } = this;
    const touched = await tryChildren(async () => {
      const place = await level.openPlace();
      const booting = RunnerProcess.boot({ ...launch, level, place }, () => this.fork(place));
      return booting.catch((error: Error) => place.remove().then(() => this.explain(error)));
    }, keep);
    this.requests.send(touchRequests(touched));
  }

  /** @throws {RunnerBootError} with what a child said before its end; it says that where its template does. */
  private async explain({ message }: Error): Promise<never> {
    // In the next turn all is read that was written until now.
    for (const _turn of [1, 2]) await nextTurn();
    const words = await untilWords(() => this.runner.lastWords);
    throw new RunnerBootError(words === '' || message.includes(words) ? message : `${message}: ${words}`);
  }

  private closeIfEmpty(): void {
    if (this.isOver && this.children.size === 0 && this.asked.length === 0) this.kill();
  }

  private kill(): void {
    this.requests.stop();
    this.runner.kill();
  }

  private read(chunk: Buffer): void {
    try {
      for (const answer of this.answers.push(chunk)) this.take(answer);
    } catch {
      // What speaks otherwise is no template of ours.
      this.kill();
    }
  }

  private take(answer: TemplateAnswer): void {
    switch (answer.says) {
      case 'frozen':
        return this.onFrozen();
      case 'forked': {
        const asked = this.asked.shift();
        if (answer.pid > 0) asked?.forked(answer.pid);
        else asked?.failed(`the kernel's error is ${-answer.pid}`);
        return;
      }
      case 'ended':
        this.takeEnd(answer);
    }
  }

  /** Noted in the turn of its answer: its end may be the next one. */
  private note(inner: number, failed: Child['failed']): Child {
    const pid = this.level.namespaces ? this.numbers.find(this.pid, inner) : inner;
    const child = { inner, pid, process: null, failed };
    this.children.set(inner, child);
    return child;
  }

  private adopt(child: Child, connections: ReadonlyMap<number, Socket>): ForkedProcess {
    child.failed = null;
    const pid = this.level.namespaces ? childOf(child.pid) : child.pid;
    return (child.process = new ForkedProcess(pid, connections));
  }

  private takeEnd({ pid: inner, exitCode, signal, usage }: Extract<TemplateAnswer, { says: 'ended' }>): void {
    const child = this.children.get(inner);
    this.children.delete(inner);
    if (child !== undefined) this.numbers.forget(child.pid);
    const name = signal === null ? null : signalName(signal);
    child?.process?.end(exitCode, name, usage);
    child?.failed?.(`it ended (${name ?? `exit code ${exitCode}`}) ${this.runner.lastWords}`);
    this.requests.reap(inner);
    if (this.isTried && name !== null && CRASHES.has(name)) this.launch.onCrash(name);
    this.closeIfEmpty();
  }

  private async watchEnd(): Promise<string> {
    await this.runner.ended;
    this.requests.stop();
    this.isOver = true;
    const how = this.runner.exitDescription;
    for (const { failed } of this.asked.splice(0)) failed(`the template ended ${how}`);
    for (const child of this.children.values()) {
      child.process?.end(null, 'SIGKILL', null);
      child.failed?.(`the template ended ${how}`);
    }
    this.children.clear();
    await Promise.all([this.door.close(), this.runner.place.remove()]);
    return how;
  }
}
