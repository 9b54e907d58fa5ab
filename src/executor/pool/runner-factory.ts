import { Logger } from '@nestjs/common';
import type { RunnerSettings } from '../../config/slices.js';
import type { IsolationLevelName } from '../../contract/confinement.js';
import { candidates } from '../../isolation/candidates.js';
import { type StartWay, TemplateSource } from '../template/template-source.js';
import type { Templates } from '../template/templates.js';
import { type Choice, chooseLevel, levelRefusal, NoIsolationError } from '../../isolation/choose-level.js';
import { shieldWorker } from '../../isolation/shield-worker.js';
import type { IsolationLevel, ProcessAccess } from '../../isolation/isolation-level.js';
import { closedFolder } from '../../isolation/packages-access.js';
import { runOnce } from '../process/run-once.js';
import { emitMeasurement } from '../../telemetry/measurements.js';
import { outletOf } from '../network/outlet-services.js';
import type { OutletServices } from '../network/network-outlet.js';
import { resourceLimitsOf } from '../supervision/limits.js';
import { bundleRunners, type RunnerBundles } from '../process/runner-bundle.js';
import { RunnerProcess } from '../process/runner-process.js';
import { KINDS } from '../kinds/registry.js';
import type { Slot } from '../kinds/slot.js';
import type { RunnerLaunch } from '../process/runner-launch.js';
import { RuntimeDir } from '../../isolation/runtime-dir.js';
import type { RunnerSource } from './runner-source.js';
import { slotOn } from './runner-lease.js';
import { ScratchFolders } from './scratch-folders.js';

/** Part of a runner's memory that is not JavaScript heap: Node itself and its buffers. */
const BASE_MEMORY_MB = 64;
const MIN_HEAP_MB = 32;
/** A frame's characters may take three bytes each, and its other fields some room. */
const FRAME_FACTOR = 3;
const FRAME_EXTRA_BYTES = 1_048_576;

/** From the checkout of a runner to its execution. */
const HANDOVER_MS = 10_000;

const logger = new Logger('Isolation');

/** What every runner of a worker is made from. */
interface RunnerParts {
  settings: RunnerSettings;
  bundles: RunnerBundles;
  outlet: OutletServices | null;
}

/** Makes runner processes at one level of isolation, and the folders that they and their executions have. */
export class RunnerFactory implements RunnerSource {
  private readonly scratches = new ScratchFolders();
  /** Not used yet: these are replaced when their template must not be used further. */
  private readonly forked = new Set<RunnerProcess>();

  private constructor(
    private readonly parts: RunnerParts,
    readonly dir: RuntimeDir,
    readonly choice: Choice,
    private readonly templates: TemplateSource,
  ) {
    templates.onCrash((pids) => this.replaceSpares(pids));
  }

  /**
   * Chooses the level that the settings allow and that works on this machine.
   * @throws {SettingsError} when none does, or when runners are to be forked and cannot be.
   */
  static async open(settings: RunnerSettings): Promise<RunnerFactory> {
    for (const reason of shieldWorker())
      logger.warn({ msg: 'the worker is not shut off from its runners', reason });
    const dir = await RuntimeDir.create();
    try {
      const bundles = bundleRunners(dir.path, KINDS[settings.kind].entries);
      const parts = { settings, bundles, outlet: outletOf(settings) };
      const choice = await chooseLevel(
        candidates({ settings: settings.isolation, dir, access: accessOf(settings, bundles) }),
        (level) => proveLevel(level, parts),
      );
      const { level, passedOver } = choice;
      warnOfPackages(settings.packageSets, level.name);
      logger.log({ msg: 'isolation', isolation: level.name, network: settings.network, passedOver });
      const launch = launchOf(parts);
      const templates = await TemplateSource.open(settings, { launch, level, dir: dir.path });
      return new RunnerFactory(parts, dir, choice, templates);
    } catch (error) {
      await dir.remove();
      if (!(error instanceof NoIsolationError) || error.mayPass) throw error;
      throw levelRefusal(error, settings.isolation);
    }
  }

  /** How runners come about now. */
  get way(): StartWay {
    return this.templates.way;
  }

  /**
   * From now on every runner is started anew.
   * @throws {SettingsError} when runners are to be forked.
   */
  stopForking(reason: string): void {
    this.templates.stop(reason);
  }

  /**
   * A runner as every other, or at a variation of their level, which is no business of the pool.
   * @throws {RunnerBootError} or what the file system says; nothing is left behind then.
   */
  async bootAside(level: IsolationLevel = this.choice.level, start = this.way.start): Promise<RunnerProcess> {
    const { current } = this.templates;
    if (start === 'spawn' || current === null) return bootAt(level, this.parts);
    if (level === this.choice.level) return this.fork(current);
    const aside = this.templates.aside(level);
    try {
      const runner = await bootAt(level, this.parts, aside);
      void runner.ended.then(() => aside.close());
      return runner;
    } catch (error) {
      await aside.close();
      throw error;
    }
  }

