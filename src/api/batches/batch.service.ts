import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ExecutionStatus } from '../../contract/result.js';
import { inBatches } from '../../lib/in-batches.js';
import { ResultStore } from '../../results/result-store.js';
import type { Caller } from '../../tenants/access/caller.js';
import { fingerprintOf, Idempotency, refuseOtherBody } from '../executions/idempotency.service.js';
import { KnownExecutions, knownId } from '../executions/known-executions.js';
import { type ExecutionRequest, executionRequestSchema, invalid } from '../executions/requests.js';
import { type SubmissionHeaders, SubmissionService } from '../executions/submission.service.js';
import { type FieldError, ProblemException } from '../http/problem.js';
import { NOT_ACCEPTED, withinRedisLimit } from '../http/redis-bound.js';
import { read } from '../http/validation.js';
import { QuotaRefusal } from '../organizations/quota-refusal.js';
import { WebhookCheck } from '../webhooks/webhook-check.js';
import type { BatchAccepted, BatchEntry, BatchRequest, BatchView } from './batch-requests.js';
import { BatchStore } from './batch-store.js';

/** Entries that are sent, and ids that are looked up, at once. */
const AT_ONCE = 100;
/** A whole batch may take longer than a single request. */
const LIMIT_MS = 10_000;
const MOST_REPORTED = 50;

/** One entry that was checked. */
type Checked =
  | { request: ExecutionRequest; periodSeconds: number; organization: string | null }
  | { refusal: Refusal };
interface Refusal {
  executionId: string | null;
  detail: string;
  errors: readonly FieldError[];
}

/** Submits many executions with one request, and counts how many of them have ended. */
@Injectable()
export class BatchService {
  constructor(
    private readonly submission: SubmissionService,
    private readonly known: KnownExecutions,
    private readonly idempotency: Idempotency,
    private readonly results: ResultStore,
    private readonly batches: BatchStore,
    private readonly webhooks: WebhookCheck,
    private readonly quotas: QuotaRefusal,
  ) {}

  /**
   * Executions without an id of their own get that of the batch and their position.
   * @throws {ProblemException} 400 naming the entries, where all were to be accepted or none; 409 for an
   * Idempotency-Key of another body; 503 without Redis.
   */
  async submit(batch: BatchRequest, headers: SubmissionHeaders): Promise<BatchAccepted> {
    const { idempotencyKey: key } = headers;
    this.webhooks.check(batch.webhook);
    await this.submission.reach();
    const claim = key === undefined ? null : await this.claim(key, batch);
    const checked = withoutRepeated(batch.executions.map((entry) => this.check(entry, headers.caller)));
    if (batch.mode === 'all') {
      if (claim === null || claim.isNew) await this.refuseAsWhole(checked);
      refuseAll(checked);
    }
    const id = claim?.id ?? randomUUID();
    const entries = await inBatches([...checked.entries()], AT_ONCE, ([index, one]) =>
      this.send(index, one, {
        caller: headers.caller,
        traceparent: headers.traceparent,
        ownId: `${id}-${index}`,
        isReached: true,
        // Repeats are recognized by entry, so that a batch that was cut off goes on.
        idempotencyKey: key && `${key}#${index}`,
      }),
    );
    const executions = entries.flatMap((entry) => (entry.status === 'refused' ? [] : [entry.execution_id]));
    const periods = checked.map((one) => ('request' in one ? one.periodSeconds : 0));
    const record = {
      created_at: new Date().toISOString(),
      executions,
      organizations: organizationsOf(checked),
    };
    await withinRedisLimit(this.batches.save(id, record, Math.max(...periods)));
    if (batch.webhook) await withinRedisLimit(this.webhooks.followBatch(id, batch.webhook));
    const refused = entries.length - executions.length;
    return { batch_id: id, accepted: executions.length, refused, executions: entries };
  }

  /** @throws {ProblemException} 404, 503 */
  async find(batchId: string): Promise<BatchView> {
    const record = await withinRedisLimit(this.batches.find(batchId));
    if (record === null)
      throw new ProblemException(
        'not-found',
        `There is no batch ${batchId}: it was never submitted, or expired`,
      );
    const { created_at, executions } = record;
    const looking = inBatches(executions, AT_ONCE, (id) => this.results.findStatus(id));
    const ended = (await withinRedisLimit(looking, undefined, LIMIT_MS)).filter((status) => status !== null);
    const statuses: Partial<Record<ExecutionStatus, number>> = {};
    for (const status of ended) statuses[status] = (statuses[status] ?? 0) + 1;
    const total = executions.length;
    const done = ended.length === total;
    return { batch_id: batchId, created_at, total, ended: ended.length, done, statuses, executions };
  }

