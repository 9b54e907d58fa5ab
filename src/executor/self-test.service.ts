import { Injectable, Logger } from '@nestjs/common';
import { CompilerPool } from '../compile/compiler-pool.js';
import { InjectSettings } from '../config/config.module.js';
import { SettingsError } from '../config/settings.js';
import { type RunnerSettings, runnerSettings } from '../config/slices.js';
import {
  failedChecks,
  isAtLeast,
  type IsolationReport,
  type ResultIsolation,
} from '../contract/isolation-report.js';
import type { NetworkPolicy } from '../contract/confinement.js';
import { RunnerPool } from './pool/runner-pool.js';
import { attackEachWay } from './self-test/attack-each-way.js';

/** What this worker knows of its own isolation, by attacking itself once at its start. */
@Injectable()
export class SelfTestService {
  private readonly logger = new Logger('Isolation');
  private done: IsolationReport | null = null;

  constructor(
    private readonly pool: RunnerPool,
    private readonly compilers: CompilerPool,
    @InjectSettings(runnerSettings) private readonly settings: RunnerSettings,
  ) {}

  /** null: not done yet, or there was no pool of runners. */
  get report(): IsolationReport | null {
    return this.done;
  }

  /**
   * What results of this worker say of it; undefined: nothing is known.
   * @param narrowed the network that an execution had; by default the most that any may have.
   */
  ofResult(narrowed?: NetworkPolicy): ResultIsolation | undefined {
    if (this.done === null) return undefined;
    const { level, grade, network, native_addons } = this.done;
    return { level, grade, network: narrowed ?? network, ...(native_addons ? { native_addons } : {}) };
  }

  /**
   * Attacks and grades; needs runners, so the pool must have started. No execution is to begin before it is
   * done: its result says what was found out.
   * @throws {SettingsError} when the grade is not as good as ISOLATION_REQUIRED_GRADE wants it, or
   * that of runners that are to be forked is worse than that of started ones.
   */
  async run(): Promise<void> {
    const factory = this.pool.factoryInUse();
    if (factory === null) return;
    const { report, weaker } = await attackEachWay(this.settings, factory, this.compilers);
    if (weaker !== null) {
      factory.stopForking(weaker);
      this.pool.recycle();
    }
    this.done = report;
    this.logReport(report);
    const { requiredGrade: wanted } = this.settings;
    if (wanted !== undefined && !isAtLeast(report.grade, wanted)) throw tooWeak(report, wanted);
  }

  private logReport(report: IsolationReport): void {
    const { level, grade, network, native_addons: nativeAddons, checks, took_ms: tookMs } = report;
    const failed = checks.filter(({ outcome }) => outcome === 'failed');
    const line = {
      msg: 'self-test of the isolation',
      isolation: level,
      grade,
      network,
      nativeAddons,
      tookMs,
    };
    if (failed.length === 0) this.logger.log({ ...line, failed: [] });
    else this.logger.error({ ...line, failed: failed.map(({ name, detail }) => `${name}: ${detail}`) });
  }
}

function tooWeak(report: IsolationReport, wanted: string): SettingsError {
  const failed = failedChecks(report);
  const why = failed.length > 0 ? `failed: ${failed.join(', ')}` : `level ${report.level}`;
  return new SettingsError(
    `The configuration cannot be used:\n  ISOLATION_REQUIRED_GRADE: ${wanted} is wanted, this worker has ${report.grade} (${why}); \`bifrost doctor\` says what to do`,
  );
}
