import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type LogSettings, logSettings, type ResultSettings, resultSettings } from '../../config/slices.js';
import { type JobKind, resultJobId } from '../../contract/jobs/job.js';
import type { ExecutionResult } from '../../contract/result.js';
import { type BullScripts, bullScripts } from '../../redis/bull-scripts.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import type { LuaScript, ScriptArgument } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { type UsageAmounts, UsageCounter } from '../../tenants/usage/usage-counter.js';
import { currentTracing } from '../../telemetry/tracing.js';
import { ExecutionUpdates } from '../clients/execution-updates.js';
import { type DeliveryMark, markText } from '../delivery-identity.js';
import { type LogEnd, LogWriter } from '../logs/log-writer.js';
import { type Posting, RESULT_QUEUE } from '../result-publisher.js';
import {
  endArguments,
  type EndGaps,
  type EndInput,
  type EndReply,
  type EndRules,
  endScript,
} from './end-script.js';
import { addingOf, resultJob } from './result-job.js';
import type { NextClaim, TakenNextReply } from './take-next.js';

/** The job that ends with an execution, as BullMQ's own script ends it. */
export interface JobCompletion {
  /** What of its options decides about {@link args}: jobs of one kind have the same. */
  kind: string;
  /** Keys and arguments that BullMQ makes for moveToFinished of a job of this kind, with GAPS in them. */
  args(): readonly ScriptArgument[];
  /** What is in these gaps, of this end. */
  values(): Omit<EndGaps, 'resultId' | 'data'>;
  /** Owner and time of the take of the next one. */
  next(): NextClaim;
  /** It was run within another script, and this is its answer, with that of the take. */
  done(reply: unknown, taken: TakenNextReply | undefined): void;
}

/** Kinds of jobs, which their producers choose by options. */
const MOST_SCRIPTS = 16;

/** How often the archive's feed is looked at for results that have expired there: they live for days. */
const LOOKS_FOR_LOST_MS = 1_000;

/** Of a larger document each command by itself keeps Redis from others for a shorter time. */
const LARGE_CHARS = 262_144;

/**
 * Ends what has simply succeeded in one command: its result, what it used, the job on the result queue, the archive's feed, its log,
 * BullMQ's end of its job, the next one, and the take of its execution. Everything else ends by the separate commands of
 * {@link ResultPublisher} and BullMQ, and so does all where BullMQ's scripts are not those that we know.
 */
