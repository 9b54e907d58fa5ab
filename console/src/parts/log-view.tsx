import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LogEvent } from '../../../src/contract/log-stream.js';
import { followLog } from '../api/log-feed.js';
import { type AnsiStyle, ansiPieces } from '../text/ansi.js';
import { clockTime, count, plural } from '../text/format.js';
import { Button } from './basics.js';
import { LEVELS, type Level, LINE_CHARS, LINES_KEPT, type LogLine, linesOf, rankOf } from './log-lines.js';
import { UserText } from './text.js';
import { Window } from './window.js';

const ROW = 20;

/** What an execution prints, while it prints it: levels, search, follow, download. */
export function LogView({
  id,
  onEnd,
  onEvents,
}: {
  id: string;
  onEnd?: () => void;
  onEvents?: (events: readonly LogEvent[]) => void;
}): JSX.Element {
  const lines = useRef<LogLine[]>([]);
  const [version, setVersion] = useState(0);
  const [state, setState] = useState<'live' | 'lost' | 'ended' | 'opening'>('opening');
  const [level, setLevel] = useState<Level>('debug');
  const [search, setSearch] = useState('');
  const [follows, setFollows] = useState(true);
  const [hit, setHit] = useState(0);
  const callbacks = useRef({ onEnd, onEvents });
  callbacks.current = { onEnd, onEvents };

  useEffect(() => {
    lines.current = [];
    setState('opening');
    return followLog(id, {
      onEntries: (entries) => {
        for (const entry of entries) lines.current.push(...linesOf(entry));
        if (lines.current.length > LINES_KEPT) lines.current = lines.current.slice(-LINES_KEPT);
        setVersion((n) => n + 1);
        callbacks.current.onEvents?.(entries);
      },
      onState: (next) => {
        setState(next);
        if (next === 'ended') callbacks.current.onEnd?.();
      },
    });
  }, [id]);

  const shown = useMemo(() => {
    const least = LEVELS.indexOf(level);
    return least === 0 ? lines.current : lines.current.filter((line) => rankOf(line.level) >= least);
  }, [version, level]);
  const hits = useMemo(() => {
    const wanted = search.toLowerCase();
    if (wanted === '') return [];
    return shown.flatMap(({ text }, index) => (text.toLowerCase().includes(wanted) ? [index] : []));
  }, [shown, version, search]);
  const goTo = useMemo(
    () => (hits.length > 0 ? { index: hits[hit % hits.length] ?? 0 } : null),
    [hit, search, hits.length > 0],
  );
  const isHit = useMemo(() => new Set(hits), [hits]);

  return (
    <div class="log">
      <div class="log-bar">
        <div class="segments" role="group" aria-label="Least level">
          {LEVELS.map((one) => (
            <button type="button" aria-pressed={level === one} onClick={() => setLevel(one)}>
              {one === 'debug' ? 'all' : one}
            </button>
          ))}
        </div>
        <label class="search">
          <span class="hidden">Search the log</span>
          <input
            type="search"
            placeholder="Search the log"
            value={search}
            onInput={(event) => {
              setSearch(event.currentTarget.value);
              setHit(0);
              setFollows(false);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') setHit((n) => n + (event.shiftKey ? hits.length - 1 : 1));
            }}
          />
        </label>
        {search !== '' && (
          <span class="note" role="status">
            {hits.length === 0 ? 'not found' : `${(hit % hits.length) + 1} of ${count(hits.length)}`}
          </span>
        )}
        <span class="spread" />
        <span class="note" role="status">
          {stateText(state)} · {plural(shown.length, 'line')}
        </span>
        <Button aria-pressed={follows} onClick={() => setFollows(!follows)}>
          Follow
        </Button>
        <Button
          icon="down"
          aria-label="Download"
          title="Download"
          onClick={() => download(id, lines.current)}
          disabled={lines.current.length === 0}
        />
      </div>
      {lines.current.length === 0 ? (
        <p class="log-none">{state === 'ended' ? 'It printed nothing.' : 'Nothing was printed yet.'}</p>
      ) : (
        <Window
          class="log-lines"
          fits
          label="Log"
          rows={shown.length}
          rowHeight={ROW}
          follow={follows}
          onFollow={setFollows}
          goTo={goTo}
          render={(index) => (
            <Line key={index} line={shown[index] as LogLine} isHit={isHit.has(index)} wanted={search} />
          )}
        />
      )}
    </div>
  );
}

