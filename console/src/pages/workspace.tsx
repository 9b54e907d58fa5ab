import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { GenerationDiff, GenerationRecord, WorkspaceView } from '../../../src/contract/workspace.js';
import { ask, askText } from '../api/client.js';
import { Button, Dialog, Empty, Failure, Loading, PageHead, Panel } from '../parts/basics.js';
import { Editor } from '../parts/editor.js';
import { Icon } from '../parts/icons.js';
import { Badge } from '../parts/status.js';
import { Ago, UserText } from '../parts/text.js';
import { perform } from '../state/notices.js';
import { mayOperateAll } from '../state/rights.js';
import { useResource } from '../state/resource.js';
import { route, setQuery } from '../state/router.js';
import { count, plural } from '../text/format.js';

/** Files that are listed at most; the search narrows them. */
const MOST_FILES = 400;

/** The modules that executions import, by generation. */
export function WorkspacePage(): JSX.Element {
  const { query } = route.value;
  const wanted = query.get('generation') ?? '';
  const file = query.get('file') ?? '';
  const view = useResource(
    `workspace ${wanted}`,
    (signal) =>
      ask<WorkspaceView>(`/workspace${wanted === '' ? '' : `?generation=${encodeURIComponent(wanted)}`}`, {
        signal,
      }),
    10_000,
  );
  const [rollsBack, setRollsBack] = useState<GenerationRecord | null>(null);
  if (!view.data)
    return view.error ? <Failure error={view.error} retry={view.reload} /> : <Loading what="the workspace" />;
  const { current, generation, log, paths = {} } = view.data;
  if (generation === null)
    return (
      <>
        <PageHead title="Workspace" />
        <Empty title="Nothing was published yet">
          <p>Code that imports other code lives here. Publish a folder:</p>
          <pre class="command">bifrost workspace push examples/workspace</pre>
        </Empty>
      </>
    );
  const record = log.find((one) => one.generation === generation);
  return (
    <>
      <PageHead
        title="Workspace"
        about={
          <>
            generation {generation}{' '}
            {generation === current ? <Badge tone="good">current</Badge> : <Badge tone="idle">earlier</Badge>}
          </>
        }
      >
        {generation !== current && record && mayOperateAll() && (
          <Button icon="again" kind="primary" onClick={() => setRollsBack(record)}>
            {`Roll back to ${generation}…`}
          </Button>
        )}
      </PageHead>
      <div class="workspace">
        <div class="stack">
          <Panel title="Generations" flush>
            <ul class="generations">
              {log.map((one) => (
                <li key={one.generation}>
                  <button
                    type="button"
                    aria-current={one.generation === generation ? 'true' : undefined}
                    onClick={() =>
                      setQuery(
                        { generation: one.generation === current ? '' : String(one.generation) },
                        false,
                      )
                    }
                  >
                    <strong>{one.generation}</strong>
                    <span class="cut">
                      <UserText text={one.message ?? 'no message'} />
                    </span>
                    <span class="note">
                      <span class="added">+{count(one.added)}</span> ~{count(one.changed)}{' '}
                      <span class="gone">−{count(one.removed)}</span>
                      {one.author !== null && (
                        <>
                          {' · '}
                          <UserText text={one.author} />
                        </>
                      )}
                      {' · '}
                      <Ago at={one.created_at} />
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          </Panel>
          {record && record.parent !== null && <Diff from={record.parent} to={generation} />}
        </div>
        <Files paths={Object.keys(paths)} file={file} generation={generation} />
      </div>
      {rollsBack && (
        <RollBack
          record={rollsBack}
          current={current}
          onClose={() => setRollsBack(null)}
          onDone={() => {
            setQuery({ generation: '' });
            view.reload();
          }}
        />
      )}
    </>
  );
}

/** What a generation changed of the one before it. */
function Diff({ from, to }: { from: number; to: number }): JSX.Element {
  const diff = useResource(`diff ${from} ${to}`, (signal) =>
    ask<GenerationDiff>(`/workspace/diff?from=${from}&to=${to}`, { signal }),
  );
  const rows = [
    ...(diff.data?.added ?? []).map((path) => ['added', '+', path] as const),
    ...(diff.data?.changed ?? []).map((path) => ['changed', '~', path] as const),
    ...(diff.data?.removed ?? []).map((path) => ['gone', '−', path] as const),
  ];
  return (
    <Panel title={`Changed since ${from}`} note={diff.data && plural(rows.length, 'file')} flush>
      {diff.error ? (
        <p class="note padded">{diff.error.message}</p>
      ) : (
        <ul class="diff">
          {rows.slice(0, MOST_FILES).map(([kind, sign, path]) => (
            <li class={kind} key={path}>
              <span aria-label={kind}>{sign}</span> <UserText text={path} />
            </li>
          ))}
          {diff.data && rows.length === 0 && <li class="note">nothing</li>}
        </ul>
      )}
    </Panel>
  );
}

function Files({
  paths,
  file,
  generation,
}: {
  paths: string[];
  file: string;
  generation: number;
}): JSX.Element {
  const [search, setSearch] = useState('');
  const sorted = paths.toSorted();
  const found = sorted.filter((path) => path.toLowerCase().includes(search.toLowerCase()));
  const shown = file === '' ? sorted[0] : file;
  return (
    <Panel title="Files" note={plural(paths.length, 'file')} flush>
      <div class="files">
        <div class="file-list">
          <label class="search">
            <span class="hidden">Search files</span>
            <input
              type="search"
              placeholder="Search files"
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
          <ul tabIndex={0} aria-label="Files">
            {found.slice(0, MOST_FILES).map((path) => (
              <li key={path}>
                <button
                  type="button"
                  aria-current={path === shown ? 'true' : undefined}
                  onClick={() => setQuery({ file: path })}
                >
                  <Icon name="file" /> <UserText text={path} />
                </button>
              </li>
            ))}
          </ul>
          {found.length > MOST_FILES && <p class="note">{count(found.length - MOST_FILES)} more: search</p>}
        </div>
        {shown !== undefined && <Source path={shown} generation={generation} />}
      </div>
    </Panel>
  );
}

function Source({ path, generation }: { path: string; generation: number }): JSX.Element {
  const source = useResource(`file ${generation} ${path}`, (signal) =>
    askText(`/workspace/${generation}/files/${path.split('/').map(encodeURIComponent).join('/')}`, {
      signal,
    }),
  );
  if (source.data === undefined)
    return source.error ? <Failure error={source.error} /> : <Loading what="the file" />;
  return (
    <div class="file">
      <h3>
        <UserText text={path} />
      </h3>
      <Editor
        value={source.data}
        label={`Source of ${path}`}
        language={path.endsWith('.json') ? 'json' : /\.[cm]?[jt]sx?$/.test(path) ? 'typescript' : 'text'}
      />
    </div>
  );
}

function RollBack({
  record,
  current,
  onClose,
  onDone,
}: {
  record: GenerationRecord;
  current: number | null;
  onClose: () => void;
  onDone: () => void;
}): JSX.Element {
  const diff = useResource(`rollback ${current} ${record.generation}`, (signal) =>
    ask<GenerationDiff>(`/workspace/diff?from=${current ?? record.generation}&to=${record.generation}`, {
      signal,
    }),
  );
  const run = async (): Promise<void> => {
    const isDone = await perform(async () => {
      const made = await ask<GenerationRecord>('/workspace/rollback', {
        method: 'POST',
        body: {
          generation: record.generation,
          expected: current,
          message: `Roll back to ${record.generation}, from the console`,
        },
      });
      return `Generation ${made.generation} has the files of ${record.generation} and is current.`;
    });
    if (isDone) onDone();
    onClose();
  };
  return (
    <Dialog title={`Roll back to generation ${record.generation}`} onClose={onClose}>
      <p>
        Its files are published again under a new number. Executions that run keep the generation that they
        started with.
      </p>
      {diff.data && (
        <p>
          Compared with the current one: {plural(diff.data.added.length, 'file')} come,{' '}
          {diff.data.changed.length} change, {diff.data.removed.length} go.
        </p>
      )}
      <div class="dialog-end">
        <Button onClick={onClose}>Leave it</Button>
        <Button kind="primary" onClick={() => void run()}>
          Roll back
        </Button>
      </div>
    </Dialog>
  );
}
