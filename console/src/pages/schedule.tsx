import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Schedule } from '../../../src/contract/api/schedules.js';
import { ask } from '../api/client.js';
import { Button, Empty, Facts, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { Confirm } from '../parts/confirm.js';
import { Deliveries } from '../parts/deliveries.js';
import { Editor } from '../parts/editor.js';
import { Icon } from '../parts/icons.js';
import { JsonView } from '../parts/json.js';
import { ScheduleDialog } from '../parts/schedule-form.js';
import { ScheduleState, When } from '../parts/schedule-state.js';
import { Status, toneOf } from '../parts/status.js';
import { Ago, Due, Id, UserText } from '../parts/text.js';
import { type LiveList, useExecutionList } from '../state/execution-list.js';
import { type EndedRow, isEnded, keyOf } from '../state/list-rows.js';
import { useResource } from '../state/resource.js';
import { may } from '../state/rights.js';
import { address, go } from '../state/router.js';
import { MISSED, OVERLAP, pauseOrResume, runNow, schedulePath } from '../state/schedules.js';
import { dayTime, duration, plural } from '../text/format.js';

const POLL_MS = 5_000;
const SHOWN = 10;
const IN_STRIP = 60;
/** Ids that `PUT /schedules/:id` takes; producers may name theirs otherwise. */
const SETTABLE = /^[\w.-]{1,100}$/;

/** One schedule: when it ticks, what runs, and what came of it. */
export function SchedulePage({ id }: { id: string }): JSX.Element {
  const path = schedulePath(id);
  const { data, error, reload } = useResource(
    `schedule ${id}`,
    (signal) => ask<Schedule>(path, { signal }),
    POLL_MS,
  );
  const ticks = useExecutionList(new URLSearchParams({ schedule: id }).toString());
  const [asks, setAsks] = useState<'edit' | 'remove' | null>(null);
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Loading what="the schedule" />;
  const order = async (work: Promise<boolean>): Promise<void> => {
    if (await work) reload();
  };
  const [next] = data.next;
  return (
    <>
      <nav class="crumbs" aria-label="Where this is">
        <Link to="/schedules">
          <Icon name="back" /> Schedules
        </Link>
      </nav>
      <PageHead
        title={<Id id={data.id} />}
        about={
          <>
            <ScheduleState state={data.state} /> <When rule={data} />
            {next !== undefined && (
              <>
                {' · next '}
                <Due at={next} />
              </>
            )}
          </>
        }
      >
        {may('submit') && (
          <Button icon="play" kind="primary" onClick={() => void runNow(data.id)}>
            Run now
          </Button>
        )}
        {may('operate') && data.state !== 'ended' && (
          <Button
            icon={data.state === 'paused' ? 'again' : 'pause'}
            onClick={() => void order(pauseOrResume(data.id, data.state))}
          >
            {data.state === 'paused' ? 'Resume' : 'Pause'}
          </Button>
        )}
        {may('operate') && data.source === 'api' && SETTABLE.test(data.id) && (
          <Button icon="edit" onClick={() => setAsks('edit')}>
            Edit…
          </Button>
        )}
        {may('operate') && (
          <Button icon="remove" onClick={() => setAsks('remove')}>
            Remove…
          </Button>
        )}
      </PageHead>
      <div class="columns">
        <div class="stack">
          <History id={id} ticks={ticks} />
          <Content schedule={data} />
          <Deliveries of={path} turn={data.updated_at ?? ''} />
        </div>
        <div class="stack">
          <Panel title="Next times" note="in your time zone" flush>
            <NextTimes schedule={data} />
          </Panel>
          <Panel title="Facts">
            <ScheduleFacts schedule={data} />
          </Panel>
        </div>
      </div>
      {asks === 'edit' && (
        <ScheduleDialog former={data} onClose={() => setAsks(null)} onDone={() => reload()} />
      )}
      {asks === 'remove' && (
        <Confirm
          title="Remove the schedule"
          verb="Remove it"
          onClose={() => setAsks(null)}
          work={async () => {
            await ask(path, { method: 'DELETE' });
            go(address('/schedules'));
            return 'The schedule is removed.';
          }}
        >
          <p>
            <Id id={data.id} /> will not tick any more. Ticks that are due already still run, and the history
            stays.
          </p>
        </Confirm>
      )}
    </>
  );
}

function NextTimes({ schedule: { next, state } }: { schedule: Schedule }): JSX.Element {
  if (next.length === 0)
    return <Empty title={state === 'paused' ? 'None, while it is paused' : 'None: it has ended'} />;
  return (
    <ol class="times">
      {next.map((time) => (
        <li key={time}>
          <span>{dayTime(time)}</span>
          <span class="note">
            <Due at={time} />
          </span>
        </li>
      ))}
    </ol>
  );
}

const ScheduleFacts = ({ schedule }: { schedule: Schedule }): JSX.Element => {
  const { webhook } = schedule;
  return (
    <Facts
      rows={[
        ['Set by', schedule.source === 'api' ? 'the API or this console' : 'a producer, in BullMQ'],
        ['Still running', OVERLAP[schedule.overlap]],
        ['Missed', MISSED[schedule.missed]],
        schedule.start !== null && ['Start', <Ago at={schedule.start} />],
        schedule.end !== null && ['End', <Ago at={schedule.end} />],
        schedule.limit !== null && ['Limit', plural(schedule.limit, 'tick')],
        schedule.ticks !== null && ['Ticks', plural(schedule.ticks, 'tick') + ' since it was set or resumed'],
        webhook !== null && ['At its end', <UserText text={webhook.url ?? webhook.endpoint ?? ''} />],
        schedule.created_at !== null && ['Set first', <Ago at={schedule.created_at} />],
        schedule.updated_at !== null && ['Changed', <Ago at={schedule.updated_at} />],
      ]}
    />
  );
};

/** What each tick runs. */
function Content({ schedule: { execution, task } }: { schedule: Schedule }): JSX.Element {
  const content = execution ?? task ?? {};
  const { workflow_code: code = content['code'], parameters, ...rest } = content;
  const about = (name: string, of = rest[name]): [string, ComponentChildren] | false =>
    of != null && [
      name.replaceAll('_', ' '),
      <UserText text={typeof of === 'string' ? of : JSON.stringify(of)} />,
    ];
  const hasParameters =
    typeof parameters === 'object' && parameters !== null && Object.keys(parameters).length > 0;
  return (
    <>
      <Panel title="What each tick runs" flush={typeof code === 'string'}>
        {typeof code === 'string' ? (
          <div class="editor-box small">
            <Editor value={code} label="Code" language="typescript" />
          </div>
        ) : (
          <Facts
            rows={[
              about('file_path'),
              about('function_name'),
              execution === null && task === null && ['Content', 'its context is not kept any more'],
            ]}
          />
        )}
        <div class={typeof code === 'string' ? 'padded' : 'below'}>
          <Facts
            rows={Object.keys(rest)
              .filter(
                (name) =>
                  !['code', 'file_path', ...(typeof code === 'string' ? [] : ['function_name'])].includes(
                    name,
                  ),
              )
              .map((name) => about(name))}
          />
        </div>
      </Panel>
      {hasParameters && (
        <Panel title="Parameters" flush>
          <JsonView value={parameters} label="Parameters" />
        </Panel>
      )}
    </>
  );
}

/** Its ticks, the newest first. */
function History({ id, ticks }: { id: string; ticks: LiveList }): JSX.Element {
  // The tick that comes next waits on the queue already.
  const rows = (ticks.rows ?? []).filter(({ status }) => status !== 'delayed');
  return (
    <Panel
      title="History"
      note={
        <Link to="/executions" query={{ schedule: id }}>
          All in the list
        </Link>
      }
      flush
    >
      {ticks.error && !ticks.rows ? (
        <Failure error={ticks.error} retry={ticks.reload} />
      ) : !ticks.rows ? (
        <Loading what="its ticks" />
      ) : rows.length === 0 ? (
        <Empty title="It has not ticked yet" />
      ) : (
        <>
          <Strip rows={rows.filter(isEnded).slice(0, IN_STRIP).toReversed()} />
          <ul class="short-list">
            {rows.slice(0, SHOWN).map((one) => (
              <li key={keyOf(one)}>
                <Link to={`/executions/${encodeURIComponent(one.execution_id)}`}>
                  <Status state={one.status} />
                  <Id id={one.execution_id} />
                  <span class="note">{isEnded(one) ? duration(one.duration_ms) : ''}</span>
                  <span class="note">
                    <Ago at={isEnded(one) ? one.finished_at : one.queued_at} />
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** How long the latest ticks took and how they ended: a bar for each, the newest last. The list below says the same. */
function Strip({ rows }: { rows: readonly EndedRow[] }): JSX.Element | null {
  if (rows.length < 2) return null;
  const longest = Math.max(...rows.map(({ duration_ms: ms }) => ms), 1);
  return (
    <div class="strip" aria-hidden="true">
      {rows.map((one) => (
        <span
          key={keyOf(one)}
          class={toneOf(one.status)}
          style={{ height: `${Math.max(8, (one.duration_ms / longest) * 100)}%` }}
          title={`${dayTime(one.finished_at)}: ${one.status.replace('_', ' ')}, ${duration(one.duration_ms)}`}
        />
      ))}
    </div>
  );
}
