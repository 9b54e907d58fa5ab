import { Injectable } from '@nestjs/common';
import { MAX_KEY_CHARS } from '../../archive/columns.js';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import type { FilterName, HistoryFilter } from '../../contract/history/fields.js';
import type { OpenExecution, OpenStatus } from '../../contract/api/listing.js';
import type { Subject } from '../../contract/subject.js';
import type { Waiting } from '../../contract/waiting.js';
import { ContextSubjects } from '../../queue/context-subjects.js';
import { type ListedJob, QUEUE_PLACES, type QueuePlace, QueuePages } from '../../queue/queue-pages.js';
import { type LedgerEntry, ResultStore } from '../../results/result-store.js';
import { type ExplainListed, WaitingService } from '../executions/waiting.service.js';
import type { QueuePosition } from './list-cursor.js';

/** What is asked for, beside where to begin. */
export interface OpenQuestion {
  statuses: readonly OpenStatus[];
  filter: Omit<HistoryFilter, 'status'>;
  limit: number;
}

export interface OpenPage {
  executions: OpenExecution[];
  /** null: all were looked at. */
  next: QueuePosition | null;
}

/** Filters of how an execution ended, which none that is open fits. */
const OF_THE_END: readonly Exclude<FilterName, 'status'>[] = ['code', 'since', 'until', 'min_duration_ms'];
/** Jobs that one page looks at where a filter leaves some out, and how many are read at once then. */
const MOST_LOOKED_AT = 500;
const READ_AT_ONCE = 250;

/** Lists executions that have not ended. The cost of a page does not depend on how many there are. */
@Injectable()
export class OpenExecutions {
  constructor(
    private readonly pages: QueuePages,
    private readonly subjects: ContextSubjects,
    private readonly results: ResultStore,
    private readonly waiting: WaitingService,
    @InjectSettings(executionSettings)
    private readonly settings: Pick<ExecutionSettings, 'searchesParameters'>,
  ) {}

  /** Those that run, then those that wait, then those that are delayed; each the newest first. */
  async list(question: OpenQuestion, from: QueuePosition): Promise<OpenPage> {
    const { filter, limit } = question;
    const isNarrowed = Object.values(filter).some((value) => value !== undefined);
    const executions: OpenExecution[] = [];
    let position: QueuePosition | null = OF_THE_END.some((name) => filter[name] !== undefined)
      ? null
      : wantedFrom(from, question);
    if (position === null) return { executions, next: null };
    const explain = await this.waiting.explainMany();
    let looked = 0;
    while (position && executions.length < limit && looked < MOST_LOOKED_AT) {
      const missing = limit - executions.length;
      const { place, after }: QueuePosition = position;
      const { jobs, isLast } = await this.pages.read(place, after, isNarrowed ? READ_AT_ONCE : missing);
      const parameters = this.settings.searchesParameters && filter.text !== undefined;
      const described = await this.describe(place, jobs, { explain, parameters });
      const found = described.filter(
        ({ execution, searched }) => execution && fits(execution, searched, question),
      );
      const taken = found.slice(0, missing);
      executions.push(...taken.map(({ execution }) => execution as OpenExecution));
      looked += described.length;
      const last = found.length > missing ? taken.at(-1) : described.at(-1);
      const isDone = isLast && described.length === jobs.length && found.length <= missing;
      position = isDone || !last ? followingPlace(place, question) : { place, after: last.job.cursor };
    }
    return { executions, next: position };
  }

  /** The first of the jobs, as many as their contexts can be read at once; null stands for one that has just ended. */
  private async describe(
    place: QueuePlace,
    jobs: readonly ListedJob[],
    { explain, parameters }: { explain: ExplainListed; parameters: boolean },
  ): Promise<{ job: ListedJob; execution: OpenExecution | null; searched: string }[]> {
    const contexts = jobs.map(({ request }) => ('contextId' in request ? request.contextId : null));
    const subjects = await this.subjects.read(contexts, { parameters });
    const lanes = await this.waiting.findLanes(
      subjects.map(({ organization }, index) => ({
        jobId: jobs[index]?.jobId ?? '',
        organization: organization?.id ?? '',
      })),
    );
    return Promise.all(
      subjects.map(async (subject, index) => {
        const job = jobs[index] as ListedJob;
        const { parameters: searched = '' } = subject;
        const waiting = (): Waiting => explain(job, place, lanes[index] ?? null);
        return { job, execution: await this.executionOf(job, subject, { place, waiting }), searched };
      }),
    );
  }

