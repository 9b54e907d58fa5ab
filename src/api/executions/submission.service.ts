import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JobKind } from '../../contract/jobs/job.js';
import { type Caller, mayReach } from '../../tenants/access/caller.js';
import { Ownership } from '../access/ownership.service.js';
import { NOT_ACCEPTED, withinRedisLimit } from '../http/redis-bound.js';
import { QuotaRefusal } from '../organizations/quota-refusal.js';
import { type Claim, fingerprintOf, Idempotency, refuseOtherBody } from './idempotency.service.js';
import { JobSender } from './job-sender.js';
import type { JobTiming } from './job-timing.js';
import { KnownExecutions, knownId } from './known-executions.js';
import { type CheckedExecution, RequestCheck } from './request-check.js';
import type { ExecutionRequest, TaskRequest } from './requests.js';

/** What concerns a submission beside its body. */
export interface SubmissionHeaders {
  /** The one that submits; missing: for all organizations. */
  caller?: Caller | undefined;
  traceparent?: string | undefined;
  idempotencyKey?: string | undefined;
  /** A new id for what names none; default: a random one. */
  ownId?: string | undefined;
  /** It is one of many, for all of which {@link SubmissionService.reach} was called. */
  isReached?: boolean;
}

export interface Submitted {
  id: string;
  /** delayed: it is not taken before the time that was asked for. */
  status: 'queued' | 'delayed';
  /** A request with the same Idempotency-Key came before. */
  isReplayed: boolean;
}

/** What is left of a request once it was checked. */
interface Submission {
  kind: JobKind;
  /** Of the id in the body. */
  field: string;
  givenId: string | undefined;
  body: unknown;
  timing: JobTiming;
  headers: SubmissionHeaders;
  /** Whose quotas it needs. */
  organization?: string | undefined;
  send: (id: string) => Promise<void>;
}

/** Decides under which id a request becomes a job, or why it does not, and has the job sent: each request once. */
@Injectable()
export class SubmissionService {
  constructor(
    private readonly requests: RequestCheck,
    private readonly sender: JobSender,
    private readonly known: KnownExecutions,
    private readonly idempotency: Idempotency,
    private readonly ownership: Ownership,
    private readonly quotas: QuotaRefusal,
  ) {}

  /**
   * Queues an inline task.
   * @throws {ProblemException} 400 or 413 naming the field, 409 when the id is known or the Idempotency-Key was used
   * for something else, 503 without Redis.
   */
  submitTask(request: TaskRequest, headers: SubmissionHeaders = {}): Promise<Submitted> {
    const checked = this.requests.task(request);
    return this.submit({
      kind: 'task',
      field: 'taskId',
      givenId: request.taskId,
      body: request,
      timing: checked.timing,
      headers,
      send: (id) => this.sender.sendTask(id, request, checked, headers.traceparent),
    });
  }

  /**
   * Writes the context of an execution and queues it.
   * @throws {ProblemException} as {@link submitTask}, and 403.
   */
  submitExecution(request: ExecutionRequest, headers: SubmissionHeaders = {}): Promise<Submitted> {
    const checked = this.requests.execution(request, headers.caller);
    return this.submit({
      kind: 'execution',
      field: 'execution_id',
      givenId: request.execution_id,
      body: request,
      timing: checked.timing,
      headers,
      organization: checked.context.organization?.id,
      send: (id) => this.sender.sendExecution(id, request, checked, headers.traceparent),
    });
  }

  /** As {@link RequestCheck.execution}: nothing is written. */
  check(request: ExecutionRequest, caller?: Caller): CheckedExecution {
    return this.requests.execution(request, caller);
  }

  /** As {@link JobSender.reach}. */
  reach(): Promise<void> {
    return this.sender.reach();
  }

  private async submit(submission: Submission): Promise<Submitted> {
    const { field, givenId, timing, headers, send } = submission;
    if (!headers.isReached) await this.reach();
    await this.refuseForeignId(submission);
    await this.refuseNewWork(submission);
    const key = headers.idempotencyKey;
    if (key !== undefined) return this.submitOnce(submission, key);
    if (givenId !== undefined) await withinRedisLimit(this.known.refuse(givenId, field), NOT_ACCEPTED);
    const id = givenId ?? headers.ownId ?? randomUUID();
    await this.sendWithin(id, () => send(id));
    return { id, status: statusOf(timing), isReplayed: false };
  }

  /** The id of an execution of another organization is taken for good, as long as the history has it. */
  private async refuseForeignId({ givenId, field, headers: { caller } }: Submission): Promise<void> {
    if (givenId === undefined || !caller?.organizations) return;
    const owner = await this.ownership.ofExecution(givenId);
    if (owner !== null && !mayReach(caller, owner)) throw knownId(givenId, field);
  }

  /** What was accepted before is no new work, however often its request comes again. */
  private async refuseNewWork({ organization, headers: { idempotencyKey: key } }: Submission): Promise<void> {
    if (organization === undefined) return;
    try {
      await this.quotas.refuseUsedUp(organization);
    } catch (error) {
      const known =
        key === undefined ? null : await withinRedisLimit(this.idempotency.find(key), NOT_ACCEPTED);
      if (!known?.isAccepted) throw error;
    }
  }

  private async submitOnce(submission: Submission, key: string): Promise<Submitted> {
    const fingerprint = fingerprintOf(key, submission.kind, submission.body);
    const claim = await withinRedisLimit(this.claim(submission, key, fingerprint), NOT_ACCEPTED);
    refuseOtherBody(claim, fingerprint);
    const { id, isNew, isAccepted } = claim;
    const status = statusOf(submission.timing);
    if (isAccepted) return { id, status, isReplayed: true };
    await this.sendWithin(id, async () => {
      // The request before this one may have ended its process after it had queued the job.
      if (isNew || !(await this.known.has(id))) await submission.send(id);
      await this.idempotency.accept(key);
    });
    return { id, status, isReplayed: !isNew };
  }

  /** An id of the client's that is known is refused, unless it is known because of this very key. */
  private async claim(
    { givenId, field, headers }: Submission,
    key: string,
    fingerprint: string,
  ): Promise<Claim> {
    const known = await this.idempotency.find(key);
    if (known) return known;
    if (givenId !== undefined && (await this.known.has(givenId))) {
      const late = await this.idempotency.find(key);
      if (!late) throw knownId(givenId, field);
      return late;
    }
    return this.idempotency.claim(key, fingerprint, givenId ?? headers.ownId ?? randomUUID());
  }

  private async sendWithin(id: string, work: () => Promise<void>): Promise<void> {
    await withinRedisLimit(
      work(),
      `Redis does not answer. Whether ${id} was accepted is not known: ask for it later, or send it again with this id`,
    );
  }
}

/** What a request says; a request that is sent again may come after its delay. */
const statusOf = ({ options }: JobTiming): Submitted['status'] =>
  options.delay === undefined ? 'queued' : 'delayed';
