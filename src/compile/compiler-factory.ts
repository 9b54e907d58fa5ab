import { createRequire } from 'node:module';
import type { CompilerSettings } from '../config/slices.js';
import { candidates } from '../isolation/candidates.js';
import { placeProgram } from '../isolation/confined-program.js';
import { type Choice, chooseLevel, levelRefusal, NoIsolationError } from '../isolation/choose-level.js';
import { shieldWorker } from '../isolation/shield-worker.js';
import type { IsolationLevel } from '../isolation/isolation-level.js';
import { RuntimeDir } from '../isolation/runtime-dir.js';
import { CompilerProcess } from './compiler-process.js';
import { outputLimitChars, SOURCE_LIMIT_BYTES } from './compile-limits.js';
import { swcPath } from './swc-path.js';

/** What the program may take beyond the JavaScript heap: code, stacks and buffers of Node. */
const NODE_EXTRA_MB = 64;
/** Below the limit of the kernel, so that Go collects garbage before it is refused memory. */
const GO_SOFT_SHARE = 0.75;
/** A character of a reply may take six bytes, as an escape. */
const REPLY_FACTOR = 6;
const MAX_FILE_MB = 1;
const MAX_OPEN_FILES = 64;

const require = createRequire(import.meta.url);

/** What compiler processes are made from: the level of isolation in force, and what they may read. */
export class CompilerFactory {
  private constructor(
    private readonly settings: CompilerSettings,
    private readonly dir: RuntimeDir,
    private readonly parts: CompilerParts,
    private readonly choice: Choice,
    /** The process that proved the level; it serves as the first. */
    private proven: CompilerProcess | null,
  ) {}

  /**
   * Chooses the strongest level that the settings allow and at which a compiler works on this machine.
   * @throws {SettingsError} when none does.
   */
  static async open(settings: CompilerSettings): Promise<CompilerFactory> {
    // Also in a process that has no runners. Where it does, they have logged what is wrong.
    shieldWorker();
    const dir = await RuntimeDir.create();
    try {
      const parts = {
        bundle: placeProgram('compiler', dir.path),
        library: require.resolve('esbuild'),
        program: programPath(),
        swc: swcPath(),
      };
      const access = {
        files: [parts.bundle, parts.library],
        programs: [parts.program, ...(parts.swc === null ? [] : [parts.swc])],
        packageSets: null,
        nativeAddons: false,
        shareNetwork: false,
      };
      let proven: CompilerProcess | null = null;
      const prove = async (level: IsolationLevel): Promise<void> => {
        proven = await bootAt(level, settings, parts);
      };
      const choice = await chooseLevel(candidates({ settings: settings.isolation, dir, access }), prove);
      return new CompilerFactory(settings, dir, parts, choice, proven);
    } catch (error) {
      await dir.remove();
      if (!(error instanceof NoIsolationError) || error.mayPass) throw error;
      throw levelRefusal(error, settings.isolation);
    }
  }

  /** @throws {CompilerUnavailableError} or what the file system says; it leaves no process and no file then. */
  async boot(): Promise<CompilerProcess> {
    const { proven } = this;
    this.proven = null;
    if (proven?.isAlive) return proven;
    return bootAt(this.choice.level, this.settings, this.parts);
  }

  /** Removes every folder; the processes that it gave out must be gone. */
  async close(): Promise<void> {
    this.proven?.kill();
    await this.proven?.ended;
    await this.dir.remove();
  }
}

interface CompilerParts {
  bundle: string;
  /** esbuild's interface for Node, and its program. */
  library: string;
  program: string;
  /** swc as a library of this machine; null: there is none. */
  swc: string | null;
}

async function bootAt(
  level: IsolationLevel,
  settings: CompilerSettings,
  parts: CompilerParts,
): Promise<CompilerProcess> {
  const place = await level.openPlace();
  const remove = (): Promise<void> => place.remove().catch(() => undefined);
  const { memoryMb } = settings;
  const resources = { dataMb: memoryMb, fileMb: MAX_FILE_MB, openFiles: MAX_OPEN_FILES };
  const own = [level.confinement(place), resources].map((part) => JSON.stringify(part));
  try {
    const compiler = await CompilerProcess.boot({
      level,
      place,
      nodeArgs: [...flagsOf(parts, memoryMb), parts.bundle, ...own, parts.library, parts.swc ?? ''],
      env: environmentOf(parts, memoryMb),
      replyLimitBytes: outputLimitChars(settings, SOURCE_LIMIT_BYTES) * REPLY_FACTOR,
    });
    void compiler.ended.then(remove);
    return compiler;
  } catch (error) {
    await remove();
    throw error;
  }
}

const flagsOf = ({ bundle, library, program, swc }: CompilerParts, memoryMb: number): string[] => [
  '--permission',
  '--allow-ffi',
  '--allow-child-process',
  ...(swc === null ? [] : ['--allow-addons', `--allow-fs-read=${swc}`]),
  ...[bundle, library, program].map((path) => `--allow-fs-read=${path}`),
  '--disable-sigusr1',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=SecurityWarning',
  `--max-old-space-size=${Math.max(memoryMb - NODE_EXTRA_MB, NODE_EXTRA_MB)}`,
];

const environmentOf = ({ program }: CompilerParts, memoryMb: number): Record<string, string> => ({
  ESBUILD_BINARY_PATH: program,
  GOMEMLIMIT: `${Math.floor(memoryMb * GO_SOFT_SHARE)}MiB`,
  // Signals to threads are refused to it.
  GODEBUG: 'asyncpreemptoff=1',
});

/** In the package of this platform, as esbuild itself finds it. */
function programPath(): string {
  const name = process.platform === 'win32' ? 'esbuild.exe' : 'bin/esbuild';
  return createRequire(require.resolve('esbuild')).resolve(
    `@esbuild/${process.platform}-${process.arch}/${name}`,
  );
}
