/** One cell; `paint` colours its text and must not change how wide that is shown. */
export interface Cell {
  text: string;
  paint?: (text: string) => string;
}

const GAP = '  ';

/** Rows below headings, in columns as wide as their widest text. */
export function tableOf(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all = [headings.map((text): Cell => ({ text })), ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]?.text.length ?? 0)));
  return all
    .map((row) => {
      const cells = row.map(({ text, paint = (same) => same }, column) => {
        const padding = column === row.length - 1 ? '' : ' '.repeat(widths[column]! - text.length);
        return paint(text) + padding;
      });
      return `${cells.join(GAP)}\n`;
    })
    .join('');
}
