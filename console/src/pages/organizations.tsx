import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { askPages } from '../api/pages.js';
import type { Organization, Organizations, QuotaName, Usage, UsageRow } from '../api/tenants.js';
import { Button, Empty, Failure, Link, Loading, PageHead, Panel } from '../parts/basics.js';
import { OrganizationDialog } from '../parts/organization-form.js';
import { Meter, type Tone } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { UserText } from '../parts/text.js';
import { useResource } from '../state/resource.js';
import { may, seesAll } from '../state/rights.js';
import { bytes, count, duration, plural } from '../text/format.js';
import { visibleText } from '../text/visible.js';

const POLL_MS = 5_000;

/** One line of the page: what is set of an organization, and what it used on this day. */
interface Line {
  id: string;
  record: Organization | undefined;
  today: UsageRow | undefined;
}

/** Organizations: their shares, caps and quotas, and what they used on this day (UTC). */
export function OrganizationsPage(): JSX.Element {
  const { data, error, reload } = useResource('organizations', readLines, POLL_MS);
  const [edited, setEdited] = useState<{ former?: Organization } | null>(null);
  if (!data) return error ? <Failure error={error} retry={reload} /> : <Loading what="the organizations" />;
  const maySet = may('admin') && seesAll.value;
  return (
    <>
      <PageHead
        title="Organizations"
        about="Shares, caps and quotas, and what was used since midnight, UTC. An organization is made by naming it in an execution."
      >
        {maySet && (
          <Button icon="add" kind="primary" onClick={() => setEdited({})}>
            Set one
          </Button>
        )}
      </PageHead>
      {data.length === 0 ? (
        <Panel title="Organizations" flush>
          <Empty title="None has used anything today, and nothing is set of any" />
        </Panel>
      ) : (
        <Panel title={plural(data.length, 'organization')} flush>
          <Table
            label="Organizations"
            heads={[
              'Organization',
              { text: 'Share', class: 'number' },
              { text: 'Most at once', class: 'number' },
              'Rate',
              'Executions',
              'CPU time',
              'Network',
              'Artifacts',
              ...(maySet ? [{ text: 'Actions', class: 'number' }] : []),
            ]}
          >
            {data.map(({ id, record, today }) => (
              <tr key={id}>
                <td class="cut">
                  <Link to="/executions" query={{ organization: id }}>
                    <UserText text={id} />
                  </Link>
                </td>
                <td class="number">{count(record?.weight ?? 1)}</td>
                <td class="number">{record?.max_running == null ? '–' : count(record.max_running)}</td>
                <td>{rateOf(record)}</td>
                <td>
                  <Used name="executions" used={today?.executions ?? 0} record={record} text={count} />
                </td>
                <td>
                  <Used
                    name="cpu_seconds"
                    used={today?.cpu_seconds ?? 0}
                    record={record}
                    text={(seconds) => duration(seconds * 1_000)}
                  />
                </td>
                <td>
                  <Used name="network_bytes" used={today?.network_bytes ?? 0} record={record} text={bytes} />
                </td>
                <td>
                  <Used
                    name="artifact_bytes"
                    used={today?.artifact_bytes ?? 0}
                    record={record}
                    text={bytes}
                  />
                </td>
                {maySet && (
                  <td class="number">
                    <Button
                      kind="quiet"
                      icon="edit"
                      aria-label={`Edit ${visibleText(id)}`}
                      onClick={() => setEdited({ former: record ?? unset(id) })}
                    />
                  </td>
                )}
              </tr>
            ))}
          </Table>
        </Panel>
      )}
      {edited && (
        <OrganizationDialog
          {...(edited.former ? { former: edited.former } : {})}
          onClose={() => setEdited(null)}
          onDone={reload}
        />
      )}
    </>
  );
}

const unset = (id: string): Organization => ({
  id,
  weight: 1,
  workflows: {},
  quotas: {},
  limits: {},
  created_at: null,
  updated_at: null,
});

const rateOf = (record: Organization | undefined): string =>
  record?.rate == null
    ? '–'
    : `${count(record.rate.executions)} in ${duration(record.rate.per_seconds * 1_000)}`;

/** What was used, and how much of the quota that is. */
function Used({
  name,
  used,
  record,
  text,
}: {
  name: QuotaName;
  used: number;
  record: Organization | undefined;
  text: (value: number) => string;
}): JSX.Element {
  const quota = record?.quotas[name];
  if (quota == null) return <span class="number">{text(used)}</span>;
  const part = quota.limit === 0 ? 1 : used / quota.limit;
  const tone: Tone = part >= 1 ? 'bad' : part > 0.8 ? 'warn' : 'busy';
  return (
    <span class="used">
      <span>
        {text(used)} <span class="note">of {text(quota.limit)}</span>
      </span>
      <Meter
        value={part}
        tone={tone}
        label={`${name.replace('_', ' ')} of ${visibleText(record?.id ?? '')}`}
      />
    </span>
  );
}

async function readLines(signal: AbortSignal): Promise<Line[]> {
  const day = new Date().toISOString().slice(0, 10);
  const [records, usage] = await Promise.all([
    askPages<Organizations>('/organizations?limit=500', signal),
    askPages<Usage>(`/usage?since=${day}&limit=1000`, signal),
  ]);
  const byId = new Map(records.flatMap(({ organizations }) => organizations).map((one) => [one.id, one]));
  const today = new Map(usage.flatMap(({ usage: rows }) => rows).map((row) => [row.organization, row]));
  const ids = [...new Set([...byId.keys(), ...today.keys()])].toSorted();
  return ids.map((id) => ({ id, record: byId.get(id), today: today.get(id) }));
}