  private async executionOf(
    job: ListedJob,
    subject: Subject,
    { place, waiting }: { place: QueuePlace; waiting: () => Waiting },
  ): Promise<OpenExecution | null> {
    const waits = (): OpenExecution => waitingExecution(job, subject, waiting());
    if (place !== 'active') return waits();
    const { executionId } = job.request;
    const [ledger, hasEnded] = await Promise.all([
      this.results.findLedger(executionId),
      this.results.exists(executionId),
    ]);
    if (hasEnded) return null;
    return ledger && ledger.worker !== '' ? runningExecution(job, subject, ledger) : waits();
  }
}

/** The place itself, or the next one that has what is asked for; null: there is none. */
function wantedFrom(from: QueuePosition, question: OpenQuestion): QueuePosition | null {
  return placesOf(question).includes(from.place) ? from : followingPlace(from.place, question);
}

function followingPlace(place: QueuePlace, question: OpenQuestion): QueuePosition | null {
  const later = QUEUE_PLACES.slice(QUEUE_PLACES.indexOf(place) + 1);
  const next = placesOf(question).find((wanted) => later.includes(wanted));
  return next === undefined ? null : { place: next, after: null };
}

function placesOf({ statuses, filter }: OpenQuestion): QueuePlace[] {
  return QUEUE_PLACES.filter((place) => {
    // Only what runs has a worker.
    if (filter.worker !== undefined && place !== 'active') return false;
    switch (place) {
      // A job that was just taken counts as queued until its worker has begun.
      case 'active':
        return statuses.includes('running') || statuses.includes('queued');
      // What waits for a cap is kept there, too.
      case 'delayed':
        return statuses.includes('delayed') || statuses.includes('queued');
      default:
        return statuses.includes('queued');
    }
  });
}

const common = ({ request, addedAtMs }: ListedJob, subject: Subject) => ({
  execution_id: request.executionId,
  schedule: request.tick?.schedule ?? null,
  workflow_id: subject.workflow_id,
  organization_id: subject.organization?.id ?? null,
  caller_id: subject.caller?.user_id ?? null,
  caller_email: subject.caller?.email ?? null,
  tags: subject.tags,
  again_of: subject.again_of ?? null,
  queued_at: new Date(addedAtMs).toISOString(),
});

const waitingExecution = (job: ListedJob, subject: Subject, waiting: Waiting): OpenExecution => ({
  ...common(job, subject),
  status: waiting.until === null ? 'queued' : 'delayed',
  waiting,
});

const runningExecution = (job: ListedJob, subject: Subject, ledger: LedgerEntry): OpenExecution => ({
  ...common(job, subject),
  status: 'running',
  worker_id: ledger.worker,
  attempt: ledger.attempt,
  started_at: ledger.startedAt,
  progress: ledger.progress,
});

/** Whether an execution is asked for; filters compare as those of the history do. */
function fits(execution: OpenExecution, parameters: string, { statuses, filter }: OpenQuestion): boolean {
  const { workflow, organization, organizations, caller, worker, schedule, tag, text } = filter;
  const owner = execution.organization_id;
  const worksOn = execution.status === 'running' ? execution.worker_id : null;
  const searched = `${[execution.execution_id, ...execution.tags].join('\n').toLowerCase()}\n${parameters}`;
  return (
    statuses.includes(execution.status) &&
    isEqual(workflow, execution.workflow_id) &&
    isEqual(organization, owner) &&
    (organizations === undefined || (owner !== null && organizations.includes(owner))) &&
    (isEqual(caller, execution.caller_id) || isEqual(caller, execution.caller_email)) &&
    isEqual(worker, worksOn) &&
    isEqual(schedule, execution.schedule) &&
    isEqual(filter.again_of, execution.again_of) &&
    (tag === undefined || execution.tags.some((one) => isEqual(tag, one))) &&
    (text === undefined || searched.includes(text.toLowerCase()))
  );
}

const isEqual = (wanted: string | undefined, value: string | null): boolean =>
  wanted === undefined || wanted === value?.slice(0, MAX_KEY_CHARS);
