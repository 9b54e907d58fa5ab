import { row, type Difference, type Row } from '../row.js';

const WARNED: Difference = {
  reason: 'the warning names the file and not the line: V8 shows that to Node alone',
  in: ['stderr'],
  shows: /Warning: Detected unsettled top-level await at \S*inline-code\.ts/,
};

/** How programs end: exit listeners, exit codes, what is left to do, what is disposed of. */
export const ENDS: readonly Row[] = [
  row('an exit listener', 'process.on("exit", (code) => console.log("end", code))'),
  row(
    'an exit listener that sets the code',
    'process.on("exit", () => { console.log("1 failed"); process.exitCode = 3 })',
  ),
  row(
    'an exit listener after process.exit',
    'process.on("exit", (code) => console.log("end", code));\nprocess.exit(4)',
  ),
  row(
    'an exit listener that overrides',
    'process.on("exit", () => { process.exitCode = 6 });\nprocess.exit(4)',
  ),
  row(
    'process.exit with more than the system keeps',
    'process.on("exit", (c) => console.log(c)); process.exit(300);',
  ),
  row('process.exit with what the system takes for none', 'process.exit(256);'),
  row('a negative process.exitCode', 'process.exitCode = -1;'),
  row(
    'an uncaughtException listener that throws, and an exit listener',
    'process.on("exit", () => console.log("end"));\nprocess.on("uncaughtException", () => { throw new Error("again") });\nthrow new Error("first");',
  ),
  row(
    'promises of an exit listener',
    'process.on("exit", () => { Promise.resolve().then(() => console.log("late")) })',
    { reason: 'the program has ended when its exit listeners have run', in: ['stdout'] },
  ),
  row('an exit listener that exits', 'process.on("exit", () => process.exit(5))'),
  row(
    'several exit listeners',
    'process.once("exit", () => console.log(1));\nprocess.prependListener("exit", () => console.log(0));\nprocess.on("exit", () => console.log(2))',
  ),
  row(
    'an exit listener of ESM',
    'import process from "node:process";\nprocess.on("exit", () => console.log("end"));\nawait null',
  ),
  row(
    'an exit listener after an error',
    'process.on("exit", (code) => console.error("bye", code));\nthrow new Error("q")',
  ),
  row(
    'an exit listener that changes the code of an error',
    'process.on("exit", () => { process.exitCode = 9 });\nthrow new Error("q")',
  ),
  row('an exit listener that throws', 'process.on("exit", () => { throw new Error("in exit") })'),
  row(
    'an exit listener that throws after exit',
    'process.on("exit", () => { throw new Error("in exit") });\nprocess.exit(2)',
    {
      reason: 'Node reports the throw of process.exit; the code is that of the error',
      in: ['exit code', 'stderr'],
    },
  ),
  row('process.exitCode', 'process.exitCode = 2;\nconsole.log("on")'),
  row('process.exitCode = 0', 'process.exitCode = 0;\nconsole.log("on")'),
  row('process.exitCode as text', 'process.exitCode = "3"'),
  row('process.exit', 'console.log("before");\nprocess.exit();\nconsole.log("after")'),
  row('process.exit with a code', 'process.exit(7)'),
  row(
    'process.exit from a timer',
    'setTimeout(() => process.exit(2), 5);\nsetTimeout(() => console.log("late"), 10000)',
  ),
  row('process.exit with exitCode', 'process.exitCode = 4;\nprocess.exit()'),
  row('process.exit in a promise', 'Promise.resolve().then(() => process.exit(3))'),
  row(
    'beforeExit',
    'process.once("beforeExit", (code) => console.log("empty", code));\nprocess.on("exit", () => console.log("exit"))',
  ),
  row(
    'beforeExit that goes on',
    'let n = 0;\nprocess.on("beforeExit", () => { if (n++ < 2) setTimeout(() => console.log("more", n), 1) })',
  ),
  row(
    'what is left to do',
    'setImmediate(() => { console.log("immediate"); setTimeout(() => console.log("timer"), 1) });\nconsole.log("now")',
  ),
  row('an unreferenced timer', 'setTimeout(() => console.log("never"), 60000).unref();\nconsole.log("now")'),
  row(
    'a cleared interval',
    'let n = 0;\nconst timer = setInterval(() => { console.log(n); if (++n === 3) clearInterval(timer) }, 1)',
  ),
  row(
    'ticks before promises',
    'Promise.resolve().then(() => console.log("promise"));\nprocess.nextTick(() => console.log("tick"));\nqueueMicrotask(() => console.log("microtask"));\nconsole.log("now")',
  ),
  row(
    'promises before ticks in ESM',
    'export {};\nPromise.resolve().then(() => console.log("promise"));\nprocess.nextTick(() => console.log("tick"));\nconsole.log("now")',
  ),
  row(
    'an order of turns',
    'setImmediate(() => { console.log("i1"); process.nextTick(() => console.log("t")); Promise.resolve().then(() => console.log("p")) });\nsetImmediate(() => console.log("i2"))',
  ),
  row('an unsettled await', 'await new Promise(() => {})', WARNED),
  row(
    'an unsettled await after output',
    'console.log("on");\nawait new Promise(() => {});\nconsole.log("never")',
    WARNED,
  ),
  row(
    'an unsettled await with an exit listener',
    'process.on("exit", (code) => console.log("code", code));\nawait new Promise(() => {})',
    WARNED,
  ),
  row(
    'an unsettled await after a timer',
    'setTimeout(() => console.log("timer"), 5);\nawait new Promise(() => {})',
    WARNED,
  ),
  row(
    'an unsettled await of an unreferenced timer',
    'await new Promise((resolve) => setTimeout(resolve, 60000).unref())',
    WARNED,
  ),
  row(
    'an await that settles late',
    'console.log(await new Promise((resolve) => setTimeout(resolve, 20, "late")))',
  ),
  row('an unsettled promise that nothing waits for', 'new Promise(() => {});\nconsole.log("done")'),
  row(
    'an async main that never settles',
    'async function main() { console.log("on"); await new Promise(() => {}) }\nmain()',
  ),
  row(
    'await using',
    'await using db = { async [Symbol.asyncDispose]() { console.log("disposed") } };\nconsole.log("used")',
  ),
  row(
    'using',
    'export {};\nusing file = { [Symbol.dispose]() { console.log("closed") } };\nconsole.log("used")',
  ),
  row(
    'using and other variables',
    'export {};\nconst before = 1;\nusing a = { [Symbol.dispose]() { console.log("a") } };\nusing b = { [Symbol.dispose]() { console.log("b") } };\nlet after = 2;\nconsole.log(before, after)',
  ),
  row(
    'using in a block',
    '{ using a = { [Symbol.dispose]() { console.log("closed") } }; console.log("in") }\nconsole.log("out")',
  ),
  row(
    'using in a function',
    'function f() { using a = { [Symbol.dispose]() { console.log("closed") } }; return 1 }\nconsole.log(f())',
  ),
  row(
    'using and an error',
    'export {};\nusing a = { [Symbol.dispose]() { console.log("closed") } };\nthrow new Error("in")',
  ),
  row(
    'a DisposableStack',
    'export {};\nusing stack = new DisposableStack();\nstack.defer(() => console.log("deferred"));\nconsole.log("on")',
  ),
  row(
    'an uncaughtException listener',
    'process.on("uncaughtException", (error, origin) => console.log("caught", error.message, origin));\nthrow new Error("q")',
  ),
  row(
    'an uncaughtException listener goes on',
    'process.on("uncaughtException", () => console.log("caught"));\nsetTimeout(() => console.log("still here"), 5);\nthrow new Error("q")',
  ),
  row(
    'an uncaughtException listener that throws',
    'process.on("uncaughtException", () => { throw new Error("second") });\nthrow new Error("first")',
  ),
  row(
    'an uncaughtException listener that exits',
    'process.on("uncaughtException", () => process.exit(8));\nthrow new Error("q")',
  ),
  row(
    'an uncaughtExceptionMonitor',
    'process.on("uncaughtExceptionMonitor", (error) => console.log("seen", error.message));\nthrow new Error("q")',
  ),
  row(
    'an unhandledRejection listener',
    'process.on("unhandledRejection", (reason) => console.log("rejected", reason.message));\nPromise.reject(new Error("q"))',
  ),
  row(
    'a rejection that is handled late',
    'process.on("unhandledRejection", () => {});\nprocess.on("rejectionHandled", () => console.log("handled"));\nconst p = Promise.reject(new Error("q"));\nsetTimeout(() => p.catch(() => {}), 5)',
  ),
  row('an error in a timer', 'setTimeout(() => { throw new Error("late") }, 2)'),
  row('an error in an immediate', 'setImmediate(() => { throw new TypeError("late") })'),
  row('an error in a tick', 'process.nextTick(() => { throw new Error("tick") })'),
  row(
    'a warning',
    'process.on("warning", (warning) => console.log(warning.name, warning.message));\nprocess.emitWarning("careful", { type: "Mine" })',
  ),
  row(
    'stdin is empty',
    'process.stdin.on("data", () => console.log("data")).on("end", () => console.log("end"))',
  ),
  row(
    'FinalizationRegistry and WeakRef',
    'const ref = new WeakRef({});\nnew FinalizationRegistry(() => {}).register({}, 1);\nconsole.log(typeof ref.deref())',
  ),
  row(
    'AsyncLocalStorage',
    'import { AsyncLocalStorage } from "node:async_hooks";\nconst store = new AsyncLocalStorage();\nstore.run(7, () => setTimeout(() => console.log(store.getStore()), 1));\nconsole.log(store.getStore())',
  ),
  row(
    'an event emitter without a listener for errors',
    'import { EventEmitter } from "node:events";\nnew EventEmitter().emit("error", new Error("heard by none"))',
    {
      reason: 'Node adds where an event was emitted, in a way that it alone can',
      in: ['stderr'],
      shows: /Error: heard by none\n.*inline-code\.ts:2:/,
    },
  ),
  row(
    'an AbortSignal',
    'const c = new AbortController();\nc.signal.addEventListener("abort", () => console.log(c.signal.reason.message));\nc.abort(new Error("stop"))',
  ),
];
