import type { JSX } from 'preact';
import { Facts, Failure, Loading, PageHead, Panel } from '../parts/basics.js';
import { Status } from '../parts/status.js';
import { UserText } from '../parts/text.js';
import { shownTheme, theme, toggleTheme } from '../state/theme.js';
import { tokenWanted, version } from '../state/session.js';
import { useHealth, useWorkers } from '../state/system.js';
import { Table } from '../parts/table.js';

/** What is known of the process that serves this page, read only. */
export function SettingsPage(): JSX.Element {
  const health = useHealth();
  const workers = useWorkers(10_000);
  return (
    <>
      <PageHead
        title="Settings and health"
        about={
          <>
            Read only. A worker is set up by its environment variables:{' '}
            <a href="/docs/configuration.html">configuration</a>.
          </>
        }
      />
      <div class="columns even">
        <Panel
          title="Health of this process"
          note={health.data && <Status state={statusOf(health.data.status)} />}
          flush
        >
          {!health.data ? (
            health.error ? (
              <Failure error={health.error} retry={health.reload} />
            ) : (
              <Loading what="the health" />
            )
          ) : (
            <ul class="checks">
              {Object.entries(health.data.details).map(([name, { status, reason, ...facts }]) => (
                <li key={name}>
                  <div class="check-head">
                    <strong>{name.replaceAll('_', ' ')}</strong>
                    <Status state={status} />
                  </div>
                  {reason !== undefined && (
                    <p>
                      <UserText text={reason} />
                    </p>
                  )}
                  {Object.keys(facts).length > 0 && (
                    <p class="check-facts">
                      <UserText
                        text={Object.entries(facts)
                          .map(([key, value]) => `${key.replaceAll('_', ' ')}: ${textOf(value)}`)
                          .join(' · ')}
                      />
                    </p>
                  )}
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <div class="stack">
          <Panel title="Isolation of the workers" flush>
            <Table
              label="Isolation of the workers"
              heads={['Worker', 'Grade', 'Level', 'Network', 'Failed checks']}
            >
              {(workers.data ?? []).map((worker) => (
                <tr key={worker.id}>
                  <td>
                    <UserText text={worker.id} />
                  </td>
                  <td>{worker.isolation_grade ?? '–'}</td>
                  <td>{worker.isolation ?? '–'}</td>
                  <td>{worker.network ?? '–'}</td>
                  <td>
                    <UserText text={worker.isolation_failed?.join(', ') || 'none'} />
                  </td>
                </tr>
              ))}
            </Table>
            <p class="note padded">
              Every check with what was seen: run <code>bifrost doctor</code> on the machine of the worker.
            </p>
          </Panel>
          <Panel title="This console">
            <Facts
              rows={[
                ['Version', version.value ?? '–'],
                ['Access', tokenWanted.value ? 'by API_TOKEN' : 'open to this machine: API_TOKEN is not set'],
                [
                  'Appearance',
                  <button type="button" class="button plain" onClick={toggleTheme}>
                    <span>
                      {shownTheme.value}
                      {theme.value === 'system' ? ', as the system' : ''}
                    </span>
                  </button>,
                ],
                ['Documentation', <a href="/docs/">/docs/</a>],
                ['Figures', <a href="/metrics">/metrics</a>],
              ]}
            />
          </Panel>
        </div>
      </div>
    </>
  );
}

const statusOf = (status: string): string => (status === 'ok' ? 'up' : status === 'error' ? 'down' : status);

/** A value of a check, in words as far as it is made of what has some. */
function textOf(value: unknown): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.map(textOf).join(', ') || 'none';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return JSON.stringify(value);
  return Object.entries(value)
    .map(([name, part]) => `${name.replaceAll('_', ' ')} ${textOf(part)}`)
    .join(', ');
}
