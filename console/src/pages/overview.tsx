import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Listing } from '../../../src/contract/api/listing.js';
import { ask } from '../api/client.js';
import { followChanges } from '../api/live.js';
import { Empty, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { RateChart } from '../parts/chart.js';
import { Icon } from '../parts/icons.js';
import { Badge, Meter, Status } from '../parts/status.js';
import { Ago, Id, UserText } from '../parts/text.js';
import { findingsIn, isAlive, slotsOf } from '../state/findings.js';
import { type EndedRow, isEnded } from '../state/list-rows.js';
import { type RatePoints, Rates, SHOWN_SECONDS } from '../state/rates.js';
import { useResource } from '../state/resource.js';
import { may, seesAll } from '../state/rights.js';
import { useHealth, useQueue, useWorkers } from '../state/system.js';
import { count, duration, plural } from '../text/format.js';

const ENDED = 'succeeded,failed,timed_out,cancelled';

/** The whole system on one page. */
export function OverviewPage(): JSX.Element {
  const workers = useWorkers();
  const queue = useQueue();
  const health = useHealth();
  const recent = useRecent();
  const points = useRates(recent.data?.executions);
  if (seesAll.value && !workers.data && !queue.data) {
    const error = workers.error ?? queue.error;
    return error ? <Failure error={error} retry={workers.reload} /> : <Loading what="the system" />;
  }
  const slots = slotsOf(workers.data ?? []);
  const waits = (recent.data?.executions ?? []).map(({ queued_ms: ms }) => ms).toSorted((a, b) => a - b);
  const archive = health.data?.details['archive'];
  const grades = [
    ...new Set((workers.data ?? []).map(({ isolation_grade: grade }) => grade ?? '–')),
  ].toSorted();
  const rate = lastMinute(points);
  return (
    <>
      <PageHead title="Overview" />
      {seesAll.value && <Findings workers={workers.data} queue={queue.data} health={health.data} />}
      <div class="figures">
        <Figure name="Ended a second" note={`${percent(rate.bad, rate.all)} not well`}>
          {rate.all.toFixed(rate.all < 10 ? 1 : 0)}
        </Figure>
        {seesAll.value && (
          <Figure name="Waiting" to="/queue" note={`${count(queue.data?.delayed ?? 0)} delayed`}>
            {count(queue.data?.waiting)}
          </Figure>
        )}
        <Figure name="Wait before the start" note={`95 % within ${duration(quantile(waits, 0.95))}`}>
          {duration(quantile(waits, 0.5))}
        </Figure>
        {seesAll.value && (
          <>
            <Figure
              name="Slots in use"
              to="/workers"
              note={<Meter value={slots.all === 0 ? 0 : slots.used / slots.all} label="Slots in use" />}
            >
              {count(slots.used)} <small>of {count(slots.all)}</small>
            </Figure>
            <Figure name="Workers" to="/workers" note={`isolation grade ${grades.join(', ') || '–'}`}>
              {count(workers.data?.filter(isAlive).length)}
            </Figure>
            <Figure name="Not archived yet" to="/settings" note={archiveNote(archive)}>
              {typeof archive?.['waiting'] === 'number' ? count(archive['waiting']) : '–'}
            </Figure>
          </>
        )}
      </div>
      <div class="columns">
        <Panel
          title="Executions that ended"
          note={
            <>
              <span class="key good">well</span>
              <span class="key bad">not well</span> a second, last {SHOWN_SECONDS / 60} minutes
            </>
          }
        >
          <RateChart
            points={points}
            label={`Executions that ended a second: ${rate.all.toFixed(1)} in the last minute, ${rate.bad.toFixed(1)} of them not well`}
          />
        </Panel>
        <Failures />
      </div>
      <div class="columns even">
        <Panel title="Latest" note={<Link to="/executions">All executions</Link>} flush>
          {recent.error && !recent.data ? (
            <Failure error={recent.error} retry={recent.reload} />
          ) : recent.data?.executions.length === 0 ? (
            <Empty title="Nothing has ended in the last ten minutes">
              {may('submit') && <Link to="/playground">Try something in the playground</Link>}
            </Empty>
          ) : (
            <ul class="short-list">
              {recent.data?.executions.slice(0, 8).map((one) => (
                <li key={`${one.execution_id} ${one.run}`}>
                  <Link to={`/executions/${encodeURIComponent(one.execution_id)}`}>
                    <Status state={one.status} />
                    <Id id={one.execution_id} />
                    <span class="note">{duration(one.duration_ms)}</span>
                    <span class="note">
                      <Ago at={one.finished_at} />
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        {seesAll.value && (
          <Panel title="Workers" note={<Link to="/workers">All workers</Link>} flush>
            {workers.data?.length === 0 ? (
              <Empty title="No worker is alive" />
            ) : (
              <ul class="short-list">
                {workers.data?.slice(0, 8).map((worker) => (
                  <li key={worker.id}>
                    <Link to="/workers">
                      {isAlive(worker) ? <Status state={worker.state} /> : <Badge tone="bad">gone</Badge>}
                      <Id id={worker.id} />
                      <span class="note">{`${worker.running} of ${worker.concurrency}`}</span>
                      <Meter
                        value={worker.running / worker.concurrency}
                        label={`Slots of ${worker.id} in use`}
                      />
                    </Link>
                  </li>
                ))}
              </ul>
            )}
          </Panel>
        )}
      </div>
    </>
  );
}

function Findings(seen: Parameters<typeof findingsIn>[0]): JSX.Element {
  const found = findingsIn(seen);
  if (found.length === 0)
    return (
      <p class="all-well">
        <Icon name="ok" /> Nothing is wrong.
      </p>
    );
  return (
    <ul class="findings" aria-label="What is wrong now">
      {found.map(({ tone, title, advice, to }) => (
        <li class={tone} key={title}>
          <Icon name="warning" />
          <div>
            <strong>
              <UserText text={title} />
            </strong>
            <p>
              <UserText text={advice} />
            </p>
          </div>
          {to && <Link to={to}>Show</Link>}
        </li>
      ))}
    </ul>
  );
}

const Figure = ({
  name,
  note,
  to,
  children,
}: {
  name: string;
  note: ComponentChildren;
  to?: string;
  children: ComponentChildren;
}): JSX.Element => {
  const content = (
    <>
      <span class="figure-name">{name}</span>
      <span class="figure-value">{children}</span>
      <span class="figure-note">{note}</span>
    </>
  );
  return to ? (
    <Link to={to} class="figure">
      {content}
    </Link>
  ) : (
    <div class="figure">{content}</div>
  );
};

/** Failures of the last hour, by their code. */
function Failures(): JSX.Element {
  const failed = useResource(
    'failures',
    (signal) =>
      ask<Listing>(
        `/executions?status=failed,timed_out,cancelled&limit=500&since=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}`,
        { signal },
      ),
    10_000,
  );
  const codes = new Map<string, number>();
  for (const one of failed.data?.executions ?? [])
    if (isEnded(one)) codes.set(one.failure_code ?? 'none', (codes.get(one.failure_code ?? 'none') ?? 0) + 1);
  const rows = [...codes].toSorted(([, a], [, b]) => b - a);
  const most = rows[0]?.[1] ?? 1;
  const all = rows.reduce((sum, [, n]) => sum + n, 0);
  return (
    <Panel title="Not well, by code" note={all >= 500 ? 'the latest 500 of the last hour' : 'last hour'}>
      {failed.error && !failed.data ? (
        <Failure error={failed.error} retry={failed.reload} />
      ) : !failed.data ? (
        <Loading what="failures" />
      ) : rows.length === 0 ? (
        <Empty title="None" />
      ) : (
        <ul class="bars">
          {rows.map(([code, n]) => (
            <li key={code}>
              <Link to="/executions" query={{ status: 'failed,timed_out,cancelled', code }}>
                <span class="bars-name">{code}</span>
                <span class="number">{count(n)}</span>
                <span class="bars-track" aria-hidden="true">
                  <span style={{ width: `${(n / most) * 100}%` }} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** What ended in the time that the chart shows: read at once, and then a little at a time. */
const useRecent = () =>
  useResource(
    'recent',
    async (signal) => {
      const since = new Date(Date.now() - SHOWN_SECONDS * 1_000).toISOString();
      const page = await ask<Listing>(
        `/executions?status=${ENDED}&limit=500&since=${encodeURIComponent(since)}`,
        { signal },
      );
      return { executions: page.executions.filter(isEnded) };
    },
    5_000,
  );

/** Ends by time: what was read at first, and from then on what the workers say. */
function useRates(first: readonly EndedRow[] | undefined): RatePoints {
  const rates = useRef(new Rates());
  const openedAt = useRef(Date.now());
  const isFilled = useRef(false);
  const [, setTurn] = useState(0);
  if (first && !isFilled.current) {
    isFilled.current = true;
    for (const { finished_at: at, status } of first)
      if (Date.parse(at) < openedAt.current) rates.current.add(Date.parse(at), status === 'succeeded');
  }
  useEffect(() => {
    const unfollow = followChanges((changes) => {
      for (const change of changes)
        if (change.type === 'ended' && Date.parse(change.at) >= openedAt.current)
          rates.current.add(Date.parse(change.at), change.status === 'succeeded');
    });
    const timer = setInterval(() => setTurn((n) => n + 1), 2_000);
    return () => {
      unfollow();
      clearInterval(timer);
    };
  }, []);
  const tick = Math.floor(Date.now() / 2_000);
  return useMemo(() => rates.current.points(Date.now()), [tick, isFilled.current]);
}

function lastMinute({ good, bad }: RatePoints): { all: number; bad: number } {
  const mean = (values: readonly number[]): number => values.slice(-12).reduce((sum, n) => sum + n, 0) / 12;
  return { all: mean(good) + mean(bad), bad: mean(bad) };
}

const percent = (part: number, all: number): string =>
  all === 0 ? '0 %' : `${Math.round((part / all) * 100)} %`;

const quantile = (sorted: readonly number[], q: number): number | null =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? null;

function archiveNote(archive: Record<string, unknown> | undefined): ComponentChildren {
  if (!archive) return 'no archive here';
  const since = archive['waiting_since'];
  if (typeof since === 'string') return `the oldest for ${duration(Date.now() - Date.parse(since))}`;
  const lost = archive['lost'];
  return typeof lost === 'number' && lost > 0 ? (
    `${plural(lost, 'result')} lost`
  ) : (
    <Badge tone="good">up to date</Badge>
  );
}
