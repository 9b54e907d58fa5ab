// Prints what the end of `npm test` says: "N passed, N failed".
// Arguments: steps before the tests that failed; then for each run of jest its report and its exit code.
import { readFileSync } from 'node:fs';

const [failedSteps, ...rest] = process.argv.slice(2);

/** Counts of one jest run; without a readable report the run itself is the failure. */
function countTests(report, exitCode) {
  try {
    const run = JSON.parse(readFileSync(report, 'utf8'));
    const total = run.numPassedTests + run.numFailedTests;
    const broken = run.numRuntimeErrorTestSuites; // suites that could not be loaded: none of their tests ran
    const failed = run.numFailedTests + broken + (total === 0 ? 1 : 0);
    return { passed: run.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
  } catch (error) {
    process.stderr.write(`bifrost: jest left no report: ${error.message}\n`);
    return { passed: 0, failed: 1 };
  }
}

let passed = 0;
let failed = Number(failedSteps);
for (let index = 0; index < rest.length; index += 2) {
  const run = countTests(rest[index], Number(rest[index + 1]));
  passed += run.passed;
  failed += run.failed;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
