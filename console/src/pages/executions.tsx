import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ListedExecution } from '../../../src/contract/api/listing.js';
import { FAILURE_CODES } from '../../../src/contract/failure.js';
import { liveState } from '../api/live.js';
import { Button, Empty, Failure, Link, Loading, PageHead } from '../parts/basics.js';
import { BulkDialog } from '../parts/bulk.js';
import { SavedFilters, SaveFilterDialog } from '../parts/saved-filters.js';
import type { BulkAction } from '../state/bulk.js';
import { visibleText } from '../text/visible.js';
import { Icon } from '../parts/icons.js';
import { usePageKeys } from '../parts/keys.js';
import { Badge, Meter, Status } from '../parts/status.js';
import { Ago, Id, UserText } from '../parts/text.js';
import { Window } from '../parts/window.js';
import { online } from '../state/connection.js';
import { useExecutionList } from '../state/execution-list.js';
import { type EndedRow, isEnded, keyOf } from '../state/list-rows.js';
import { address, go, route, setQuery } from '../state/router.js';
import { may, seesAll } from '../state/rights.js';
import { useQueue } from '../state/system.js';
import { count, duration } from '../text/format.js';

const STATUSES = ['running', 'queued', 'delayed', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const;
/** Filters with a field of their own, as the query of the API names them. */
const FIELDS = [
  ['workflow', 'Workflow'],
  ['organization', 'Organization'],
  ['caller', 'Caller'],
  ['worker', 'Worker'],
  ['schedule', 'Schedule'],
  ['tag', 'Tag'],
  ['again_of', 'Again of'],
] as const;
const PERIODS = [
  ['', 'any time'],
  ['15m', 'last 15 minutes'],
  ['1h', 'last hour'],
  ['24h', 'last day'],
  ['7d', 'last 7 days'],
] as const;
const PERIOD_MS: Readonly<Record<string, number>> = { '15m': 9e5, '1h': 36e5, '24h': 864e5, '7d': 6048e5 };
const ROW = 44;

/** What is listed where no status is asked for: delayed ones would stand before all that have ended. */
const DEFAULT_STATUS = STATUSES.filter((status) => status !== 'delayed').join(',');

/** The query of the API for that of the page: a period becomes a time. */
export function filterOf(query: URLSearchParams, nowMs: number): URLSearchParams {
  const filter = new URLSearchParams(query);
  const periodMs = PERIOD_MS[filter.get('period') ?? ''];
  filter.delete('period');
  if (!filter.has('status')) filter.set('status', DEFAULT_STATUS);
  if (periodMs !== undefined) {
    // To the minute, so that the same question stays the same text.
    filter.set('since', new Date(Math.floor((nowMs - periodMs) / 60_000) * 60_000).toISOString());
  }
  return filter;
}

/** All executions, live. */
export function ExecutionsPage(): JSX.Element {
  const { query } = route.value;
  const [minute, setMinute] = useState(() => Math.floor(Date.now() / 60_000));
  useEffect(() => {
    const timer = setInterval(() => setMinute(Math.floor(Date.now() / 60_000)), 10_000);
    return () => clearInterval(timer);
  }, []);
  const filter = useMemo(() => filterOf(query, Date.now()), [query, minute]);
  const list = useExecutionList(filter.toString(), query.toString());
  const [chosen, setChosen] = useState<string | null>(null);
  const [bulk, setBulk] = useState<BulkAction | null>(null);
  const [picked, setPicked] = useState<ReadonlyMap<string, ListedExecution>>(new Map());
  const [goTo, setGoTo] = useState<{ index: number } | null>(null);
  const rows = list.rows ?? [];
  const selected = useMemo(
    () => (chosen === null ? -1 : rows.findIndex((one) => keyOf(one) === chosen)),
    [rows, chosen],
  );
  useEffect(() => setPicked(new Map()), [query]);
  const pick = (one: ListedExecution | undefined): void => {
    if (!one) return;
    const next = new Map(picked);
    if (!next.delete(keyOf(one))) next.set(keyOf(one), one);
    setPicked(next);
  };
  const open = (index: number): void => {
    const one = rows[index];
    if (one) go(address(`/executions/${encodeURIComponent(one.execution_id)}`));
  };
  const select = (change: number): void => {
    const index = Math.max(0, Math.min(rows.length - 1, selected + change));
    const one = rows[index];
    if (!one) return;
    setChosen(keyOf(one));
    setGoTo({ index });
  };
  usePageKeys({
    j: () => select(1),
    k: () => select(-1),
    ...(selected >= 0 ? { Enter: () => open(selected), x: () => pick(rows[selected]) } : {}),
  });
  return (
    <div class="full">
      <PageHead
        title="Executions"
        about={<LiveNote shown={rows.length} hasMore={list.hasMore} leavesOut={!query.has('status')} />}
      >
        {picked.size > 0 && (
          <Button kind="quiet" icon="close" onClick={() => setPicked(new Map())}>
            {`${count(picked.size)} picked`}
          </Button>
        )}
        {may('submit') && (
          <>
            <Button icon="again" onClick={() => setBulk('again')}>
              Run again…
            </Button>
            <Button icon="stop" onClick={() => setBulk('cancel')}>
              Cancel…
            </Button>
          </>
        )}
        {may('operate') && (
          <Button icon="remove" onClick={() => setBulk('delete')}>
            Delete…
          </Button>
        )}
      </PageHead>
      <Filters query={query} />
      <SavedFilters path="/executions" query={query} />
      {list.historyAway !== null && (
        <p class="hint warn">
          <Icon name="warning" /> Executions that have ended are missing here:{' '}
          <UserText text={list.historyAway} />
        </p>
      )}
      {list.error &&
        (list.rows ? (
          <p class="hint warn" role="alert">
            <Icon name="warning" /> The list could not be read again: <UserText text={list.error.message} />
          </p>
        ) : (
          <Failure error={list.error} retry={list.reload} />
        ))}
      {!list.rows && !list.error && <Loading what="executions" />}
      {list.rows && rows.length === 0 && (
        <Empty title={query.size > 0 ? 'Nothing matches these filters' : 'There are no executions yet'}>
          {query.size > 0 ? (
            <Button onClick={() => go(address('/executions'))}>Clear the filters</Button>
          ) : (
            may('submit') && <Link to="/playground">Run something in the playground</Link>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <>
          <div class={may('submit') ? 'row head' : 'row head plain'} aria-hidden="true">
            <span>Status</span>
            <span>Execution</span>
            <span class="wide-only">Workflow</span>
            <span class="wide-only">Worker</span>
            <span class="number">Took</span>
            <span class="number">When</span>
          </div>
          {list.hasNews && (
            <button type="button" class="news" onClick={() => setGoTo({ index: 0 })}>
              <Icon name="up" /> There are newer ones
            </button>
          )}
          <Window
            class="rows"
            label="Executions"
            role="list"
            rows={rows.length}
            rowHeight={ROW}
            goTo={goTo}
            onEnd={list.loadMore}
            onTop={list.setAtTop}
            render={(index) => {
              const one = rows[index] as ListedExecution;
              return (
                <Row
                  key={keyOf(one)}
                  one={one}
                  isSelected={index === selected}
                  isPicked={picked.has(keyOf(one))}
                  onPick={() => pick(one)}
                />
              );
            }}
          />
        </>
      )}
      {bulk && (
        <BulkDialog
          action={bulk}
          target={picked.size > 0 ? { picked: [...picked.values()] } : { filter }}
          onClose={(isDone) => {
            setBulk(null);
            if (!isDone) return;
            setPicked(new Map());
            list.reload();
          }}
        />
      )}
    </div>
  );
}

function LiveNote({
  shown,
  hasMore,
  leavesOut,
}: {
  shown: number;
  hasMore: boolean;
  /** Those that are delayed. */
  leavesOut: boolean;
}): JSX.Element {
  // The stream of events may not know yet that nothing comes any more.
  const state = online.value ? liveState.value : 'lost';
  return (
    <>
      <Badge tone={state === 'live' ? 'good' : state === 'lost' ? 'warn' : 'idle'}>
        {state === 'live' ? 'live' : state === 'lost' ? 'connection lost' : 'connecting'}
      </Badge>{' '}
      {count(shown)}
      {hasMore ? ' shown, more below' : ' shown'}
      {leavesOut && seesAll.value && <LeftOut />}
    </>
  );
}

/** Those that are delayed stand before all that have ended, and are asked for by a filter. */
function LeftOut(): JSX.Element | null {
  const delayed = useQueue(10_000).data?.delayed ?? 0;
  if (delayed === 0) return null;
  return (
    <>
      {' · '}
      <Link to="/executions" query={{ status: 'delayed' }}>
        {count(delayed)} delayed
      </Link>{' '}
      left out
    </>
  );
}

function Filters({ query }: { query: URLSearchParams }): JSX.Element {
  const statuses = new Set((query.get('status') ?? '').split(',').filter(Boolean));
  const [text, setText] = useState(query.get('text') ?? '');
  const [saves, setSaves] = useState(false);
  const [showsMore, setShowsMore] = useState(FIELDS.some(([name]) => query.has(name)));
  useEffect(() => setText(query.get('text') ?? ''), [query]);
  const toggle = (status: string): void => {
    const next = new Set(statuses);
    if (!next.delete(status)) next.add(status);
    setQuery({ status: [...next].join(',') });
  };
  return (
    <div class="filters">
      <div class="filter-row">
        <form
          class="search"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            setQuery({ text: text.trim() });
          }}
        >
          <label>
            <span class="hidden">Search in ids, errors and tags</span>
            <input
              type="search"
              placeholder="Search"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
              onBlur={() => text.trim() !== (query.get('text') ?? '') && setQuery({ text: text.trim() })}
            />
          </label>
        </form>
        <div class="chips" role="group" aria-label="Status">
          {STATUSES.map((status) => (
            <button
              type="button"
              class="chip"
              aria-pressed={statuses.has(status)}
              onClick={() => toggle(status)}
            >
              {status.replace('_', ' ')}
            </button>
          ))}
        </div>
        <label class="select">
          <span class="hidden">Failure code</span>
          <select
            value={query.get('code') ?? ''}
            onChange={(event) => setQuery({ code: event.currentTarget.value })}
          >
            <option value="">any code</option>
            {FAILURE_CODES.map((code) => (
              <option value={code}>{code}</option>
            ))}
          </select>
        </label>
        <label class="select">
          <span class="hidden">Ended in</span>
          <select
            value={query.get('period') ?? ''}
            onChange={(event) => setQuery({ period: event.currentTarget.value })}
          >
            {PERIODS.map(([value, name]) => (
              <option value={value}>{name}</option>
            ))}
          </select>
        </label>
        <Button kind="quiet" aria-expanded={showsMore} onClick={() => setShowsMore(!showsMore)}>
          More
        </Button>
        {query.size > 0 && (
          <>
            <Button kind="quiet" icon="filter" onClick={() => setSaves(true)}>
              Save…
            </Button>
            <Button kind="quiet" icon="close" onClick={() => go(address('/executions'))}>
              Clear
            </Button>
          </>
        )}
        {saves && <SaveFilterDialog query={query} onClose={() => setSaves(false)} />}
      </div>
      {showsMore && (
        <div class="filter-row more">
          {FIELDS.map(([name, label]) => (
            <label class="field">
              <span>{label}</span>
              <input
                value={query.get(name) ?? ''}
                onChange={(event) => setQuery({ [name]: event.currentTarget.value.trim() })}
              />
            </label>
          ))}
        </div>
      )}
    </div>
  );
}

function Row({
  one,
  isSelected,
  isPicked,
  onPick,
}: {
  one: ListedExecution;
  isSelected: boolean;
  isPicked: boolean;
  onPick: () => void;
}): JSX.Element {
  const hasEnded = isEnded(one);
  const classes = ['row-box', ...(isSelected ? ['selected'] : []), ...(isPicked ? ['picked'] : [])];
  return (
    <div role="listitem" class={classes.join(' ')}>
      {may('submit') && (
        <label class="pick">
          <input
            type="checkbox"
            checked={isPicked}
            onChange={onPick}
            aria-label={`Pick ${visibleText(one.execution_id)}`}
          />
        </label>
      )}
      <Link class="row" to={`/executions/${encodeURIComponent(one.execution_id)}`}>
        <span>
          <Status state={one.status} />
        </span>
        <span class="row-main">
          <Id id={one.execution_id} />
          <span class="row-about">{about(one)}</span>
        </span>
        <span class="wide-only cut">
          {one.workflow_id === null ? <i>–</i> : <UserText text={one.workflow_id} />}
        </span>
        <span class="wide-only cut">
          {'worker_id' in one && one.worker_id !== '' ? <UserText text={one.worker_id} /> : <i>–</i>}
        </span>
        <span class="number">{hasEnded ? duration(one.duration_ms) : took(one)}</span>
        <span class="number">
          <Ago at={hasEnded ? one.finished_at : one.status === 'running' ? one.started_at : one.queued_at} />
        </span>
      </Link>
    </div>
  );
}

function took(one: Exclude<ListedExecution, EndedRow>): JSX.Element | string {
  if (one.status !== 'running') return '–';
  return one.progress ? (
    <Meter value={one.progress.fraction} label={`Progress of ${one.execution_id}`} />
  ) : (
    '…'
  );
}

/** The one thing to know of it beside its status. */
function about(one: ListedExecution): JSX.Element | null {
  if (isEnded(one)) {
    if (one.failure_code === null) return null;
    return (
      <>
        {one.failure_code}
        {one.error !== null && (
          <>
            {' · '}
            <UserText text={one.error.split('\n', 1)[0] ?? ''} />
          </>
        )}
      </>
    );
  }
  if (one.status === 'running')
    return one.progress?.message ? <UserText text={one.progress.message} /> : <>attempt {one.attempt}</>;
  return (
    <>
      {one.waiting.position !== null && `#${one.waiting.position} · `}
      {one.waiting.reason}
    </>
  );
}
