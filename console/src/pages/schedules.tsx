import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Schedules, ScheduleSummary } from '../../../src/contract/api/schedules.js';
import { askPages } from '../api/pages.js';
import { Button, Empty, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { ScheduleDialog } from '../parts/schedule-form.js';
import { Table } from '../parts/table.js';
import { ScheduleState, When } from '../parts/schedule-state.js';
import { Due, Id } from '../parts/text.js';
import { may } from '../state/rights.js';
import { address, go, route, setQuery } from '../state/router.js';
import { useResource } from '../state/resource.js';
import { MISSED, OVERLAP, pauseOrResume, runNow, schedulePath } from '../state/schedules.js';
import { plural } from '../text/format.js';
import { visibleText } from '../text/visible.js';

const POLL_MS = 5_000;

/** Unix milliseconds; what does not tick comes last. */
const dueOf = ({ next }: ScheduleSummary): number =>
  next === null ? Number.MAX_SAFE_INTEGER : Date.parse(next);

async function readAll(signal: AbortSignal): Promise<ScheduleSummary[]> {
  const pages = await askPages<Schedules>('/schedules?limit=500', signal);
  return pages.flatMap(({ schedules }) => schedules);
}

/** All schedules: those that were set here and those of producers. */
export function SchedulesPage(): JSX.Element {
  const { data: schedules, error, reload } = useResource('schedules', readAll, POLL_MS);
  const [isSetting, setSetting] = useState(false);
  const text = route.value.query.get('text') ?? '';
  if (!schedules) return error ? <Failure error={error} retry={reload} /> : <Loading what="the schedules" />;
  const shown = schedules
    .filter(({ id }) => id.toLowerCase().includes(text.toLowerCase()))
    .toSorted((a, b) => dueOf(a) - dueOf(b) || a.id.localeCompare(b.id));
  const order = async (work: Promise<boolean>): Promise<void> => {
    if (await work) reload();
  };
  return (
    <>
      <PageHead title="Schedules" about="What runs again and again. The next to tick comes first.">
        {may('operate') && (
          <Button icon="add" kind="primary" onClick={() => setSetting(true)}>
            New schedule
          </Button>
        )}
      </PageHead>
      {schedules.length === 0 ? (
        <Panel title="Schedules" flush>
          <Empty title="There are no schedules yet">
            <p>
              A schedule runs a module of the workspace, or a snippet, by a cron pattern or every so often.
              Those that producers set in BullMQ are listed here too.
            </p>
          </Empty>
        </Panel>
      ) : (
        <Panel
          title={plural(shown.length, 'schedule')}
          note={
            <label>
              <span class="hidden">Search schedules</span>
              <input
                type="search"
                placeholder="Search"
                value={text}
                onInput={(event) => setQuery({ text: event.currentTarget.value })}
              />
            </label>
          }
          flush
        >
          <Table
            label="Schedules"
            heads={[
              'Schedule',
              'State',
              'When',
              { text: 'Next', class: 'number' },
              'If the one before still runs',
              'If ticks were missed',
              { text: 'Actions', class: 'number' },
            ]}
          >
            {shown.map((one) => (
              <tr key={one.id}>
                <td class="cut">
                  <Link to={schedulePath(one.id)}>
                    <Id id={one.id} />
                  </Link>
                  {one.source === 'queue' && <span class="note"> of a producer</span>}
                </td>
                <td>
                  <ScheduleState state={one.state} />
                </td>
                <td>
                  <When rule={one} />
                </td>
                <td class="number">
                  <Due at={one.next} />
                </td>
                <td>{OVERLAP[one.overlap]}</td>
                <td>{MISSED[one.missed]}</td>
                <td class="number">
                  <span class="row-actions">
                    {may('submit') && (
                      <Button
                        kind="quiet"
                        icon="play"
                        title="Run now"
                        aria-label={`Run ${visibleText(one.id)} now`}
                        onClick={() => void runNow(one.id)}
                      />
                    )}
                    {may('operate') && one.state !== 'ended' && (
                      <Button
                        kind="quiet"
                        icon={one.state === 'paused' ? 'again' : 'pause'}
                        title={one.state === 'paused' ? 'Resume' : 'Pause'}
                        aria-label={`${one.state === 'paused' ? 'Resume' : 'Pause'} ${visibleText(one.id)}`}
                        onClick={() => void order(pauseOrResume(one.id, one.state))}
                      />
                    )}
                  </span>
                </td>
              </tr>
            ))}
          </Table>
        </Panel>
      )}
      {isSetting && (
        <ScheduleDialog onClose={() => setSetting(false)} onDone={(id) => go(address(schedulePath(id)))} />
      )}
    </>
  );
}
