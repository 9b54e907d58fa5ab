import type { JSX } from 'preact';
import type { ScheduleSummary } from '../../../src/contract/api/schedules.js';
import { period } from '../text/format.js';
import { Badge, type Tone } from './status.js';
import { UserText } from './text.js';

const TONES: Readonly<Record<ScheduleSummary['state'], Tone>> = {
  active: 'good',
  paused: 'warn',
  ended: 'idle',
};

export const ScheduleState = ({ state }: { state: ScheduleSummary['state'] }): JSX.Element => (
  <Badge tone={TONES[state]}>{state}</Badge>
);

/** When a schedule ticks, in a few words. */
export const When = ({ rule }: { rule: Pick<ScheduleSummary, 'cron' | 'tz' | 'every'> }): JSX.Element =>
  rule.every === null ? (
    <span class="when">
      <code>
        <UserText text={rule.cron ?? ''} />
      </code>{' '}
      <span class="note">
        <UserText text={rule.tz ?? 'UTC'} />
      </span>
    </span>
  ) : (
    <span class="when">every {period(rule.every)}</span>
  );
