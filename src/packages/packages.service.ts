import { Injectable, Logger } from '@nestjs/common';
import type { PackagesSettings } from '../config/slices.js';
import type { PackageFailure, PackagesStatus } from '../contract/packages.js';
import type { Service } from '../lib/service.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { HEARTBEAT_INTERVAL_MS } from '../contract/worker-record.js';
import { HeldSet, type PackageSetLease } from './sets/held-set.js';
import { type ManifestPlan, planOf } from './manifest-plan.js';
import { ManifestWatcher, START_ATTEMPTS } from './manifest-watcher.js';
import { PackageSets, type SetOutcome } from './sets/package-sets.js';
import { PackagesStore } from './packages.store.js';
import { cleanSets } from './sets/set-cleaner.js';
import { SetFolders } from './sets/set-folders.js';
import { StatusReporter } from './status-reporter.js';
import { markInUse } from './sets/use-marks.js';

type InstallPlan = Extract<ManifestPlan, { kind: 'install' }>;

const START_RETRY_MS = 1_000;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 600_000;

/**
 * Keeps the packages of the manifest installed on this worker.
 *
 * 1. Follows the manifest; a new one stops the install of the one before.
 * 2. Finds or installs its package set beside the one in use, then switches in one step: executions that
 *    run keep theirs by their lease, new ones get the new set. A set that is there is switched to at once.
 * 3. What failed to install is tried again, after 30 s at first and every 10 minutes at last.
 * 4. Says what it has in `status` and in Redis. Never throws into the start of the worker.
 */
@Injectable()
export class PackagesService implements Service {
  private readonly logger = new Logger('Packages');
  private readonly watcher: ManifestWatcher;
  private readonly reporter: StatusReporter;
  private readonly held = new Set<HeldSet>();
  private current: HeldSet | null = null;
  private plan: ManifestPlan | undefined;
  private work = new AbortController();
  private chain: Promise<void> = Promise.resolve();
  private cleaning: Promise<void> | undefined;
  private isCleanDue = false;
  private retryTimer: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private beat: NodeJS.Timeout | undefined;
  private settle: () => void = () => undefined;
  private readonly firstOutcome = new Promise<void>((resolve) => (this.settle = resolve));
  private stopped = false;

  constructor(
    private readonly settings: PackagesSettings,
    store: PackagesStore,
    private readonly folders: SetFolders,
    private readonly sets: PackageSets,
    intervalMs: number = HEARTBEAT_INTERVAL_MS,
  ) {
    this.reporter = new StatusReporter(store, settings.workerId);
    this.watcher = new ManifestWatcher(
      store,
      {
        onReading: (reading) => this.follow(planOf(reading, settings.maxCount)),
        onFailure: (attempt, error) => this.onRedisAway(attempt, error),
      },
      { intervalMs, retryMs: START_RETRY_MS },
    );
  }

  /** What this worker has of the manifest, now. */
  get status(): PackagesStatus {
    return this.reporter.current;
  }

  /** Begins to follow the manifest, once; resolves as {@link settled}. */
  async start(): Promise<void> {
    if (!this.stopped && !this.beat) {
      this.beat = setInterval(() => void this.renew(), HEARTBEAT_INTERVAL_MS).unref();
      this.watcher.start();
    }
    await this.settled();
  }

  /**
   * Resolves when it is clear for the first time which packages there are: the set is in use, or could
   * not be installed, or there is no manifest, or Redis did not answer three times. Executions wait for this.
   */
  async settled(): Promise<void> {
    await this.firstOutcome;
  }

  /** The package set for one execution, or null when there is none. Give it back when the execution is over. */
  acquire(): PackageSetLease | null {
    return this.current?.lease() ?? null;
  }

