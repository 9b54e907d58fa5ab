import type { JSX } from 'preact';
import type { Metrics } from '../../../src/contract/result.js';
import { duration } from '../text/format.js';

/** One step of the way of an execution. */
export interface Step {
  name: string;
  about: string;
  fromMs: number;
  ms: number;
  kind: 'wait' | 'prepare' | 'run';
}

const ORDER = [
  ['delay_ms', 'Delay', 'that was asked for', 'wait'],
  ['backoff_ms', 'Back-off', 'pause before this attempt', 'wait'],
  ['queue_ms', 'Queue', 'ready, until a worker took it', 'wait'],
  ['prepare_ms', 'Code', 'collecting and compiling it', 'prepare'],
  ['runner_wait_ms', 'Runner', 'waiting for a free one', 'wait'],
  ['module_load_ms', 'Modules', 'loading them in the runner', 'prepare'],
] as const;

/** The steps that a receipt knows, one after the other. Pure. */
export function stepsOf(metrics: Metrics): Step[] {
  const steps: Step[] = [];
  let fromMs = 0;
  const add = (name: string, about: string, ms: number | null | undefined, kind: Step['kind']): void => {
    if (ms == null) return;
    steps.push({ name, about, fromMs, ms, kind });
    fromMs += ms;
  };
  for (const [field, name, about, kind] of ORDER) add(name, about, metrics[field], kind);
  // What the runner reports of the run has the loading of modules in it.
  if (metrics.run_ms != null)
    add('Run', 'the code itself', Math.max(0, metrics.run_ms - (metrics.module_load_ms ?? 0)), 'run');
  return steps;
}

/** Where the time of an execution went. */
export function Waterfall({ metrics }: { metrics: Metrics }): JSX.Element | null {
  const steps = stepsOf(metrics);
  const last = steps.at(-1);
  if (!last) return null;
  const all = Math.max(last.fromMs + last.ms, 0.001);
  return (
    <div class="waterfall">
      <table aria-label="Where the time went">
        <tbody>
          {steps.map(({ name, about, fromMs, ms, kind }) => (
            <tr>
              <th scope="row" title={about}>
                {name}
              </th>
              <td class="bar-cell">
                <span class="bar-track" aria-hidden="true">
                  <span
                    class={`bar ${kind}`}
                    style={{ left: `${(fromMs / all) * 100}%`, width: `${(ms / all) * 100}%` }}
                  />
                </span>
              </td>
              <td class="number">{duration(ms)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <td />
            <td class="number">{duration(all)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
