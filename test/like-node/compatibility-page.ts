import { packagesPart } from '../compat/packages-part.js';
import type { Row } from './row.js';
import { ENDS } from './rows/ends.js';
import { ERRORS } from './rows/errors.js';
import { MAIN_PROGRAM } from './rows/main-program.js';
import { OUTPUT } from './rows/output.js';

/** Every program that is compared, by what it is about. */
export const TOPICS: readonly (readonly [title: string, rows: readonly Row[]])[] = [
  ['Main program and formats', MAIN_PROGRAM],
  ['Ends', ENDS],
  ['Errors', ERRORS],
  ["Output, language and Node's modules", OUTPUT],
];

export const ALL_ROWS: readonly Row[] = TOPICS.flatMap(([, rows]) => rows);

const HEAD = `# Compatibility with Node

Generated from \`test/like-node\` by \`npm run docs:compat\`. Each program of the table runs by plain Node and on a forked process, a started process, a reused process and a thread (\`npm run test:like-node\`; \`npm test\` runs all on a forked process and a third on each of the others); stdout, stderr and exit code must be the same, apart from the folder, the calls of Node's own in stack traces, and the line of source that Node prints above an error.

## What differs by design

| code | by plain Node | here |
| --- | --- | --- |
| a default export that is a function, where no function is named | is not called | is called with \`(parameters, context)\`, unless the code asks whether it is the main program |
| a promise, or a top-level \`return\`, as the value of a script | is dropped | is the result |
| \`process.argv[1]\` where a function is named | | names no module: one whose function is called is not the main program, whichever way it asks |
| \`require\` in a module with \`import\` or \`export\` | is not defined | works |
| enum, namespace, parameter properties, JSX | refused | compiled |
| files outside of the scratch folder and the packages | as the user may | refused, in words that name the folder; \`existsSync\` answers false |
| the network | open | by the setting \`NETWORK\` |
| \`node:sqlite\`, \`node:inspector\`, child processes, worker threads | work | refused |
| native add-ons of packages | work | with \`NATIVE_ADDONS=on\`; SQLite has databases in memory and in the scratch folder |
| \`os.userInfo()\`, \`os.networkInterfaces()\` where the isolation hides them | the machine's | a plain user, \`{}\` |
| variables declared with \`using\` at the top level | | are not among the variables of the result: V8 does not dispose of what is exported |
| the text of a function (\`String(f)\`), columns and the names of calls in a stack | as written | as the compiler prints it; as by \`node --enable-source-maps\` |
| \`emitDecoratorMetadata\`, \`paths\`, \`baseUrl\` of a workspace's tsconfig.json | not known to Node | carried out ([workspace.md](workspace.md)); the type of an enum from another file is \`Object\` |

## Programs that differ

`;

/** The page docs/compatibility.md. */
export function compatibilityPage(): string {
  const differing = ALL_ROWS.filter(({ differs }) => differs !== undefined);
  const differences = differing.map(
    ({ name, differs }) => `| ${name} | ${differs?.in.join(', ')} | ${differs?.reason} |`,
  );
  const compared = TOPICS.map(
    ([title, rows]) => `### ${title} (${rows.length})\n\n${rows.map(({ name }) => name).join('; ')}.\n`,
  );
  return `${HEAD}| program | not the same | why |\n| --- | --- | --- |\n${differences.join('\n')}\n\n## Programs that are compared (${ALL_ROWS.length})\n\n${compared.join('\n')}\n${packagesPart()}`;
}
