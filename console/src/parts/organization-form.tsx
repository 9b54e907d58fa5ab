import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api/client.js';
import type { Organization, QuotaAction, QuotaName } from '../api/tenants.js';
import { notify } from '../state/notices.js';
import { Button, Dialog } from './basics.js';
import { UserText } from './text.js';

const QUOTAS: readonly (readonly [QuotaName, string])[] = [
  ['executions', 'Executions a day'],
  ['cpu_seconds', 'CPU seconds a day'],
  ['network_bytes', 'Network bytes a day'],
  ['artifact_bytes', 'Artifact bytes a day'],
];

interface Draft {
  id: string;
  weight: string;
  maxRunning: string;
  rate: string;
  perSeconds: string;
  quotas: Record<QuotaName, { limit: string; action: QuotaAction }>;
}

const textOf = (value: number | null | undefined): string => (value == null ? '' : String(value));

function draftOf(former: Organization | undefined): Draft {
  const quotas = Object.fromEntries(
    QUOTAS.map(([name]) => {
      const quota = former?.quotas[name];
      return [name, { limit: textOf(quota?.limit), action: quota?.action ?? 'refuse' }];
    }),
  ) as Draft['quotas'];
  return {
    id: former?.id ?? '',
    weight: String(former?.weight ?? 1),
    maxRunning: textOf(former?.max_running),
    rate: textOf(former?.rate?.executions),
    perSeconds: textOf(former?.rate?.per_seconds),
    quotas,
  };
}

const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text));

/** The whole record; limits of single workflows and executions, for which there are no fields, stay as they are. */
function requestOf(draft: Draft, former: Organization | undefined): object {
  const quotas = QUOTAS.flatMap(([name]) => {
    const { limit, action } = draft.quotas[name];
    return numberOf(limit) === null ? [] : [[name, { limit: numberOf(limit), action }]];
  });
  return {
    weight: numberOf(draft.weight) ?? 1,
    max_running: numberOf(draft.maxRunning),
    rate:
      draft.rate.trim() === ''
        ? null
        : { executions: Number(draft.rate), per_seconds: Number(draft.perSeconds) },
    quotas: Object.fromEntries(quotas) as object,
    workflows: former?.workflows ?? {},
    limits: former?.limits ?? {},
  };
}

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
  const [wrong, setWrong] = useState<string | null>(null);
  const change = (changes: Partial<Draft>): void => setDraft((before) => ({ ...before, ...changes }));
  const submit = async (): Promise<void> => {
    setWrong(null);
    try {
      const body = requestOf(draft, former);
      await ask(`/organizations/${encodeURIComponent(draft.id.trim())}`, { method: 'PUT', body });
      notify('It holds from now on.');
      onDone();
      onClose();
    } catch (error) {
      setWrong((error as Error).message);
    }
  };
  const field = (label: string, name: 'weight' | 'maxRunning' | 'rate' | 'perSeconds'): JSX.Element => (
    <label class="field">
      <span>{label}</span>
      <input
        inputMode="numeric"
        value={draft[name]}
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <Dialog title={former ? 'Edit the organization' : 'Set an organization'} onClose={onClose} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {former ? (
          <p>
            <UserText text={former.id} />
          </p>
        ) : (
          <label class="field">
            <span>Its id, as executions name it</span>
            <input
              value={draft.id}
              required
              autofocus
              onInput={(event) => change({ id: event.currentTarget.value })}
            />
          </label>
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
              <label class="field">
                <span>{label}</span>
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
              </label>
              <label class="field">
                <span>What is above it</span>
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
              </label>
            </div>
          ))}
        </div>
        {wrong !== null && (
          <p class="wrong" role="alert">
            <UserText text={wrong} />
          </p>
        )}
        <div class="dialog-end">
          <Button onClick={onClose}>Leave it</Button>
          <button class="button primary" type="submit">
            <span>Save</span>
          </button>
        </div>
      </form>
    </Dialog>
  );
}
