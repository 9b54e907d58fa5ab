import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AuditPage, CreatedToken, Role, Token, Tokens } from '../api/tenants.js';
import { ask } from '../api/client.js';
import { Button, Dialog, Empty, Failure, Loading, PageHead, Panel } from '../parts/basics.js';
import { Confirm } from '../parts/confirm.js';
import { Field, FormDialog } from '../parts/form.js';
import { Badge } from '../parts/status.js';
import { Table } from '../parts/table.js';
import { Ago, Id, UserText } from '../parts/text.js';
import { useResource } from '../state/resource.js';
import { rights, ROLES } from '../state/rights.js';
import { visibleText } from '../text/visible.js';

const POLL_MS = 10_000;

/** What each role may do, beside what those before it may. */
const ABOUT: Readonly<Record<Role, string>> = {
  read: 'sees executions, logs and files',
  submit: 'also runs, cancels, and runs again',
  operate: 'also sets schedules, deletes, pauses, publishes',
  admin: 'also makes tokens and sets organizations',
};

/** Tokens of the API, and what was done with them. */
export function AccessPage(): JSX.Element {
  const tokens = useResource('tokens', (signal) => ask<Tokens>('/tokens', { signal }), POLL_MS);
  const [makes, setMakes] = useState(false);
  const [revokes, setRevokes] = useState<Token | null>(null);
  if (!tokens.data)
    return tokens.error ? (
      <Failure error={tokens.error} retry={tokens.reload} />
    ) : (
      <Loading what="the tokens" />
    );
  return (
    <>
      <PageHead title="Access" about="Tokens beside API_TOKEN. Their text is shown once, when they are made.">
        <Button icon="add" kind="primary" onClick={() => setMakes(true)}>
          New token
        </Button>
      </PageHead>
      <div class="stack">
        <Panel title="Tokens" flush>
          {tokens.data.tokens.length === 0 ? (
            <Empty title="There are none beside API_TOKEN" />
          ) : (
            <Table
              label="Tokens"
              heads={['Name', 'Role', 'Organizations', 'Made', 'Ends', { text: 'Actions', class: 'number' }]}
            >
              {tokens.data.tokens.map((token) => (
                <tr key={token.id}>
                  <td class="cut">
                    <UserText text={token.name} />
                  </td>
                  <td>
                    {token.role} {token.expired && <Badge tone="idle">has ended</Badge>}
                  </td>
                  <td class="cut">
                    {token.organizations === null ? (
                      'all'
                    ) : (
                      <UserText text={token.organizations.join(', ')} />
                    )}
                  </td>
                  <td>
                    <Ago at={token.created_at} /> <span class="note">by</span>{' '}
                    <UserText text={token.created_by} />
                  </td>
                  <td>{token.expires_at === null ? 'never' : <Ago at={token.expires_at} />}</td>
                  <td class="number">
                    <Button
                      kind="quiet"
                      icon="remove"
                      aria-label={`Revoke ${visibleText(token.name)}`}
                      onClick={() => setRevokes(token)}
                    />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Panel>
        <Audit />
      </div>
      {makes && <NewToken onClose={() => setMakes(false)} onDone={tokens.reload} />}
      {revokes && (
        <Confirm
          title="Revoke the token"
          verb="Revoke it"
          onClose={() => setRevokes(null)}
          work={async () => {
            await ask(`/tokens/${encodeURIComponent(revokes.id)}`, { method: 'DELETE' });
            tokens.reload();
            return 'The token is revoked.';
          }}
        >
          <p>
            Whatever uses <UserText text={revokes.name} /> is refused from now on; sessions that were begun
            with it end.
          </p>
        </Confirm>
      )}
    </>
  );
}

function NewToken({ onClose, onDone }: { onClose: () => void; onDone: () => void }): JSX.Element {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('read');
  const [organizations, setOrganizations] = useState(rights.value.organizations?.join(', ') ?? '');
  const [made, setMade] = useState<CreatedToken | null>(null);
  const send = async (): Promise<void> => {
    const named = organizations.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
    const body = { name: name.trim(), role, ...(named.length > 0 ? { organizations: named } : {}) };
    setMade(await ask<CreatedToken>('/tokens', { method: 'POST', body }));
    onDone();
  };
  if (made)
    return (
      <Dialog title="The token" onClose={onClose}>
        <p>Copy it now: it cannot be shown again.</p>
        <code class="command">{made.token}</code>
        <div class="dialog-end">
          <Button onClick={() => void navigator.clipboard.writeText(made.token)}>Copy</Button>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  return (
    <FormDialog title="New token" verb="Make it" send={send} onClose={onClose}>
      <Field label="Name: what it is for">
        <input value={name} required autofocus onInput={(event) => setName(event.currentTarget.value)} />
      </Field>
      <Field label="Role">
        <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
          {ROLES.map((one) => (
            <option value={one} key={one}>
              {one}: {ABOUT[one]}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Organizations, with commas; empty: all">
        <input value={organizations} onInput={(event) => setOrganizations(event.currentTarget.value)} />
      </Field>
    </FormDialog>
  );
}

/** The latest changes that were asked for, and by whom. */
function Audit(): JSX.Element {
  const audit = useResource('audit', (signal) => ask<AuditPage>('/audit?limit=100', { signal }), POLL_MS);
  return (
    <Panel title="What was asked for" note="the latest 100 changes and refusals" flush>
      {!audit.data ? (
        audit.error ? (
          <Failure error={audit.error} retry={audit.reload} />
        ) : (
          <Loading what="the audit log" />
        )
      ) : audit.data.entries.length === 0 ? (
        <Empty title="Nothing yet" />
      ) : (
        <Table
          label="Audit log"
          heads={['When', 'Token', 'Asked for', 'About', { text: 'Answer', class: 'number' }]}
        >
          {audit.data.entries.map((entry) => (
            <tr key={entry.id}>
              <td>
                <Ago at={entry.at} />
              </td>
              <td class="cut">
                <UserText text={entry.token_name} /> <span class="note">{entry.role}</span>
              </td>
              <td class="cut">
                <code>{entry.action}</code>
              </td>
              <td class="cut">
                <Id id={entry.target} />
              </td>
              <td class="number">{entry.status}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  );
}
