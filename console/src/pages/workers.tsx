import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ControlAnswer } from '../../../src/contract/control.js';
import type { CountedWorker, RunnerRecord } from '../../../src/contract/worker-record.js';
import { ask } from '../api/client.js';
import { Button, Empty, Facts, Failure, Link, Loading, PageHead } from '../parts/basics.js';
import { Confirm } from '../parts/confirm.js';
import { Badge, Meter, Status } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { Id, UserText } from '../parts/text.js';
import { now } from '../state/clock.js';
import { notify, perform } from '../state/notices.js';
import { mayOperateAll } from '../state/rights.js';
import { isAlive } from '../state/findings.js';
import { useWorkers } from '../state/system.js';
import { count, duration, megabytes, plural } from '../text/format.js';

type Order = 'drain' | 'pause' | 'resume' | 'recycle';

/** Workers that beat less often than this are about to be taken for dead. */
const SILENT_MS = 20_000;

async function send(id: string, order: Order, pid?: number): Promise<void> {
  const query = pid === undefined ? '' : `?pid=${pid}`;
  const { answers } = await ask<{ answers: ControlAnswer[] }>(
    `/workers/${encodeURIComponent(id)}/${order}${query}`,
    { method: 'POST' },
  );
  if (answers.length === 0) notify('No worker answered; see whether it did it.', true);
  for (const { worker_id: worker, obeyed, detail } of answers) notify(`${worker}: ${detail}`, !obeyed);
}

/** The workers that are alive, and what each of their runners does. */
export function WorkersPage(): JSX.Element {
  const { data: workers, error, reload } = useWorkers(2_000);
  const [drains, setDrains] = useState<CountedWorker | null>(null);
  if (!workers) return error ? <Failure error={error} retry={reload} /> : <Loading what="the workers" />;
  const work = async (id: string, what: Order, pid?: number): Promise<undefined> => {
    await send(id, what, pid);
    reload();
  };
  const order = (id: string, what: Order, pid?: number): Promise<boolean> =>
    perform(() => work(id, what, pid));
  return (
    <>
      <PageHead title="Workers" about={plural(workers.filter(isAlive).length, 'is', 'are') + ' alive'}>
        {workers.length > 1 && mayOperateAll() && (
          <>
            <Button icon="pause" onClick={() => void order('all', 'pause')}>
              Pause all
            </Button>
            <Button icon="play" onClick={() => void order('all', 'resume')}>
              Resume all
            </Button>
          </>
        )}
      </PageHead>
      {workers.length === 0 && (
        <Empty title="No worker is alive">
          <p>Nothing runs until one is started with this Redis: npm start, or another container.</p>
        </Empty>
      )}
      {workers.map((worker) => (
        <WorkerPanel
          key={worker.id}
          worker={worker}
          onOrder={(what, pid) => void order(worker.id, what, pid)}
          onDrain={() => setDrains(worker)}
        />
      ))}
      {drains && (
        <Confirm
          title={`Drain ${drains.id}`}
          verb="Drain it"
          onClose={() => setDrains(null)}
          work={() => work(drains.id, 'drain')}
        >
          <p>
            It takes nothing new, finishes what runs ({count(drains.running)} now), and ends. It has to be
            started again from outside.
          </p>
        </Confirm>
      )}
    </>
  );
}

