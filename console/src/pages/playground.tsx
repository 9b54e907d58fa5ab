import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, executionPath } from '../api/client.js';
import { Button, Link, PageHead, Panel } from '../parts/basics.js';
import { Editor } from '../parts/editor.js';
import { JsonView } from '../parts/json.js';
import { LogView } from '../parts/log-view.js';
import { Meter, Status } from '../parts/status.js';
import { UserText } from '../parts/text.js';
import { Waterfall } from '../parts/waterfall.js';
import { parametersIn } from '../state/draft-fields.js';
import { perform } from '../state/notices.js';
import { duration } from '../text/format.js';
import { useExecution } from './execution.js';

const KEY = 'bifrost-playground';
const FIRST = `// Runs on a worker, isolated. What is returned is the result.
export default async function main(parameters: { name: string }, context) {
  console.log('Hello,', parameters.name);
  for (let step = 1; step <= 5; step++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    context.progress(step / 5, \`step \${step} of 5\`);
    console.log('step', step);
  }
  return { greeting: \`Hello, \${parameters.name}\`, at: new Date() };
}
`;

interface Draft {
  code: string;
  parameters: string;
  timeout: string;
  asScript: boolean;
}

function stored(): Draft {
  const first = { code: FIRST, parameters: '{ "name": "Ada" }', timeout: '30', asScript: false };
  try {
    return { ...first, ...(JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Draft>) };
  } catch {
    return first;
  }
}

/** A snippet, its parameters, and what it prints and returns. */
export function PlaygroundPage(): JSX.Element {
  const [draft, setDraft] = useState(stored);
  const [id, setId] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const change = (changes: Partial<Draft>): void => {
    const next = { ...draft, ...changes };
    setDraft(next);
    sessionStorage.setItem(KEY, JSON.stringify(next));
  };
  const run = async (): Promise<void> => {
    if (isBusy) return;
    setWrong(null);
    let parameters: unknown;
    try {
      parameters = draft.parameters.trim() === '' ? {} : parametersIn(draft.parameters);
    } catch (error) {
      setWrong((error as Error).message);
      return;
    }
    setBusy(true);
    try {
      const { execution_id: submitted } = await ask<{ execution_id: string }>('/executions', {
        method: 'POST',
        body: {
          workflow_code: draft.code,
          ...(draft.asScript ? {} : { function_name: 'default', parameters }),
          timeout_seconds: Number(draft.timeout) || 30,
          workflow_id: 'playground',
        },
      });
      setId(submitted);
    } catch (error) {
      setWrong((error as Error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PageHead
        title="Playground"
        about="Runs on a worker, isolated, and is listed as every other execution."
      >
        <Button icon="play" kind="primary" onClick={() => void run()} disabled={isBusy} title="Ctrl Enter">
          Run
        </Button>
      </PageHead>
      <div class="playground">
        <div class="stack">
          <Panel title="Code" note="JavaScript or TypeScript" flush>
            <div class="editor-box">
              <Editor
                value={draft.code}
                label="Code"
                language="typescript"
                onChange={(code) => change({ code })}
                onSubmit={() => void run()}
              />
            </div>
          </Panel>
          <Panel title="How it runs">
            <div class="form">
              <label class="field">
                <span>Parameters, as JSON</span>
                <textarea
                  rows={3}
                  spellcheck={false}
                  value={draft.parameters}
                  disabled={draft.asScript}
                  onInput={(event) => change({ parameters: event.currentTarget.value })}
                />
              </label>
              <label class="field">
                <span>Time limit, in seconds</span>
                <input
                  inputMode="decimal"
                  value={draft.timeout}
                  onInput={(event) => change({ timeout: event.currentTarget.value })}
                />
              </label>
              <label class="check">
                <input
                  type="checkbox"
                  checked={draft.asScript}
                  onChange={(event) => change({ asScript: event.currentTarget.checked })}
                />
                <span>Run it as a script, without calling its default export</span>
              </label>
            </div>
            {wrong !== null && (
              <p class="wrong" role="alert">
                <UserText text={wrong} />
              </p>
            )}
          </Panel>
          <Panel title="What the code has">
            <dl class="context">
              {CONTEXT.map(([name, about]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{about}</dd>
                </div>
              ))}
            </dl>
          </Panel>
        </div>
        <div class="stack">
          {id === null ? (
            <Panel title="Output">
              <p class="note">
                Run it, with the button or Ctrl Enter: what it prints comes here while it prints it.
              </p>
            </Panel>
          ) : (
            <Outcome id={id} key={id} />
          )}
        </div>
      </div>
    </>
  );
}

const CONTEXT: readonly (readonly [string, string])[] = [
  ['parameters', 'the first argument: the JSON above'],
  ['context.executionId', 'its id; also context.attempt and context.starts'],
  ['context.logger', 'debug, info, warn, error, with fields'],
  ['context.progress(fraction, message)', 'how far it is, shown live'],
  ['context.signal', 'aborted when it is cancelled'],
  ['context.secrets', 'by name; never shown in logs or results'],
];

function Outcome({ id }: { id: string }): JSX.Element {
  const { data: view, reload } = useExecution(id);
  const isOpen = view === undefined || view.finished_at === undefined;
  return (
    <>
      <Panel
        title={
          <Link to={`/executions/${encodeURIComponent(id)}`}>
            {view ? <Status state={view.status} /> : 'queued'}
          </Link>
        }
        note={
          isOpen ? (
            <Button
              icon="stop"
              onClick={() =>
                void perform(async () => {
                  await ask(executionPath(id), { method: 'DELETE' });
                  reload();
                  return 'It is being cancelled.';
                })
              }
            >
              Cancel
            </Button>
          ) : (
            duration(view.duration_ms)
          )
        }
        flush
      >
        {isOpen && view?.progress && (
          <div class="progress padded">
            <Meter value={view.progress.fraction} label="Progress" />
            {view.progress.message !== null && <UserText text={view.progress.message} />}
          </div>
        )}
        {view?.waiting && <p class="note padded">{view.waiting.detail}</p>}
        <LogView id={id} onEnd={reload} />
      </Panel>
      {view?.failure && (
        <section class="failure" aria-label="Why it failed">
          <header>
            <h2>{view.failure.code}</h2>
          </header>
          <p class="failure-message">
            <UserText text={view.failure.stack ?? view.failure.message} links />
          </p>
        </section>
      )}
      {view?.success === true && (
        <Panel title="Returned value" flush>
          <JsonView value={view.result} label="Returned value" />
        </Panel>
      )}
      {view?.metrics && (
        <Panel title="Where the time went">
          <Waterfall metrics={view.metrics} />
        </Panel>
      )}
    </>
  );
}
