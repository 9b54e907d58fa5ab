import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { ArchiveReader } from '../../archive/read/archive-reader.js';
import { NoArchiveError } from '../../archive/archive-database.js';
import { ByteLru } from '../../lib/byte-lru.js';
import { ContextSubjects } from '../../queue/context-subjects.js';
import { JobFinder } from '../../queue/job-finder.js';
import { parseJob } from '../../queue/parse-job.js';
import { ResultStore } from '../../results/result-store.js';
import { type Caller, mayReach } from '../../tenants/access/caller.js';
import { BatchStore } from '../batches/batch-store.js';
import { withinArchive } from '../history/archive-bound.js';
import { withinSearch } from '../http/redis-bound.js';
import { ScheduleStore } from '../schedules/schedule-store.js';

/** Organizations of executions that were found. */
const KEPT_BYTES = 4 * 1_048_576;
/** Of one, beside its texts. */
const ENTRY_BYTES = 64;
/** Events of one execution follow each other; an id that was erased or has expired may be another organization's next. */
const KNOWN_MS = 10_000;

/** Of an execution, when it was looked at; null: none. */
interface Known {
  organization: string | null;
  /** Monotonic. */
  atMs: number;
}

/** Whose executions, batches and schedules are; asked only for callers that may not see all of them. */
@Injectable()
export class Ownership {
  private readonly known = new ByteLru<Known>(KEPT_BYTES);

  constructor(
    private readonly results: ResultStore,
    private readonly subjects: ContextSubjects,
    private readonly jobs: JobFinder,
    private readonly archive: ArchiveReader,
    private readonly batches: BatchStore,
    private readonly schedules: ScheduleStore,
  ) {}

  /**
   * The organization of an execution, by its result, else its context, else the history.
   * null: it is not known, or belongs to none.
   * @throws {ProblemException} 503 when Redis or the archive does not answer.
   */
  async ofExecution(executionId: string): Promise<string | null> {
    const current = await withinSearch(this.inRedis(executionId, (id) => this.jobs.find(id)));
    if (current !== undefined) return current;
    const archived = await withinArchive(this.findArchived(executionId));
    return archived?.organization?.id ?? null;
  }

  /** As {@link ofExecution}, for streams of events: in Redis only, and what was found is believed for a while. */
  async ofEvent(executionId: string): Promise<string | null> {
    const nowMs = performance.now();
    const known = this.known.get(executionId);
    if (known !== undefined && nowMs - known.atMs < KNOWN_MS) return known.organization;
    const found = await withinSearch(this.inRedis(executionId, (id) => this.jobs.findByName(id)));
    const organization = found ?? null;
    const bytes = executionId.length + (organization?.length ?? 0) + ENTRY_BYTES;
    this.known.set(executionId, { organization, atMs: nowMs }, bytes);
    return organization;
  }

  /**
   * Whether all executions of a batch are the caller's business; false for one that is not known: its id may be that
   * of an execution, which has deliveries of webhooks under the same name.
   */
  async reachesBatch(caller: Caller, batchId: string): Promise<boolean> {
    const batch = await withinSearch(this.batches.find(batchId));
    return batch?.organizations?.every((organization) => mayReach(caller, organization)) ?? false;
  }

  /** Whether a schedule is the caller's business; true for one that is not there. */
  async reachesSchedule(caller: Caller, id: string): Promise<boolean> {
    const kept = await withinSearch(this.schedules.find(id));
    if (kept === null) return true;
    const [organization = null] = await withinSearch(this.schedules.organizationsOf([kept]));
    return mayReach(caller, organization);
  }

  /** undefined: there is neither a result nor a context nor a job of it. */
  private async inRedis(
    executionId: string,
    findJob: (executionId: string) => Promise<Job | null>,
  ): Promise<string | null | undefined> {
    const result = await this.results.find(executionId);
    if (result?.organization) return result.organization.id;
    // A context that was refused may have a result that does not say whose it is.
    const own = await this.subjects.find(executionId);
    if (own !== null) return own.organization?.id ?? null;
    if (result) return null;
    const job = await findJob(executionId);
    if (!job) return undefined;
    const request = parseJob(job);
    if (!('contextId' in request) || request.contextId === executionId) return null;
    const shared = await this.subjects.find(request.contextId);
    return shared?.organization?.id ?? null;
  }

  private async findArchived(executionId: string) {
    try {
      return await this.archive.find(executionId);
    } catch (error) {
      if (error instanceof NoArchiveError) return null;
      throw error;
    }
  }
}
