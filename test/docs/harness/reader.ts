import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { removeTree } from '../../../src/packages/sets/folder-tree.js';
import { differences } from './promises.js';
import { ReaderShell } from './shell.js';
import { type Step, stepsOf } from './page-commands.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What a checkout has that commands of the pages use; linked, so that nothing is written into this one. */
const LINKED = ['node_modules', 'dist', 'package.json', 'src', 'deploy', 'schemas', 'test'];

/** What the pages take as given: where the worker and its Redis are. */
export interface Surroundings {
  url: string;
  redisUrl: string;
  /** Port for the receiver of webhooks, which is 4000 on the pages. */
  receiverPort: number;
  /** More of the environment, for commands that start programs. */
  env?: Record<string, string>;
}

/** What came of a page. */
export interface PageReport {
  /** Commands that were run and compared. */
  run: number;
  /** Commands that were left out, with the reason of each. */
  notRun: string[];
  /** Where the page promises what does not hold. */
  problems: string[];
}

/** Reads a page as a person would: does each command in its order, and looks whether what is promised comes of it. */
export class Reader {
  private readonly folder = mkdtempSync(join(tmpdir(), 'bifrost-test-docs-'));

  constructor(private readonly given: Surroundings) {}

  async prepare(): Promise<void> {
    const checkout = join(this.folder, 'checkout');
    mkdirSync(checkout);
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(checkout, name));
    await cp(join(ROOT, 'examples'), join(checkout, 'examples'), { recursive: true });
    const bin = join(this.folder, 'bin');
    mkdirSync(bin);
    symlinkSync(join(ROOT, 'dist', 'cli', 'bifrost.js'), join(bin, 'bifrost'));
    // A request that is refused must not pass for one that works.
    writeFileSync(
      join(bin, 'curl'),
      '#!/bin/sh\nexec /usr/bin/env -S PATH="$REAL_PATH" curl --fail-with-body "$@"\n',
      { mode: 0o755 },
    );
  }

  async read(page: string, steps: readonly Step[] = stepsOf(page)): Promise<PageReport> {
    const report: PageReport = { run: 0, notRun: [], problems: [] };
    const shell = new ReaderShell(join(this.folder, 'checkout'), this.environment());
    try {
      for (const step of steps) {
        const why = step.notRun ?? (await this.lacks(step, shell));
        if (why === undefined) await this.follow(step, shell, report);
        else report.notRun.push(...step.commands.map((command) => `${step.where}: ${command} (${why})`));
      }
    } finally {
      await shell.stop();
    }
    return report;
  }

  async dispose(): Promise<void> {
    await removeTree(this.folder);
  }

  private async lacks({ needs }: Step, shell: ReaderShell): Promise<string | undefined> {
    if (needs === undefined || (await shell.run(needs)).exitCode === 0) return undefined;
    return `${needs} fails here`;
  }

  private async follow(step: Step, shell: ReaderShell, report: PageReport): Promise<void> {
    let printed = '';
    for (const [index, command] of step.commands.entries()) {
      const { text, exitCode } = await shell.run(this.here(command));
      printed += `${text}\n`;
      const wanted = index === step.commands.length - 1 ? step.exitCode : 0;
      if (exitCode !== wanted)
        report.problems.push(`${step.where}: ${command}\nends with ${exitCode}, not ${wanted}: ${text}`);
      if (!step.isHidden) report.run++;
    }
    if (!step.output) return;
    for (const difference of differences(step.output, this.asWritten(printed)))
      report.problems.push(`${step.where}: ${difference}; printed was: ${printed}`);
  }

  /** The addresses of the pages are the usual ones; those of a test are free ports. */
  private here(command: string): string {
    return command
      .replaceAll(/http:\/\/(127\.0\.0\.1|localhost):3000/g, this.given.url)
      .replaceAll('redis://127.0.0.1:6379', this.given.redisUrl)
      .replaceAll(/\b4000\b/g, String(this.given.receiverPort));
  }

  private asWritten(text: string): string {
    return text
      .replaceAll(this.given.url, 'http://127.0.0.1:3000')
      .replaceAll(this.given.redisUrl, 'redis://127.0.0.1:6379');
  }

  private environment(): Record<string, string> {
    const path = process.env['PATH'] ?? '';
    return {
      HOME: this.folder,
      NO_COLOR: '1',
      REAL_PATH: path,
      PATH: [join(this.folder, 'bin'), dirname(process.execPath), path].join(':'),
      BIFROST_URL: this.given.url,
      REDIS_URL: this.given.redisUrl,
      // Where BullMQ's package for Python may be.
      ...(process.env['PYTHONPATH'] ? { PYTHONPATH: process.env['PYTHONPATH'] } : {}),
      ...this.given.env,
    };
  }
}
