/** A source map, of https://tc39.es/ecma426/, without what is not needed here. */
export interface SourceMapText {
  sources: readonly string[];
  mappings: string;
}

/** Lines and columns begin at 0. */
export interface SourcePlace {
  source: string;
  line: number;
  column: number;
}

/** Lines of the generated file between two places that are kept: of what lies between one is read when it is asked for. */
const LINES_APART = 512;

/**
 * Where the places of a generated file come from. Node's `SourceMap` makes an object of each segment: of a bundle
 * with 300,000 that is 16 MB for as long as the process lives, and 80 ms. This keeps the text and some places in it.
 */
export class SourcePlaces {
  private readonly kept: Reader[] = [];

  constructor(private readonly map: SourceMapText) {
    const reader = new Reader(map.mappings);
    do {
      if (reader.line === this.kept.length * LINES_APART) this.kept.push(reader.copy());
    } while (reader.next());
  }

  /** null: it comes from none of the sources. */
  find(line: number, column: number): SourcePlace | null {
    const reader = this.kept[Math.floor(line / LINES_APART)]?.copy();
    let found: SourcePlace | null = null;
    while (reader?.next() && (reader.line < line || (reader.line === line && reader.column <= column)))
      if (reader.line === line) found = this.placeAt(reader);
    return found;
  }

  private placeAt({ hasSource, source, sourceLine, sourceColumn }: Reader): SourcePlace | null {
    const name = hasSource ? this.map.sources[source] : undefined;
    return name === undefined ? null : { source: name, line: sourceLine, column: sourceColumn };
  }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Uint8Array(128);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;
const COMMA = ','.charCodeAt(0);
const SEMICOLON = ';'.charCodeAt(0);

/** Goes through mappings: the numbers of each are differences from those of the one before. */
class Reader {
  /** Of the next character. */
  private offset = 0;
  line = 0;
  column = 0;
  hasSource = false;
  source = 0;
  sourceLine = 0;
  sourceColumn = 0;

  constructor(private readonly mappings: string) {}

  copy(): Reader {
    return Object.assign(new Reader(this.mappings), this);
  }

  /** To the next segment, or line; false: there is none. */
  next(): boolean {
    const { mappings } = this;
    if (this.offset >= mappings.length) return false;
    const code = mappings.charCodeAt(this.offset);
    if (code === SEMICOLON) {
      this.offset += 1;
      this.line += 1;
      this.column = 0;
      this.hasSource = false;
      return true;
    }
    if (code === COMMA) this.offset += 1;
    this.column += this.number();
    this.hasSource = this.isInSegment;
    if (!this.hasSource) return true;
    this.source += this.number();
    this.sourceLine += this.number();
    this.sourceColumn += this.number();
    // The name of what is there.
    if (this.isInSegment) this.number();
    return true;
  }

  private get isInSegment(): boolean {
    const code = this.mappings.charCodeAt(this.offset);
    return this.offset < this.mappings.length && code !== COMMA && code !== SEMICOLON;
  }

  /** In base 64: of each digit the highest bit says that there is another, the lowest bit of all is the sign. */
  private number(): number {
    const { mappings } = this;
    let value = 0;
    let shift = 0;
    for (let isLast = false; !isLast; shift += 5) {
      const digit = VALUES[mappings.charCodeAt(this.offset++)] as number;
      value |= (digit & 31) << shift;
      isLast = digit < 32;
    }
    return value & 1 ? -(value >>> 1) : value >>> 1;
  }
}
