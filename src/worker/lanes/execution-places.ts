import { Injectable, Logger } from '@nestjs/common';
import { DelayedError, WaitingError } from 'bullmq';
import type { LoadedExecution } from '../../context/context.service.js';
import type { Organization } from '../../contract/organization.js';
import { after, orElse, type Soon } from '../../lib/soon.js';
import { CHOSEN, isOurs, PARKED, PRODUCER } from '../../queue/fairness/lane-levels.js';
import { type LaneRequest, laneRequestOf } from '../../queue/fairness/lane-request.js';
import { Lanes, type RunningPlace, type TakenReply } from '../../queue/fairness/lanes.js';
import { WorkerLease } from '../../results/worker-lease.js';
import { OrganizationDirectory } from '../../tenants/organizations/organization-directory.js';
import type { Delivery } from '../delivery.js';
import { AttemptFailedError } from '../job-decisions.js';

/** Whether a delivery may go on: it has a place, or its job waits for one. */
export type Room = { kind: 'place'; place: Place } | NoRoom;
export interface NoRoom {
  kind: 'held' | 'parked' | 'unknown';
}

/** The place of a delivery among those that run at once. */
export interface Place {
  /** Runs it, and gives the place back by how that ends. */
  during<T>(run: () => Promise<T>): Promise<T>;
  /** Another worker carries the execution out: the place stays with that. */
  belongsElsewhere(): void;
}

/** Of an execution that nothing distinguishes, or that runs no code. */
export const NO_PLACE: Place = { during: (run) => run(), belongsElsewhere: () => undefined };

/** Nothing distinguishes it, or it runs no code. */
const UNLIMITED: Room = { kind: 'place', place: NO_PLACE };

/** What this worker runs, as the lanes know it. */
interface Held {
  lane: LaneRequest;
  /** Its priority on the queue when it was taken. */
  level: number;
  sinceMs: number;
  /** The lanes have a place for it. */
  isReported: boolean;
  /** Neither the lanes have chosen it nor do a cap, a rate or a key limit it. */
  isApart: boolean;
  isElsewhere: boolean;
}

/**
 * The places of the executions that this worker has in hand. Where nothing limits an execution, it begins at once and the
 * lanes get a note of it; where there is a cap, a rate or a concurrency key, it waits for their answer.
 */
@Injectable()
export class ExecutionPlaces {
  private readonly logger = new Logger(ExecutionPlaces.name);
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly lanes: Lanes,
    private readonly organizations: OrganizationDirectory,
    private readonly lease: WorkerLease,
  ) {}

  /** Never rejects: `unknown` where Redis did not say whether there is room. */
  enter({ job, loading }: Pick<Delivery, 'job' | 'loading'>): Soon<Room> {
    if (!this.lanes.isOn) return UNLIMITED;
    return orElse(
      after(loading, (loaded) => this.roomFor(job, loaded)),
      // What cannot be loaded ends without running.
      () => UNLIMITED,
    );
  }

  private roomFor(job: Delivery['job'], loaded: LoadedExecution): Soon<Room> {
    const level = job.priority ?? 0;
    const jobId = job.id ?? '';
    const held: Held = {
      lane: laneOf(loaded, level),
      level,
      sinceMs: performance.now(),
      isReported: false,
      isApart: false,
      isElsewhere: false,
    };
    const room = after(this.ask(jobId, held), (reply): Room => {
      if (reply === 'held' || reply === 'parked') return { kind: reply };
      return { kind: 'place', place: this.placeOf(jobId, held) };
    });
    return orElse(room, (error) => {
      this.logger.warn({ msg: 'no answer about room for a job', jobId, reason: (error as Error).message });
      return { kind: 'unknown' };
    });
  }

  /** What runs here, for the beat of this worker: all of it where organizations wait or run. */
  running(): RunningPlace[] {
    const nowMs = performance.now();
    return [...this.held].flatMap(([jobId, held]) => {
      if (held.isElsewhere) return [];
      if (!held.isReported && !this.lanes.isAwake) return [];
      held.isReported = true;
      return [{ jobId, lane: held.lane, ms: nowMs - held.sinceMs }];
    });
  }

  private ask(jobId: string, held: Held): Soon<TakenReply> {
    const { lane, level } = held;
    if (this.lanes.leavesAlone(lane)) return 'go';
    held.isReported = true;
    const { owner } = this.lease;
    const yields = this.lanes.isWaitedFor && !isOurs(level);
    return after(yields || lane.key !== null || this.isLimited(lane), (waits) => {
      if (waits) return this.lanes.take(jobId, lane, owner, yields);
      held.isApart = !isOurs(level);
      this.lanes.noteTaken(jobId, lane, owner, held.isApart);
      return 'go';
    });
  }

  private isLimited({ organization, workflow }: LaneRequest): Soon<boolean> {
    if (organization === '') return false;
    const limited = after(this.organizations.find(organization), (known) => limits(known, workflow));
    return orElse(limited, () => true);
  }

  private placeOf(jobId: string, held: Held): Place {
    // A job that comes a second time while its worker has it in hand: the place is that of the first.
    if (this.held.has(jobId)) return NO_PLACE;
    this.held.set(jobId, held);
    return {
      belongsElsewhere: () => {
        held.isElsewhere = true;
      },
      during: async (run) => {
        let error: unknown = null;
        try {
          return await run();
        } catch (thrown) {
          error = thrown;
          throw thrown;
        } finally {
          this.held.delete(jobId);
          // What fails here is made up for by the next beat.
          const leaving = held.isReported ? this.leave(jobId, held, error) : undefined;
          if (leaving) await leaving.catch(() => undefined);
        }
      },
    };
  }

  /** Nothing to wait for where the lanes only get a note. */
  private leave(
    jobId: string,
    { lane, level, sinceMs, isApart, isElsewhere }: Held,
    error: unknown,
  ): Promise<void> | undefined {
    const { owner } = this.lease;
    const { organization } = lane;
    const ms = performance.now() - sinceMs;
    const next = (ours: number): number | null => (isOurs(level) ? ours : null);
    if (isElsewhere) return this.lanes.isElsewhere(jobId, owner, next(CHOSEN));
    if (error !== null) {
      if (error instanceof AttemptFailedError)
        return this.lanes.comesAgain(jobId, { organization, owner, ms, level: next(PRODUCER) });
      if (error instanceof WaitingError || error instanceof DelayedError)
        return this.lanes.comesAgain(jobId, { organization, owner, ms, level: next(CHOSEN) });
    }
    this.lanes.noteEnded(jobId, organization, owner, ms, isApart);
    return undefined;
  }
}

function laneOf({ organization, workflowId, turn }: LoadedExecution, level: number): LaneRequest {
  return laneRequestOf({ organization, workflow_id: workflowId, ...turn }, ownPriority(level));
}

/** Its own priority among those of its organization; that of a job that was chosen is of no account any more. */
function ownPriority(level: number): number {
  if (level === PRODUCER) return 0;
  if (!isOurs(level)) return level;
  if (level < PARKED.interactive) return 0;
  return level - (level < PARKED.background ? PARKED.interactive : PARKED.background);
}

const limits = ({ max_running, rate, workflows }: Organization, workflow: string | null): boolean =>
  max_running != null || rate != null || (workflow !== null && workflow in workflows);
