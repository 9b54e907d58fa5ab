import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, executionPath, RequestError } from '../api/client.js';
import { notify } from '../state/notices.js';
import { Button, Dialog } from './basics.js';
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
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      const given = parameters.trim() === '' ? {} : { parameters: JSON.parse(parameters) as unknown };
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
      setWrong(
        error instanceof SyntaxError
          ? `The parameters are not JSON: ${error.message}`
          : (error as Error).message,
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title="Run again" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p>The same code and parameters run as a new execution that names this one.</p>
        <label class="field">
          <span>Workspace</span>
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
        </label>
        <label class="field">
          <span>Other parameters, as JSON</span>
          <textarea
            rows={4}
            spellcheck={false}
            placeholder="empty: those of then"
            value={parameters}
            onInput={(event) => setParameters(event.currentTarget.value)}
          />
        </label>
        {Object.keys(secrets).map((name) => (
          <label class="field" key={name}>
            <span>
              Secret <UserText text={name} />
            </span>
            <input
              type="password"
              autocomplete="off"
              value={secrets[name]}
              onInput={(event) => setSecrets({ ...secrets, [name]: event.currentTarget.value })}
            />
          </label>
        ))}
        {wrong !== null && (
          <p class="wrong" role="alert">
            <UserText text={wrong} />
          </p>
        )}
        <div class="dialog-end">
          <Button onClick={onClose}>Leave it</Button>
          <button class="button primary" type="submit" disabled={isBusy}>
            <span>Run again</span>
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Names of the secrets that the API wants again. */
const missingSecrets = ({ problem }: RequestError): string[] =>
  problem.errors.flatMap(({ field }) =>
    field.startsWith('secrets.') ? [field.slice('secrets.'.length)] : [],
  );
