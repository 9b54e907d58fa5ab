/** The file of this program, as V8 names it in stack traces; unit tests are no bundle. */
export const OWN_FILE = typeof __filename === 'string' ? __filename : '/bundle/of/the/runner.cjs';

const FRAME = /^\s*at /;
const NODE_FRAME = /^\s*at .*node:internal\//;
/** An inspected error goes on after its last call, as does a list of them. */
const GOES_ON = /[\d)>]( \{|,)$/;

/**
 * A text with stack traces, without the calls of the runner, and without those of Node that end a trace: how
 * the code was started is ours.
 */
export const userFramesOf = (text: string): string =>
  withoutFrames(text, (line, isLast) => line.includes(OWN_FILE) || (isLast && NODE_FRAME.test(line)));

/** What code prints, without the calls of the runner in it. */
export const withoutOwnFrames = (text: string): string =>
  text.includes(OWN_FILE) ? withoutFrames(text, (line) => line.includes(OWN_FILE)) : text;

/** `isLeftOut` is asked about each call, the last of a trace first. */
function withoutFrames(text: string, isLeftOut: (line: string, isLast: boolean) => boolean): string {
  const kept: string[] = [];
  let isLast = true;
  let rest = '';
  for (const line of text.split('\n').toReversed()) {
    const isFrame = FRAME.test(line);
    if (isFrame && isLeftOut(line, isLast)) {
      rest = GOES_ON.exec(line)?.[1] ?? rest;
      continue;
    }
    isLast = !isFrame;
    kept.push(line + rest);
    rest = '';
  }
  return kept.toReversed().join('\n');
}
