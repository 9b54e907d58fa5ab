import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { askText } from '../api/client.js';
import { useResource } from '../state/resource.js';
import { UserText } from './text.js';

/** A place in the workspace that a stack names. */
export interface StackPlace {
  file: string;
  line: number;
}

/** Where runners see the workspace, and a path within it. */
const PLACE = /(?:\(|at )\S*\/workspace\/(\S+\.[cm]?[jt]sx?):(\d+):\d+\)?\s*$/;
/** Lines that are shown before and after the one of the error. */
const AROUND = 3;

/** The place that a line of a stack names, if it may be one of the workspace. Pure. */
export function placeIn(line: string): StackPlace | null {
  const [, file, number] = PLACE.exec(line) ?? [];
  if (file === undefined || line.includes('node:') || file.includes('node_modules/')) return null;
  return { file, line: Number(number) };
}

/** A stack; lines that lead into the workspace show their source, of the generation that ran. */
export function ErrorStack({ stack, generation }: { stack: string; generation: number | null }): JSX.Element {
  const lines = stack.split('\n');
  const first = lines.findIndex((line) => placeIn(line) !== null);
  const [open, setOpen] = useState(first);
  return (
    <div class="stack-text" role="group" aria-label="Stack">
      {lines.map((line, index) => {
        const place = generation === null ? null : placeIn(line);
        return (
          <div key={index}>
            {place ? (
              <button
                type="button"
                class="stack-line"
                aria-expanded={open === index}
                onClick={() => setOpen(open === index ? -1 : index)}
              >
                <UserText text={line.trimStart()} />
              </button>
            ) : (
              <span class="stack-line">
                <UserText text={line} />
              </span>
            )}
            {place && open === index && generation !== null && (
              <SourceLines place={place} generation={generation} />
            )}
          </div>
        );
      })}
    </div>
  );
}

function SourceLines({ place, generation }: { place: StackPlace; generation: number }): JSX.Element | null {
  const path = place.file.split('/').map(encodeURIComponent).join('/');
  const source = useResource(`source ${generation} ${place.file}`, (signal) =>
    askText(`/workspace/${generation}/files/${path}`, { signal }),
  );
  if (!source.data)
    return source.error ? (
      <p class="note">
        Its source is not kept: <UserText text={source.error.message} />
      </p>
    ) : null;
  const lines = source.data.split('\n');
  const from = Math.max(0, place.line - 1 - AROUND);
  return (
    <ol class="source" start={from + 1}>
      {lines.slice(from, place.line + AROUND).map((text, index) => (
        <li class={from + index + 1 === place.line ? 'here' : ''} key={index}>
          <span class="source-number">{from + index + 1}</span>
          <UserText text={text} />
        </li>
      ))}
    </ol>
  );
}
