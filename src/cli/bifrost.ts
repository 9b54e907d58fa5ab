#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VERSION } from '../lib/version.js';
import { defineCompletion } from './completion/completion-commands.js';
import { EXAMPLES } from './examples.js';
import { apiAccess } from './http/api-access.js';
import type { ArtifactsOptions } from './executions/artifacts.js';
import type { CancelOptions } from './executions/cancel.js';
import { CommandError, EXIT } from './output/exit.js';
import { defineHistory } from './history/history-commands.js';
import { type Output, paint } from './output/output.js';
import { defineTenants } from './organizations/tenants-commands.js';
import { definePackages } from './packages/packages-commands.js';
import type { LogsOptions } from './executions/logs.js';
import type { RunOptions } from './executions/run-request.js';
import { ProfileStore } from './profiles/profile-store.js';
import { defineProfiles } from './profiles/profiles-commands.js';
import { defineSchedules } from './schedules/schedules-commands.js';
import { defineTrials } from './trials.js';
import { defineWorkers } from './workers/workers-commands.js';
import type { SignOptions } from './executions/sign.js';
import { defineWorkspace } from './workspace/workspace-commands.js';

// The command line: what there is, and which file does it. Commands are loaded when they are asked for,
// so that a client command starts without the application.
//
// The environment is read here, once, and passed on: client commands have no settings table (it would
// load zod and know nothing of a client), and `worker` hands it to config as main.ts does.
const env = { ...process.env };
const output: Output = process;

const program = new Command('bifrost')
  .description('Runs JavaScript and TypeScript on bifrost workers')
  .version(VERSION)
  .exitOverride()
  .option('--profile <name>', 'what bifrost login has kept under this name; wins over the environment')
  .hook('preAction', () => {
    const { profile } = program.opts<{ profile?: string }>();
    if (profile !== undefined) env['BIFROST_PROFILE'] = profile;
  })
  .showHelpAfterError('(see bifrost --help)')
  .addHelpText(
    'after',
    `
Environment:
  BIFROST_URL      address of the HTTP API (default: that of bifrost login, or http://127.0.0.1:3000)
  BIFROST_TOKEN    token for it: API_TOKEN of the worker there, or one of bifrost tokens
  BIFROST_PROFILE  the same as --profile
  NO_COLOR         no colours`,
  );

program
  .command('worker')
  .description('start a worker in this process; docs/configuration.md lists its environment variables')
  .option('-i, --id <id>', 'its name (default: WORKER_ID, else host name and pid)')
  .option('-t, --type <type>', 'free text shown beside it (default: WORKER_TYPE, else local)')
  .action(async (options: { id?: string; type?: string }) => {
    // A worker must not end because its log has no reader any more.
    process.stdout.off('error', endWithReader);
    const { worker } = await import('./worker.js');
    await worker(env, options);
  });

program
  .command('doctor')
  .description('check whether a worker with these settings can run here, and test its isolation')
  .option('--json', 'print the whole report as JSON')
  .addHelpText(
    'after',
    `
Reads the environment variables of a worker (docs/configuration.md). Run it where the worker runs, as its user.

Exit codes:
  0 everything that was asked for is there, 1 something is not`,
  )
  .action(async (options: { json?: boolean }) => {
    const { doctor } = await import('./doctor.js');
    process.exitCode = await doctor(env, options, output);
  });

defineTrials(
  program,
  () => ({ env, output }),
  (code) => (process.exitCode = code),
);

program
  .command('open')
  .description('open the console in the browser, or print its address where there is none')
  .option('--json', 'print a document instead of the address')
  .action(async (options: { json?: boolean }) => {
    const { openConsole } = await import('./open.js');
    const desk = { platform: process.platform, env };
    process.exitCode = await openConsole(apiAccess(env), desk, output, options);
  });

program
  .command('run')
  .description('run a file on a worker, show what it prints while it runs, and what it returned')
  .argument('[file]', 'JavaScript or TypeScript; runs as a script unless a function is to be called')
  .option('--module <path>', 'published module of the workspace instead of a file')
  .option('--param <name=value>', 'parameter of the function, as JSON or text; repeatable', collect)
  .option('--function <name>', 'export to call (default: "default" when there are parameters)')
  .option(
    '--workspace <dir>',
    'folder whose files it imports, as they are on disk (default: the working directory, if it imports any)',
  )
  .option(
    '--secret <name=value>',
    'secret of the code, or a name alone for that environment variable',
    collect,
  )
  .option('--env <name=value>', 'environment variable of the code, or a name alone; repeatable', collect)
  .option('--tag <tag>', 'tag of the execution; repeatable', collect)
  .option('--organization <id>', 'organization on whose behalf it runs')
  .option('--timeout <seconds>', 'time limit (default: that of the worker)')
  .option('--network <policy>', 'network of the code: none, proxy or open; not more than the worker has')
  .option('--attempts <n>', 'how often it is tried while its code fails (default: once)')
  .option('--capture-locals', 'on failure, show the local variables of the failing calls too')
  .option('--quiet', 'print what it returned, and nothing of what it prints')
  .option('--json', 'print the whole result document, and nothing else')
  .addHelpText(
    'after',
    `
Exit codes:
  0 succeeded, 1 failed, 124 timed out, 130 cancelled or interrupted
  2 the command line or the request cannot be used, 3 the API cannot be reached`,
  )
  .action(async (file: string | undefined, options: RunOptions) => {
    const { run } = await import('./executions/run.js');
    const io = { access: apiAccess(env), output, interrupt: onCtrlC(), env };
    process.exitCode = await run(file, options, io);
  });

