import { Logger } from '@nestjs/common';
import { SettingsError } from '../../config/settings.js';
import type { RunnerSettings } from '../../config/slices.js';
import type { RunnerStart } from '../../contract/confinement.js';
import { placeProgram } from '../../isolation/confined-program.js';
import type { IsolationLevel } from '../../isolation/isolation-level.js';
import { Templates, type TemplateParts, whyNever } from './templates.js';

/** How runners of a worker come about. */
export interface StartWay {
  start: RunnerStart;
  /** Why they are started although they may be forked; null: they are what was asked for. */
  reason: string | null;
}

/** What is needed beside the settings. */
export interface SourceParts extends Omit<TemplateParts, 'program' | 'rules' | 'isForFew'> {
  /** Of every runner. */
  level: IsolationLevel;
}

const logger = new Logger('Templates');

/** Whether the runners of a worker are forked, and of what: RUNNER_START, and what works here. */
export class TemplateSource {
  private templates: Templates | null = null;
  /** Those that end with their last child. */
  private finished: Templates | null = null;
  private readonly listeners: ((pids: ReadonlySet<number>) => void)[] = [];

  private constructor(
    private readonly settings: RunnerSettings,
    private readonly parts: TemplateParts,
    /** Why runners are not forked whatever happens; null: there is no reason. */
    private refusal: string | null,
  ) {}

  /**
   * Begins to prepare a template where runners may be forked.
   * @throws {SettingsError} when they are to be forked and cannot be.
   */
  static async open(settings: RunnerSettings, { level, ...parts }: SourceParts): Promise<TemplateSource> {
    const { start, templates: rules } = settings;
    const why = start === 'spawn' ? null : whyNever(parts.launch, level);
    const source = new TemplateSource(settings, { ...parts, program: '', rules, isForFew: false }, why);
    if (start === 'spawn') return source;
    if (why !== null) {
      if (start === 'fork') throw cannotFork(why);
      logger.log({ msg: 'runners are started, not forked', reason: why });
      return source;
    }
    source.parts.program = placeProgram('template', parts.dir);
    source.templates = source.at(level);
    await source.prove();
    return source;
  }

  /** How runners come about now. */
  get way(): StartWay {
    if (this.templates === null) return { start: 'spawn', reason: this.refusal };
    const { problem } = this.templates;
    return problem === null ? { start: 'fork', reason: null } : { start: 'spawn', reason: problem };
  }

  /** null: every runner is started. */
  get current(): Templates | null {
    return this.templates;
  }

  /** Calls back with the processes of runners that were forked of the template of one that crashed. */
  onCrash(listener: (pids: ReadonlySet<number>) => void): void {
    this.listeners.push(listener);
  }

  /** Templates at a variation of the level, to be closed by the caller. */
  aside(level: IsolationLevel): Templates {
    return this.at(level, true);
  }

  /**
   * No runner is forked any more; those that were live on.
   * @throws {SettingsError} when they are to be forked.
   */
  stop(reason: string): void {
    if (this.settings.start === 'fork') throw cannotFork(reason);
    logger.warn({ msg: 'runners are started, not forked', reason });
    this.refusal = reason;
    this.templates?.finish();
    this.finished = this.templates;
    this.templates = null;
  }

  async close(): Promise<void> {
    await Promise.all([this.templates?.close(), this.finished?.close()]);
  }

  private at(level: IsolationLevel, isForFew = false): Templates {
    return new Templates({ ...this.parts, isForFew }, level, (pids) => {
      for (const listener of this.listeners) listener(pids);
    });
  }

  /** A first template, so that it is known from the start how runners come about. */
  private async prove(): Promise<void> {
    try {
      await this.templates?.ready();
      logger.log({ msg: 'runners are forked of a template' });
    } catch (error) {
      if (this.settings.start !== 'fork') return;
      await this.templates?.close();
      throw cannotFork((error as Error).message);
    }
  }
}

const cannotFork = (why: string): SettingsError =>
  new SettingsError(
    `The configuration cannot be used:\n  RUNNER_START: fork does not work here: ${why}; set it to auto or spawn`,
  );