@Injectable()
export class EndAtOnce {
  private readonly logger = new Logger(EndAtOnce.name);
  /** Why executions end by separate commands; null: they do not have to. */
  problem: string | null = 'BullMQ is not connected yet';
  private scripts: BullScripts | null = null;
  /** When the archive's feed is looked at next for what is lost. */
  private looksAtMs = 0;
  /** By kind of job. */
  private readonly made = new Map<string, LuaScript>();
  private readonly rules: EndRules;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RESULT_QUEUE) private readonly resultQueue: Queue,
    private readonly keys: RedisKeys,
    private readonly writer: LogWriter,
    private readonly updates: ExecutionUpdates,
    private readonly usage: UsageCounter,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
    @InjectSettings(logSettings) logs: LogSettings,
  ) {
    this.rules = {
      resultTtlSeconds: settings.ttlSeconds,
      feedLength: settings.feedLength,
      logTtlSeconds: logs.ttlSeconds,
      logLimitBytes: logs.streamLimitBytes,
      ttlSeconds: settings.unfinishedTtlSeconds,
      hasGenerations: settings.hasGenerations,
    };
  }

  /** For how many kinds of jobs Redis is given a script. */
  get scriptCount(): number {
    return this.made.size;
  }

  /**
   * Looks at the scripts that BullMQ has given to its connection, which is to be ready. Says why the separate commands are used.
   * @returns the scripts; null: they are not those that we know
   */
  prepare(): BullScripts | null {
    try {
      this.scripts = bullScripts(this.redis);
      this.problem = null;
    } catch (error) {
      this.scripts = null;
      this.problem = (error as Error).message;
      const reason = this.problem;
      this.logger.warn({ msg: 'executions begin and end by separate commands, which cost more', reason });
    }
    return this.scripts;
  }

  /**
   * False: nothing was done, or it is not known what; the separate commands, each of which may be repeated, see to it.
   * Never rejects.
   */
  async tryEnd(document: ExecutionResult, posting: Posting, job: JobCompletion): Promise<boolean> {
    const { scripts } = this;
    if (scripts === null || this.settings.areListed || currentTracing() !== null) return false;
    const { mark } = posting;
    if (mark === null || !isPlain(document, posting)) return false;
    const { execution_id: executionId, status } = document;
    const text = JSON.stringify(document);
    if (text.length > LARGE_CHARS) return false;
    const script = this.made.get(job.kind) ?? (await this.make(scripts, job));
    if (script === null) return false;
    const log = this.writer.endWith(executionId, status);
    if (log === null) return false;
    try {
      const args = endArguments(this.inputOf(text, document, { kind: posting.kind, mark }, { job, log }));
      const reply = (await script.runForJson(this.redis, [], args)) as EndReply;
      if (reply[0] === 'other') {
        log.unsent();
        return false;
      }
      log.sent();
      job.done(reply[1], reply[2]);
      this.updates.ended(document);
      void this.usage.noteCounted(document);
      return true;
    } catch (error) {
      log.unsent();
      this.logger.debug({
        msg: 'an execution ends by separate commands',
        executionId,
        reason: (error as Error).message,
      });
      return false;
    }
  }

  /** null: jobs have more kinds than Redis is to keep scripts for, or BullMQ makes other arguments than we know. */
  private async make(scripts: BullScripts, job: JobCompletion): Promise<LuaScript | null> {
    if (this.made.size >= MOST_SCRIPTS) return null;
    try {
      const adding = this.settings.areQueued ? await addingOf(this.resultQueue) : [];
      const script = endScript(scripts, this.keys, { adding, finishing: job.args(), rules: this.rules });
      this.made.set(job.kind, script);
      return script;
    } catch (error) {
      const reason = (error as Error).message;
      this.logger.warn({ msg: 'executions end by separate commands, which cost more', reason });
      this.scripts = null;
      this.problem = reason;
      return null;
    }
  }

  private looksForLost(): boolean {
    const nowMs = performance.now();
    if (nowMs < this.looksAtMs) return false;
    this.looksAtMs = nowMs + LOOKS_FOR_LOST_MS;
    return true;
  }

  private inputOf(
    document: string,
    result: ExecutionResult,
    { kind, mark }: { kind: JobKind; mark: DeliveryMark },
    { job, log }: EndParts,
  ): EndInput {
    const { execution_id: executionId, run = 1, starts = 0 } = result;
    const { attempt, run: logRun, entries } = log;
    const isSilent = entries.kind === 'silent';
    const { owner, now } = job.next();
    const counted = this.usage.inputOf(result);
    const [executions, cpuMs, networkBytes, artifactBytes] = counted?.amounts ?? NOTHING_USED;
    const { jobId, token, worker, value, at, fetch } = job.values();
    return {
      document,
      executionId,
      run,
      mark: markText(mark),
      starts,
      looks: this.looksForLost() ? '1' : '',
      attempt,
      logRun,
      logKind: entries.kind,
      logFirst: isSilent ? entries.startedAt : entries.numbers,
      logSecond: isSilent ? entries.endedAt : entries.fields,
      workerId: this.settings.workerId,
      owner,
      now,
      day: counted?.day ?? '',
      countMark: counted?.mark ?? 0,
      organization: counted?.organization ?? '',
      executions,
      cpuMs,
      networkBytes,
      artifactBytes,
      jobId,
      token,
      worker,
      value,
      at,
      fetch,
      resultId: resultJobId(executionId, run),
      data: kind === 'task' ? JSON.stringify(resultJob(kind, result, this.settings.taskForm).data) : '',
    };
  }
}

const NOTHING_USED: UsageAmounts = [0, 0, 0, 0];

/** What an end is made of, beside its document. */
interface EndParts {
  job: JobCompletion;
  log: LogEnd;
}

/** Nothing has to be read or written for it but what the script does. */
function isPlain(document: ExecutionResult, posting: Posting): boolean {
  const { holdsNoSecrets = false, sync = false, unusedStart = null, webhook = null } = posting;
  return (
    document.status === 'succeeded' &&
    document.starts === 1 &&
    holdsNoSecrets &&
    !sync &&
    unusedStart === null &&
    webhook === null
  );
}
