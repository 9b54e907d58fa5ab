/**
 * Entry point of a compiler process. Confines itself, starts the compiler program, seals itself, says
 * `ready`, then answers one request after the other. It never evaluates what it compiles. Bundled into one
 * file (isolation/confined-program.ts), except for esbuild and swc, whose paths are arguments.
 */
import childProcess, { type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Confinement } from '../../contract/confinement.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { LineSplitter } from '../../lib/line-splitter.js';
import { harden } from '../../runner/confine/harden.js';
import { limitResources } from '../../runner/confine/resource-limits.js';
import {
  type CompilerReply,
  type CompilerRequest,
  EXIT_PROGRAM_FAILED,
  EXIT_PROGRAM_KILLED,
  isFromOutside,
} from '../protocol.js';
import { locate, locateSpecifier } from './locate.js';
import type { Swc } from './decorator-metadata.js';
import { type Build, type Compilers, InvalidSourceError, transform } from './transform.js';

/** The path of swc is '' where it has no library for this machine. */
const [confinement, limits, esbuildPath, swcPath] = process.argv.slice(2) as [string, string, string, string];

/** How long the end of the program may take to be noticed after its last answer. */
const PROGRAM_END_MS = 1_000;

watchProgram();
const { build } = require(esbuildPath) as { build: Build };
const compilers: Compilers = { build, swc };
limitResources(JSON.parse(limits) as ResourceLimits);
const seal = harden(JSON.parse(confinement) as Confinement, 'none', true);

void start();

async function start(): Promise<void> {
  // Starts the program, which may not be started any more once the process is sealed.
  await answer({
    op: 'compile',
    path: 'warm.ts',
    source: 'let a: number = 1;',
    rootUrl: 'file:///',
    probe: true,
    outputLimitChars: 1024,
  });
  seal('none');
  const lines = new LineSplitter(Number.MAX_SAFE_INTEGER);
  process.stdin
    .on('data', (chunk: Buffer) => {
      lines.push(chunk, (line) => void answer(JSON.parse(line) as CompilerRequest).then(send));
    })
    .on('close', () => process.exit(0));
  send({ type: 'ready' });
}

function send(reply: CompilerReply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

async function answer(request: CompilerRequest): Promise<CompilerReply> {
  switch (request.op) {
    case 'compile': {
      try {
        const module = await transform(compilers, request);
        const chars = module.source.length + module.specifiers.join('').length;
        return chars > request.outputLimitChars ? { type: 'too-large', chars } : { type: 'compiled', module };
      } catch (error) {
        if (error instanceof InvalidSourceError) return { type: 'invalid', ...error.source };
        // An error of the program that has ended: so does this process, within the pause.
        await sleep(PROGRAM_END_MS);
        const reason = `${request.path} cannot be compiled: ${(error as Error).message}`;
        return { type: 'invalid', reason, location: null };
      }
    }
    case 'locate':
      return { type: 'located', places: locate(request.compiled, request.places) };
    case 'locate-specifier':
      return { type: 'located', places: [locateSpecifier(request.compiled, request.specifier)] };
  }
}

/** Loaded by the first source that needs it, and then once: a library of the system is kept. */
function swc(): Swc {
  if (swcPath === '') throw new Error('swc has no library for this machine');
  return require(swcPath) as Swc;
}

/** esbuild keeps its process to itself: how that ends is how this one ends. */
function watchProgram(): void {
  const { spawn } = childProcess;
  childProcess.spawn = ((...args: Parameters<typeof spawn>): ChildProcess => {
    const program = spawn(...args);
    program.once('exit', (_code, signal) =>
      process.exit(signal !== null && isFromOutside(signal) ? EXIT_PROGRAM_KILLED : EXIT_PROGRAM_FAILED),
    );
    return program;
  }) as typeof spawn;
}