  /** Ends every template and removes every folder. */
  async close(): Promise<void> {
    await this.templates.close();
    await this.dir.remove();
  }

  /** @throws {RunnerBootError} or what the file system says; nothing is left behind then. */
  async boot(): Promise<RunnerProcess> {
    const startedMs = performance.now();
    try {
      const runner = await this.bootCheaply();
      emitMeasurement('runner-booted', {
        durationMs: performance.now() - startedMs,
        start: runner.start,
      });
      return runner;
    } catch (error) {
      emitMeasurement('runner-boot-failed', {});
      throw error;
    }
  }

  openSlot(runner: RunnerProcess): Slot {
    return slotOn(runner, this.scratches.open(runner));
  }

  isUntouched(runner: RunnerProcess, scratch: string): boolean {
    return this.scratches.isUntouched(runner, scratch);
  }

  reuse(runner: RunnerProcess, scratch: string): void {
    this.scratches.reuse(runner, scratch);
  }

  clear(runner: RunnerProcess, scratch: string): Promise<void> | null {
    return this.scratches.clear(runner, scratch);
  }

  /** Removes the folder of a runner that is gone. */
  async cleanUp(runner: RunnerProcess): Promise<void> {
    this.forked.delete(runner);
    this.scratches.forget(runner);
    await runner.place.remove();
  }

  /** Forked where that works, started in every doubt. */
  private async bootCheaply(): Promise<RunnerProcess> {
    const { current } = this.templates;
    if (current === null) return bootAt(this.choice.level, this.parts);
    try {
      const runner = await this.fork(current);
      if (this.templates.current === current) return runner;
      // Forks were refused in the meantime.
      runner.kill();
      void runner.ended.then(() => this.cleanUp(runner));
      return await bootAt(this.choice.level, this.parts);
    } catch (error) {
      if (this.parts.settings.start === 'fork') throw error;
      return bootAt(this.choice.level, this.parts);
    }
  }

  private async fork(templates: Templates): Promise<RunnerProcess> {
    const runner = await bootAt(this.choice.level, this.parts, templates);
    this.forked.add(runner);
    return runner;
  }

  /** Spares have the memory layout of the crashed one, which its code may have learned. */
  private replaceSpares(pids: ReadonlySet<number>): void {
    for (const runner of this.forked) {
      if (!pids.has(runner.pid) || runner.executions > 0 || runner.state !== 'ACTIVE') continue;
      // It takes no execution from now on; one that has been given to it already begins within this time.
      runner.standing.enter('retire');
      setTimeout(() => runner.executions === 0 && runner.kill(), HANDOVER_MS).unref();
    }
  }
}

/** Imports of packages would fail, one by one, with an error that names the package and not the reason. */
function warnOfPackages(sets: string, level: IsolationLevelName): void {
  const closed = closedFolder(sets, level);
  if (closed === null) return;
  const { path, fix } = closed;
  logger.warn({ msg: 'runners cannot read the packages', path, isolation: level, fix });
}

/** What a runner has of the machine. */
export const accessOf = (settings: RunnerSettings, bundles: RunnerBundles): ProcessAccess => ({
  files: Object.values(bundles),
  programs: [],
  packageSets: settings.packageSets,
  nativeAddons: settings.nativeAddons,
  shareNetwork: settings.network === 'open',
});

async function bootAt(
  level: IsolationLevel,
  parts: RunnerParts,
  templates: Templates | null = null,
): Promise<RunnerProcess> {
  const place = await level.openPlace();
  try {
    const launch = { ...launchOf(parts), level, place };
    return templates === null
      ? await RunnerProcess.boot(launch)
      : await RunnerProcess.boot(launch, () => templates.fork(place));
  } catch (error) {
    await place.remove().catch(() => undefined);
    throw error;
  }
}

/** That a runner boots and that code runs on it once its last door is shut. */
async function proveLevel(level: IsolationLevel, parts: RunnerParts): Promise<void> {
  const runner = await bootAt(level, parts);
  if (runner.kind.ownsProcess) await runOnce(runner, 'export default () => 1');
  else await discard(runner);
}

async function discard(runner: RunnerProcess): Promise<void> {
  runner.kill();
  await runner.ended;
  await runner.place.remove();
}

function launchOf({ settings, bundles, outlet }: RunnerParts): Omit<RunnerLaunch, 'level' | 'place'> {
  const { memoryMb, outputBytes } = settings.limits;
  return {
    kind: KINDS[settings.kind],
    slots: settings.slots,
    bundles,
    packageSets: settings.packageSets,
    nativeAddons: settings.nativeAddons,
    network: settings.network,
    outlet,
    heapMb: Math.max(memoryMb - BASE_MEMORY_MB, MIN_HEAP_MB),
    memoryMb,
    maxExecutions: settings.maxExecutions,
    resources: resourceLimitsOf(settings),
    frameLimitBytes: outputBytes * FRAME_FACTOR + FRAME_EXTRA_BYTES,
  };
}
