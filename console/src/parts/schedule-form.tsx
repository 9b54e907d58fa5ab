import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Schedule } from '../../../src/contract/api/schedules.js';
import { ask } from '../api/client.js';
import { notify } from '../state/notices.js';
import { draftOf, requestOf, type ScheduleDraft, UNITS } from '../state/schedule-draft.js';
import { MISSED, OVERLAP, schedulePath } from '../state/schedules.js';
import { Editor } from './editor.js';
import { Field, FormDialog } from './form.js';
import { UserText } from './text.js';

const ZONES: readonly string[] = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** Hundreds of names, which no change of the form concerns. */
const zonesList = (): JSX.Element => (
  <datalist id="time-zones">
    {ZONES.map((zone) => (
      <option value={zone} key={zone} />
    ))}
  </datalist>
);

/** Asks for a new schedule, or for changes of one. */
export function ScheduleDialog({
  former,
  onClose,
  onDone,
}: {
  former?: Schedule;
  onClose: () => void;
  onDone: (id: string) => void;
}): JSX.Element {
  const [draft, setDraft] = useState(() => draftOf(former));
  const change = (changes: Partial<ScheduleDraft>): void => setDraft((before) => ({ ...before, ...changes }));
  const send = async (): Promise<void> => {
    const body = requestOf(draft, former);
    await ask(schedulePath(draft.id.trim()), { method: 'PUT', body });
    notify(former ? 'The schedule is changed.' : 'The schedule is set.');
    onDone(draft.id.trim());
    onClose();
  };
  return (
    <FormDialog
      title={former ? 'Edit the schedule' : 'New schedule'}
      verb={former ? 'Save' : 'Set it'}
      send={send}
      onClose={onClose}
      wide
    >
      {!former && (
        <Field label="Name: letters, digits, _ . and -">
          <input
            value={draft.id}
            required
            autofocus
            pattern="[A-Za-z0-9_.\-]{1,100}"
            placeholder="nightly-report"
            onInput={(event) => change({ id: event.currentTarget.value })}
          />
        </Field>
      )}
      <Timing draft={draft} change={change} />
      <Content draft={draft} change={change} isNew={!former} />
      <Policies draft={draft} change={change} />
    </FormDialog>
  );
}

interface PartProps {
  draft: ScheduleDraft;
  change: (changes: Partial<ScheduleDraft>) => void;
}

