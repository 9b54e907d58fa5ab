/** One program that runs by plain Node and in each kind of runner; all of them must do the same. */
export interface Row {
  name: string;
  code: string;
  /** By plain Node it runs as JavaScript: what strips types knows only modules there. */
  language?: 'js';
  /** Why they differ; the documentation lists it. What is compared then is what stays. */
  differs?: Difference;
}

/** A known difference to plain Node. */
export interface Difference {
  reason: string;
  /** What is not compared. */
  in: readonly ('stdout' | 'stderr' | 'exit code')[];
  /** What the runner's side must have in place of that, in stdout or stderr. */
  shows?: RegExp;
}

/** How a program ended, in words that do not depend on where it ran. */
export interface Ending {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

export const row = (name: string, code: string, differs?: Difference): Row => ({
  name,
  code,
  ...(differs ? { differs } : {}),
});

/** A program that is no TypeScript. */
export const script = (name: string, code: string, differs?: Difference): Row => ({
  ...row(name, code, differs),
  language: 'js',
});

/**
 * Text of a program, comparable: without the folder that it ran in, without the calls of Node in stack traces,
 * and without what Node prints of the source around an error, and of itself.
 */
export function comparable(text: string, folder: string, pid: number | null): string {
  return (
    text
      .replaceAll(`file://${folder}`, '<folder>')
      .replaceAll(folder, '<folder>')
      .replaceAll('inline-code.js', 'inline-code.ts')
      // As Node itself writes them where code was compiled.
      .replace(/\bat (async )?<anonymous> \((<folder>[^)\n]*)\)/g, 'at $1$2')
      .replace(/\.\.\. \d+ lines matching/g, '... lines matching')
      .replaceAll(pid === null ? '\0' : `node:${pid}`, 'node:<pid>')
      .replace(/\(node:\d+\)/g, '(node:<pid>)')
      .replace(/^\(Use `node --trace-.*\n/gm, '')
      .replace(/^(?:<folder>\S*|node:\S*|<anonymous_script>):\d+\n.*\n *\^*\n+/gm, '')
      .replace(/^ *at .*\bnode:.*?(,| \{)?$\n?/gm, (_line, end: string | undefined) =>
        end ? `<end>${end}\n` : '',
      )
      .replace(/\n<end>(,| \{)/g, '$1')
      .replace(/\n+Node\.js v\S+\n/g, '\n')
      .replace(/^\n+/, '')
  );
}
