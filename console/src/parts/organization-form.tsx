import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api/client.js';
import type { Organization, QuotaAction } from '../api/tenants.js';
import { notify } from '../state/notices.js';
import { draftOf, type OrganizationDraft, QUOTAS, requestOf } from '../state/organization-draft.js';
import { Field, FormDialog } from './form.js';
import { UserText } from './text.js';

/** Asks for what is to hold for an organization. */
export function OrganizationDialog({
  former,
  onClose,
  onDone,
}: {
  former?: Organization;
  onClose: () => void;
  onDone: () => void;
}): JSX.Element {
  const [draft, setDraft] = useState(() => draftOf(former));
  const change = (changes: Partial<OrganizationDraft>): void =>
    setDraft((before) => ({ ...before, ...changes }));
  const send = async (): Promise<void> => {
    const body = requestOf(draft, former);
    await ask(`/organizations/${encodeURIComponent(draft.id.trim())}`, { method: 'PUT', body });
    notify('It holds from now on.');
    onDone();
    onClose();
  };
  const field = (label: string, name: 'weight' | 'maxRunning' | 'rate' | 'perSeconds'): JSX.Element => (
    <Field label={label}>
      <input
        inputMode="numeric"
        value={draft[name]}
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </Field>
  );
  return (
    <FormDialog
      title={former ? 'Edit the organization' : 'Set an organization'}
      verb="Save"
      send={send}
      onClose={onClose}
      wide
    >
      {former ? (
        <p>
          <UserText text={former.id} />
        </p>
      ) : (
        <Field label="Its id, as executions name it">
          <input
            value={draft.id}
            required
            autofocus
            onInput={(event) => change({ id: event.currentTarget.value })}
          />
        </Field>
      )}
      <div class="group" role="group" aria-label="How much at once">
        <h3>How much at once</h3>
        <div class="fields">
          {field('Share, beside those of others that wait', 'weight')}
          {field('Most that run at once; empty: no cap', 'maxRunning')}
          {field('Most that start; empty: any number', 'rate')}
          {field('… within so many seconds', 'perSeconds')}
        </div>
      </div>
      <div class="group" role="group" aria-label="Quotas">
        <h3>Quotas of each day, UTC; empty: none</h3>
        {QUOTAS.map(([name, label]) => (
          <div class="fields" key={name}>
            <Field label={label}>
              <input
                inputMode="numeric"
                value={draft.quotas[name].limit}
                onInput={(event) =>
                  change({
                    quotas: {
                      ...draft.quotas,
                      [name]: { ...draft.quotas[name], limit: event.currentTarget.value },
                    },
                  })
                }
              />
            </Field>
            <Field label="What is above it">
              <select
                value={draft.quotas[name].action}
                onChange={(event) =>
                  change({
                    quotas: {
                      ...draft.quotas,
                      [name]: { ...draft.quotas[name], action: event.currentTarget.value as QuotaAction },
                    },
                  })
                }
              >
                <option value="refuse">is refused</option>
                <option value="slow">is slowed down</option>
              </select>
            </Field>
          </div>
        ))}
      </div>
    </FormDialog>
  );
}
