import { fileURLToPath } from 'node:url';
import type { SourcePosition, TextPosition } from '../boundary/text-position.js';
import type { CodePlace } from '../boundary/runner-frames.js';
import type { Soon } from '../lib/soon.js';
import type { ShippedModule } from '../boundary/shipped-module.js';
import { pathOfUrl } from '../boundary/workspace-url.js';

/** A place in what the author wrote; line and column begin at 1. */
export interface SourcePlace {
  file: string;
  line: number;
  column: number;
  function: string;
}

/** Finds places of compiled code in its original source; null for each that is not known. Never rejects. */
export type Locate = (
  compiled: string,
  places: readonly TextPosition[],
) => Promise<readonly (SourcePosition | null)[]>;

/** What one execution was sent of its code. */
export interface SentCode {
  modules: readonly ShippedModule[];
  rootUrl: string;
}

/**
 * Places that a runner named, in positions of the original source. Those of the runner itself and of Node
 * are left out. Takes whatever a runner says; source maps are read in a compiler process.
 */
export class OriginalPlaces {
  /** Nothing is known. */
  static readonly none = new OriginalPlaces('file:///', new Map());

  private constructor(
    private readonly rootUrl: string,
    private readonly known: ReadonlyMap<string, SourcePosition>,
  ) {}

  /** Never rejects. Of no places it is there at once. */
  static find(places: readonly CodePlace[], sent: SentCode, locate: Locate): Soon<OriginalPlaces> {
    if (places.length === 0) return new OriginalPlaces(sent.rootUrl, new Map());
    return OriginalPlaces.look(places, sent, locate);
  }

  private static async look(
    places: readonly CodePlace[],
    { modules, rootUrl }: SentCode,
    locate: Locate,
  ): Promise<OriginalPlaces> {
    const sources = new Map(modules.map(({ url, source }) => [pathOfUrl(rootUrl, url) ?? url, source]));
    const byPath = Map.groupBy(places, ({ url }) => pathOfUrl(rootUrl, hrefOf(url)) ?? '');
    const known = new Map<string, SourcePosition>();
    for (const [path, ofPath] of byPath) {
      const source = sources.get(path);
      if (source === undefined) continue;
      const found = await locate(source, ofPath.map(positionOf));
      for (const [index, place] of ofPath.entries()) {
        const original = found[index];
        if (original) known.set(keyOf(place), original);
      }
    }
    return new OriginalPlaces(rootUrl, known);
  }

  /** null: it is no place of the user's code. */
  get(place: CodePlace): SourcePlace | null {
    const original: SourcePosition = this.known.get(keyOf(place)) ?? place;
    const { line, column, source } = original;
    const file = this.fileOf(hrefOf(place.url));
    if (file === null) return null;
    return {
      file: source === undefined ? file : (filePathOf(source) ?? source),
      line: line + 1,
      column: column + 1,
      function: place.functionName || '<anonymous>',
    };
  }

  private fileOf(href: string): string | null {
    const path = pathOfUrl(this.rootUrl, href);
    if (path !== null) return fileURLToPath(this.rootUrl) + path;
    return href.includes('/node_modules/') ? filePathOf(href) : null;
  }
}

const hrefOf = (url: string): string => (url.startsWith('/') ? `file://${url}` : url);

const keyOf = ({ url, line, column }: CodePlace): string => `${line}:${column}:${url}`;

/** A runner may say any numbers. */
const positionOf = ({ line, column }: CodePlace): TextPosition => ({
  line: Math.max(line, 0),
  column: Math.max(column, 0),
});

/** Path of a file of this machine; null for every other URL, and for what is none. */
function filePathOf(url: string): string | null {
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}
