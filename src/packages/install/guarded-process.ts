import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { killGroup } from '../../lib/process-group.js';
import { TailBuffer } from '../../lib/tail-buffer.js';

/** A program that must not outlive its limit, nor this process. */
export interface GuardedCommand {
  command: string;
  args: readonly string[];
  cwd: string;
  /** Absent: the environment of this process. */
  env?: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Keep this many of the newest bytes of stdout and of stderr. */
  outputLimitBytes: number;
  /** Called for each line of stderr, without what is longer than the output that is kept. */
  onErrorLine?: (line: string) => void;
  /** Aborting it kills the program. */
  signal?: AbortSignal;
}

export interface GuardedOutcome {
  ending: 'exited' | 'timed_out' | 'aborted';
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/**
 * The shell leads a process group of its own and holds a pipe from us. When we are gone, however that
 * happened, `read` meets the end of the pipe and everything in the group is killed.
 */
const GUARD = [
  'exec 3<&0',
  '"$@" </dev/null 3<&- & child=$!',
  '(read -r _ <&3; kill -KILL 0) & watch=$!',
  'exec 3<&- </dev/null',
  'wait $child; code=$?',
  'kill -KILL $watch 2>/dev/null',
  'exit $code',
].join('\n');

/**
 * Runs a program and everything it starts as one process group; when the program ends, is too slow or is
 * aborted, what is left of the group is killed. No shell reads the arguments.
 * @throws {Error} when the program cannot be started at all.
 */
export async function runGuarded(request: GuardedCommand): Promise<GuardedOutcome> {
  if (request.signal?.aborted) return { ending: 'aborted', exitCode: null, stdout: '', stderr: '' };
  const guard = spawn('/bin/sh', ['-c', GUARD, 'bifrost-guard', request.command, ...request.args], {
    cwd: request.cwd,
    ...(request.env ? { env: request.env } : {}),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const stdout = collect(guard, 'stdout', request.outputLimitBytes);
  const stderr = collect(guard, 'stderr', request.outputLimitBytes);
  if (request.onErrorLine) readLines(guard, request.onErrorLine, request.outputLimitBytes);
  guard.stdin.on('error', () => undefined);
  let ending: GuardedOutcome['ending'] = 'exited';
  const end = (why: GuardedOutcome['ending']) => {
    if (ending === 'exited') ending = why;
    killGroup(guard);
  };
  const onAbort = () => end('aborted');
  const timer = setTimeout(() => end('timed_out'), request.timeoutMs);
  request.signal?.addEventListener('abort', onAbort, { once: true });
  guard.once('exit', () => killGroup(guard));
  try {
    const [code] = (await once(guard, 'close')) as [number | null];
    return { ending, exitCode: code, stdout: stdout.toString(), stderr: stderr.toString() };
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', onAbort);
    guard.stdin.destroy();
  }
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr', limitBytes: number): TailBuffer {
  const tail = new TailBuffer(limitBytes);
  child[stream]?.setEncoding('utf8').on('data', (text: string) => tail.append(text));
  return tail;
}

function readLines(child: ChildProcess, onLine: (line: string) => void, limitChars: number): void {
  let rest = '';
  child.stderr?.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() as string).slice(0, limitChars);
    for (const line of lines) onLine(line);
  });
}
