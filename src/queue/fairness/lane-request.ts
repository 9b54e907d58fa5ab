import { z } from 'zod';
import { type Band, BANDS } from '../../contract/jobs/band.js';
import { LAST_OWN_PRIORITY, parkedLevel } from './lane-levels.js';

/** What the order and the caps of an execution depend on. */
export interface LaneRequest {
  /** '': of none, which all executions without one share. */
  organization: string;
  band: Band;
  /** Among those of its organization: 0 comes first, then 1, 2, … */
  priority: number;
  workflow: string | null;
  /** Executions of one organization with this key share a cap. */
  key: string | null;
  /** How many of them run at once. */
  limit: number;
}

/** The same, as the script has it. */
export interface LaneJob {
  g: string;
  b: 0 | 1;
  p: number;
  v: number;
  w?: string;
  k?: string;
  l?: number;
}

export const DEFAULT_BAND: Band = 'interactive';
export const DEFAULT_KEY_LIMIT = 1;

/** Of an execution of no organization that asks for nothing. */
export const NO_LANE: LaneRequest = {
  organization: '',
  band: DEFAULT_BAND,
  priority: 0,
  workflow: null,
  key: null,
  limit: DEFAULT_KEY_LIMIT,
};

export function laneJob({ organization, band, priority, workflow, key, limit }: LaneRequest): LaneJob {
  return {
    g: organization,
    b: band === 'interactive' ? 0 : 1,
    p: Math.min(Math.max(0, priority), LAST_OWN_PRIORITY),
    v: parkedLevel(band, priority),
    ...(workflow === null ? {} : { w: workflow }),
    ...(key === null ? {} : { k: key, l: limit }),
  };
}

/** The fields of a context, as its execution has them; everything else is not looked at. */
interface LaneFields {
  organization?: { id: string } | null | undefined;
  workflow_id?: string | null | undefined;
  concurrency_key?: string | null | undefined;
  concurrency_limit?: number | null | undefined;
  band?: Band | null | undefined;
}

export const laneRequestOf = (context: LaneFields, priority: number): LaneRequest => ({
  organization: context.organization?.id ?? '',
  band: context.band ?? DEFAULT_BAND,
  priority,
  workflow: context.workflow_id ?? null,
  key: context.concurrency_key ?? null,
  limit: context.concurrency_limit ?? DEFAULT_KEY_LIMIT,
});

const laneFields = z.object({
  organization: z.looseObject({ id: z.string() }).nullish().catch(null),
  workflow_id: z.string().nullish().catch(null),
  concurrency_key: z.string().nullish().catch(null),
  concurrency_limit: z.number().int().positive().nullish().catch(null),
  band: z.enum(BANDS).nullish().catch(null),
});

/** What a stored context says. Never throws: of one that cannot be read nothing is known. */
export function laneRequestIn(document: string | null, priority: number): LaneRequest {
  try {
    return laneRequestOf(laneFields.parse(JSON.parse(document ?? 'null')), priority);
  } catch {
    return { ...NO_LANE, priority };
  }
}
