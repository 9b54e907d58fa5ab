import { FAILURE_CODES, type FailureCode, failureRow } from '../contract/failure.js';

/** In the section of a code: what follows is written by hand, commands that cause the failure. */
const BY_HAND = '<!-- shown by -->';

/** What stands before and after the codes; the commands of the page leave their files in a folder. */
const BEGIN = `# Failure codes

A result that is not a success has \`failure.code\`, one of the codes below. \`error_type\` is the class name of the user's error for \`USER_ERROR\`, and a fixed name for every other code.

A failed execution is not tried again, because the same code with the same input fails again. Two things change that: a job whose BullMQ option \`attempts\` is above 1 asks for more attempts (the column says where that is ignored), and an execution whose worker died, froze or was cut off is started again by another worker without being asked.

Where a limit ended an execution, \`failure.evidence.limit\` names it: \`300 s of time\`, \`512 MB of memory\`. An error of user code that comes from one names it too: too many open files (\`OPEN_FILES_LIMIT\`) and processes or threads, which code may not start, are a \`USER_ERROR\`, because the code may handle them.

This page is generated from \`src/contract/failure.ts\` by \`npm run docs\`, but for the commands: each causes the failure, so that you can compare.

<!-- setup
mkdir -p trouble && cd trouble
-->
`;
const END = `## Afterwards

\`\`\`sh
cd .. && rm -r trouble
\`\`\`
`;

/**
 * Renders `docs/failure-codes.md` from the table, so that the page cannot say anything else. Of the page as it is,
 * only the commands stay.
 */
export function renderFailureDocs(page: string): string {
  const rows = FAILURE_CODES.map((code) => {
    const { status, errorType, fault, retry } = failureRow(code);
    return `| [\`${code}\`](#${code.toLowerCase()}) | \`${status}\` | \`${errorType}\` | ${fault} | ${retry ? 'yes' : 'no'} |`;
  });
  return [
    BEGIN,
    '| code | `status` | `error_type` | whose fault | more attempts when the job asks for them |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...FAILURE_CODES.map((code) => section(code, writtenByHand(page, code))),
    END,
  ].join('\n');
}

function section(code: FailureCode, commands: string): string {
  const { meaning, remedy } = failureRow(code);
  return `## ${code}\n\n${meaning}\n\nWhat to do: ${remedy}\n${commands}`;
}

/** From the mark in the section of a code to the next section; empty: there is none. */
function writtenByHand(page: string, code: FailureCode): string {
  const [, after = ''] = page.split(`\n## ${code}\n`);
  const [own = ''] = after.split('\n## ');
  const start = own.indexOf(BY_HAND);
  return start < 0 ? '' : `\n${own.slice(start).trimEnd()}\n`;
}