function WorkerPanel({
  worker,
  onOrder,
  onDrain,
}: {
  worker: CountedWorker;
  onOrder: (order: Order, pid?: number) => void;
  onDrain: () => void;
}): JSX.Element {
  const silentMs = now.value - Date.parse(worker.heartbeat_at);
  const isPaused = worker.state === 'PAUSED';
  const isGone = !isAlive(worker);
  return (
    <section class={isGone ? 'panel worker gone-worker' : 'panel worker'} aria-label={`Worker ${worker.id}`}>
      <header>
        <h2>
          <Id id={worker.id} />
        </h2>
        {isGone ? <Badge tone="bad">gone</Badge> : <Status state={worker.state} />}
        {silentMs > SILENT_MS && <Badge tone="bad">silent for {duration(silentMs)}</Badge>}
        <span class="spread" />
        {isGone ? (
          <p class="note">It was killed or is frozen. Another worker takes over what it ran.</p>
        ) : (
          mayOperateAll() && (
            <div class="actions">
              <Button
                icon={isPaused ? 'play' : 'pause'}
                onClick={() => onOrder(isPaused ? 'resume' : 'pause')}
              >
                {isPaused ? 'Resume' : 'Pause'}
              </Button>
              <Button icon="again" onClick={() => onOrder('recycle')}>
                Recycle runners
              </Button>
              <Button icon="leave" onClick={onDrain}>
                Drain…
              </Button>
            </div>
          )
        )}
      </header>
      <div class="panel-body">
        <div class="worker-slots">
          <Meter value={worker.running / worker.concurrency} label={`Slots of ${worker.id} in use`} />
          <span>
            {count(worker.running)} of {count(worker.concurrency)} slots
          </span>
        </div>
        <Facts
          rows={[
            [
              'Host',
              <>
                <UserText text={worker.host} />, pid {worker.pid}
              </>,
            ],
            ['Version', worker.version],
            ['Alive for', duration(now.value - Date.parse(worker.started_at))],
            [
              'Isolation',
              worker.isolation_grade === undefined
                ? 'not tested yet'
                : `grade ${worker.isolation_grade}, level ${worker.isolation ?? 'none'}, network ${worker.network ?? 'none'}`,
            ],
            [
              'Workspace',
              worker.workspace_generation === null ? 'none' : `generation ${worker.workspace_generation}`,
            ],
            ['Packages', packagesOf(worker)],
            [
              'Ended',
              `${count(worker.completed)} well, ${count(worker.failed)} failed, ${count(worker.timed_out)} timed out, ${count(worker.cancelled)} cancelled`,
            ],
            worker.runner_totals && [
              'Runner processes',
              `${count(worker.runner_totals.used)} used of ${count(worker.runner_totals.started)} started`,
            ],
          ]}
        />
      </div>
      {!isGone && worker.runners.length > 0 && (
        <Table
          label={`Runners of ${worker.id}`}
          heads={[
            'Runner',
            'State',
            'What it runs',
            { text: 'For', class: 'number' },
            { text: 'Memory', class: 'number' },
            { text: 'Executions', class: 'number' },
            { text: 'Recycle', class: 'number' },
          ]}
        >
          {worker.runners.map((runner) => (
            <RunnerRow key={runner.id} runner={runner} onRecycle={() => onOrder('recycle', runner.pid)} />
          ))}
        </Table>
      )}
    </section>
  );
}

const packagesOf = ({ packages }: CountedWorker): string =>
  packages === undefined || packages.state === 'none'
    ? 'none'
    : `${packages.state}${packages.failed > 0 ? `, ${packages.failed} failed` : ''}`;

function RunnerRow({ runner, onRecycle }: { runner: RunnerRecord; onRecycle: () => void }): JSX.Element {
  const [first] = runner.current;
  return (
    <tr>
      <td>
        {runner.kind} {runner.pid}
      </td>
      <td>
        {first ? (
          <Status state={runner.state} />
        ) : (
          <Badge tone="idle">{runner.state === 'ACTIVE' ? 'idle' : runner.state.toLowerCase()}</Badge>
        )}
      </td>
      <td class="cut">
        {first ? (
          <Link to={`/executions/${encodeURIComponent(first.execution_id)}`}>
            <Id id={first.execution_id} />
          </Link>
        ) : (
          '–'
        )}
        {runner.current.length > 1 && ` and ${runner.current.length - 1} more`}
      </td>
      <td class="number">{first ? duration(now.value - Date.parse(first.started_at)) : '–'}</td>
      <td class="number">{megabytes(runner.memory_mb)}</td>
      <td class="number">{count(runner.executions)}</td>
      <td class="number">
        {mayOperateAll() && (
          <Button kind="quiet" icon="again" onClick={onRecycle} aria-label={`Recycle runner ${runner.pid}`} />
        )}
      </td>
    </tr>
  );
}
