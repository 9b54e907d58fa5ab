/** A place in a text: lines and columns count from 0, columns in UTF-16 units. */
export interface TextPosition {
  line: number;
  column: number;
}

/** A place of compiled code in what it was made of. */
export interface SourcePosition extends TextPosition {
  /** URL of that source; absent where it is not known. */
  source?: string | undefined;
}