  private check(entry: unknown, caller: Caller | undefined): Checked {
    const id = (entry as { execution_id?: unknown } | null)?.execution_id;
    const given = typeof id === 'string' ? id : null;
    const { data, errors } = read(executionRequestSchema, entry);
    if (errors) return refusedFor(given, invalid(errors));
    try {
      const { context, timing } = this.submission.check(data, caller);
      const organization = context.organization?.id ?? null;
      return { request: data, periodSeconds: timing.periodSeconds, organization };
    } catch (refusal) {
      if (refusal instanceof ProblemException) return refusedFor(given, refusal);
      throw refusal;
    }
  }

  private async claim(key: string, batch: BatchRequest) {
    const fingerprint = fingerprintOf(key, 'batch', batch);
    const claim = await withinRedisLimit(
      this.idempotency.claim(key, fingerprint, randomUUID()),
      NOT_ACCEPTED,
    );
    refuseOtherBody(claim, fingerprint);
    return claim;
  }

  /** @throws {ProblemException} 429 where one of the organizations has used up a quota. */
  private async refuseAsWhole(checked: Checked[]): Promise<void> {
    await this.refuseKnown(checked);
    for (const organization of organizationsOf(checked))
      if (organization !== null) await this.quotas.refuseUsedUp(organization);
  }

  /** Puts a refusal in the place of each whose id is taken. */
  private async refuseKnown(checked: Checked[]): Promise<void> {
    const looking = inBatches([...checked.entries()], AT_ONCE, async ([index, one]) => {
      const id = 'request' in one ? one.request.execution_id : undefined;
      if (id !== undefined && (await this.known.has(id)))
        checked[index] = refusedFor(id, knownId(id, 'execution_id'));
    });
    await withinRedisLimit(looking, NOT_ACCEPTED, LIMIT_MS);
  }

  private async send(index: number, one: Checked, headers: SubmissionHeaders): Promise<BatchEntry> {
    if ('refusal' in one) return refusedEntry(index, one.refusal);
    try {
      const { id, status } = await this.submission.submitExecution(one.request, headers);
      return { status, index, execution_id: id };
    } catch (error) {
      if (!(error instanceof ProblemException) || error.kind === 'unavailable') throw error;
      const { refusal } = refusedFor(one.request.execution_id ?? null, error);
      return refusedEntry(index, refusal);
    }
  }
}

/** Whose executions they are, each once. */
const organizationsOf = (checked: readonly Checked[]): (string | null)[] => [
  ...new Set(checked.flatMap((one) => ('request' in one ? [one.organization] : []))),
];

const refusedFor = (
  executionId: string | null,
  { detail, errors }: ProblemException,
): { refusal: Refusal } => ({ refusal: { executionId, detail, errors } });

const refusedEntry = (index: number, { executionId, detail, errors }: Refusal): BatchEntry => ({
  status: 'refused',
  index,
  execution_id: executionId,
  detail,
  errors: [...errors],
});

/** Two entries of one id would be one execution. */
function withoutRepeated(checked: readonly Checked[]): Checked[] {
  const seen = new Set<string>();
  return checked.map((one) => {
    const id = 'request' in one ? one.request.execution_id : undefined;
    if (id === undefined) return one;
    if (seen.has(id))
      return refusedFor(id, invalid([{ field: 'execution_id', message: `${id} is in this batch already` }]));
    seen.add(id);
    return one;
  });
}

/** @throws {ProblemException} 400 that names the fields of the entries that are refused. */
function refuseAll(checked: readonly Checked[]): void {
  const errors = [...checked.entries()].flatMap(([index, one]) =>
    'refusal' in one
      ? one.refusal.errors.map((error) => ({ ...error, field: `executions.${index}.${error.field}` }))
      : [],
  );
  if (errors.length > 0) throw invalid(errors.slice(0, MOST_REPORTED));
}
