// Usage: count-tests.mjs REPORT JEST_EXIT_CODE FAILED_STEPS
// Prints "N passed, N failed" as the last line and exits with 1 unless tests ran and everything passed.
import { readFileSync } from 'node:fs';

const [report, jestExitCode, failedSteps] = process.argv.slice(2);

/** Counts of one jest run; without a readable report the run itself is the failure. */
function countTests() {
  try {
    const run = JSON.parse(readFileSync(report, 'utf8'));
    const total = run.numPassedTests + run.numFailedTests;
    const broken = run.numRuntimeErrorTestSuites; // suites that could not be loaded: none of their tests ran
    return { passed: run.numPassedTests, failed: run.numFailedTests + broken + (total === 0 ? 1 : 0) };
  } catch (error) {
    process.stderr.write(`bifrost: jest left no report: ${error.message}\n`);
    return { passed: 0, failed: 1 };
  }
}

const tests = countTests();
if (Number(jestExitCode) !== 0 && tests.failed === 0) tests.failed = 1;
const failed = tests.failed + Number(failedSteps);
process.stdout.write(`${tests.passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