  /** Ends a running install and forgets all sets; resolves when nothing is under way. Safe to call twice. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.beat);
    this.cancelRetry();
    this.work.abort();
    this.settle();
    await this.watcher.stop();
    await this.chain;
    await this.cleaning;
    await Promise.all([...this.held].map(async (set) => await set.forget().catch(() => undefined)));
    await this.reporter.stop();
  }

  private onRedisAway(attempt: number, error: Error): void {
    if (attempt !== START_ATTEMPTS) return;
    this.logger.error(
      `the package manifest cannot be read: ${error.message}; the worker goes on with the packages it has and reads the manifest when Redis is back`,
    );
    this.settle();
  }

  private follow(plan: ManifestPlan): void {
    if (this.stopped || plan.key === this.plan?.key) return;
    this.plan = plan;
    this.cancelRetry();
    this.retryMs = FIRST_RETRY_MS;
    this.work.abort();
    this.enqueue(plan, false);
  }

  private enqueue(plan: ManifestPlan, retry: boolean): void {
    const work = new AbortController();
    this.work = work;
    this.chain = this.chain.then(async () => {
      if (this.stopped || plan !== this.plan) return;
      await this.applyPlan(plan, retry, work.signal);
      if (work.signal.aborted) return;
      this.settle();
      this.clean();
    });
  }

  private async applyPlan(plan: ManifestPlan, retry: boolean, signal: AbortSignal): Promise<void> {
    switch (plan.kind) {
      case 'none':
        this.logger.debug('the manifest names no packages: executions run without');
        await this.switchTo(null);
        this.report(plan, 'none', []);
        return;
      case 'keep':
        this.report(plan, 'failed', plan.failed);
        return;
      case 'install':
        await this.install(plan, retry, signal).catch((error: Error) => {
          if (signal.aborted) return;
          const reason = error.message;
          this.report(plan, 'failed', [...plan.refused, { spec: 'npm install', reason, phase: 'install' }]);
          this.retryLater(plan);
        });
        return;
      default:
        plan satisfies never;
    }
  }

  private async install(plan: InstallPlan, retry: boolean, signal: AbortSignal): Promise<void> {
    await this.folders.prepare();
    const startedMs = performance.now();
    const known = retry ? null : await this.sets.find(plan.entries);
    if (known?.set && (await this.switchTo(known.set))) return this.finish(plan, known);
    if (!retry) this.reportInstalling(plan);
    const outcome = await this.sets.ensure(plan.entries, {
      signal,
      retry: retry || known?.set === null,
      onProgress: (progress) => retry || this.reporter.update({ progress }),
    });
    if (outcome.set && !(await this.switchTo(outcome.set)))
      throw new Error('the package set was removed while it was taken into use');
    const durationMs = performance.now() - startedMs;
    emitMeasurement('packages-installed', { durationMs });
    this.logger.log(`npm finished after ${(durationMs / 1000).toFixed(1)} s`);
    this.finish(plan, outcome);
  }

  private finish(plan: InstallPlan, outcome: SetOutcome): void {
    this.report(plan, outcome.set ? 'ready' : 'failed', [...plan.refused, ...outcome.failed]);
    if (outcome.triedAtMs !== null) this.retryLater(plan);
  }

  /** Marks the set as used before it looks whether it is still there; false when it is not. */
  private async switchTo(set: SetOutcome['set']): Promise<boolean> {
    if (set !== null && set.id === this.current?.id) return true;
    let next: HeldSet | null = null;
    if (set !== null) {
      const mark = await markInUse(this.folders, set.id);
      if ((await this.folders.readSet(set.id)) === null) {
        await mark.remove();
        return false;
      }
      next = new HeldSet(set.id, set.dir, set.installed, mark, (unused) => this.release(unused));
      this.held.add(next);
    }
    const before = this.current;
    this.current = next;
    before?.retire();
    return true;
  }

  /** Looks for what can be removed once it does not count as used any more. */
  private release(set: HeldSet): void {
    this.held.delete(set);
    void set
      .forget()
      .catch(() => undefined)
      .then(() => this.clean());
  }

  private reportInstalling(plan: InstallPlan): void {
    this.logger.log(`installing ${plan.entries.length} packages as set ${plan.wanted}`);
    this.reporter.update({
      state: 'installing',
      wanted: plan.wanted,
      manifest_hash: plan.hash,
      failed: [...plan.refused],
      progress: 0,
    });
  }

  private report(
    plan: ManifestPlan,
    state: PackagesStatus['state'],
    failed: readonly PackageFailure[],
  ): void {
    const set = this.current?.id ?? null;
    const installed = [...(this.current?.installed ?? [])];
    const wanted = plan.kind === 'install' ? plan.wanted : null;
    this.reporter.update({
      state,
      set,
      wanted,
      installed,
      failed: [...failed],
      manifest_hash: plan.hash,
      progress: 1,
    });
    if (state !== 'none')
      this.logger.log(
        `packages ${state}: set ${set ?? 'none'}, ${installed.length} installed, ${failed.length} failed`,
      );
    for (const one of failed) {
      const line = one.line === undefined ? '' : ` (line ${one.line})`;
      this.logger.warn(`${one.spec}${line}: ${one.phase}: ${one.reason.replaceAll('\n', ' | ')}`);
    }
  }

  private retryLater(plan: ManifestPlan): void {
    if (this.stopped || plan !== this.plan) return;
    this.cancelRetry();
    this.retryTimer = setTimeout(() => this.enqueue(plan, true), this.retryMs).unref();
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private cancelRetry(): void {
    clearTimeout(this.retryTimer);
  }

  private async renew(): Promise<void> {
    await Promise.all([...this.held].map(async (set) => await set.touch()));
    await this.reporter.write();
  }

  /** Runs beside whatever comes next; one at a time, and once more where something has changed meanwhile. */
  private clean(): void {
    this.isCleanDue = true;
    if (!this.stopped) this.cleaning ??= this.cleanWhileDue();
  }

  private async cleanWhileDue(): Promise<void> {
    while (this.isCleanDue && !this.stopped) {
      this.isCleanDue = false;
      try {
        const removed = await cleanSets(this.folders, this.settings);
        if (removed.length > 0) this.logger.log(`removed unused package sets: ${removed.join(', ')}`);
      } catch (error) {
        this.logger.warn(`old package sets could not be removed: ${(error as Error).message}`);
      }
    }
    this.cleaning = undefined;
  }
}