program
  .command('logs')
  .description('print what an execution or task has printed')
  .argument('<id>', 'id of the execution or task')
  .option('-f, --follow', 'go on until it ends, with a bar of its progress on a terminal')
  .option('--json', 'one JSON document a line for each event: prints, progress, start, end')
  .action(async (id: string, options: LogsOptions) => {
    const { logs } = await import('./executions/logs.js');
    process.exitCode = await logs(id, options, { access: apiAccess(env), output, interrupt: onCtrlC() });
  });

program
  .command('artifacts')
  .description('list the files that an execution left, or save them')
  .argument('<id>', 'id of the execution or task')
  .option('--save <dir>', 'save them into this folder; what is there already is not touched')
  .option('--json', 'print the document of the API')
  .action(async (id: string, options: ArtifactsOptions) => {
    const { artifacts } = await import('./executions/artifacts.js');
    const io = { access: apiAccess(env), output, interrupt: onCtrlC() };
    process.exitCode = await artifacts(id, options, io);
  });

program
  .command('sign')
  .description('print the signed job data for a stored context or a task; docs/signed-jobs.md')
  .argument('<file>', 'the context exactly as it is stored, or a task with --task; - reads standard input')
  .option('--id <id>', 'id of the execution whose context it is')
  .option('--task', 'the file is a task')
  .option('--json', 'as it is without it')
  .option('--valid-for <seconds>', 'refused when it is older (default: never)')
  .addHelpText('after', '\nEnvironment:\n  JOB_SIGNING_KEY  the key of the workers')
  .action(async (file: string, options: SignOptions) => {
    const { signFile } = await import('./executions/sign.js');
    process.exitCode = await signFile(file, options, { key: env['JOB_SIGNING_KEY'], output });
  });

program
  .command('status')
  .description('show the state of an execution and, while it is queued, why it waits')
  .argument('<id>', 'id of the execution')
  .option('--json', 'print the document of the API')
  .action(async (id: string, options: { json?: boolean }) => {
    const { status } = await import('./executions/status.js');
    process.exitCode = await status(id, options, { access: apiAccess(env), output });
  });

program
  .command('cancel')
  .description('cancel an execution, queued or running, and wait until it has ended')
  .argument('<id>', 'id of the execution')
  .option('--reason <text>', 'shown to the code, and kept in the result')
  .option('--no-wait', 'only ask for the end')
  .option('--json', 'print the document of the API')
  .addHelpText('after', '\nExit codes:\n  0 cancelled, 1 it had ended before: nothing was changed')
  .action(async (id: string, options: CancelOptions) => {
    const { cancel } = await import('./executions/cancel.js');
    process.exitCode = await cancel(id, options, { access: apiAccess(env), output, interrupt: onCtrlC() });
  });

defineHistory(
  program,
  () => ({ access: apiAccess(env), output, interrupt: onCtrlC() }),
  (code) => (process.exitCode = code),
);

defineWorkers(
  program.command('workers').description('list the live workers, or control them'),
  () => ({ access: apiAccess(env), output }),
  (code) => (process.exitCode = code),
);

defineSchedules(
  program.command('schedules').description('what runs again and again, and when'),
  () => ({ access: apiAccess(env), output }),
  (code) => (process.exitCode = code),
);

defineTenants(
  program,
  () => ({ access: apiAccess(env), output, input: process.stdin }),
  (code) => (process.exitCode = code),
);

definePackages(
  program.command('packages').description('the npm packages that executions may import'),
  () => ({ access: apiAccess(env), output, interrupt: onCtrlC() }),
  (code) => (process.exitCode = code),
);

defineWorkspace(
  program.command('workspace').description('the modules that executions import, in generations'),
  () => ({ access: apiAccess(env), output, interrupt: onCtrlC() }),
  (code) => (process.exitCode = code),
);

defineProfiles(
  program,
  () => ({
    store: new ProfileStore(env),
    stdin: process.stdin,
    output,
    profile: env['BIFROST_PROFILE'] || undefined,
  }),
  (code) => (process.exitCode = code),
);

defineCompletion(program, EXAMPLES, output, (code) => (process.exitCode = code));
process.stdout.on('error', endWithReader);
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** Prints what ended a command, unless commander has done so, and returns the exit code. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.succeeded : EXIT.usage;
  if (error instanceof CommandError) {
    output.stderr.write(`${paint('red', 'bifrost:', output.stderr)} ${error.message}\n`);
    return error.exitCode;
  }
  // A bug of this program: a report of it needs the stack.
  output.stderr.write(`${(error as Error).stack}\n`);
  return EXIT.unavailable;
}

/** Aborts at the first Ctrl-C, so that a command can say what goes on without it; the second ends it as usual. */
function onCtrlC(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** `bifrost run x | head` ends quietly when head does. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
