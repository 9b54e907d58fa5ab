import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, executionPath, RequestError } from '../api/client.js';
import { parametersIn } from '../state/draft-fields.js';
import { notify } from '../state/notices.js';
import { Field, FormDialog } from './form.js';
import { UserText } from './text.js';

interface Known {
  execution_id: string;
  workspace_generation?: number | null;
}

/** Asks how an execution is to run once more. */
export function AgainDialog({
  view,
  onClose,
  onDone,
}: {
  view: Known;
  onClose: () => void;
  onDone: (id: string) => void;
}): JSX.Element {
  const [workspace, setWorkspace] = useState<'same' | 'current'>('same');
  const [parameters, setParameters] = useState('');
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const send = async (): Promise<void> => {
    try {
      const given = parameters.trim() === '' ? {} : { parameters: parametersIn(parameters) };
      const body = { workspace, ...given, ...(Object.keys(secrets).length > 0 ? { secrets } : {}) };
      const path = `${executionPath(view.execution_id)}/again`;
      const { execution_id: id } = await ask<{ execution_id: string }>(path, { method: 'POST', body });
      notify('It runs again, as a new execution.');
      onDone(id);
      onClose();
    } catch (error) {
      const missing = error instanceof RequestError ? missingSecrets(error) : [];
      if (missing.length > 0)
        setSecrets((before) => ({ ...Object.fromEntries(missing.map((name) => [name, ''])), ...before }));
      throw error;
    }
  };
  return (
    <FormDialog title="Run again" verb="Run again" send={send} onClose={onClose}>
      <p>The same code and parameters run as a new execution that names this one.</p>
      <Field label="Workspace">
        <select
          value={workspace}
          onChange={(event) => setWorkspace(event.currentTarget.value as 'same' | 'current')}
        >
          <option value="same">
            {view.workspace_generation == null
              ? 'as it was then'
              : `generation ${view.workspace_generation}, the code of then`}
          </option>
          <option value="current">the current generation</option>
        </select>
      </Field>
      <Field label="Other parameters, as JSON">
        <textarea
          rows={4}
          spellcheck={false}
          placeholder="empty: those of then"
          value={parameters}
          onInput={(event) => setParameters(event.currentTarget.value)}
        />
      </Field>
      {Object.keys(secrets).map((name) => (
        <Field
          key={name}
          label={
            <>
              Secret <UserText text={name} />
            </>
          }
        >
          <input
            type="password"
            autocomplete="off"
            value={secrets[name]}
            onInput={(event) => setSecrets({ ...secrets, [name]: event.currentTarget.value })}
          />
        </Field>
      ))}
    </FormDialog>
  );
}

/** Names of the secrets that the API wants again. */
const missingSecrets = ({ problem }: RequestError): string[] =>
  problem.errors.flatMap(({ field }) =>
    field.startsWith('secrets.') ? [field.slice('secrets.'.length)] : [],
  );
