import { Logger } from '@nestjs/common';
import { existsSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import type { IsolationLevel, RunnerPlace } from '../../isolation/isolation-level.js';
import type { RunnerLaunch } from '../process/runner-launch.js';
import { RunnerBootError } from '../process/runner-spawn.js';
import type { ForkedProcess } from './forked-process.js';
import { FREEZER_X64 } from './freezer-code.js';
import { TemplateProcess } from './template-process.js';

/** What the templates of a worker are made from. */
export interface TemplateParts {
  launch: Omit<RunnerLaunch, 'level' | 'place'>;
  /** Folder of the worker for what lives as long as it does. */
  dir: string;
  /** Path of the bundled program of templates. */
  program: string;
  rules: TemplateRules;
  /** Few are forked of them: they are warmed up little. */
  isForFew: boolean;
}

/** When a template is replaced. Its children are alike: what is learned of the memory of one is true of the others. */
export interface TemplateRules {
  maxChildren: number;
  maxAgeMs: number;
}

const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 600_000;
/** Between two templates of which the first was retired: code that crashes on purpose must not cost one each time. */
const RETIRED_PAUSE_MS = 10_000;

/**
 * Why runners cannot be forked here whatever the template does; null: they can be tried.
 * @param level of isolation that the runners have.
 */
export function whyNever(
  { kind, nativeAddons }: TemplateParts['launch'],
  level: IsolationLevel,
): string | null {
  if (!kind.ownsProcess) return `a runner of the kind ${kind.name} hosts threads`;
  if (nativeAddons) return 'with NATIVE_ADDONS=on packages may load native code, which no template has';
  if (platform() !== 'linux' || arch() !== 'x64')
    return `there is no native piece for ${platform()} on ${arch()}`;
  const isPossible = level.forTemplate({ files: [], door: '' }) !== null;
  return isPossible ? null : `the level ${level.name} has no templates`;
}

/**
 * The templates of one worker at one level of isolation: one that is used, one that is being prepared to take
 * its place, and those that only live as long as their last child.
 *
 * 1. Each fork uses the newest template. While none is ready, forks wait for the one that is being prepared.
 * 2. A template that has had its number of children or its age is used until the next is ready. One of which a
 *    child crashed, or that failed to fork, or that cannot see packages that are there now, is not used again.
 * 3. When a template cannot be made or fails to fork, forks fail at once with the reason, and another is tried
 *    after a while, which doubles.
 */
export class Templates {
  private readonly logger = new Logger('Templates');
  private readonly freezer: string;
  private readonly live = new Set<TemplateProcess>();
  private readonly closing = new Set<Promise<unknown>>();
  private current: TemplateProcess | null = null;
  private preparing: Promise<void> | null = null;
  private failures = 0;
  private retryAtMs = 0;
  private isClosed = false;
  private trouble: string | null = null;

  /** @param onCrash called when a child's end shows that its template must not be used further. */
  constructor(
    private readonly parts: TemplateParts,
    private readonly level: IsolationLevel,
    private readonly onCrash: (pids: ReadonlySet<number>) => void,
  ) {
    this.freezer = join(parts.dir, 'freezer.so');
    if (!existsSync(this.freezer)) writeFileSync(this.freezer, FREEZER_X64, { mode: 0o644 });
  }

  /** Why there is no template now; null: there is one, or one is being prepared. */
  get problem(): string | null {
    return this.current === null ? this.trouble : null;
  }

  /** Processes that are used or being used up. */
  get count(): number {
    return this.live.size;
  }

  /** @throws {RunnerBootError} when there is no template. */
  async ready(): Promise<void> {
    await this.usable();
  }

  /**
   * Forks a runner into this place.
   * @throws {RunnerBootError} that says why it could not be.
   */
  async fork(place: RunnerPlace): Promise<ForkedProcess> {
    const template = await this.usable();
    try {
      const child = await template.fork(place);
      this.failures = 0;
      return child;
    } catch (error) {
      this.retire(template, (error as Error).message);
      this.failed((error as Error).message);
      throw error;
    }
  }

  /** No more forks; each template ends with the last of its children. */
  finish(): void {
    this.isClosed = true;
    this.current = null;
    for (const template of this.live) template.closeWhenEmpty();
  }

  /** Ends every template with its children; resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.current = null;
    await this.preparing;
    await Promise.all([...this.live].map((template) => template.close()));
    await Promise.all(this.closing);
  }

  private async usable(): Promise<TemplateProcess> {
    if (this.current?.isOver) this.current = null;
    const { current } = this;
    // What it does not see its children cannot, and packages may have come since.
    if (current?.isBlind && existsSync(this.parts.launch.packageSets)) {
      this.retire(current, 'there are packages now');
    } else if (current !== null) {
      const worn = this.whyWorn(current);
      if (worn !== null && performance.now() >= this.retryAtMs) this.prepare(worn);
      return current;
    }
    if (performance.now() >= this.retryAtMs) this.prepare('there is none');
    await this.preparing;
    if (this.current === null) throw new RunnerBootError(this.trouble ?? 'there is no template');
    return this.current;
  }

  private whyWorn(template: TemplateProcess): string | null {
    const { maxChildren, maxAgeMs } = this.parts.rules;
    if (template.forked >= maxChildren) return `${template.forked} children`;
    return performance.now() - template.bornAtMs > maxAgeMs ? 'age' : null;
  }

  private prepare(reason: string): void {
    if (this.isClosed || this.preparing !== null) return;
    this.logger.debug({ msg: 'a template is prepared', reason });
    this.preparing = this.prepareOne().finally(() => (this.preparing = null));
  }

  private async prepareOne(): Promise<void> {
    const { launch, dir, program, isForFew } = this.parts;
    try {
      const template = await TemplateProcess.start({
        ...launch,
        dir,
        program,
        isForFew,
        freezer: this.freezer,
        level: (door) => this.levelOf(door),
        onCrash: (signal) => this.crashed(template, signal),
      });
      this.adopt(template);
      this.trouble = null;
    } catch (error) {
      this.failed((error as Error).message);
    }
  }

  private failed(reason: string): void {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LAST_RETRY_MS);
    this.failures += 1;
    this.trouble = reason;
    this.retryAtMs = performance.now() + delayMs;
    this.logger.warn({ msg: 'no template', reason, retryInMs: delayMs });
  }

  private levelOf(door: string): ReturnType<IsolationLevel['forTemplate']> & object {
    const level = this.level.forTemplate({ files: [this.parts.program, this.freezer], door });
    if (level === null) throw new RunnerBootError(`the level ${this.level.name} has no templates`);
    return level;
  }

  private adopt(template: TemplateProcess): void {
    this.live.add(template);
    this.current?.closeWhenEmpty();
    this.current = this.isClosed ? null : template;
    if (this.isClosed) template.closeWhenEmpty();
    const closing = template.ended.then((how) => {
      this.live.delete(template);
      this.closing.delete(closing);
      if (this.current !== template || this.isClosed) return;
      this.current = null;
      this.logger.warn({ msg: 'template lost', how });
    });
    this.closing.add(closing);
  }

  private crashed(template: TemplateProcess, signal: NodeJS.Signals): void {
    const reason = `a runner that was forked of it ended by ${signal}`;
    this.onCrash(template.pids);
    if (this.current !== template) return;
    this.retire(template, reason);
    const pauseMs = template.bornAtMs + RETIRED_PAUSE_MS - performance.now();
    if (pauseMs <= 0) return this.prepare(reason);
    this.trouble = reason;
    this.retryAtMs = performance.now() + pauseMs;
  }

  /** Not for another fork. */
  private retire(template: TemplateProcess, reason: string): void {
    if (this.current !== template) return;
    this.current = null;
    this.logger.warn({ msg: 'template retired', reason });
    template.closeWhenEmpty();
  }
}
