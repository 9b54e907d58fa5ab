import { row, type Row } from '../row.js';

/** What programs say of their errors. */
export const ERRORS: readonly Row[] = [
  row('an error', 'console.log("before");\nthrow new Error("boom")'),
  row('an error of ESM', 'export {};\nthrow new Error("boom")'),
  row(
    'an error in a function',
    'function inner() {\n  throw new RangeError("deep");\n}\nfunction outer() {\n  inner();\n}\nouter();',
  ),
  row(
    'an error with types around it',
    'interface A { n: number }\ntype B = A | null;\n\nfunction fail(a: A): never {\n  throw new Error(`n is ${a.n}`);\n}\nfail({ n: 1 });',
  ),
  row(
    'an error after an await',
    'export {};\nasync function f() {\n  await null;\n  throw new Error("later");\n}\nawait f();',
  ),
  row(
    'an error in an async main',
    'async function main() {\n  await null;\n  throw new Error("in main");\n}\nmain();',
  ),
  row(
    'fields of an error',
    'throw Object.assign(new Error("duplicate key"), { code: "23505", detail: "Key (id)=(1) exists" })',
  ),
  row(
    'nested fields of an error',
    'throw Object.assign(new Error("no"), { response: { status: 404, body: { a: [1, 2] } } })',
  ),
  row('a cause', 'throw new Error("outer", { cause: new TypeError("inner") })'),
  row('a cause that is no error', 'throw new Error("outer", { cause: { status: 500 } })'),
  row(
    'causes of causes',
    'const a = new Error("a");\nconst b = new Error("b", { cause: a });\nthrow new Error("c", { cause: b });',
  ),
  row(
    'Promise.any',
    'export {};\nawait Promise.any([Promise.reject(new Error("first")), Promise.reject(new TypeError("second"))])',
  ),
  row('an AggregateError', 'throw new AggregateError([new Error("one"), "two"], "both")'),
  row(
    'a SuppressedError',
    'throw new SuppressedError(new Error("in dispose"), new Error("in body"), "both")',
  ),
  row('a DOMException', 'throw new DOMException("stopped", "AbortError")'),
  row('an aborted signal', 'export {};\nAbortSignal.abort().throwIfAborted()'),
  row('a class of errors', 'class QuotaError extends Error {}\nthrow new QuotaError("too much")'),
  row('a named error', 'const error = new Error("x");\nerror.name = "Custom";\nthrow error'),
  row(
    'a class with a name',
    'class E extends Error { name = "HttpError"; status = 404 }\nthrow new E("not found")',
  ),
  row('an error without a stack', 'const error = new Error("bare");\nerror.stack = undefined;\nthrow error'),
  row('a stack of its own', 'const error = new Error("x");\nerror.stack = "my own stack";\nthrow error'),
  row('a thrown text', 'throw "text"'),
  row('a thrown bigint', 'throw 10n'),
  row('a thrown minus zero', 'throw -0'),
  row('a thrown Map', 'throw new Map([[1, { a: 2 }]])'),
  row('a thrown number', 'throw 42'),
  row('a thrown object', 'throw { code: 7 }'),
  row('a thrown null', 'throw null'),
  row('a thrown undefined', 'throw undefined'),
  row('a thrown symbol', 'throw Symbol("s")', {
    reason: 'Node shows nothing of it',
    in: ['stderr'],
    shows: /Symbol\(s\)/,
  }),
  row('a thrown error-like', 'throw { message: "like", stack: "like: an error" }'),
  row('a rejected text', 'Promise.reject("text")'),
  row('a rejected object', 'Promise.reject({ a: 1 })'),
  row('a rejected error', 'Promise.reject(new Error("rejected"))'),
  row('a rejected null', 'Promise.reject(null)'),
  row('a reference to nothing', 'nothing.here'),
  row('a call of undefined', 'const o = {};\no.f()'),
  row('a property of undefined', 'const o = { a: undefined };\no.a.b'),
  row('JSON that is none', 'JSON.parse("{a")'),
  row(
    'endless recursion',
    'function f() { return f() + 1 }\ntry { f() } catch (error) { console.log(error.name, error.message) }',
  ),
  row('an assertion', 'import assert from "node:assert";\nassert.strictEqual(1, 2)'),
  row(
    'an error of the file system',
    'try { require("node:fs").readFileSync("not-here") } catch (error) { console.log(error.code, error.syscall) }',
  ),
  row('console.error of an error', 'function here() {\n  console.error(new Error("shown"));\n}\nhere();'),
  row('console.error of an error in ESM', 'export {};\nconsole.error(new Error("shown"))'),
  row('console.error with fields', 'console.error(Object.assign(new Error("shown"), { code: "E1" }))'),
  row('console.log of causes', 'console.log(new Error("outer", { cause: new Error("inner") }))'),
  row('console.trace', 'function here() {\n  console.trace("at %s", "here");\n}\nhere();'),
  row('console.trace in ESM', 'export {};\nconsole.trace()'),
  row(
    'console.trace after an await',
    'export {};\nasync function f() {\n  await null;\n  console.trace("later");\n}\nawait f();',
  ),
  row('console.assert', 'console.assert(1 === 2, "one is %d", 1)'),
  row(
    'lines of a stack',
    'const { stack } = new Error("x");\nconsole.log(stack.split("\\n").slice(0, 2).join("|"))',
  ),
  row(
    'lines after types',
    'type A = { a: number };\n\ninterface B extends A {\n  b: string;\n}\n\nconsole.log(new Error("x").stack!.split("\\n")[1])',
  ),
  row(
    'lines of JavaScript',
    'const a = [\n  1,\n  2,\n];\n\n\nconsole.log(a.map(() => new Error("x").stack.split("\\n")[1])[0])',
  ),
  row(
    'Error.captureStackTrace',
    'function f() { const o = {}; Error.captureStackTrace(o, f); return o.stack }\nconsole.log(f().split("\\n")[1])',
  ),
  row(
    'Error.prepareStackTrace',
    'Error.prepareStackTrace = (error, sites) => sites[0].getFunctionName();\nfunction named() { return new Error("x").stack }\nconsole.log(named());\nError.prepareStackTrace = undefined;',
  ),
  row(
    'Error.stackTraceLimit',
    'const before = Error.stackTraceLimit;\nError.stackTraceLimit = 1;\nconsole.log(new Error("x").stack.split("\\n").length);\nError.stackTraceLimit = before;',
  ),
  row(
    'an error with a getter',
    'const error = new Error("x");\nObject.defineProperty(error, "lazy", { enumerable: true, get() { return 1 } });\nthrow error',
  ),
  row(
    'an error with a custom inspect',
    'const error = new Error("x");\nerror[Symbol.for("nodejs.util.inspect.custom")] = () => "CUSTOM";\nthrow error',
  ),
  row('a message of several lines', 'throw new Error("first\\nsecond")'),
];
