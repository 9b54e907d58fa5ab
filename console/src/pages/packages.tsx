import type { JSX } from 'preact';
import type { PackagesOverview, WorkerPackages } from '../../../src/contract/packages.js';
import { ask } from '../api/client.js';
import { Empty, Failure, Loading, PageHead, Panel } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { Meter, Status } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { Ago, Id, UserText } from '../parts/text.js';
import { useResource } from '../state/resource.js';
import { count, plural } from '../text/format.js';

/** The npm packages that executions may import, and how far each worker is with them. */
export function PackagesPage(): JSX.Element {
  const packages = useResource('packages', (signal) => ask<PackagesOverview>('/packages', { signal }), 2_000);
  if (!packages.data)
    return packages.error ? (
      <Failure error={packages.error} retry={packages.reload} />
    ) : (
      <Loading what="the packages" />
    );
  const { content, hash, problem, packages: wanted, refused, workers } = packages.data;
  return (
    <>
      <PageHead
        title="Packages"
        about={
          content === null ? 'there is no manifest' : `${plural(wanted.length, 'package')} in the manifest`
        }
      />
      {problem !== null && (
        <p class="hint warn" role="alert">
          <Icon name="warning" /> <UserText text={problem} />
        </p>
      )}
      {content === null && problem === null ? (
        <Empty title="No packages are wanted">
          <p>Name some, one a line; every worker installs them by itself:</p>
          <pre class="command">{`printf 'lodash@4.17.21\\nzod@^4\\n' | bifrost packages set - --wait`}</pre>
        </Empty>
      ) : (
        <div class="columns even">
          <Panel title="Roll-out" flush>
            {workers.length === 0 ? (
              <Empty title="No worker is alive" />
            ) : (
              <ul class="rollout">
                {workers.map((worker) => (
                  <RollOut worker={worker} key={worker.worker_id} />
                ))}
              </ul>
            )}
          </Panel>
          <Panel title="Manifest" note={hash !== null && <Id id={hash.slice(0, 12)} />} flush>
            <Table
              label="Manifest"
              heads={[{ text: 'Line', class: 'number' }, 'Package', 'Version wanted', 'Installed']}
            >
              {wanted.map(({ name, range, line }) => (
                <tr key={name}>
                  <td class="number">{line}</td>
                  <td>
                    <UserText text={name} />
                  </td>
                  <td>
                    <UserText text={range} />
                  </td>
                  <td>
                    <UserText text={versionsOf(name, workers)} />
                  </td>
                </tr>
              ))}
              {refused.map(({ spec, line, reason }) => (
                <tr key={`refused ${line} ${spec}`} class="refused">
                  <td class="number">{line}</td>
                  <td>
                    <UserText text={spec} />
                  </td>
                  <td colSpan={2}>
                    <UserText text={reason} />
                  </td>
                </tr>
              ))}
            </Table>
          </Panel>
        </div>
      )}
    </>
  );
}

function RollOut({ worker: { worker_id: id, status } }: { worker: WorkerPackages }): JSX.Element {
  return (
    <li>
      <div class="rollout-head">
        <Id id={id} />
        {status ? <Status state={status.state} /> : <span class="note">has said nothing yet</span>}
        <span class="spread" />
        {status && (
          <span class="note">
            {count(status.installed.length)} installed, <Ago at={status.updated_at} />
          </span>
        )}
      </div>
      {status?.state === 'installing' && <Meter value={status.progress} label={`Packages of ${id}`} />}
      {status && status.failed.length > 0 && (
        <ul class="failed">
          {status.failed.map(({ spec, phase, reason }) => (
            <li key={`${spec} ${phase}`}>
              <strong>
                <UserText text={spec} />
              </strong>{' '}
              <span class="note">{phase}</span>
              <p>
                <UserText text={reason} />
              </p>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** What the workers have of a package; more than one version while a roll-out is under way. */
function versionsOf(name: string, workers: readonly WorkerPackages[]): string {
  const versions = workers.flatMap(
    ({ status }) => status?.installed.filter((one) => one.name === name).map(({ version }) => version) ?? [],
  );
  return [...new Set(versions)].toSorted().join(', ') || '–';
}
