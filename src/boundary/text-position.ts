/** A place in a text: lines and columns count from 0, columns in UTF-16 units. */
export interface TextPosition {
  line: number;
  column: number;
}
