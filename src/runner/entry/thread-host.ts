/**
 * Entry point of a runner process of the kind `thread`. Its main thread runs no user code: it passes
 * commands to threads and frames to the worker, watches what each thread uses, and ends threads.
 */
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import type { CodePlace } from '../../boundary/runner-frames.js';
import { addressOf, type SentCommand } from '../../boundary/sent-execution.js';
import { sendFrame, useNonce, writeAll } from '../channel/channel.js';
import { CommandReader } from '../channel/command-reader.js';
import type { Confinement } from '../../contract/confinement.js';
import { harden } from '../confine/harden.js';
import { HostedThread, type ThreadEnd } from './hosted-thread.js';
import { parse, stringify } from '../channel/primordials.js';
import { limitResources } from '../confine/resource-limits.js';
import { placesOf } from './thread-places.js';

const PLACES_MS = 400;
const MEMORY_POLL_MS = 50;
const POLLS_PER_USAGE = 2;
const MB = 1_048_576;
const CLEAN = '{"type":"settled","dirty":[]}\n';
/** How a result ends that says so as well: after what is the user's, which cannot reach this far. */
const SETTLED = ',"settled":true}\n';

/** Of an execution whose it is: its thread reads the rest. */
type HostCommand = Exclude<SentCommand, { type: 'execute' }> | NonNullable<ReturnType<typeof addressOf>>;

const readCommand = (line: string): HostCommand => addressOf(line) ?? (parse(line) as HostCommand);

/** Keeps threads for executions; each serves one at a time and is replaced when it is worn or dirty. */
class ThreadHost {
  private readonly idle: HostedThread[] = [];
  private readonly busy = new Map<string, HostedThread>();
  private readonly places = new Map<string, CodePlace[] | null>();
  private poll: NodeJS.Timeout | undefined;
  private polls = 0;

  constructor(
    private readonly bundle: string,
    private readonly heapMb: number,
    private readonly memoryMb: number,
    private readonly maxExecutions: number,
  ) {}

  /** Boots one thread ahead. */
  warm(): void {
    this.idle.push(this.boot());
  }

  /** @param line the same command, as it came, which is what a thread gets */
  receive(command: HostCommand, line: string): void {
    switch (command.type) {
      case 'execute': {
        const thread = this.idle.shift() ?? this.boot();
        this.busy.set(command.ref, thread);
        thread.execute(command, line);
        this.watch();
        if (this.idle.length === 0) this.warm();
        return;
      }
      case 'cancel':
      case 'probe':
        this.busy.get(command.ref)?.send(line);
        return;
      case 'hold':
        this.busy.get(command.ref)?.hold(command.held);
        return;
      case 'module-reply':
        this.busy.get(command.ref)?.reply(command.reply);
        return;
      case 'terminate':
        void this.terminate(command.ref, command.trace);
    }
  }

  private boot(): HostedThread {
    return new HostedThread(this.bundle, this.heapMb, this.maxExecutions !== 1, {
      onLines: (thread, lines) => this.pass(thread, lines),
      onEnd: (thread, end) => this.ended(thread, end),
    });
  }

  private pass(thread: HostedThread, lines: string): void {
    const { nonce } = thread;
    if (nonce === '') return;
    const own: string[] = [];
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf('\n', start) + 1 || lines.length;
      const line = lines.slice(start, end);
      if (line.startsWith(`${nonce} `)) own.push(line);
      start = end;
    }
    const newest = own.at(-1) ?? '';
    if (newest.startsWith(`${nonce} {"type":"settled"`)) {
      this.settle(thread, newest.endsWith(CLEAN));
      own[own.length - 1] = `${nonce} ${CLEAN}`;
    } else if (newest.startsWith(`${nonce} {"type":"result"`) && newest.endsWith(SETTLED)) {
      this.settle(thread, true);
    }
    writeAll(own.join(''));
  }

  /** Replaced here, the process as such stays fit. */
  private settle(thread: HostedThread, isClean: boolean): void {
    this.busy.delete(thread.ref);
    thread.nonce = '';
    const worn = this.maxExecutions > 0 && thread.executions >= this.maxExecutions;
    if (worn || !isClean) void thread.worker.terminate();
    else this.idle.push(thread);
  }

  private ended(thread: HostedThread, { exitCode, outOfMemory }: ThreadEnd): void {
    const index = this.idle.indexOf(thread);
    if (index >= 0) this.idle.splice(index, 1);
    const { nonce, ref } = thread;
    if (nonce === '') return;
    this.busy.delete(ref);
    useNonce(nonce);
    sendFrame('thread-ended', {
      exitCode: `${exitCode}`,
      outOfMemory: outOfMemory ? 'true' : 'false',
      places: stringify(this.places.get(ref) ?? null),
      usage: stringify(thread.usage),
    });
    this.places.delete(ref);
  }

  private async terminate(ref: string, trace: boolean): Promise<void> {
    const thread = this.busy.get(ref);
    if (!thread) return;
    if (trace) this.places.set(ref, await placesOf(thread.worker.threadId, PLACES_MS));
    await thread.noteUsage();
    await thread.worker.terminate();
  }

  /** While executions run: a thread that holds more than its share is ended. V8 limits its heap, but not its buffers. */
  private watch(): void {
    this.poll ??= setInterval(() => {
      if (this.busy.size === 0) {
        clearInterval(this.poll);
        this.poll = undefined;
        return;
      }
      if (process.memoryUsage.rss() > this.memoryMb * MB) void this.checkThreads();
      this.polls += 1;
      if (this.polls % POLLS_PER_USAGE === 0)
        for (const thread of this.busy.values()) void reportUsage(thread);
    }, MEMORY_POLL_MS);
  }

  private async checkThreads(): Promise<void> {
    await Promise.all(
      [...this.busy.values()].map(async (thread) => {
        const statistics = await thread.worker.getHeapStatistics().catch(() => null);
        if (!statistics || thread.nonce === '' || thread.overLimit) return;
        if (statistics.total_heap_size + statistics.external_memory < this.memoryMb * MB) return;
        thread.overLimit = true;
        await thread.noteUsage();
        await thread.worker.terminate();
      }),
    );
  }
}

/** A thread inside a native call does not answer; the time limit ends that. */
async function reportUsage(thread: HostedThread): Promise<void> {
  const { nonce } = thread;
  await thread.noteUsage();
  if (thread.usage === null || thread.nonce !== nonce) return;
  useNonce(nonce);
  sendFrame('used', { userMs: `${thread.usage.userMs}`, systemMs: `${thread.usage.systemMs}` });
}

const [confinement, limits, bundle, heapMb, memoryMb, maxExecutions] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const host = new ThreadHost(bundle, Number(heapMb), Number(memoryMb), Number(maxExecutions));
const reader = new CommandReader(readCommand, (command, line) => host.receive(command, line));
limitResources(JSON.parse(limits) as ResourceLimits);
harden(JSON.parse(confinement) as Confinement, 'open')('open');
host.warm();
reader.hold();
sendFrame('ready', {});
