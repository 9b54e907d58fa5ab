import { readdirSync, rmdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { capacityOf } from '../config/capacity.js';
import type { Settings } from '../config/settings.js';
import { tell } from '../lib/measurements.js';
import { resourceLimitsOf } from './limits.js';
import { bundleRunners, type RunnerBundles } from './runner-bundle.js';
import { RunnerProcess } from './runner-process.js';
import { RuntimeDir, removeDir } from './runtime-dir.js';

/** Part of a runner's memory that is not JavaScript heap: Node itself and its buffers. */
const BASE_MEMORY_MB = 64;
const MIN_HEAP_MB = 32;
/** A frame's characters may take three bytes each, and its other fields some room. */
const FRAME_FACTOR = 3;
const FRAME_EXTRA_BYTES = 1_048_576;

/** Makes runner processes, and the folders that they and their executions have. */
export class RunnerFactory {
  private constructor(
    private readonly settings: Settings,
    private readonly dir: RuntimeDir,
    private readonly bundles: RunnerBundles,
  ) {}

  static async open(settings: Settings): Promise<RunnerFactory> {
    const dir = await RuntimeDir.create();
    return new RunnerFactory(settings, dir, await bundleRunners(dir.path));
  }

  /** Removes every folder. */
  async close(): Promise<void> {
    await this.dir.remove();
  }

  /** @throws {RunnerBootError} or what the file system says; nothing is left behind then. */
  async boot(): Promise<RunnerProcess> {
    const scratch = await this.dir.createScratch();
    try {
      const startedMs = performance.now();
      const runner = await RunnerProcess.boot(this.launch(scratch));
      tell('runner-booted', { durationMs: performance.now() - startedMs });
      return runner;
    } catch (error) {
      tell('runner-boot-failed', {});
      await removeDir(scratch).catch(() => undefined);
      throw error;
    }
  }

  /** Folder of one execution: a process's own, or a new one beside those of the other threads. */
  async openScratch(runner: RunnerProcess): Promise<string> {
    return runner.kind === 'process' ? runner.scratch : mkdtemp(join(runner.scratch, 't-'));
  }

  /**
   * Removes what an execution left in its folder; null: nothing had to be waited for. Most leave nothing,
   * and the place is free for the next execution without a turn of the event loop then: a runner that is
   * still being cleaned looks busy, and another one would be booted in its place.
   */
  clearScratch(runner: RunnerProcess, scratch: string): Promise<void> | null {
    if (scratch !== runner.scratch) return removeEmpty(scratch) ? null : removeDir(scratch);
    const left = readdirSync(scratch);
    if (left.length === 0) return null;
    return Promise.all(left.map((name) => removeDir(join(scratch, name)))).then(() => undefined);
  }

  private launch(scratch: string) {
    const { MEMORY_LIMIT_MB, OUTPUT_LIMIT_BYTES, PACKAGES_DIR, RUNNER, RUNNER_MAX_EXECUTIONS } =
      this.settings;
    return {
      kind: RUNNER,
      slots: capacityOf(this.settings).slots,
      bundle: this.bundles[RUNNER === 'thread' ? 'thread-host' : 'process'],
      threadBundle: this.bundles.thread,
      scratch,
      packageSets: join(PACKAGES_DIR, 'sets'),
      heapMb: Math.max(MEMORY_LIMIT_MB - BASE_MEMORY_MB, MIN_HEAP_MB),
      memoryMb: MEMORY_LIMIT_MB,
      maxExecutions: RUNNER_MAX_EXECUTIONS,
      resources: resourceLimitsOf(this.settings),
      frameLimitBytes: OUTPUT_LIMIT_BYTES * FRAME_FACTOR + FRAME_EXTRA_BYTES,
    };
  }
}

function removeEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