function stateText(state: 'live' | 'lost' | 'ended' | 'opening'): string {
  return { live: 'live', lost: 'connection lost, trying again', ended: 'complete', opening: 'opening' }[
    state
  ];
}

function Line({ line, isHit, wanted }: { line: LogLine; isHit: boolean; wanted: string }): JSX.Element {
  const rank = LEVELS[rankOf(line.level)] ?? 'info';
  const isCut = line.text.length > LINE_CHARS;
  const text = isCut ? line.text.slice(0, LINE_CHARS) : line.text;
  const level = line.stream === 'worker' ? 'worker' : rank;
  return (
    <div class={`line ${level === 'worker' ? 'of-worker' : level} ${isHit ? 'hit' : ''}`}>
      <time class="line-time">{line.isMore ? '' : clockTime(line.ts)}</time>
      <span class="line-level">{line.isMore ? '' : level}</span>
      <span class="line-text">
        {isHit && wanted !== '' ? <Marked text={text} wanted={wanted} /> : <Ansi text={text} />}
        {isCut && (
          <span class="line-cut">
            {' '}
            … {plural(line.text.length - LINE_CHARS, 'more character')}: download it
          </span>
        )}
        {line.fields && <span class="line-fields"> {JSON.stringify(line.fields)}</span>}
      </span>
    </div>
  );
}

/** Text with the colours that its escape sequences ask for. */
export const Ansi = ({ text }: { text: string }): JSX.Element => (
  <>
    {ansiPieces(text).map((piece) => {
      const look = lookOf(piece.style);
      return look ? (
        <span class={look.class} style={look.style}>
          <UserText text={piece.text} links />
        </span>
      ) : (
        <UserText text={piece.text} links />
      );
    })}
  </>
);

function lookOf({ color, background, ...rest }: AnsiStyle): {
  class: string;
  style: { color?: string; backgroundColor?: string };
} | null {
  const classes = Object.keys(rest).map((name) => `ansi-${name}`);
  if (typeof color === 'number') classes.push(`ansi-${color}`);
  if (typeof background === 'number') classes.push(`ansi-on-${background}`);
  const style = {
    ...(typeof color === 'string' ? { color } : {}),
    ...(typeof background === 'string' ? { backgroundColor: background } : {}),
  };
  return classes.length === 0 && Object.keys(style).length === 0 ? null : { class: classes.join(' '), style };
}

/** The text with what is searched for marked; without its colours. */
function Marked({ text, wanted }: { text: string; wanted: string }): JSX.Element {
  const plain = ansiPieces(text)
    .map((piece) => piece.text)
    .join('');
  const lower = plain.toLowerCase();
  const pieces: JSX.Element[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted.toLowerCase()); at !== -1;) {
    pieces.push(<UserText text={plain.slice(from, at)} />);
    pieces.push(
      <mark>
        <UserText text={plain.slice(at, at + wanted.length)} />
      </mark>,
    );
    from = at + wanted.length;
    at = lower.indexOf(wanted.toLowerCase(), from);
  }
  pieces.push(<UserText text={plain.slice(from)} />);
  return <>{pieces}</>;
}

function download(id: string, lines: readonly LogLine[]): void {
  const text = lines.map((line) => (line.isMore ? line.text : `${line.ts} ${line.level} ${line.text}`));
  const url = URL.createObjectURL(new Blob([text.join('\n'), '\n'], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${id.replace(/[^\w.-]/g, '_')}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
