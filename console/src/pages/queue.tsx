import type { JSX } from 'preact';
import type { ListedExecution } from '../../../src/contract/api/listing.js';
import type { QueueView } from '../../../src/contract/api/queue.js';
import { ask } from '../api/client.js';
import { Button, Empty, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { Badge, Meter } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { Ago, Id, UserText } from '../parts/text.js';
import { useExecutionList } from '../state/execution-list.js';
import { perform } from '../state/notices.js';
import { mayOperateAll } from '../state/rights.js';
import { slotsOf } from '../state/findings.js';
import { useQueue, useWorkers } from '../state/system.js';
import { count, plural } from '../text/format.js';

type Waiting = Extract<ListedExecution, { waiting: unknown }>;
const isWaiting = (one: ListedExecution): one is Waiting => 'waiting' in one;

/** What waits, and why. */
export function QueuePage(): JSX.Element {
  const queue = useQueue();
  const workers = useWorkers();
  const list = useExecutionList('status=queued,delayed');
  if (!queue.data)
    return queue.error ? <Failure error={queue.error} retry={queue.reload} /> : <Loading what="the queue" />;
  const { name, paused, waiting, active, delayed, limit } = queue.data;
  const slots = slotsOf(workers.data ?? []);
  const order = (action: 'pause' | 'resume'): Promise<boolean> =>
    perform(async () => {
      await ask<QueueView>(`/queue/${action}`, { method: 'POST' });
      queue.reload();
      list.reload();
      return action === 'pause' ? 'The queue is paused. What runs goes on.' : 'The queue goes on.';
    });
  const rows = (list.rows ?? []).filter(isWaiting);
  return (
    <>
      <PageHead
        title="Queue"
        about={
          <>
            <Badge tone={paused ? 'warn' : 'good'}>{paused ? 'paused' : 'open'}</Badge>{' '}
            <UserText text={name} />
          </>
        }
      >
        {!mayOperateAll() ? null : paused ? (
          <Button icon="play" kind="primary" onClick={() => void order('resume')}>
            Resume
          </Button>
        ) : (
          <Button icon="pause" onClick={() => void order('pause')}>
            Pause
          </Button>
        )}
      </PageHead>
      <div class="figures">
        <div class="figure">
          <span class="figure-name">Waiting</span>
          <span class="figure-value">{count(waiting)}</span>
          <span class="figure-note">a worker may take them</span>
        </div>
        <div class="figure">
          <span class="figure-name">Delayed</span>
          <span class="figure-value">{count(delayed)}</span>
          <span class="figure-note">not to be taken yet</span>
        </div>
        <div class="figure">
          <span class="figure-name">In the hands of workers</span>
          <span class="figure-value">
            {count(active)} <small>of {count(slots.all)}</small>
          </span>
          <span class="figure-note">
            <Meter value={slots.all === 0 ? 0 : active / slots.all} label="Slots in use" />
          </span>
        </div>
        <div class="figure">
          <span class="figure-name">Limit of the queue</span>
          <span class="figure-value">{limit === null ? 'none' : count(limit)}</span>
          <span class="figure-note">all workers together, at once</span>
        </div>
      </div>
      <Reasons rows={rows} />
      <Panel
        title="What waits"
        note={list.hasMore ? `the newest ${count(rows.length)}` : plural(rows.length, 'execution')}
        flush
      >
        {list.error && !list.rows ? (
          <Failure error={list.error} retry={list.reload} />
        ) : !list.rows ? (
          <Loading what="what waits" />
        ) : rows.length === 0 ? (
          <Empty title="Nothing waits" />
        ) : (
          <>
            <Table
              label="What waits"
              heads={[
                { text: 'Position', class: 'number' },
                'Execution',
                'Why',
                'Workflow',
                { text: 'Added', class: 'number' },
              ]}
            >
              {rows.slice(0, 500).map((one) => (
                <tr key={one.execution_id}>
                  <td class="number">{one.waiting.position === null ? '–' : count(one.waiting.position)}</td>
                  <td class="cut">
                    <Link to={`/executions/${encodeURIComponent(one.execution_id)}`}>
                      <Id id={one.execution_id} />
                    </Link>
                  </td>
                  <td title={one.waiting.detail}>{one.waiting.reason}</td>
                  <td class="cut">{one.workflow_id === null ? '–' : <UserText text={one.workflow_id} />}</td>
                  <td class="number">
                    <Ago at={one.queued_at} />
                  </td>
                </tr>
              ))}
            </Table>
            {list.hasMore && (
              <div class="more">
                <Button onClick={list.loadMore} disabled={list.isLoadingMore}>
                  Show more
                </Button>
              </div>
            )}
          </>
        )}
      </Panel>
    </>
  );
}

/** Each reason there is, with what it means now. */
function Reasons({ rows }: { rows: readonly Waiting[] }): JSX.Element | null {
  const reasons = [...Map.groupBy(rows, ({ waiting }) => waiting.reason)];
  if (reasons.length === 0) return null;
  return (
    <ul class="reasons" aria-label="Why they wait">
      {reasons.map(([reason, those]) => (
        <li key={reason}>
          <Icon name="queue" />
          <div>
            <strong>{reason}</strong> <span class="note">{count(those.length)} of those below</span>
            {/* The last of a reason is the first in line: its sentence has the fewest jobs ahead. */}
            <p>{those.at(-1)?.waiting.detail}.</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
