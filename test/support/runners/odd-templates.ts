import { readFileSync, writeFileSync } from 'node:fs';
import { type RunnerSettings, runnerSettings } from '../../../src/config/slices.js';
import { processKind } from '../../../src/executor/kinds/process-kind.js';
import { accessOf } from '../../../src/executor/pool/runner-factory.js';
import { bundleRunners, type RunnerBundles } from '../../../src/executor/process/runner-bundle.js';
import { RunnerProcess } from '../../../src/executor/process/runner-process.js';
import { resourceLimitsOf } from '../../../src/executor/supervision/limits.js';
import { Templates } from '../../../src/executor/template/templates.js';
import { candidates } from '../../../src/isolation/candidates.js';
import type { IsolationLevel } from '../../../src/isolation/isolation-level.js';
import { RuntimeDir } from '../../../src/isolation/runtime-dir.js';
import { settingsOf } from '../parts.js';

/** A template at work: garbage that is collected, functions that are optimized, work for the pool of threads, pauses. */
export const BUSY = `{
  const crypto = require('node:crypto');
  let turns = 0;
  const sum = (list) => { let all = 0; for (const each of list) all += each.of % 7; return all; };
  const turn = () => {
    turns += 1;
    const list = Array.from({ length: 5_000 }, (_, of) => ({ of, name: String(of) }));
    new Function('sum', 'list', 'let all = 0; for (let i = 0; i < 20; i++) all += sum(list) + ' + turns + '; return all')(sum, list);
    crypto.pbkdf2('a', 'b', 500, 32, 'sha256', () => undefined);
    setTimeout(turn, turns % 4);
  };
  turn();
}`;

const runners = (changes: Record<string, string>): RunnerSettings => runnerSettings.of(settingsOf(changes));

/** Templates of a program that we do not know, as a Node of the future might be. */
export class OddTemplates {
  private readonly settings = runners({ ISOLATION: 'namespace' });
  private readonly level: IsolationLevel;
  private readonly program: string;
  private readonly text: string;
  private readonly bundles: RunnerBundles;

  private constructor(readonly dir: RuntimeDir) {
    this.bundles = bundleRunners(dir.path, ['process']);
    this.program = bundleRunners(dir.path, ['template'])['template'] as string;
    this.text = readFileSync(this.program, 'utf8');
    const access = accessOf(this.settings, this.bundles);
    const [found] = candidates({ settings: this.settings.isolation, dir, access });
    if (!found || !('level' in found)) throw new Error(found?.unavailable);
    this.level = found.level;
  }

  static async open(): Promise<OddTemplates> {
    return new OddTemplates(await RuntimeDir.create());
  }

  async close(): Promise<void> {
    await this.dir.remove();
  }

  /** Templates whose program first does this. */
  that(does: string, isForFew = false): Templates {
    writeFileSync(this.program, `${does};\n${this.text}`);
    const rules = { maxChildren: 1_000_000, maxAgeMs: 1e9 };
    const parts = { launch: this.launch, dir: this.dir.path, program: this.program, rules, isForFew };
    return new Templates(parts, this.level, () => undefined);
  }

  /** A runner that is forked of one of these. */
  async boot(templates: Templates): Promise<RunnerProcess> {
    const place = await this.level.openPlace();
    try {
      const launch = { ...this.launch, level: this.level, place };
      return await RunnerProcess.boot(launch, () => templates.fork(place));
    } catch (error) {
      await place.remove();
      throw error;
    }
  }

  private get launch() {
    return {
      kind: processKind,
      slots: 1,
      bundles: this.bundles,
      packageSets: this.settings.packageSets,
      network: 'none' as const,
      outlet: null,
      heapMb: 192,
      memoryMb: 256,
      maxExecutions: 1,
      resources: resourceLimitsOf(this.settings),
      frameLimitBytes: 1e7,
      nativeAddons: false,
    };
  }
}
