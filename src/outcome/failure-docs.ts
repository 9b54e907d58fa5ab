import { FAILURE_CODES, failureRow } from '../contract/failure.js';

/** Renders `docs/failure-codes.md` from the table, so that the page cannot say anything else. */
export function renderFailureDocs(): string {
  const rows = FAILURE_CODES.map((code) => {
    const { meaning, fault, retry, remedy } = failureRow(code);
    return `| \`${code}\` | ${meaning} | ${fault} | ${retry ? 'yes' : 'no'} | ${remedy} |`;
  });
  return [
    '# Failure codes',
    '',
    "A result that is not a success has `failure.code`, one of the codes below. `error_type` is the class name of the user's error for `USER_ERROR`, and a fixed name for every other code.",
    '',
    'A failed execution is not tried again, because the same code with the same input fails again. Two things change that: a job whose BullMQ option `attempts` is above 1 asks for more attempts (the column says where that is ignored), and an execution whose worker died, froze or was cut off is started again by another worker without being asked.',
    '',
    'This page is generated from `src/contract/failure.ts` by `npm run docs`.',
    '',
    '| code | meaning | whose fault | more attempts when the job asks for them | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    'Where a limit ended an execution, `failure.evidence.limit` names it: `300 s of time`, `512 MB of memory`. An error of user code that comes from one names it too: too many open files (`OPEN_FILES_LIMIT`) and processes or threads, which code may not start, are a `USER_ERROR`, because the code may handle them.',
    '',
  ].join('\n');
}
