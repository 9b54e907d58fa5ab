import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Input } from '../../../src/contract/api/input.js';
import type { Listing } from '../../../src/contract/api/listing.js';
import { FAILURES } from '../../../src/contract/failure.js';
import type { AttemptRecord, ExecutionResult, StartRecord } from '../../../src/contract/result.js';
import type { Waiting } from '../../../src/contract/waiting.js';
import { ask, executionPath } from '../api/client.js';
import { AgainDialog } from '../parts/again.js';
import { Artifacts } from '../parts/artifacts.js';
import { Button, Facts, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { Confirm } from '../parts/confirm.js';
import { Deliveries } from '../parts/deliveries.js';
import { Editor } from '../parts/editor.js';
import { ErrorStack } from '../parts/error-stack.js';
import { Icon } from '../parts/icons.js';
import { JsonView } from '../parts/json.js';
import { LogView } from '../parts/log-view.js';
import { Meter, Status } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { Ago, Id, Markdown, UserText } from '../parts/text.js';
import { Waterfall } from '../parts/waterfall.js';
import { perform } from '../state/notices.js';
import { type Resource, useResource } from '../state/resource.js';
import { may } from '../state/rights.js';
import { address, go } from '../state/router.js';
import { schedulePath } from '../state/schedules.js';
import { ago, count, dayTime, duration, megabytes, plural } from '../text/format.js';

/** `GET /executions/:id`: the result document, or what is known before there is one. */
export type ExecutionView = Partial<Omit<ExecutionResult, 'status'>> & {
  execution_id: string;
  status: ExecutionResult['status'] | 'stored' | 'queued' | 'delayed' | 'running';
  waiting?: Waiting;
};

const OPEN = new Set(['stored', 'queued', 'delayed', 'running']);
const POLL_MS = 1_500;
/** Fits into the height of a message (pages.css), also on a phone. */
const mayScroll = (message: string): boolean => message.length > 400 || message.split('\n').length > 10;

/** Reads an execution, again and again until it has ended. */
export function useExecution(id: string): Resource<ExecutionView> {
  const [isOpen, setOpen] = useState(true);
  const read = useResource(
    `execution ${id}`,
    async (signal) => {
      const view = await ask<ExecutionView>(executionPath(id), { signal });
      setOpen(OPEN.has(view.status));
      return view;
    },
    isOpen ? POLL_MS : 0,
  );
  return read;
}

/** One execution: what became of it, where its time went, what it printed. */
export function ExecutionPage({ id }: { id: string }): JSX.Element {
  const { data: view, error, reload } = useExecution(id);
  const [asks, setAsks] = useState<'again' | 'delete' | null>(null);
  if (!view) return error ? <Failure error={error} retry={reload} /> : <Loading what="the execution" />;
  const isOpen = OPEN.has(view.status);
  const cancel = (): Promise<boolean> =>
    perform(async () => {
      await ask(`${executionPath(id)}?reason=${encodeURIComponent('cancelled from the console')}`, {
        method: 'DELETE',
      });
      reload();
      return 'It is being cancelled.';
    });
  return (
    <div class="execution">
      <nav class="crumbs" aria-label="Where this is">
        <Link to="/executions">
          <Icon name="back" /> Executions
        </Link>
      </nav>
      <PageHead
        title={<Id id={view.execution_id} />}
        about={
          <>
            <Status state={view.status} /> {summaryOf(view)}
          </>
        }
      >
        {isOpen ? (
          may('submit') && (
            <Button
              icon="stop"
              kind="danger"
              onClick={() => void cancel()}
              disabled={view.cancellation !== undefined}
            >
              {view.cancellation === undefined ? 'Cancel' : 'Being cancelled…'}
            </Button>
          )
        ) : (
          <>
            {may('submit') && (
              <Button icon="again" onClick={() => setAsks('again')}>
                Run again…
              </Button>
            )}
            {may('operate') && (
              <Button icon="remove" onClick={() => setAsks('delete')}>
                Delete…
              </Button>
            )}
          </>
        )}
      </PageHead>
      {view.waiting && <WaitingNote waiting={view.waiting} />}
      {view.progress && isOpen && (
        <div class="progress">
          <Meter value={view.progress.fraction} label="Progress" />
          <span>
            {Math.round(view.progress.fraction * 100)} %{' '}
            {view.progress.message !== null && <UserText text={view.progress.message} />}
          </span>
        </div>
      )}
      {view.failure && <FailurePanel view={view} />}
      <div class="columns">
        <div class="stack">
          <Panel title="Log" flush>
            <LogView id={id} onEnd={reload} />
          </Panel>
          {view.artifacts && view.artifacts.length > 0 && <Artifacts id={id} artifacts={view.artifacts} />}
          <InputPanels id={id} />
          {!isOpen && view.result !== undefined && view.result !== null && (
            <Panel title="Returned value" flush>
              <JsonView value={view.result} label="Returned value" />
            </Panel>
          )}
          {view.variables && Object.keys(view.variables).length > 0 && (
            <Panel title="Variables" flush>
              <JsonView value={view.variables} label="Variables" />
            </Panel>
          )}
          {view.attempts && <Attempts attempts={view.attempts} />}
          {view.start_history && <Starts starts={view.start_history} />}
          {!isOpen && <Deliveries of={executionPath(id)} turn={view.status} />}
        </div>
        <div class="stack">
          {view.metrics && (
            <Panel title="Where the time went">
              <Waterfall metrics={view.metrics} />
            </Panel>
          )}
          <Panel title="Facts">
            <ExecutionFacts view={view} />
          </Panel>
          <Relatives view={view} />
        </div>
      </div>
      {asks === 'again' && (
        <AgainDialog
          view={view}
          onClose={() => setAsks(null)}
          onDone={(next) => go(address(`/executions/${encodeURIComponent(next)}`))}
        />
      )}
      {asks === 'delete' && (
        <Confirm
          title="Delete"
          verb="Delete it"
          onClose={() => setAsks(null)}
          work={async () => {
            await ask(`${executionPath(id)}/record`, { method: 'DELETE' });
            go(address('/executions'));
            return 'It is deleted.';
          }}
        >
          <p>
            Everything that is kept of it goes for good: its result, log, parameters, artifacts and its row in
            the history.
          </p>
        </Confirm>
      )}
    </div>
  );
}

function summaryOf(view: ExecutionView): ComponentChildren {
  if (view.finished_at !== undefined)
    return (
      <>
        in {duration(view.duration_ms)}, <Ago at={view.finished_at} />
      </>
    );
  if (view.status !== 'running') return view.waiting?.reason ?? null;
  return (
    <>
      since <Ago at={view.started_at} /> on <UserText text={view.worker_id ?? 'a worker'} />
    </>
  );
}

const WaitingNote = ({ waiting }: { waiting: Waiting }): JSX.Element => (
  <div class="waiting" role="status">
    <Icon name="queue" />
    <div>
      <strong>Why it waits: {waiting.reason}</strong>
      <p>
        {waiting.detail}.{' '}
        {waiting.position !== null && `It is number ${count(waiting.position)} of ${count(waiting.queued)}. `}
        {waiting.age_ms !== null && `It was added ${duration(waiting.age_ms)} ago.`}
      </p>
    </div>
  </div>
);

function FailurePanel({ view }: { view: ExecutionView }): JSX.Element | null {
  const { failure } = view;
  if (!failure) return null;
  const { evidence, code } = failure;
  const row = FAILURES[code];
  return (
    <section class={code === 'CANCELLED' ? 'failure calm' : 'failure'} aria-label="Why it failed">
      <header>
        <h2>{code}</h2>
        <p>
          <Markdown text={row.meaning} />
        </p>
      </header>
      {/* Who reads by keyboard scrolls what has the focus. */}
      <div
        class="failure-message"
        {...(mayScroll(failure.message) ? { tabIndex: 0, role: 'group', 'aria-label': 'Message' } : {})}
      >
        <UserText text={failure.message} links />
      </div>
      {failure.stack && <ErrorStack stack={failure.stack} generation={view.workspace_generation ?? null} />}
      {evidence.blocked_stack !== undefined && (
        <>
          <h3>Where it was blocked</h3>
          <ErrorStack stack={evidence.blocked_stack} generation={view.workspace_generation ?? null} />
        </>
      )}
      <Facts
        rows={[
          evidence.waiting !== undefined && ['It waited for', <UserText text={evidence.waiting} />],
          evidence.limit !== undefined && ['Limit', <UserText text={evidence.limit} />],
          evidence.field !== undefined && ['Field', <UserText text={evidence.field} />],
          evidence.signal != null && ['Signal', <UserText text={evidence.signal} />],
          evidence.exit_code != null && ['Exit code', String(evidence.exit_code)],
          ['Fault', row.fault],
          ['What to do', <Markdown text={row.remedy} />],
        ]}
      />
      {evidence.error && <JsonView value={evidence.error} label="Fields of the error" />}
      {evidence.locals && <JsonView value={evidence.locals} label="Local variables" />}
      {evidence.stderr_tail !== undefined && evidence.stderr_tail !== '' && (
        <>
          <h3>End of stderr</h3>
          <pre class="stack-text" tabIndex={0}>
            <UserText text={evidence.stderr_tail} />
          </pre>
        </>
      )}
    </section>
  );
}

const ExecutionFacts = ({ view }: { view: ExecutionView }): JSX.Element => {
  const { isolation, metrics } = view;
  return (
    <Facts
      rows={[
        view.workflow_id != null && [
          'Workflow',
          <Link to="/executions" query={{ workflow: view.workflow_id }}>
            <UserText text={view.workflow_id} />
          </Link>,
        ],
        view.organization?.id != null && [
          'Organization',
          <Link to="/executions" query={{ organization: view.organization.id }}>
            <UserText text={view.organization.id} />
          </Link>,
        ],
        view.caller?.email != null && ['Caller', <UserText text={view.caller.email} />],
        view.tags && view.tags.length > 0 && ['Tags', <UserText text={view.tags.join(', ')} />],
        view.schedule && [
          'Schedule',
          <Link to={schedulePath(view.schedule.id)}>
            <UserText text={view.schedule.id} />
          </Link>,
        ],
        view.waiting?.until != null && ['Not before', dayTime(view.waiting.until)],
        view.waiting?.age_ms != null && ['Added', ago(view.waiting.age_ms)],
        view.worker_id !== undefined && ['Worker', <UserText text={view.worker_id} />],
        view.attempt !== undefined && ['Attempt', count(view.attempt)],
        view.starts !== undefined && view.starts > 1 && ['Starts', count(view.starts)],
        view.run !== undefined && view.run > 1 && ['Run', count(view.run)],
        view.started_at !== undefined && ['Started', <Ago at={view.started_at} />],
        view.finished_at !== undefined && ['Ended', <Ago at={view.finished_at} />],
        metrics?.cpu_total_seconds != null && ['CPU time', duration(metrics.cpu_total_seconds * 1_000)],
        metrics?.peak_memory_mb != null && ['Memory', megabytes(metrics.peak_memory_mb)],
        isolation && [
          'Isolation',
          `grade ${isolation.grade}, level ${isolation.level}, network ${isolation.network}`,
        ],
        view.workspace_generation != null && [
          'Workspace',
          <Link to="/workspace" query={{ generation: String(view.workspace_generation) }}>
            generation {view.workspace_generation}
          </Link>,
        ],
        view.package_set != null && ['Package set', <Id id={view.package_set.slice(0, 12)} />],
        view.cancellation && [
          'Cancelled',
          <UserText text={view.cancellation.reason ?? 'without a reason'} />,
        ],
      ]}
    />
  );
};

/** What it was asked to run; nothing where that is not kept. */
function InputPanels({ id }: { id: string }): JSX.Element | null {
  const { data: input } = useResource(`input ${id}`, (signal) =>
    ask<Input>(`${executionPath(id)}/input`, { signal }),
  );
  const [showsCode, setShowsCode] = useState(false);
  if (!input) return null;
  const { parameters, workflow_code: code } = input;
  return (
    <>
      {parameters !== null && Object.keys(parameters).length > 0 && (
        <Panel title="Parameters" flush>
          <JsonView value={parameters} label="Parameters" />
        </Panel>
      )}
      <Panel
        title="What it runs"
        note={
          code !== null && (
            <Button kind="quiet" aria-expanded={showsCode} onClick={() => setShowsCode(!showsCode)}>
              {showsCode ? 'Hide the code' : 'Show the code'}
            </Button>
          )
        }
        flush={showsCode}
      >
        {showsCode && code !== null ? (
          <div class="editor-box">
            <Editor value={code} label="Code" language="typescript" />
          </div>
        ) : (
          <Facts
            rows={[
              [
                'Code',
                code === null
                  ? 'a module of the workspace'
                  : `came with the request, ${plural(code.length, 'character')}`,
              ],
              input.file_path !== null && ['Module', <UserText text={input.file_path} />],
              input.function_name !== null && ['Function', <UserText text={input.function_name} />],
              input.timeout_seconds !== null && ['Time limit', duration(input.timeout_seconds * 1_000)],
              input.secrets.length > 0 && ['Secrets', <UserText text={input.secrets.join(', ')} />],
            ]}
          />
        )}
      </Panel>
    </>
  );
}

/** The executions before and after it. */
function Relatives({ view }: { view: ExecutionView }): JSX.Element | null {
  const after = useResource(`after ${view.execution_id} ${view.status}`, (signal) =>
    ask<Listing>(`/executions?limit=10&again_of=${encodeURIComponent(view.execution_id)}`, { signal }),
  );
  const before = view.again_of ?? null;
  const later = after.data?.executions ?? [];
  if (before === null && later.length === 0) return null;
  return (
    <Panel title="Runs before and after" flush>
      <ul class="short-list">
        {before !== null && (
          <li>
            <Link to={`/executions/${encodeURIComponent(before)}`}>
              <span class="note">again of</span> <Id id={before} />
            </Link>
          </li>
        )}
        {later.map((one) => (
          <li key={one.execution_id}>
            <Link to={`/executions/${encodeURIComponent(one.execution_id)}`}>
              <Status state={one.status} /> <Id id={one.execution_id} />
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const Attempts = ({ attempts }: { attempts: readonly AttemptRecord[] }): JSX.Element => (
  <Panel title="Attempts" note={plural(attempts.length, 'attempt')} flush>
    <Table label="Attempts" heads={['#', 'Status', 'Worker', { text: 'Took', class: 'number' }, 'Error']}>
      {attempts.map((one) => (
        <tr key={one.attempt}>
          <td>{one.attempt}</td>
          <td>
            <Status state={one.status} />
          </td>
          <td>
            <UserText text={one.worker_id} />
          </td>
          <td class="number">{duration(one.duration_ms)}</td>
          <td class="cut">{one.error !== null && <UserText text={one.error} />}</td>
        </tr>
      ))}
    </Table>
  </Panel>
);

const Starts = ({ starts }: { starts: readonly StartRecord[] }): JSX.Element => (
  <Panel title="Starts" note="every time a worker was given its code" flush>
    <Table label="Starts" heads={['#', 'Worker', 'Started', 'How it ended']}>
      {starts.map((one) => (
        <tr key={one.start}>
          <td>{one.start}</td>
          <td>
            <UserText text={one.worker_id} />
          </td>
          <td>
            <Ago at={one.started_at} />
          </td>
          <td>{one.ended.replace('_', ' ')}</td>
        </tr>
      ))}
    </Table>
  </Panel>
);
