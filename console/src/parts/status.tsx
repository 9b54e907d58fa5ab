import type { ComponentChildren, JSX } from 'preact';

/** How good a state is, which decides its colour; its words say it too. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'idle';

const TONES: Readonly<Record<string, Tone>> = {
  succeeded: 'good',
  failed: 'bad',
  timed_out: 'warn',
  cancelled: 'idle',
  running: 'busy',
  queued: 'idle',
  delayed: 'idle',
  stored: 'idle',
  ACTIVE: 'good',
  STARTING: 'busy',
  PAUSED: 'warn',
  DRAINING: 'warn',
  PENDING_KILL: 'warn',
  EXITING: 'warn',
  STOPPED: 'idle',
  up: 'good',
  degraded: 'warn',
  down: 'bad',
  ready: 'good',
  installing: 'busy',
  none: 'idle',
  lost: 'bad',
};

export const toneOf = (state: string): Tone => TONES[state] ?? 'idle';

/** A state as people say it. */
export const stateName = (state: string): string => state.toLowerCase().replaceAll('_', ' ');

export const Badge = ({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element => (
  <span class={`badge ${tone}`}>
    <span class="dot" aria-hidden="true" />
    {children}
  </span>
);

export const Status = ({ state }: { state: string }): JSX.Element => (
  <Badge tone={toneOf(state)}>{stateName(state)}</Badge>
);

/** How far something is. */
export const Meter = ({
  value,
  label,
  tone = 'busy',
}: {
  value: number;
  label: string;
  tone?: Tone;
}): JSX.Element => {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <span
      class={`meter ${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${percent}%` }} />
    </span>
  );
};
