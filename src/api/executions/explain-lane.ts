import type { LaneReasonName, LaneWaiting } from '../../contract/waiting.js';
import { type LaneFacts, shareOf } from '../../queue/fairness/lane-views.js';

/** Why the lanes do not let an execution be taken yet. */
export interface LaneReason {
  reason: LaneReasonName;
  detail: string;
}

/** null: nothing of its lane keeps it. */
export function laneReason(lane: LaneFacts, nowMs: number): LaneReason | null {
  const { organization, blocked, running, maxRunning, rate, opensAt } = lane;
  const whose =
    organization === '' ? 'executions without an organization' : `the organization ${organization}`;
  const ahead = aheadOf(lane);
  const behind = `; ${ahead} of its own are ahead`;
  if (lane.isChosen) return null;
  if (blocked) {
    const { by, name, most, running: held } = blocked;
    return by === 'key'
      ? {
          reason: 'concurrency key in use',
          detail: `Its concurrency key ${name} lets ${most} run at once, and ${held} do${behind}`,
        }
      : {
          reason: 'workflow cap reached',
          detail: `The workflow ${name} of ${whose} may run ${most} at once, and ${held} do${behind}`,
        };
  }
  if (lane.rank === undefined) return null;
  if (maxRunning !== undefined && running >= maxRunning)
    return {
      reason: 'organization cap reached',
      detail: `${capitalized(whose)} may run ${maxRunning} at once, and ${running} do${behind}`,
    };
  if (rate && opensAt !== undefined && opensAt > nowMs)
    return {
      reason: 'rate limit reached',
      detail:
        `${capitalized(whose)} may start ${rate.executions} within ${rate.ms / 1000} s; ` +
        `the next at ${new Date(opensAt).toISOString()}${behind}`,
    };
  if (lane.weights <= lane.weight) return null;
  const percent = Math.round(shareOf(lane) * 1000) / 10;
  return {
    reason: 'others take their turn',
    detail: `Other organizations wait too: ${whose} has ${percent} % of slot time (weight ${lane.weight})${behind}`,
  };
}

/** What an answer shows of the lane; null: it is in none. */
export function laneWaiting(lane: LaneFacts, nowMs: number): LaneWaiting | null {
  if (lane.rank === undefined && !lane.blocked) return null;
  return {
    organization: lane.organization === '' ? null : lane.organization,
    position: aheadOf(lane) + 1,
    queued: lane.interactive + lane.background,
    running: lane.running,
    weight: lane.weight,
    share: Math.round(shareOf(lane) * 1000) / 1000,
    estimate_ms: estimateMs(lane, nowMs),
  };
}

const aheadOf = ({ blocked, rank = 0 }: LaneFacts): number => blocked?.rank ?? rank;

/** Until it starts, if everything goes on as lately; null: no worker takes work. */
function estimateMs(lane: LaneFacts, nowMs: number): number | null {
  const { capacity, meanMs, maxRunning, rate, opensAt, blocked } = lane;
  if (capacity === 0) return null;
  const slots = Math.min(shareOf(lane) * capacity, maxRunning ?? capacity, blocked?.most ?? capacity);
  const bySlots = (aheadOf(lane) + 1) * (meanMs / Math.max(slots, Number.EPSILON));
  const byRate = rate
    ? Math.max(0, (opensAt ?? nowMs) - nowMs) + aheadOf(lane) * (rate.ms / rate.executions)
    : 0;
  return Math.round(Math.max(bySlots, byRate));
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
