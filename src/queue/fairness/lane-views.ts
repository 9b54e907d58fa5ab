import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type QueueSettings, queueSettings } from '../../config/slices.js';
import type { LaneView } from '../../contract/api/queue.js';
import type { RedisClient } from '../../redis/connections.js';
import { jsonForLua, LuaScript } from '../../redis/lua-script.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { Lanes } from './lanes.js';
import { MEMORY } from './lua/memory.js';
import { PLACES } from './lua/places.js';
import { SHARES } from './lua/shares.js';
import { VIEWS } from './lua/views.js';

/** KEYS as of LANES; ARGV JSON of {job, organization}… and 'jobs', or '' and 'lanes' -> JSON of each */
const VIEW = new LuaScript(`${MEMORY}${SHARES}${PLACES}${VIEWS}`);

/** Lanes that one answer shows. */
const MOST_SHOWN = 100;

/** What is known of the lane of an organization; '' is that of executions without one. */
interface OrganizationFacts {
  organization: string;
  /** Places that are taken, also by executions that were chosen and have not begun. */
  running: number;
  maxRunning?: number;
  rate?: { executions: number; ms: number };
  /** Unix milliseconds at which its rate lets the next one start. */
  opensAt?: number;
  weight: number;
  /** Of all organizations that wait and have room. */
  weights: number;
  isInRing: boolean;
  /** How long its executions take. */
  meanMs: number;
  /** How many executions all workers run at once. */
  capacity: number;
  interactive: number;
  background: number;
}

/** What the lanes know of a job that waits. */
export interface LaneFacts extends OrganizationFacts {
  /** It was chosen to be taken next. */
  isChosen: boolean;
  /** How many of its organization come before it; left out: it is not in the lane. */
  rank?: number;
  blocked?: { by: 'key' | 'workflow'; name: string; rank: number; most: number; running: number };
}

/** A job, and the organization that its context names ('': none). */
export interface LaneQuestion {
  jobId: string;
  organization: string;
}

/** What the lanes know, to explain why something waits. */
@Injectable()
export class LaneViews {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly lanes: Lanes,
    @InjectSettings(queueSettings) private readonly settings: QueueSettings,
  ) {}

  /** Of each job, in their order; null where the order of executions is not ours. Throws within a second without Redis. */
  async find(jobs: readonly LaneQuestion[]): Promise<(LaneFacts | null)[]> {
    if (!this.lanes.isOn || jobs.length === 0) return jobs.map(() => null);
    const asked = jsonForLua(jobs.map(({ jobId, organization }) => [jobId, organization]));
    return (await this.run([asked, 'jobs'])).map((text) => JSON.parse(text) as LaneFacts);
  }

  /** Lanes of those that wait or run, those with most first; at most 100. Throws within a second without Redis. */
  async list(): Promise<LaneView[]> {
    if (!this.lanes.isOn) return [];
    const found = await this.run(['[]', 'lanes']);
    return found
      .map((text) => laneView(JSON.parse(text) as OrganizationFacts & { blocked: number }))
      .toSorted((a, b) => b.waiting - a.waiting || b.running - a.running)
      .slice(0, MOST_SHOWN);
  }

  private async run(args: string[]): Promise<string[]> {
    const keys = [this.lanes.base, `${this.settings.bullPrefix}:${this.settings.name}:`];
    return (await VIEW.run(this.redis, keys, args)) as string[];
  }
}

/** The part of slot time that is its own while all that wait go on waiting. */
export const shareOf = ({ weight, weights, isInRing }: OrganizationFacts): number =>
  weight / Math.max(weight, isInRing ? weights : weights + weight);

function laneView(facts: OrganizationFacts & { blocked: number }): LaneView {
  const { organization, interactive, background, running, blocked, weight, maxRunning, rate } = facts;
  return {
    organization: organization === '' ? null : organization,
    waiting: interactive + background + blocked,
    interactive,
    background,
    blocked,
    running,
    weight,
    share: Math.round(shareOf(facts) * 1000) / 1000,
    max_running: maxRunning ?? null,
    rate: rate ? { executions: rate.executions, per_seconds: rate.ms / 1000 } : null,
    mean_ms: Math.round(facts.meanMs),
  };
}
