/** How a piece of terminal output looks. `color` is 0 to 15, or a colour of its own. */
export interface AnsiStyle {
  color?: number | string;
  background?: number | string;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
}

export interface AnsiPiece {
  text: string;
  style: AnsiStyle;
}

/** Sequences of ECMA-48: CSI, OSC with its end, and single ones. Only SGR (`m`) means something here. */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /\u001b(?:\[([0-9;:]*)([\u0020-\u002f]*)([\u0040-\u007e])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[\u0030-\u005a\u005c\u005e-\u007e])/g;

/** Splits text into pieces of one look each; sequences that are not about looks are left out. Pure. */
export function ansiPieces(text: string): AnsiPiece[] {
  if (!text.includes('\u001b')) return text === '' ? [] : [{ text, style: {} }];
  const pieces: AnsiPiece[] = [];
  let style: AnsiStyle = {};
  let from = 0;
  const add = (to: number): void => {
    if (to > from) pieces.push({ text: text.slice(from, to), style });
  };
  for (const found of text.matchAll(SEQUENCE)) {
    add(found.index);
    from = found.index + found[0].length;
    if (found[3] === 'm' && !found[2]) style = styled(style, found[1] ?? '');
  }
  add(text.length);
  return pieces;
}

function styled(before: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(/[;:]/).map(Number);
  let style: AnsiStyle = { ...before };
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style = without(style, 'bold', 'dim');
    else if (code === 23) style = without(style, 'italic');
    else if (code === 24) style = without(style, 'underline');
    else if (code === 39) style = without(style, 'color');
    else if (code === 49) style = without(style, 'background');
    else if (code >= 30 && code <= 37) style.color = code - 30;
    else if (code >= 90 && code <= 97) style.color = code - 82;
    else if (code >= 40 && code <= 47) style.background = code - 40;
    else if (code >= 100 && code <= 107) style.background = code - 92;
    else if (code === 38 || code === 48) {
      const [color, used] = ownColor(codes.slice(index + 1));
      if (color !== undefined) style[code === 38 ? 'color' : 'background'] = color;
      index += used;
    }
  }
  return style;
}

const without = (style: AnsiStyle, ...names: (keyof AnsiStyle)[]): AnsiStyle =>
  Object.fromEntries(Object.entries(style).filter(([name]) => !names.includes(name as keyof AnsiStyle)));

/** `5;n` of a palette of 256, or `2;r;g;b`; and how many numbers that took. */
function ownColor([kind, ...rest]: readonly number[]): [color: number | string | undefined, used: number] {
  if (kind === 5) return [paletteColor(rest[0] ?? -1), 2];
  if (kind === 2) return [rgb(rest.slice(0, 3)), 4];
  return [undefined, 1];
}

function paletteColor(index: number): number | string | undefined {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return index;
  if (index >= 232) return rgb(Array<number>(3).fill(8 + (index - 232) * 10));
  const level = (n: number): number => (n === 0 ? 0 : 55 + n * 40);
  const cube = index - 16;
  return rgb([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

const rgb = (values: readonly number[]): string | undefined =>
  values.length === 3 && values.every((value) => value >= 0 && value <= 255)
    ? `rgb(${values.map(Math.floor).join(', ')})`
    : undefined;
