import { SourceMap, type SourceMapping } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CodePlace, FailedFrame, ShippedModule } from '../contract/runner-protocol.js';
import type { Evidence } from '../contract/result.js';
import { pathOfUrl } from '../lib/workspace-url.js';
import type { TimeoutTrace } from './slot.js';

const INLINE_MAP = /\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/;
const MAX_LINES = 50;

interface SourcePlace {
  file: string;
  line: number;
  column: number;
  function: string;
}

/** What the trace of a time-out says, in positions of the user's own source. */
export function timeoutEvidence(
  trace: TimeoutTrace | null,
  modules: readonly ShippedModule[],
  rootUrl: string,
): Evidence {
  if (trace === null) return {};
  if (trace.kind === 'waiting') {
    const open = trace.resources.length > 0 ? trace.resources.join(', ') : 'nothing';
    return { waiting: `The event loop was free: an await never settled. Open: ${open}` };
  }
  const sources = new SourcePositions(modules, rootUrl);
  const places = trace.places.map((place) => sources.locate(place)).filter((place) => place !== null);
  const [innermost] = places;
  if (!innermost) return {};
  const lines = places.map(
    ({ file, line, column, function: name }) => `at ${name} (${file}:${line}:${column})`,
  );
  const own = places.find(({ file }) => !file.includes('/node_modules/')) ?? innermost;
  return {
    blocked_stack: lines.slice(0, MAX_LINES).join('\n'),
    blocked_at: { file: own.file, line: own.line, function: own.function },
  };
}

/** What the calls that an error went through held, in positions of the user's own source. */
export function localsEvidence(
  frames: readonly FailedFrame[] | null | undefined,
  modules: readonly ShippedModule[],
  rootUrl: string,
): Evidence {
  if (!frames || frames.length === 0) return {};
  const sources = new SourcePositions(modules, rootUrl);
  const locals = frames.flatMap((frame) => {
    const place = sources.locate(frame);
    return place === null
      ? []
      : [{ file: place.file, line: place.line, function: place.function, variables: frame.variables }];
  });
  return { locals };
}

/** Translates positions of compiled modules; the runner's own and Node's code are left out. Takes whatever a runner says. */
class SourcePositions {
  private readonly sources = new Map<string, string>();
  private readonly maps = new Map<string, SourceMap | null>();

  constructor(
    modules: readonly ShippedModule[],
    private readonly rootUrl: string,
  ) {
    for (const { url, source } of modules) this.sources.set(pathOfUrl(rootUrl, url) ?? url, source);
  }

  locate({ functionName, url, line, column }: CodePlace): SourcePlace | null {
    const name = functionName === '' ? '<anonymous>' : functionName;
    const href = url.startsWith('/') ? `file://${url}` : url;
    const path = pathOfUrl(this.rootUrl, href);
    if (path === null) {
      const file = href.includes('/node_modules/') ? fileOf(href) : null;
      return file === null ? null : { file, line: line + 1, column: column + 1, function: name };
    }
    const known = originalOf(this.mapOf(path), line, column);
    return {
      file: fileURLToPath(this.rootUrl) + path,
      line: (known?.line ?? line) + 1,
      column: (known?.column ?? column) + 1,
      function: name,
    };
  }

  private mapOf(path: string): SourceMap | null {
    const cached = this.maps.get(path);
    if (cached !== undefined) return cached;
    const encoded = INLINE_MAP.exec(this.sources.get(path) ?? '')?.[1];
    const map = encoded ? parseMap(encoded) : null;
    this.maps.set(path, map);
    return map;
  }
}

/** Where the user's own code is, of which the map may be anything. */
function originalOf(
  map: SourceMap | null,
  line: number,
  column: number,
): { line: number; column: number } | null {
  try {
    const { originalLine, originalColumn } = (map?.findEntry(line, column) ?? {}) as Partial<SourceMapping>;
    return Number.isInteger(originalLine) && Number.isInteger(originalColumn)
      ? { line: originalLine as number, column: originalColumn as number }
      : null;
  } catch {
    return null;
  }
}

/** Path of a file of this machine; null for every other URL, and for what is none. */
function fileOf(url: string): string | null {
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}

function parseMap(encoded: string): SourceMap | null {
  try {
    return new SourceMap(
      JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as ConstructorParameters<
        typeof SourceMap
      >[0],
    );
  } catch {
    return null;
  }
}