/** Buttons of which one is pressed. */
function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([one, name]) => (
        <button type="button" key={one} aria-pressed={one === value} onClick={() => onChange(one)}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Timing({ draft, change }: PartProps): JSX.Element {
  const zones = useMemo(zonesList, []);
  return (
    <div class="group" role="group" aria-label="When">
      <h3>When</h3>
      <Choice
        label="By"
        value={draft.by}
        options={[
          ['cron', 'By a cron pattern'],
          ['every', 'Every so often'],
        ]}
        onChange={(by) => change({ by })}
      />
      <div class="fields">
        {draft.by === 'cron' ? (
          <>
            <Field label="Pattern: minute, hour, day, month, weekday">
              <input
                class="mono"
                value={draft.cron}
                spellcheck={false}
                onInput={(event) => change({ cron: event.currentTarget.value })}
              />
            </Field>
            <Field label="Time zone">
              <input
                list="time-zones"
                value={draft.tz}
                onInput={(event) => change({ tz: event.currentTarget.value })}
              />
              {zones}
            </Field>
          </>
        ) : (
          <>
            <Field label="Every">
              <input
                inputMode="decimal"
                value={draft.every}
                onInput={(event) => change({ every: event.currentTarget.value })}
              />
            </Field>
            <Field label="Unit">
              <select
                value={draft.unit}
                onChange={(event) => change({ unit: event.currentTarget.value as ScheduleDraft['unit'] })}
              >
                {Object.keys(UNITS).map((unit) => (
                  <option value={unit} key={unit}>
                    {unit}
                  </option>
                ))}
              </select>
            </Field>
          </>
        )}
        <Field label="Not before, in your time zone">
          <input
            type="datetime-local"
            step="1"
            value={draft.start}
            onInput={(event) => change({ start: event.currentTarget.value })}
          />
        </Field>
        <Field label="Not after">
          <input
            type="datetime-local"
            step="1"
            value={draft.end}
            onInput={(event) => change({ end: event.currentTarget.value })}
          />
        </Field>
      </div>
    </div>
  );
}

function Content({ draft, change, isNew }: PartProps & { isNew: boolean }): JSX.Element {
  const { runs } = draft;
  const names = Object.keys(draft.secrets);
  return (
    <div class="group" role="group" aria-label="What">
      <h3>What</h3>
      {(isNew || runs !== 'task') && (
        <Choice
          label="What runs"
          value={runs}
          options={[
            ['module', 'A module of the workspace'],
            ['code', 'A snippet'],
          ]}
          onChange={(next) => change({ runs: next })}
        />
      )}
      {runs === 'module' ? (
        <div class="fields">
          <Field label="Module">
            <input
              class="mono"
              required
              value={draft.filePath}
              placeholder="workflows/report.ts"
              spellcheck={false}
              onInput={(event) => change({ filePath: event.currentTarget.value })}
            />
          </Field>
          <Field label="Function; empty: none is called">
            <input
              class="mono"
              value={draft.functionName}
              spellcheck={false}
              onInput={(event) => change({ functionName: event.currentTarget.value })}
            />
          </Field>
        </div>
      ) : (
        <div class="editor-box small framed">
          <Editor
            value={draft.code}
            label="Code"
            language="typescript"
            onChange={(code) => change({ code })}
          />
        </div>
      )}
      {runs !== 'task' && (
        <Field label="Parameters, as JSON">
          <textarea
            rows={3}
            spellcheck={false}
            value={draft.parameters}
            onInput={(event) => change({ parameters: event.currentTarget.value })}
          />
        </Field>
      )}
      <div class="fields">
        <Field label="Time limit in seconds; empty: the default">
          <input
            inputMode="decimal"
            value={draft.timeout}
            onInput={(event) => change({ timeout: event.currentTarget.value })}
          />
        </Field>
        <Field label="Attempts; empty: one">
          <input
            inputMode="numeric"
            value={draft.attempts}
            onInput={(event) => change({ attempts: event.currentTarget.value })}
          />
        </Field>
      </div>
      {names.map((name) => (
        <Field
          key={name}
          label={
            <>
              Secret <UserText text={name} />, again: it is never shown
            </>
          }
        >
          <input
            type="password"
            autocomplete="off"
            required
            value={draft.secrets[name]}
            onInput={(event) => change({ secrets: { ...draft.secrets, [name]: event.currentTarget.value } })}
          />
        </Field>
      ))}
    </div>
  );
}

function Policies({ draft, change }: PartProps): JSX.Element {
  return (
    <div class="group" role="group" aria-label="If things go otherwise">
      <h3>If things go otherwise</h3>
      <div class="fields">
        <Field label="If the one before still runs">
          <select
            value={draft.overlap}
            onChange={(event) => change({ overlap: event.currentTarget.value as ScheduleDraft['overlap'] })}
          >
            {Object.entries(OVERLAP).map(([value, text]) => (
              <option value={value} key={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        <Field label="If ticks were missed">
          <select
            value={draft.missed}
            onChange={(event) => change({ missed: event.currentTarget.value as ScheduleDraft['missed'] })}
          >
            {Object.entries(MISSED).map(([value, text]) => (
              <option value={value} key={value}>
                {text}
              </option>
            ))}
          </select>
        </Field>
        {draft.end !== '' && (
          <Field label="Report its end to this address; empty: to none">
            <input
              type="url"
              value={draft.webhook}
              placeholder="https://example.com/hooks"
              onInput={(event) => change({ webhook: event.currentTarget.value })}
            />
          </Field>
        )}
      </div>
    </div>
  );
}
